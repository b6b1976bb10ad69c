"""The InfoGAN family: trained parts of each step, gradients of the prior, and unread labels."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import Batch
from jaxgan.algorithms.infogan import VARIANTS, infogan
from jaxgan.algorithms.infogan_methods import InfoGanConfig
from tests.support.small_infogan import (
  COUNTS,
  SHAPE,
  K,
  assert_close,
  batch,
  check_generation,
  differ,
  section,
)


@functools.cache
def build(method, **changes):
  """(algorithm, update, initial state); `update` accepts a dict of numbers for the config.

  Compilation dominates these tests: all of them share the programs, and numbers such as the weights
  of the losses are arguments of a program.
  """
  config = section(method, **changes)

  def update(state, batch, rng, numbers):
    traced = config.model_copy(update=numbers)
    return infogan(traced, SHAPE, K).update(state, batch, {}, rng)

  algorithm = infogan(config, SHAPE, K)
  return algorithm, jax.jit(update), algorithm.init(jax.random.key(0))


# Numbers that tests change; passing all of them in every call keeps a single program.
NUMBERS = {
  name: jnp.float32(InfoGanConfig.model_fields[name].default)
  for name in ('temperature', 'mutual_information_weight', 'contrastive_weight')
}


def run(steps=1, method='elastic_infogan', numbers=(), **changes):
  """All states and metrics of the first steps."""
  _, update, state = build(method, **changes)
  states, metrics = [state], []
  for t in range(steps):
    rng = jax.random.fold_in(jax.random.key(1), t)
    state, values = update(state, batch(t), rng, NUMBERS | dict(numbers))
    states.append(state)
    metrics.append(values)
  return states, metrics


SLOW = 'gumbel_softmax', 'gumbel_softmax_pos'  # Other methods contain each of their choices.


@pytest.mark.parametrize(
  'method',
  [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in VARIANTS],
)
def test_every_variant_trains_every_network(method):
  states, metrics = run(2, method)
  before, after = states[0], states[-1]
  for part in ('generator', 'trunk', 'recognition'):
    assert differ(getattr(before, part)['params'], getattr(after, part)['params']), part
    assert differ(getattr(before, part)['batch_stats'], getattr(after, part)['batch_stats']), part
  assert differ(before.discriminator_head, after.discriminator_head)
  assert int(after.step) == 2
  expected = {'loss/discriminator', 'loss/generator', 'loss/mutual_information', 'prior'}
  if VARIANTS[method][1] != 'none':
    expected.add('loss/contrastive')
  assert metrics[-1].keys() == expected
  assert all(bool(jnp.isfinite(x).all()) for x in jax.tree.leaves((after, metrics)))


@pytest.mark.parametrize('method', VARIANTS)
def test_only_a_learned_prior_moves(method):
  states, metrics = run(2, method)
  first, second, third = (jax.nn.softmax(state.prior_logits) for state in states)
  np.testing.assert_allclose(first, np.full(K, 1 / K), rtol=1e-6)
  np.testing.assert_allclose([m['prior'] for m in metrics], [second, third])
  prior = VARIANTS[method][0]
  if prior == 'fixed':
    np.testing.assert_allclose(second, [2 / 3, 1 / 3, 0.0], atol=1e-6)
  assert differ(first, second) == (prior != 'uniform')
  assert differ(second, third) == (prior == 'learnable')


def test_the_two_optimisers_hold_the_parameters_named_in_the_paper():
  def group(optimizer):
    return set(optimizer[0].mu)

  for changes, joint in (({}, set()), ({'trunk': 'both'}, {'trunk'})):
    _, _, state = build('gumbel_softmax', **changes)
    assert group(state.discriminator_optimizer) == {'trunk', 'head'}
    assert group(state.joint_optimizer) == {'generator', 'recognition', 'prior_logits'} | joint
  _, _, state = build('uniform_infogan')
  assert group(state.joint_optimizer) == {'generator', 'recognition'}


def test_the_joint_step_trains_the_trunk_only_with_trunk_both(assert_trees_equal):
  method, no_weight = 'gumbel_softmax', {'mutual_information_weight': jnp.float32(0.0)}
  default, silent = run(1, method)[0][1], run(1, method, no_weight)[0][1]
  assert_trees_equal(default.trunk, silent.trunk)
  assert differ(default.generator['params'], silent.generator['params'])
  both = run(1, method, trunk='both')[0][1]
  both_silent = run(1, method, no_weight, trunk='both')[0][1]
  assert differ(both.trunk['params'], both_silent.trunk['params'])
  # The generator's adversarial loss does not train the trunk.
  assert_close(both_silent.trunk['params'], default.trunk['params'], rtol=1e-5, atol=1e-7)
  # trunk='both' changes nothing else in the first update.
  assert_close(both.generator, default.generator, rtol=1e-4, atol=1e-6)
  assert_close(both.recognition, default.recognition, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('method', ['elastic_infogan', 'gumbel_softmax_pos'])
def test_the_contrastive_loss_trains_recognition_and_neither_generator_nor_prior(
  method, assert_trees_equal
):
  no_weight = {'contrastive_weight': jnp.float32(0.0)}
  with_it, without = run(1, method)[0][1], run(1, method, no_weight)[0][1]
  assert_trees_equal(with_it.trunk, without.trunk)
  assert_trees_equal(with_it.generator, without.generator)
  assert_trees_equal(with_it.prior_logits, without.prior_logits)
  assert differ(with_it.recognition['params'], without.recognition['params'])


def _prior_gradient(state):
  """The gradient of the first step, from Adam's first moment."""
  return state.joint_optimizer[0].mu['prior_logits'] / (1.0 - section().beta1)


