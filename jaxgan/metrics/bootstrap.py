"""Comparison of two methods on the seeds that both were trained with."""

import numpy as np
from numpy.typing import ArrayLike

# Up to this number (six pairs) all resamples are counted; otherwise this many are drawn.
_NUM_RESAMPLES = 50_000
_TAIL = (1 - 0.95) / 2


def paired_interval(ours: ArrayLike, theirs: ArrayLike) -> tuple[float, float]:
  """95 % percentile bootstrap interval of the mean difference ours - theirs over paired seeds.

  The 2.5 % and 97.5 % quantiles of the mean of n differences, drawn with replacement from the n
  given differences. See "An Introduction to the Bootstrap" by Efron & Tibshirani (1993), §13.3. If
  there are few resamples, all n^n are counted; otherwise they are drawn with a fixed seed.

  The interval is optimistic for few seeds: for three, the 95 % interval is [smallest, largest
  difference], and three differences have the same sign by chance with probability 1/4 (2^(1 - n)
  for n).

  Args:
    ours: [n] values of one method.
    theirs: [n] values of the other method with the same seeds, in the same order. Pairs with a NaN
      are left out.

  Returns:
    (low, high), two floats; both NaN for fewer than two pairs.

  Raises:
    ValueError: ours and theirs are not vectors of the same length.

  Example:
    >>> low, high = paired_interval([1.1, 1.2, 1.0], [1.5, 1.4, 1.5])
    >>> round(low, 3), round(high, 3)
    (-0.5, -0.2)
  """
  ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
  if ours.ndim != 1 or ours.shape != theirs.shape:
    raise ValueError(
      f'ours of shape {list(ours.shape)} and theirs of shape {list(theirs.shape)}: expected two '
      'vectors of the same length with one value per seed, for example [5]'
    )
  differences = ours - theirs
  differences = differences[~np.isnan(differences)]
  if differences.size < 2:
    return float('nan'), float('nan')
  means = differences[_resamples(differences.size)].mean(axis=1)
  # Inverted CDF returns means that occur. Negation makes the interval antisymmetric in the methods.
  low = np.quantile(means, _TAIL, method='inverted_cdf')
  high = -np.quantile(-means, _TAIL, method='inverted_cdf')
  return float(low), float(high)


def verdict(ours: ArrayLike, theirs: ArrayLike, lower_is_better: bool = True) -> str:
  """Verdict of paired seeds: 'better' or 'worse' if the 95 % `paired_interval` excludes 0.

  Args:
    ours: [n] values of one method.
    theirs: [n] values of the other method with the same seeds, in the same order.
    lower_is_better: whether small values are good, such as distances.

  Returns:
    'better', 'worse' or 'no difference shown' (always for fewer than two pairs).

  Raises:
    ValueError: ours and theirs are not vectors of the same length.

  Example:
    >>> verdict([1.1, 1.2, 1.0], [1.5, 1.4, 1.5])
    'better'
  """
  low, high = paired_interval(ours, theirs)
  if low > 0 or high < 0:
    return 'better' if (high < 0) == lower_is_better else 'worse'
  return 'no difference shown'


def _resamples(num: int) -> np.ndarray:
  """Indices [R, n] of resamples with replacement: all n^n, or `_NUM_RESAMPLES` random ones."""
  if num**num <= _NUM_RESAMPLES:
    return np.indices((num,) * num).reshape(num, -1).T
  return np.random.default_rng(0).integers(num, size=(_NUM_RESAMPLES, num))
