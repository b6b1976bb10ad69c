"""An InfoGAN of small networks and a batch for it, for the tests of the algorithm."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.algorithms import Batch
from jaxgan.algorithms.infogan import VARIANTS
from jaxgan.algorithms.infogan_methods import InfoGanConfig
from jaxgan.config.overrides import changed
from tests.support.registered import SMALL

SHAPE = (8, 8, 1)
K = 3
COUNTS = (6, 3, 0)


def section(method='elastic_infogan', **changes):
  """The paper's values, but for short noise and an epsilon that keeps Adam from rounding errors."""
  prior, contrastive = VARIANTS[method]
  config = InfoGanConfig(
    network=SMALL,
    width=4,
    prior=prior,
    contrastive=contrastive,
    noise_dim=4,
    prior_learning_rate=2e-4,
    epsilon=1e-2,
  )
  return changed(config, changes)


def batch(seed=0, label=0, n=8, counts=COUNTS):
  images = jax.random.uniform(jax.random.key(seed), (n, *SHAPE), minval=-1.0)
  return Batch(images, jnp.full(n, label), jnp.array(counts))


def differ(a, b):
  return any(jax.tree.leaves(jax.tree.map(lambda x, y: bool((x != y).any()), a, b)))


def assert_close(a, b, **tolerance):
  jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)


def check_generation(algorithm, state, assert_trees_equal):
  """Images of given codes depend on the key and the codes alone, and leave the state as it is."""
  before, rng = jax.device_get(state), jax.random.key(5)
  codes = jax.nn.one_hot(jnp.arange(6) % K, K)
  images = algorithm.generate(state, rng, 6, codes=codes)
  assert images.shape == (6, *SHAPE)
  assert float(jnp.abs(images).max()) <= 1.0
  again = algorithm.generate(state, rng, 6, ema=False, codes=codes)
  np.testing.assert_array_equal(images, again)
  # The key gives the noise, whatever the codes: a figure has one row for each code.
  other = algorithm.generate(state, rng, 6, codes=codes.at[1:].set(codes[0]))
  np.testing.assert_allclose(other[0], images[0], atol=1e-6)
  assert differ(other[1], images[1])
  assert differ(algorithm.generate(state, jax.random.key(6), 6, codes=codes), images)
  assert algorithm.generate(state, rng, 6).shape == images.shape
  assert_trees_equal(before, state)
