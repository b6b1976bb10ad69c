"""Steps of the GAN: parts of the state that an update changes, counts and averages."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms.gan import gan
from jaxgan.algorithms.gan_methods import METHODS
from jaxgan.config.overrides import changed
from tests.support import stand_in
from tests.support.small_gan import FROZEN, SHAPE, K, batch, classify


@functools.cache
def build(method, **changes):
  """(algorithm, compiled update, initial state), cached because compilation dominates the tests."""
  algorithm = gan(changed(stand_in.tiny().algorithm, changes), METHODS[method], SHAPE, K, classify)
  return algorithm, jax.jit(algorithm.update), jax.jit(algorithm.init)(jax.random.key(0))


def run(method, steps=1, n=8, **changes):
  """All states and metrics of the first steps."""
  _, update, state = build(method, **changes)
  states, metrics = [state], []
  for t in range(steps):
    state, values = update(state, batch(n, t), FROZEN, jax.random.fold_in(jax.random.key(1), t))
    states.append(state)
    metrics.append(values)
  return states, metrics


def test_update_changes_every_part_of_the_state():
  states, metrics = run('class_balancing', 2)

  def still(before, after):
    networks = ((state.generator, state.discriminator) for state in (before, after))
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), *networks)
    leaves = jax.tree_util.tree_leaves_with_path(moved)
    return [jax.tree_util.keystr(path) for path, moves in leaves if not moves]

  # Biases before a batch norm, and the last bias under a relativistic loss, have no gradient. Flax
  # divides initial kernels by their first σ, so σ keeps its initial value 1 in the first update.
  first = still(*states[:2])
  assert all('bias' in name or 'sigma' in name for name in first), first
  assert not any('sigma' in name for name in still(*states[1:]))
  statistics = (state.generator['batch_stats'] for state in states[:2])
  assert any(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a != b).any()), *statistics)))
  assert int(states[1].step) == 1
  assert {'loss/discriminator', 'loss/generator', 'loss/regulariser'} <= metrics[0].keys()


def test_counts_follow_equation_5():
  """Cycle of 2 steps, α = 0.5: N <- max(50/2 + c/2, 1) with c from the images of two batches."""
  states, metrics = run('class_balancing', 2)
  first, second = (np.asarray(m['class_share']) * 8 for m in metrics)
  np.testing.assert_allclose(states[1].cycle_counts, first, atol=1e-5)
  np.testing.assert_allclose(states[1].counts, [50.0] * K)
  np.testing.assert_allclose(states[2].cycle_counts, np.zeros(K))
  np.testing.assert_allclose(states[2].counts, np.maximum(25 + (first + second) / 2, 1), rtol=1e-6)


def test_counts_can_be_held():
  """The extreme counts of Fig. 3 hold N: only the update of the counts is off."""
  held, metrics = run(
    'class_balancing', 2, count_start=(1e4, 50.0, 1.0), count_update='held', count_cycle=1
  )
  np.testing.assert_array_equal(held[2].counts, np.float32([1e4, 50, 1]))
  assert metrics[0]['class_share'].sum() == 1


def test_statistics_of_every_step_can_be_additive():
  states, metrics = run('class_balancing', count_update='additive', count_cycle=1, count_decay=0.9)
  seen = np.asarray(metrics[0]['class_share']) * 8
  np.testing.assert_allclose(states[1].counts, 45 + seen, rtol=1e-6)


def test_average_is_the_generator_until_its_start_step(assert_trees_equal):
  states, _ = run('unconditional', 3, ema_start=2, ema_decay=0.75)
  assert_trees_equal(states[2].ema, states[2].generator)
  expected = jax.tree.map(
    lambda old, new: 0.75 * old + 0.25 * new, states[2].generator, states[3].generator
  )
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), states[3].ema, expected
  )


def test_a_weight_of_zero_is_the_unconditional_method():
  """The baseline differs only in the regulariser."""
  balanced, _ = run('class_balancing', 3, regulariser_weight=0.0)
  unconditional, _ = run('unconditional', 3)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
    balanced[-1].generator,
    unconditional[-1].generator,
  )


def test_the_regulariser_trains_only_the_generator(assert_trees_equal):
  with_it, _ = run('class_balancing')
  without, _ = run('unconditional')
  assert_trees_equal(with_it[1].discriminator, without[1].discriminator)
  differs = jax.tree.map(
    lambda a, b: bool((a != b).any()),
    with_it[1].generator['params'],
    without[1].generator['params'],
  )
  assert any(jax.tree.leaves(differs))


@pytest.mark.parametrize(
  'method',
  [pytest.param(name, marks=[pytest.mark.slow] * (name == 'random_labels')) for name in METHODS],
)
def test_every_method_trains_a_step(method):
  states, metrics = run(method)
  assert int(states[1].step) == 1
  assert all(bool(jnp.isfinite(value).all()) for value in metrics[0].values())


@pytest.mark.parametrize('method', METHODS)
def test_conditional_methods_generate_images_of_given_labels(method):
  """The label changes the image, and the noise does not depend on the label."""
  algorithm, _, _ = build(method)
  assert algorithm.class_conditional == (method in ('acgan', 'acgan_pretrained', 'cgan'))
  state = run(method)[0][-1]
  drawn = algorithm.generate(state, jax.random.key(5), 6)
  assert drawn.shape == (6, *SHAPE)
  if not algorithm.class_conditional:
    return
  labels = jnp.arange(6) % K
  images = algorithm.generate(state, jax.random.key(5), 6, labels=labels)
  others = algorithm.generate(state, jax.random.key(5), 6, labels=jnp.zeros(6, jnp.int32))
  same = np.abs(images - others).max((1, 2, 3)) < 1e-6
  np.testing.assert_array_equal(same, labels == 0)


def test_an_unconditional_gan_accepts_no_labels():
  algorithm, _, state = build('unconditional')
  with pytest.raises(ValueError, match='labels with num_classes=None: expected labels for'):
    algorithm.generate(state, jax.random.key(5), 4, labels=jnp.zeros(4, jnp.int32))


def test_class_losses_enter_with_their_weight():
  """Only the weight of the method's class loss changes the generator."""
  for method, weight, of_others, losses in (
    ('acgan', 'class_loss_weight', 'classifier_loss_weight', ('discriminator', 'generator')),
    ('acgan_pretrained', 'classifier_loss_weight', 'class_loss_weight', ('class',)),
  ):
    with_it, metrics = run(method)
    names = [f'loss/{name}_class' if method == 'acgan' else f'loss/{name}' for name in losses]
    assert all(metrics[0][name] > 0 for name in names)
    for field, changes in ((weight, True), (of_others, False)):
      without, _ = run(method, **{field: 0.0})
      moved = jax.tree.map(
        lambda a, b: bool((a != b).any()), with_it[1].generator, without[1].generator
      )
      assert any(jax.tree.leaves(moved)) == changes


