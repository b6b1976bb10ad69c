"""Reading images that users have: class folders, flat folders and .npz files."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
import zipfile

import numpy as np
from PIL import Image

from data_prep.pictures import ImageFiles, fit_square, look_at
from jaxgan.errors import UserError, first_line

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp')
UNLABELLED = 'unlabelled'  # The one class of images without labels.


class Labelled(NamedTuple):
  """Images uint8 [N, H, W, C], perhaps still in their files, and labels int64 [N]."""

  images: np.ndarray | ImageFiles
  labels: np.ndarray


class Source(NamedTuple):
  """Everything that was read; test is None where the source has no test images."""

  train: Labelled
  test: Labelled | None
  class_names: tuple[str, ...]
  kind: str  # 'class folders', 'image folder', 'npz', 'python batches' or 'binary batches'
  pixels: str  # 'exact', 'jpeg' or 'unverified'
  labelled: bool = True  # If False, all labels are 0 and the one class is UNLABELLED.


class Listing(NamedTuple):
  """The image files of a folder: paths, and labels int64 [N] in the same order."""

  paths: list[Path]
  labels: np.ndarray


# Folders ---------------------------------------------------------------------------------------


def list_folder(root: Path) -> tuple[Listing, Listing | None, tuple[str, ...]]:
  """Lists a folder of images, with or without labels.

  With labels: <root>/<class>/<image>, or <root>/train and <root>/test of such folders.
  Without: <root>/<image>, or <root>/train and <root>/test of such images. Classes are
  ordered by name, files by name within a class. Hidden files and files without an image
  suffix are passed over.

  Args:
    root: the folder.

  Returns:
    The train files, the test files or None, and the class names in label order; without
    labels there are no class names and all labels are 0.

  Raises:
    UserError: no images, a class without images, images beside class folders, other classes in
      test, a class whose name is no line of text, or a link that leads nowhere.
  """
  train_root, test_root = root / 'train', root / 'test'
  names = {folder.name for folder in _subfolders(root)}
  # A class may be called `train`: only a folder of folders, or one beside `test` alone, is a split.
  split = 'train' in names and (bool(_subfolders(train_root)) or names == {'train', 'test'})
  train_root = train_root if split else root
  class_names = tuple(folder.name for folder in _subfolders(train_root))
  check_class_names(train_root, class_names)
  roots = [train_root, test_root] if split and 'test' in names else [train_root]
  for folder in dict.fromkeys((root, *roots)):
    loose, folders = _image_files(folder), _subfolders(folder)
    if loose and folders:
      raise UserError(
        f'source {folder} has images ({loose[0].name}) beside folders ({folders[0].name}): put '
        'every image into the folder of its class, or remove the folders if there are no labels'
      )
    if not (loose or folders):
      raise UserError(
        f'source {folder} has no class folders and no images: expected {folder}/<class>/<image>, '
        f'or {folder}/<image> for images without labels'
      )
  for folder in _subfolders(roots[-1]):
    if folder.name not in class_names:
      raise UserError(f'class folder {folder} has no counterpart in {train_root}')
  listings = [_list_files([folder / name for name in class_names] or [folder]) for folder in roots]
  return listings[0], listings[1] if len(roots) == 2 else None, class_names


def read_folder(root: Path, image_size: int | None = None) -> Source:
  """Reads the images that `list_folder` lists.

  Args:
    root: the folder.
    image_size: see `data_prep.pictures.look_at`.

  Returns:
    The source; pixels is 'jpeg' if any file is a JPEG.
  """
  train, test, class_names = list_folder(root)
  paths = train.paths + (test.paths if test else [])
  images = look_at(paths, image_size)  # Together: both splits get the same channels.
  cut = len(train.paths)
  return Source(
    Labelled(images[:cut], train.labels),
    Labelled(images[cut:], test.labels) if test else None,
    class_names or (UNLABELLED,),
    'class folders' if class_names else 'image folder',
    files_pixels(paths),
    bool(class_names),
  )


def listed_file(listing: Path, name: str) -> Path:
  """A file that a list in the same folder names, with slashes; it need not be there.

  Raises:
    UserError: no name, or one that leads out of the folder.
  """
  path = PurePosixPath(name)
  if not path.parts or path.is_absolute() or '..' in path.parts:
    raise UserError(f'{listing} names {name!r}, which is no file inside of its folder')
  return listing.parent / path


def files_pixels(paths: Sequence[Path]) -> str:
  """'jpeg' if any file is a JPEG, else 'unverified': a PNG may have been a JPEG before."""
  lossy = any(path.suffix.lower() in ('.jpg', '.jpeg') for path in paths)
  return 'jpeg' if lossy else 'unverified'


def _subfolders(folder):
  return [path for path in _entries(folder) if path.is_dir()]


def _image_files(folder):
  files = _entries(folder) if folder.is_dir() else []
  return [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]


def _entries(folder):
  """What is in a folder, by name, but for hidden files; links are followed."""
  entries = [path for path in folder.iterdir() if not path.name.startswith('.')]
  for path in entries:
    if path.is_symlink() and not path.exists():
      raise UserError(f'{path} is a link that leads nowhere or in a circle: remove it')
  return sorted(entries, key=lambda path: path.name)


def _list_files(folders):
  paths, labels = [], []
  for label, folder in enumerate(folders):
    found = _image_files(folder)
    if not found:
      raise UserError(f'class folder {folder} has no images ({", ".join(IMAGE_SUFFIXES)})')
    paths += found
    labels += [label] * len(found)
  return Listing(paths, np.array(labels, np.int64))


def check_class_names(source: Path, names: Sequence[str]) -> None:
  """Raises a UserError unless the names of classes differ and are lines of text, as TFDS needs."""
  for name in names:
    text = name.encode(errors='replace').decode() == name
    if not text or name.splitlines() != [name] or name != name.strip() or names.count(name) > 1:
      raise UserError(
        f'source {source} has a class called {name!r}: each needs a name of its own, one line of '
        'text without spaces around it'
      )


# .npz files ------------------------------------------------------------------------------------


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
