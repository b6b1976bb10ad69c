"""Reading .npz files of images, with or without labels."""

from collections.abc import Sequence
from pathlib import Path
import zipfile

import numpy as np
from PIL import Image

from data_prep.pictures import fit_square
from data_prep.readers import UNLABELLED, Labelled, Source, check_class_names
from jaxgan.errors import UserError, first_line


def npz_pixels(path: Path) -> str:
  """The optional field `pixels` of an .npz ('exact' or 'jpeg'), else 'unverified'."""
  return _stated_pixels(open_npz(path, ('pixels',))[0])


def read_npz(path: Path, image_size: int | None = None) -> Source:
  """Reads `images`, `labels` and, if there, `test_images`, `test_labels`, `class_names`.

  An .npz without labels may hold nothing but `images`, `test_images` and `pixels`, so
  that labels under another name are not passed over.

  Args:
    path: an .npz of uint8 images [N, H, W] or [N, H, W, 1 or 3] and int labels [N].
    image_size: see `data_prep.pictures.look_at`.

  Returns:
    The source. Without class_names the classes are called 0, 1, ...

  Raises:
    UserError: a field is missing, has another type or length, or a label is out of range.
  """
  fields = ('images', 'labels', 'test_images', 'test_labels', 'class_names', 'pixels')
  arrays, names = open_npz(path, fields)
  labelled = 'labels' in arrays or 'test_labels' in arrays
  if 'images' in arrays and not labelled:
    others = sorted(set(names) - {'images', 'test_images', 'pixels'})
    if others:
      raise UserError(
        f'source {path} has no labels, but {", ".join(others)}: call the labels `labels`, or '
        'leave only images, test_images and pixels if there are none'
      )
    for name in arrays.keys() & {'images', 'test_images'}:
      arrays[name.replace('images', 'labels')] = np.zeros(arrays[name].shape[:1], np.int64)
    arrays['class_names'] = np.array([UNLABELLED])
  train = _labelled(path, arrays, '', image_size)
  if train is None:
    raise UserError(f'source {path} needs the arrays images and labels, it has {sorted(names)}')
  test = _labelled(path, arrays, 'test_', image_size)
  if test is not None and test.images.shape[1:] != train.images.shape[1:]:
    raise UserError(
      f'source {path}: images are {train.images.shape[1:]}, test_images {test.images.shape[1:]}'
    )
  if 'class_names' in arrays:
    class_names = tuple(str(name) for name in np.atleast_1d(arrays['class_names']))
    check_class_names(path, class_names)
  else:
    largest = max(int(part.labels.max()) for part in (train, test) if part is not None)
    # Beyond the number of images some class has none, whatever the names.
    class_names = tuple(str(k) for k in range(min(largest, len(train.labels)) + 1))
  for field, part in (('labels', train), ('test_labels', test)):
    if part is not None:
      _check_labels(f'source {path}: {field}', part.labels, class_names)
  return Source(train, test, class_names, 'npz', _stated_pixels(arrays), labelled)


def _stated_pixels(arrays):
  pixels = str(arrays.get('pixels', ''))
  return pixels if pixels in ('exact', 'jpeg') else 'unverified'


def open_npz(path: Path, fields: Sequence[str]) -> tuple[dict[str, np.ndarray], list[str]]:
  """Those of some arrays that an .npz has, and the names of all that it has.

  Raises:
    UserError: no .npz, or a damaged one.
  """
  try:
    if not zipfile.is_zipfile(path):
      raise ValueError('it is no zip archive')
    with np.load(path, allow_pickle=False) as archive:
      return {name: archive[name] for name in fields if name in archive.files}, archive.files
  except Exception as error:  # Zip, zlib and NumPy errors.
    raise UserError(f'source {path} is not a readable .npz file ({first_line(error)})') from error


def _labelled(path, arrays, prefix, image_size):
  images, labels = arrays.get(f'{prefix}images'), arrays.get(f'{prefix}labels')
  if images is None and labels is None:
    return None
  where = f'source {path}: {prefix}'
  if images is None or labels is None:
    raise UserError(f'{where}images and {prefix}labels must be given together')
  if images.dtype != np.uint8:
    raise UserError(f'{where}images must be uint8, got {images.dtype}')
  images = images[..., None] if images.ndim == 3 else images
  if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
    raise UserError(f'{where}images must be [N, H, W] or [N, H, W, 1 or 3], got {images.shape}')
  if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
    raise UserError(f'{where}labels must be whole numbers [N], got {labels.dtype} {labels.shape}')
  if len(labels) != len(images):
    raise UserError(f'{where}images has {len(images)} images, {prefix}labels {len(labels)} labels')
  if image_size is None and images.shape[1] != images.shape[2]:
    raise UserError(f'{where}images are {images.shape[2]}x{images.shape[1]}: set image_size')
  if image_size and images.shape[1:3] != (image_size, image_size):
    images = np.stack([_resize_array(image, image_size) for image in images])
  return Labelled(images, labels.astype(np.int64))


def _resize_array(image, image_size):
  grey = image.shape[-1] == 1
  picture = fit_square(Image.fromarray(image[..., 0] if grey else image), image_size)
  return np.asarray(picture).reshape(image_size, image_size, -1)


def _check_labels(where, labels, class_names):
  if labels.min() < 0 or labels.max() >= len(class_names):
    raise UserError(
      f'{where} must lie in 0..{len(class_names) - 1}, got {labels.min()}..{labels.max()}'
    )
  empty = np.flatnonzero(np.bincount(labels, minlength=len(class_names)) == 0)
  if len(empty):
    raise UserError(f'{where}: class {class_names[empty[0]]} (label {empty[0]}) has no images')
