"""Nearest neighbours: how much the features of a network tell about the classes of real images.

See "Elastic-InfoGAN: Unsupervised Disentangled Representation Learning in Class-Imbalanced Data",
Ojha et al. 2020, §3 of its supplement.
"""

import numpy as np
from numpy.typing import ArrayLike

from jaxgan.metrics import checks


def nearest_neighbour_accuracy(
  train_features: ArrayLike,
  train_labels: ArrayLike,
  test_features: ArrayLike,
  test_labels: ArrayLike,
) -> float:
  """1-NN accuracy, the share of test images whose nearest training image has the same class.

  E [y_{argmin_i ||f_i - f||} = y] with Euclidean distance (Table 4 of the supplement).

  Args:
    train_features: [N, D].
    train_labels: [N].
    test_features: [M, D].
    test_labels: [M].

  Returns:
    A float in [0, 1].

  Raises:
    ValueError: there is not one label per feature.

  Example:
    >>> nearest_neighbour_accuracy([[0.0], [9.0]], [0, 1], [[1.0], [2.0]], [0, 1])
    0.5
  """
  train_features, train_labels = checks.labelled(train_features, train_labels, 'train')
  test_features, test_labels = checks.labelled(test_features, test_labels, 'test')
  nearest = nearest_neighbours(train_features, test_features, 1)[:, 0]
  return float(np.mean(train_labels[nearest] == test_labels))


def nearest_neighbours(
  train_features: ArrayLike, query_features: ArrayLike, num: int
) -> np.ndarray:
  """Training images nearest to each query, by Euclidean distance of their features.

  Args:
    train_features: [N, D].
    query_features: [M, D]; a query that is also a training image is its own first neighbour.
    num: number of neighbours, at most N.

  Returns:
    [M, num] indices of training images, the nearest first.

  Example:
    >>> nearest_neighbours([[0.0], [9.0], [3.0]], [[1.0]], num=2).tolist()
    [[0, 2]]
  """
  from sklearn.neighbors import NearestNeighbors  # Takes a second to import.

  # Features have too many dimensions for search trees.
  search = NearestNeighbors(n_neighbors=num, algorithm='brute')
  search.fit(np.asarray(train_features, np.float32))
  # asarray is for pyright: scikit-learn has no stubs, and it infers a tuple.
  return np.asarray(
    search.kneighbors(np.asarray(query_features, np.float32), return_distance=False)
  )
