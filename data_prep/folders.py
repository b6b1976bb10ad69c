"""Reading folders and .zip files of images, with class folders, labels files or no labels."""

from collections.abc import Sequence
import functools
import math
import os
from pathlib import Path
from typing import Any

from data_prep.listing import Listing, list_images
from data_prep.picture_formats import JPEG_SUFFIXES
from data_prep.pictures import BACKGROUND, look_at, on_all_cores
from data_prep.readers import UNLABELLED, Labelled, Notes, Source, add_file, file_hash, leave_out
from data_prep.trees import open_tree
from jaxgan.system import messages


def list_folder(source: Path) -> Listing:
  """Lists a folder or .zip of images; see `data_prep.listing.list_images`."""
  return list_images(open_tree(source))


def read_folder(
  source: Path,
  image_size: int | None = None,
  background: str = BACKGROUND,
  skip_unreadable: bool = False,
) -> Source:
  """Reads the images that `list_folder` lists.

  Args:
    source: the folder or .zip.
    image_size: see `data_prep.pictures.look_at`.
    background: see `data_prep.pictures.look_at`.
    skip_unreadable: see `data_prep.pictures.look_at`.

  Returns:
    The source; `pixels` is 'jpeg' if any file is a JPEG.
  """
  listed = list_folder(source)
  train, test, names = listed.train, listed.test, listed.class_names
  paths = train.paths + (test.paths if test else [])
  # Together: both splits get the same channels.
  images = look_at(paths, image_size, background, skip_unreadable)
  cut = len(train.paths)
  kind = 'labels file' if listed.tables else 'class folders'
  read = Source(
    Labelled(images[:cut], train.labels),
    Labelled(images[cut:], test.labels) if test else None,
    names or (UNLABELLED,),
    kind if names else 'image folder',
    files_pixels(paths),
    bool(names),
    changes=images.looks.changes(),
    listed=_notes(listed),
    sizes=images.looks.sizes,
    colour=images.looks.colour,
    files=tuple(path.path for path in paths),
    hashes=functools.cache(lambda: list(on_all_cores(file_hash, paths))),
  )
  return leave_out(read, images.unreadable)


def files_pixels(paths: Sequence) -> str:
  """Returns 'jpeg' if any file is a JPEG, else 'unverified': a PNG may come from a JPEG."""
  lossy = any(path.name.lower().endswith(JPEG_SUFFIXES) for path in paths)
  return 'jpeg' if lossy else 'unverified'


def _notes(listed: Listing) -> Notes:
  return Notes(listed.changes, tuple(sorted(listed.passed_over.items())))


def add_contents(digest: Any, source: Path) -> Notes:
  """Adds to a hash the names and bytes of all files that the images depend on.

  Images that cannot be read add their names: reading the images lists all of them.

  Returns:
    The Notes on the source.

  Raises:
    UserError: a labels file is unreadable; or see `list_folder`.
  """
  listed = list_folder(source)
  images = listed.train.paths + (listed.test.paths if listed.test else [])
  classes = f' in {len(listed.class_names)} classes' if listed.class_names else ''
  text = f'reading {len(images):,} images{classes} of {source}'
  messages.once(text)  # A command reads the files again for each part of an experiment.
  hashes = messages.counted(on_all_cores(file_hash, images), len(images), text, after=math.inf)
  for file, contents in zip(images, hashes, strict=True):
    digest.update(os.fsencode(file.path) + b'\0' + bytes.fromhex(contents))
  for file in listed.tables:
    add_file(digest, file.path, file)
  return _notes(listed)