def test_gradient_and_learning_rate_of_the_prior():
  """The gradient of all losses is linear in the weight of the mutual information."""
  method, information = 'gumbel_softmax', 'mutual_information_weight'
  own = {'prior_losses': 'adversarial', 'prior_learning_rate': 6e-4}
  alone = run(1, method, {information: jnp.float32(0.0)})[0][1]
  both = run(1, method)[0][1]
  ours = run(1, method, **own)[0][1]
  heavy = run(1, method, {information: jnp.float32(5.0)}, **own)[0][1]
  of_adversarial, of_both = map(_prior_gradient, (alone, both))
  scale = float(jnp.abs(of_adversarial).max())
  assert scale > 0.0
  assert float(jnp.abs(of_both - of_adversarial).max()) > 0.01 * scale
  for state in (ours, heavy):
    np.testing.assert_allclose(_prior_gradient(state), of_adversarial, atol=1e-4 * scale)
    # Its learning rate is three times the networks' learning rate, and so is its change.
    np.testing.assert_allclose(state.prior_logits, 3.0 * alone.prior_logits, rtol=1e-3)
  # The other networks keep the gradient of the mutual information.
  for part in ('generator', 'recognition'):
    assert_close(getattr(ours, part), getattr(both, part), rtol=1e-4, atol=1e-6)
    assert differ(getattr(ours, part)['params'], getattr(heavy, part)['params'])


def test_targets_of_the_mutual_information_are_hard_or_soft():
  """At a high temperature codes are far from one-hot: the loss and the prior's gradient differ."""
  method, warm = 'gumbel_softmax', {'temperature': jnp.float32(1.0)}
  (_, hard), (hard_metrics,) = run(1, method, warm)
  (_, soft), (soft_metrics,) = run(1, method, warm, hard_codes=False)
  name = 'loss/mutual_information'
  assert abs(float(hard_metrics[name] - soft_metrics[name])) > 1e-4
  assert differ(hard.prior_logits, soft.prior_logits)
  # The discriminator step is the same.
  assert_close(hard.trunk['params'], soft.trunk['params'], rtol=1e-5, atol=1e-7)


def test_continuous_codes_are_predicted_and_change_the_image():
  algorithm, _, _ = build('uniform_infogan', num_continuous=2)
  states, metrics = run(2, 'uniform_infogan', num_continuous=2)
  assert bool(jnp.isfinite(metrics[-1]['loss/continuous']))
  # Q starts near 0: the loss is half the sum of two variances of U(-1, 1).
  np.testing.assert_allclose(metrics[0]['loss/continuous'], 1 / 3, atol=0.2)
  one_hot = jnp.tile(jnp.eye(K)[:1], (4, 1))
  images = [
    algorithm.generate(
      states[-1], jax.random.key(0), 4, codes=jnp.concatenate([one_hot, r], axis=-1)
    )
    for r in (jnp.zeros((4, 2)), jnp.ones((4, 2)))
  ]
  assert differ(*images)
  logits, _ = algorithm.classify(states[-1].variables, images[0])
  assert logits.shape == (4, K)


