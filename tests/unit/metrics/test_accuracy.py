"""Intervals of accuracies."""

import pytest

from jaxgan.metrics import wilson_interval


@pytest.mark.parametrize(
  ('successes', 'trials', 'low', 'high'),
  [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
  ],
)
def test_the_interval_matches_published_examples(successes, trials, low, high):
  """Newcombe 1998, Two-Sided Confidence Intervals for the Single Proportion, Table I."""
  assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(('successes', 'trials'), [(0, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(successes, trials):
  with pytest.raises(ValueError, match=f'{successes} successes of {trials} trials: expected'):
    wilson_interval(successes, trials)
