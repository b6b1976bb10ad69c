"""Precision, recall, density and coverage: separate numbers for fidelity and diversity.

See "Improved Precision and Recall Metric for Assessing Generative Models" by Kynkäänniemi et al.
(2019), https://arxiv.org/abs/1904.06991, and "Reliable Fidelity and Diversity Metrics for
Generative Models" by Naeem et al. (2020), https://arxiv.org/abs/2002.09797.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxgan.metrics import checks

_CHUNK_MIB = 128  # of distances at a time


class PRDC(NamedTuple):
  """Fidelity (precision, density) and diversity (recall, coverage) of generated images.

  The ball of an image reaches to its k-th nearest neighbour in its own set.

  Attributes:
    precision: share of generated images in the ball of a real image, in [0, 1].
    recall: share of real images in the ball of a generated image, in [0, 1].
    density: mean number of real balls that contain a generated image, over k; about 1 for equal
      distributions, and possibly above 1.
    coverage: share of real images whose ball contains a generated image, in [0, 1].
  """

  precision: float
  recall: float
  density: float
  coverage: float


def prdc(real: ArrayLike, generated: ArrayLike, *, nearest_k: int = 5) -> PRDC:
  """Precision, recall, density and coverage by nearest neighbours among features.

  r_i and s_j are the distances of real image x_i and of generated image y_j to their k-th nearest
  neighbour in their own set of N or M images, without themselves:

    precision = 1/M Σ_j [∃i: |x_i - y_j| < r_i]    recall = 1/N Σ_i [∃j: |x_i - y_j| < s_j]
    density = 1/(kM) Σ_ij [|x_i - y_j| < r_i]      coverage = 1/N Σ_i [∃j: |x_i - y_j| < r_i],

  as in the package `prdc` of Naeem et al. (strictly inside a ball). Distances are computed in
  chunks in float64 and compared in float32, so that equal distances compare equal. 10,000 against
  10,000 features of 2,048 dimensions take 22 s on two CPU cores and 0.35 GiB besides the features.

  Args:
    real: [N, D] features, N > k.
    generated: [M, D] features, M > k.
    nearest_k: k.

  Returns:
    A PRDC.

  Raises:
    ValueError: features are not [N, D] and [M, D], are not finite, or a set has no k-th neighbour.

  Example:
    >>> real = np.random.default_rng(0).normal(size=(100, 2))
    >>> prdc(real, real[:50]).precision, prdc(real, real + 9.0).precision
    (1.0, 0.0)
  """
  real, generated = checks.two_sets(real, generated, nearest_k + 1, np.float32)
  real_radii = np.concatenate([_kth(chunk, nearest_k) for chunk in _distances(real)])
  generated_radii = np.concatenate([_kth(chunk, nearest_k) for chunk in _distances(generated)])
  num_balls = np.zeros(len(generated), np.int64)
  recalled, covered = [], []
  start = 0
  for chunk in _distances(real, generated):
    radii = real_radii[start : start + len(chunk), None]
    start += len(chunk)
    num_balls += (chunk < radii).sum(axis=0)
    covered.append((chunk < radii).any(axis=1))
    recalled.append((chunk < generated_radii).any(axis=1))
  return PRDC(
    precision=float(np.mean(num_balls > 0)),
    recall=float(np.mean(np.concatenate(recalled))),
    density=float(np.mean(num_balls) / nearest_k),
    coverage=float(np.mean(np.concatenate(covered))),
  )


def _distances(rows: np.ndarray, columns: np.ndarray | None = None) -> Iterator[np.ndarray]:
  """Yields Euclidean distances of chunks of rows to all columns; None: to all rows."""
  from sklearn.metrics import pairwise_distances_chunked  # Takes a second to import.

  return pairwise_distances_chunked(rows, columns, working_memory=_CHUNK_MIB)


def _kth(distances: np.ndarray, k: int) -> np.ndarray:
  """Distances [n] to the k-th neighbour; the smallest in each row is the image itself."""
  return np.partition(distances, k, axis=1)[:, k]
