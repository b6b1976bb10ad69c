"""LSUN scenes from LMDB folders in the published layout: splits, crop, damaged sources."""

import io
import shutil
import sys

import numpy as np
from PIL import Image
import pytest

from data_prep import build, long_tail, preparation
from data_prep.long_tail_lsun import LAYOUT, Layout, LongTailLsun
from jaxgan.errors import UserError

lmdb = pytest.importorskip('lmdb')
TRAIN, TEST, PER_CLASS, REFERENCE = (14, 12, 13, 12, 15), 2, 8, 3
NAME = 'long_tail_lsun/ratio_10'


def _picture(scene, number):
  """Encodes the image in both halves, inside a frame that the centre crop cuts off."""
  pixels = np.full((64, 96, 3), 255, np.uint8)
  pixels[:, 16:48] = 10 * scene
  pixels[:, 48:80] = 10 * number
  return pixels


def _write(folder, pictures):
  with (
    lmdb.open(str(folder), map_size=2**24) as environment,
    environment.begin(write=True) as lines,
  ):
    for number, pixels in enumerate(pictures):
      data = io.BytesIO()
      Image.fromarray(pixels).save(data, 'WEBP', lossless=True)
      # Keys have another order: LMDB sorts them.
      lines.put(f'{number:040x}'.encode(), data.getvalue())


@pytest.fixture(scope='module')
def published(tmp_path_factory):
  root = tmp_path_factory.mktemp('lsun')
  for scene, (name, images) in enumerate(zip(LongTailLsun.class_names, TRAIN, strict=True)):
    _write(root / f'{name}_train_lmdb', [_picture(scene, i) for i in range(images)])
    _write(root / f'{name}_val_lmdb', [_picture(scene, 20 + i) for i in range(TEST)])
  return root


@pytest.fixture
def source(published, use_edition):
  """A folder with sizes that `long_tail_lsun` accepts."""
  use_edition('long_tail_lsun', layout=Layout(TRAIN, TEST, PER_CLASS, REFERENCE))
  return published


def _load(split, source, tmp_path, name=NAME, **options):
  return build.load(name, split, str(source), str(tmp_path / 'tfds'), **options)


def _numbers(arrays):
  """Decodes (scene, number) of each image from its pixels."""
  scenes, numbers = arrays.images[:, 32, 4, 0] // 10, arrays.images[:, 32, 60, 0] // 10
  np.testing.assert_array_equal(scenes, arrays.labels)
  return list(zip(scenes.tolist(), numbers.tolist(), strict=True))


def test_splits(source, tmp_path):
  train, test, reference = (_load(s, source, tmp_path) for s in ('train', 'test', 'reference'))
  assert train.images.shape == (sum(long_tail.class_counts(PER_CLASS, 5, 10)), 64, 64, 3)
  assert train.metadata['train']['class_counts'] == long_tail.class_counts(PER_CLASS, 5, 10)
  expected = [
    (k, int(i))
    for k, (n, count) in enumerate(zip(TRAIN, train.metadata['train']['class_counts'], strict=True))
    for i in np.sort(long_tail.shuffled_class(np.full(n, k), k, 0)[:count])
  ]
  assert _numbers(train) == expected
  assert test.metadata['test']['class_counts'] == [TEST] * 5
  assert {number for _, number in _numbers(test)} == {20, 21}
  assert reference.metadata['reference']['class_counts'] == [REFERENCE] * 5
  balanced = _load('train', source, tmp_path, 'long_tail_lsun/ratio_1')
  everything = _numbers(balanced) + _numbers(_load('reference', source, tmp_path))
  assert len(set(everything)) == len(everything) == 5 * (PER_CLASS + REFERENCE)
  assert set(expected) < set(_numbers(balanced))


def test_the_centre_square_is_kept_and_resized(source, tmp_path):
  """The middle 64x64 of 96x64 pixels: no white frame, equally wide halves."""
  train = _load('train', source, tmp_path)
  for image, (scene, number) in zip(train.images, _numbers(train), strict=True):
    np.testing.assert_array_equal(image[:, :32], 10 * scene)
    np.testing.assert_array_equal(image[:, 32:], 10 * number)


def test_the_whole_picture_is_squashed(source, tmp_path):
  """All of 96x64 pixels: a sixth of the width is white at either side."""
  cropped = _load('train', source, tmp_path)
  squashed = _load('train', source, tmp_path, picture='squash')
  assert squashed.key.startswith('long_tail_lsun/ratio_10-squash/')
  assert cropped.key.startswith('long_tail_lsun/ratio_10/')
  assert squashed.metadata['picture'] == 'the whole picture, bilinear to 64x64'
  np.testing.assert_array_equal(squashed.labels, cropped.labels)
  for image, (scene, number) in zip(squashed.images, _numbers(cropped), strict=True):
    assert (image[:, :10] == 255).all()
    assert (image[:, -10:] == 255).all()
    np.testing.assert_array_equal(image[:, 12:31], 10 * scene)
    np.testing.assert_array_equal(image[:, 33:52], 10 * number)
    # Bilinear, with a support of 1.5 pixels: no overshoot at an edge, which Lanczos has.
    row = image[32, :, 0].astype(int)
    assert (np.diff(row[8:20]) <= 0).all()


