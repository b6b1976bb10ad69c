"""The switches: the effect of each, and that switches that are off change no step and no state."""

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import Batch, regularisers
from jaxgan.algorithms.gan import gan
from jaxgan.algorithms.gan_methods import METHODS, GanConfig
from jaxgan.algorithms.replicate import replicate
from jaxgan.config import overrides
from jaxgan.errors import UserError
from jaxgan.networks.gans import NETWORKS
from tests.support import stand_in
from tests.support.registered import put

SHAPE, K, N = (8, 8, 1), 3, 8
# Each switch with all of its fields.
ON = {
  'r1_r2': {'r1_r2_weight': 2.0, 'r1_r2_end_weight': 0.2, 'r1_r2_steps': 10},
  'lecam': {'lecam_weight': 0.3, 'lecam_decay': 0.9},
  'diff_augment': {'diff_augment': ('color', 'translation', 'cutout')},
  'gsr': {'group_spectral_weight': 0.5, 'group_spectral_beta': 0.99},
}


def _config(**changes):
  return stand_in.tiny().algorithm.model_copy(update=changes)  # Weights may be traced.


def _batch():
  images = jax.random.uniform(jax.random.key(0), (N, *SHAPE), minval=-1.0)
  labels = jnp.arange(N) % K
  return Batch(images, labels, jnp.array([40, 24, 3]))


def _program(method='cgan', **changes):
  """The traced step and the shapes of the state."""
  algorithm = gan(_config(**changes), METHODS[method], SHAPE, K)
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  return str(jax.make_jaxpr(algorithm.update)(state, _batch(), {}, jax.random.key(1))), state


def test_the_first_field_of_a_switch_turns_it_on():
  assert set(ON) == set(regularisers.SWITCHES)
  assert regularisers.switched_on(_config()) == ()
  for name, changes in ON.items():
    assert regularisers.switched_on(_config(**changes)) == (name,)
    assert set(changes) == set(regularisers.SWITCHES[name])


def test_switches_that_are_off_change_neither_step_nor_state(monkeypatch):
  """Their other fields have no effect; an older checkpoint has the same tree."""
  program, state = _program()

  def fail(*args, **kwargs):
    raise AssertionError('a switch that is off was used')

  for module, name in (
    (regularisers, 'diff_augment'),
    (regularisers.gradient_penalty, 'zero_centred_gradient_penalty'),
    (regularisers.lecam, 'update_averages'),
    (regularisers.group_spectral, 'group_spectral'),
  ):
    monkeypatch.setattr(module, name, fail)
  others, _ = _program(r1_r2_steps=7, lecam_decay=0.5, group_spectral_beta=0.5)
  assert others == program
  assert set(state.discriminator) == {'params', 'batch_stats'}


@pytest.fixture(scope='module')
def step():
  """`step(switch=weight, ...) -> (initial state, state after a step, metrics)`, compiled once."""
  fields = {'r1_r2': 'r1_r2_weight', 'lecam': 'lecam_weight', 'gsr': 'group_spectral_weight'}

  def run(weights):
    weights = {fields[name]: weight for name, weight in weights.items()}
    config = _config(**weights, r1_r2_end_weight=weights['r1_r2_weight'])
    algorithm = gan(config, METHODS['cgan'], SHAPE, K)
    state = algorithm.init(jax.random.key(0))
    return state, *algorithm.update(state, _batch(), {}, jax.random.key(1))

  with pytest.MonkeyPatch.context() as monkeypatch:
    # A traced weight has no truth value.
    monkeypatch.setattr(regularisers, 'switched_on', lambda config: tuple(fields))
    compiled = jax.jit(run)
    compiled(dict.fromkeys(fields, 0.0))
  return lambda **weights: compiled({name: weights.get(name, 0.0) for name in fields})


def _moved(one, other):
  return [
    jax.tree_util.keystr(path)
    for path, moved in jax.tree_util.tree_leaves_with_path(
      jax.tree.map(lambda a, b: bool((a != b).any()), one, other)
    )
    if moved
  ]


@pytest.mark.parametrize('name', ['r1_r2', 'lecam'])
def test_a_regulariser_trains_the_discriminator(step, name):
  _, without, _ = step()
  _, regularised, metrics = step(**{name: 1.0})
  assert metrics[f'loss/{name}'] > 0
  params = without.discriminator['params'], regularised.discriminator['params']
  kernels = [leaf for leaf in _moved(*params) if 'kernel' in leaf]
  assert len(kernels) == sum(leaf.ndim > 1 for leaf in jax.tree.leaves(params[0]))


def test_gsr_trains_only_the_gains_and_biases_of_the_generator(step):
  _, without, _ = step()
  first, regularised, metrics = step(gsr=100.0)
  assert metrics['loss/gsr'] > 0
  assert not _moved(without.discriminator, regularised.discriminator)
  moved = _moved(without.generator['params'], regularised.generator['params'])
  assert all('ConditionalBatchNorm' in leaf for leaf in moved)
  gains, biases = ([leaf for leaf in moved if name in leaf] for name in ('Dense_0', 'Dense_1'))
  assert gains
  assert biases
  assert len(moved) == len(gains) + len(biases)
  embeddings = regularisers.conditional.embeddings(first.generator['params'])
  assert len(embeddings) == 2
  assert {e.shape for e in embeddings} == {(K, 4)}


