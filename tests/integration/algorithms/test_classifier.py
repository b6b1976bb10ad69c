"""Classifier training: learning, preprocessing of images, losses and deferred re-weighting."""

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import base
from jaxgan.algorithms import Batch
from jaxgan.algorithms.classifier import (
  NETWORKS,
  classifier,
  input_in_words,
)
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from tests.support.registered import put


@pytest.fixture
def config():
  section = base.classifier_section('stand_in', drw=True).algorithm
  section = changed(section, {'depth': 8, 'width': 4})
  return section


def _batch(size=8, counts=(8, 8, 8)):
  labels = jnp.arange(24) % 3
  noise = 0.1 * jax.random.normal(jax.random.key(0), (24, size, size, 1))
  images = (labels - 1.0)[:, None, None, None] * 0.7 + noise
  return Batch(images, labels, jnp.array(counts))


@pytest.mark.parametrize(
  ('network', 'size', 'num_features'), [('resnet', 8, 16), ('mnist_cnn', 16, 500)]
)
def test_learns_to_classify_brightness(config, network, size, num_features):
  config = changed(config, {'network': network, 'warmup_epochs': 0, 'learning_rate': 0.02})
  algorithm = classifier(config, (size, size, 1), 3, steps_per_epoch=1)
  update = jax.jit(algorithm.update)
  state = algorithm.init(jax.random.key(0))
  structure = jax.tree.structure(state)
  for _ in range(30):
    state, metrics = update(state, _batch(size), {}, None)
  assert float(metrics['accuracy']) == 1.0
  logits, features = algorithm.classify(state.variables, _batch(size).images)
  assert logits.shape == (24, 3)
  assert features.shape == (24, num_features)
  # The state has exactly the variables of the network.
  assert jax.tree.structure(state) == structure
  assert ('batch_stats' in state.variables) == (network == 'resnet')


@pytest.fixture
def seen(config, monkeypatch):
  """Inputs [(shape, train)] of a network that replaces ResNet and BiT."""

  class Means(nn.Module):
    @nn.compact
    def __call__(self, images, train):
      read.append((images.shape, train))
      return nn.Dense(3)(images.mean(axis=(1, 2))), images.reshape(len(images), -1)

  read = []
  put(monkeypatch, NETWORKS, dict.fromkeys(('resnet', 'bit_r50x1'), lambda *_: Means()))
  return read


# A ramp along the columns: a crop further to the right is brighter on average.
RAMP = jnp.broadcast_to(jnp.linspace(-1, 1, 8)[:, None], (24, 8, 8, 1))


@pytest.mark.parametrize(('network', 'varies'), [('bit_r50x1', True), ('resnet', False)])
def test_images_are_resized_for_the_network(config, seen, network, varies):
  """Images get the input size; in training, BiT crops them at random from 5/4 of it."""
  config = changed(config, {'network': network, 'input_size': 32, 'drw_epoch': None})
  algorithm = classifier(config, (8, 8, 1), 3, steps_per_epoch=1)
  state = algorithm.init(jax.random.key(0))
  batch = _batch()._replace(images=RAMP)
  update = jax.jit(algorithm.update)
  losses = {
    float(update(state, batch, {}, jax.random.key(k))[1]['loss/classifier']) for k in (0, 1)
  }
  assert (len(losses) == 2) == varies
  _, features = algorithm.classify(state.variables, RAMP)
  assert set(seen) == {((2, 32, 32, 1), False), ((24, 32, 32, 1), True), ((24, 32, 32, 1), False)}
  # Bilinear with pixel centres: every output lies between two neighbours, and the border repeats.
  rows = np.interp((np.arange(32) + 0.5) / 4 - 0.5, np.arange(8), np.linspace(-1, 1, 8))
  expected = np.broadcast_to(rows, (24, 32, 32)).reshape(24, -1)
  np.testing.assert_allclose(features, expected, atol=1e-6)
  gradient = jax.grad(lambda images: algorithm.classify(state.variables, images)[1].sum())(RAMP)
  np.testing.assert_allclose(gradient.sum(), 24 * 32 * 32, rtol=1e-5)


