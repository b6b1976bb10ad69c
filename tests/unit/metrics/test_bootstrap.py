"""Paired intervals against resamples counted by hand and SciPy's interval, and their verdicts."""

import numpy as np
import pytest
import scipy.stats

from jaxgan.metrics import bootstrap
from jaxgan.metrics.bootstrap import paired_interval, verdict


def test_interval_of_three_pairs_is_the_smallest_and_the_largest_difference():
  # Each extreme is one of 27 resamples, 3.7 % > 2.5 %.
  assert paired_interval([1, 2, 6], [0, 0, 0]) == pytest.approx((1, 6))
  assert paired_interval([11, 22, 36], [10, 20, 30]) == pytest.approx((1, 6))


def test_resamples_of_three_pairs_counted_by_hand(monkeypatch):
  # Sums of three draws from 1, 2, 6: 3 (1 of 27), 4 (3), 5 (3), 6 (1), 8 (3), 9 (6), 10 (3),
  # 13 (3), 14 (3), 18 (1). The fourth smallest of 27 is 4, the fourth largest 14.
  monkeypatch.setattr(bootstrap, '_TAIL', 0.125)
  assert paired_interval([1, 2, 6], [0, 0, 0]) == pytest.approx((4 / 3, 14 / 3))


@pytest.mark.parametrize('num', [6, 7, 12])
def test_agrees_with_scipy(num):
  rng = np.random.default_rng(num)
  ours, theirs = rng.normal(size=num), rng.normal(size=num)
  expected = scipy.stats.bootstrap(
    (ours - theirs,), np.mean, method='percentile', n_resamples=50_000
  ).confidence_interval
  spread = expected.high - expected.low
  assert paired_interval(ours, theirs) == pytest.approx(tuple(expected), abs=0.03 * spread)


@pytest.mark.parametrize('num', [3, 5, 9])
def test_swapping_the_methods_negates_the_interval(num):
  rng = np.random.default_rng(num)
  ours, theirs = rng.normal(size=num), rng.normal(size=num)
  low, high = paired_interval(ours, theirs)
  assert paired_interval(theirs, ours) == (-high, -low)
  assert paired_interval(ours, theirs) == (low, high)


def test_order_of_pairs_and_common_shifts_do_not_matter():
  ours, theirs = np.array([3.0, 1.0, 2.0, 5.0]), np.array([1.0, 2.0, 4.0, 3.0])
  expected = paired_interval(ours, theirs)
  assert paired_interval(ours[::-1], theirs[::-1]) == pytest.approx(expected)
  common = np.array([100.0, 0.0, 50.0, 7.0])
  assert paired_interval(ours + common, theirs + common) == pytest.approx(expected)


def test_pairs_with_a_missing_value_are_left_out():
  nan = float('nan')
  expected = paired_interval([1, 2, 6], [0, 0, 1])
  assert paired_interval([1, nan, 2, 6, 9], [0, 8, 0, 1, nan]) == expected
  assert np.isnan(paired_interval([1, nan], [0, 0])).all()
  assert np.isnan(paired_interval([], [])).all()


@pytest.mark.parametrize(
  ('ours', 'theirs', 'expected'),
  [
    ([5, 6, 7], [6, 8, 9], 'better'),
    ([6, 8, 9], [5, 6, 7], 'worse'),
    ([5, 6, 7], [6, 8, 6.9], 'no difference shown'),
    ([5, 6], [5, 6], 'no difference shown'),
    ([5, 6], [6, 6], 'no difference shown'),  # 0 itself is in the interval
    ([5], [50], 'no difference shown'),
    ([], [], 'no difference shown'),
    ([5, float('nan')], [50, 50], 'no difference shown'),
  ],
  ids=['lower', 'higher', 'signs-differ', 'equal', 'touches-0', 'one-pair', 'none', 'one-left'],
)
def test_verdicts(ours, theirs, expected):
  assert verdict(ours, theirs) == expected
  opposite = {'better': 'worse', 'worse': 'better'}.get(expected, expected)
  assert verdict(ours, theirs, lower_is_better=False) == opposite


def test_unpaired_values_raise():
  with pytest.raises(ValueError, match=r'ours of shape \[2\] and theirs of shape \[3\]: expected'):
    paired_interval([1, 2], [1, 2, 3])
