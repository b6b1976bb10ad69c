"""Reading the original archives of CIFAR-10 and CIFAR-100, python or binary."""

import gzip
import io
from pathlib import Path
import pickle
import tarfile
from typing import NamedTuple
import zlib

import numpy as np

from data_prep.readers import Labelled, Source, first_line
from jaxgan.errors import UserError


class Layout(NamedTuple):
  """How an archive is laid out; the binary files' names end in .bin.

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
    return (*self.train, self.test)


CIFAR10 = Layout(tuple(f'data_batch_{i}' for i in range(1, 6)), 'test_batch', 'labels', 1, 10)
CIFAR100 = Layout(('train',), 'test', 'fine_labels', 2, 100)  # A coarse label is before the fine.


def read_batches(path: Path, layout: Layout) -> Source:
  """Reads the original python or binary batches, from a .tar.gz or an extracted folder.

  Formats: https://www.cs.toronto.edu/~kriz/cifar.html. The train batches are put one
  after another, which is the original order.

  Args:
    path: the archive, or the folder of the layout's files.
    layout: which data set it is.

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
  return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def _archive_batches(path, layout):
  files = {}
  try:
    with tarfile.open(path) as archive:
      for member in archive:
        name = member.name.rsplit('/', 1)[-1]
        if member.isfile() and name.removesuffix('.bin') in layout.files:
          files[name] = archive.extractfile(member).read()
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


def _parse_python(path, name, data, layout):
  try:
    batch = _ArraysOnly(io.BytesIO(data), encoding='bytes').load()
    pixels, labels = (np.asarray(batch[key.encode()]) for key in ('data', layout.labels))
  except Exception as error:  # A cut or foreign pickle raises almost anything.
    raise UserError(f'{name} in source {path} is damaged ({first_line(error)})') from error
  if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape != (len(labels), 3072):
    raise UserError(
      f'{name} in source {path} is damaged: data {pixels.shape}, {len(labels)} labels'
    )
  return _from_planes(path, name, pixels, labels, layout)


def _from_planes(path, name, pixels, labels, layout):
  last = layout.num_classes - 1
  if labels.min() < 0 or labels.max() > last:
    raise UserError(f'{name} in source {path} is damaged: a label lies outside 0..{last}')
  images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
  return Labelled(np.ascontiguousarray(images), labels.astype(np.int64))
