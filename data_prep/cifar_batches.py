"""Reading the original archives of CIFAR-10 and CIFAR-100, python or binary."""

import gzip
import io
from pathlib import Path
import pickle
import tarfile
from typing import NamedTuple
import zlib

import numpy as np

from data_prep.readers import Labelled, Source
from jaxgan.errors import UserError, first_line

_LARGEST = 2**28  # Bytes; the largest file is 155 MB.


class Layout(NamedTuple):
  """The layout of an archive; names of binary files end in .bin.

  Attributes:
    train: names of the files of training images.
    test: name of the file of test images.
    labels: name of the labels in a python file.
    label_bytes: bytes before the pixels in a binary record; the last of them is the label.
    num_classes: K.
  """

  train: tuple[str, ...]
  test: str
  labels: str
  label_bytes: int
  num_classes: int

  @property
  def files(self) -> tuple[str, ...]:
    """The names of all files."""
    return (*self.train, self.test)


CIFAR10 = Layout(tuple(f'data_batch_{i}' for i in range(1, 6)), 'test_batch', 'labels', 1, 10)
CIFAR100 = Layout(
  ('train',), 'test', 'fine_labels', 2, 100
)  # A coarse label precedes the fine label.


def read_batches(path: Path, layout: Layout) -> Source:
  """Reads the original python or binary batches, from a .tar.gz or an extracted folder.

  Formats: https://www.cs.toronto.edu/~kriz/cifar.html. Train batches are concatenated
  in the original order.

  Args:
    path: the archive, or the folder of the layout's files.
    layout: of the data set.

  Returns:
    The source, images uint8 [N, 32, 32, 3].

  Raises:
    UserError: a batch is missing or damaged.
  """
  files = (_folder_batches if path.is_dir() else _archive_batches)(path, layout)
  binary = any(name.endswith('.bin') for name in files)
  suffix, parse = ('.bin', _parse_binary) if binary else ('', _parse_python)
  missing = [name + suffix for name in layout.files if name + suffix not in files]
  if missing:
    raise UserError(f'source {path} has no {", ".join(missing)}: it is not a whole copy')
  *train, test = (parse(path, name + suffix, files[name + suffix], layout) for name in layout.files)
  return Source(
    Labelled(*(np.concatenate(arrays) for arrays in zip(*train, strict=True))),
    test,
    (),
    f'{"binary" if binary else "python"} batches',
    'exact',
  )


def _folder_batches(folder, layout):
  names = {*layout.files, *(f'{name}.bin' for name in layout.files)}
  paths = [folder / name for name in names if (folder / name).is_file()]
  for path in paths:
    _check_size(path, path.stat().st_size)
  return {path.name: path.read_bytes() for path in paths}


def _check_size(name, size):
  if size > _LARGEST:
    raise UserError(f'{name} has {size} bytes, no file of CIFAR has more than {_LARGEST}')


def _archive_batches(path, layout):
  files = {}
  try:
    with tarfile.open(path) as archive:
      for member in archive:
        name = member.name.rsplit('/', 1)[-1]
        if member.isfile() and name.removesuffix('.bin') in layout.files:
          _check_size(f'{member.name} in source {path}', member.size)
          contents = archive.extractfile(member)
          assert contents is not None  # A regular file has contents.
          files[name] = contents.read()
  except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, OSError) as error:
    raise UserError(f'source {path} is not a readable .tar.gz ({first_line(error)})') from error
  return files


def _parse_binary(path, name, data, layout):
  size = layout.label_bytes + 3072
  if len(data) % size or not data:
    raise UserError(
      f'{name} in source {path} is damaged: {len(data)} bytes, not a multiple of {size}'
    )
  records = np.frombuffer(data, np.uint8).reshape(-1, size)
  labels = records[:, layout.label_bytes - 1]
  return _from_planes(path, name, records[:, layout.label_bytes :], labels, layout)


class _Type:
  """Replaces numpy.dtype while a pickle is read, because a pickle can crash a dtype."""

  def __init__(self, name, *_):
    self.value = np.dtype(name)
    if self.value.kind not in 'iu':
      raise pickle.UnpicklingError(f'it has an array of {self.value}')

  def __setstate__(self, state):
    self.value = self.value.newbyteorder(state[1])


class _Array:
  """Replaces a numpy.ndarray of integers while a pickle is read."""

  def __init__(self, *_):
    self.value = np.zeros(0)

  def __setstate__(self, state):
    _, shape, dtype, is_fortran, data = state
    order = 'F' if is_fortran else 'C'
    self.value = np.frombuffer(data, dtype.value).reshape(shape, order=order)


def _encode(text, encoding):
  """Decodes bytes as Python 3 writes them in protocol 2."""
  del encoding
  return text.encode('latin-1')


_KNOWN = {
  ('numpy', 'ndarray'): _Array,
  ('numpy', 'dtype'): _Type,
  ('_codecs', 'encode'): _encode,
}


class _ArraysOnly(pickle.Unpickler):
  """Unpickles only arrays and plain containers; other pickles can run any code."""

  def find_class(self, module, name):
    if name == '_reconstruct' and module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
      return _Array
    if (module, name) not in _KNOWN:
      raise pickle.UnpicklingError(f'it refers to {module}.{name}')
    return _KNOWN[module, name]


def _parse_python(path, name, data, layout):
  try:
    batch = _ArraysOnly(io.BytesIO(data), encoding='bytes').load()
    pixels, labels = (batch[key.encode()] for key in ('data', layout.labels))
    pixels, labels = (np.asarray(getattr(x, 'value', x)) for x in (pixels, labels))
  except Exception as error:  # A truncated or foreign pickle raises any type.
    raise UserError(f'{name} in source {path} is damaged ({first_line(error)})') from error
  if pixels.dtype != np.uint8 or pixels.shape != (len(pixels), 3072) or not pixels.size:
    found = f'{pixels.dtype} {pixels.shape}'
    raise UserError(f'{name} in source {path} is damaged: its data is {found}')
  if labels.dtype.kind not in 'iu' or labels.shape != (len(pixels),):
    raise UserError(
      f'{name} in source {path} is damaged: {layout.labels} are {labels.dtype} {labels.shape}, '
      f'there are {len(pixels)} images'
    )
  return _from_planes(path, name, pixels, labels, layout)


def _from_planes(path, name, pixels, labels, layout):
  last = layout.num_classes - 1
  if labels.min() < 0 or labels.max() > last:
    raise UserError(f'{name} in source {path} is damaged: a label lies outside 0..{last}')
  images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
  return Labelled(np.ascontiguousarray(images), labels.astype(np.int64))