def test_intensities_are_normalised_per_channel(config, seen):
  """Pixels 0, 255 and 51 with the numbers of iNaturalist, worked out by hand."""
  config = changed(
    config,
    {
      'input_mean': (0.466, 0.471, 0.380),
      'input_std': (0.195, 0.194, 0.192),
      'input_size': 1,
      'drw_epoch': None,
    },
  )
  algorithm = classifier(config, (1, 1, 3), 3, steps_per_epoch=1)
  variables = algorithm.init(jax.random.key(0)).variables
  images = jnp.array([-1.0, 1.0, -0.6]).reshape(1, 1, 1, 3)
  _, features = algorithm.classify(variables, images)
  np.testing.assert_allclose(features, [[-2.389744, 2.726804, -0.9375]], rtol=1e-5)
  # Training normalises in the same way, also for images of another size.
  batch = Batch(jnp.full((4, 4, 4, 3), -0.6), jnp.zeros(4, jnp.int32))
  state, _ = algorithm.update(algorithm.init(jax.random.key(0)), batch, {}, jax.random.key(0))
  assert seen[-1] == ((4, 1, 1, 3), True)
  assert int(state.step) == 1


def test_means_that_do_not_fit_the_channels_raise(config):
  config = changed(config, {'input_mean': (0.5, 0.5, 0.5), 'input_std': (0.5,)})
  message = r'input_mean=.*: expected one number or one per channel, as the images have 1 channels'
  with pytest.raises(UserError, match=message):
    classifier(config, (8, 8, 1), 3, steps_per_epoch=1)
  assert classifier(config, (8, 8, 3), 3, steps_per_epoch=1)


@pytest.mark.parametrize(
  ('fields', 'expected'),
  [
    ({}, ''),
    ({'input_size': 224}, 'bilinear to 224x224'),
    (
      {'input_mean': (0.466, 0.471), 'input_std': [0.195, 1 / 255]},
      'mean 0.466, 0.471 and deviation 0.195, 0.003922 of intensities',
    ),
  ],
)
def test_input_in_words(config, fields, expected):
  assert input_in_words(changed(config, fields)) == expected


def test_the_focal_loss_is_trained(config):
  """At the first step all three classes have about the same probability."""
  losses = {}
  for loss, gamma in (('cross_entropy', 1.0), ('focal', 0.0), ('focal', 2.0)):
    config = changed(config, {'loss': loss, 'focal_gamma': gamma})
    algorithm = classifier(config, (8, 8, 1), 3, steps_per_epoch=1)
    _, metrics = jax.jit(algorithm.update)(algorithm.init(jax.random.key(0)), _batch(), {}, None)
    losses[loss, gamma] = float(metrics['loss/classifier'])
  plain = losses['cross_entropy', 1.0]
  assert losses['focal', 0.0] == pytest.approx(plain, rel=1e-5)
  assert 0 < losses['focal', 2.0] < plain


def test_reweighting_starts_at_its_epoch(config):
  """DRW changes nothing before epoch 2; from epoch 2 on the loss is weighted."""
  config = changed(config, {'drw_epoch': 2, 'drw_beta': 0.9})
  algorithm = classifier(config, (8, 8, 1), 3, steps_per_epoch=2)
  update = jax.jit(algorithm.update)
  losses = []
  for counts in ((20, 3, 1), (8, 8, 8)):
    state = algorithm.init(jax.random.key(0))
    for _ in range(5):
      state, metrics = update(state, _batch(counts=counts), {}, None)
      losses.append(float(metrics['loss/classifier']))
  weighted, plain = losses[:5], losses[5:]
  np.testing.assert_allclose(weighted[:4], plain[:4], rtol=1e-5)
  assert abs(weighted[4] - plain[4]) > 1e-3


def test_without_reweighting_the_counts_are_not_needed(config):
  config = changed(config, {'drw_epoch': None})
  algorithm = classifier(config, (8, 8, 1), 3, steps_per_epoch=2)
  batch = _batch()._replace(class_counts=None)
  _, metrics = jax.jit(algorithm.update)(algorithm.init(jax.random.key(0)), batch, {}, None)
  assert np.isfinite(float(metrics['loss/classifier']))
