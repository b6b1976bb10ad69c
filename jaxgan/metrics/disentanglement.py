"""Disentanglement: how well the codes of a generator stand for the classes.

All is computed from the count matrix of codes (rows) and classes (columns): how many of the images
generated from code i a classifier gives to class j. See "Elastic-InfoGAN: Unsupervised Disentangled
Representation Learning in Class-Imbalanced Data", Ojha et al. 2020, §4 (evaluation metrics).
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import entr

from jaxgan.metrics import checks


def average_entropy(counts):
  """ENT, the mean of -Σ_j p_j log p_j over the normalised rows and columns, in nats.

  0 when every code makes one class and every class has one code, log k when codes and classes are
  independent. An empty row or column has no entropy: it is left out, and `num_empty` tells how many
  there are. A class that no code makes is not punished, so read the two together.

  Args:
    counts: [k, K], codes by classes; K = k in the paper.

  Returns:
    A float.

  Raises:
    ValueError: `counts` is no matrix, is all zero, or holds a value that is negative or not
      finite.

  Example:
    >>> average_entropy([[9, 0], [0, 5]])
    0.0
  """
  counts = checks.counts(counts, ndim=2)
  return float(np.mean([_entropy(line) for line in (*counts, *counts.T) if line.any()]))


def num_empty(counts):
  """How many codes have no image and how many classes have none, together.

  Args:
    counts: [k, K], codes by classes; K = k in the paper.

  Returns:
    An int: empty rows + empty columns.

  Example:
    >>> num_empty([[9, 0], [5, 0]])  # No image is of the second class.
    1
  """
  counts = checks.counts(counts, ndim=2)
  return int(np.sum(~counts.any(axis=0)) + np.sum(~counts.any(axis=1)))


def nmi(counts, average_method='arithmetic'):
  """Normalised mutual information of code and class, I(C; Y) / mean(H(C), H(Y)).

  The same as scikit-learn's `normalized_mutual_info_score` of the labels that were counted. Its
  default was the geometric mean up to version 0.21 and is the arithmetic mean since 0.22: name the
  mean beside the number.

  Args:
    counts: [k, K], codes by classes; K = k in the paper.
    average_method: 'arithmetic', (H(C) + H(Y)) / 2, or 'geometric', sqrt(H(C) H(Y)).

  Returns:
    A float in [0, 1]. Where one of the two is constant it is 0, where both are it is 1, as in
    scikit-learn.

  Raises:
    ValueError: `counts` is no count matrix, see `average_entropy`.

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


def match_codes(counts):
  """The one-to-one matching of codes and classes that most images agree with.

  argmax over permutations π of Σ_i counts[i, π(i)], by the Hungarian method.

  Args:
    counts: [k, K], codes by classes.

  Returns:
    [k] integers, the class of each code: with k = K, a learned prior p [k] stands beside the class
    frequencies f [k] as (p, f[match_codes(counts)]). With more codes than classes, those that are
    left have -1.

  Raises:
    ValueError: as `average_entropy`.

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
  # Adding 0 makes the -0.0 of a single class 0.0.
  return float(entr(counts / counts.sum()).sum()) + 0.0
