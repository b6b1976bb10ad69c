"""Losses of the long-tailed classifiers against values worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.losses import classification


def test_cross_entropy_is_the_weighted_mean():
  logits = jnp.log(jnp.array([[0.5, 0.5], [0.25, 0.75]]))
  labels = jnp.array([0, 1])
  # (1 · log 2 + 3 · log(4/3)) / (1 + 3)
  expected = (np.log(2) + 3 * np.log(4 / 3)) / 4
  value = classification.cross_entropy(logits, labels, jnp.array([1.0, 3.0]))
  np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_effective_number_weights():
  # β = 0.5: (1 - β) / (1 - β^n) = 1 for n = 1 and 2/3 for n = 2; mean 5/6.
  weights = classification.effective_number_weights([1, 2], 0.5)
  np.testing.assert_allclose(weights, [1.2, 0.8], rtol=1e-6)


def test_effective_number_weights_of_cifar10_match_float64():
  counts = np.array([5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50])
  expected = (1 - 0.9999) / (1 - 0.9999 ** counts.astype(np.float64))
  # Inside a compiled step, from integers.
  weights = jax.jit(lambda n: classification.effective_number_weights(n, 0.9999))(counts)
  np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-5)


def test_beta_zero_leaves_all_classes_alike():
  weights = classification.effective_number_weights([5, 500], 0.0)
  np.testing.assert_allclose(weights, [1.0, 1.0])
