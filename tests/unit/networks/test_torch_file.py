"""Reading PyTorch files that the tests build and that PyTorch writes."""

import collections
import contextlib
import io
import pickle
import sys
import zipfile

from hypothesis import given
from hypothesis import strategies as st
import ml_dtypes
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.networks import torch_file
from tests.support import torch_files
from tests.support.data_prep.damage import changed_byte
from tests.support.torch_files import STORAGES, Tensor, legacy_file, zip_file


@pytest.fixture(autouse=True)
def fake_torch(monkeypatch, request):
  if 'slow' not in request.keywords:
    torch_files.fake_torch(monkeypatch)


def _state_dict() -> collections.OrderedDict:
  shared = np.arange(10, dtype=np.float32)
  tree = collections.OrderedDict(
    second=Tensor('1', np.array([1.5, -2.5], np.float32)),
    rows=Tensor('0', shared, offset=1, shape=(2, 3), strides=(3, 1)),
    columns=Tensor('0', shared, offset=4, shape=(2, 3), strides=(1, 2), parameter=True),
    expanded=Tensor('0', shared, offset=7, shape=(2, 2), strides=(0, 1)),
    counter=Tensor('2', np.array([2**40 + 1]), shape=()),
    empty=Tensor('3', np.zeros(0, np.float64), shape=(0, 4), strides=(4, 1)),
  )
  tree._metadata = collections.OrderedDict([('', {'version': 1})])  # Modules add this.
  return tree


@pytest.mark.parametrize('write', [zip_file, legacy_file])
def test_reads_tensors_with_their_offsets_and_strides(tmp_path, write):
  path = tmp_path / 'weights.pth'
  path.write_bytes(write(_state_dict()))
  arrays = torch_file.read_state_dict(path)
  assert list(arrays) == ['second', 'rows', 'columns', 'expanded', 'counter', 'empty']
  np.testing.assert_array_equal(arrays['second'], np.array([1.5, -2.5], np.float32))
  np.testing.assert_array_equal(arrays['rows'], [[1, 2, 3], [4, 5, 6]])
  np.testing.assert_array_equal(arrays['columns'], [[4, 6, 8], [5, 7, 9]])
  np.testing.assert_array_equal(arrays['expanded'], [[7, 8], [7, 8]])
  assert arrays['counter'].shape == ()
  assert arrays['counter'] == 2**40 + 1
  assert arrays['empty'].shape == (0, 4)
  kinds = [array.dtype.name for array in arrays.values()]
  assert kinds == ['float32', 'float32', 'float32', 'float32', 'int64', 'float64']
  assert all(array.flags.writeable and array.flags.c_contiguous for array in arrays.values())


@pytest.mark.parametrize('write', [zip_file, legacy_file])
@pytest.mark.parametrize('kind', sorted(STORAGES))
def test_reads_every_type_of_element(tmp_path, write, kind):
  dtype = np.dtype(ml_dtypes.bfloat16) if kind == 'bfloat16' else np.dtype(kind)
  data = np.array([0, 1, 1, 0, 1], dtype)
  path = tmp_path / 'weights.pth'
  path.write_bytes(write({'x': Tensor('0', data)}))
  array = torch_file.read_state_dict(path)['x']
  assert array.dtype == dtype
  np.testing.assert_array_equal(array, data)


@pytest.mark.parametrize('byteorder', ['little', 'big', None])
def test_a_zip_file_names_its_byte_order(tmp_path, byteorder):
  path = tmp_path / 'weights.pth'
  path.write_bytes(zip_file({'x': Tensor('0', np.array([1.0, 258.0]))}, byteorder))
  array = torch_file.read_state_dict(str(path))['x']
  np.testing.assert_array_equal(array, [1, 258])
  assert array.dtype.isnative


def test_legacy_views_start_inside_their_storage(tmp_path):
  data = np.arange(6, dtype=np.float32)
  path = tmp_path / 'weights.pth'
  view = Tensor('0', data, offset=1, shape=(2,), view=('17', 2, 4))
  path.write_bytes(legacy_file({'x': view}))
  np.testing.assert_array_equal(torch_file.read_state_dict(path)['x'], [3, 4])


def _refused(tmp_path, content: bytes) -> str:
  path = tmp_path / 'weights.pth'
  path.write_bytes(content)
  with pytest.raises(UserError) as caught:
    torch_file.read_state_dict(path)
  message = str(caught.value)
  assert message.startswith(f'{path}: ')
  assert '\n' not in message
  return message


@pytest.mark.parametrize('write', [zip_file, legacy_file])
def test_truncated_files_raise(tmp_path, write):
  content = write(_state_dict())
  for end in range(0, len(content), 7):
    _refused(tmp_path, content[:end])


@given(position=st.integers(0), mask=st.integers(1, 255))
def test_a_changed_byte_of_a_zip_file_raises_or_changes_no_value(tmp_path, position, mask):
  content = zip_file(_state_dict())
  path = tmp_path / 'weights.pth'
  path.write_bytes(content)
  expected = torch_file.read_state_dict(path)
  path.write_bytes(changed_byte(content, position % len(content), mask))
  with contextlib.suppress(UserError):
    arrays = torch_file.read_state_dict(path)
    assert list(arrays) == list(expected)
    for name, array in arrays.items():
      np.testing.assert_array_equal(array, expected[name])


