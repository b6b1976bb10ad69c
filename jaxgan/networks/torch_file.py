"""Reads the tensors of a PyTorch state_dict file without PyTorch.

Two formats exist. Since torch 1.6, files are zip archives with one folder, which
contains `data.pkl` (the pickled dictionary, whose tensors refer to storages by
key), `data/<key>` (the bytes of a storage) and, in newer files, `byteorder`. Older
files are a sequence of pickles (magic number, format version, system information,
the dictionary, the list of storage keys) followed by each storage in the order of
the list: its length as int64, then its bytes, little-endian.

A pickle can run any code, so only the few names that a state_dict needs are
resolved, to plain functions of this module.
"""

import collections
import io
import math
import pathlib
import pickle
import re
import struct
from typing import Any, NamedTuple
import zipfile

import ml_dtypes  # noqa: F401  (registers bfloat16 with NumPy)
import numpy as np

from jaxgan.errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
_PICKLE = re.compile('[^/]+/data.pkl')

# Name of the storage class in the file -> numpy name of its elements' type.
_DTYPES = {
  'FloatStorage': 'float32',
  'DoubleStorage': 'float64',
  'HalfStorage': 'float16',
  'BFloat16Storage': 'bfloat16',
  'LongStorage': 'int64',
  'IntStorage': 'int32',
  'ShortStorage': 'int16',
  'CharStorage': 'int8',
  'ByteStorage': 'uint8',
  'BoolStorage': 'bool',
}


class _Storage(NamedTuple):
  """A contiguous range of elements in the file."""

  key: str
  dtype: str
  start: int  # First element of a view into a larger storage; 0 for a whole storage.
  size: int  # Elements in the view.


class _Tensor(NamedTuple):
  """A strided view of a storage; offset, shape and strides in elements."""

  storage: _Storage
  offset: int
  shape: tuple[int, ...]
  strides: tuple[int, ...]


def content(path: str | pathlib.Path) -> bytes:
  """Reads the bytes of a weights file.

  Raises:
    UserError: the file cannot be read.
  """
  try:
    return pathlib.Path(path).read_bytes()
  except OSError as error:
    raise UserError(f'cannot read the weights file {path}: {error.strerror or error}') from error


def read_state_dict(path: str | pathlib.Path) -> dict[str, np.ndarray]:
  """Reads the tensors of a file that `torch.save(module.state_dict(), path)` wrote.

  Args:
    path: the file, in the zip or in the older format.

  Returns:
    Name -> array, in the order of the file. Arrays are contiguous copies in
    native byte order with the file's dtype; bfloat16 is `ml_dtypes.bfloat16`.

  Raises:
    UserError: the file is missing, truncated or damaged, has another format, or
      holds anything but a flat dictionary of dense tensors whose elements are all
      stored.
  """
  data = content(path)
  try:
    read = _read_zip if data.startswith(b'PK\x03\x04') else _read_legacy
    tree, storages, order = read(data)
    if not isinstance(tree, dict):
      raise UserError(f'holds a {type(tree).__name__}, expected a state_dict (name -> tensor)')
    return {name: _as_array(name, value, storages, order) for name, value in tree.items()}
  except UserError as error:
    raise UserError(f'{path}: {error}') from error
  # The bytes of a damaged file are arbitrary pickle opcodes, which can raise any error.
  except Exception as error:
    reason = ' '.join(f'{type(error).__name__} {error}'.split())
    raise UserError(
      f'{path}: not a PyTorch state_dict file, or damaged or truncated ({reason}); get it anew'
    ) from error


def _read_zip(data: bytes) -> tuple[Any, dict[str, bytes], str]:
  """Reads the zip format: (pickled object, bytes of each storage, byte order)."""
  with zipfile.ZipFile(io.BytesIO(data)) as archive:
    # Raises BadZipFile if bytes do not match the archive's checksum.
    contents = {name: archive.read(name) for name in archive.namelist()}
  roots = [name.removesuffix('data.pkl') for name in contents if _PICKLE.fullmatch(name)]
  if len(roots) != 1:
    raise UserError('a zip archive without <folder>/data.pkl: not a PyTorch state_dict file')
  folder = f'{roots[0]}data/'
  storages = {name.removeprefix(folder): content for name, content in contents.items()}
  order = contents.get(f'{roots[0]}byteorder', b'little').decode().strip()
  return _StateDictUnpickler(io.BytesIO(contents[f'{roots[0]}data.pkl'])).load(), storages, order


