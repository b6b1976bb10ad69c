"""The choices of a GAN: invalid choices, distributions of labels, and losses by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms.gan import CLASS_WEIGHTINGS, LOSSES, gan
from jaxgan.algorithms.gan_methods import LABELS, METHODS, GanMethod
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from tests.support import stand_in
from tests.support.registered import put
from tests.support.small_gan import FROZEN, SHAPE, K, batch, classify


@pytest.mark.parametrize(
  ('changes', 'choices', 'message'),
  [
    ({}, {'labels': 'real'}, "labels='real': expected one of none, uniform, effective"),
    ({}, {'head': 'acgan'}, "head='acgan': expected one of none, projection, auxiliary"),
    ({}, {'guidance': 'entropy'}, "guidance='entropy': expected one of none, weighted"),
    ({}, {'classes': 'colours'}, "classes='colours': expected one of labels, codes"),
    (
      {},
      {'classes': 'codes', 'head': 'auxiliary', 'labels': 'uniform'},
      "classes='codes' is not possible with head='auxiliary', which reads the labels",
    ),
    ({}, {'head': 'projection'}, "labels='none' is not possible with head='projection'"),
    ({}, {'guidance': 'cross_entropy'}, "labels='none' is not possible .*guidance='cross_entropy'"),
    (
      {},
      {'classes': 'codes', 'batches': 'class_balanced'},
      "classes='codes' is not possible with batches='class_balanced', which reads the labels",
    ),
    ({}, {'batches': 'balanced'}, "batches='balanced': expected one of instance_balanced"),
    ({}, {'labels': 'effective'}, "labels='effective' is not possible with guidance='none'"),
  ],
)
def test_invalid_choices_raise(tiny_config, changes, choices, message):
  algorithm = tiny_config.algorithm.model_copy(update=changes)
  with pytest.raises(UserError, match=message):
    gan(algorithm, GanMethod(**choices), SHAPE, K, classify)


def test_labels_are_drawn_uniformly_or_by_the_inverse_of_their_counts():
  counts = jnp.array([1.0, 2.0, 6.0])
  for name, expected in (('uniform', [1 / 3] * 3), ('effective', [0.6, 0.3, 0.1])):
    labels, rng = LABELS[name](jax.random.key(0), 20_000, K, counts)
    assert labels.dtype == jnp.int32
    assert rng != jax.random.key(0)
    np.testing.assert_allclose(np.bincount(labels, minlength=K) / 20_000, expected, atol=0.015)


@pytest.mark.parametrize(
  ('loss', 'weighting'),
  [('relativistic', 'released'), ('hinge', 'paper'), ('non_saturating', 'paper')],
)
def test_training_uses_the_losses_that_the_configuration_names(monkeypatch, loss, weighting):
  called = []

  def noted(name, function):
    return lambda *arguments: (called.append(name), function(*arguments))[1]

  losses = {
    name: tuple(noted(f'{name} {network}', f) for network, f in zip('DG', pair, strict=True))
    for name, pair in LOSSES.items()
  }
  put(monkeypatch, LOSSES, losses)
  for name, function in CLASS_WEIGHTINGS.items():
    monkeypatch.setitem(CLASS_WEIGHTINGS, name, noted(name, function))
  config = stand_in.tiny().algorithm
  config = changed(config, {'loss': loss, 'class_weighting': weighting})
  algorithm = gan(config, METHODS['class_balancing'], SHAPE, K, classify)
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  jax.eval_shape(algorithm.update, state, batch(), FROZEN, jax.random.key(1))
  assert called == [f'{loss} D', f'{loss} G', weighting]


@pytest.mark.parametrize(
  ('effective_labels', 'drawn'),
  [
    ('generator_step', ['uniform', 'uniform', 'effective']),
    ('both_steps', ['effective', 'effective', 'effective']),
  ],
)
def test_which_steps_draw_labels_by_their_effective_counts(monkeypatch, effective_labels, drawn):
  """Two discriminator steps, then the generator's; outside training, labels are uniform."""
  called = []

  def noted(name, draw):
    return lambda *arguments: (called.append(name), draw(*arguments))[1]

  for name in ('uniform', 'effective'):
    monkeypatch.setitem(LABELS, name, noted(name, LABELS[name]))
  config = stand_in.tiny().algorithm
  config = changed(config, {'effective_labels': effective_labels, 'discriminator_steps': 2})
  algorithm = gan(config, METHODS['class_balancing_conditional'], SHAPE, K, classify)
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  jax.eval_shape(algorithm.update, state, batch(16), FROZEN, jax.random.key(1))
  assert called == drawn
  jax.eval_shape(lambda state, rng: algorithm.generate(state, rng, 4), state, jax.random.key(1))
  assert called == [*drawn, 'uniform']
