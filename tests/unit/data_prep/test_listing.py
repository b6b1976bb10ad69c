"""Listing of folders and archives: classes, splits, and counts of unread files."""

import unicodedata
import zipfile

import numpy as np
from PIL import Image
import pytest

from data_prep import build, folders
from tests.support.data_prep.image_trees import contents, refused, zipped

SMALL = (8, 8)


def test_formats_that_pillow_decodes_are_read_and_others_counted(write):
  shades = iter(range(0, 250, 5))
  suffixes = ['png', 'tif', 'TIFF', 'bmp', 'gif', 'ppm', 'tga', 'pcx', 'dib', 'apng', 'qoi', 'sgi']
  root = write({f'dog/{s}.{s}': 0 for s in suffixes if s not in ('qoi', 'gif')})
  expected = []
  for suffix in suffixes:
    if suffix != 'qoi' or '.qoi' in Image.registered_extensions():
      expected.append(next(shades))
      Image.new('RGB', SMALL, (expected[-1], 0, 0)).save(root / 'dog' / f'{suffix}.{suffix}')
  others = {'a.eps': '%!PS', 'b.pdf': '%PDF', 'c.txt': '', 'd.txt': '', 'none': '', '.e.png': ''}
  write({f'dog/{name}': text for name, text in others.items()})
  write({'.git/x': '', '__MACOSX/dog/._1.png': '', '.DS_Store': ''})
  found, read = contents(root)
  assert found == {'train': {'dog': expected}}
  assert dict(read.listed.passed_over) == {
    'files that Pillow does not decode (.eps)': 1,
    'files that Pillow does not decode (.pdf)': 1,
    'files that Pillow does not decode (.txt)': 2,
    'files that Pillow does not decode (no suffix)': 1,
    'folders called __MACOSX': 1,
    'hidden files': 2,
    'hidden folders': 1,
  }
  assert dict(contents(zipped(root))[1].listed.passed_over) == dict(read.listed.passed_over)


def test_jpeg_with_another_suffix_is_lossy(write):
  root = write({'dog/1.png': 1})
  Image.new('RGB', SMALL).save(root / 'dog' / '2.jfif', 'JPEG')
  assert folders.read_folder(root).pixels == 'jpeg'


def test_the_first_of_several_frames_is_read(write):
  root = write({'dog/1.png': 10})
  frames = [Image.new('RGB', SMALL, (shade, 0, 0)) for shade in (40, 80, 120)]
  for suffix in ('gif', 'tif', 'webp'):
    options = {'lossless': True} if suffix == 'webp' else {}
    path = root / 'dog' / f'{suffix}.{suffix}'
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
  found, read = contents(root)
  assert found['train'] == {'dog': [10, 40, 40, 40]}
  assert read.changes == ('of 3 files with several frames the first is read',)


def test_folders_inside_of_a_class_belong_to_it(write):
  root = write({'dog/1.png': 1, 'dog/more/2.png': 2, 'dog/more/deep/3.png': 3, 'cat/1.png': 4})
  assert contents(root)[0] == {'train': {'cat': [4], 'dog': [1, 2, 3]}}


def test_class_folders_of_numbers_are_ordered_by_size(write):
  root = write({f'{split}/{name}/1.png': 1 for split in ('train', 'val') for name in (10, 9, 100)})
  assert contents(root)[1].class_names == ('9', '10', '100')
  write({f'{split}/a/1.png': 1 for split in ('train', 'val')})
  assert contents(root)[1].class_names == ('10', '100', '9', 'a')


def test_links_to_a_folder_around_them_are_counted(write):
  root = write({'dog/1.png': 1, 'dog/more/2.png': 2, 'cat/1.png': 3})
  (root / 'dog' / 'more' / 'up').symlink_to('..')
  (root / 'cat' / 'all').symlink_to(root)
  (root / 'cat' / 'dogs').symlink_to(root / 'dog')  # A link to another folder is followed.
  found, read = contents(root)
  assert found == {'train': {'cat': [1, 2, 3], 'dog': [1, 2]}}
  assert dict(read.listed.passed_over) == {'links to a folder around them': 3}


SPLITS = {f'{split}/{name}/{i}.png': shade + i
          for split, name, shade in (('train', 'a', 0), ('train', 'b', 10), ('val', 'a', 20),
                                     ('val', 'b', 30), ('test', 'a', 40), ('test', 'b', 50))
          for i in range(2)}  # fmt: skip


def renamed(splits):
  """Renames some of SPLITS."""
  parts = [(path.partition('/'), shade) for path, shade in SPLITS.items()]
  return {f'{splits[p[0]]}/{p[2]}': shade for p, shade in parts if p[0] in splits}


TRAIN = {'a': [0, 1], 'b': [10, 11]}


@pytest.mark.parametrize(('train', 'val'), [('train', 'valid'), ('Train', 'Validation'),
                                            ('TRAINING', 'VAL'), ('train', 'val')])  # fmt: skip
def test_without_a_test_folder_val_is_the_test_split(train, val, write):
  root = write(renamed({'train': train, 'val': val}))
  found, read = contents(root)
  assert found == {'train': TRAIN, 'test': {'a': [20, 21], 'b': [30, 31]}}
  assert not read.listed.passed_over
  assert read.listed.changes == (f'{val} is the test split, as there is no test',)


@pytest.mark.parametrize('test', ['test', 'Test', 'testing'])
def test_with_a_test_folder_val_is_unread_and_counted(test, write):
  root = write(renamed({'train': 'train', 'val': 'val', 'test': test}))
  found, read = contents(root)
  assert found == {'train': TRAIN, 'test': {'a': [40, 41], 'b': [50, 51]}}
  assert dict(read.listed.passed_over) == {f'images of val, as {test} is the test split': 4}


