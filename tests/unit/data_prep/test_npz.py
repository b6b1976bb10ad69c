"""The forms of .npz files: names of arrays, scales of images, labels."""

import contextlib
import io

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from data_prep.npz import read_npz
from jaxgan.errors import UserError
from tests.support.data_prep.damage import changed_byte

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
IMAGES[0, 0, 0] = (0, 255, 128)
LABELS = np.array([0, 1, 2, 0, 1, 2])
TEXTS = np.array(['dog', 'ant', 'cat'])[LABELS]  # Sorted, ant is 0.
IN_ORDER = np.array([2, 0, 1])[LABELS]


@pytest.fixture
def read(tmp_path):
  """read(**arrays) -> the Source of an .npz with these arrays."""

  def read(image_size=None, **arrays):
    np.savez(tmp_path / 'own.npz', **arrays)
    return read_npz(tmp_path / 'own.npz', image_size)

  return read


@pytest.mark.parametrize(
  'names',
  [
    ('images', 'labels', 'test_images', 'test_labels'),
    ('x_train', 'y_train', 'x_test', 'y_test'),
    ('X_train', 'Y_train', 'X_test', 'Y_test'),
    ('train_images', 'train_labels', 'test_images', 'test_labels'),
  ],
)
def test_names_of_the_arrays(names, read):
  parts = IMAGES, LABELS[:, None], IMAGES[:3], LABELS[:3, None]
  source = read(**dict(zip(names, parts, strict=True)))
  np.testing.assert_array_equal(source.train.images, IMAGES)
  np.testing.assert_array_equal(source.train.labels, LABELS)
  np.testing.assert_array_equal(source.test.images, IMAGES[:3])
  np.testing.assert_array_equal(source.test.labels, LABELS[:3])
  assert source.class_names == ('0', '1', '2')
  assert source.kind == 'npz'
  assert (source.changes, source.passed_over) == ((), ())
  train_alone = read(**dict(zip(names[:2], parts[:2], strict=True)))
  assert train_alone.test is None
  assert train_alone.labelled
  unlabelled = read(**{names[0]: IMAGES})
  assert not unlabelled.labelled
  assert unlabelled.class_names == ('unlabelled',)


def test_validation_images(read):
  whole = {'x_train': IMAGES, 'y_train': LABELS, 'x_val': IMAGES[3:], 'y_val': LABELS[3:]}
  source = read(**whole)
  np.testing.assert_array_equal(source.test.images, IMAGES[3:])
  assert source.passed_over == ()
  assert source.changes == ('x_val is the test split, as there is no test',)
  source = read(**whole, x_test=IMAGES[:3], y_test=LABELS[:3])
  np.testing.assert_array_equal(source.test.images, IMAGES[:3])
  assert source.passed_over == (('images of x_val', 3),)
  assert source.changes == ()


def test_unread_arrays_are_named(read):
  source = read(images=IMAGES, labels=LABELS, ids=np.arange(6))
  assert source.passed_over == (('arrays of the .npz (ids)', 1),)
  with pytest.raises(UserError, match='has images and x_train: leave one of them'):
    read(images=IMAGES, labels=LABELS, x_train=IMAGES, y_train=LABELS)
  with pytest.raises(UserError, match='has no labels, but y: call the labels `y_train`'):
    read(x_train=IMAGES, y=LABELS)


