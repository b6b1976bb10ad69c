"""Class distribution of histograms worked out by hand."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.metrics.class_distribution import (
  class_counts,
  class_groups,
  frequency_thirds,
  head_medium_tail,
  kl_from_uniform,
)


def test_kl_of_histograms_by_hand():
  assert kl_from_uniform([7, 7, 7]) == 0.0
  assert kl_from_uniform([0, 9, 0, 0]) == pytest.approx(math.log(4))
  # 3/4 log(3/2) + 1/4 log(1/2)
  assert kl_from_uniform([3, 1]) == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5))
  assert kl_from_uniform(jnp.array([30, 10])) == pytest.approx(kl_from_uniform([3, 1]))


def test_kl_of_the_cifar10_training_split():
  counts = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
  shares = np.array(counts) / 12406
  assert kl_from_uniform(counts) == pytest.approx(np.sum(shares * np.log(shares * 10)))


@pytest.mark.parametrize('counts', [[0, 0], [], [1, -1], [1.0, np.nan], [[1, 2]]])
def test_kl_of_anything_but_a_histogram_raises(counts):
  with pytest.raises(ValueError, match='expected 1 axes of finite numbers >= 0'):
    kl_from_uniform(counts)


def test_class_counts():
  np.testing.assert_array_equal(class_counts([2, 0, 2, 2], 4), [1, 0, 3, 0])
  np.testing.assert_array_equal(class_counts(jnp.array([1, 1]), 2), [0, 2])
  np.testing.assert_array_equal(class_counts([], 2), [0, 0])


@pytest.mark.parametrize(
  ('labels', 'message'),
  [
    ([0, 3], r'labels in 0 \.\. 3: expected 0 \.\. 2, as num_classes=3'),
    ([-1, 0], r'labels in -1 \.\. 0: expected 0 \.\. 2'),
    ([0.5, 1.0], r'labels of type float64 and shape \[2\]: expected integers \[N\]'),
    ([[0, 1]], r'shape \[1, 2\]: expected integers \[N\]'),
  ],
)
def test_bad_labels_raise(labels, message):
  with pytest.raises(ValueError, match=message):
    class_counts(labels, 3)


def test_thirds_follow_the_training_frequency_not_the_labels():
  thirds = frequency_thirds([1, 100, 10, 50, 5, 20, 2])
  found = {name: third.tolist() for name, third in thirds.items()}
  assert found == {'head': [1, 3, 5], 'medium': [2, 4], 'tail': [6, 0]}


@pytest.mark.parametrize(('num_classes', 'bounds'), [(10, (3, 6)), (100, (33, 66)), (9, (3, 6))])
def test_groups_of_decreasing_counts_are_label_ranges(num_classes, bounds):
  groups = class_groups(np.arange(num_classes, 0, -1))
  many, few = bounds
  labels = list(range(num_classes))
  expected = {'many': labels[:many], 'medium': labels[many:few], 'few': labels[few:]}
  assert {name: group.tolist() for name, group in groups.items()} == expected
  # If K is a multiple of 3 they are the thirds.
  thirds = [t.tolist() for t in frequency_thirds(np.arange(num_classes, 0, -1)).values()]
  assert (thirds == list(expected.values())) == (num_classes % 3 == 0)


def test_groups_follow_the_training_frequency_not_the_labels():
  groups = class_groups([1, 100, 10, 50, 5])
  assert [group.tolist() for group in groups.values()] == [[1], [3, 2], [4, 0]]


def test_head_medium_tail():
  result = head_medium_tail([10, 60, 0, 20, 5, 5], train_counts=[5, 6, 1, 4, 2, 3])
  assert result == {'head': 0.7, 'medium': 0.25, 'tail': 0.05}
  assert head_medium_tail([3, 1], [9, 1])['tail'] == 0.0
