"""Nearest neighbours of points worked out by hand, and against brute force."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.metrics.knn import nearest_neighbour_accuracy, nearest_neighbours

TRAIN = [[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]]


def test_nearest_neighbours_by_hand():
  # Squared distances 1, 9, 10; 12.25, 28.25, 0.25; the last query is the second training image.
  queries = jnp.array([[1.0, 0.0], [0.0, 3.5], [4.0, 0.0]])
  np.testing.assert_array_equal(
    nearest_neighbours(TRAIN, queries, 3), [[0, 1, 2], [2, 0, 1], [1, 0, 2]]
  )
  np.testing.assert_array_equal(nearest_neighbours(TRAIN, queries, 1), [[0], [2], [1]])


def test_nearest_neighbours_match_brute_force():
  rng = np.random.default_rng(0)
  train, queries = rng.normal(size=(300, 16)), rng.normal(size=(40, 16))
  distances = np.linalg.norm(train[None] - queries[:, None], axis=-1)
  np.testing.assert_array_equal(
    nearest_neighbours(train, queries, 5), np.argsort(distances, axis=1)[:, :5]
  )


def test_distant_features_do_not_lose_their_digits():
  # |a|² - 2ab + |b|² in float32 could not distinguish these neighbours.
  train = np.array([[1e4], [1e4 + 1], [1e4 + 2]])
  np.testing.assert_array_equal(nearest_neighbours(train, train + 0.25, 1), [[0], [1], [2]])


def test_nearest_neighbour_accuracy_by_hand():
  # The nearest are training images 0, 2 and 1, of classes 5, 9 and 5: two of three are right.
  queries = [[1.0, 0.0], [0.0, 3.5], [3.0, 0.0]]
  assert nearest_neighbour_accuracy(TRAIN, [5, 5, 9], queries, [5, 9, 7]) == pytest.approx(2 / 3)


def test_accuracy_is_one_for_separated_classes_and_chance_for_noise():
  rng = np.random.default_rng(0)
  labels = rng.integers(0, 10, 3000)
  noise = rng.normal(size=(3000, 10))
  train, test = slice(0, 2000), slice(2000, None)

  def accuracy(features):
    return nearest_neighbour_accuracy(
      features[train], labels[train], jnp.asarray(features[test]), jnp.asarray(labels[test])
    )

  assert accuracy(noise + 20 * np.eye(10)[labels]) > 0.99
  assert accuracy(noise) == pytest.approx(0.1, abs=4 * (0.1 * 0.9 / 1000) ** 0.5)


def test_accuracy_with_labels_of_another_length_raises():
  with pytest.raises(ValueError, match=r'train features .* labels of shape \[2\]: expected'):
    nearest_neighbour_accuracy(TRAIN, [0, 1], TRAIN, [0, 1, 2])
  with pytest.raises(ValueError, match=r'test features .* labels of shape \[3, 1\]: expected'):
    nearest_neighbour_accuracy(TRAIN, [0, 1, 2], TRAIN, [[0], [1], [2]])
