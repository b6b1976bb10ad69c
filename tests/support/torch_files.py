"""Files as `torch.save` writes them, put together without PyTorch."""

import collections
import io
import pickle
import sys
import types
import zipfile

import numpy as np

STORAGES = {
  'float32': 'FloatStorage',
  'float64': 'DoubleStorage',
  'float16': 'HalfStorage',
  'bfloat16': 'BFloat16Storage',
  'int64': 'LongStorage',
  'uint8': 'ByteStorage',
  'bool': 'BoolStorage',
}


class Tensor:
  """A view of `data` [M] that pickles as PyTorch's tensors do."""

  def __init__(self, key, data, offset=0, shape=None, strides=None, view=None, parameter=False):
    self.key, self.data, self.offset, self.view = key, np.asarray(data), offset, view
    self.shape = self.data.shape if shape is None else shape
    self.strides = (1,) * len(self.shape) if strides is None else strides
    self.parameter = parameter

  def __reduce__(self):
    utils = sys.modules['torch._utils']
    hooks = collections.OrderedDict()
    if self.parameter:
      inner = Tensor(self.key, self.data, self.offset, self.shape, self.strides, self.view)
      return utils._rebuild_parameter, (inner, True, hooks)
    arguments = (_StorageOf(self), self.offset, self.shape, self.strides, False, hooks)
    return utils._rebuild_tensor_v2, arguments


class _StorageOf:
  def __init__(self, tensor):
    self.tensor = tensor


def fake_torch(monkeypatch) -> None:
  """Makes modules with the names that PyTorch's pickles refer to."""
  torch, utils = types.ModuleType('torch'), types.ModuleType('torch._utils')
  for name in [*STORAGES.values(), 'nn_Module']:
    setattr(torch, name, type(name, (), {'__module__': 'torch'}))
  for name in ('_rebuild_tensor_v2', '_rebuild_parameter'):
    function = types.FunctionType((lambda *_: None).__code__, {}, name)
    function.__module__, function.__qualname__ = 'torch._utils', name
    setattr(utils, name, function)
  monkeypatch.setitem(sys.modules, 'torch', torch)
  monkeypatch.setitem(sys.modules, 'torch._utils', utils)


def _pickled(tree, legacy: bool) -> tuple[bytes, dict[str, np.ndarray]]:
  storages = {}

  class Pickler(pickle.Pickler):
    def persistent_id(self, value):
      if not isinstance(value, _StorageOf):
        return None
      tensor = value.tensor
      storages[tensor.key] = tensor.data
      kind = getattr(sys.modules['torch'], STORAGES[tensor.data.dtype.name])
      pid = ('storage', kind, tensor.key, 'cpu', tensor.data.size)
      return (*pid, tensor.view) if legacy else pid

  stream = io.BytesIO()
  Pickler(stream, protocol=2).dump(tree)
  return stream.getvalue(), storages


def zip_file(tree, byteorder: str | None = 'little') -> bytes:
  content, storages = _pickled(tree, legacy=False)
  stream = io.BytesIO()
  with zipfile.ZipFile(stream, 'w') as archive:
    archive.writestr('weights/data.pkl', content)
    if byteorder:
      archive.writestr('weights/byteorder', byteorder)
    for key, data in storages.items():
      swapped = data.byteswap() if byteorder == 'big' else data
      archive.writestr(f'weights/data/{key}', swapped.tobytes())
  return stream.getvalue()


def legacy_file(tree, magic: int = 0x1950A86A20F9469CFC6C, version: int = 1001) -> bytes:
  content, storages = _pickled(tree, legacy=True)
  system = {'protocol_version': version, 'little_endian': True, 'type_sizes': {'int': 4}}
  parts = [pickle.dumps(value, protocol=2) for value in (magic, version, system)]
  parts += [content, pickle.dumps(sorted(storages), protocol=2)]
  for key in sorted(storages):
    parts += [storages[key].size.to_bytes(8, 'little'), storages[key].tobytes()]
  return b''.join(parts)
