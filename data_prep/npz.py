"""Reading .npz files of images, with or without labels.

The arrays have the names of one of `FORMS`. Images are uint8 in 0..255, bool, or floats in [0, 1],
[-1, 1] or [0, 255]; labels are numbers, one-hot rows or strings.
"""

from collections.abc import Sequence
import functools
import hashlib
import math
from pathlib import Path
from typing import Any, NamedTuple
import zipfile

import numpy as np
from PIL import Image

from data_prep import flag_names
from data_prep.labels import number_labels, texts
from data_prep.pictures import BACKGROUND, Ground, enlarged, fit_square
from data_prep.pixel_range import to_uint8
from data_prep.readers import UNLABELLED, Labelled, Notes, Source, add_file, stands_in
from jaxgan.errors import UserError, first_line


class Form(NamedTuple):
  """Names of the arrays in an .npz: (images, labels) of each split."""

  train: tuple[str, str]
  test: tuple[str, str]
  validation: tuple[str, str]


_TEST, _VALIDATION = ('test_images', 'test_labels'), ('val_images', 'val_labels')
FORMS = (
  Form(('images', 'labels'), _TEST, _VALIDATION),
  Form(('train_images', 'train_labels'), _TEST, _VALIDATION),  # Of MedMNIST.
  Form(('x_train', 'y_train'), ('x_test', 'y_test'), ('x_val', 'y_val')),  # Of Keras.
)


def npz_pixels(path: Path) -> str:
  """Returns the optional field `pixels` of an .npz ('exact' or 'jpeg'), else 'unverified'."""
  return _stated_pixels(path, open_npz(path, ('pixels',))[0])


def read_npz(
  path: Path,
  image_size: int | None = None,
  background: str = BACKGROUND,
  skip_unreadable: bool = False,
) -> Source:
  """Reads the images of an .npz and, if present, labels, test images and `class_names`.

  Without test images, validation images are the test split. An .npz without labels may contain only
  images and `pixels`, so that labels under another name are not overlooked.

  Args:
    path: an .npz of images [N, H, W] or [N, H, W, 1, 3 or 4] and labels; see `FORMS`.
    image_size: see `data_prep.pictures.look_at`.
    background: see `data_prep.pictures.look_at`; for images of four channels.
    skip_unreadable: of no effect: an array is read whole or not at all.

  Returns:
    The source; for its class names see `data_prep.labels.number_labels`.

  Raises:
    UserError: a field is missing or has a wrong form or length, the scale of the images is
      ambiguous, or a label is out of range.
  """
  del skip_unreadable
  form = _form(path, open_npz(path, ())[1])
  splits = (form.train, form.test)
  fields = (*form.train, *form.test, 'class_names', 'pixels')
  arrays, names = open_npz(path, fields)
  labelled = any(labels in arrays for _, labels in splits)
  unread = sorted(set(names) - set(fields))
  if not labelled:
    _check_unlabelled(path, form, {*unread, *arrays})
  pictures, changes, sizes = _pictures(path, arrays, splits, labelled, image_size, background)
  if form.test == form.validation and form.test[0] in pictures:
    changes = (*changes, stands_in(form.test[0]))
  if labelled:
    labels, class_names, said = number_labels(
      path,
      {labels: arrays[labels] for images, labels in splits if images in pictures},
      arrays.get('class_names'),
    )
    changes = (*changes, *said)
  else:
    labels = {labels: np.zeros(len(pictures[i]), np.int64) for i, labels in splits if i in pictures}
    class_names = (UNLABELLED,)
  parts = {i: Labelled(pictures[i], labels[name]) for i, name in splits if i in pictures}
  return Source(
    parts[form.train[0]],
    parts.get(form.test[0]),
    class_names,
    'npz',
    _stated_pixels(path, arrays),
    labelled,
    changes,
    _passed_over(path, form.validation, unread),
    sizes,
    files=tuple(f'{name}[{n}]' for name in parts for n in range(len(arrays[name]))),
    hashes=functools.cache(lambda: [_hash(image) for name in parts for image in arrays[name]]),
  )


def _check_unlabelled(path, form, names):
  others = sorted(names - {form.train[0], form.test[0], *form.validation, 'pixels'})
  if others:
    raise UserError(
      f'source {path} has no labels, but {", ".join(others)}: call the labels '
      f'`{form.train[1]}`, or leave only {form.train[0]}, {form.test[0]} and pixels if there are '
      'none'
    )


def _hash(image) -> str:
  return hashlib.sha256(np.ascontiguousarray(image).data).hexdigest()


def _passed_over(path, validation, unread):
  passed_over = []
  if validation[0] in unread:
    images = open_npz(path, validation[:1])[0][validation[0]]
    passed_over.append((f'images of {validation[0]}', len(np.atleast_1d(images))))
    unread = [name for name in unread if name not in validation]
  if unread:
    passed_over.append((f'arrays of the .npz ({", ".join(unread)})', len(unread)))
  return tuple(passed_over)


def add_contents(digest: Any, path: Path) -> Notes:
  """Adds the bytes of an .npz to a hash; returns empty Notes."""
  add_file(digest, '', path)
  return Notes()


