"""Own images: class folders and .npz, options, names of the prepared data, errors."""

import numpy as np
from PIL import Image
import pytest

from data_prep import build, folders, long_tail_folder, preparation
from data_prep.long_tail import class_counts

RED, BLUE = (200, 30, 10), (10, 30, 200)


@pytest.fixture
def load(tmp_path):
  def load(source, split='train', **options):
    return build.load('long_tail_folder', split, str(source), str(tmp_path / 'tfds'), **options)

  return load


@pytest.fixture
def error(load, tmp_path):
  """error(source, **options) -> the one-line error; checks that no files remain."""

  def error(source, **options):
    with pytest.raises(build.UserError) as raised:
      load(source, **options)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'tfds').exists()
    return str(raised.value)

  return error


def two_classes(make_folder, cats=10, dogs=20, size=(8, 8), **kwargs):
  pictures = {f'cat/{i:02}.png': (size, 'RGB', (i, 0, 0)) for i in range(cats)}
  pictures |= {f'dog/{i:02}.png': (size, 'RGB', (0, i, 0)) for i in range(dogs)}
  return make_folder(pictures, **kwargs)


def test_class_folders_unchanged(make_folder, load):
  source = two_classes(make_folder)
  train, test = load(source), load(source, 'test')
  assert train.class_names == ('cat', 'dog')
  # A tenth is held out: 1 of 10 cats, 2 of 20 dogs.
  assert np.bincount(train.labels).tolist() == [9, 18]
  assert np.bincount(test.labels).tolist() == [1, 2]
  assert train.images.shape == (27, 8, 8, 3)
  values = {tuple(image[0, 0]) for part in (train, test) for image in part.images}
  assert values == {(i, 0, 0) for i in range(10)} | {(0, i, 0) for i in range(20)}
  for image, label in zip(train.images, train.labels, strict=True):
    assert (image == image[0, 0]).all()
    assert (image[0, 0, 1] > 0) <= label
  assert train.metadata['test_share'] == 0.1
  assert train.metadata['imbalance_ratio'] is None


def test_imbalance_ratio_in_label_order(make_folder, load):
  source = two_classes(make_folder, cats=40, dogs=40)
  train = load(source, imbalance_ratio=4, test_share=0.25, seed=3)
  assert np.bincount(train.labels).tolist() == class_counts(30, 2, 4) == [30, 7]
  assert train.metadata['n_max'] == 30
  assert train.metadata['seed'] == 3
  other = load(source, imbalance_ratio=4, test_share=0.25, seed=4)
  assert train.metadata['train']['indices_sha256'] != other.metadata['train']['indices_sha256']
  assert train.key != other.key


def test_train_and_test_folders(make_folder, load, error):
  pictures = {f'{split}/{name}/{i}.jpg': ((8, 8), 'RGB', RED)
              for split, n in (('train', 3), ('test', 2))
              for name in 'ab' for i in range(n)}  # fmt: skip
  source = make_folder(pictures)
  assert 'has test images already' in error(source, test_share=0.5)
  train, test = load(source), load(source, 'test')
  assert (len(train.labels), len(test.labels)) == (6, 4)
  assert train.metadata['pixels'] == 'jpeg'


def test_a_class_called_train(make_folder, load):
  source = make_folder(
    {f'{c}/{i}.png': ((8, 8), 'RGB', RED) for c in ('train', 'car') for i in (1, 2)}
  )
  assert load(source).class_names == ('car', 'train')


def test_resize_crops_the_centre(make_folder, load, tmp_path):
  source = make_folder({f'a/{i}.png': ((8, 8), 'RGB', RED) for i in range(3)})
  wide = np.zeros((8, 16, 3), np.uint8)
  wide[:, 4:12] = RED  # The centre square is red, the sides are black.
  for i in range(3):
    Image.fromarray(wide).save(source / 'a' / f'wide{i}.png')
  train = load(source, image_size=4)
  assert train.images.shape[1:] == (4, 4, 3)
  assert (train.images == RED).all()


