"""An InfoGAN of small networks and a batch for it, for the tests of the algorithm."""

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from jaxgan.algorithms import Batch
from jaxgan.algorithms.infogan import VARIANTS
from tests import small

SHAPE = (8, 8, 1)
K = 3
COUNTS = (6, 3, 0)


def section(method='elastic_infogan', **changes):
  """The paper's values, but for short noise and an epsilon that keeps Adam from rounding errors."""
  prior, contrastive = VARIANTS[method]
  config = ml_collections.ConfigDict(
    {
      'network': small.NAME,
      'width': 4,
      'prior': prior,
      'contrastive': contrastive,
      'trunk': 'discriminator',
      'noise_dim': 4,
      'num_continuous': 0,
      'temperature': 0.1,
      'hard_codes': True,
      'mutual_information_weight': 1.0,
      'contrastive_weight': 10.0,
      'contrastive_temperature': 1.0,
      'positive_loss': 'agreement',
      'views': 'released',
      'rotation_degrees': 20.0,
      'zoom_range': (0.9, 1.1),
      'crop_keep': 1.0,
      'crop_of': 'side',
      'flip': False,
      'gamma_range': (1.0, 1.0),
      'prior_losses': 'all',
      'prior_entropy_weight': 0.0,
      'prior_start': None,
      'ema_decay': 0.0,
      'learning_rate': 2e-4,
      'prior_learning_rate': 2e-4,
      'beta1': 0.5,
      'beta2': 0.999,
      'epsilon': 1e-2,
      'dtype': 'float32',
    }
  )
  config.update(changes)
  return config


def batch(seed=0, label=0, n=8, counts=COUNTS):
  images = jax.random.uniform(jax.random.key(seed), (n, *SHAPE), minval=-1.0)
  return Batch(images, jnp.full(n, label), jnp.array(counts))


def differ(a, b):
  return any(jax.tree.leaves(jax.tree.map(lambda x, y: bool((x != y).any()), a, b)))


def assert_close(a, b, **tolerance):
  jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, **tolerance), a, b)