def test_labels_and_class_counts_are_not_read(assert_trees_equal):
  algorithm, update, state = build('elastic_infogan')
  rng = jax.random.key(1)
  ours = update(state, batch(), rng, NUMBERS)
  assert_trees_equal(ours, update(state, batch(label=2, counts=(1, 1, 9)), rng, NUMBERS))
  # A batch without them is valid.
  jax.eval_shape(algorithm.update, state, Batch(batch().images), {}, rng)


def test_fixed_prior_follows_the_class_counts_of_each_batch():
  _, update, state = build('ground_truth_infogan')
  for counts in (COUNTS, (1, 1, 2)):
    after, metrics = update(state, batch(counts=counts), jax.random.key(1), NUMBERS)
    np.testing.assert_allclose(metrics['prior'], np.divide(counts, sum(counts)), atol=1e-6)
    assert bool(jnp.isfinite(after.prior_logits).all())


def test_generate_depends_on_key_and_codes_alone(assert_trees_equal):
  check_generation(build('elastic_infogan')[0], run(2)[0][-1], assert_trees_equal)


def test_sampled_codes_are_one_hot_draws_from_the_prior():
  """With only the third category in the prior, sampled codes are the third category."""
  algorithm, _, state = build('elastic_infogan')
  state = state.replace(prior_logits=jnp.array([0.0, 0.0, 200.0]))
  drawn = algorithm.generate(state, jax.random.key(3), 8)
  given = algorithm.generate(state, jax.random.key(3), 8, codes=jnp.tile(jnp.eye(K)[2], (8, 1)))
  np.testing.assert_array_equal(drawn, given)


def test_inference_uses_running_statistics():
  """Outputs for an image do not depend on the other images of its batch."""
  algorithm, _, _ = build('elastic_infogan')
  state = run(2)[0][-1]
  images = batch(9).images
  for whole, alone in zip(
    algorithm.classify(state.variables, images),
    algorithm.classify(state.variables, images[:3]),
    strict=True,
  ):
    np.testing.assert_allclose(whole[:3], alone, rtol=1e-4, atol=1e-5)
  shifted = jax.tree.map(lambda x: x + 0.5, state.trunk['batch_stats'])
  moved = state.replace(trunk={**state.trunk, 'batch_stats': shifted})
  assert differ(
    algorithm.classify(moved.variables, images), algorithm.classify(state.variables, images)
  )


@pytest.mark.parametrize(
  ('method', 'trunk_forwards', 'head_forwards'),
  [('gumbel_softmax', 3, 1), ('elastic_infogan', 5, 3)],
)
def test_every_forward_pass_updates_the_running_statistics(method, trunk_forwards, head_forwards):
  """After m forward passes, 0.9^m remains of initial statistics far from any batch."""
  far = 1e6

  def at_far(variables):
    stats = jax.tree.map(lambda x: jnp.full_like(x, far), variables['batch_stats'])
    return {**variables, 'batch_stats': stats}

  _, _, state = build(method)
  state = state.replace(
    generator=at_far(state.generator),
    trunk=at_far(state.trunk),
    recognition=at_far(state.recognition),
  )
  after, _ = build(method)[1](state, batch(), jax.random.key(0), NUMBERS)
  counted = (after.generator, 1), (after.trunk, trunk_forwards), (after.recognition, head_forwards)
  for variables, forwards in counted:
    for leaf in jax.tree.leaves(variables['batch_stats']):
      np.testing.assert_allclose(leaf, far * 0.9**forwards, rtol=1e-3)


def test_bfloat16_keeps_float32_state_and_losses():
  config = section(network='mnist', dtype='bfloat16')
  algorithm = infogan(config, SHAPE, K)
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  outputs = jax.eval_shape(algorithm.update, state, batch(), {}, jax.random.key(0))
  floats = [x for x in jax.tree.leaves(outputs) if jnp.issubdtype(x.dtype, jnp.floating)]
  assert {x.dtype for x in floats} == {jnp.dtype('float32')}
