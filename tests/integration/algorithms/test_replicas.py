"""Replicas: each of n replicas equals a run of its state alone."""

import collections
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import base_codes
from jaxgan.algorithms import Algorithm, Batch, replicate
from jaxgan.algorithms.classifier import classifier
from jaxgan.algorithms.gan import gan
from jaxgan.algorithms.gan_methods import METHODS
from jaxgan.algorithms.infogan import infogan
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import resolved
from tests.support.registered import SMALL
from tests.support.stand_in import tiny

COUNTS = np.array([[9, 4, 1], [2, 2, 8]])  # One row per replica.
N, K = COUNTS.shape
STEPS = 2
FROZEN = {'classifier': jnp.float32(30.0)}


def _by_brightness(variables, images):
  """A frozen 'classifier'."""
  level = images.mean(axis=(1, 2, 3)) * variables
  return jnp.stack([-level, jnp.zeros_like(level), level], axis=-1), images[:, 0, :, 0]


def _infogan(method, size):
  config = resolved(base_codes.codes_config('tiny', method, 'stand_in', tiny().annotator))
  changes = {'network': SMALL, 'noise_dim': 4, 'epsilon': 1e-2}
  return infogan(changed(config.algorithm, changes), (size, size, 1), K)


def _classifier(size):
  config = tiny().classifier.algorithm
  config = changed(
    config,
    {
      'network': 'mnist_cnn',
      'learning_rate': 0.01,
      'warmup_epochs': 0,
      'drw_epoch': 1,
      'drw_beta': 0.9,
    },
  )
  return classifier(config, (size, size, 1), K, steps_per_epoch=1)


# Name -> (size of the images -> Algorithm, the size).
ALGORITHMS = {
  'class_balancing': (
    lambda size: gan(
      tiny().algorithm, METHODS['class_balancing'], (size, size, 1), K, _by_brightness
    ),
    8,
  ),
  'elastic_infogan': (functools.partial(_infogan, 'elastic_infogan'), 8),
  'ground_truth_infogan': (functools.partial(_infogan, 'ground_truth_infogan'), 8),
  'classifier': (_classifier, 16),
}


class Trained(NamedTuple):
  """An algorithm, its replicas, and (state, metrics) of every step, as replicas and alone."""

  algorithm: Algorithm
  replicated: Algorithm
  together: list[Any]
  alone: list[list[Any]]


def _batch(step, size):
  """A batch with different images `[8, size, size, 1]` for each replica."""
  images_rng, labels_rng = jax.random.split(jax.random.key(step))
  images = jax.random.uniform(images_rng, (N, 8, size, size, 1), minval=-1.0)
  return Batch(images, jax.random.randint(labels_rng, (N, 8), 0, K), jnp.asarray(COUNTS))


@functools.cache  # Compilation dominates these tests.
def train(name):
  build, size = ALGORITHMS[name]
  algorithm = build(size)
  replicated = replicate.replicate(algorithm, N)
  keys = jax.random.split(jax.random.key(7), N)
  states = jax.jit(replicated.init)(keys)
  update, update_alone = jax.jit(replicated.update), jax.jit(algorithm.update)
  together, alone = [(states, {})], [[(replicate.take(states, r), {}) for r in range(N)]]
  for step in range(STEPS):
    batch, keys = _batch(step, size), jax.random.split(jax.random.key(8 + step), N)
    together.append(update(together[-1][0], batch, FROZEN, keys))
    states = [state for state, _ in alone[-1]]
    arguments = [replicate.take((batch, keys), r) for r in range(N)]
    alone.append(
      [update_alone(s, b, FROZEN, k) for s, (b, k) in zip(states, arguments, strict=True)]
    )
  return Trained(algorithm, replicated, together, alone)


def _assert_close(a, b, rtol=1e-3, atol=1e-5):
  assert jax.tree.structure(a) == jax.tree.structure(b)
  jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=rtol, atol=atol), a, b)


def _assert_same_changes(a, b, start):
  """Checks that two states changed alike since `start`, per layer and within 2 % of the norm.

  Rounding may move an activation across a ReLU's 0, which changes a few weights; the changes of
  another run differ by 100 %.
  """
  assert jax.tree.structure(a) == jax.tree.structure(b)
  squares = collections.defaultdict(lambda: np.zeros(2))
  leaves = zip(*(jax.tree.leaves(state) for state in (a, b, start)), strict=True)
  for (path, _), arrays in zip(jax.tree_util.tree_leaves_with_path(a), leaves, strict=True):
    x, y, before = (np.asarray(array, np.float64) for array in arrays)
    squares[jax.tree_util.keystr(path[:3])] += [np.sum((x - y) ** 2), np.sum((y - before) ** 2)]
  for layer, (error, change) in squares.items():
    assert np.sqrt(error) <= 0.02 * np.sqrt(change) + 1e-6, layer


@pytest.mark.parametrize(
  'name',
  [pytest.param(name, marks=[pytest.mark.slow] * (name == 'classifier')) for name in ALGORITHMS],
)
def test_a_replica_equals_a_run_alone(name):
  trained = train(name)
  (start, _), *steps = trained.together
  for (states, metrics), alone in zip(steps, trained.alone[1:], strict=True):
    for replica in range(N):
      state, before = replicate.take((states, start), replica)
      _assert_same_changes(state, alone[replica][0], before)
      _assert_close(replicate.take(metrics, replica), alone[replica][1])
  # The replicas differ from each other.
  np.testing.assert_array_equal(states.step, np.full(N, STEPS))
  losses = [values for name, values in metrics.items() if name.startswith('loss/')]
  assert losses
  assert all(len(np.unique(values)) == N for values in losses)


