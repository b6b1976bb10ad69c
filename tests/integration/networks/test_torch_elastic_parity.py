"""The Elastic-InfoGAN step against the eager PyTorch step that `benchmarks/replicas.py` times."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import mnist_lt
from jaxgan.algorithms import Batch, infogan
from jaxgan.augmentation import augment
from jaxgan.runs.experiment import resolved

torch = pytest.importorskip('torch')
from benchmarks import torch_elastic_step  # noqa: E402
from tests.support.torch_networks import load, nchw, nhwc, random  # noqa: E402

pytestmark = pytest.mark.slow

BATCH, SIZE, CATEGORIES = 16, 8, 5
LOSSES = ('discriminator', 'generator', 'mutual_information', 'contrastive')


def _channels_first(dense, axis):
  """Permutes an axis of a dense layer from Flax's order `[H, W, C]` to `[C, H, W]`."""

  def reorder(array, axis):
    shape = array.shape
    array = np.asarray(array).reshape(*shape[:axis], SIZE // 4, SIZE // 4, -1, *shape[axis + 1 :])
    return np.moveaxis(array, axis + 2, axis).reshape(shape)

  bias = reorder(dense['bias'], 0) if axis == 1 else dense['bias']
  return {'kernel': reorder(dense['kernel'], axis), 'bias': bias}


def _load(theirs, state):
  """Copies an initial state into the PyTorch networks."""
  generator, trunk = dict(state.generator['params']), dict(state.trunk['params'])
  generator['Dense_1'] = _channels_first(generator['Dense_1'], 1)
  trunk['Dense_0'] = _channels_first(trunk['Dense_0'], 0)
  load(theirs.generator, {**state.generator, 'params': generator})
  load(theirs.trunk, {**state.trunk, 'params': trunk})
  load(theirs.discriminator_head, {'params': state.discriminator_head})
  load(theirs.recognition, state.recognition)


def _draws(config, rng):
  """Noise and Gumbel noise of a step of the algorithm, and the key of its views."""
  draw_rng, transform_rng = jax.random.split(rng)
  noise_rng, code_rng = jax.random.split(draw_rng)
  category_rng, _ = jax.random.split(code_rng)
  noise = jax.random.normal(noise_rng, (BATCH, config.noise_dim))
  gumbel = jax.random.gumbel(category_rng, (BATCH, CATEGORIES))
  return torch.tensor(np.asarray(noise)), torch.tensor(np.asarray(gumbel)), transform_rng


def test_losses_of_two_updates(monkeypatch):
  """The losses of the second update depend on the gradients of the first."""
  config = resolved(mnist_lt.get_config('views=paper')).algorithm
  ours = infogan.infogan(config, (SIZE, SIZE, 1), CATEGORIES)
  state = ours.init(jax.random.key(0))
  theirs = torch_elastic_step.Trainer(config, (SIZE, SIZE, 1), CATEGORIES, 'cpu')
  _load(theirs, state)
  update = jax.jit(ours.update)
  for step in range(2):
    images = np.tanh(random(BATCH, SIZE, SIZE, 1, seed=step))
    rng = jax.random.key(step)
    noise, gumbel, transform_rng = _draws(config, rng)

    def inputs(num, noise=noise, gumbel=gumbel):
      logits = theirs.prior_logits.log_softmax(0)
      return noise, ((logits + gumbel) / config.temperature).softmax(1)

    views = augment.random_affine(
      transform_rng, jnp.asarray(images), config.rotation_degrees, config.zoom_range
    )
    monkeypatch.setattr(theirs, 'inputs', inputs)
    monkeypatch.setattr(theirs, 'views', lambda images, views=views: nchw(views))
    state, metrics = update(state, Batch(images), {}, rng)
    losses = [loss.item() for loss in theirs.step(nchw(images))]
    np.testing.assert_allclose([metrics[f'loss/{name}'] for name in LOSSES], losses, rtol=1e-3)
  np.testing.assert_allclose(state.prior_logits, theirs.prior_logits.detach(), atol=1e-5)


def test_views_match_the_augmentation(monkeypatch):
  """All images get the largest rotation and zoom of their ranges."""
  config = resolved(mnist_lt.get_config('views=paper')).algorithm
  theirs = torch_elastic_step.Trainer(config, (SIZE, SIZE, 1), CATEGORIES, 'cpu')
  images = random(3, SIZE, SIZE, 1)
  monkeypatch.setattr(torch.Tensor, 'uniform_', lambda tensor, low, high: tensor.fill_(high))
  views = theirs.views(nchw(images))
  degrees, zoom = config.rotation_degrees, config.zoom_range[1]
  angle = np.deg2rad(degrees)
  rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
  expected = augment.affine_warp(images, jnp.tile(rotation, (3, 1, 1)), jnp.zeros((3, 2)))
  np.testing.assert_allclose(nhwc(views), expected, atol=1e-4)