def test_prepared_data_outlives_its_source(published, source, tmp_path):
  copy = tmp_path / 'copy'
  shutil.copytree(published, copy)
  first = _load('train', copy, tmp_path, picture='squash')
  _load('train', copy, tmp_path)
  shutil.rmtree(copy)
  again = _load(
    'train', copy, tmp_path, picture='squash', prepared='long_tail_lsun/ratio_10-squash'
  )
  assert again.key == first.key


def test_an_unknown_picture(source, tmp_path):
  with pytest.raises(UserError, match=r"picture='crop': expected one of centre_crop, squash"):
    _load('train', source, tmp_path, picture='crop')
  with pytest.raises(UserError, match='picture is not an option of long_tail_fashion'):
    preparation.prepare('long_tail_fashion/ratio_50', data_dir=str(tmp_path), picture='squash')


def test_the_released_reference_has_training_images_of_large_classes(source, tmp_path):
  """The ratio keeps 8, 4, 2, 1 and 0 of the 8 images per class."""
  train, released = (
    _load(split, source, tmp_path, picture='squash') for split in ('train', 'reference_released')
  )
  assert released.metadata['reference_released']['class_counts'] == [REFERENCE] * 5
  pairs = [
    {(int(label), image.tobytes()) for label, image in zip(part.labels, part.images, strict=True)}
    for part in (train, released)
  ]
  shared = [sum(label == k for label, _ in pairs[0] & pairs[1]) for k in range(5)]
  counts = long_tail.class_counts(PER_CLASS, 5, 10)
  assert shared == [min(REFERENCE, count) for count in counts]


def test_preparing_again_gives_the_same(source, tmp_path):
  for split in ('train', 'test', 'reference'):
    again = _load(split, source, tmp_path / 'again')
    assert _load(split, source, tmp_path).key == again.key


def test_few_labels(tmp_path, use_edition):
  """Fifty images per scene, a subset of the balanced images."""
  use_edition('long_tail_lsun', layout=Layout((52,) * 5, 1, 51, 1))
  root = tmp_path / 'lsun'
  root.mkdir()
  for name in LongTailLsun.class_names:
    _write(root / f'{name}_train_lmdb', [np.full((64, 64, 3), 4 * i, np.uint8) for i in range(52)])
    _write(root / f'{name}_val_lmdb', [np.zeros((64, 64, 3), np.uint8)])
  labelled, balanced = (
    _load('train', root, tmp_path, f'long_tail_lsun/{config}')
    for config in ('labelled_50', 'ratio_1')
  )
  assert labelled.metadata['train']['class_counts'] == [50] * 5
  few, many = (
    set(zip(part.labels.tolist(), part.images[:, 0, 0, 0].tolist(), strict=True))
    for part in (labelled, balanced)
  )
  assert few < many
  assert len(few) == 250


def test_the_published_counts():
  """The counts of TFDS's catalogue of lsun 3.1.0."""
  expected = {
    'bedroom': 3_033_042, 'conference_room': 229_069, 'dining_room': 657_571,
    'kitchen': 2_212_277, 'living_room': 1_315_802,
  }  # fmt: skip
  assert dict(zip(LongTailLsun.class_names, LAYOUT.train_images, strict=True)) == expected
  assert LAYOUT.test_images == 300


def _error(source, tmp_path):
  with pytest.raises(UserError) as raised:
    preparation.prepare(NAME, str(source) if source else '', str(tmp_path / 'prepared'))
  assert '\n' not in str(raised.value)
  assert not (tmp_path / 'prepared').exists()
  return str(raised.value)


def test_missing_and_damaged_sources(source, tmp_path):
  assert 'needs --config.data.source' in _error('', tmp_path)
  assert 'http://dl.yf.io/lsun/scenes/<scene>_train_lmdb.zip' in _error(tmp_path, tmp_path)
  copy = tmp_path / 'copy'
  shutil.copytree(source, copy)
  shutil.rmtree(copy / 'kitchen_val_lmdb')
  assert 'has no kitchen_val_lmdb/data.mdb' in _error(copy, tmp_path)
  _write(copy / 'kitchen_val_lmdb', [_picture(3, 0)])
  assert 'kitchen_val_lmdb has 1 images, LSUN publishes 2' in _error(copy, tmp_path)
  (copy / 'kitchen_val_lmdb' / 'data.mdb').write_bytes(b'nothing')
  assert 'kitchen_val_lmdb cannot be read' in _error(copy, tmp_path)
  shutil.rmtree(copy / 'kitchen_val_lmdb')
  with (
    lmdb.open(str(copy / 'kitchen_val_lmdb')) as environment,
    environment.begin(write=True) as lines,
  ):
    lines.put(b'a', b'no image')
    lines.put(b'b', b'no image')
  assert 'image file a of' in _error(copy, tmp_path)


def test_without_lmdb(source, tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'lmdb', None)
  assert 'need the package lmdb: pip install lmdb' in _error(source, tmp_path)


def test_unknown_config(tmp_path):
  with pytest.raises(UserError, match=r'allowed: long_tail_lsun/ratio_100, .*labelled_50'):
    preparation.prepare('long_tail_lsun/ratio_7', data_dir=str(tmp_path))
