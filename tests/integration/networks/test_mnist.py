"""MNIST networks of Elastic-InfoGAN: sizes by hand, initial weights, batch norm and modes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.networks import mnist

K = 10
GENERATOR = (
  (72 * 1024 + 1024 + 2 * 1024)
  + (1024 * 6272 + 6272 + 2 * 6272)
  + (4 * 4 * 128 * 64 + 64 + 2 * 64)
  + (4 * 4 * 64 * 1 + 1)
)
TRUNK = (4 * 4 * 1 * 64 + 64) + (4 * 4 * 64 * 128 + 128 + 2 * 128) + (6272 * 1024 + 1024 + 2 * 1024)
DISCRIMINATOR_HEAD = 1024 + 1
RECOGNITION_HEAD = (1024 * 128 + 128 + 2 * 128) + (128 * K + K)
CLASSIFIER = (25 * 20 + 20) + (25 * 20 * 50 + 50) + (4 * 4 * 50 * 500 + 500) + (500 * K + K)


def _shapes(network, input_shape, **mode):
  """Shapes of (outputs, variables) of a network."""
  return jax.eval_shape(
    lambda: network.init_with_output(jax.random.key(0), jnp.zeros(input_shape), **mode)
  )


@functools.cache
def _small(kind, **options):
  """A network for small images, its variables and a batch of inputs."""
  network, shape = {
    'generator': (mnist.Generator(8, 1, **options), (6, 10)),
    'trunk': (mnist.Trunk(**options), (6, 8, 8, 1)),
    'recognition': (mnist.RecognitionHead(3, 2, **options), (6, 1024)),
    'classifier': (mnist.EvaluationClassifier(3, **options), (6, 16, 16, 1)),
  }[kind]
  inputs = jax.random.normal(jax.random.key(1), shape)
  return network, network.init(jax.random.key(0), inputs, train=False), inputs


def test_parameters_of_the_networks_in_the_paper():
  by_hand = {
    GENERATOR: _shapes(mnist.Generator(28, 1), (2, 72), train=False),
    TRUNK: _shapes(mnist.Trunk(), (2, 28, 28, 1), train=False),
    DISCRIMINATOR_HEAD: _shapes(mnist.DiscriminatorHead(), (2, 1024)),
    RECOGNITION_HEAD: _shapes(mnist.RecognitionHead(K), (2, 1024), train=False),
    CLASSIFIER: _shapes(mnist.EvaluationClassifier(K), (2, 28, 28, 1), train=False),
  }
  for expected, (_, variables) in by_hand.items():
    assert sum(leaf.size for leaf in jax.tree.leaves(variables['params'])) == expected
  assert GENERATOR + TRUNK + DISCRIMINATOR_HEAD == 13_209_602
  assert GENERATOR + TRUNK + DISCRIMINATOR_HEAD + RECOGNITION_HEAD == 13_342_348


@pytest.mark.parametrize(('size', 'channels'), [(8, 1), (12, 3), (28, 1), (32, 3)])
def test_shapes(size, channels):
  images = (6, size, size, channels)
  expected = {
    mnist.Generator(size, channels): ((6, 15), [images]),
    mnist.Trunk(): (images, [(6, 1024)]),
    mnist.RecognitionHead(5, 2): ((6, 1024), [(6, 5), (6, 2), (6, 128)]),
    mnist.RecognitionHead(5): ((6, 1024), [(6, 5), (6, 0), (6, 128)]),
  }
  for network, (input_shape, output_shapes) in expected.items():
    outputs, _ = _shapes(network, input_shape, train=False)
    assert [x.shape for x in jax.tree.leaves(outputs)] == output_shapes
  assert _shapes(mnist.DiscriminatorHead(), (6, 1024))[0].shape == (6,)


@pytest.mark.parametrize(('size', 'inputs'), [(16, 1), (21, 4), (28, 16), (32, 25)])
def test_shapes_of_the_classifier(size, inputs):
  """The dense layer has `inputs` inputs."""
  outputs, variables = _shapes(mnist.EvaluationClassifier(5), (6, size, size, 3), train=False)
  assert [x.shape for x in outputs] == [(6, 5), (6, 500)]
  assert variables['params']['Dense_0']['kernel'].shape == (50 * inputs, 500)


def test_images_too_small_for_the_classifier_raise():
  with pytest.raises(ValueError, match=r'mnist_cnn needs .* 16 pixels .* not 16x15'):
    _shapes(mnist.EvaluationClassifier(5), (6, 16, 15, 1), train=False)


def test_image_sizes_are_multiples_of_4():
  with pytest.raises(ValueError, match=r'multiple of 4 .*30'):
    _shapes(mnist.Generator(30, 1), (2, 15), train=False)
  with pytest.raises(ValueError, match=r'multiple of 4 .*30'):
    _shapes(mnist.Trunk(), (2, 30, 30, 1), train=False)


@pytest.mark.parametrize('kind', ['generator', 'trunk', 'recognition'])
def test_weights_start_small_and_biases_at_zero(kind):
  for path, leaf in jax.tree_util.tree_leaves_with_path(_small(kind)[1]['params']):
    name = jax.tree_util.keystr(path)
    if 'kernel' in name:
      np.testing.assert_allclose(np.std(leaf), 0.02, rtol=0.15, err_msg=name)
      assert abs(float(np.mean(leaf))) < 0.003
    else:
      np.testing.assert_array_equal(leaf, 1.0 if 'scale' in name else 0.0)


@pytest.mark.parametrize(
  ('kind', 'features'), [('generator', [512, 64, 1024]), ('trunk', [1024, 128])]
)
def test_which_layers_are_normalised(kind, features):
  """All except the first convolution of the trunk; a dense layer at each output."""
  stats = _small(kind)[1]['batch_stats']
  assert sorted(layer['mean'].shape[0] for layer in stats.values()) == sorted(features)


@pytest.mark.parametrize('kind', ['generator', 'trunk', 'recognition'])
def test_batch_statistics_in_training_and_running_statistics_in_inference(kind, assert_trees_equal):
  network, variables, inputs = _small(kind)

  def apply(inputs, train):
    outputs, updated = network.apply(variables, inputs, train=train, mutable=['batch_stats'])
    return jax.tree.leaves(outputs)[0], updated['batch_stats']

  whole, moved = apply(inputs, True)
  alone, _ = apply(inputs[:3], True)
  assert not np.allclose(whole[:3], alone, rtol=1e-3, atol=1e-6)
  # One forward pass moves the running variance by a tenth of its distance from 1.
  variances = [layer['var'] for path, layer in _batch_norms(moved)]
  assert variances
  assert all(bool((v >= 0.9).all()) and bool((v != 1.0).any()) for v in variances)
  whole, same = apply(inputs, False)
  alone, _ = apply(inputs[:3], False)
  np.testing.assert_allclose(whole[:3], alone, rtol=1e-4, atol=1e-6)
  assert_trees_equal(same, variables['batch_stats'])


def _batch_norms(stats, path=()):
  for name, layer in stats.items():
    if 'mean' in layer:
      yield (*path, name), layer
    else:
      yield from _batch_norms(layer, (*path, name))


def test_contrastive_features_are_the_activations_before_the_last_layer():
  """After a leaky ReLU, with small negative values; the outputs are linear in them."""
  network, variables, inputs = _small('recognition')
  (logits, prediction, features), _ = network.apply(
    variables, inputs, train=True, mutable=['batch_stats']
  )
  last = variables['params']['Dense_1']
  outputs = features @ last['kernel'] + last['bias']
  np.testing.assert_allclose(outputs, jnp.concatenate([logits, prediction], -1), atol=1e-5)
  assert features.min() < 0.0 < features.max()
  # Batch norm has outputs of variance 1; the slope 0.2 shrinks the negative values.
  negative, positive = features[features < 0], features[features > 0]
  np.testing.assert_allclose(negative.mean() / positive.mean(), -0.2, rtol=0.2)


def test_generator_images_are_in_range_and_the_activation_can_be_replaced():
  network, variables, codes = _small('generator')
  (images,) = network.apply(variables, 1000.0 * codes, train=False)
  assert float(jnp.abs(images).max()) <= 1.0
  (logits,) = mnist.Generator(8, 1, activation=lambda x: x).apply(
    variables, 1000.0 * codes, train=False
  )
  np.testing.assert_allclose(images, np.tanh(logits), atol=1e-5)


def test_classifier_has_one_mode_and_non_negative_features():
  network, variables, images = _small('classifier')
  logits, features = network.apply(variables, images, train=True)
  np.testing.assert_array_equal(logits, network.apply(variables, images, train=False)[0])
  assert list(variables) == ['params']
  assert float(features.min()) == 0.0


@pytest.mark.parametrize('kind', ['generator', 'trunk', 'recognition', 'classifier'])
def test_bfloat16_keeps_parameters_in_float32(kind):
  network, variables, inputs = _small(kind, dtype=jnp.bfloat16)
  outputs = jax.tree.leaves(network.apply(variables, inputs, train=False))
  if kind != 'trunk':  # The trunk's features are inputs of the heads.
    assert {x.dtype for x in (*outputs, *jax.tree.leaves(variables))} == {jnp.dtype('float32')}
  exact = jax.tree.leaves(_small(kind)[0].apply(variables, inputs, train=False))
  for a, b in zip(outputs, exact, strict=True):
    np.testing.assert_allclose(a.astype(jnp.float32), b, atol=0.05 * np.abs(b).max())
