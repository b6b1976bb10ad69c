"""Fréchet distance between feature statistics, and how to gather the statistics.

The Fréchet inception distance (FID) fits one Gaussian to the features of real
images and one to the features of generated images, and measures the distance
of the two Gaussians. Everything here is float64 NumPy on the host; the features
come from `jaxgan.networks.inception`.

See "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
Equilibrium" by Heusel et al. (2017), https://arxiv.org/abs/1706.08500.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
import scipy.linalg

from jaxgan.metrics import checks


class Moments(NamedTuple):
  """Running sums of features; `moments_statistics` returns their mean and covariance.

  Attributes:
    count: number of features seen.
    shift: [D], subtracted from every feature before it is summed.
    total: [D], sum of the shifted features.
    outer: [D, D], sum of the outer products of the shifted features.
  """

  count: int  # pyright: ignore[reportIncompatibleMethodOverride]  # hides tuple.count, unused
  shift: np.ndarray
  total: np.ndarray
  outer: np.ndarray


def accumulate(moments: Moments | None, features: ArrayLike) -> Moments:
  """Adds a batch of features to running sums, in float64.

  total += Σ_i (x_i - s), outer += Σ_i (x_i - s)(x_i - s)^T, where the shift s is
  the mean of the first batch. The sums stay small, so no digits cancel when
  `moments_statistics` subtracts one from the other.

  Args:
    moments: the sums so far, or None to start.
    features: [N, D] features, N >= 1.

  Returns:
    The new sums; `moments` is unchanged.

  Raises:
    ValueError: features are not [N, D] and finite, N is 0, or D differs from the sums'.

  Example:
    >>> moments = accumulate(None, np.array([[0.0], [2.0]]))
    >>> moments = accumulate(moments, np.array([[4.0]]))
    >>> mean, cov = moments_statistics(moments)
    >>> mean.tolist(), cov.tolist()
    ([2.0], [[4.0]])
  """
  features = checks.features(features, dtype=np.float64)
  if moments is None:
    dim = features.shape[1]
    moments = Moments(0, features.mean(axis=0), np.zeros(dim), np.zeros((dim, dim)))
  shifted = features - moments.shift
  return Moments(
    moments.count + features.shape[0],
    moments.shift,
    moments.total + shifted.sum(axis=0),
    moments.outer + shifted.T @ shifted,
  )


def moments_statistics(moments: Moments) -> tuple[np.ndarray, np.ndarray]:
  """Mean and covariance of all accumulated features.

  With d = total / n: mean = s + d, cov = (outer - n d d^T) / (n - 1).

  Args:
    moments: sums from `accumulate`.

  Returns:
    mean [D] and covariance [D, D], float64, as from `statistics`.
  """
  offset = moments.total / moments.count
  cov = (moments.outer - moments.count * np.outer(offset, offset)) / (moments.count - 1)
  return moments.shift + offset, cov


def statistics(
  features: ArrayLike, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
  """Mean and unbiased covariance of features that fit in memory.

  mean = Σ_i x_i / N, cov = Σ_i (x_i - mean)(x_i - mean)^T / (N - 1). With weights w of sum 1,
  mean = Σ_i w_i x_i, cov = Σ_i w_i (x_i - mean)(x_i - mean)^T / (1 - Σ_i w_i²), the same for equal
  weights.

  Args:
    features: [N, D] features, N >= 2.
    weights: [N], positive; None for equal weights.

  Returns:
    mean [D] and covariance [D, D], float64.

  Raises:
    ValueError: features are not [N, D] and finite, or N < 2.

  Example:
    >>> mean, cov = statistics(np.array([[0.0, 0.0], [2.0, 0.0]]))
    >>> mean.tolist(), cov.tolist()
    ([1.0, 0.0], [[2.0, 0.0], [0.0, 0.0]])
  """
  features = checks.features(features, 2, np.float64)
  # np.cov returns a scalar for D = 1.
  cov = np.atleast_2d(np.cov(features, rowvar=False, aweights=weights))
  return np.average(features, axis=0, weights=weights), cov


def frechet_distance(
  mean1: np.ndarray, cov1: np.ndarray, mean2: np.ndarray, cov2: np.ndarray
) -> float:
  """Squared Fréchet (2-Wasserstein) distance between two Gaussians.

  |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^{1/2}), Heusel et al. (2017), Eq. 6.

  With C1 = F1 F1^T and C2 = F2 F2^T, Tr (C1 C2)^{1/2} is the sum of the singular
  values of F1^T F2. This avoids the root of a product that is not symmetric:
  singular covariances (fewer features than dimensions) need no offset, and no
  imaginary part can arise.

  Args:
    mean1: [D] mean of the first Gaussian.
    cov1: [D, D] covariance of the first Gaussian.
    mean2: [D] mean of the second Gaussian.
    cov2: [D, D] covariance of the second Gaussian.

  Returns:
    The distance, in squared feature units; 0 for equal Gaussians, up to rounding.

  Raises:
    ValueError: shapes disagree, or a covariance is not finite or not positive
      semi-definite (its root would be complex).

  Example:
    >>> mean, cov = np.zeros(2), np.eye(2)
    >>> round(frechet_distance(mean, cov, mean + 3.0, 4.0 * cov), 3)  # 2 * 9 + 2 * (1 - 2)².
    20.0
  """
  trace_root = _trace_of_root(_factor(cov1, 'cov1'), _factor(cov2, 'cov2'))
  difference = mean1 - mean2
  return float(difference @ difference + np.trace(cov1) + np.trace(cov2) - 2 * trace_root)


def features_distance(features1: ArrayLike, features2: ArrayLike) -> float:
  """Squared Fréchet distance between the Gaussians of two sets of features in memory.

  Equal to `frechet_distance` of their `statistics`. Centred features over sqrt(N - 1) are factors
  of the covariance, so with centred X [N, D] and Y [M, D],

    Tr (C1 C2)^{1/2} = sum of the singular values of X Y^T / sqrt((N - 1)(M - 1)).

  With at most as many features as dimensions, no [D, D] matrix is made: the few images of a rare
  class cost little.

  Args:
    features1: [N, D] features, N >= 2.
    features2: [M, D] features, M >= 2.

  Returns:
    The distance, in squared feature units.

  Raises:
    ValueError: features are not [N, D] and [M, D], are not finite, or a set has fewer than two.

  Example:
    >>> features = np.array([[0.0], [2.0]])
    >>> round(features_distance(features, features + 3.0), 3)
    9.0
  """
  features1, features2 = checks.two_sets(features1, features2, 2, np.float64)
  mean1, factor1 = _mean_and_factor(features1)
  mean2, factor2 = _mean_and_factor(features2)
  difference = mean1 - mean2
  traces = np.square(factor1).sum() + np.square(factor2).sum()
  return float(difference @ difference + traces - 2 * _trace_of_root(factor1, factor2))


def _trace_of_root(factor1: np.ndarray, factor2: np.ndarray) -> float:
  """Tr (C1 C2)^{1/2} of the covariances with factors [D, R1] and [D, R2]."""
  if not factor1.shape[1] or not factor2.shape[1]:
    return 0.0
  return np.sum(scipy.linalg.svdvals(factor1.T @ factor2))


def _mean_and_factor(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Mean [D] and F [D, R], R <= min(N, D), with F F^T the covariance of features [N, D]."""
  if features.shape[0] > features.shape[1]:
    mean, cov = statistics(features)
    return mean, _factor(cov, 'the covariance')
  mean = features.mean(axis=0)
  return mean, (features - mean).T / np.sqrt(features.shape[0] - 1)


def _factor(cov: np.ndarray, name: str) -> np.ndarray:
  """F [D, R] with F F^T = cov [D, D], R its numerical rank."""
  values, vectors = scipy.linalg.eigh(cov)
  scale = np.abs(values).max(initial=0.0)
  # Covariances that were summed in float32 are off by about 1e-7 of the largest value.
  if values.min(initial=0.0) < -1e-5 * scale:
    raise ValueError(
      f'{name} with eigenvalues from {values.min():.3g} to {values.max():.3g}: expected a positive '
      'semi-definite matrix, for example from jaxgan.metrics.fid.statistics'
    )
  # Smaller eigenvalues are rounding errors, but their roots would not be small.
  kept = values > len(values) * np.finfo(np.float64).eps * scale
  return vectors[:, kept] * np.sqrt(values[kept])
