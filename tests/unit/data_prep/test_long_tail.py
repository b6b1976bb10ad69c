"""The long-tailed construction against hand-worked numbers."""

import hashlib
import struct

import numpy as np
import pytest

from data_prep import long_tail

PINNED = [15, 12, 13, 9, 14, 10, 8, 11]


def test_cifar10_counts():
  counts = long_tail.class_counts(5000, 10, 100)
  assert counts == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
  assert sum(counts) == 12406


@pytest.mark.parametrize(
  ('n_max', 'num_classes', 'ratio', 'expected'),
  [
    (8, 4, 8, [8, 4, 2, 1]),  # The steps are exactly 2.
    (100, 3, 4, [100, 50, 25]),
    (10, 3, 100, [10, 1, 0]),
    (7, 1, 100, [7]),
    (5, 3, 1, [5, 5, 5]),
    (33, 2, 3.3, [33, 10]),  # 33 / 3.3 is 10.000000000000002 or 9.99.. by luck.
  ],
)
def test_counts_by_hand(n_max, num_classes, ratio, expected):
  assert long_tail.class_counts(n_max, num_classes, ratio) == expected


@pytest.mark.parametrize('num_classes', [2, 5, 7, 10, 11, 100, 1010])
@pytest.mark.parametrize('ratio', [1, 10, 100, 500])
def test_last_class_is_exact(num_classes, ratio):
  counts = long_tail.class_counts(5000, num_classes, ratio)
  assert counts[-1] == 5000 // ratio
  assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize('ratio', [0.5, 0, -1, float('nan'), float('inf')])
def test_bad_ratio(ratio):
  with pytest.raises(ValueError, match=f'ratio .* got {ratio}'):
    long_tail.class_counts(10, 2, ratio)


def test_bad_sizes():
  with pytest.raises(ValueError, match='num_classes must be at least 1, got 5 and 0'):
    long_tail.class_counts(5, 0, 1)


@pytest.mark.parametrize(
  ('available', 'ratio', 'n_max'),
  # Ratio 4 over three classes needs n, n/2, n/4: 21 -> 21, 10, 5 and 22 -> 22, 11, 5.
  [([9, 7, 8], 1, 7), ([30, 10, 9], 4, 21), ([5, 100, 100], 4, 5), ([50, 0], 10, 9)],
)
def test_largest_n_max(available, ratio, n_max):
  assert long_tail.largest_n_max(available, ratio) == n_max


def test_selection_takes_the_counts_in_ascending_order():
  labels = np.random.default_rng(0).integers(0, 3, 300)
  chosen = long_tail.select_indices(labels, [50, 7, 0], seed=4)
  assert np.bincount(labels[chosen], minlength=3).tolist() == [50, 7, 0]
  assert (np.diff(chosen) > 0).all()
  np.testing.assert_array_equal(chosen, long_tail.select_indices(labels, [50, 7, 0], seed=4))
  assert not np.array_equal(chosen, long_tail.select_indices(labels, [50, 7, 0], seed=5))


def test_selection_is_pinned():
  # NumPy guarantees the raw stream of PCG64: these numbers must never change.
  labels = np.repeat([0, 1], 8)
  assert long_tail.shuffled_class(labels, 1, seed=0).tolist() == PINNED
  assert long_tail.select_indices(labels, [0, 3], seed=0).tolist() == sorted(PINNED[:3])


def test_smaller_counts_are_subsets_and_classes_are_independent():
  labels = np.repeat(np.arange(3), 40)
  large = long_tail.select_indices(labels, [40, 20, 10], seed=0)
  small = long_tail.select_indices(labels, [40, 5, 2], seed=0)
  assert set(small) <= set(large)
  # The ranks chosen within class 2 do not depend on how many images other classes have.
  alone = long_tail.select_indices(labels[40:], [0, 20, 10], seed=0)
  np.testing.assert_array_equal(alone[labels[40:][alone] == 2] + 40, large[labels[large] == 2])


def test_skip_makes_disjoint_splits():
  labels = np.repeat(np.arange(2), 10)
  test = long_tail.select_indices(labels, [3, 4], seed=0)
  train = long_tail.select_indices(labels, [7, 6], seed=0, skip=[3, 4])
  assert sorted([*test, *train]) == list(range(20))


def test_too_few_images_names_the_class_and_both_numbers():
  with pytest.raises(ValueError, match='class 1 has 2 images to choose from, 3 are'):
    long_tail.select_indices(np.array([0, 0, 1, 1]), [2, 3], seed=0)


def test_indices_sha256():
  expected = hashlib.sha256(struct.pack('<3q', 1, 2, 300)).hexdigest()
  assert long_tail.indices_sha256(np.array([1, 2, 300], np.int32)) == expected
  assert long_tail.indices_sha256(np.array([1, 2, 300], '>i8')) == expected
