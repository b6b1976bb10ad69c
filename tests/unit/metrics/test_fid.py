"""The Fréchet distance and the statistics that it compares."""

import numpy as np
import pytest
import scipy.linalg

from jaxgan.metrics import fid


def _features(seed: int, count: int, dim: int, shift: float = 0.0) -> np.ndarray:
  """Correlated, non-negative features, as from a ReLU network."""
  rng = np.random.default_rng(seed)
  mix = np.random.default_rng(99).normal(size=(dim, dim)) / np.sqrt(dim)
  return np.maximum(rng.normal(size=(count, dim)) @ mix + shift, 0).astype(np.float32)


def test_the_distance_of_equal_gaussians_is_zero():
  mean, cov = fid.statistics(_features(0, 50, 6))
  assert fid.frechet_distance(mean, cov, mean, cov) == pytest.approx(0, abs=1e-12)


def test_the_distance_of_shifted_gaussians_is_the_squared_distance_of_means():
  cov = np.array([[2.0, 0.5], [0.5, 1.0]])
  # 3^2 + 4^2
  distance = fid.frechet_distance(np.array([1.0, 1.0]), cov, np.array([4.0, -3.0]), cov)
  assert distance == pytest.approx(25, abs=1e-12)


def test_the_distance_of_diagonal_covariances_is_the_squared_distance_of_roots():
  zeros = np.zeros(3)
  # Standard deviations (1, 2, 3) and (3, 5, 3): 2^2 + 3^2 + 0^2.
  distance = fid.frechet_distance(zeros, np.diag([1.0, 4.0, 9.0]), zeros, np.diag([9.0, 25.0, 9.0]))
  assert distance == pytest.approx(13, abs=1e-12)


def test_point_masses_and_singular_covariances():
  zeros = np.zeros(2)
  # For orthogonal lines the root vanishes: only the traces 1 + 4 remain.
  distance = fid.frechet_distance(zeros, np.diag([1.0, 0.0]), zeros, np.diag([0.0, 4.0]))
  assert distance == pytest.approx(5, abs=1e-12)
  points = fid.frechet_distance(zeros, np.zeros((2, 2)), np.ones(2), np.zeros((2, 2)))
  assert points == pytest.approx(2, abs=1e-12)


def test_covariances_that_do_not_commute():
  # For 2x2, Tr (C1 C2)^{1/2} = sqrt(Tr(C1 C2) + 2 sqrt(det C1 det C2)) = sqrt(6 + 2 sqrt(3 * 2)).
  cov1, cov2 = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[3.0, -1.0], [-1.0, 1.0]])
  zeros = np.zeros(2)
  distance = fid.frechet_distance(zeros, cov1, zeros, cov2)
  assert distance == pytest.approx(4 + 4 - 2 * np.sqrt(6 + 2 * np.sqrt(6)), abs=1e-12)


@pytest.mark.parametrize('count', [3, 200])
def test_distance_is_symmetric(count):
  one, two = fid.statistics(_features(0, count, 8)), fid.statistics(_features(1, count, 8, 0.3))
  forward, backward = fid.frechet_distance(*one, *two), fid.frechet_distance(*two, *one)
  assert forward == pytest.approx(backward, rel=1e-10)
  assert forward > 0.1


@pytest.mark.parametrize(
  ('mean2', 'cov2'),
  [(np.zeros(2), np.eye(3)), (np.zeros(3), np.eye(3)), (np.zeros(2), np.diag([1.0, np.nan]))],
)
def test_shapes_that_differ_and_nan_raise(mean2, cov2):
  with pytest.raises(ValueError, match=r'(mismatch|infs or NaNs)'):
    fid.frechet_distance(np.zeros(2), np.eye(2), mean2, cov2)


def test_a_covariance_with_a_negative_eigenvalue_raises():
  mean, cov = np.zeros(2), np.eye(2)
  with pytest.raises(ValueError, match='cov2 with eigenvalues from -1 to 1: expected a positive'):
    fid.frechet_distance(mean, cov, mean, np.diag([1.0, -1.0]))


def test_statistics_worked_by_hand():
  mean, cov = fid.statistics(np.array([[0, 0], [2, 4], [4, 2]], np.float32))
  np.testing.assert_array_equal(mean, [2, 2])
  # Deviations (-2, -2), (0, 2), (2, 0), divided by N - 1 = 2.
  np.testing.assert_allclose(cov, [[4, 2], [2, 4]])
  assert mean.dtype == cov.dtype == np.float64
  assert fid.statistics(np.array([[1.0], [3.0]]))[1].shape == (1, 1)


def test_accumulated_statistics_equal_the_statistics_of_all_features():
  # With a mean far from zero, unshifted sums would lose digits.
  features = _features(0, 500, 16) + np.float32(300)
  moments = None
  for batch in np.split(features, [7, 8, 200, 431]):
    moments = fid.accumulate(moments, batch)
  mean, cov = fid.moments_statistics(moments)
  assert moments.count == 500
  np.testing.assert_allclose(mean, features.astype(np.float64).mean(axis=0), rtol=1e-12)
  expected = np.cov(features.astype(np.float64), rowvar=False)
  assert np.abs(cov - expected).max() <= 1e-10 * np.abs(expected).max()


