"""Data sets of four IDX files, such as MNIST.

Files are read from a folder, zipped or not, or downloaded. The MD5 of their unzipped contents
identifies them, because gzip files of equal contents differ.
"""

from collections.abc import Mapping
import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_prep import flag_names
from data_prep.download import download
from data_prep.idx import read_idx
from jaxgan.errors import UserError

_IMAGES, _LABELS = 'images-idx3-ubyte', 'labels-idx1-ubyte'


class Checksums(NamedTuple):
  """The SHA-256 of a published .gz file, and the MD5 of its contents."""

  sha256: str
  md5: str


class Published(NamedTuple):
  """A data set of 28x28 images in four IDX files.

  Attributes:
    title: its name in messages.
    url: of the folder of the .gz files, with a slash at the end.
    files: {name without .gz: checksums}.
    num_train, num_test, num_classes: its sizes; labels are 0 .. num_classes - 1.
  """

  title: str
  url: str
  files: Mapping[str, Checksums]
  num_train: int = 60_000
  num_test: int = 10_000
  num_classes: int = 10

  @property
  def advice(self) -> str:
    """The end of messages: how to give the files."""
    return (
      f'name a folder with the four files {", ".join(self.files)} (.gz or not, a dash or a dot '
      f'before idx) with {flag_names.flag("source")}'
    )


class Pool(NamedTuple):
  """All images, the train images first.

  Attributes:
    images: uint8 [N, 28, 28, 1].
    labels: int64 [N].
    pixels: 'exact' for the published data set, else 'unverified'.
    contents: '' for the published data set, else 10 hexadecimal digits of a hash.
  """

  images: np.ndarray
  labels: np.ndarray
  pixels: str
  contents: str


def read_folder(source: str, published: Published) -> Pool:
  """Reads the four files of a data set, or of another data set of the same form.

  Args:
    source: the folder.
    published: the data set with the required names and sizes.

  Raises:
    UserError: a missing or damaged file, or other numbers of images or classes.
  """
  folder = Path(os.path.expanduser(source))
  if not folder.is_dir():
    raise UserError(f'source {source} is not a folder; {published.advice}')
  files = {}
  for name in published.files:
    forms = [stem + end for stem in (name, name.replace('-idx', '.idx')) for end in ('.gz', '')]
    files[name] = next((folder / form for form in forms if (folder / form).is_file()), None)
  missing = [name for name, path in files.items() if path is None]
  if missing:
    raise UserError(f'source {source} has no {", ".join(missing)}; {published.advice}')
  return _read(files, published)


def read_download(dl_manager: Any, published: Published) -> Pool:
  """Downloads the four files, or reads an earlier download.

  Args:
    dl_manager: the download manager of TFDS.
    published: the data set.

  Raises:
    UserError: see `data_prep.download.download`.
  """
  files = {
    name: download(dl_manager, f'{published.url}{name}.gz', checksums.sha256, published.advice)
    for name, checksums in published.files.items()
  }
  return _read(files, published)


def _read(files: dict[str, Path], published: Published) -> Pool:
  parts, title = {name: read_idx(path) for name, path in files.items()}, published.title
  for name, part in parts.items():
    number = published.num_train if name.startswith('train') else published.num_test
    shape = (number, 28, 28) if 'images' in name else (number,)
    if part.array.shape != shape:
      raise UserError(f'{files[name]} has the shape {part.array.shape}, {title} has {shape}')
  exact = {name: part.md5 == published.files[name].md5 for name, part in parts.items()}
  for kind in (_IMAGES, _LABELS):
    pair = f'train-{kind}', f't10k-{kind}'
    if exact[pair[0]] != exact[pair[1]]:
      bad, good = sorted(pair, key=lambda name: exact[name])
      raise UserError(
        f'{files[bad]} is damaged or of another data set (MD5 of its contents {parts[bad].md5}, '
        f"{title}'s {published.files[bad].md5}), while {files[good].name} is {title}'s: replace "
        'one of them'
      )
  images, labels = (
    np.concatenate([parts[f'{part}-{kind}'].array for part in ('train', 't10k')])
    for kind in (_IMAGES, _LABELS)
  )
  found, expected = np.unique(labels).tolist(), published.num_classes
  if found != list(range(expected)):
    folder = files[f'train-{_LABELS}'].parent
    raise UserError(
      f'source {folder} has {len(found)} classes with labels {found[0]}..{found[-1]}; needed are '
      f'{expected} with labels 0..{expected - 1}'
    )
  original = all(exact.values())
  digest = hashlib.sha256(''.join(part.md5 for part in parts.values()).encode()).hexdigest()
  return Pool(
    images[..., None],
    labels.astype(np.int64),
    'exact' if original else 'unverified',
    '' if original else digest[:10],
  )