def test_grey_stays_grey_only_if_all_are(make_folder, load):
  grey = {f'a/{i}.png': ((8, 8), 'L', 100 + i) for i in range(3)}
  assert load(make_folder(grey, 'grey')).images.shape == (2, 8, 8, 1)
  mixed = load(make_folder({**grey, 'b/1.png': ((8, 8), 'RGBA', (*RED, 255)),
                            'b/2.webp': ((8, 8), 'RGB', RED), 'b/3.BMP': ((8, 8), 'RGB', RED)},
                           'mixed'))  # fmt: skip
  assert mixed.images.shape[1:] == (8, 8, 3)
  greys = mixed.images[mixed.labels == 0]
  assert (greys[..., 0] == greys[..., 2]).all()
  assert greys.min() >= 100


def test_npz(tmp_path, load):
  images = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
  labels = np.repeat([0, 1, 2], 4)
  np.savez(tmp_path / 'own set!.npz', images=images, labels=labels)
  train, test = load(tmp_path / 'own set!.npz'), load(tmp_path / 'own set!.npz', 'test')
  assert train.images.shape == (9, 8, 8, 1)
  assert train.class_names == ('0', '1', '2')
  assert {i.tobytes() for i in [*train.images, *test.images]} == {i.tobytes() for i in images}
  assert 'long_tail_folder/own_set-' in train.metadata['full_name']

  np.savez(tmp_path / 'b.npz', images=images, labels=labels, test_images=images[:4],
           test_labels=labels[[0, 4, 8, 9]], class_names=['x', 'y', 'z'])  # fmt: skip
  test = load(tmp_path / 'b.npz', 'test')
  np.testing.assert_array_equal(test.images[..., 0], images[:4])
  assert test.labels.tolist() == [0, 1, 2, 2]
  assert test.class_names == ('x', 'y', 'z')
  assert load(tmp_path / 'b.npz', image_size=4).images.shape == (12, 4, 4, 1)


def test_names_identify_sources_by_their_contents(make_folder, tmp_path, monkeypatch):
  name = lambda source, **options: long_tail_folder.recipe('', str(source), **options).config  # noqa: E731
  source = two_classes(make_folder)
  first = name(source, imbalance_ratio=2.5, image_size=8, seed=1, test_share=0.2)
  assert first.startswith('pets-ratio_2.5-size_8-seed_1-test_0.2-')
  assert first == name(source, imbalance_ratio=2.5, image_size=8, seed=1, test_share=0.2)
  assert name(source, imbalance_ratio=2.0000001) != name(source, imbalance_ratio=2.0000002)
  before = name(source)
  (tmp_path / 'elsewhere').mkdir()
  other = two_classes(make_folder, dogs=19, name='elsewhere/pets')
  assert name(other) != before  # Same name, other files.
  Image.new('RGB', (8, 8), BLUE).save(source / 'cat' / '00.png')
  assert name(source) != before

  data_dir = str(tmp_path / 'tfds')
  builder = preparation.prepare('long_tail_folder', str(source), data_dir)
  monkeypatch.setattr(folders, 'look_at', lambda *a: pytest.fail('decoded again'))
  assert preparation.prepare('long_tail_folder', str(source), data_dir).data_dir == builder.data_dir
  config = builder.info.config_name
  loaded = build.load(f'long_tail_folder/{config}', 'train', data_dir=data_dir)
  assert loaded.class_names == ('cat', 'dog')
  with pytest.raises(build.UserError, match=f'makes {config}'):
    preparation.prepare('long_tail_folder/other', str(source), data_dir)


def assert_unlabelled(*parts):
  for part in parts:
    assert part.class_names == ('unlabelled',)
    assert not part.labels.any()
    assert part.metadata['labelled'] is False


