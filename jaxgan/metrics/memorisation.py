"""Memorisation: whether generated images are nearer to training images than held-out images are.

See "A Non-Parametric Test to Detect Data-Copying in Generative Models" by Meehan, Chaudhuri and
Dasgupta (2020), https://arxiv.org/abs/2004.05675.
"""

import numpy as np
from numpy.typing import ArrayLike

from jaxgan.metrics import knn


def nearest(train_features: ArrayLike, query_features: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
  """Training image nearest to each query, by Euclidean distance of their features.

  Args:
    train_features: [N, D].
    query_features: [M, D].

  Returns:
    (indices of training images [M], distances float64 [M]).

  Example:
    >>> indices, distances = nearest([[0.0], [9.0]], [[7.0]])
    >>> indices.tolist(), distances.tolist()
    ([1], [2.0])
  """
  indices = knn.nearest_neighbours(train_features, query_features, 1)[:, 0]
  # Computed again in float64: the distances of the search lose the digits of small values.
  train = np.asarray(train_features, np.float64)[indices]
  return indices, np.linalg.norm(train - np.asarray(query_features, np.float64), axis=1)


def copying(generated_distances: ArrayLike, held_out_distances: ArrayLike) -> float | None:
  """Probability that a generated image is nearer to the training images than a held-out image is.

  P(d < e) + P(d = e) / 2 for the distances d of a generated and e of a held-out image to their
  nearest training images, the Mann-Whitney U statistic over the number of pairs: 1/2 if both are
  distributed alike, 1 if all generated images are nearer, as copies are. Images unlike any real
  image are far from all of them, so a small value is no sign of quality.

  Args:
    generated_distances: [M].
    held_out_distances: [N].

  Returns:
    A float in [0, 1]; None if M or N is 0.

  Example:
    >>> copying([0.0, 2.0], [1.0, 3.0])
    0.75
  """
  generated, held_out = np.ravel(generated_distances), np.sort(np.ravel(held_out_distances))
  if not (generated.size and held_out.size):
    return None
  nearer = held_out.size - np.searchsorted(held_out, generated, side='right')
  equal = held_out.size - np.searchsorted(held_out, generated, side='left') - nearer
  return float(np.mean(nearer + equal / 2) / held_out.size)
