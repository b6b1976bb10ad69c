"""Results of codes against values computed by hand: counts, neighbours, clusters."""

import math

import numpy as np
import pytest

from jaxgan.evaluation import code_results as measures
from jaxgan.evaluation.code_results import counts_results, nearest_neighbours


def test_results_by_hand():
  # Code 0 makes class 1 and code 1 class 0, with a quarter of the images of code 1 in class 1.
  results = counts_results(np.array([[0, 8], [6, 2]]), np.array([0.4, 0.6]), np.array([90, 10]))
  entropy_y = -3 / 8 * math.log(3 / 8) - 5 / 8 * math.log(5 / 8)
  entropy_cy = math.log(2) / 2 - 3 / 8 * math.log(3 / 8) - math.log(1 / 8) / 8
  information = math.log(2) + entropy_y - entropy_cy
  row = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
  column = -0.8 * math.log(0.8) - 0.2 * math.log(0.2)
  expected = {
    'nmi': 2 * information / (math.log(2) + entropy_y),
    'nmi_geometric': information / math.sqrt(math.log(2) * entropy_y),
    'ent': (row + column) / 4,
    'empty_codes_and_classes': 0,
    'matched_frequencies': [0.1, 0.9],
    'prior_distance': 0.3,
    'prior_kl': 0.1 * math.log(0.1 / 0.4) + 0.9 * math.log(0.9 / 0.6),
    'false_negative_share': 0.82,
  }
  for name, value in expected.items():
    assert results[name] == pytest.approx(value, rel=1e-6), name
  assert results['counts'] == [[0, 8], [6, 2]]
  assert results['matched_classes'] == [1, 0]


@pytest.mark.parametrize(
  ('counts', 'prior', 'train_counts', 'expected'),
  [
    # The second code has no class: all of its prior is too much.
    (
      [[10, 0], [9, 1], [0, 10]],
      [0.5, 0.3, 0.2],
      [75, 25],
      {
        'matched_classes': [0, -1, 1],
        'matched_frequencies': [0.75, 0.0, 0.25],
        'prior_distance': 0.3,
        'prior_kl': 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.2),
      },
    ),
    # The last class has no code: all of its frequency is missing from the prior.
    (
      [[10, 0, 0], [0, 10, 0]],
      [0.6, 0.4],
      [50, 30, 20],
      {
        'nmi': 1.0,
        'ent': 0.0,
        'empty_codes_and_classes': 1,
        'prior_distance': 0.2,
        'prior_kl': None,
      },
    ),
    # Without images, such a class is not missed.
    (
      [[10, 0, 0], [0, 10, 0]],
      [0.5, 0.5],
      [3, 1, 0],
      {'prior_distance': 0.25, 'prior_kl': 0.75 * math.log(1.5) + 0.25 * math.log(0.5)},
    ),
    # A prior that is right to the last bit is at distance 0, not a rounding error below.
    (np.eye(3), [0.7, 0.2, 0.1], [7, 2, 1], {'prior_distance': 0.0, 'prior_kl': 0.0}),
  ],
)
def test_results_of_other_numbers_of_codes(counts, prior, train_counts, expected):
  results = counts_results(np.array(counts), np.array(prior), np.array(train_counts))
  for name, value in expected.items():
    assert results[name] == (value if value is None else pytest.approx(value, rel=1e-6, abs=1e-12))
  assert results['prior_distance'] >= 0
  assert results['prior_kl'] is None or results['prior_kl'] >= 0


def test_nearest_neighbours_know_classes_that_lie_apart():
  labels = np.arange(50) % 3
  noise = np.random.default_rng(0).normal(size=(50, 4))
  assert nearest_neighbours(100 * labels[:, None] + noise, labels, seed=0) == 1.0


def test_nearest_neighbours_of_logits_and_of_features_have_names_of_their_own():
  labels = np.arange(50) % 3
  telling, useless = 100.0 * np.eye(3)[labels], np.zeros((50, 4))
  results = measures.nearest_neighbour_results(telling, useless, labels, 0)
  assert results.keys() == {'knn1_accuracy', 'knn1_accuracy_features'}
  assert results['knn1_accuracy'] == 1.0 > 0.6 > results['knn1_accuracy_features']
  results = measures.nearest_neighbour_results(useless, telling, labels, 0, '_random_weights')
  assert results['knn1_accuracy_features_random_weights'] == 1.0
  assert results['knn1_accuracy_random_weights'] < 0.6


def test_nearest_neighbours_of_a_seed_are_the_same_and_better_than_chance():
  labels = np.arange(200) % 4
  features = np.random.default_rng(0).normal(labels[:, None], 1.0, (200, 2))
  accuracies = [nearest_neighbours(features, labels, seed) for seed in range(5)]
  assert accuracies == [nearest_neighbours(features, labels, seed) for seed in range(5)]
  assert len(set(accuracies)) > 1
  assert np.mean(accuracies) > 1 / 4


def test_no_image_is_its_own_neighbour():
  labels = np.arange(50)
  assert nearest_neighbours(labels[:, None].astype(float), labels, seed=0) == 0.0


def test_clusters_and_assignments_are_scored_apart():
  rng = np.random.default_rng(0)
  labels = rng.integers(0, 4, 300)
  features = 10.0 * np.eye(4)[labels] + rng.normal(size=(300, 4))
  pairs = labels // 2
  results = measures.clustering_results(features, pairs, labels, 4, seed=0)
  assert results['kmeans_nmi'] == results['kmeans_ari'] == 1.0
  # I = log 2 of H(Y) = log 4 and H(C) = log 2, about.
  assert results['argmax_nmi'] == pytest.approx(2 / 3, abs=0.01)
  assert 0.3 < results['argmax_ari'] < 0.6
  few = measures.clustering_results(features, labels, labels, 2, seed=0)
  assert few['kmeans_nmi'] < 0.8
  assert few['argmax_ari'] == 1.0


def test_the_number_of_clustered_images_is_limited(monkeypatch):
  """The choice is seeded."""
  monkeypatch.setattr(measures, 'CLUSTERED', 40)
  seen = []
  k_means = measures.clustering.k_means
  monkeypatch.setattr(
    measures.clustering, 'k_means', lambda f, k, seed: seen.append(f) or k_means(f, k, seed)
  )
  labels = np.arange(400) % 2
  features = np.arange(400.0)[:, None]
  for seed in (0, 0, 1):
    measures.clustering_results(features, labels, labels, 2, seed)
  assert {chosen.shape for chosen in seen} == {(40, 1)}
  assert seen[0].max() > 350
  np.testing.assert_array_equal(seen[0], seen[1])
  assert len(np.unique(seen[0])) == 40
  assert not np.array_equal(seen[0], seen[2])
