"""The class-balancing regulariser: hand-worked values and the paper's proposition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.losses import class_balance


@pytest.mark.parametrize(
  ('update', 'expected'),
  [
    (class_balance.convex_update, [75.0, 25.0, 1.0]),
    (class_balance.additive_update, [125.0, 25.0, 1.0]),
  ],
)
def test_both_updates_of_equation_5_are_floored_at_one(update, expected):
  counts = update(jnp.array([50.0, 50.0, 1.0]), jnp.array([100.0, 0.0, 0.0]), 0.5)
  np.testing.assert_allclose(counts, expected)


@pytest.mark.parametrize(
  ('update', 'limit'),
  [(class_balance.convex_update, 3.0), (class_balance.additive_update, 3.0 / 0.005)],
)
def test_the_limit_of_constant_counts(update, limit):
  counts = jnp.array([50.0])
  for _ in range(3000):
    counts = update(counts, jnp.array([3.0]), 0.995)
  np.testing.assert_allclose(counts, [limit], rtol=1e-3)


def test_counts_of_a_class_that_vanishes_decay_exponentially_to_the_floor():
  counts = jnp.array([50.0])
  seen = []
  for _ in range(8):
    counts = class_balance.convex_update(counts, jnp.zeros(1), 0.5)
    seen.append(float(counts[0]))
  np.testing.assert_allclose(seen, [25, 12.5, 6.25, 3.125, 1.5625, 1, 1, 1])


def test_class_weights_sum_to_the_number_of_classes():
  # 1/N = 1, 1/2, 1/4, sum 7/4: times 3 / (7/4) = 12/7.
  weights = class_balance.class_weights(jnp.array([1.0, 2.0, 4.0]))
  np.testing.assert_allclose(weights, [12 / 7, 6 / 7, 3 / 7], rtol=1e-6)


def test_class_weights_are_bounded_when_a_class_vanishes():
  weights = class_balance.class_weights(jnp.array([1.0, 1e6, 1e6, 1e6]))
  assert weights.max() <= 4.0
  np.testing.assert_allclose(weights.sum(), 4.0, rtol=1e-6)


def test_inverse_frequency_weights_are_the_papers():
  # N̂ = 1/7, 2/7, 4/7 and K = 3: 1 / (K N̂) = 7/3, 7/6, 7/12.
  weights = class_balance.inverse_frequency_weights(jnp.array([1.0, 2.0, 4.0]))
  np.testing.assert_allclose(weights, [7 / 3, 7 / 6, 7 / 12], rtol=1e-6)


@pytest.mark.parametrize(
  'weights', [class_balance.class_weights, class_balance.inverse_frequency_weights]
)
def test_both_weights_are_one_at_balance(weights):
  np.testing.assert_allclose(weights(jnp.full(5, 37.0)), np.ones(5), rtol=1e-6)


@pytest.mark.parametrize('transform', [lambda f: f, jax.jit])
def test_weighted_entropy(transform):
  # 2 · 0.5 log 0.5 + 1 · 0.25 log 0.25 + 4 · 0.25 log 0.25 = -log 2 (1 + 0.5 + 2).
  value = transform(class_balance.weighted_entropy)(
    jnp.array([0.5, 0.25, 0.25]), jnp.array([2.0, 1.0, 4.0])
  )
  np.testing.assert_allclose(value, -3.5 * np.log(2), rtol=1e-6)


def test_weighted_entropy_of_an_absent_class_is_finite_with_its_gradient():
  probs, weights = jnp.array([1.0, 0.0]), jnp.ones(2)
  assert float(class_balance.weighted_entropy(probs, weights)) == 0.0
  assert jnp.isfinite(jax.grad(class_balance.weighted_entropy)(probs, weights)).all()


def test_weights_are_constants_of_back_propagation():
  gradient = jax.grad(class_balance.weighted_entropy, argnums=1)(jnp.full(3, 1 / 3), jnp.ones(3))
  np.testing.assert_array_equal(gradient, np.zeros(3))


def _minimise(frequencies):
  """p̂ that minimises Eq. 7 by gradient descent on the logits of a softmax."""

  def loss(logits):
    return class_balance.weighted_entropy(jax.nn.softmax(logits), 1.0 / frequencies)

  # The step is scaled to the steepest weight; the optimum is where the gradient vanishes.
  rate = 0.5 * frequencies.min()
  step = jax.jit(lambda logits: logits - rate * jax.grad(loss)(logits))
  logits = jnp.zeros_like(frequencies)
  for _ in range(20_000):
    logits = step(logits)
  assert jnp.abs(jax.grad(loss)(logits)).max() < 1e-3
  return jax.nn.softmax(logits)


@pytest.mark.parametrize('seed', range(4))
def test_proposition_1(seed):
  """At the optimum p̂_k <= exp(-K (log K - 1) N̂_k - 1), and p̂ falls as N̂ rises."""
  num_classes = 4 + 2 * seed
  rng = np.random.default_rng(seed)
  frequencies = rng.dirichlet(np.full(num_classes, 3.0)) * 0.8 + 0.2 / num_classes
  optimum = np.asarray(_minimise(jnp.asarray(frequencies, jnp.float32)))
  bound = np.exp(-num_classes * (np.log(num_classes) - 1) * frequencies - 1)
  assert (optimum <= bound * (1 + 1e-3)).all()
  assert (np.diff(optimum[np.argsort(frequencies)]) < 1e-6).all()


def test_proposition_1_is_an_equality_at_balance():
  optimum = _minimise(jnp.full(10, 0.1))
  np.testing.assert_allclose(optimum, np.full(10, 0.1), rtol=1e-4)
  np.testing.assert_allclose(np.exp(-10 * (np.log(10) - 1) * 0.1 - 1), 0.1)


@pytest.mark.parametrize(('count', 'sign'), [(1e4, -1), (1.0, 1)])
def test_extreme_counts_move_a_class_as_in_figure_3(count, sign):
  """A huge N̂_k makes the share of class k fall, a tiny one makes it rise."""
  counts = jnp.full(10, 100.0).at[3].set(count)
  weights = class_balance.class_weights(counts)
  logits = jnp.zeros(10)

  def loss(logits):
    return class_balance.weighted_entropy(jax.nn.softmax(logits), weights)

  for _ in range(100):
    logits = logits - 0.1 * jax.grad(loss)(logits)
  assert np.sign(float(jax.nn.softmax(logits)[3]) - 0.1) == sign


def test_a_balancer_weights_by_the_counts_of_the_cycles_that_have_ended():
  """Cycle of 2 batches, α = 0.5, from N = 50: with [3, 1] and [2, 2] images, N = [27.5, 26.5]."""
  balancer = class_balance.class_balancer(2, cycle=2, decay=0.5)
  loss, counts = jax.jit(balancer.loss), balancer.init()
  batches = [jnp.array([[9.0, 0.0]] * first + [[0.0, 9.0]] * (4 - first)) for first in (3, 2, 3)]
  seen = []
  for logits in batches:
    value, counts = loss(counts, logits)
    seen.append((float(value), counts.effective.tolist(), counts.of_cycle.tolist()))
  assert [counts for _, *counts in seen] == [
    [[50.0, 50.0], [3.0, 1.0]],
    [[27.5, 26.5], [0.0, 0.0]],
    [[27.5, 26.5], [3.0, 1.0]],
  ]
  p = np.array([0.75, 0.25])  # Of the first and third batch, but for logits of 9.
  weights = 2 * np.array([1 / 27.5, 1 / 26.5]) / (1 / 27.5 + 1 / 26.5)
  np.testing.assert_allclose(seen[0][0], np.sum(p * np.log(p)), atol=1e-3)
  np.testing.assert_allclose(seen[2][0], np.sum(weights * p * np.log(p)), atol=1e-3)
  assert int(counts.step) == 3


def test_a_balancer_has_the_forms_of_the_paper():
  balancer = class_balance.class_balancer(
    2, 1, 0.9, weights=class_balance.inverse_frequency_weights, update=class_balance.additive_update
  )
  value, counts = balancer.loss(
    balancer.init()._replace(effective=jnp.array([30.0, 10.0])), jnp.eye(2)
  )
  np.testing.assert_allclose(counts.effective, [28.0, 10.0])
  np.testing.assert_allclose(value, np.log(0.5) * 0.5 * (2 / 3 + 2), rtol=1e-6)


def test_the_balance_loss_pushes_logits_to_the_rare_class():
  balancer = class_balance.class_balancer(2)
  gradient = jax.grad(lambda x: balancer.loss(balancer.init(), x)[0])(jnp.array([[2.0, 0.0]]))
  assert gradient[0, 0] > 0 > gradient[0, 1]
