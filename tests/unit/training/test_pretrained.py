"""Pretrained weights: an npz or a PyTorch file, told apart by suffix."""

import numpy as np
import pytest

from experiments import base
from jaxgan.algorithms import classifier
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.training import pretrained
from tests.support import torch_files, vggface2_weights
from tests.support.registered import put


@pytest.fixture
def section(monkeypatch):
  """The `algorithm` section of an annotator of faces, with a small network."""
  torch_files.fake_torch(monkeypatch)
  small = lambda num_classes, config: vggface2_weights.small(num_classes)  # noqa: E731
  put(monkeypatch, classifier.NETWORKS, {'resnet50_vggface2': small})
  return base.vggface2_section('faces').algorithm


def _state_dict(dag=True):
  """Arrays like the released file: float32, contiguous, and a counter that is not read."""
  arrays = vggface2_weights.arrays(vggface2_weights.small(1), dag)
  tree = {}
  for number, (name, array) in enumerate(arrays.items()):
    strides = tuple(stride // 4 for stride in array.strides)
    tree[name] = torch_files.Tensor(str(number), array.ravel(), 0, array.shape, strides)
  counter = torch_files.Tensor('counter', np.array([7]), shape=())
  return arrays, tree | {'conv1_7x7_s2_bn.num_batches_tracked': counter}


@pytest.mark.parametrize('write', [torch_files.zip_file, torch_files.legacy_file])
@pytest.mark.parametrize('suffix', ['.pth', '.pt'])
def test_variables_from_a_pytorch_file(section, tmp_path, write, suffix):
  arrays, tree = _state_dict()
  path = tmp_path / f'resnet50_ft_dag{suffix}'
  path.write_bytes(write(tree))
  section = changed(section, {'weights': str(path)})
  variables = pretrained.variables(section, 40)
  kernel = variables['params']['layer1_0']['conv2']['kernel']
  np.testing.assert_array_equal(kernel.transpose(3, 2, 0, 1), arrays['conv2_1_3x3.weight'])
  mean = variables['batch_stats']['layer2_0']['downsample_1']['mean']
  np.testing.assert_array_equal(mean, arrays['conv3_1_1x1_proj_bn.running_mean'])
  assert variables['params']['fc']['kernel'].shape == (128, 40)


def test_variables_from_an_npz_in_caffe_layout(section, tmp_path):
  arrays, _ = _state_dict(dag=False)
  np.savez(tmp_path / 'resnet50_ft.npz', **arrays)
  section = changed(section, {'weights': str(tmp_path / 'resnet50_ft.npz')})
  kernel = pretrained.variables(section, 40)['params']['conv1']['kernel']
  # Channels are RGB here and BGR in Caffe.
  np.testing.assert_array_equal(kernel[:, :, 0].transpose(2, 0, 1), arrays['conv1.weight'][:, 2])


def _incomplete(path):
  _, tree = _state_dict()
  del tree['conv2_2_3x3.weight']
  path.write_bytes(torch_files.zip_file(tree))


@pytest.mark.parametrize(
  ('write', 'message'),
  [
    (lambda path: None, r'cannot read the weights file .*No such file or directory: download http'),
    (lambda path: path.write_text('weights'), r'not a PyTorch .*: download http'),
    (_incomplete, r'conv2_2_3x3\.weight is missing: give the weights of the ResNet-50 of VGGFace2'),
  ],
  ids=['missing', 'text', 'incomplete'],
)
def test_other_files_are_refused(section, tmp_path, write, message):
  path = tmp_path / 'resnet50_ft_dag.pth'
  write(path)
  section = changed(section, {'weights': str(path)})
  with pytest.raises(UserError, match=message) as error:
    pretrained.variables(section, 40, 'annotator.algorithm.weights')
  assert str(error.value).startswith(f'config.annotator.algorithm.weights={path}: ')
  assert '\n' not in str(error.value)


def test_an_empty_path_is_refused(section):
  with pytest.raises(
    UserError, match=r'weights is empty, but resnet50_vggface2 needs its weights: download http'
  ):
    pretrained.variables(section, 40)


def test_the_network_subtracts_the_mean_colour(section):
  """As in the released code: 0..255 minus the mean, here for pixels near the mean."""
  algorithm = classifier.classifier(section, (64, 64, 3), 40, steps_per_epoch=1)
  assert algorithm.classify
  pixels = np.array([131.0, 104.0, 91.0])
  images = np.tile(pixels / 127.5 - 1, (1, 64, 64, 1)).astype(np.float32)
  read = classifier._to_input(images, section)
  assert read.shape == (1, 224, 224, 3)
  np.testing.assert_allclose(read[0, 100, 50], pixels - [131.0912, 103.8827, 91.4953], atol=1e-3)
