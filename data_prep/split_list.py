"""The list of a split, `split.csv`: for each image of a source its file, class, split and hash.

It is written beside prepared own images, and accepted as the option `split`. The hash is the
SHA-256 of the file's bytes, as `sha256sum` prints it; for an image in an .npz, of its pixels.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
import csv
import hashlib
import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_prep import flag_names
from data_prep.pictures import LISTED
from data_prep.readers import Source, composed
from jaxgan.errors import UserError, first_line
from jaxgan.system import files
from jaxgan.system.names import some

NAME = 'split.csv'
COLUMNS = ('file', 'class', 'split', 'hash')
# Images of no split: left out by the user or by an imbalance ratio; damaged files.
UNUSED, UNREADABLE = 'unused', 'unreadable'
WORDS = ('train', 'test', UNUSED, UNREADABLE)


class Row(NamedTuple):
  """An image; class and hash are '' where a user's list has no such column."""

  file: str
  class_name: str
  split: str
  hash: str


class UserSplit(NamedTuple):
  """A user's list.

  Attributes:
    path: of the file.
    rows: its rows.
  """

  path: Path
  rows: tuple[Row, ...]

  def digest(self) -> str:
    """Returns a hash that changes with the split of any file, and with nothing else."""
    pairs = sorted((composed(row.file), row.split) for row in self.rows)
    return hashlib.sha256(repr(pairs).encode(errors='surrogateescape')).hexdigest()


def read_user_split(path: Path) -> UserSplit:
  """Reads a list with the columns `file` and `split`, and perhaps `class` and `hash`.

  Raises:
    UserError: the file is unreadable or lacks a column; unknown words, or files that occur twice:
      all are listed.
  """
  try:
    text = path.read_text(encoding='utf-8-sig', errors='surrogateescape')
    reader = csv.DictReader(io.StringIO(text, newline=''), strict=True)
    found = [{k: (v or '').strip() for k, v in row.items() if isinstance(k, str)} for row in reader]
  except Exception as error:  # Errors of files and csv.
    raise UserError(f'{_shown(path)} cannot be read ({first_line(error)})') from error
  columns = reader.fieldnames or ()
  if not {'file', 'split'} <= set(columns):
    raise UserError(
      f'{_shown(path)}: expected a .csv with the columns file and split, found '
      f'{", ".join(columns) or "nothing"}'
    )
  rows = [
    Row(row['file'], row.get('class', ''), row['split'].lower(), row.get('hash', '').lower())
    for row in found
  ]
  unknown = [f'{row.split!r} of {row.file}' for row in rows if row.split not in WORDS]
  twice = [name for name, n in Counter(composed(row.file) for row in rows).items() if n > 1]
  _refuse(
    path,
    {
      f'not one of the splits {", ".join(WORDS)}': unknown,
      'named more than once': twice,
    },
  )
  return UserSplit(path, tuple(rows))


def assign(split: UserSplit, source: Source) -> dict[str, np.ndarray]:
  """Assigns the images of a source to the splits of a list.

  Args:
    split: the list.
    source: its images, all of them in `train`, see `readers.pooled`.

  Returns:
    {'train' or 'test': positions int `[N]` in the source, ascending}.

  Raises:
    UserError: files that are unknown, missing, changed, of another class or unreadable, or classes
      without training or test images: all are listed.
  """
  # Other systems compose accents differently, and Windows writes backslashes.
  names = {composed(name): at for at, name in enumerate(source.files)}
  damaged = {composed(name) for name, *_ in source.unreadable}
  rows, unknown, unreadable = {}, [], []
  for row in split.rows:
    name = composed(row.file)
    name = name if name in names or name in damaged else name.replace('\\', '/')
    if name in names:
      rows[names[name]] = row
    elif name not in damaged:
      unknown.append(row.file)
    elif row.split in ('train', 'test'):
      unreadable.append(row.file)
  labels, hashes = source.train.labels, _hashes(source, rows.values())
  classes = source.class_names if source.labelled else ('',)
  moved = [
    f'{row.file} ({row.class_name}, now {classes[labels[at]]})'
    for at, row in rows.items()
    if row.class_name and composed(row.class_name) != classes[labels[at]]
  ]
  _refuse(
    split.path,
    {
      'not in the source': unknown,
      'without a row': [name for at, name in enumerate(source.files) if at not in rows],
      'with other contents than their hash': [
        row.file for at, row in rows.items() if row.hash and row.hash != hashes[at]
      ],
      'of another class': moved,
      'unreadable': unreadable,
    },
  )
  places = {
    word: np.array([at for at in sorted(rows) if rows[at].split == word], np.int64)
    for word in ('train', 'test')
  }
  counts = {word: np.bincount(labels[at], minlength=len(classes)) for word, at in places.items()}
  _refuse(
    split.path,
    {
      f'without {shown} images': [source.class_names[k] for k in np.flatnonzero(counts[word] == 0)]
      for word, shown in (('train', 'training'), ('test', 'test'))
    },
    ('class', 'classes'),
  )
  return places


