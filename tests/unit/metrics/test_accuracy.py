"""Intervals of accuracies and the agreement of classifiers."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from jaxgan.metrics import cohens_kappa, same_share, wilson_interval


@pytest.mark.parametrize('trials', [1, 7, 136, 10_000])
def test_the_interval_matches_scipy(trials):
  for successes in {0, 1, trials // 3, trials - 1, trials}:
    expected = stats.binomtest(successes, trials).proportion_ci(method='wilson')
    assert wilson_interval(successes, trials) == pytest.approx(tuple(expected), abs=1e-12)


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


def test_agreement_matches_scikit_learn():
  rng = np.random.default_rng(0)
  ours = rng.integers(0, 5, 200)
  theirs = np.where(rng.random(200) < 0.6, ours, rng.integers(2, 7, 200))
  assert cohens_kappa(ours, theirs) == pytest.approx(cohen_kappa_score(ours, theirs), abs=1e-12)
  assert same_share(ours, theirs) == (ours == theirs).mean()


def test_a_frequent_class_alone_is_agreement_by_chance():
  ours, theirs = np.zeros(100, int), np.zeros(100, int)
  ours[0], theirs[1] = 1, 1
  assert same_share(ours, theirs) == 0.98
  assert cohens_kappa(ours, theirs) == pytest.approx(-0.01, abs=1e-3)
  assert np.isnan(cohens_kappa(np.zeros(3), np.zeros(3)))


@pytest.mark.parametrize(('ours', 'theirs'), [([], []), ([0, 1], [0]), ([[0]], [[0]])])
def test_labels_of_other_shapes_are_refused(ours, theirs):
  for measure in (same_share, cohens_kappa):
    with pytest.raises(ValueError, match='expected two vectors of the same length'):
      measure(ours, theirs)
