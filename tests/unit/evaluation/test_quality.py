"""Quality: each number against generated and real features of known quality."""

import numpy as np
import pytest

from jaxgan.evaluation import quality as quality_lib
from jaxgan.metrics import fid

TRAIN_COUNTS = np.array([100, 50, 20, 5])


def _features(rng, labels):
  """Draws clusters whose mean depends on the class."""
  return (rng.normal(size=(len(labels), 3)) + 4 * labels[:, None]).astype(np.float32)


def _compare(generated, labels, real, real_labels, counts):
  quality = quality_lib.quality(generated, real)
  return quality | quality_lib.by_class(generated, labels, real, real_labels, counts)


@pytest.fixture
def real():
  rng = np.random.default_rng(0)
  labels = np.repeat(np.arange(4), 30)
  return _features(rng, labels), labels


def test_images_of_the_real_distribution_and_of_a_part_of_it(real):
  rng = np.random.default_rng(1)
  balanced = rng.integers(0, 4, 400)
  head = np.zeros(400, int)
  near, far = (
    _compare(_features(rng, labels), labels, *real, TRAIN_COUNTS) for labels in (balanced, head)
  )
  assert near['kid'] < 0.1 * far['kid']
  assert near['kid_std'] > 0
  assert near['recall'] > 0.8 > 0.4 > far['recall']
  assert near['coverage'] > 2 * far['coverage']
  assert far['precision'] > 0.8
  assert near['precision'] > 0.8
  assert np.isnan([far['thirds_frechet'][2], far['groups_frechet'][2]]).all()
  assert near['groups_frechet'][2] < 1
  assert far['groups_frechet'][0] < 1
  assert np.isnan([far['class_frechet'][1:], far['class_covariance_trace'][1:]]).all()
  assert near['class_covariance_trace'] == pytest.approx([3.0] * 4, rel=0.4)
  assert (near['class_covariance_trace_reference'] == far['class_covariance_trace_reference']).all()
  assert len(near['thirds_frechet']) == len(near['groups_frechet']) == 3


def test_groups_follow_the_training_frequency(real):
  """Four classes: the rarest third is class 3, the few are classes 2 and 3."""
  rng = np.random.default_rng(2)
  labels = rng.integers(0, 4, 200)
  generated = _features(rng, labels)
  results = _compare(generated, labels, *real, TRAIN_COUNTS)
  features, real_labels = real
  expected = fid.features_distance(generated[labels == 3], features[real_labels == 3])
  assert results['thirds_frechet'][2] == pytest.approx(expected)
  assert results['class_frechet'][3] == pytest.approx(expected)
  expected = fid.features_distance(generated[labels >= 2], features[real_labels >= 2])
  assert results['groups_frechet'][2] == pytest.approx(expected)


def test_too_few_images_for_neighbours(real):
  labels = np.array([0, 1, 2, 3, 0])
  generated = _features(np.random.default_rng(3), labels)
  results = _compare(generated, labels, *real, TRAIN_COUNTS)
  assert results['precision'] is None
  assert results['coverage'] is None
  assert quality_lib.protocol(5, 120) == {
    'kid_subsets': 100, 'kid_subset_images': 5, 'prdc_nearest': 5, 'prdc_images': 5
  }  # fmt: skip
  assert quality_lib.protocol(50_000, 16_160)['prdc_images'] == 10_000