def _hashes(source, rows) -> Sequence[str]:
  return source.hashes() if any(row.hash for row in rows) else ()


def _refuse(path: Path, problems: Mapping[str, Sequence[str]], noun=('file', 'files')) -> None:
  """Raises a UserError that lists all problems, {what is wrong: the names}."""
  lines = [
    f'{len(names)} {noun[len(names) > 1]} {problem}: {some(names, LISTED)}'
    for problem, names in problems.items()
    if names
  ]
  if lines:
    raise UserError(f'{_shown(path)}: {"; ".join(lines)}')


def _shown(path: Path) -> str:
  return f'{flag_names.flag("split")}={path}'


def rows_of(source: Source, splits: Mapping[str, np.ndarray]) -> list[Row]:
  """Lists all images of a source.

  Args:
    source: the source.
    splits: {'train' or 'test': positions in `source.files`}; the other images are unused.

  Returns:
    The rows in the order of the source, then the unreadable images.
  """
  words = np.full(len(source.files), UNUSED, object)
  for word, at in splits.items():
    words[at] = word
  labels = [source.train.labels] + ([source.test.labels] if source.test else [])
  names = source.class_names if source.labelled else ('',)
  listed = zip(source.files, np.concatenate(labels), words, source.hashes(), strict=True)
  return [
    *(Row(file, names[label], word, hashed) for file, label, word, hashed in listed),
    *(Row(file, name, UNREADABLE, '') for file, name, _ in source.unreadable),
  ]


def write(path: Path, rows: Iterable[Row]) -> None:
  """Writes `split.csv`."""
  text = io.StringIO(newline='')
  table = csv.writer(text, lineterminator='\n')
  table.writerow(COLUMNS)
  table.writerows(rows)
  # File names may hold bytes that are no UTF-8.
  files.replace(path, text.getvalue().encode('utf-8', 'surrogateescape'))


def copy(metadata: Mapping[str, Any], folder: Path) -> None:
  """Copies the list beside prepared data to a folder; data sets other than own images have none."""
  path = Path(metadata.get('data_dir', ''), NAME)
  if 'data_dir' in metadata and path.exists():
    files.replace(folder / NAME, path.read_bytes())


def files_of(folder: Path, split: str) -> list[str]:
  """Returns the files of a prepared split in the order of its records; [] if they are unknown.

  Args:
    folder: of the prepared data. Data sets other than own images have no list.
    split: 'train' or 'test'.
  """
  path = folder / NAME
  return [r.file for r in read_user_split(path).rows if r.split == split] if path.exists() else []


def leaked(rows: Iterable[Row]) -> list[tuple[str, str]]:
  """Returns (test image, a training image of equal bytes) for each test image that has one."""
  rows = list(rows)
  train = {row.hash: row.file for row in rows if row.split == 'train' and row.hash}
  return [(row.file, train[row.hash]) for row in rows if row.split == 'test' and row.hash in train]
