"""A batch of 8x8 images, and a classifier of them by brightness."""

import jax
import jax.numpy as jnp

from jaxgan.algorithms import Batch

SHAPE = (8, 8, 1)
K = 3
FROZEN = {'classifier': jnp.float32(30.0)}


def classify(variables, images):
  """A 'classifier' by brightness: darker than -t, brighter than t, or between."""
  level = images.mean(axis=(1, 2, 3)) * variables
  return jnp.stack([-level, jnp.zeros_like(level), level], axis=-1), images[:, 0, :, 0]


def batch(n=8, seed=0):
  images = jax.random.uniform(jax.random.key(seed), (n, *SHAPE), minval=-1.0)
  return Batch(images, jnp.zeros(n, jnp.int32))