@pytest.mark.parametrize('method', ['acgan', 'cgan'])
def test_the_discriminator_reads_the_labels_of_real_images(method):
  _, update, state = build(method)
  relabelled = batch()._replace(labels=jnp.ones(8, jnp.int32))
  one, _ = update(state, batch(), FROZEN, jax.random.key(1))
  other, _ = update(state, relabelled, FROZEN, jax.random.key(1))
  moved = jax.tree.map(lambda a, b: bool((a != b).any()), one.discriminator, other.discriminator)
  assert any(jax.tree.leaves(moved))


def test_an_update_has_n_dis_discriminator_steps_and_one_generator_step():
  """Adam's counters give the number of updates of each network."""
  algorithm, _, _ = build('unconditional', discriminator_steps=3)
  assert algorithm.images_per_update == 3
  states, _ = run('unconditional', 2, n=24, discriminator_steps=3)
  assert int(states[-1].discriminator_optimizer[0].count) == 6
  assert int(states[-1].generator_optimizer[0].count) == 2


@pytest.mark.parametrize('method', METHODS)
def test_counts_are_in_the_state_of_methods_with_a_classifier(method):
  _, _, state = build(method)
  assert (state.counts is not None) == bool(METHODS[method].classifier)
  assert (state.cycle_counts is not None) == bool(METHODS[method].classifier)


def test_generate_uses_running_statistics_and_changes_nothing(assert_trees_equal):
  algorithm, _, _ = build('unconditional')
  states, _ = run('unconditional', 3)
  before = jax.device_get(states[-1])
  few = algorithm.generate(states[-1], jax.random.key(5), 4)
  assert few.shape == (4, *SHAPE)
  assert float(jnp.abs(few).max()) <= 1.0
  raw = algorithm.generate(states[-1], jax.random.key(5), 4, ema=False)
  assert (raw != few).any()
  assert_trees_equal(before, states[-1])


def test_bfloat16_keeps_float32_state_and_losses():
  states, metrics = run('class_balancing', 2, dtype='bfloat16')
  floats = [x for x in jax.tree.leaves(states[-1]) if jnp.issubdtype(x.dtype, jnp.floating)]
  assert all(x.dtype == jnp.float32 for x in floats)
  assert metrics[-1]['loss/generator'].dtype == jnp.float32


def test_the_first_cycle_starts_at_cycle_start():
  """c starts at 512 in the first cycle of 2 steps, later at 0: N <- 25 + (512 + c) / 2."""
  states, metrics = run('class_balancing', 3, cycle_start=512.0)
  seen = [np.asarray(m['class_share']) * 8 for m in metrics]
  np.testing.assert_allclose(states[1].cycle_counts, 512 + seen[0], rtol=1e-6)
  np.testing.assert_allclose(states[1].counts, [50.0] * K)
  np.testing.assert_allclose(states[2].counts, 281 + (seen[0] + seen[1]) / 2, rtol=1e-6)
  np.testing.assert_allclose(states[3].cycle_counts, seen[2], atol=1e-5)


def test_both_steps_update_the_running_statistics():
  """By hand for a dense layer: the discriminator step's batch, then the generator step's."""
  _, update, state = build('unconditional')
  after, _ = update(state, batch(), FROZEN, jax.random.key(1))
  dense = state.generator['params']['Dense_0']
  mean, variance = np.zeros(4), np.ones(4)
  for rng in jax.random.split(jax.random.key(1), 2):  # Both with the initial generator.
    noise = jax.random.normal(rng, (8, dense['kernel'].shape[0]))
    x = np.asarray(noise @ dense['kernel'] + dense['bias']).reshape(-1, 4)
    mean, variance = 0.9 * mean + 0.1 * x.mean(0), 0.9 * variance + 0.1 * x.var(0)
  stats = after.generator['batch_stats']['BatchNorm_0']
  np.testing.assert_allclose(stats['mean'], mean, rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(stats['var'], variance, rtol=1e-4)
