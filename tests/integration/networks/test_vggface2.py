"""VGGFace2's ResNet-50: names and shapes of the released files, and its forward pass in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.networks import resnet50, vggface2
from tests.support import vggface2_weights

# Some shapes in the definitions that accompany the released files (PyTorch's order).
DAG = {
  'conv1_7x7_s2.weight': (64, 3, 7, 7),
  'conv1_7x7_s2_bn.running_mean': (64,),
  'conv2_1_1x1_reduce.weight': (64, 64, 1, 1),
  'conv2_1_1x1_proj.weight': (256, 64, 1, 1),
  'conv3_1_3x3.weight': (128, 128, 3, 3),
  'conv3_4_1x1_increase_bn.weight': (512,),
  'conv4_6_1x1_reduce_bn.running_var': (256,),
  'conv5_1_1x1_proj_bn.bias': (2048,),
  'conv5_3_1x1_increase.weight': (2048, 512, 1, 1),
  'classifier.weight': (8631, 2048, 1, 1),
}
TORCH = {
  'conv1.weight': (64, 3, 7, 7),
  'bn1.running_mean': (64,),
  'layer1.0.conv1.weight': (64, 64, 1, 1),
  'layer1.0.downsample.0.weight': (256, 64, 1, 1),
  'layer2.0.conv2.weight': (128, 128, 3, 3),
  'layer2.3.bn3.weight': (512,),
  'layer3.5.bn1.running_var': (256,),
  'layer4.0.downsample.1.bias': (2048,),
  'layer4.2.conv3.weight': (2048, 512, 1, 1),
  'fc.weight': (8631, 2048),
}


@pytest.mark.parametrize(('dag', 'some'), [(True, DAG), (False, TORCH)])
def test_names_and_shapes_of_the_released_files(dag, some):
  """53 convolutions, each with a batch norm of four arrays, and the head."""
  arrays = vggface2_weights.arrays(resnet50.ResNet50(1, caffe=True), dag)
  assert len(arrays) == 53 * 5 + 2
  assert {name: arrays[name].shape for name in some} == some


def _convolve(x, kernel, stride, padding):
  """Convolution of x [N, C, H, W] in float64, by its definition."""
  x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
  size = kernel.shape[-1]
  windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))
  return np.einsum('nchwij,ocij->nohw', windows[:, :, ::stride, ::stride], kernel)


def _features(arrays, images):
  """The network of resnet50_ft_dag.pth for RGB images [N, H, W, 3], with two small stages."""

  def layer(x, name, stride=1, padding=0):
    y = _convolve(x, arrays[f'{name}.weight'], stride, padding)
    w, b, mean, var = (
      arrays[f'{name}_bn.{leaf}'][:, None, None]
      for leaf in ('weight', 'bias', 'running_mean', 'running_var')
    )
    return (y - mean) / np.sqrt(var + 1e-5) * w + b

  x = np.maximum(layer(images.transpose(0, 3, 1, 2), 'conv1_7x7_s2', 2, 3), 0)
  # 3x3 with stride 2, without padding, rounded up: the last windows extend beyond the border.
  x = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=-np.inf)
  windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
  x = windows[:, :, ::2, ::2].max(axis=(-1, -2))
  for name, stride in (('conv2_1', 1), ('conv2_2', 1), ('conv3_1', 2)):
    y = np.maximum(layer(x, f'{name}_1x1_reduce', stride), 0)
    y = np.maximum(layer(y, f'{name}_3x3', 1, 1), 0)
    y = layer(y, f'{name}_1x1_increase')
    shortcut = layer(x, f'{name}_1x1_proj', stride) if name.endswith('_1') else x
    x = np.maximum(y + shortcut, 0)
  return x.mean(axis=(2, 3))


@pytest.mark.parametrize('dag', [True, False])
def test_forward_equals_numpy(dag):
  """Both layouts give the same network; with torchvision's names the first kernel reads BGR."""
  network = vggface2_weights.small(3)
  arrays = vggface2_weights.arrays(network, dag)
  dag_arrays = arrays
  if not dag:
    dag_arrays = {}
    shapes = jax.eval_shape(
      lambda: network.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)), train=False)
    )
    for path, _ in jax.tree_util.tree_flatten_with_path(shapes)[0]:
      names = tuple(key.key for key in path)[1:]
      if names[0] != 'fc':
        array = arrays[vggface2.released_name(names, dag=False)]
        dag_arrays[vggface2.released_name(names, dag=True)] = array
    kernel = arrays['conv1.weight']
    dag_arrays['conv1_7x7_s2.weight'] = np.stack([kernel[:, 2], kernel[:, 1], kernel[:, 0]], 1)
  variables = vggface2.pretrained_variables(arrays, network)
  images = np.random.default_rng(1).normal(size=(2, 24, 24, 3)).astype(np.float32)
  logits, features = jax.jit(lambda v, x: network.apply(v, x, train=False))(variables, images)
  expected = _features(dag_arrays, images.astype(np.float64))
  np.testing.assert_allclose(features, expected, rtol=2e-4, atol=1e-4 * np.abs(expected).max())
  np.testing.assert_array_equal(logits, 0.0)  # A new head.
  # Without `caffe`, the stride is in the 3x3 convolution: another network.
  other = network.clone(caffe=False)
  _, features = jax.jit(lambda v, x: other.apply(v, x, train=False))(variables, images)
  assert np.abs(features - expected).max() > 0.01 * np.abs(expected).max()


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (lambda a: a.pop('conv3_1_3x3_bn.running_var'), 'conv3_1_3x3_bn.running_var is missing: give'),
    (
      lambda a: a.update({'conv2_1_3x3.weight': np.zeros((3, 3, 16, 16), np.float32)}),
      r'conv2_1_3x3\.weight must be .* of shape \(16, 16, 3, 3\), not float32 of shape \(3, 3,',
    ),
    (
      lambda a: a.update({'conv1_7x7_s2_bn.bias': np.zeros(16, int)}),
      r'conv1_7x7_s2_bn\.bias must be floating-point numbers .* not int64',
    ),
    (
      lambda a: a.update({'classifier.weight': np.zeros((1000, 128, 1, 1), np.float32)}),
      r'classifier\.weight must be .* of shape \(8631, 128, 1, 1\)',
    ),
    (
      lambda a: a.pop('classifier.weight'),
      r'fc\.weight is missing: give the weights of the ResNet',
    ),
  ],
  ids=['missing', 'shape', 'integers', 'ImageNet', 'another network'],
)
def test_arrays_that_do_not_fit_raise(change, message):
  network = vggface2_weights.small(3)
  arrays = vggface2_weights.arrays(network, dag=True)
  change(arrays)
  with pytest.raises(UserError, match=message) as error:
    vggface2.pretrained_variables(arrays, network)
  assert '\n' not in str(error.value)