def test_accumulate_does_not_change_its_argument():
  first = fid.accumulate(None, _features(0, 5, 3))
  copies = [np.copy(part) for part in first]
  fid.accumulate(first, _features(1, 5, 3))
  for part, copy in zip(first, copies, strict=True):
    np.testing.assert_array_equal(part, copy)


def test_statistics_of_bad_features_raise():
  with pytest.raises(ValueError, match=r'shape \[1, 4\]: expected \[N, D\] with at least 2 images'):
    fid.statistics(np.ones((1, 4)))
  with pytest.raises(ValueError, match=r'shape \[4\]: expected \[N, D\] with at least 1 images'):
    fid.accumulate(None, np.ones(4))
  with pytest.raises(ValueError, match='NaN or infinite'):
    fid.accumulate(None, np.full((2, 4), np.nan))
  moments = fid.accumulate(None, np.ones((2, 4)))
  with pytest.raises(ValueError, match='could not be broadcast'):
    fid.accumulate(moments, np.ones((2, 3)))


@pytest.mark.parametrize(
  ('count1', 'count2', 'dim'), [(16, 2, 128), (16, 16, 16), (200, 9, 32), (90, 200, 32)]
)
def test_the_distance_of_features_is_the_distance_of_their_statistics(count1, count2, dim):
  one, two = _features(0, count1, dim), _features(1, count2, dim, 0.3)
  expected = fid.frechet_distance(*fid.statistics(one), *fid.statistics(two))
  assert fid.features_distance(one, two) == pytest.approx(expected, rel=1e-6)
  assert fid.features_distance(two, one) == pytest.approx(expected, rel=1e-6)


def test_the_distance_of_features_depends_neither_on_order_nor_on_a_common_shift():
  one, two = _features(0, 12, 32), _features(1, 20, 32, 0.3)
  expected = fid.features_distance(one, two)
  assert fid.features_distance(one[::-1], two[::-1]) == pytest.approx(expected, rel=1e-10)
  assert fid.features_distance(one + 2, two + 2) == pytest.approx(expected, rel=1e-5)
  assert fid.features_distance(one, one[::-1]) == pytest.approx(0, abs=1e-12)


def test_points_and_pairs_of_features_worked_by_hand():
  # Variances 2 and 8 along one line, means 1 and 2 apart by 1: 1 + (sqrt(8) - sqrt(2))^2.
  assert fid.features_distance([[0, 0], [2, 0]], [[0, 0], [4, 0]]) == pytest.approx(3)
  # Crossed lines: the traces 2 + 2 and the means' distance of 1 + 1.
  assert fid.features_distance([[0, 0], [2, 0]], [[0, 0], [0, 2]]) == pytest.approx(6)
  # Equal images have no variance; with more images than dimensions the covariance is used.
  assert fid.features_distance(np.zeros((3, 2)), np.ones((3, 2))) == pytest.approx(2)


def test_the_distance_of_bad_features_raises():
  with pytest.raises(ValueError, match=r'shape \[1, 4\]: expected \[N, D\] with at least 2 images'):
    fid.features_distance(np.ones((3, 4)), np.ones((1, 4)))
  with pytest.raises(ValueError, match='features of 4 and 5 dimensions: expected the same number'):
    fid.features_distance(np.ones((3, 4)), np.ones((3, 5)))
  for count in (3, 9):
    with pytest.raises(ValueError, match='NaN or infinite'):
      fid.features_distance(np.full((count, 4), np.nan), np.ones((3, 4)))


_SLOW = pytest.mark.slow


@pytest.mark.parametrize(
  ('count', 'dim'),
  [(300, 64), pytest.param(12, 64, marks=_SLOW), pytest.param(12, 512, marks=_SLOW)],
)
def test_distance_equals_the_formula_with_the_root_of_the_product(count, dim):
  """As in pytorch-fid; with fewer features than dimensions the covariances are singular."""
  one = fid.statistics(_features(0, count, dim))
  two = fid.statistics(_features(1, count, dim, 0.1))
  root = scipy.linalg.sqrtm(one[1] @ two[1]).real
  difference = one[0] - two[0]
  expected = difference @ difference + np.trace(one[1]) + np.trace(two[1]) - 2 * np.trace(root)
  assert fid.frechet_distance(*one, *two) == pytest.approx(expected, rel=1e-4)


def test_weighted_statistics_of_equal_weights_are_the_statistics():
  features = np.random.default_rng(0).normal(size=(50, 3))
  mean, cov = fid.statistics(features)
  weighted_mean, weighted_cov = fid.statistics(features, np.full(50, 1 / 50))
  np.testing.assert_allclose(weighted_mean, mean, atol=1e-12)
  np.testing.assert_allclose(weighted_cov, cov, atol=1e-12)


def test_weighted_statistics_by_hand():
  mean, cov = fid.statistics(np.array([[0.0], [0.0], [4.0]]), np.array([0.25, 0.25, 0.5]))
  assert mean.tolist() == [2.0]
  # (0.5 · 4 + 0.5 · 4) / (1 - 0.0625 - 0.0625 - 0.25).
  np.testing.assert_allclose(cov, [[4.0 / 0.625]])