def _form(path, names) -> Form:
  """Returns the form of an .npz, with names spelled as in the file.

  Without test images, its test split is the validation split.
  """
  written = {name.casefold(): name for name in names}
  found = [form for form in FORMS if form.train[0] in written]
  if len(found) > 1:
    raise UserError(
      f'source {path} has {" and ".join(form.train[0] for form in found)}: leave one of them'
    )
  if not found:  # Without training images, labels or test images identify the form.
    found = [form for form in FORMS if {*form.train, *form.test} & written.keys()]
  if not found:
    wanted = ', or '.join(' and '.join(form.train) for form in FORMS)
    raise UserError(f'source {path} needs the arrays {wanted}; it has {sorted(names)}')
  form = found[0]
  if not set(form.test) & written.keys() and set(form.validation) & written.keys():
    form = form._replace(test=form.validation)
  return Form(*(tuple(written.get(name, name) for name in pair) for pair in form))


def _stated_pixels(path, arrays):
  stated = texts(f'source {path}: pixels', arrays.get('pixels', ''))
  return stated[0] if stated and stated[0] in ('exact', 'jpeg') else 'unverified'


def open_npz(path: Path, fields: Sequence[str]) -> tuple[dict[str, np.ndarray], list[str]]:
  """Reads some arrays of an .npz.

  Args:
    path: of the file.
    fields: names of arrays to read; missing arrays are left out.

  Returns:
    ({name: array}, the names of all arrays).

  Raises:
    UserError: the file is damaged or not an .npz.
  """
  try:
    if not zipfile.is_zipfile(path):
      raise ValueError('it is not a zip archive')
    with np.load(path, allow_pickle=False) as archive:
      return {name: archive[name] for name in fields if name in archive.files}, archive.files
  except Exception as error:  # Errors of zipfile, zlib and NumPy.
    raise UserError(f'source {path} is not a readable .npz file ({first_line(error)})') from error


def _pictures(path, arrays, splits, labelled, image_size, background):
  """Returns {name of the array: images uint8 [N, H, W, C]}, changes in words, and sizes."""
  pictures = {}
  for number, (name, labels) in enumerate(splits):
    where = f'source {path}: {name}'
    if name not in arrays and labels not in arrays and number:
      continue
    if name not in arrays or (labelled and labels not in arrays):
      raise UserError(f'{where} and {labels} must be given together')
    pictures[name] = _shaped(where, arrays[name])
    num_images = len(pictures[name])
    if labelled and arrays[labels].shape[:1] not in ((), (num_images,)):
      raise UserError(f'{where} has {num_images} images, {labels} {len(arrays[labels])} labels')
    height, width = pictures[name].shape[1:3]
    if image_size is None and height != width:
      raise UserError(f'{where} are {width}x{height}: set {flag_names.flag("image_size")}')
  pictures, changes = to_uint8(f'source {path}', pictures)
  ground = Ground(background)
  pictures = {name: _opaque(images, ground) for name, images in pictures.items()}
  changes = (*changes, ground.said) if ground.said else changes
  shapes = sorted({images.shape[1:3] for images in pictures.values()}, key=math.prod)
  sizes = ' to '.join(f'{width}x{height}' for height, width in shapes)
  if image_size:
    num_images = sum(map(len, pictures.values()))
    num_small = sum(len(p) for p in pictures.values() if min(p.shape[1:3]) < image_size)
    if num_small:
      changes = (*changes, enlarged(num_small, num_images, image_size))
    pictures = {name: _resized(images, image_size) for name, images in pictures.items()}
  (name, images), *others = pictures.items()
  for other, more in others:
    if more.shape[1:] != images.shape[1:]:
      raise UserError(f'source {path}: {name} are {images.shape[1:]}, {other} {more.shape[1:]}')
  return pictures, changes, sizes


def _shaped(where, images) -> np.ndarray:
  shape = images.shape
  images = images[..., None] if images.ndim == 3 else images
  if images.ndim != 4 or images.shape[-1] not in (1, 3, 4) or not images.size:
    first = images.ndim == 4 and images.shape[1] in (1, 3)
    hint = ': move the channels to the end' if first else ''
    raise UserError(f'{where} must be [N, H, W] or [N, H, W, 1, 3 or 4], got {shape}{hint}')
  if images.shape[-1] == 4 and images.dtype.kind in 'if' and images.min() < 0:
    raise UserError(f'{where} have four channels and negative values: give uint8 in 0..255')
  return images


def _opaque(images, ground) -> np.ndarray:
  """Lays images of four channels on a colour."""
  if images.shape[-1] != 4:
    return images
  pictures = (ground(Image.fromarray(image)).convert('RGB') for image in images)
  return np.stack([np.asarray(picture) for picture in pictures])


def _resized(images, image_size) -> np.ndarray:
  if images.shape[1:3] == (image_size, image_size):
    return images
  return np.stack([_resize_array(image, image_size) for image in images])


def _resize_array(image, image_size):
  grey = image.shape[-1] == 1
  picture = fit_square(Image.fromarray(image[..., 0] if grey else image), image_size)
  return np.asarray(picture).reshape(image_size, image_size, -1)
