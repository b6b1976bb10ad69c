"""What every reader of a user's images returns, and the checks that readers share.

`data_prep.folders`, `data_prep.npz` and `data_prep.arrow` read.
"""

from collections.abc import Sequence
import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import NamedTuple
import unicodedata

import numpy as np

from data_prep.pictures import ImageFiles
from jaxgan.errors import UserError, first_line

UNLABELLED = 'unlabelled'  # The one class of images without labels.


class Labelled(NamedTuple):
  """Images uint8 [N, H, W, C], perhaps still in their files, and labels int64 [N]."""

  images: np.ndarray | ImageFiles
  labels: np.ndarray


class Notes(NamedTuple):
  """What is said of a source before any image is read.

  It may change while the images stay the same: other files come and go.

  Attributes:
    changes: how the source is read, a line for each thing worth saying.
    passed_over: (reason, number of files, folders or rows not read).
  """

  changes: tuple[str, ...] = ()
  passed_over: tuple[tuple[str, int], ...] = ()


class Source(NamedTuple):
  """Everything that was read; test is None where the source has no test images."""

  train: Labelled
  test: Labelled | None
  class_names: tuple[str, ...]
  kind: str  # 'class folders', 'npz', 'python batches', ...: see `long_tail_folder.ORDERS`
  pixels: str  # 'exact', 'jpeg' or 'unverified'
  labelled: bool = True  # If False, all labels are 0 and the one class is UNLABELLED.
  changes: tuple[str, ...] = ()  # What was done to images, a line each: 'scaled from [0, 1]'.
  passed_over: tuple[tuple[str, int], ...] = ()  # (reason, number of arrays or columns not read).
  # Sizes before images are resized, such as '12x8 to 640x480', and 'grey' or 'RGB'; '' where the
  # shape of the arrays tells.
  sizes: str = ''
  colour: str = ''
  listed: Notes = Notes()


def listed_file(listing: Path, name: str) -> Path:
  """A file that a list in the same folder names, with slashes; it need not be there.

  Raises:
    UserError: no name, or one that leads out of the folder.
  """
  path = PurePosixPath(name)
  if not path.parts or path.is_absolute() or '..' in path.parts:
    raise UserError(f'{listing} names {name!r}, which is no file inside of its folder')
  return listing.parent / path


def add_file(digest, name: str, file) -> None:
  """Adds a name and the bytes of a file to a hash.

  Args:
    digest: of `hashlib`.
    name: what the images depend on of the file's path.
    file: a path, or a file of `data_prep.trees`.

  Raises:
    UserError: the file cannot be read.
  """
  try:
    with file.open('rb') as stream:
      contents = hashlib.file_digest(stream, 'sha256').digest()
  except Exception as error:  # Of files; zip and zlib errors.
    raise UserError(f'image file {file} cannot be read ({first_line(error)})') from error
  digest.update(os.fsencode(name) + b'\0' + contents)


def stands_in(validation: str) -> str:
  """The message where validation images serve as the test split."""
  return f'{validation} is the test split, as there is no test'


def composed(name: str) -> str:
  """The name of a class or file with its accents composed in one way (Unicode NFC).

  File systems and programs compose them differently: without this, one name would be two.
  """
  return unicodedata.normalize('NFC', name)


def check_labels(where: str, labels: np.ndarray, class_names: Sequence[str]) -> None:
  """Raises a UserError unless labels are numbers of the classes and each class has images.

  Args:
    where: begins the message: which labels these are.
    labels: int `[N]`.
    class_names: `[K]`.
  """
  last = len(class_names) - 1
  if labels.min() < 0 or labels.max() > last:
    raise UserError(f'{where} must lie in 0..{last}, got {labels.min()}..{labels.max()}')
  empty = np.flatnonzero(np.bincount(labels, minlength=len(class_names)) == 0)
  if len(empty):
    raise UserError(f'{where}: class {class_names[empty[0]]} (label {empty[0]}) has no images')


def check_class_names(source: Path, names: Sequence[str]) -> None:
  """Raises a UserError unless the names of classes differ and are lines of text, as TFDS needs."""
  for name in names:
    text = name.encode(errors='replace').decode() == name
    if not text or name.splitlines() != [name] or name != name.strip() or names.count(name) > 1:
      raise UserError(
        f'source {source} has a class called {name!r}: each needs its own name, one line of '
        'text without spaces around it'
      )
