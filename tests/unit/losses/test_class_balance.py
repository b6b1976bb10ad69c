"""The class-balancing regulariser against values worked out by hand and the paper's proposition."""

import functools

from hypothesis import given
from hypothesis import strategies as st
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
def test_effective_counts_converge_for_constant_counts(update, limit):
  counts = jnp.array([50.0])
  for _ in range(3000):
    counts = update(counts, jnp.array([3.0]), 0.995)
  np.testing.assert_allclose(counts, [limit], rtol=1e-3)


def test_counts_of_a_vanished_class_decay_exponentially_to_the_floor():
  counts = jnp.array([50.0])
  seen = []
  for _ in range(8):
    counts = class_balance.convex_update(counts, jnp.zeros(1), 0.5)
    seen.append(float(counts[0]))
  np.testing.assert_allclose(seen, [25, 12.5, 6.25, 3.125, 1.5625, 1, 1, 1])


def _histograms(low):
  """Strategy of float32 `[5]`: a single number of classes needs a single compiled program."""
  numbers = st.floats(low, 1e6, width=32)
  return st.lists(numbers, min_size=5, max_size=5).map(lambda x: np.array(x, np.float32))


UPDATES = pytest.mark.parametrize(
  'update', [class_balance.convex_update, class_balance.additive_update]
)


@UPDATES
@given(counts=_histograms(1.0), cycle=_histograms(0.0), decay=st.floats(0, 1))
def test_updates_have_a_floor_and_scale_above_it(update, counts, cycle, decay):
  found = np.asarray(update(counts, cycle, decay))
  assert (found >= 1).all()
  assert np.isfinite(found).all()
  scaled = np.asarray(update(4 * counts, 4 * cycle, decay))
  np.testing.assert_allclose(scaled[found > 1], 4 * found[found > 1], rtol=1e-5)
  equal = np.asarray(update(np.full(5, counts[0]), np.full(5, cycle[0]), decay))
  np.testing.assert_array_equal(equal, np.full(5, found[0]))


@given(counts=_histograms(1.0), cycle=_histograms(1.0), decay=st.floats(0, 1))
def test_the_sum_of_counts_forgets_exponentially(counts, cycle, decay):
  total, of_cycle = counts.sum(dtype=np.float64), cycle.sum(dtype=np.float64)
  convex = np.sum(class_balance.convex_update(counts, cycle, decay))
  np.testing.assert_allclose(convex, decay * total + (1 - decay) * of_cycle, rtol=1e-5)
  additive = np.sum(class_balance.additive_update(counts, cycle, decay))
  np.testing.assert_allclose(additive, decay * total + of_cycle, rtol=1e-5)


@pytest.mark.parametrize('weights', [*class_balance.CLASS_WEIGHTINGS.values()])
@given(counts=_histograms(1.0), scale=st.floats(1, 100))
def test_weights_decrease_with_the_class_frequency_and_are_one_at_balance(weights, counts, scale):
  found = np.asarray(weights(counts))
  assert (found > 0).all()
  assert np.isfinite(found).all()
  np.testing.assert_allclose(weights(np.float32(scale) * counts), found, rtol=1e-4)
  assert (np.diff(found[np.argsort(counts)]) <= 1e-6 * found.max()).all()
  np.testing.assert_allclose(weights(np.full(5, counts[0])), np.ones(5), rtol=1e-5)


@given(counts=_histograms(1.0))
def test_class_weights_sum_to_the_number_of_classes(counts):
  """No weight exceeds this sum when a class vanishes."""
  np.testing.assert_allclose(np.sum(class_balance.class_weights(counts)), 5.0, rtol=1e-5)


_count = jax.jit(functools.partial(class_balance.count_batch, decay=0.5))


