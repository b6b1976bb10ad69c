"""CIFAR-style ResNet: size, depth, parameter-free shortcuts, train and inference mode."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.networks import resnet


@functools.cache
def _small(depth=8, width=4, size=8, **options):
  network = resnet.ResNet(3, depth, width, **options)
  images = jax.random.uniform(jax.random.key(1), (6, size, size, 3), minval=-1)
  return network, network.init(jax.random.key(0), images, train=False), images


@pytest.mark.parametrize('size', [16, 32, 64])
@pytest.mark.parametrize('train', [True, False])
def test_shapes(size, train):
  network = resnet.ResNet(10, depth=8, width=4)
  (logits, features), _ = jax.eval_shape(
    lambda x: network.init_with_output(jax.random.key(0), x, train=train),
    jnp.zeros((6, size, size, 3)),
  )
  assert logits.shape == (6, 10)
  assert features.shape == (6, 16)
  assert logits.dtype == features.dtype == jnp.float32


def test_parameters_of_resnet_32():
  network = resnet.ResNet(10)
  variables = jax.eval_shape(
    lambda: network.init(jax.random.key(0), jnp.zeros((2, 32, 32, 3)), train=False)
  )
  convolutions = (
    9 * 3 * 16
    + 10 * (9 * 16 * 16)
    + (9 * 16 * 32 + 9 * (9 * 32 * 32))
    + (9 * 32 * 64 + 9 * (9 * 64 * 64))
  )
  norms = 2 * (11 * 16 + 10 * 32 + 10 * 64)
  by_hand = convolutions + norms + (64 * 10 + 10)
  assert by_hand == 464_154
  assert sum(leaf.size for leaf in jax.tree.leaves(variables['params'])) == by_hand
  # 6n + 2 = 31 convolutions and the dense layer: the shortcuts have no parameters.
  names = list(variables['params'])
  assert sum(name.startswith('Conv') for name in names) == 31
  assert sum(name.startswith('Dense') for name in names) == 1


def test_shortcuts_take_every_second_pixel_and_pad_channels():
  # With zero kernels, each block returns its shortcut.
  network, variables, images = _small()
  params = jax.tree.map(lambda x: jnp.zeros_like(x) if x.ndim == 4 else x, variables['params'])
  # A first convolution whose centre copies the three colours.
  first = params['Conv_0']['kernel'].at[1, 1].set(jnp.eye(3, 4))
  params = {**params, 'Conv_0': {'kernel': first}}
  _, features = network.apply({**variables, 'params': params}, images, train=False)
  pixels = jax.nn.relu(images)[:, ::4, ::4].mean((1, 2)) / np.sqrt(1 + 1e-5)
  # 4 channels become 8 (two zeros before and after), then 16 (four before and after).
  np.testing.assert_allclose(features[:, 6:9], pixels, rtol=1e-5)
  np.testing.assert_array_equal(np.delete(features, [6, 7, 8], axis=1), 0.0)


def test_train_mode_normalises_by_the_batch_and_moves_running_statistics():
  network, variables, images = _small()
  (logits, _), updated = network.apply(variables, images, train=True, mutable=['batch_stats'])
  (alone, _), _ = network.apply(variables, images[:3], train=True, mutable=['batch_stats'])
  assert not np.allclose(logits[:3], alone, atol=1e-3)
  convolved = jax.lax.conv_general_dilated(
    images,
    variables['params']['Conv_0']['kernel'],
    (1, 1),
    ((1, 1), (1, 1)),
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
  )
  stats = updated['batch_stats']['BatchNorm_0']
  np.testing.assert_allclose(stats['mean'], 0.1 * convolved.mean((0, 1, 2)), atol=1e-5)
  np.testing.assert_allclose(stats['var'], 0.9 + 0.1 * convolved.var((0, 1, 2)), rtol=1e-4)


def test_inference_mode_uses_running_statistics_and_changes_nothing():
  network, variables, images = _small()
  (logits, _), same = network.apply(variables, images, train=False, mutable=['batch_stats'])
  alone, _ = network.apply(variables, images[:3], train=False)
  np.testing.assert_allclose(logits[:3], alone, rtol=1e-4, atol=1e-5)
  jax.tree.map(np.testing.assert_array_equal, same['batch_stats'], variables['batch_stats'])
  shifted = jax.tree.map(lambda x: x + 0.5, variables['batch_stats'])
  other, _ = network.apply({**variables, 'batch_stats': shifted}, images, train=False)
  assert not np.allclose(logits, other, atol=1e-3)


def test_gradient_reaches_the_images():
  network, variables, images = _small()

  def confidence(images):
    logits, _ = network.apply(variables, images, train=False)
    return jax.nn.log_softmax(logits)[:, 0].sum()

  gradient = jax.jit(jax.grad(confidence))(images)
  assert gradient.shape == images.shape
  assert (np.abs(gradient).max(axis=(1, 2, 3)) > 0).all()


def test_bfloat16_keeps_parameters_and_outputs_in_float32():
  network, variables, images = _small(dtype=jnp.bfloat16)
  logits, features = network.apply(variables, images, train=False)
  leaves = jax.tree.leaves((variables, logits, features))
  assert {leaf.dtype for leaf in leaves} == {jnp.dtype('float32')}
  exact, _ = resnet.ResNet(3, 8, 4).apply(variables, images, train=False)
  np.testing.assert_allclose(logits, exact, atol=0.05 * np.abs(exact).max())
