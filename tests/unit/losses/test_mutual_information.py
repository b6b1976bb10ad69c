"""Losses of the mutual-information bound against values worked out by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import priors
from jaxgan.losses import mutual_information

Q = jnp.array([[0.7, 0.2, 0.1], [0.25, 0.5, 0.25]])
CODES = jnp.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])

both_ways = pytest.mark.parametrize('transform', [lambda f: f, jax.jit])


@both_ways
def test_hard_categorical(transform):
  # argmax c = 0 and 2: -(log 0.7 + log 0.25) / 2. A shift of the logits changes nothing.
  value = transform(mutual_information.categorical)(jnp.log(Q) + 3.0, CODES)
  assert value.shape == ()
  np.testing.assert_allclose(value, -(np.log(0.7) + np.log(0.25)) / 2, rtol=1e-6)


@both_ways
def test_soft_categorical(transform):
  loss = transform(lambda *args: mutual_information.categorical(*args, hard=False))
  expected = -(0.9 * np.log(0.7) + 0.1 * np.log(0.2)) / 2
  expected -= (0.2 * np.log(0.25) + 0.3 * np.log(0.5) + 0.5 * np.log(0.25)) / 2
  np.testing.assert_allclose(loss(jnp.log(Q), CODES), expected, rtol=1e-6)


def test_hard_and_soft_are_the_same_for_one_hot_codes():
  codes = jnp.eye(3)[jnp.array([2, 0])]
  np.testing.assert_allclose(
    mutual_information.categorical(jnp.log(Q), codes),
    mutual_information.categorical(jnp.log(Q), codes, hard=False),
    rtol=1e-6,
  )


def test_an_uninformed_prediction_costs_the_entropy_of_the_code():
  codes = np.eye(10)[np.random.default_rng(0).integers(0, 10, 32)]
  value = mutual_information.categorical(jnp.zeros((32, 10)), codes)
  np.testing.assert_allclose(value, np.log(10), rtol=1e-6)


@pytest.mark.parametrize('hard', [True, False])
def test_gradient_of_the_logits_is_q_minus_the_target(hard):
  loss = functools.partial(mutual_information.categorical, hard=hard)
  gradient = jax.jit(jax.grad(loss))(jnp.log(Q), CODES)
  target = jnp.eye(3)[CODES.argmax(axis=1)] if hard else CODES
  np.testing.assert_allclose(gradient, (Q - target) / 2, atol=1e-6)


@pytest.mark.parametrize(('hard', 'reaches'), [(True, False), (False, True)])
def test_only_soft_targets_pass_gradients_to_the_prior(hard, reaches):
  def loss(prior_logits):
    codes = priors.gumbel_softmax(jax.random.key(0), prior_logits, 0.5, 2)
    return mutual_information.categorical(jnp.log(Q), codes, hard)

  assert bool((jax.jit(jax.grad(loss))(jnp.zeros(3)) != 0).any()) == reaches


@both_ways
def test_entropy(transform):
  # p = (1/2, 1/4, 1/4): log 2 / 2 + 2 · log 4 / 4 = 1.5 log 2. A shift changes nothing.
  value = transform(mutual_information.entropy)(jnp.log(jnp.array([2.0, 1.0, 1.0])) + 3.0)
  assert value.shape == ()
  np.testing.assert_allclose(value, 1.5 * np.log(2), rtol=1e-6)
  np.testing.assert_allclose(transform(mutual_information.entropy)(jnp.ones(10)), np.log(10))


def test_entropy_of_a_certain_code_is_0_with_a_finite_gradient():
  value, gradient = jax.value_and_grad(mutual_information.entropy)(jnp.array([500.0, 0.0]))
  np.testing.assert_allclose(value, 0.0, atol=1e-6)
  assert np.isfinite(gradient).all()


@both_ways
def test_continuous(transform):
  # ((1 - 0)² + (0.5 + 0.5)²) / 2 = 1 and (0² + 2²) / 2 = 2, mean 1.5.
  prediction, codes = jnp.array([[0.0, -0.5], [1.0, 1.0]]), jnp.array([[1.0, 0.5], [1.0, -1.0]])
  value = transform(mutual_information.continuous)(prediction, codes)
  assert value.shape == ()
  np.testing.assert_allclose(value, 1.5, rtol=1e-6)
  # It is the likelihood of a Gaussian of unit variance, up to (log 2π)/2 for each code.
  likelihood = jax.scipy.stats.norm.logpdf(codes, prediction).sum(axis=1).mean()
  np.testing.assert_allclose(value, -likelihood - np.log(2 * np.pi), rtol=1e-5)


def test_continuous_gradient_is_the_error():
  prediction, codes = jnp.array([[0.5, 0.0]]), jnp.array([[0.2, 1.0]])
  gradient = jax.grad(mutual_information.continuous)(prediction, codes)
  np.testing.assert_allclose(gradient, [[0.3, -1.0]], rtol=1e-6)


@pytest.mark.parametrize('loss', [mutual_information.categorical, mutual_information.continuous])
def test_different_shapes_raise(loss):
  with pytest.raises(ValueError, match=r'\(4, 3\) .* \(1, 3\): expected the same shape'):
    loss(jnp.zeros((4, 3)), jnp.zeros((1, 3)))