def test_flat_train_and_val_are_splits_without_labels(write):
  root = write({'train/1.png': 1, 'train/2.png': 2, 'val/1.png': 3})
  found, read = contents(root)
  assert found == {'train': {'unlabelled': [1, 2]}, 'test': {'unlabelled': [3]}}
  assert not read.labelled


def test_folders_beside_the_splits_are_counted(write):
  root = write({**renamed({'train': 'train', 'test': 'test'}), 'extra/1.png': 1, 'docs/a.txt': ''})
  found, read = contents(root)
  assert found['train'] == TRAIN
  counted = {'images of extra, beside train': 1, 'files that Pillow does not decode (.txt)': 1}
  assert dict(read.listed.passed_over) == counted


@pytest.mark.parametrize(
  ('paths', 'message'),
  [
    (['train/a/1.png', 'Train/a/1.png', 'test/a/1.png'], 'has the folders Train and train: keep'),
    (['train/a/1.png', 'val/a/1.png', 'valid/a/1.png'], 'has the folders val and valid: keep one'),
    (['test/a/1.png', 'val/a/1.png'], 'has a folder test but none called train'),
    (['train/a/1.png', 'car/1.png'], 'has a folder car beside train, which has folders'),
    (['a/train/1.png', 'a/test/1.png', 'b/train/1.png'], 'has test and other splits inside of its'),
    (['00000/img00000000.png', '00001/img00000001.png'], 'its dataset.json is missing'),
    (['train/a/1.png', 'train/b/1.png', 'val/a/1.png'], 'val/b has no images'),
  ],
)
def test_ambiguous_layouts_are_refused(paths, message, write):
  assert message in refused(write(dict.fromkeys(paths, 1)))


def test_a_zip_is_read_as_its_folder(write, tmp_path):
  root = write(renamed({'train': 'train', 'val': 'val'}))
  assert contents(zipped(root))[0] == contents(root)[0]
  source = zipped(root, 'pets/')
  found, read = contents(source)
  assert found == contents(root)[0]
  assert read.listed.changes == (
    'read from the folder pets in it',
    'val is the test split, as there is no test',
  )
  train = build.load('long_tail_folder', 'train', str(source), str(tmp_path / 'tfds'))
  assert np.bincount(train.labels).tolist() == [2, 2]
  assert '/pets-' in train.metadata['full_name']
  assert sorted(int(image[0, 0, 0]) for image in train.images) == [0, 1, 10, 11]


def test_bad_zips_are_refused(tmp_path):
  def archive(names):
    with zipfile.ZipFile(tmp_path / 'a.zip', 'w') as file:
      for name in names:
        file.writestr(name, b'x')
    return tmp_path / 'a.zip'

  assert "names '../a.png', which is not a file inside" in refused(archive(['../a.png']))
  assert "names '/a.png'" in refused(archive(['/a.png']))
  assert "names '.', which is not a file inside" in refused(archive(['.']))
  assert 'has no class folders and no images' in refused(archive([]))
  assert 'a.zip/cat/1.png cannot be read (damaged' in refused(archive(['cat/1.png']))
  (tmp_path / 'a.zip').write_bytes(b'PK')
  assert 'is not a readable .zip' in refused(tmp_path / 'a.zip')
  with pytest.warns(UserWarning, match='Duplicate'):
    source = archive(['cat/1.png', 'cat/1.png'])
  assert "has two files called 'cat/1.png'" in refused(source)
  assert "has two files called 'cat/1.png'" in refused(archive(['cat/1.png', './cat/1.png']))


def test_names_in_a_zip_are_utf8_with_or_without_the_flag(write):
  root = write({'grün/1.png': 1, '猫/1.png': 2})
  path = zipped(root)
  data = bytearray(path.read_bytes())
  for start, flags in ((b'PK\x03\x04', 7), (b'PK\x01\x02', 9)):
    at = data.find(start)
    while at >= 0:
      data[at + flags] &= ~8  # The flag for UTF-8: the Finder of macOS does not set it.
      at = data.find(start, at + 4)
  path.write_bytes(data)
  assert contents(path)[0] == {'train': {'grün': [1], '猫': [2]}}
  path.write_bytes(data.replace('grün/'.encode(), b'gr\x81n~/'))  # Of code page 437.
  assert contents(path)[1].class_names[0] == 'grün~'


def test_one_split_with_class_folders(write):
  root = write({'train/a/1.png': 1, 'train/b/1.png': 2, 'test/1.png': 3})
  assert 'pets/test has images without class folders, ' in refused(root)


def test_accents_of_two_kinds_are_one_class(write):
  composed, split_up = (unicodedata.normalize(form, 'café') for form in ('NFC', 'NFD'))
  root = write({f'train/{composed}/1.png': 1, 'train/b/1.png': 2,
                f'test/{split_up}/1.png': 3, 'test/b/1.png': 4})  # fmt: skip
  found, read = contents(root)
  assert found == {'train': {'b': [2], composed: [1]}, 'test': {'b': [4], composed: [3]}}
  assert not read.listed.changes
  root = write({f'{composed}/1.png': 1, f'{split_up}/2.png': 2, 'b/1.png': 3}, 'two')
  found, read = contents(root)
  assert found == {'train': {'b': [3], composed: [1, 2]}}
  assert read.listed.changes == (f'2 folders {composed} with accents of two kinds are one class',)


def test_an_exported_data_set_is_read(write):
  """Class folders in train, with a list of the images beside it."""
  found, read = contents(
    write({'train/a/000000.png': 1, 'train/b/000000.png': 2, 'images.csv': ''})
  )
  assert found == {'train': {'a': [1], 'b': [2]}}
  assert dict(read.listed.passed_over) == {'files that Pillow does not decode (.csv)': 1}
