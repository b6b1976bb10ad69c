"""Whether one method beats another on the seeds that both were trained with."""

import numpy as np

# Below this all resamples are counted (up to six pairs), else as many are drawn.
_NUM_RESAMPLES = 50_000
_TAIL = (1 - 0.95) / 2


def paired_interval(ours, theirs):
  """95 % percentile bootstrap interval of the mean difference ours - theirs over paired seeds.

  The quantiles 2.5 % and 97.5 % of the mean of n differences drawn with replacement from
  the n that there are. See "An Introduction to the Bootstrap" by Efron & Tibshirani (1993), §13.3.
  All n^n resamples are counted where they are few, else they are drawn with a fixed seed.

  Few seeds make it optimistic: of three it is [least, greatest difference] at 95 %, and three
  differences have one sign by chance once in four times (2^(1 - n) for n).

  Args:
    ours: [n] values of one method.
    theirs: [n] values of the other with the same seeds, in the same order. Pairs of which either
      is NaN are left out.

  Returns:
    (low, high), two floats; both NaN for fewer than two pairs.

  Raises:
    ValueError: the two are not vectors of one length.

  Example:
    >>> low, high = paired_interval([1.1, 1.2, 1.0], [1.5, 1.4, 1.5])
    >>> round(low, 3), round(high, 3)
    (-0.5, -0.2)
  """
  ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
  if ours.ndim != 1 or ours.shape != theirs.shape:
    raise ValueError(
      f'ours {list(ours.shape)} and theirs {list(theirs.shape)} must be [n], a pair for each seed'
    )
  differences = ours - theirs
  differences = differences[~np.isnan(differences)]
  if differences.size < 2:
    return float('nan'), float('nan')
  means = differences[_resamples(differences.size)].mean(axis=1)
  # Values that occur, and the same ones with opposite signs when the methods change places.
  low = np.quantile(means, _TAIL, method='inverted_cdf')
  high = -np.quantile(-means, _TAIL, method='inverted_cdf')
  return float(low), float(high)


def verdict(ours, theirs, lower_is_better=True):
  """Whether a method is better or worse than another, as far as the paired seeds show it.

  Better or worse only where the 95 % `paired_interval` leaves 0 out.

  Args:
    ours: [n] values of one method.
    theirs: [n] values of the other with the same seeds, in the same order.
    lower_is_better: whether small values are good, as of distances.

  Returns:
    'better', 'worse' or 'no difference shown' (always so for fewer than two pairs).

  Raises:
    ValueError: as `paired_interval`.

  Example:
    >>> verdict([1.1, 1.2, 1.0], [1.5, 1.4, 1.5])
    'better'
  """
  low, high = paired_interval(ours, theirs)
  if low > 0 or high < 0:
    return 'better' if (high < 0) == lower_is_better else 'worse'
  return 'no difference shown'


def _resamples(num):
  """[R, n] indices with replacement: all n^n, or as many as are drawn."""
  if num**num <= _NUM_RESAMPLES:
    return np.indices((num,) * num).reshape(num, -1).T
  return np.random.default_rng(0).integers(num, size=(_NUM_RESAMPLES, num))
