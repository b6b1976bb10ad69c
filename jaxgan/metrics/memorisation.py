"""Memorisation: whether generated images are nearer to training images than held-out ones are.

See "A Non-Parametric Test to Detect Data-Copying in Generative Models" by Meehan, Chaudhuri and
Dasgupta (2020), https://arxiv.org/abs/2004.05675.
"""

import numpy as np

from jaxgan.metrics import knn


def nearest(train_features, query_features):
  """The training image nearest to each query, by Euclidean distance of their features.

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
  # Not those of the search: it loses the digits of small ones.
  train = np.asarray(train_features, np.float64)[indices]
  return indices, np.linalg.norm(train - np.asarray(query_features, np.float64), axis=1)


def copying(generated_distances, held_out_distances):
  """How probably a generated image is nearer to a training image than a held-out one is.

  P(d < e) + P(d = e) / 2 of a generated image's distance d to its nearest training image and a
  held-out image's distance e to its own, the Mann-Whitney U statistic over the number of pairs:
  1/2 where both are alike, 1 where all generated images are nearer, as copies are. Images unlike
  the real ones are far from all of them: a small value is no sign of quality.

  Args:
    generated_distances: [M].
    held_out_distances: [N].

  Returns:
    A float in [0, 1]; None where a side has no image.

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
