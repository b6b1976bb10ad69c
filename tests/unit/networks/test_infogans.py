"""The registry of InfoGAN networks, stages, and the encoder of the VAE."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.networks import mnist
from jaxgan.networks.infogans import NETWORKS, Encoder, Stages

SIZES = {'mnist': 8, 'stackgan': 64, 'stackgan_two_stage': 64}


def _images(seed=0, size=8):
  return jax.random.normal(jax.random.key(seed), (6, size, size, 1))


def test_a_single_stage_is_the_network_itself(assert_trees_equal):
  """Checkpoints of a single stage have no prefix for the stage."""
  alone, stages = mnist.Trunk(), Stages((mnist.Trunk(),))
  rng, images = jax.random.key(0), _images()
  expected, variables = alone.init_with_output(rng, images, train=False)
  found, same = stages.init_with_output(rng, (images,), train=False)
  assert_trees_equal(variables, same)
  assert_trees_equal((expected,), found)


def test_each_stage_has_its_weights_and_statistics(assert_trees_equal):
  trunk, images = mnist.Trunk(), (_images(), _images(1))
  stages = Stages((mnist.Trunk(), mnist.Trunk()))
  variables = stages.init(jax.random.key(0), images, train=False)
  found, updated = stages.apply(variables, images, train=True, mutable=['batch_stats'])
  for i, x in enumerate(images):
    own = {kind: tree[f'networks_{i}'] for kind, tree in variables.items()}
    expected, stats = trunk.apply(own, x, train=True, mutable=['batch_stats'])
    assert_trees_equal(found[i], expected)
    assert_trees_equal(updated['batch_stats'][f'networks_{i}'], stats['batch_stats'])
  kernels = [variables['params'][f'networks_{i}']['Conv_0']['kernel'] for i in (0, 1)]
  assert bool((kernels[0] != kernels[1]).any())
  with pytest.raises(ValueError, match='zip'):
    stages.apply(variables, images[:1], train=False)


@pytest.mark.parametrize('name', SIZES)
def test_networks_fit_together(name):
  """Shapes from codes to images, to features, to the outputs of D and Q."""
  network, size = NETWORKS[name], SIZES[name]
  network.check(size)
  config = types.SimpleNamespace(network=name, width=4, dtype='float32')

  def run():
    rng, mode = jax.random.key(0), {'train': False}
    generator = network.generator(config, (size, size, 1), 5, jnp.tanh)
    images, _ = generator.init_with_output(rng, jnp.zeros((2, 9)), **mode)
    features, _ = network.trunk(config).init_with_output(rng, images[-1], **mode)
    logits, _ = network.discriminator_head().init_with_output(rng, features)
    outputs, _ = network.recognition_head(config, 4, 1).init_with_output(rng, features, **mode)
    encoder = Encoder(lambda: network.trunk(config), 4, 7)
    latents, _ = encoder.init_with_output(rng, images[-1], **mode)
    return images, logits, outputs[:2], latents

  images, logits, outputs, latents = jax.eval_shape(run)
  assert [x.shape for x in images] == [(2, size, size, 1)] * network.num_stages
  assert logits.shape == (2,)
  assert [x.shape for x in outputs] == [(2, 4), (2, 1)]
  assert [x.shape for x in latents] == [(2, 7), (2, 7), (2, 4)]


def test_the_encoder_is_linear_in_the_features_of_its_trunk():
  encoder, images = Encoder(mnist.Trunk, 3, 2), _images()
  variables = encoder.init(jax.random.key(0), images, train=False)
  own = {kind: tree['Trunk_0'] for kind, tree in variables.items()}
  features = mnist.Trunk().apply(own, images, train=False)
  dense = variables['params']['Dense_0']
  np.testing.assert_allclose(np.std(dense['kernel']), 0.02, rtol=0.15)
  np.testing.assert_array_equal(dense['bias'], 0.0)
  outputs = jnp.concatenate(encoder.apply(variables, images, train=False), axis=-1)
  np.testing.assert_allclose(outputs, features @ dense['kernel'], atol=1e-5)
