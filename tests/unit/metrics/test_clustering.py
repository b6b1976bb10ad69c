"""Clustering: agreements worked out by hand, and k-means on separate blobs."""

import math

import numpy as np
import pytest

from jaxgan.metrics import disentanglement
from jaxgan.metrics.clustering import agreement, k_means


def test_the_numbers_of_clusters_do_not_matter():
  assert agreement([0, 0, 1, 1, 2], [7, 7, 0, 0, 3]) == (1.0, 1.0)


def test_agreement_by_hand():
  # Table [[2, 0, 0], [0, 1, 1]]: Σ C(n, 2) = 1, Σ C(a, 2) = 2 and Σ C(b, 2) = 1 of 6 pairs.
  nmi, ari = agreement([0, 0, 1, 1], [0, 0, 1, 2])
  assert ari == pytest.approx((1 - 2 / 6) / (3 / 2 - 2 / 6))
  # I = H(Y) = log 2, H(C) of (1/2, 1/4, 1/4) = 3/2 log 2.
  assert nmi == pytest.approx(2 / 2.5)
  # Clusters separate every pair of a class, which is worse than chance.
  _, ari = agreement([0, 0, 1, 1], [0, 1, 0, 1])
  assert ari == pytest.approx((0 - 4 / 6) / (2 - 4 / 6))


def test_agreement_of_one_cluster_and_of_chance_is_zero():
  labels = np.random.default_rng(0).integers(0, 10, 5000)
  assert agreement(labels, np.zeros(5000, int)) == pytest.approx((0.0, 0.0), abs=1e-12)
  nmi, ari = agreement(labels, np.random.default_rng(1).integers(0, 10, 5000))
  assert nmi < 0.01
  assert abs(ari) < 0.002


def test_agreement_follows_from_the_contingency_table():
  rng = np.random.default_rng(0)
  labels = rng.integers(0, 4, 300)
  clusters = np.where(rng.random(300) < 0.7, labels, rng.integers(0, 6, 300))
  table = np.zeros((6, 4))
  np.add.at(table, (clusters, labels), 1)
  nmi, ari = agreement(labels, clusters)
  assert nmi == pytest.approx(disentanglement.nmi(table))
  pairs = [
    sum(math.comb(int(n), 2) for n in part) for part in (table.flat, table.sum(0), table.sum(1))
  ]
  expected = pairs[1] * pairs[2] / math.comb(300, 2)
  assert ari == pytest.approx((pairs[0] - expected) / ((pairs[1] + pairs[2]) / 2 - expected))


def test_agreement_of_different_lengths_raises():
  with pytest.raises(ValueError, match='inconsistent numbers of samples'):
    agreement([0, 1], [0, 1, 2])


def test_k_means_finds_separate_clusters_and_depends_on_its_seed():
  rng = np.random.default_rng(0)
  labels = rng.integers(0, 5, 400)
  apart = 10.0 * np.eye(5)[labels] + rng.normal(size=(400, 5))
  assert agreement(labels, k_means(apart, 5, seed=0)) == (1.0, 1.0)
  noise = rng.normal(size=(400, 5))
  np.testing.assert_array_equal(k_means(noise, 5, seed=3), k_means(noise, 5, seed=3))
  assert set(k_means(noise, 7, seed=0)) == set(range(7))
  assert not np.array_equal(k_means(noise, 5, seed=0), k_means(noise, 5, seed=1))


def test_features_are_not_standardised():
  """The wide feature dominates, although it is independent of the class."""
  rng = np.random.default_rng(0)
  labels = np.arange(200) % 2
  features = np.stack([labels + 0.01 * rng.normal(size=200), rng.uniform(-100, 100, 200)], axis=1)
  assert abs(agreement(labels, k_means(features, 2, seed=0))[1]) < 0.1
  assert agreement(labels, k_means(features / features.std(axis=0), 2, seed=0))[1] > 0.9


def test_fewer_images_than_clusters():
  assert sorted(k_means(np.eye(3), 5, seed=0)) == [0, 1, 2]
