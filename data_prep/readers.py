"""The results of the readers of own images, and their common checks.

The readers are `data_prep.folders`, `data_prep.npz` and `data_prep.arrow`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import contextlib
import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
import unicodedata

import numpy as np

from data_prep import flag_names
from data_prep.pictures import ImageFiles, UnreadableError
from jaxgan.errors import UserError, first_line

UNLABELLED = 'unlabelled'  # The one class of images without labels.


class Labelled(NamedTuple):
  """Images uint8 [N, H, W, C], in memory or in files, and labels int64 [N]."""

  images: np.ndarray | ImageFiles
  labels: np.ndarray


class Notes(NamedTuple):
  """Messages on a source before its images are read.

  They may change with other files in the source while the images stay the same.

  Attributes:
    changes: messages on how the source is read.
    passed_over: (reason, number of unread files, folders or rows).
  """

  changes: tuple[str, ...] = ()
  passed_over: tuple[tuple[str, int], ...] = ()


class Source(NamedTuple):
  """The result of a reader; `test` is None without test images.

  `files` and the result of `hashes` are of the training images, then of the test images.
  """

  train: Labelled
  test: Labelled | None
  class_names: tuple[str, ...]
  kind: str  # 'class folders', 'npz', 'python batches', ...: see `long_tail_folder.ORDERS`
  pixels: str  # 'exact', 'jpeg' or 'unverified'
  labelled: bool = True  # If False, all labels are 0 and the one class is UNLABELLED.
  changes: tuple[str, ...] = ()  # Changes to images, such as 'scaled from [0, 1]'.
  passed_over: tuple[tuple[str, int], ...] = ()  # (reason, number of unread arrays).
  # Sizes before resizing, such as '12x8 to 640x480', and 'grey' or 'RGB'; '' if the shape of the
  # arrays shows them.
  sizes: str = ''
  colour: str = ''
  listed: Notes = Notes()
  files: tuple[str, ...] = ()  # Names of the images, unique in the source.
  hashes: Callable[[], list[str]] = list  # SHA-256 of the encoded images, or of their pixels.
  unreadable: tuple[tuple[str, str, str], ...] = ()  # (file, class, reason) of skipped images.


def leave_out(source: Source, reasons: Mapping[int, str]) -> Source:
  """Moves images to `Source.unreadable`.

  Args:
    source: of a reader.
    reasons: {position in `files`: why it is left out}.
  """
  if not reasons:
    return source
  train, test, cut = source.train, source.test, len(source.train.labels)
  labels = train.labels if test is None else np.concatenate([train.labels, test.labels])
  kept = np.setdiff1d(np.arange(len(labels)), list(reasons))
  left_out = tuple(
    (source.files[at], source.class_names[labels[at]], reason)
    for at, reason in sorted(reasons.items())
  )

  def of(part, at):
    return Labelled(part.images[at], part.labels[at])

  def hashes():
    every = source.hashes()
    return [every[at] for at in kept]

  return source._replace(
    train=of(train, kept[kept < cut]),
    test=test and of(test, kept[kept >= cut] - cut),
    files=tuple(source.files[at] for at in kept),
    hashes=hashes,
    unreadable=source.unreadable + left_out,
  )


def without_undecodable(source: Source) -> Source:
  """Leaves out images that are damaged behind their headers; decodes all images for that."""
  images = pooled(source).train.images
  return leave_out(source, images.undecodable() if isinstance(images, ImageFiles) else {})


@contextlib.contextmanager
def skipping_offered() -> Iterator[None]:
  """Adds the option `skip_unreadable` to an error about unreadable images."""
  try:
    yield
  except UnreadableError as error:
    raise UserError(
      f'{error}; repair or remove these files, or leave them out: '
      f'{flag_names.flag("skip_unreadable")}=True'
    ) from error


def pooled(source: Source) -> Source:
  """Moves test images behind the training images."""
  train, test = source.train, source.test
  if test is None:
    return source
  images: Any = (
    train.images + test.images
    if isinstance(train.images, ImageFiles) and isinstance(test.images, ImageFiles)
    else np.concatenate([train.images, test.images])
  )
  return source._replace(
    train=Labelled(images, np.concatenate([train.labels, test.labels])), test=None
  )


def listed_file(listing: Path, name: str) -> Path:
  """Returns the path of a file that a list in the same folder names; it need not exist.

  Raises:
    UserError: the name is empty or leads out of the folder.
  """
  path = PurePosixPath(name)
  if not path.parts or path.is_absolute() or '..' in path.parts:
    raise UserError(f'{listing} names {name!r}, which is not a file inside its folder')
  return listing.parent / path


def add_file(digest: Any, name: str, file: Any) -> None:
  """Adds a name and the bytes of a file to a hash.

  Args:
    digest: of `hashlib`.
    name: the part of the file's path that the images depend on.
    file: a path, or a file of `data_prep.trees`.

  Raises:
    UserError: the file cannot be read.
  """
  try:
    with file.open('rb') as stream:
      contents = hashlib.file_digest(stream, 'sha256').digest()
  except Exception as error:  # Errors of files, zipfile and zlib.
    raise UserError(f'image file {file} cannot be read ({first_line(error)})') from error
  digest.update(os.fsencode(name) + b'\0' + contents)


def file_hash(file: Any) -> str:
  """Returns the SHA-256 of a file's bytes; '' if it is unreadable.

  Args:
    file: a path, or a file of `data_prep.trees`.
  """
  try:
    with file.open('rb') as stream:
      return hashlib.file_digest(stream, 'sha256').hexdigest()
  except Exception:  # Errors of files, zipfile and zlib. Decoding reports them.
    return ''


def stands_in(validation: str) -> str:
  """Returns the message about validation images as the test split."""
  return f'{validation} is the test split, as there is no test'


def composed(name: str) -> str:
  """Normalises the accents in the name of a class or file (Unicode NFC).

  File systems and programs compose accents differently, which would make two names of one.
  """
  return unicodedata.normalize('NFC', name)


def whole(text: str) -> int | None:
  """Parses a string such as '10' or '10.0' as an integer; None for other strings."""
  digits, _, zeros = text.partition('.')
  is_number = text.isascii() and digits.removeprefix('-').isdigit() and not zeros.strip('0')
  return int(digits) if is_number and len(digits) <= 18 else None  # Fits int64.


def in_class_order(names: Iterable[str]) -> list[str]:
  """Sorts names of classes in label order: numbers by size, otherwise by alphabet.

  >>> in_class_order(['10', '9', '100']), in_class_order(['10', '9', 'a'])
  (['9', '10', '100'], ['10', '9', 'a'])
  """
  numbers = {name: whole(name) for name in names}
  if None in numbers.values():
    return sorted(numbers)
  return sorted(numbers, key=lambda name: (numbers[name], name))


def check_class_names(source: Path, names: Sequence[str]) -> None:
  """Raises a UserError unless class names are distinct lines of text, as TFDS requires."""
  counts = Counter(names)
  for name in names:
    text = name.encode(errors='replace').decode() == name
    if not text or name.splitlines() != [name] or name != name.strip() or counts[name] > 1:
      raise UserError(
        f'source {source} has a class called {name!r}: each class needs a different name, one '
        'line of text without spaces around it'
      )
