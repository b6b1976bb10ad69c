"""Reads the tensors of a PyTorch state_dict file without PyTorch.

Two formats exist. Since torch 1.6 a file is a zip archive with one folder, in it
`data.pkl` (the pickled dictionary, whose tensors refer to storages by key),
`data/<key>` (the bytes of a storage) and, in newer files, `byteorder`. Before, a
file was a row of pickles (magic number, format version, system information, the
dictionary, the list of storage keys) followed by each storage in the order of
that list: its length as int64, then its bytes, little-endian.

Unpickling runs code of the file's choice, so only the few names that a
state_dict needs are resolved, to plain functions of this file.
"""

import collections
from collections.abc import Callable
import io
import math
import pathlib
import pickle
from typing import Any, NamedTuple
import zipfile

import ml_dtypes  # noqa: F401  (teaches numpy the name bfloat16)
import numpy as np

from jaxgan.errors import UserError

_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001

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
  """A run of elements somewhere in the file."""

  key: str
  dtype: str
  start: int  # First element of a view into a larger storage; 0 for a whole one.
  size: int  # Elements in the view.


class _Tensor(NamedTuple):
  """A strided view of a storage; offset, shape and strides in elements."""

  storage: _Storage
  offset: int
  shape: tuple[int, ...]
  strides: tuple[int, ...]


def read_state_dict(path: str | pathlib.Path) -> dict[str, np.ndarray]:
  """Tensors of a file that `torch.save(module.state_dict(), path)` wrote.

  Args:
    path: the file, in the zip or in the older format.

  Returns:
    Name -> array, in the order of the file. Arrays are contiguous copies of
    native byte order with the file's dtype; bfloat16 is `ml_dtypes.bfloat16`.

  Raises:
    UserError: the file is missing, truncated or damaged, is in neither format, or
      holds anything but a flat dictionary of dense tensors, none with more elements
      than are stored for it.
  """
  path = pathlib.Path(path)
  try:
    data = path.read_bytes()
  except OSError as error:
    raise UserError(f'cannot read the weights file {path}: {error.strerror or error}') from error
  try:
    is_zip = data.startswith(b'PK\x03\x04')
    return _read_zip(data) if is_zip else _read_legacy(data)
  except UserError as error:
    raise UserError(f'{path}: {error}') from error
  # The bytes of a damaged file are opcodes of a small machine: any error can come out.
  except Exception as error:
    reason = ' '.join(f'{type(error).__name__} {error}'.split())
    raise UserError(
      f'{path}: not a PyTorch state_dict file, or damaged or truncated ({reason}); get it anew'
    ) from error


def _read_zip(data: bytes) -> dict[str, np.ndarray]:
  with zipfile.ZipFile(io.BytesIO(data)) as archive:
    names = set(archive.namelist())
    roots = [name.removesuffix('data.pkl') for name in names if name.count('/') == 1]
    roots = [root for root in roots if root.endswith('/')]
    if len(roots) != 1:
      raise UserError('a zip archive without <folder>/data.pkl: not a PyTorch state_dict file')
    root = roots[0]
    order = '<'
    if root + 'byteorder' in names:
      order = {b'little': '<', b'big': '>'}[archive.read(root + 'byteorder').strip()]
    tree = _StateDictUnpickler(io.BytesIO(archive.read(root + 'data.pkl'))).load()
    cache = {}

    def storage_bytes(storage: _Storage) -> bytes:
      if storage.key not in cache:
        # Raises BadZipFile if the bytes do not match the archive's checksum.
        cache[storage.key] = archive.read(f'{root}data/{storage.key}')
      return cache[storage.key]

    return _materialise(tree, storage_bytes, order)


def _read_legacy(data: bytes) -> dict[str, np.ndarray]:
  stream = io.BytesIO(data)
  if _StateDictUnpickler(stream).load() != _MAGIC:
    raise UserError('not a PyTorch state_dict file (no zip archive, no magic number)')
  version = _StateDictUnpickler(stream).load()
  if version != _LEGACY_VERSION:
    raise UserError(f'PyTorch file format version {version!r}, only {_LEGACY_VERSION} is known')
  _StateDictUnpickler(stream).load()  # System information; storages are little-endian anyway.
  unpickler = _StateDictUnpickler(stream)
  tree = unpickler.load()
  keys = _StateDictUnpickler(stream).load()
  storages = {}
  for key in keys:
    count = int.from_bytes(_read_exactly(stream, 8), 'little', signed=True)
    if count < 0:
      raise UserError(f'storage {key!r} has the impossible length {count}: the file is damaged')
    itemsize = np.dtype(unpickler.storage_dtypes[key]).itemsize
    storages[key] = _read_exactly(stream, count * itemsize)
  return _materialise(tree, lambda storage: storages[storage.key], '<')


