"""Batch-norm statistics of the averaged generator: their values, and that nothing else changes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import ema_statistics, replicate
from jaxgan.algorithms.gan import gan
from jaxgan.algorithms.gan_methods import METHODS
from jaxgan.config.overrides import changed
from jaxgan.system import parallel
from tests.support import stand_in

SHAPE, K = (8, 8, 1), 3


@functools.cache
def build(statistics, method='unconditional', spectral_norm=False):
  config = stand_in.tiny().algorithm
  config = changed(config, {'generator_spectral_norm': spectral_norm})
  return gan(config, METHODS[method], SHAPE, K, ema_statistics=statistics)


def _state(method='unconditional', spectral_norm=False, seed=0):
  """A state in which average, generator and statistics all differ."""
  state = build('average', method, spectral_norm).init(jax.random.key(seed))
  random = np.random.default_rng(seed)

  def shaken(tree):
    return jax.tree.map(lambda x: jnp.float32(x + random.uniform(0.1, 1.0, x.shape)), tree)

  return state.replace(generator=shaken(state.generator), ema=shaken(state.ema))


@pytest.mark.parametrize('statistics', ema_statistics.EMA_STATISTICS)
def test_only_the_statistics_of_the_average_change(statistics, assert_trees_equal):
  state = _state(spectral_norm=True)
  before = jax.device_get(state)
  settled = jax.jit(build(statistics, spectral_norm=True).settled)(state)
  assert_trees_equal(before, state)
  assert_trees_equal(state.replace(ema=None), settled.replace(ema=None))
  assert_trees_equal(state.ema['params'], settled.ema['params'])
  old, new = (dict(tree.ema['batch_stats']) for tree in (state, settled))
  norm, raw = new.pop('BatchNorm_0'), state.generator['batch_stats']['BatchNorm_0']
  expected = {'average': old.pop('BatchNorm_0'), 'generator': raw}.get(statistics)
  assert_trees_equal(old, new)  # The vectors of spectral norm.
  if expected:
    assert_trees_equal(norm, expected)


def test_recomputed_statistics_are_the_moments_of_fresh_noise():
  """Outputs of a dense layer for normal noise have mean b and variance |w|²; 4 form a channel."""
  state = _state()
  settled = build('recomputed').settled(state)
  kernel, bias = (np.asarray(state.ema['params']['Dense_0'][name]) for name in ('kernel', 'bias'))
  means, squares = bias.reshape(4, 4), (kernel**2).sum(0).reshape(4, 4)
  variance = squares.mean(0) + means.var(0)
  norm = settled.ema['batch_stats']['BatchNorm_0']
  error = np.sqrt(squares.mean(0) / (ema_statistics.BATCHES * ema_statistics.BATCH_SIZE))
  assert (np.abs(norm['mean'] - means.mean(0)) < 5 * error).all()
  np.testing.assert_allclose(norm['var'], variance, rtol=0.05)


def test_recomputed_statistics_are_means_over_the_batches():
  """Against NumPy, batch by batch; the noise is the same in each call."""
  state = _state()
  first, second = (build('recomputed').settled(state) for _ in range(2))
  dense = state.ema['params']['Dense_0']
  means, variances = [], []
  for rng in jax.random.split(jax.random.key(0), ema_statistics.BATCHES):
    noise = jax.random.normal(rng, (ema_statistics.BATCH_SIZE, len(dense['kernel'])))
    x = np.asarray(noise @ dense['kernel'] + dense['bias']).reshape(-1, 4)
    means.append(x.mean(0))
    variances.append(x.var(0))
  for settled in (first, second):
    norm = settled.ema['batch_stats']['BatchNorm_0']
    np.testing.assert_allclose(norm['mean'], np.mean(means, 0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(norm['var'], np.mean(variances, 0), rtol=1e-4)


def test_several_devices_compute_the_same_statistics():
  state, algorithm = _state(), build('recomputed')
  alone = algorithm.settled(state)
  with jax.set_mesh(parallel.device_mesh(devices=jax.devices())):
    shared = jax.jit(algorithm.settled)(state)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), alone.ema, shared.ema
  )


def test_a_conditional_average_gets_labels():
  state = _state('cgan')
  settled = build('recomputed', 'cgan').settled(state)
  (norm,) = settled.ema['batch_stats']['ConditionalBatchNorm_0'].values()
  assert np.isfinite(norm['mean']).all()
  assert (norm['var'] > 0).all()


def test_each_replica_settles_as_it_would_alone():
  algorithm, states = build('recomputed'), [_state(seed=seed) for seed in range(2)]
  together = replicate.replicate(algorithm, 2).settled(replicate.stack(states))
  for replica, state in enumerate(states):
    jax.tree.map(
      lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
      replicate.take(together, replica).ema,
      algorithm.settled(state).ema,
    )
