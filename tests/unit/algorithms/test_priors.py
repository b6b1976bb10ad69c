"""Priors: form, frequencies and gradients of their samples."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import priors

P = np.array([0.5, 0.3, 0.15, 0.05])
N = 20_000
# Four standard errors of a frequency of 1/2: a correct sampler fails for one of 10,000 seeds.
FOUR_SIGMA = 4 * np.sqrt(0.25 / N)

both_ways = pytest.mark.parametrize('transform', [lambda f: f, jax.jit])


@both_ways
@pytest.mark.parametrize(
  ('prior', 'expected'),
  [
    (lambda rng: priors.uniform_categorical(rng, 5, N), np.full(5, 0.2)),
    (lambda rng: priors.categorical(rng, P, N), P),
    # Class counts with an absent class.
    (lambda rng: priors.categorical(rng, jnp.array([30, 0, 10]), N), [0.75, 0.0, 0.25]),
  ],
)
def test_fixed_categorical_codes_are_one_hot_with_the_given_frequencies(prior, expected, transform):
  codes = np.asarray(transform(prior)(jax.random.key(0)))
  assert codes.shape == (N, len(expected))
  assert set(np.unique(codes)) == {0.0, 1.0}
  np.testing.assert_array_equal(codes.sum(axis=1), 1.0)
  np.testing.assert_allclose(codes.mean(axis=0), expected, atol=FOUR_SIGMA)
  np.testing.assert_array_equal(codes.mean(axis=0)[np.equal(expected, 0)], 0.0)


@both_ways
@pytest.mark.parametrize('temperature', [0.1, 1.0])
def test_gumbel_softmax_is_largest_at_category_i_with_probability_p_i(temperature, transform):
  # Only the softmax of the logits matters: a shift changes nothing.
  sample = transform(functools.partial(priors.gumbel_softmax, num_samples=N))
  codes = np.asarray(sample(jax.random.key(1), jnp.log(P) + 7.0, temperature))
  assert codes.shape == (N, 4)
  np.testing.assert_allclose(codes.sum(axis=1), 1.0, rtol=1e-5)
  frequencies = np.bincount(codes.argmax(axis=1), minlength=4) / N
  np.testing.assert_array_less(np.abs(frequencies - P), 4 * np.sqrt(P * (1 - P) / N))


def test_gumbel_softmax_of_two_categories_is_a_logistic_distribution():
  # The difference of two Gumbels is logistic: P(c_1 <= x) = σ(τ log(x / (1 - x)) - log(p_1 / p_2)).
  codes = priors.gumbel_softmax(jax.random.key(2), jnp.log(jnp.array([0.8, 0.2])), 0.5, N)[:, 0]
  for x in (0.1, 0.5, 0.9, 0.99):
    expected = 1 / (1 + 4 * ((1 - x) / x) ** 0.5)
    np.testing.assert_allclose(jnp.mean(codes <= x), expected, atol=FOUR_SIGMA)


def test_gumbel_softmax_tends_to_one_hot_for_small_and_to_uniform_for_large_temperatures():
  cold = priors.gumbel_softmax(jax.random.key(3), jnp.log(P), 1e-4, 1000)
  assert jnp.isfinite(cold).all()
  assert jnp.mean(cold.max(axis=1) > 0.999) > 0.99
  hot = priors.gumbel_softmax(jax.random.key(3), jnp.log(P), 1e5, 1000)
  np.testing.assert_allclose(hot, 0.25, atol=1e-3)


def test_gradients_reach_the_logits():
  weights = jnp.arange(4.0)

  @jax.jit
  def loss(logits):
    return jnp.mean(priors.gumbel_softmax(jax.random.key(4), logits, 0.5, 256) @ weights)

  logits = jnp.log(P).astype(jnp.float32)
  gradient = jax.jit(jax.grad(loss))(logits)
  step = 1e-2
  numeric = [(loss(logits + d) - loss(logits - d)) / (2 * step) for d in step * jnp.eye(4)]
  np.testing.assert_allclose(gradient, numeric, rtol=0.02, atol=1e-3)
  # A shift of all logits does not change p.
  np.testing.assert_allclose(gradient.sum(), 0.0, atol=1e-5)


def test_the_gradient_moves_p_towards_the_rewarded_category():
  def loss(logits):
    return -jnp.mean(priors.gumbel_softmax(jax.random.key(5), logits, 0.1, 2000)[:, 2])

  step = jax.jit(lambda logits: logits - 0.5 * jax.grad(loss)(logits))
  logits = jnp.zeros(4)
  for _ in range(20):
    logits = step(logits)
  assert jax.nn.softmax(logits)[2] > 0.3


@both_ways
def test_continuous_uniform(transform):
  codes = np.asarray(transform(lambda rng: priors.continuous_uniform(rng, 2, N))(jax.random.key(6)))
  assert codes.shape == (N, 2)
  assert -1 <= codes.min() < -0.99
  assert 0.99 < codes.max() < 1
  # Mean 0 and variance 1/3, and the two codes are not correlated.
  np.testing.assert_allclose(codes.mean(axis=0), 0.0, atol=4 * np.sqrt(1 / 3 / N))
  np.testing.assert_allclose(np.cov(codes.T), np.eye(2) / 3, atol=0.01)


def test_different_keys_draw_different_codes():
  for prior in (
    lambda rng: priors.uniform_categorical(rng, 10, 64),
    lambda rng: priors.categorical(rng, P, 64),
    lambda rng: priors.gumbel_softmax(rng, jnp.zeros(4), 0.1, 64),
    lambda rng: priors.continuous_uniform(rng, 2, 64),
  ):
    first, second = jax.random.key(7), jax.random.key(8)
    np.testing.assert_array_equal(prior(first), prior(first))
    assert (prior(first) != prior(second)).any()
