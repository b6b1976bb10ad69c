"""Losses of classifiers against values worked out by hand."""

from hypothesis import given
from hypothesis import strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.losses import classification


def test_cross_entropy_is_the_weighted_mean():
  logits = jnp.log(jnp.array([[0.5, 0.5], [0.25, 0.75]]))
  labels = jnp.array([0, 1])
  # (1 · log 2 + 3 · log(4/3)) / (1 + 3)
  expected = (np.log(2) + 3 * np.log(4 / 3)) / 4
  value = classification.cross_entropy(logits, labels, jnp.array([1.0, 3.0]))
  np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_focal_has_the_weights_inside_and_a_plain_mean():
  logits = jnp.log(jnp.array([[0.5, 0.5], [0.25, 0.75]]))
  labels, weights = jnp.array([0, 1]), jnp.array([1.0, 3.0])
  # p: 1/2 and (3/4)^3 = 27/64. In Lin et al. the second p is 3/4, with a weight in front.
  expected = 0.5 * np.log(2) + (37 / 64) * 3 * np.log(4 / 3)
  value = jax.jit(lambda x: classification.focal(x, labels, weights, gamma=1.0))(logits)
  np.testing.assert_allclose(value, expected / 2, rtol=1e-6)
  value = classification.focal(logits, labels, weights, gamma=2.0)
  expected = 0.25 * np.log(2) + (37 / 64) ** 2 * 3 * np.log(4 / 3)
  np.testing.assert_allclose(value, expected / 2, rtol=1e-6)


def test_focal_with_gamma_0_is_the_plain_mean_of_weighted_cross_entropies():
  logits = jnp.log(jnp.array([[0.5, 0.5], [0.25, 0.75]]))
  value = classification.focal(logits, jnp.array([0, 1]), jnp.array([1.0, 3.0]), gamma=0.0)
  np.testing.assert_allclose(value, (np.log(2) + 3 * np.log(4 / 3)) / 2, rtol=1e-6)
  # With equal weights it is the cross-entropy.
  labels, ones = jnp.array([1, 0]), jnp.ones(2)
  value = classification.focal(logits, labels, ones, gamma=0.0)
  np.testing.assert_allclose(value, classification.cross_entropy(logits, labels, ones), rtol=1e-6)


@pytest.mark.parametrize('gamma', [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize('margin', [0.0, 1.0, 17.0, 1000.0, -1000.0])
def test_focal_and_its_gradient_are_finite(gamma, margin):
  """At a margin of 1000 the loss of an example is 0, where the power's derivative is infinite."""

  def loss(margin):
    return classification.focal(jnp.array([[margin, 0.0]]), jnp.array([0]), jnp.ones(2), gamma)

  value, slope = jax.value_and_grad(loss)(jnp.float32(margin))
  # By hand in float64: dl/dm = -(1 - p) and d((1 - p)^g l)/dl = (1 - p)^g + g (1 - p)^(g-1) p l.
  cross_entropy = np.logaddexp(0.0, -np.float64(margin))
  wrong = -np.expm1(-cross_entropy)
  expected = wrong**gamma * cross_entropy
  by_loss = wrong**gamma
  if wrong > 0:
    by_loss += gamma * wrong ** (gamma - 1) * (1 - wrong) * cross_entropy
  np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-7)
  np.testing.assert_allclose(slope, -wrong * by_loss, rtol=1e-3, atol=1e-6)


def test_effective_number_weights():
  # β = 0.5: (1 - β) / (1 - β^n) = 1 for n = 1 and 2/3 for n = 2; mean 5/6.
  weights = classification.effective_number_weights([1, 2], 0.5)
  np.testing.assert_allclose(weights, [1.2, 0.8], rtol=1e-6)


def test_effective_number_weights_of_cifar10_match_float64():
  counts = np.array([5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50])
  expected = (1 - 0.9999) / (1 - 0.9999 ** counts.astype(np.float64))
  # In a compiled step the counts are integers.
  weights = jax.jit(lambda n: classification.effective_number_weights(n, 0.9999))(counts)
  np.testing.assert_allclose(weights, expected / expected.mean(), rtol=1e-5)


@given(st.lists(st.integers(1, 10**6), min_size=5, max_size=5), st.floats(0, 0.99999))
def test_effective_numbers_weigh_rare_classes_more_and_their_mean_is_one(counts, beta):
  """Weights are equal at balance and with β = 0."""
  counts = np.array(counts)
  weights = np.asarray(classification.effective_number_weights(counts, beta))
  assert (weights > 0).all()
  np.testing.assert_allclose(weights.mean(), 1.0, rtol=1e-5)
  assert (np.diff(weights[np.argsort(counts)]) <= 1e-5 * weights.max()).all()
  for alike in ((np.full(5, counts[0]), beta), (counts, 0.0)):
    np.testing.assert_allclose(
      classification.effective_number_weights(*alike), np.ones(5), rtol=1e-5
    )