def _read_legacy(data: bytes) -> tuple[Any, dict[str, bytes], str]:
  """Reads the older format; returns the same as `_read_zip`."""
  stream = io.BytesIO(data)
  if _StateDictUnpickler(stream).load() != _MAGIC:
    raise UserError('not a PyTorch state_dict file (no zip archive, no magic number)')
  version = _StateDictUnpickler(stream).load()
  if version != _LEGACY_VERSION:
    raise UserError(f'PyTorch file format version {version!r}, only {_LEGACY_VERSION} is known')
  _StateDictUnpickler(stream).load()  # System information; storages are little-endian anyway.
  unpickler = _StateDictUnpickler(stream)
  tree = unpickler.load()
  storages = {}
  for key in _StateDictUnpickler(stream).load():
    (count,) = struct.unpack('<q', stream.read(8))
    storages[key] = stream.read(count * np.dtype(unpickler.storage_dtypes[key]).itemsize)
  return tree, storages, 'little'


def _as_array(name: Any, tensor: Any, storages: dict[str, bytes], order: Any) -> np.ndarray:
  if not isinstance(name, str) or not isinstance(tensor, _Tensor):
    raise UserError(
      f'entry {name!r} is a {type(tensor).__name__}, expected a flat state_dict (name -> tensor)'
    )
  (key, dtype, start, stored), offset, shape, strides = tensor
  numbers = (*shape, *strides, offset, start, stored)
  if len(shape) != len(strides) or not all(type(n) is int and n >= 0 for n in numbers):
    raise UserError(f'tensor {name!r} has impossible sizes {shape} or strides {strides}')
  if math.prod(shape) > stored:  # With strides of 0, a small file could fill the memory.
    raise UserError(f'tensor {name!r} of shape {shape} has {stored} elements in the file')
  dtype, data = np.dtype(dtype), storages[key]
  last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
  ends_inside = (start + stored) * dtype.itemsize <= len(data)
  if not ends_inside or (math.prod(shape) and last >= stored):
    raise UserError(f'tensor {name!r} reaches past the end of its data: the file is damaged')
  # Swapping bytes as unsigned integers works for every element type.
  unsigned = np.dtype(f'u{dtype.itemsize}')
  steps = [stride * dtype.itemsize for stride in strides]
  first = (start + offset) * dtype.itemsize
  view = np.ndarray(shape, unsigned.newbyteorder(order), data, first, steps)
  return view.astype(unsigned, order='C').view(dtype)


def _rebuild_tensor(storage, offset, shape, strides, requires_grad, hooks, metadata=None):
  """Replaces torch._utils._rebuild_tensor_v2; the bytes may come later in the file."""
  if not isinstance(storage, _Storage):
    raise UserError('a tensor refers to something that is not a storage: the file is damaged')
  return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor, requires_grad, hooks):
  """Replaces torch._utils._rebuild_parameter: a parameter is its tensor."""
  return tensor


# The names that a state_dict needs.
_NAMES = {
  ('collections', 'OrderedDict'): collections.OrderedDict,
  ('torch._utils', '_rebuild_tensor_v2'): _rebuild_tensor,
  ('torch._utils', '_rebuild_parameter'): _rebuild_parameter,
  **{('torch', name): dtype for name, dtype in _DTYPES.items()},
  **{('torch.cuda', name): dtype for name, dtype in _DTYPES.items()},
}


class _StateDictUnpickler(pickle.Unpickler):
  """Resolves only the names of a state_dict, and records the types of its storages."""

  def __init__(self, stream: io.BytesIO):
    # Files from Python 2 hold byte strings.
    super().__init__(stream, encoding='latin-1')
    self.storage_dtypes: dict[str, str] = {}

  def find_class(self, module: str, name: str) -> Any:
    if (module, name) not in _NAMES:
      raise UserError(
        f'refers to {module}.{name}, which a state_dict of dense tensors does not need; save'
        ' module.state_dict() instead'
      )
    return _NAMES[module, name]

  def persistent_load(self, pid: Any) -> _Storage:
    # ('storage', class, key, device, elements); the older format appends None or
    # (key of the view, its first element, its number of elements).
    if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != 'storage':
      raise UserError(f'refers to an object of an unknown kind, {str(pid)[:80]!r}')
    _, dtype, key, _, size, *view = pid
    key = str(key)
    if dtype not in _DTYPES.values() or self.storage_dtypes.setdefault(key, dtype) != dtype:
      raise UserError(f'storage {key!r} has the unusable type {dtype!r}')
    _, start, size = view[0] if any(view) else (key, 0, size)
    return _Storage(key, dtype, start, size)
