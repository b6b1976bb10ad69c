"""Reading folders of image files: class folders, or flat folders of images without labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.pictures import look_at
from data_prep.readers import UNLABELLED, Labelled, Source, check_class_names
from jaxgan.errors import UserError

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp')


class Listing(NamedTuple):
  """The image files of a folder: paths, and labels int64 [N] in the same order."""

  paths: list[Path]
  labels: np.ndarray


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
