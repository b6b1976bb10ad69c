"""Damaged sources of own images: folders, .npz, Arrow and Parquet files."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from tests.support import arrow_sets
from tests.support.bad_input.sources import (
  class_folders,
  damaged,
  declared_png,
  files,
  half,
  linked,
  npz,
  pets,
  picture,
  replaced,
)
from tests.support.bad_input.tables import PREPARED, SMALL, Evil, argv

IMAGES = np.zeros((12, 16, 16, 1), np.uint8)
ROWS = [arrow_sets.encoded(20 * i, size=16) for i in range(12)], [i % 2 for i in range(12)]


def with_file(name, data):
  """A builder of two classes with a file added or replaced."""
  return files({**class_folders(), name: data})


def flat(root):
  """Images without labels."""
  return files({f'{i}.png': picture(colour=(i, 0, 0)) for i in range(12)})(root)


FOLDERS = {
  'missing': (lambda root: root, r'source .*/source does not exist \(--config.data.source\)'),
  'empty': (files({}), 'has no class folders and no images'),
  'hidden': (files({'.1.png': picture()}), 'has no class folders and no images'),
  'other files': (
    files({'1.pdf': b'', 'notes.txt': b''}),
    r'images \(passed over: 1 .pdf, 1 .txt\)',
  ),
  'images beside classes': (with_file('1.png', picture()), r'has images \(1.png\) beside folders'),
  'empty class': (with_file('cow', None), r'class folder .*/cow has no images \(.png'),
  'class of one': (with_file('cow/1.png', picture()), 'class cow has 1 image, at least 2 are'),
  'single class': (
    files(class_folders(('cat',))),
    "expected two or more classes, found 'cat' only",
  ),
  'no labels': (flat, 'expected images with labels for classifier and annotator'),
  'other test class': (
    files({'train/cat/1.png': picture(), 'test/cow/1.png': picture()}),
    'class folder .*/test/cow has no counterpart',
  ),
  'empty PNG': (with_file('cat/1.png', b''), r'cat/1.png cannot be read \(damaged, or not PNG'),
  'text': (with_file('cat/1.png', b'hello'), r'cat/1.png cannot be read \(damaged, or not PNG'),
  'half a PNG': (with_file('cat/1.png', half(picture())), 'cat/1.png cannot be read'),
  'half a JPEG': (with_file('cat/1.jpg', half(picture(kind='JPEG'))), 'cat/1.jpg cannot be read'),
  'half a WebP': (with_file('cat/1.webp', half(picture(kind='WEBP'))), 'cat/1.webp cannot be read'),
  'half a BMP': (with_file('cat/1.bmp', half(picture(kind='BMP'))), 'cat/1.bmp cannot be read'),
  'a PDF': (with_file('cat/1.png', picture(kind='PDF')), 'damaged, or not PNG, JPEG, BMP, WEBP'),
  # Pillow would start Ghostscript.
  'PostScript': (
    with_file('cat/1.png', b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n'),
    'damaged, or not PNG, JPEG, BMP, WEBP',
  ),
  '16 bits': (with_file('cat/1.png', picture(mode='I;16')), 'more than 8 bits per channel'),
  'other size': (with_file('cat/1.png', picture(17)), 'is 17x17, but without image_size'),
  'not square': (with_file('cat/1.png', picture((16, 20))), 'is 16x20, but without image_size'),
  'bomb': (with_file('cat/1.png', declared_png(30_000, 30_000)), '900000000 pixels. exceeds limit'),
  'small bomb': (with_file('cat/1.png', declared_png(9999, 9999)), '9999x9999 pixels are too many'),
  'no pixels': (with_file('cat/1.png', declared_png(0, 5)), 'cat/1.png cannot be read'),
  'link to itself': (linked(pets, 'cat/1.png', '1.png'), 'cat/1.png is a link that leads nowhere'),
  'link to nothing': (linked(pets, 'cat/1.png', 'x.png'), 'cat/1.png is a link that leads nowhere'),
  'class links to itself': (linked(pets, 'dog', 'dog'), 'dog is a link that leads nowhere'),
  'class links up': (linked(pets, 'cow', '..'), 'class folder .*/cow has no images'),
  'class links in a circle': (linked(pets, 'cow', '.'), 'class folder .*/cow has no images'),
  'link to another file': (linked(pets, 'cat/1.png', '/etc/passwd'), 'damaged, or not PNG'),
  'line end in a file': (with_file('cat/a\nb.png', b''), 'cat/a b.png cannot be read'),
  'line end in a class': (with_file('a\nb/1.png', picture()), r"a class called 'a\\nb'"),
  'space after a class': (with_file('cat /1.png', picture()), "a class called 'cat '"),
}


@pytest.mark.parametrize('name', FOLDERS)
def test_folders(name, refused, tmp_path):
  build, message = FOLDERS[name]
  found_later = name in ('single class', 'no labels')  # The prepared data is complete.
  refused(argv(tmp_path, build(tmp_path / 'source')), message, PREPARED if found_later else 'none')


OPTIONS = {
  'image_size=5000': r'image_size=5000: expected an integer in 4\.\.4096',
  'image_size=-1': 'image_size=-1: expected a positive integer',
  'imbalance_ratio=0.5': 'imbalance_ratio=0.5: expected a number >= 1',
  'imbalance_ratio=nan': "imbalance_ratio='nan': expected a number >= 1",
  'imbalance_ratio=inf': "imbalance_ratio='inf': expected a number >= 1",
  'background=rot': "background='rot': expected a colour, such as white or #000000",
  'imbalance_ratio=1000': 'imbalance_ratio 1000 leaves class dog without images',
}


@pytest.mark.parametrize('option', OPTIONS)
def test_options(option, refused, tmp_path):
  flags = (*SMALL, f'--config.data.options.{option}')
  refused(argv(tmp_path, pets(tmp_path / 'source'), flags=flags), OPTIONS[option])


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    ((), 'has 10 images, fewer than the 256 of one step: lower config.train.batch_size'),
    (
      (*SMALL, '--config.annotator.train.batch_size=100'),
      'lower config.annotator.train.batch_size',
    ),
    ((*SMALL, '--config.cas.train.batch_size=100'), 'lower config.cas.train.batch_size'),
    ((*SMALL, '--config.data.options.image_size=18'), 'square images of 8, 16, 32, 64, ... pixels'),
    ((*SMALL, '--config.data.dataset=long_tail_folder/x'), 'long_tail_folder/x: source .* makes'),
  ],
  ids=['batch', 'annotator', 'cas', 'size', 'name'],
)
def test_settings_that_do_not_fit_the_images(flags, message, refused, tmp_path):
  refused(argv(tmp_path, pets(tmp_path / 'source'), flags=flags), message, PREPARED)


def test_codes_without_labels(refused, tmp_path):
  command = argv(tmp_path, flat(tmp_path / 'source'), 'elastic_infogan_folder', SMALL[:1])
  refused(command, 'num_categories=None: expected a number of codes.*has no labels', PREPARED)


def test_a_data_dir_that_is_a_file(refused, tmp_path):
  (tmp_path / 'data').write_text('in the way')
  refused(argv(tmp_path, pets(tmp_path / 'source')), 'data_dir .*data: the data cannot be prepared')


def test_names_that_are_not_text(refused, tmp_path):
  folder = os.fsencode(pets(tmp_path / 'source')) + b'/caf\xe9'
  os.mkdir(folder)
  with open(folder + b'/1.png', 'wb') as file:
    file.write(picture())
  refused(argv(tmp_path, tmp_path / 'source'), r"a class called 'caf\\udce9'")


def test_every_name_that_is_text_works(accepted, tmp_path):
  """Spaces, other scripts, undecodable file names, links, grey images and alpha channels."""
  contents = class_folders(('Haus Katze', '猫 & ñandú', "it's; $HOME"))
  contents['Haus Katze/ä é.png'] = picture(mode='L')
  contents['Haus Katze/half.png'] = picture(mode='RGBA', colour=(1, 2, 3, 4))
  root = tmp_path / 'my pets é 猫'
  files(contents)(root)
  with open(os.fsencode(root / 'Haus Katze') + b'/caf\xe9.png', 'wb') as file:
    file.write(picture(mode='P'))
  (tmp_path / 'elsewhere.png').write_bytes(picture())
  (root / 'Haus Katze' / 'link.png').symlink_to(tmp_path / 'elsewhere.png')
  accepted(argv(tmp_path, root))
  with open(next(tmp_path.glob('data/*/*/*/metadata.json'))) as file:
    assert '\\u732b & \\u00f1and\\u00fa' in file.read()


def test_what_was_read_is_shown_before_training(command, tmp_path):
  contents = {**class_folders(), 'cat/more/9.tif': picture(kind='TIFF'), 'cat/notes.txt': b'x'}
  source = files(contents)(tmp_path / 'source')
  table = [
    'train   11 images 16x16x3: cat 6, dog 5',
    'test    2 images 16x16x3: cat 1, dog 1',
    'sizes   16x16',
    'colour  RGB',
    'passed over  files that Pillow does not decode (.txt): 1',
  ]
  for _ in range(2):  # The second start reads prepared data only.
    result = command(argv(tmp_path, source), tmp_path)
    assert result['stdout'].startswith('dataset long_tail_folder/source-')
    assert result['stdout'].splitlines()[1:] == table


# .npz ------------------------------------------------------------------------------------------


def _with_nan():
  images = np.zeros((12, 16, 16, 1), np.float32)
  images[3] = np.nan
  return images


def _declared(shape, name='images'):
  """A builder of a small .npz that declares an array of this shape."""

  def build(path):
    path = path.with_suffix('.npz')
    with zipfile.ZipFile(path, 'w') as archive:
      header = io.BytesIO()
      described = {'descr': '|u1', 'fortran_order': False, 'shape': shape}
      np.lib.format.write_array_header_1_0(header, described)
      archive.writestr(f'{name}.npy', header.getvalue() + bytes(96))
    return path

  return build


def _bytes(data):
  return damaged(npz(), lambda _: data)


def _bare_array():
  data = io.BytesIO()
  np.save(data, IMAGES)
  return data.getvalue()


_PICKLED = 'Object arrays cannot be loaded when allow_pickle=False'
NPZ = {
  'no images': (npz(images=None), 'images and labels must be given together'),
  'no arrays': (npz(images=None, labels=None), 'needs the arrays images and labels, or .*; it has'),
  'nothing in it': (npz(images=IMAGES[:0], labels=np.zeros(0, int)), r'got \(0, 16, 16, 1\)'),
  'lengths': (npz(images=IMAGES[:11]), 'images has 11 images, labels 12 labels'),
  'floats': (npz(images=IMAGES - 0.25), r'floats in -0\.25\.\.-0\.25, and their scale is not'),
  'NaN': (npz(images=_with_nan()), 'images have NaN or infinite values'),
  'zeros': (npz(images=IMAGES), 'images are all black'),
  'zeros and ones': (npz(images=IMAGES + 1), 'integers in 1..1, which would be almost black'),
  'words': (npz(images=np.full((12, 16, 16), 'a')), 'images must be uint8 or floats'),
  'complex': (npz(images=IMAGES * 1j), 'images must be uint8 or floats'),
  '16 bits': (npz(images=IMAGES + np.uint16(300)), 'integers in 300..300: give uint8'),
  'RGBA': (npz(images=np.full((12, 8, 8, 4), -1.0)), 'four channels and negative values'),
  'channels first': (npz(images=np.zeros((12, 3, 8, 8), np.uint8)), 'channels to the end'),
  'too few axes': (npz(images=IMAGES[:, :, 0, 0]), r'\[N, H, W, 1, 3 or 4\], got \(12, 16\)'),
  'two channels': (npz(images=np.zeros((12, 8, 8, 2), np.uint8)), r'got \(12, 8, 8, 2\)'),
  'not square': (
    npz(images=np.zeros((12, 8, 6, 3), np.uint8)),
    'images are 6x8: set --config.data.options.image_size',
  ),
  'negative': (
    npz(labels=np.repeat([-1, 1], 6), class_names=np.array(['a', 'b'])),
    r'labels must lie in 0\.\.1, as there are 2 class names, got -1\.\.1',
  ),
  'unlabelled': (npz(labels=np.full(12, -1)), 'labels is -1 for every image: .* unlabelled'),
  'huge label': (
    npz(labels=np.repeat([0, 2**40], 6), class_names=np.array(['a', 'b'])),
    r'must lie in 0\.\.1, as there are 2 class names, got 0\.\.1099511627776',
  ),
  'huge unsigned': (
    npz(labels=np.array([0, 2**64 - 1] * 6, np.uint64)),
    r'labels must lie in -2\*\*63\.\.2\*\*63-1, got 0\.\.18446744073709551615',
  ),
  'huge float': (
    npz(labels=np.repeat([0, 1e300], 6)),
    r'labels must lie in .*, got 0\.0\.\.1e\+300',
  ),
  'fractions': (npz(labels=np.repeat([0.0, 0.5], 6)), 'labels must be integers'),
  'NaN label': (npz(labels=np.repeat([0.0, np.nan], 6)), 'labels must be integers'),
  'no label': (npz(labels=np.array(3)), 'labels must be integers'),
  'soft labels': (npz(labels=np.full((12, 2), 0.5)), 'rows .12, 2. that are not one 1 and else 0'),
  'several labels': (npz(labels=np.ones((12, 2), int)), 'rows .12, 2. that are not one 1'),
  'unknown text': (
    npz(labels=np.repeat(['a', 'b'], 6), class_names=np.array(['a', 'c'])),
    "labels has 'b', which is not in class_names",
  ),
  'no UTF-8': (npz(labels=np.repeat([b'a', b'\xe9'], 6)), 'labels holds bytes that are no UTF-8'),
  'one name, composed twice': (
    npz(class_names=np.array(['\xe9', 'e\u0301'])),
    "called '\xe9': each class needs a different name",
  ),
  'class of one': (npz(labels=np.array([0] * 11 + [1])), 'class 1 has 1 image'),
  'too few names': (
    npz(class_names=np.array(['a'])),
    r'labels must lie in 0\.\.0, .* 1 class names',
  ),
  'no names': (npz(class_names=np.array([], str)), 'class_names is empty; give a name per class'),
  'a name twice': (
    npz(class_names=np.array(['a', 'a'])),
    "called 'a': each class needs a different name",
  ),
  'empty name': (npz(class_names=np.array(['', 'b'])), "has a class called ''"),
  'two lines': (npz(class_names=np.array(['a\nb', 'c'])), r"has a class called 'a\\nb'"),
  'half a test': (
    npz(test_images=IMAGES[:2]),
    'test_images and test_labels must be given',
  ),
  'other test': (
    npz(test_images=IMAGES[:2, :8, :8], test_labels=np.array([0, 1])),
    r'images are \(16, 16, 1\), test_images \(8, 8, 1\)',
  ),
  'other test label': (
    npz(test_images=IMAGES[:2], test_labels=np.array([0, 7])),
    'npz: labels: class 7 has no images',
  ),
  'object labels': (npz(labels=np.array([Evil()] * 12, object)), _PICKLED),
  'object images': (npz(images=IMAGES.astype(object)), _PICKLED),
  'object names': (npz(class_names=np.array([Evil(), 'b'], object)), _PICKLED),
  'a pickle': (_bytes(pickle.dumps(Evil())), 'it is not a zip archive'),
  'text': (_bytes(b'hello'), 'it is not a zip archive'),
  'no bytes': (_bytes(b''), 'it is not a zip archive'),
  'bare array': (_bytes(_bare_array()), 'it is not a zip archive'),
  'half': (damaged(npz(), half), 'it is not a zip archive'),
  'bits': (damaged(npz(), lambda data: data.replace(b'NUMPY', b'NUMPX')), 'Bad CRC-32'),
  'bomb': (_declared((10**12,)), 'Unable to allocate'),
  'too short': (_declared((10**6, 16, 16, 3)), 'EOF: reading array data'),
  'negative length': (_declared((-1,)), 'negative dimensions'),
  'members outside': (_declared((96,), '../../images'), r"it has \['../../images'\]"),
}


@pytest.mark.parametrize('name', NPZ)
def test_npz(name, refused, tmp_path):
  build, message = NPZ[name]
  refused(argv(tmp_path, build(tmp_path / 'source')), message)


# Arrow and Parquet ------------------------------------------------------------------------------


def _parquet(contents):
  """A builder of a Parquet file; contents: a table, or a function of intact bytes."""

  def build(path):
    path = path.with_suffix('.parquet')
    good = not callable(contents)
    arrow_sets.write_parquet(path.parent, {path.name: contents if good else PARQUET})
    path.write_bytes(path.read_bytes() if good else contents(path.read_bytes()))
    return path

  return build


def _saved(root):
  """Two splits as the library `datasets` saves them."""
  return arrow_sets.save_splits(root, train=PARQUET, test=PARQUET)


PARQUET = arrow_sets.table(*ROWS)
ARROW = {
  'half': (_parquet(half), 'source.parquet cannot be read'),
  'no bytes': (_parquet(lambda data: b''), 'source.parquet cannot be read'),
  'text': (_parquet(lambda data: b'hello'), 'source.parquet cannot be read'),
  'a pickle': (_parquet(lambda data: pickle.dumps(Evil())), 'source.parquet cannot be read'),
  'a pointer': (_parquet(lambda data: b'version https://git-lfs'), 'run `git lfs pull`'),
  'no image': (
    _parquet(arrow_sets.table([b'hello'] * 12, ROWS[1])),
    r'12 of 12 image files cannot be read: .*parquet row 0 \(damaged, or not PNG',
  ),
  'no bytes of one': (
    _parquet(arrow_sets.table([*ROWS[0][:11], None], ROWS[1])),
    'row 11 has no bytes of an image',
  ),
  'bomb': (
    _parquet(arrow_sets.table([declared_png(30_000, 30_000)] * 12, ROWS[1])),
    '900000000 pixels. exceeds limit',
  ),
  'two names of labels': (
    _parquet(PARQUET.append_column('labels', [ROWS[1]])),
    'several columns of labels, label, labels: call one',
  ),
  'numbers for images': (
    _parquet(PARQUET.drop_columns('image').append_column('image', [ROWS[1]])),
    'has no column of images',
  ),
  'split without files': (
    replaced(_saved, 'test/state.json', b'{"_data_files": []}'),
    'test lacks files',
  ),
  'no JSON': (replaced(_saved, 'dataset_dict.json', b'{'), 'dataset_dict.json cannot be read'),
  'file outside': (
    replaced(_saved, 'test/state.json', b'{"_data_files": [{"filename": "../../x"}]}'),
    "names '../../x', which is not a file inside its folder",
  ),
  'split outside': (
    replaced(_saved, 'dataset_dict.json', b'{"splits": ["train", "../test"]}'),
    "names '../test', which is not a file inside",
  ),
}


@pytest.mark.parametrize('name', ARROW)
def test_arrow(name, refused, tmp_path):
  build, message = ARROW[name]
  refused(argv(tmp_path, build(tmp_path / 'source')), message)


@pytest.mark.parametrize(
  'build', [pets, npz(), _parquet(PARQUET), _saved], ids=['folder', 'npz', 'parquet', 'arrow']
)
def test_the_intact_sources_are_accepted(build, accepted, tmp_path):
  accepted(argv(tmp_path, build(tmp_path / 'source')))
