"""Classifier training: schedule, deferred re-weighting, learning."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import base
from jaxgan.algorithms.classifier import classifier, learning_rate_schedule


@pytest.fixture
def config():
  section = base.classifier_section('stand_in', drw=True).algorithm
  section.update(depth=8, width=4)
  return section


@pytest.mark.parametrize(
  ('epoch', 'rate'),
  [(0, 0.02), (3, 0.08), (4, 0.1), (159, 0.1), (160, 1e-3), (179, 1e-3), (180, 1e-5), (199, 1e-5)],
)
def test_schedule_of_the_paper(config, epoch, rate):
  schedule = learning_rate_schedule(config, steps_per_epoch=7)
  for step in (7 * epoch, 7 * epoch + 6):
    np.testing.assert_allclose(schedule(jnp.int32(step)), rate, rtol=1e-5)


def _batch(n=24):
  labels = jnp.arange(n) % 3
  noise = 0.1 * jax.random.normal(jax.random.key(0), (n, 8, 8, 1))
  return {'images': (labels - 1.0)[:, None, None, None] * 0.7 + noise, 'labels': labels}


def test_learns_to_tell_brightness(config):
  config.warmup_epochs = 0
  algorithm = classifier(config, (8, 8, 1), [8, 8, 8], steps_per_epoch=1)
  update = jax.jit(algorithm.update)
  state = algorithm.init(jax.random.key(0))
  for _ in range(30):
    state, metrics = update(state, _batch(), None)
  assert float(metrics['accuracy']) == 1.0
  logits, features = algorithm.classify(state.variables, _batch()['images'])
  assert logits.shape == (24, 3) and features.shape == (24, 16)


def test_reweighting_starts_at_its_epoch(config):
  """Up to epoch 2 DRW changes nothing; from there on the loss is the weighted one."""
  config.drw_epoch, config.drw_beta = 2, 0.9
  losses = {}
  for counts in ([20, 3, 1], [8, 8, 8]):
    algorithm = classifier(config, (8, 8, 1), counts, steps_per_epoch=2)
    update = jax.jit(algorithm.update)
    state = algorithm.init(jax.random.key(0))
    losses[counts[0]] = []
    for _ in range(5):
      state, metrics = update(state, _batch(), None)
      losses[counts[0]].append(float(metrics['loss/classifier']))
  weighted, plain = losses[20], losses[8]
  np.testing.assert_allclose(weighted[:4], plain[:4], rtol=1e-5)
  assert abs(weighted[4] - plain[4]) > 1e-3