@pytest.mark.parametrize(
  ('labels', 'names', 'numbers'),
  [
    (LABELS[:, None], '012', LABELS),
    (LABELS.astype(np.float32), '012', LABELS),
    (np.eye(3)[LABELS], '012', LABELS),
    (np.eye(3, dtype=np.uint8)[LABELS], '012', LABELS),
    (np.eye(3, dtype=bool)[LABELS], '012', LABELS),
    (LABELS > 1, '01', LABELS // 2),
    (LABELS + 1, '123', LABELS),
    (LABELS * 2.0, '024', LABELS),
    (LABELS - 1, ('-1', '0', '1'), LABELS),
    (LABELS.astype(np.uint64) * np.uint64(2**40), ('0', str(2**40), str(2**41)), LABELS),
    (np.eye(4)[LABELS + 1], '123', LABELS),
    (np.array(['9', '100', '10'])[LABELS], ('9', '10', '100'), np.array([0, 2, 1])[LABELS]),
    (TEXTS, ('ant', 'cat', 'dog'), IN_ORDER),
    (TEXTS[:, None], ('ant', 'cat', 'dog'), IN_ORDER),
    (np.char.encode(TEXTS), ('ant', 'cat', 'dog'), IN_ORDER),
    # The same name with differently composed accents.
    (np.array(['\xe9', 'a', 'a', 'e\u0301', 'a', 'a']), 'aé', [1, 0, 0, 1, 0, 0]),
  ],
)
def test_labels(labels, names, numbers, read):
  source = read(images=IMAGES, labels=labels)
  assert source.class_names == tuple(names)
  assert source.train.labels.dtype == np.int64
  np.testing.assert_array_equal(source.train.labels, numbers)


@pytest.mark.parametrize(
  ('given', 'read_as'),
  [
    (np.array([b'cat', b'dog', b'gnu']), ('cat', 'dog', 'gnu')),
    (np.array(['cafe\u0301', 'b', 'c']), ('caf\xe9', 'b', 'c')),
    (np.array([[3], [5], [7]]), ('3', '5', '7')),
  ],
)
def test_class_names(given, read_as, read):
  assert read(images=IMAGES, labels=LABELS, class_names=given).class_names == read_as


def test_names_without_images_are_left_out(read):
  whole = {'images': IMAGES, 'labels': LABELS + 1, 'class_names': list('abcdef')}
  source = read(**whole, test_images=IMAGES, test_labels=LABELS + 1)
  assert source.class_names == ('b', 'c', 'd')
  np.testing.assert_array_equal(source.test.labels, LABELS)
  assert source.changes == ('3 classes without images are left out',)
  assert read(images=IMAGES, labels=TEXTS, class_names=['ant', 'cat', 'dog', 'x']).changes == (
    '1 class without images is left out',
  )
  with pytest.raises(UserError, match='test_labels: class d has no images'):
    read(**whole, test_images=IMAGES[:2], test_labels=LABELS[:2] + 1)


def test_class_names_order_strings(read):
  source = read(images=IMAGES, labels=TEXTS, class_names=np.array([b'dog', b'ant', b'cat']))
  assert source.class_names == ('dog', 'ant', 'cat')
  np.testing.assert_array_equal(source.train.labels, LABELS)
  with pytest.raises(
    UserError, match='all strings or all numbers, got labels <U3, test_labels int'
  ):
    read(images=IMAGES, labels=TEXTS, test_images=IMAGES, test_labels=LABELS)


@pytest.mark.parametrize(
  ('images', 'said'),
  [
    (IMAGES / 255, 'images: floats in [0, 1], scaled to 0..255'),
    ((IMAGES / 255).astype(np.float32), 'images: floats in [0, 1], scaled to 0..255'),
    (IMAGES / np.float64(255) + 1e-5, 'images: floats in [0, 1], scaled to 0..255'),
    (IMAGES / np.float32(127.5) - 1, 'images: floats in [-1, 1], scaled to 0..255'),
    (IMAGES.astype(np.float32), 'images: floats in [0, 255], rounded'),
    (IMAGES.astype(np.int64), ''),
    (IMAGES.astype('>u2'), ''),
  ],
)
def test_scales(images, said, read):
  source = read(images=images, labels=LABELS)
  assert source.train.images.dtype == np.uint8
  np.testing.assert_array_equal(source.train.images, IMAGES)
  assert source.changes == ((said,) if said else ())


def test_sizes_before_they_are_resized(read, tmp_path):
  path, wide = tmp_path / 'small.npz', np.zeros((6, 8, 12, 3), np.uint8) + np.uint8(200)
  np.savez(path, images=wide, labels=LABELS, test_images=wide[:, :4, :4], test_labels=LABELS)
  source = read_npz(path, 8)
  assert source.sizes == '4x4 to 12x8'
  assert source.changes == ('6 of 12 images are smaller than 8 and are enlarged',)
  assert source.train.images.shape == source.test.images.shape == (6, 8, 8, 3)


def test_true_is_white(read):
  source = read(images=IMAGES > 127, labels=LABELS)
  np.testing.assert_array_equal(source.train.images, np.where(IMAGES > 127, 255, 0))
  assert source.changes == ('images: True and False, made 255 and 0',)


def test_both_splits_have_one_scale(read):
  whole = {'images': IMAGES / 255, 'labels': LABELS, 'test_labels': LABELS[:3]}
  source = read(test_images=IMAGES[:3] / 510, **whole)  # Dark, but on the scale of the others.
  np.testing.assert_array_equal(source.test.images, np.rint(IMAGES[:3] / np.float32(2)))
  assert source.changes == ('images and test_images: floats in [0, 1], scaled to 0..255',)
  with pytest.raises(UserError, match='alike in all splits, got images float64, test_images uint8'):
    read(test_images=IMAGES[:3], **whole)
  assert read(image_size=4, test_images=IMAGES[:3] / 255, **whole).test.images.shape[1:3] == (4, 4)


@pytest.mark.parametrize(
  ('images', 'message'),
  [
    (IMAGES // 255, r'integers in 0\.\.1, .*almost black.* Multiply them by 255 / 1, or give'),
    (IMAGES // 16, r'integers in 0\.\.15, .* Multiply them by 255 / 15'),
    ((IMAGES // 16).astype(float), r'floats in 0\.\.15, and their scale is not clear'),
    (IMAGES / 255 - 0.5, r'floats in -0\.5\.\.0\.5, and their scale is not clear'),
    (IMAGES / 40 - 3, r'and their scale is not clear'),
    (IMAGES * 2.0, r'floats in 0\.\.510, and'),
    (IMAGES.astype(np.int16) - 1, r'integers in -1\.\.254: give uint8 in 0\.\.255'),
    (np.where(IMAGES == 255, np.nan, 0.5), 'NaN or infinite'),
    (np.where(IMAGES == 255, np.inf, 0.5), 'NaN or infinite'),
    (np.concatenate([IMAGES, IMAGES[..., :1]], -1) / 127.5 - 1, 'four channels and negative'),
  ],
)
def test_ambiguous_scales(images, message, read):
  with pytest.raises(UserError, match=message):
    read(images=images, labels=LABELS)


@pytest.mark.parametrize('scale', [1, 255])
def test_four_channels_are_laid_on_a_colour(scale, read, tmp_path):
  alpha = np.full((6, 8, 8, 1), 255, np.uint8)
  alpha[:2, 0, 0] = 0
  images = np.concatenate([IMAGES, alpha], -1)
  source = read(images=images if scale == 1 else images / scale, labels=LABELS)
  wanted = IMAGES.copy()
  wanted[:2, 0, 0] = 255
  np.testing.assert_array_equal(source.train.images, wanted)
  assert source.changes[-1] == '2 images with transparent pixels were laid on white'
  source = read_npz(tmp_path / 'own.npz', background='black')
  assert (source.train.images[:2, 0, 0] == 0).all()


def _written(save):
  stream = io.BytesIO()
  save(stream, images=IMAGES, labels=TEXTS)
  return stream.getvalue()


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
@given(data=st.data())
def test_a_truncated_file_is_refused_and_a_changed_byte_changes_no_value(save, data, tmp_path):
  """All but the last 22 bytes, which count the arrays, have a checksum or a copy."""
  path, whole = tmp_path / 'own.npz', _written(save)
  path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
  with pytest.raises(UserError):
    read_npz(path)
  from_end, mask = data.draw(st.integers(23, len(whole))), data.draw(st.integers(1, 255))
  path.write_bytes(changed_byte(whole, len(whole) - from_end, mask))
  with contextlib.suppress(UserError):
    source = read_npz(path)
    np.testing.assert_array_equal(source.train.images, IMAGES)
    np.testing.assert_array_equal(source.train.labels, IN_ORDER)
