"""Metrics of single classes and groups, against distances of selected images and by hand."""

import numpy as np
import pytest

from jaxgan.metrics import fid
from jaxgan.metrics.per_class import class_covariance_trace, class_frechet, group_frechet


def _images(seed, counts, dim=32):
  """Features whose mean depends on the class, in shuffled order, and their labels."""
  rng = np.random.default_rng(seed)
  labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
  scales = np.linspace(0.1, 2, dim)
  features = rng.normal(size=(len(labels), dim)) * scales + 0.3 * labels[:, None]
  return features.astype(np.float32), labels


def _distance(ours, theirs):
  return fid.frechet_distance(*fid.statistics(ours), *fid.statistics(theirs))


def test_each_class_is_compared_with_the_same_class():
  ours, our_labels = _images(0, [40, 9, 33])
  theirs, their_labels = _images(1, [60, 12, 5])
  distances = class_frechet(ours, our_labels, theirs, their_labels, 3)
  expected = [_distance(ours[our_labels == k], theirs[their_labels == k]) for k in range(3)]
  np.testing.assert_allclose(distances, expected, rtol=1e-6)


def test_groups_are_compared_as_one_set():
  ours, our_labels = _images(0, [40, 9, 3, 0])
  theirs, their_labels = _images(1, [60, 12, 5, 4])
  groups = {'many': np.array([0]), 'few': [2, 1, 3], 'none': []}
  distances = group_frechet(ours, our_labels, theirs, their_labels, groups)
  assert list(distances) == ['many', 'few', 'none']
  few = _distance(ours[our_labels > 0], theirs[their_labels > 0])
  assert distances['few'] == pytest.approx(few, rel=1e-6)
  many = _distance(ours[our_labels == 0], theirs[their_labels == 0])
  assert distances['many'] == pytest.approx(many, rel=1e-6)
  assert np.isnan(distances['none'])


def test_classes_with_fewer_than_two_images_are_nan():
  ours, our_labels = _images(0, [5, 1, 5, 0])
  theirs, their_labels = _images(1, [5, 5, 0, 0])
  distances = class_frechet(ours, our_labels, theirs, their_labels, 4)
  assert np.isnan(distances).tolist() == [False, True, True, True]
  traces = class_covariance_trace(ours, our_labels, 4)
  assert np.isnan(traces).tolist() == [False, True, False, True]


def test_covariance_trace_worked_by_hand():
  features = np.array([[0, 0], [7, 7], [2, 4], [7, 7], [4, 2]], np.float32)
  # Deviations (-2, -2), (0, 2), (2, 0): 16 / 2. The other class is one point.
  np.testing.assert_allclose(class_covariance_trace(features, [1, 0, 1, 0, 1], 2), [0, 8])


def test_covariance_trace_equals_the_trace_and_ignores_the_mean():
  features, labels = _images(0, [20, 50])
  expected = [np.trace(fid.statistics(features[labels == k])[1]) for k in range(2)]
  np.testing.assert_allclose(class_covariance_trace(features, labels, 2), expected, rtol=1e-6)
  moved = class_covariance_trace(features + 5, labels, 2)
  np.testing.assert_allclose(moved, expected, rtol=1e-5)


def test_labels_that_do_not_fit_raise():
  features, labels = _images(0, [4, 4])
  with pytest.raises(ValueError, match=r'real features .* labels of shape \[7\]: expected'):
    class_frechet(features, labels, features, labels[:-1], 2)
  with pytest.raises(ValueError, match=r'labels in 0 \.\. 1: expected 0 \.\. 0'):
    class_frechet(features, labels, features, labels, 1)
  with pytest.raises(ValueError, match=r'labels in 0 \.\. 1: expected 0 \.\. 0'):
    class_covariance_trace(features, labels, 1)
  with pytest.raises(ValueError, match='generated features'):
    group_frechet(features[0], labels, features, labels, {'all': [0, 1]})
