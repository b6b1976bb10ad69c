"""Learning-rate schedules of classifiers, and shapes of ResNet-50."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import base
from jaxgan.algorithms.classifier import (
  classifier,
  learning_rate_schedule,
)


@pytest.mark.parametrize(
  ('epoch', 'rate'),
  [(0, 0.02), (3, 0.08), (4, 0.1), (159, 0.1), (160, 1e-3), (179, 1e-3), (180, 1e-5), (199, 1e-5)],
)
def test_schedule_of_the_paper(epoch, rate):
  section = base.classifier_section('stand_in', drw=True).algorithm
  schedule = learning_rate_schedule(section, steps_per_epoch=7)
  for step in (7 * epoch, 7 * epoch + 6):
    np.testing.assert_allclose(schedule(jnp.int32(step)), rate, rtol=1e-5)


@pytest.mark.parametrize(
  ('step', 'rate'),
  [
    (0, 3e-5), (49, 1.5e-3), (99, 3e-3), (199, 3e-3), (200, 3e-4), (300, 3e-5), (400, 3e-6),
    (499, 3e-6),
  ],
)  # fmt: skip
def test_schedule_of_few_labels(step, rate):
  section = base.few_labels_classifier_section('stand_in', num_labels=50)
  assert section.train.epochs == 500  # All images fit in one batch: an epoch is a step.
  schedule = learning_rate_schedule(section.algorithm, steps_per_epoch=1)
  np.testing.assert_allclose(schedule(jnp.int32(step)), rate, rtol=1e-5)


def test_resnet_50():
  section = base.resnet50_section('stand_in').algorithm
  algorithm = classifier(section, (64, 64, 3), 10, steps_per_epoch=1)
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  assert 'batch_stats' in state.variables
  images = jnp.zeros((4, 64, 64, 3))
  logits, features = jax.eval_shape(algorithm.classify, state.variables, images)
  assert (logits.shape, features.shape) == ((4, 10), (4, 2048))
