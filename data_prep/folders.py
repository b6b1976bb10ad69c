"""Reading folders and .zip files of images: class folders, labels files, or images alone."""

from collections.abc import Sequence
import hashlib
import os
from pathlib import Path

from data_prep.listing import Listing, list_images
from data_prep.picture_formats import JPEG_SUFFIXES
from data_prep.pictures import BACKGROUND, Looks, look_at
from data_prep.readers import UNLABELLED, Labelled, Source
from data_prep.trees import open_tree
from jaxgan.errors import UserError, first_line


def list_folder(source: Path) -> Listing:
  """Lists a folder or .zip of images; see `data_prep.listing.list_images`."""
  return list_images(open_tree(source))


def read_folder(
  source: Path, image_size: int | None = None, background: str = BACKGROUND
) -> Source:
  """Reads the images that `list_folder` lists.

  Args:
    source: the folder or .zip.
    image_size: see `data_prep.pictures.look_at`.
    background: see `data_prep.pictures.look_at`.

  Returns:
    The source; pixels is 'jpeg' if any file is a JPEG.
  """
  listed = list_folder(source)
  train, test, names = listed.train, listed.test, listed.class_names
  paths = train.paths + (test.paths if test else [])
  images = look_at(paths, image_size, background)  # Together: both splits get the same channels.
  cut = len(train.paths)
  kind = 'labels file' if listed.tables else 'class folders'
  seen = describe(images.looks, len(paths), image_size)
  return Source(
    Labelled(images[:cut], train.labels),
    Labelled(images[cut:], test.labels) if test else None,
    names or (UNLABELLED,),
    kind if names else 'image folder',
    files_pixels(paths),
    bool(names),
    passed_over=tuple(sorted(listed.passed_over.items())),
    **seen | {'changes': (*listed.changes, *seen['changes'])},
  )


def describe(looks: Looks, num_images: int, image_size: int | None) -> dict:
  """The fields of a Source that the headers of its images tell: changes, sizes and colour."""
  return {
    'changes': tuple(_changes(looks, num_images, image_size)),
    'sizes': _range(looks),
    'colour': _colour(looks, num_images),
  }


def files_pixels(paths: Sequence) -> str:
  """'jpeg' if any file is a JPEG, else 'unverified': a PNG may have been a JPEG before."""
  lossy = any(path.name.lower().endswith(JPEG_SUFFIXES) for path in paths)
  return 'jpeg' if lossy else 'unverified'


def add_contents(digest, source: Path) -> None:
  """Adds to a hash the names and bytes of all files of a folder or .zip that images depend on.

  Raises:
    UserError: a file cannot be read; or see `list_folder`.
  """
  listed = list_folder(source)
  files = listed.train.paths + (listed.test.paths if listed.test else []) + listed.tables
  for file in files:
    try:
      with file.open() as stream:
        contents = hashlib.file_digest(stream, 'sha256').digest()
    except Exception as error:  # Of files; zip and zlib errors.
      raise UserError(f'image file {file} cannot be read ({first_line(error)})') from error
    digest.update(os.fsencode(file.path) + b'\0' + contents)


def _range(looks: Looks) -> str:
  smallest, largest = (f'{width}x{height}' for width, height in (looks.smallest, looks.largest))
  return smallest if smallest == largest else f'{smallest} to {largest}'


def _colour(looks: Looks, num_images: int) -> str:
  if looks.num_grey in (0, num_images):
    return 'grey' if looks.num_grey else 'RGB'
  return f'RGB; {looks.num_grey} of {num_images} images are grey'


def _changes(looks: Looks, num_images: int, image_size: int | None) -> list[str]:
  changes = []
  if looks.num_small:
    few = f'{looks.num_small} of {num_images} images are smaller than {image_size}'
    changes.append(f'{few} and are enlarged')
  if looks.num_animated:
    changes.append(f'of {looks.num_animated} files with several frames the first is read')
  return changes
