"""What every reader of a user's images returns, and the checks that readers share.

`data_prep.folders`, `data_prep.npz` and `data_prep.arrow` read.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
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


def add_file(digest: Any, name: str, file: Any) -> None:
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


def whole(text: str) -> int | None:
  """The whole number that a text such as '10' or '10.0' stands for; None for other texts."""
  digits, _, zeros = text.partition('.')
  is_number = text.isascii() and digits.removeprefix('-').isdigit() and not zeros.strip('0')
  return int(digits) if is_number and len(digits) <= 18 else None  # Fits int64.


def in_class_order(names: Iterable[str]) -> list[str]:
  """Names of classes in the order of their labels: numbers by size, else names by alphabet.

  >>> in_class_order(['10', '9', '100']), in_class_order(['10', '9', 'a'])
  (['9', '10', '100'], ['10', '9', 'a'])
  """
  numbers = {name: whole(name) for name in names}
  if None in numbers.values():
    return sorted(numbers)
  return sorted(numbers, key=lambda name: (numbers[name], name))


def check_class_names(source: Path, names: Sequence[str]) -> None:
  """Raises a UserError unless the names of classes differ and are lines of text, as TFDS needs."""
  counts = Counter(names)
  for name in names:
    text = name.encode(errors='replace').decode() == name
    if not text or name.splitlines() != [name] or name != name.strip() or counts[name] > 1:
      raise UserError(
        f'source {source} has a class called {name!r}: each needs its own name, one line of '
        'text without spaces around it'
      )
