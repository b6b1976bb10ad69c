"""Reading the original CIFAR-10 archives, python or binary."""

import gzip
import io
from pathlib import Path
import pickle
import tarfile
import zlib

import numpy as np

from data_prep.readers import Labelled, Source, first_line
from jaxgan.errors import UserError

TRAIN_BATCHES = tuple(f'data_batch_{i}' for i in range(1, 6))
BATCHES = (*TRAIN_BATCHES, 'test_batch')


def read_cifar10_batches(path: Path) -> Source:
  """Reads the original python or binary batches, from a .tar.gz or an extracted folder.

  Formats: https://www.cs.toronto.edu/~kriz/cifar.html. The train batches are put one
  after another, which is the original order.

  Args:
    path: the archive, or the folder of data_batch_1 .. data_batch_5 and test_batch.

  Returns:
    The source, images uint8 [N, 32, 32, 3].

  Raises:
    UserError: a batch is missing or damaged.
  """
  files = _folder_batches(path) if path.is_dir() else _archive_batches(path)
  binary = any(name.endswith('.bin') for name in files)
  suffix, parse = ('.bin', _parse_binary) if binary else ('', _parse_python)
  missing = [name + suffix for name in BATCHES if name + suffix not in files]
  if missing:
    raise UserError(f'source {path} has no {", ".join(missing)}: it is not a whole CIFAR-10 copy')
  parts = {name: parse(path, name + suffix, files[name + suffix]) for name in BATCHES}
  train = [parts[name] for name in TRAIN_BATCHES]
  return Source(
    Labelled(*(np.concatenate(arrays) for arrays in zip(*train, strict=True))),
    parts['test_batch'],
    (),
    f'{"binary" if binary else "python"} batches',
    'exact',
  )


def _folder_batches(folder):
  names = {*BATCHES, *(f'{name}.bin' for name in BATCHES)}
  return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def _archive_batches(path):
  files = {}
  try:
    with tarfile.open(path) as archive:
      for member in archive:
        name = member.name.rsplit('/', 1)[-1]
        if member.isfile() and name.removesuffix('.bin') in BATCHES:
          files[name] = archive.extractfile(member).read()
  except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, OSError) as error:
    raise UserError(f'source {path} is not a readable .tar.gz ({first_line(error)})') from error
  return files


def _parse_binary(path, name, data):
  if len(data) % 3073 or not data:
    raise UserError(
      f'{name} in source {path} is damaged: {len(data)} bytes, not a multiple of 3073'
    )
  records = np.frombuffer(data, np.uint8).reshape(-1, 3073)
  return _from_planes(path, name, records[:, 1:], records[:, 0])


_RECONSTRUCT = np.empty(0).__reduce__()[0]  # Its module's name depends on the NumPy version.


class _ArraysOnly(pickle.Unpickler):
  """Unpickles NumPy arrays and plain containers; a pickle can run any code otherwise."""

  def find_class(self, module, name):
    if name == '_reconstruct' and module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
      return _RECONSTRUCT
    if module == 'numpy' and name in ('ndarray', 'dtype'):
      return getattr(np, name)
    if module == '_codecs' and name == 'encode':  # How Python 3 writes bytes in protocol 2.
      return super().find_class(module, name)
    raise pickle.UnpicklingError(f'it refers to {module}.{name}')


def _parse_python(path, name, data):
  try:
    batch = _ArraysOnly(io.BytesIO(data), encoding='bytes').load()
    pixels, labels = np.asarray(batch[b'data']), np.asarray(batch[b'labels'])
  except Exception as error:  # A cut or foreign pickle raises almost anything.
    raise UserError(f'{name} in source {path} is damaged ({first_line(error)})') from error
  if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape != (len(labels), 3072):
    raise UserError(
      f'{name} in source {path} is damaged: data {pixels.shape}, {len(labels)} labels'
    )
  return _from_planes(path, name, pixels, labels)


def _from_planes(path, name, pixels, labels):
  if labels.min() < 0 or labels.max() > 9:
    raise UserError(f'{name} in source {path} is damaged: a label lies outside 0..9')
  images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
  return Labelled(np.ascontiguousarray(images), labels.astype(np.int64))