def test_a_flat_folder_is_unlabelled(make_folder, load, error):
  source = make_folder({f'{i:02}.png': ((8, 8), 'RGB', (i, 0, 0)) for i in range(20)})
  assert 'source has no labels: leave it out' in error(source, imbalance_ratio=10)
  train, test = load(source, test_share=0.2, seed=1), load(source, 'test', test_share=0.2, seed=1)
  assert_unlabelled(train, test)
  assert (len(train.labels), len(test.labels)) == (16, 4)
  values = {int(image[0, 0, 0]) for part in (train, test) for image in part.images}
  assert values == set(range(20))
  assert train.metadata['source_kind'] == 'image folder'
  assert train.metadata['order'] == 'by file name'
  before = long_tail_folder.recipe('', str(source)).config
  (source / '00.png').rename(source / 'a.png')
  assert long_tail_folder.recipe('', str(source)).config != before


def test_flat_train_and_test_folders_are_unlabelled(make_folder, load):
  source = make_folder({f'{split}/{i}.jpg': ((8, 8), 'RGB', RED)
                        for split, n in (('train', 3), ('test', 2)) for i in range(n)})  # fmt: skip
  train, test = load(source), load(source, 'test')
  assert_unlabelled(train, test)
  assert (len(train.labels), len(test.labels)) == (3, 2)
  assert train.metadata['test_share'] is None
  assert train.metadata['pixels'] == 'jpeg'


def test_an_npz_without_labels(tmp_path, load, error):
  images = np.random.default_rng(0).integers(0, 256, (12, 8, 8), dtype=np.uint8)
  np.savez(tmp_path / 'a.npz', images=images)
  assert 'source has no labels: leave it out' in error(tmp_path / 'a.npz', imbalance_ratio=1)
  train, test = load(tmp_path / 'a.npz'), load(tmp_path / 'a.npz', 'test')
  assert_unlabelled(train, test)
  assert (len(train.labels), len(test.labels)) == (11, 1)
  np.savez(tmp_path / 'b.npz', images=images, test_images=images[:4], pixels='exact')
  test = load(tmp_path / 'b.npz', 'test', image_size=4)
  assert_unlabelled(test)
  assert test.images.shape == (4, 4, 4, 1)
  assert test.metadata['pixels'] == 'exact'


def test_labelled_sources_are_marked(make_folder, load):
  train = load(two_classes(make_folder))
  assert train.metadata['labelled'] is True
  assert train.metadata['source_kind'] == 'class folders'


@pytest.mark.parametrize(
  ('stray', 'where', 'folder'),
  [
    ('1.png', '', 'cat'),  # Beside class folders.
    ('train/1.png', 'train', 'cat'),
    ('1.png', '', 'test'),  # Beside train and test.
  ],
)
def test_images_beside_class_folders(stray, where, folder, make_folder, error):
  layout = {'cat/1.png', 'cat/2.png'} if folder == 'cat' and not where else {
    f'{split}/cat/{i}.png' for split in ('train', 'test') for i in (1, 2)}  # fmt: skip
  source = make_folder(dict.fromkeys([*layout, stray], ((8, 8), 'RGB', RED)))
  line = error(source)
  assert line.startswith(f'source {source / where} has images (1.png) beside folders ({folder})')


def test_bad_folders(make_folder, error, tmp_path):
  assert 'needs --config.data.source' in error('')
  for missing in (tmp_path / 'nothing', '~no_such_user/pets', 'x' * 5000):
    assert f'source {missing} does not exist' in error(missing)
  (tmp_path / 'flat').mkdir()
  assert 'has no class folders and no images' in error(tmp_path / 'flat')

  source = two_classes(make_folder)
  (source / 'empty').mkdir()
  (source / 'empty' / 'notes.txt').write_text('x')
  assert f'class folder {source / "empty"} has no images (.png' in error(source)

  source = make_folder({'a/1.png': ((8, 8), 'RGB', RED), 'b/1.png': ((8, 8), 'RGB', RED),
                        'b/2.png': ((8, 8), 'RGB', RED)}, 'lonely')  # fmt: skip
  assert 'class a has 1 image' in error(source)

  source = two_classes(make_folder, name='broken')
  file = source / 'dog' / '07.png'
  file.write_bytes(file.read_bytes()[:40])
  assert f'image file {file} cannot be read' in error(source)
  file.write_bytes(b'')
  assert f'image file {file} cannot be read' in error(source)

  source = two_classes(make_folder, name='sizes')
  Image.new('RGB', (9, 8), RED).save(source / 'dog' / '03.png')
  assert 'dog/03.png is 9x8' in error(source)
  assert 'set --config.data.options.image_size' in error(source)

  source = make_folder({f'a/{i}.png': ((8, 8), 'I;16', 60000) for i in range(2)}, 'deep')
  assert 'more than 8 bits' in error(source)

  source = make_folder({'train/a/1.png': ((8, 8), 'L', 1), 'test/b/1.png': ((8, 8), 'L', 1)}, 'tt')
  assert 'has no counterpart' in error(source)