def test_a_replica_starts_as_a_run_alone():
  trained = train('classifier')
  states, _ = trained.together[0]
  init = jax.jit(trained.algorithm.init)
  for replica, key in enumerate(jax.random.split(jax.random.key(7), N)):
    _assert_close(replicate.take(states, replica), init(key))


def test_a_fixed_prior_follows_the_class_counts_of_the_replica():
  _, metrics = train('ground_truth_infogan').together[-1]
  np.testing.assert_allclose(metrics['prior'], COUNTS / COUNTS.sum(1, keepdims=True), rtol=1e-5)


def test_every_replica_generates_from_its_codes():
  trained = train('elastic_infogan')
  (states, _), keys = trained.together[-1], jax.random.split(jax.random.key(3), N)
  codes = jax.nn.one_hot(np.random.default_rng(0).integers(0, K, (N, 4)), K)
  arguments = states, keys, codes
  images = jax.jit(lambda s, k, c: trained.replicated.generate(s, k, 4, codes=c))(*arguments)
  alone = jax.jit(lambda s, k, c: trained.algorithm.generate(s, k, 4, codes=c))
  assert images.shape == (N, 4, 8, 8, 1)
  for replica in range(N):
    _assert_close(images[replica], alone(*replicate.take(arguments, replica)))
  shape = jax.eval_shape(lambda s: trained.replicated.generate(s, keys[0], 7), states).shape
  assert shape == (N, 7, 8, 8, 1)  # With a single key and sampled codes.


def test_every_replica_classifies_its_images():
  trained = train('classifier')
  variables, images = trained.together[-1][0].variables, _batch(5, 16).images
  outputs = jax.jit(trained.replicated.classify)(variables, images)
  classify = jax.jit(trained.algorithm.classify)
  assert [x.shape for x in outputs] == [(N, 8, K), (N, 8, 500)]
  for replica in range(N):
    alone = classify(replicate.take(variables, replica), images[replica])
    _assert_close(replicate.take(outputs, replica), alone)


# Any algorithm ---------------------------------------------------------------------------------


def _sums():
  """An algorithm whose state adds the sums of batch and frozen arrays."""

  def update(state, batch, frozen, rng):
    return state + batch.images.sum() + frozen['a']['b'].sum(), {'draw': jax.random.uniform(rng)}

  def generate(state, rng, num_images, ema=True):
    return state + jax.random.uniform(rng, (num_images,)) + 10.0 * ema

  return Algorithm(jax.random.uniform, update, generate, images_per_update=3)


def test_one_key_is_split_and_n_keys_are_used():
  replicated, algorithm = replicate.replicate(_sums(), 3), _sums()
  key = jax.random.key(4)
  for given in (key, jax.random.split(key, 3)):
    keys, states = jax.random.split(key, 3), jnp.arange(3.0)
    expected = [algorithm.init(k) for k in keys]
    np.testing.assert_allclose(replicated.init(given), expected)
    batch, frozen = Batch(jnp.zeros((3, 1))), {'a': {'b': jnp.zeros(())}}
    np.testing.assert_allclose(replicated.update(states, batch, frozen, given)[1]['draw'], expected)
    for ema in (True, False):
      images = replicated.generate(states, given, 5, ema)
      alone = [algorithm.generate(*one, 5, ema) for one in zip(states, keys, strict=True)]
      np.testing.assert_allclose(images, alone, rtol=1e-6)


@pytest.mark.parametrize('shape', [(2,), (1,), (4,)])
def test_another_number_of_keys_raises(shape):
  replicated, keys = replicate.replicate(_sums(), 3), jax.random.split(jax.random.key(0), shape)
  states, batch = jnp.zeros(3), Batch(jnp.zeros((3, 1)))
  for use in (
    replicated.init,
    lambda keys: replicated.update(states, batch, {}, keys),
    lambda keys: replicated.generate(states, keys, 2),
  ):
    with pytest.raises(ValueError, match='inconsistent sizes'):
      use(keys)


def test_replicas_share_only_frozen_arrays():
  replicated, keys = replicate.replicate(_sums(), 3), jax.random.split(jax.random.key(0), 3)
  frozen = {'a': {'b': jnp.arange(7.0)}, 'unread': jnp.zeros(())}
  batch = Batch(jnp.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]))
  states, metrics = replicated.update(jnp.zeros(3), batch, frozen, keys)
  np.testing.assert_allclose(states, np.array([3.0, 30.0, 300.0]) + 21.0)
  assert metrics['draw'].shape == (3,)
  with pytest.raises(ValueError, match='inconsistent sizes'):
    replicated.update(jnp.zeros(3), batch._replace(labels=jnp.zeros(2)), frozen, keys)


def test_replicas_have_only_the_functions_of_the_algorithm():
  replicated = replicate.replicate(_sums(), 3)
  assert replicated.classify is None
  assert replicated.images_per_update == 3
  assert replicate.replicate(_sums()._replace(generate=None), 3).generate is None


def test_stack_and_take_are_inverse(assert_trees_equal):
  states = [{'a': jnp.arange(3) + r, 'b': (jnp.float32(r), None)} for r in range(2)]
  stacked = replicate.stack(states)
  assert stacked['a'].shape == (2, 3)
  for replica, state in enumerate(states):
    assert_trees_equal(replicate.take(stacked, replica), state)
