"""Contrastive losses against values worked out by hand, and against optax's NT-Xent."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import data_prep
from jaxgan.losses import contrastive

SPLITS = Path(data_prep.__file__).parent / 'elastic_infogan_splits.json'

both_ways = pytest.mark.parametrize('transform', [lambda f: f, jax.jit])


def _views(n=8, dim=5):
  return jnp.asarray(np.random.default_rng(0).normal(size=(2, n, dim)), jnp.float32)


@both_ways
def test_nt_xent_of_orthogonal_pairs(transform):
  # Each anchor has similarity 1 to its other view and 0 to the two negatives, whatever the
  # lengths: -log(e² / (e² + 2)) at τ' = 1/2.
  features_a = jnp.array([[3.0, 0.0], [0.0, 1.0]])
  features_b = jnp.array([[0.5, 0.0], [0.0, 7.0]])
  value = transform(contrastive.nt_xent)(features_a, features_b, 0.5)
  assert value.shape == ()
  np.testing.assert_allclose(value, np.log(1 + 2 * np.exp(-2)), rtol=1e-6)


@both_ways
def test_nt_xent_of_wrongly_paired_views(transform):
  # The other view is orthogonal, one of the two negatives is parallel:
  # -log(1 / (1 + 1 + e)) at τ' = 1.
  value = transform(contrastive.nt_xent)(jnp.eye(2), jnp.eye(2)[::-1], 1.0)
  np.testing.assert_allclose(value, np.log(2 + np.e), rtol=1e-6)


def test_nt_xent_of_one_image_has_no_negatives():
  value = jax.jit(contrastive.nt_xent)(*_views(n=1), 1.0)
  np.testing.assert_allclose(value, 0.0, atol=1e-6)


@pytest.mark.parametrize('temperature', [0.07, 1.0])
def test_nt_xent_and_its_gradient_match_optax(temperature):
  features = _views()
  labels = jnp.tile(jnp.arange(8), 2)

  def ours(features):
    return contrastive.nt_xent(*features, temperature)

  def theirs(features):
    return optax.losses.ntxent(features.reshape(16, -1), labels, temperature)

  value, gradient = jax.jit(jax.value_and_grad(ours))(features)
  expected, expected_gradient = jax.jit(jax.value_and_grad(theirs))(features)
  np.testing.assert_allclose(value, expected, rtol=1e-5)
  np.testing.assert_allclose(gradient, expected_gradient, atol=1e-5)


def test_nt_xent_does_not_depend_on_which_view_is_first():
  a, b = _views()
  loss = jax.jit(contrastive.nt_xent)
  np.testing.assert_allclose(loss(a, b, 0.5), loss(b, a, 0.5), rtol=1e-6)


def test_nt_xent_of_zero_features_is_finite_with_its_gradient():
  a, b = _views()
  a = a.at[3].set(0.0)
  loss = jax.jit(jax.value_and_grad(contrastive.nt_xent))
  value, gradient = loss(a, b, 0.1)
  assert jnp.isfinite(value)
  assert jnp.isfinite(gradient).all()
  np.testing.assert_array_equal(gradient[3], 0.0)
  # All features are zero: each of the 2N - 1 others is as similar as the positive.
  np.testing.assert_allclose(loss(0 * a, 0 * b, 0.1)[0], np.log(15), rtol=1e-6)


def test_descent_on_nt_xent_pulls_pairs_together():
  features = _views()

  def loss(features):
    return contrastive.nt_xent(*features, 0.5)

  def pair_similarity(features):
    return jnp.mean(optax.losses.cosine_similarity(*features))

  before = pair_similarity(features)
  step = jax.jit(lambda features: features - jax.grad(loss)(features))
  for _ in range(20):
    features = step(features)
  assert pair_similarity(features) > before + 0.3


@both_ways
def test_positive_agreement(transform):
  q_a = jnp.array([[0.5, 0.5], [0.9, 0.1]])
  q_b = jnp.array([[0.2, 0.8], [0.9, 0.1]])
  # Σ q_a q_b = 0.5 · 0.2 + 0.5 · 0.8 = 0.5 and 0.81 + 0.01 = 0.82.
  value = transform(contrastive.positive_agreement)(jnp.log(q_a), jnp.log(q_b))
  assert value.shape == ()
  np.testing.assert_allclose(value, -(np.log(0.5) + np.log(0.82)) / 2, rtol=1e-6)


def test_positive_agreement_is_finite_for_large_logits():
  loss = jax.jit(jax.value_and_grad(contrastive.positive_agreement))
  sure, other = np.array([[1e4, 0.0, 0.0]]), np.array([[0.0, 0.0, 1e4]])
  np.testing.assert_allclose(loss(sure, sure)[0], 0.0)
  value, gradient = loss(sure, other)
  np.testing.assert_allclose(value, 1e4, rtol=1e-3)
  assert np.isfinite(gradient).all()


def test_positive_agreement_favours_decided_predictions():
  # Two equally undecided views: log k, not 0.
  loss = jax.jit(jax.value_and_grad(lambda logits: contrastive.positive_agreement(logits, logits)))
  np.testing.assert_allclose(loss(jnp.zeros((3, 10)))[0], np.log(10), rtol=1e-6)
  # A slight preference for a code drives both views to it.
  gradient = loss(jnp.array([[0.1, 0.0]]))[1]
  assert gradient[0, 0] < 0 < gradient[0, 1]


@both_ways
def test_positive_cosine(transform):
  # cos of (3, 4) and (8, 6) is 48 / 50, of (1, 0) and (0, 2) 0: -(0.96 + 0) / 2 / τ' at τ' = 1/2.
  a, b = jnp.array([[3.0, 4.0], [1.0, 0.0]]), jnp.array([[8.0, 6.0], [0.0, 2.0]])
  value = transform(contrastive.positive_cosine)(a, b, 0.5)
  assert value.shape == ()
  np.testing.assert_allclose(value, -0.96, rtol=1e-6)


def test_positive_cosine_matches_the_cosine_similarity_of_optax():
  views = _views()
  expected = -jnp.mean(optax.losses.cosine_similarity(*views)) / 0.07
  np.testing.assert_allclose(contrastive.positive_cosine(*views, 0.07), expected, rtol=1e-5)
  gradient = jax.grad(lambda a: contrastive.positive_cosine(a, views[1], 0.07))(0.0 * views[0])
  np.testing.assert_array_equal(gradient, 0.0)


@pytest.mark.parametrize(
  'loss',
  [
    contrastive.positive_agreement,
    lambda a, b: contrastive.positive_cosine(a, b, 1.0),
    lambda a, b: contrastive.nt_xent(a, b, 1.0),
  ],
)
def test_views_of_different_shapes_raise(loss):
  with pytest.raises(ValueError, match=r'\(4, 3\) .* \(1, 3\): expected the same shape'):
    loss(jnp.ones((4, 3)), jnp.ones((1, 3)))


def test_expected_false_negative_share():
  np.testing.assert_allclose(contrastive.expected_false_negative_share(np.full(10, 0.1)), 0.1)
  np.testing.assert_allclose(contrastive.expected_false_negative_share([0.0, 1.0, 0.0]), 1.0)
  # 0.25 + 0.09 + 0.04
  np.testing.assert_allclose(contrastive.expected_false_negative_share([0.5, 0.3, 0.2]), 0.38)


def test_false_negatives_of_the_forty_faces_match_the_paper():
  # The frequencies of the supplement's §5.4, in thousandths; rounding makes their sum 0.997.
  thousandths = [
    *(19, 13, 24, 20, 28, 22, 53, 10, 62, 31, 37, 5, 11, 27, 34, 33, 9, 6, 11, 16),
    *(24, 47, 28, 69, 12, 6, 24, 5, 6, 24, 5, 37, 28, 56, 59, 26, 8, 6, 28, 28),
  ]
  share = contrastive.expected_false_negative_share(np.array(thousandths) / 1000)
  assert round(float(share), 4) == 0.0363


def test_false_negatives_of_the_fifty_mnist_splits_match_the_paper():
  counts = np.array(json.loads(SPLITS.read_text())['counts'])
  assert counts.shape == (50, 10)
  frequencies = counts / counts.sum(axis=1, keepdims=True)
  shares = np.asarray(jax.vmap(contrastive.expected_false_negative_share)(frequencies))
  # The paper prints 0.119 ± 0.008: 0.1199, truncated and not rounded.
  np.testing.assert_allclose(shares.mean(), 0.1199, atol=5e-5)
  np.testing.assert_allclose(shares.std(), 0.008, atol=5e-4)
