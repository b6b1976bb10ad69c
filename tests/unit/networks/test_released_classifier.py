"""The released weights of Elastic-InfoGAN's MNIST classifier."""

import jax
import numpy as np
import pytest

from data_prep.idx import read_idx
from jaxgan.data import pixels
from jaxgan.errors import UserError
from jaxgan.networks import mnist

SHAPES = {'conv1': (20, 1, 5, 5), 'conv2': (50, 20, 5, 5), 'fc1': (500, 800), 'fc2': (10, 500)}


@pytest.fixture
def arrays():
  """Random tensors with the names and layouts of PyTorch."""
  rng = np.random.default_rng(0)
  tensors = {}
  for name, shape in SHAPES.items():
    scale = np.sqrt(2 / np.prod(shape[1:]))
    tensors[f'{name}.weight'] = rng.normal(0, scale, shape).astype(np.float32)
    tensors[f'{name}.bias'] = rng.normal(0, 0.1, shape[0]).astype(np.float32)
  return tensors


@jax.jit
def _classify(variables, images):
  return mnist.EvaluationClassifier(10).apply(variables, images, train=False)


def _conv_pool_relu(x, weight, bias):
  """Convolution of `[N, C, H, W]` as in PyTorch, by its definition."""
  windows = np.lib.stride_tricks.sliding_window_view(x, (5, 5), axis=(2, 3))
  x = np.einsum('nchwij,fcij->nfhw', windows, weight) + bias[:, None, None]
  n, c, h, w = x.shape
  return np.maximum(x.reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5)), 0)


def test_logits_and_features_follow_from_the_pytorch_layouts(arrays):
  images = np.random.default_rng(1).uniform(-1, 1, (3, 28, 28, 1)).astype(np.float32)
  x = np.moveaxis(images, -1, 1)
  for name in ('conv1', 'conv2'):
    x = _conv_pool_relu(x, arrays[f'{name}.weight'], arrays[f'{name}.bias'])
  x = x.reshape(3, -1)  # Channel, height, width.
  features = np.maximum(x @ arrays['fc1.weight'].T + arrays['fc1.bias'], 0)
  logits = features @ arrays['fc2.weight'].T + arrays['fc2.bias']

  ours = _classify(mnist.evaluation_classifier_variables(arrays), images)
  np.testing.assert_allclose(ours[0], logits, atol=1e-4)
  np.testing.assert_allclose(ours[1], features, atol=1e-4)


def test_variables_have_the_tree_of_the_network(arrays):
  network = mnist.EvaluationClassifier(10)
  expected = jax.eval_shape(
    lambda: network.init(jax.random.key(0), np.zeros((2, 28, 28, 1)), train=False)
  )
  ours = mnist.evaluation_classifier_variables(arrays)
  assert jax.tree.structure(ours) == jax.tree.structure(expected)
  for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True):
    assert (a.shape, a.dtype) == (b.shape, b.dtype)


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    ({'fc2.bias': None}, 'fc2.weight, fc2.bias, not conv1.bias, .*fc2.weight$'),
    ({'fc3.weight': np.zeros(3)}, 'not .*fc3.weight$'),
    ({'fc1.weight': np.zeros((800, 500))}, r'fc1.weight .* shape \(500, 800\), not .*\(800, 500\)'),
    ({'fc1.bias': np.zeros(500, 'U3')}, r'fc1.bias .* floating-point numbers .* not <U3'),
  ],
)
def test_tensors_that_do_not_fit_raise_with_one_line(arrays, change, message):
  arrays = {name: array for name, array in (arrays | change).items() if array is not None}
  with pytest.raises(UserError, match=message) as error:
    mnist.evaluation_classifier_variables(arrays)
  assert '\n' not in str(error.value)


def test_no_tensors_raise():
  with pytest.raises(UserError, match=r'not none$'):
    mnist.evaluation_classifier_variables({})


def test_accuracy_of_the_released_weights(real_data):
  with np.load(real_data('mnist/elastic_infogan_cnn.npz')) as arrays:
    variables = mnist.evaluation_classifier_variables(arrays)
  images = read_idx(real_data('mnist/t10k-images-idx3-ubyte.gz')).array[..., None]
  labels = read_idx(real_data('mnist/t10k-labels-idx1-ubyte.gz')).array
  correct = 0
  for batch, expected in zip(np.split(images, 10), np.split(labels, 10), strict=True):
    logits, _ = _classify(variables, pixels.scale(batch))
    correct += int((np.argmax(logits, axis=-1) == expected).sum())
  assert correct == pytest.approx(9889, abs=2)