def _read_exactly(stream: io.BytesIO, count: int) -> bytes:
  chunk = stream.read(count)
  if len(chunk) != count:
    raise UserError(f'truncated: {count - len(chunk)} bytes are missing; get the file anew')
  return chunk


def _materialise(
  tree: Any, storage_bytes: Callable[[_Storage], bytes], order: str
) -> dict[str, np.ndarray]:
  """Replaces the tensor descriptions of a dictionary by arrays."""
  if not isinstance(tree, dict):
    raise UserError(f'holds a {type(tree).__name__}, expected a state_dict (name -> tensor)')
  arrays = {}
  for name, value in tree.items():
    if not isinstance(name, str) or not isinstance(value, _Tensor):
      raise UserError(
        f'entry {name!r} is a {type(value).__name__}, expected a flat state_dict (name -> tensor)'
      )
    arrays[name] = _as_array(name, value, storage_bytes(value.storage), order)
  return arrays


def _as_array(name: str, tensor: _Tensor, data: bytes, order: str) -> np.ndarray:
  storage, offset, shape, strides = tensor
  numbers = (*shape, *strides, offset, storage.start, storage.size)
  if len(shape) != len(strides) or not all(type(n) is int and n >= 0 for n in numbers):
    raise UserError(f'tensor {name!r} has impossible sizes {shape} or strides {strides}')
  dtype = np.dtype(storage.dtype)
  end = storage.start + storage.size
  last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
  empty = math.prod(shape) == 0
  if math.prod(shape) > storage.size:  # With strides of 0 a small file could fill the memory.
    raise UserError(f'tensor {name!r} of shape {shape} has {storage.size} elements in the file')
  if end * dtype.itemsize > len(data) or (not empty and last >= storage.size):
    raise UserError(f'tensor {name!r} reaches past the end of its data: the file is damaged')
  if empty:
    return np.zeros(shape, dtype)
  # Bytes are swapped as unsigned integers, which works for every element type.
  unsigned = np.dtype(f'u{dtype.itemsize}')
  flat = np.frombuffer(
    data, unsigned.newbyteorder(order), storage.size, storage.start * dtype.itemsize
  )
  flat = flat.astype(unsigned)[offset:]
  steps = tuple(stride * dtype.itemsize for stride in strides)
  return np.lib.stride_tricks.as_strided(flat, shape, steps).copy().view(dtype)


class _StateDictUnpickler(pickle.Unpickler):
  """Resolves only the names of a state_dict; notes which storages were named."""

  def __init__(self, stream: io.BytesIO):
    # Files of Python 2 hold byte strings.
    super().__init__(stream, encoding='latin-1')
    self.storage_dtypes: dict[str, str] = {}

  def find_class(self, module: str, name: str) -> Any:
    if (module, name) == ('collections', 'OrderedDict'):
      return collections.OrderedDict
    if (module, name) == ('torch._utils', '_rebuild_tensor_v2'):
      return _rebuild_tensor
    if (module, name) == ('torch._utils', '_rebuild_parameter'):
      return _rebuild_parameter
    if module in ('torch', 'torch.cuda') and name in _DTYPES:
      return _DTYPES[name]
    raise UserError(
      f'refers to {module}.{name}, which a state_dict of dense tensors does not need; save'
      ' module.state_dict() instead'
    )

  def persistent_load(self, pid: Any) -> _Storage:
    # ('storage', class, key, device, elements), in the older format followed by
    # None or (key of the view, its first element, its number of elements).
    if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != 'storage':
      raise UserError(f'refers to an object of an unknown kind, {str(pid)[:80]!r}')
    _, dtype, key, _, size = pid[:5]
    key = str(key)
    if dtype not in _DTYPES.values() or self.storage_dtypes.setdefault(key, dtype) != dtype:
      raise UserError(f'storage {key!r} has the unusable type {dtype!r}')
    view = pid[5] if len(pid) == 6 else None
    start = 0
    if view is not None:
      _, start, size = view
    return _Storage(key, dtype, start, size)


def _rebuild_tensor(storage, offset, shape, strides, requires_grad, hooks, metadata=None):
  """Stands for torch._utils._rebuild_tensor_v2; the bytes may only come later in the file."""
  del requires_grad, hooks, metadata
  if not isinstance(storage, _Storage):
    raise UserError('a tensor refers to something that is not a storage: the file is damaged')
  return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _rebuild_parameter(tensor, requires_grad, hooks):
  """Stands for torch._utils._rebuild_parameter: a parameter is its tensor."""
  del requires_grad, hooks
  return tensor
