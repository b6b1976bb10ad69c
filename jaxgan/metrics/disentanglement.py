"""Disentanglement: how well the codes of a generator represent the classes.

All metrics are computed from the count matrix of codes (rows) and classes (columns): entry (i, j)
counts the images generated from code i that a classifier predicts as class j. See "Elastic-InfoGAN:
Unsupervised Disentangled Representation Learning in Class-Imbalanced Data", Ojha et al. 2020, §4
(evaluation metrics).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from scipy.special import entr

from jaxgan.metrics import checks


def average_entropy(counts: ArrayLike) -> float:
  """ENT, the mean of -Σ_j p_j log p_j over the normalised rows and columns, in nats.

  0 when every code generates one class and every class has one code, log k when codes and classes
  are independent. Empty rows and columns have no entropy and are left out, so a class that no code
  generates costs nothing: read ENT together with `num_empty`.

  Args:
    counts: [k, K], codes by classes; K = k in the paper.

  Returns:
    A float.

  Raises:
    ValueError: `counts` is not a matrix, is all 0, or has a negative or non-finite value.

  Example:
    >>> average_entropy([[9, 0], [0, 5]])
    0.0
  """
  counts = checks.counts(counts, ndim=2)
  return float(np.mean([_entropy(line) for line in (*counts, *counts.T) if line.any()]))


def num_empty(counts: ArrayLike) -> int:
  """Number of codes without images plus number of classes without images.

  Args:
    counts: [k, K], codes by classes; K = k in the paper.

  Returns:
    An int: empty rows + empty columns.

  Raises:
    ValueError: `counts` is not a count matrix, see `average_entropy`.

  Example:
    >>> num_empty([[9, 0], [5, 0]])  # No image is of the second class.
    1
  """
  counts = checks.counts(counts, ndim=2)
  return int(np.sum(~counts.any(axis=0)) + np.sum(~counts.any(axis=1)))


def nmi(counts: ArrayLike, average_method: str = 'arithmetic') -> float:
  """Normalised mutual information of code and class, I(C; Y) / mean(H(C), H(Y)).

  Equal to scikit-learn's `normalized_mutual_info_score` of the counted labels. Its default was the
  geometric mean up to version 0.21 and is the arithmetic mean since 0.22: report the kind of mean
  with the number.

  Args:
    counts: [k, K], codes by classes; K = k in the paper.
    average_method: 'arithmetic', (H(C) + H(Y)) / 2, or 'geometric', sqrt(H(C) H(Y)).

  Returns:
    A float in [0, 1]. As in scikit-learn it is 0 if either code or class is constant, and 1 if both
    are.

  Raises:
    ValueError: `counts` is not a count matrix, see `average_entropy`.

  Example:
    >>> round(nmi([[9, 1], [1, 9]]), 3)
    0.531
  """
  counts = checks.counts(counts, ndim=2)
  codes, classes = _entropy(counts.sum(axis=1)), _entropy(counts.sum(axis=0))
  if codes == 0.0 or classes == 0.0:
    return float(codes == classes)
  information = max(0.0, codes + classes - _entropy(counts.ravel()))
  means = {'arithmetic': (codes + classes) / 2, 'geometric': np.sqrt(codes * classes)}
  return min(1.0, float(information / means[average_method]))


def match_codes(counts: ArrayLike) -> np.ndarray:
  """One-to-one matching of codes and classes that agrees with the most images.

  argmax over permutations π of Σ_i counts[i, π(i)], by the Hungarian method. With k = K, compare a
  learned prior p [k] with the class frequencies f [K] as (p, f[match_codes(counts)]).

  Args:
    counts: [k, K], codes by classes.

  Returns:
    [k] integers, the class of each code; -1 for codes without a class (k > K).

  Raises:
    ValueError: `counts` is not a count matrix, see `average_entropy`.

  Example:
    >>> match_codes([[1, 9], [8, 2]]).tolist()
    [1, 0]
  """
  counts = checks.counts(counts, ndim=2)
  classes = np.full(len(counts), -1)
  rows, columns = linear_sum_assignment(counts, maximize=True)
  classes[rows] = columns
  return classes


def _entropy(counts):
  # Adding 0 turns the -0.0 of a single class into 0.0.
  return float(entr(counts / counts.sum()).sum()) + 0.0