def test_bad_options(make_folder, error):
  source = two_classes(make_folder)
  assert 'imbalance_ratio=0.5: expected a number in 1..1e9' in error(source, imbalance_ratio=0.5)
  assert 'imbalance_ratio 100 leaves class dog without' in error(source, imbalance_ratio=100)
  assert 'image_size=0: expected an integer in 4..4096' in error(source, image_size=0)
  assert 'image_size=8.5: expected an integer' in error(source, image_size=8.5)
  assert 'seed=-1: expected a non-negative integer' in error(source, seed=-1)
  assert 'test_share=1: expected a number between 0 and 1' in error(source, test_share=1)
  assert 'ratio is not an option of long_tail_folder; allowed: imba' in error(source, ratio=3)


IMAGES, LABELS = np.full((4, 8, 8, 3), 200, np.uint8), np.array([0, 0, 1, 1])


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    ({'images': IMAGES, 'y': LABELS}, 'has no labels, but y: call the labels `labels`'),
    ({'images': IMAGES, 'class_names': ['a', 'b']}, 'has no labels, but class_names'),
    ({'labels': LABELS}, 'images and labels must be given together'),
    ({'images': IMAGES, 'labels': LABELS, 'test_images': IMAGES}, 'test_labels must be given toge'),
    ({'images': IMAGES, 'test_images': IMAGES, 'test_labels': LABELS}, 'labels must be given toge'),
    ({'images': np.uint8(3)}, r'\[N, H, W\]'),
    ({'pictures': IMAGES}, 'needs the arrays images and labels'),
    ({'images': IMAGES[..., 0, 0], 'labels': LABELS}, r'\[N, H, W\]'),
    ({'images': IMAGES[:, :4], 'labels': LABELS}, 'are 8x4: set --config.data.options.image_size'),
    ({'images': IMAGES, 'labels': LABELS / 2}, 'integers'),
    ({'images': IMAGES, 'labels': LABELS[:3]}, '4 images, labels 3 labels'),
    ({'images': IMAGES, 'labels': LABELS, 'class_names': ['a']}, r'must lie in 0..0, .*, got 0..1'),
    (
      {'images': IMAGES, 'labels': LABELS, 'class_names': ['a', 'a']},
      "called 'a': each class needs a different name",
    ),
    ({'images': IMAGES, 'labels': LABELS.astype(object)}, 'not a readable .npz'),
  ],
)
def test_bad_npz(fields, message, tmp_path, error):
  import re

  np.savez(tmp_path / 'bad.npz', **fields)
  line = error(tmp_path / 'bad.npz')
  assert re.search(message, line)
  assert 'bad.npz' in line


def test_damaged_npz(tmp_path, error):
  (tmp_path / 'cut.npz').write_bytes(b'PK\x03\x04 cut')
  assert 'not a readable .npz' in error(tmp_path / 'cut.npz')


@pytest.mark.parametrize('name', ['PETS.NPZ', f'{"n" * 240}.npz'])
def test_names_of_files(name, tmp_path):
  path, images = tmp_path / name, np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8)
  with path.open('wb') as file:
    np.savez(file, images=images, labels=[0, 0, 1, 1])
  train = build.load('long_tail_folder', 'train', str(path), str(tmp_path / 'tfds'))
  assert train.images.shape == (2, 8, 8, 1)