@given(st.lists(_histograms(0.0), min_size=1, max_size=7), st.integers(1, 4))
def test_effective_counts_change_only_at_the_end_of_a_cycle(batches, cycle):
  counts = class_balance.Counts(jnp.int32(0), jnp.full(5, 50.0), jnp.zeros(5))
  for step, predicted in enumerate(batches, 1):
    before, counts = counts, _count(counts, predicted, cycle=cycle)
    if step % cycle:
      np.testing.assert_array_equal(counts.effective, before.effective)
      np.testing.assert_array_equal(counts.of_cycle, before.of_cycle + predicted)
    else:
      of_cycle = np.sum(batches[step - cycle : step], axis=0, dtype=np.float64)
      expected = class_balance.convex_update(np.asarray(before.effective), of_cycle, 0.5)
      np.testing.assert_allclose(counts.effective, expected, rtol=1e-5)
      np.testing.assert_array_equal(counts.of_cycle, np.zeros(5))


def test_inverse_frequency_weights_follow_equation_6():
  # N̂ = 1/7, 2/7, 4/7 and K = 3: 1 / (K N̂) = 7/3, 7/6, 7/12.
  weights = class_balance.inverse_frequency_weights(jnp.array([1.0, 2.0, 4.0]))
  np.testing.assert_allclose(weights, [7 / 3, 7 / 6, 7 / 12], rtol=1e-6)


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


def test_no_gradient_passes_through_the_weights():
  gradient = jax.grad(class_balance.weighted_entropy, argnums=1)(jnp.full(3, 1 / 3), jnp.ones(3))
  np.testing.assert_array_equal(gradient, np.zeros(3))


def _minimise(frequencies):
  """Minimiser p̂ of Eq. 7, found by gradient descent on the logits of a softmax."""

  def loss(logits):
    return class_balance.weighted_entropy(jax.nn.softmax(logits), 1.0 / frequencies)

  # The step size suits the largest weight; at the optimum the gradient vanishes.
  rate = 0.5 * frequencies.min()

  @jax.jit
  def steps(logits):
    step = lambda _, logits: logits - rate * jax.grad(loss)(logits)  # noqa: E731
    return jax.lax.fori_loop(0, 20_000, step, logits)

  logits = steps(jnp.zeros_like(frequencies))
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

  step = jax.jit(lambda logits: logits - 0.1 * jax.grad(loss)(logits))
  for _ in range(100):
    logits = step(logits)
  assert np.sign(float(jax.nn.softmax(logits)[3]) - 0.1) == sign


def test_a_balancer_weights_by_the_counts_of_finished_cycles():
  """Two batches a cycle, α = 0.5, N = 50: [3, 1] and [2, 2] images give N = [27.5, 26.5]."""
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
  p = np.array([0.75, 0.25])  # Mean softmax of the first and third batch, up to logits of 9.
  weights = 2 * np.array([1 / 27.5, 1 / 26.5]) / (1 / 27.5 + 1 / 26.5)
  np.testing.assert_allclose(seen[0][0], np.sum(p * np.log(p)), atol=1e-3)
  np.testing.assert_allclose(seen[2][0], np.sum(weights * p * np.log(p)), atol=1e-3)
  assert int(counts.step) == 3


def test_a_balancer_accepts_the_forms_of_the_paper():
  balancer = class_balance.class_balancer(
    2, 1, 0.9, weights=class_balance.inverse_frequency_weights, update=class_balance.additive_update
  )
  value, counts = balancer.loss(
    balancer.init()._replace(effective=jnp.array([30.0, 10.0])), jnp.eye(2)
  )
  np.testing.assert_allclose(counts.effective, [28.0, 10.0])
  np.testing.assert_allclose(value, np.log(0.5) * 0.5 * (2 / 3 + 2), rtol=1e-6)


def test_the_balance_loss_pushes_logits_towards_the_rare_class():
  balancer = class_balance.class_balancer(2)
  gradient = jax.grad(lambda x: balancer.loss(balancer.init(), x)[0])(jnp.array([[2.0, 0.0]]))
  assert gradient[0, 0] > 0 > gradient[0, 1]