def test_the_averages_of_logits_are_part_of_the_state(step):
  first, state, metrics = step(lecam=1.0)
  assert set(first.discriminator) == {'params', 'batch_stats', 'lecam'}
  assert all(value == 0 for value in first.discriminator['lecam'].values())
  averages = state.discriminator['lecam']
  np.testing.assert_allclose(averages['weight'], 0.01, rtol=1e-5)
  for name in ('real', 'fake'):
    np.testing.assert_allclose(averages[name], 0.01 * metrics[f'logits/{name}'], rtol=1e-5)


def test_both_steps_augment_real_and_generated_images_with_four_keys(monkeypatch):
  keys = []

  def mark(rng, images, names):
    assert images.shape == (N, *SHAPE)
    assert names == ON['diff_augment']['diff_augment']
    keys.append(rng)
    return images

  monkeypatch.setattr(regularisers, 'diff_augment', mark)
  algorithm = gan(_config(**ON['diff_augment']), METHODS['unconditional'], SHAPE, K)
  state = jax.eval_shape(algorithm.init, jax.random.key(0))

  def update(rng):  # Compilation removes everything but the keys.
    algorithm.update(jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), state), _batch(), {}, rng)
    return jnp.stack([jax.random.key_data(key) for key in keys])

  found = jax.jit(update)(jax.random.key(1))
  assert len(np.unique(found, axis=0)) == len(found) == 4


def test_r1_and_r2_are_added_with_half_of_a_scheduled_weight():
  images = jnp.ones((N, *SHAPE))
  # 64 pixels: squared norms 64 · 1² and 64 · 3².
  real, fake = (
    regularisers.Judged(lambda x, slope=slope: slope * x.sum((1, 2, 3)), images, None)
    for slope in (1, 3)
  )
  config = _config(**ON['r1_r2'])
  for step, weight in ((0, 2.0), (5, 1.1), (10, 0.2)):
    loss, memories, metrics = regularisers.regularise(1.0, config, step, {}, real, fake)
    np.testing.assert_allclose(metrics['loss/r1_r2'], 320.0, rtol=1e-6)
    np.testing.assert_allclose(loss, 1.0 + weight * 320.0, rtol=1e-6)
    assert memories == {}


@pytest.mark.slow
def test_replicas_and_several_discriminator_steps_support_all_switches():
  changes = {field: value for fields in ON.values() for field, value in fields.items()}
  config = _config(**changes, discriminator_steps=2)
  algorithm = replicate(gan(config, METHODS['acgan'], SHAPE, K), 2)
  assert algorithm.images_per_update == 2
  states = jax.eval_shape(algorithm.init, jax.random.key(0))
  batch = jax.tree.map(lambda x: jnp.stack([x] * 2), _batch())
  after, metrics = jax.eval_shape(algorithm.update, states, batch, {}, jax.random.key(1))
  assert jax.tree.structure(after) == jax.tree.structure(states)
  assert metrics['loss/r1_r2'].shape == after.discriminator['lecam']['real'].shape == (2,)


class _BatchNormed(nn.Module):
  @nn.compact
  def __call__(self, images, labels=None, *, train):
    x = nn.BatchNorm(use_running_average=not train)(images.reshape(len(images), -1))
    return nn.Dense(1)(x)[:, 0], None


@pytest.mark.parametrize(
  ('method', 'changes', 'message'),
  [
    ('unconditional', ON['gsr'], 'group_spectral_weight=0.5 .* a generator without labels'),
    ('class_balancing', ON['gsr'], 'use 0, or a method with labels'),
    ('cgan', ON['gsr'] | {'generator_spectral_norm': True}, 'a generator with spectral norm'),
    (
      'cgan',
      ON['r1_r2'] | {'network': 'normed'},
      "network='normed', whose discriminator has batch",
    ),
  ],
)
def test_switches_that_the_networks_do_not_support_raise(monkeypatch, method, changes, message):
  def make(*args):
    generator, _ = NETWORKS['sndcgan'].make(*args)
    return generator, _BatchNormed()

  put(monkeypatch, NETWORKS, {'normed': NETWORKS['sndcgan']._replace(make=make)})
  with pytest.raises(UserError, match=message) as error:
    gan(_config(**changes), METHODS[method], SHAPE, K, lambda *args: args)
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
  'changes',
  [
    {'r1_r2_weight': -1.0},
    {'r1_r2_end_weight': 0.1},
    {'r1_r2_steps': 0},
    {'lecam_weight': float('inf')},
    {'lecam_decay': 1.0},
    {'diff_augment': ('colour',)},
    {'diff_augment': ('color', 'color')},
    {'group_spectral_weight': -0.5},
    {'group_spectral_beta': 1.0},
  ],
)
def test_invalid_values_raise(changes):
  (field,) = changes
  with pytest.raises(UserError, match=rf'config\.{field}=.*: expected'):
    overrides.changed(GanConfig(), changes)


def test_the_protocol_names_the_switches_that_are_on():
  assert regularisers.protocol(_config()) == {}
  found = regularisers.protocol(_config(**ON['lecam'], **ON['diff_augment']))
  assert found == {
    'switches': 'lecam, diff_augment',
    'lecam_weight': 0.3,
    'lecam_decay': 0.9,
    'diff_augment': ', '.join(ON['diff_augment']['diff_augment']),
  }