@given(position=st.integers(0, 24), mask=st.integers(1, 255))
def test_a_changed_byte_in_the_header_of_an_older_file_raises(tmp_path, position, mask):
  """The tensors of an older file have no checksum."""
  path = tmp_path / 'weights.pth'
  path.write_bytes(changed_byte(legacy_file(_state_dict()), position, mask))
  with contextlib.suppress(UserError):
    assert list(torch_file.read_state_dict(path)) == list(_state_dict())


class _Evil:
  def __reduce__(self):
    return eval, ('1 + 1',)


@pytest.mark.parametrize('write', [zip_file, legacy_file])
def test_files_cannot_run_code(tmp_path, write):
  assert 'refers to builtins.eval' in _refused(tmp_path, write({'x': _Evil()})).replace(
    '__builtin__', 'builtins'
  )


def test_only_flat_state_dicts_are_read(tmp_path):
  tensor = Tensor('0', np.zeros(2, np.float32))
  assert "entry 'epoch' is a int" in _refused(tmp_path, zip_file({'x': tensor, 'epoch': 3}))
  assert "entry 'model' is a dict" in _refused(tmp_path, zip_file({'model': {'x': tensor}}))
  assert 'holds a list' in _refused(tmp_path, zip_file([tensor]))
  module = sys.modules['torch'].nn_Module()
  assert 'torch.nn_Module' in _refused(tmp_path, zip_file({'x': module}))


def test_tensors_must_lie_inside_their_storage(tmp_path):
  data = np.zeros(6, np.float32)
  too_long = Tensor('0', data, offset=1, shape=(2, 3), strides=(3, 1))
  assert "'x' reaches past the end" in _refused(tmp_path, zip_file({'x': too_long}))
  bomb = Tensor('0', data, shape=(10**6, 10**6), strides=(0, 0))
  assert "'x' of shape (1000000, 1000000) has 6 elements" in _refused(
    tmp_path, zip_file({'x': bomb})
  )
  negative = Tensor('0', data, offset=5, shape=(2,), strides=(-1,))
  assert 'impossible sizes' in _refused(tmp_path, legacy_file({'x': negative}))
  view = Tensor('0', data, shape=(2,), view=('1', 4, 4))
  assert 'reaches past the end' in _refused(tmp_path, legacy_file({'x': view}))


def test_other_files_raise(tmp_path):
  assert 'no magic number' in _refused(tmp_path, pickle.dumps(12))
  assert 'format version 9' in _refused(tmp_path, legacy_file({}, version=9))
  _refused(tmp_path, b'')
  _refused(tmp_path, b'<html>not found</html>')
  stream = io.BytesIO()
  with zipfile.ZipFile(stream, 'w') as archive:
    archive.writestr('readme/text', 'hello')
  assert 'without <folder>/data.pkl' in _refused(tmp_path, stream.getvalue())
  with pytest.raises(UserError, match='cannot read the weights file'):
    torch_file.read_state_dict(tmp_path / 'missing.pth')


@pytest.mark.slow
@pytest.mark.parametrize('zipped', [True, False])
def test_files_of_torch_are_read_as_torch_reads_them(tmp_path, zipped):
  torch = pytest.importorskip('torch')
  torch.manual_seed(0)
  module = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), torch.nn.BatchNorm2d(5))
  state = module.state_dict()
  state['parameter'] = torch.nn.Parameter(torch.randn(2, 3))
  base = torch.randn(4, 6)
  state['transposed'], state['part'], state['same'] = base.T, base[1:3, ::2], base
  state['expanded'] = torch.randn(12)[:3, None].expand(3, 4)
  state['half'], state['brain'] = torch.randn(3).half(), torch.randn(7).bfloat16()
  state['double'], state['flags'] = torch.randn(3).double(), torch.tensor([True, False])
  for kind in (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64):
    state[str(kind)] = torch.arange(5).to(kind)
  state['empty'] = torch.zeros(0, 3)
  path = tmp_path / 'weights.pth'
  torch.save(state, path, _use_new_zipfile_serialization=zipped)
  arrays = torch_file.read_state_dict(path)
  assert list(arrays) == list(state)
  for name, tensor in torch.load(path).items():
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
      assert arrays[name].dtype == ml_dtypes.bfloat16
      tensor, arrays[name] = tensor.float(), arrays[name].astype(np.float32)
    assert arrays[name].dtype == tensor.numpy().dtype
    np.testing.assert_array_equal(arrays[name], tensor.numpy(), err_msg=name)


@pytest.mark.slow
def test_files_of_torch_with_code_raise(tmp_path):
  torch = pytest.importorskip('torch')
  path = tmp_path / 'module.pth'
  torch.save(torch.nn.Linear(2, 2), path)
  with pytest.raises(UserError, match='refers to torch'):
    torch_file.read_state_dict(path)
