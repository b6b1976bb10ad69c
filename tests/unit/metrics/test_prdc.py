"""Precision, recall, density and coverage of points on a line, and against the `prdc` package."""

import numpy as np
import pytest

from jaxgan.metrics import prdc as prdc_lib
from jaxgan.metrics.prdc import PRDC, prdc


def _features(seed, count, dim=8, shift=0.0):
  return (np.random.default_rng(seed).normal(size=(count, dim)) + shift).astype(np.float32)


def _column(*values):
  return np.array(values, np.float32)[:, None]


def test_points_on_a_line():
  # Radii 1, 1, 2 of the real points and 1.5, 1.5, 17 of the generated points.
  real, generated = _column(0, 1, 3), _column(0.5, 2, 19)
  # 0.5 is in the balls of 0 and 1; 2 is in the ball of 3 but on the edge of 1's; 19 is in no ball.
  # 0 and 1 are in the ball of 0.5, 3 in the ball of 2. The balls of 0, 1 and 3 are not empty.
  assert prdc(real, generated, nearest_k=1) == pytest.approx(
    PRDC(precision=2 / 3, recall=1, density=3 / 3, coverage=1)
  )
  # With swapped sets: 0 is in the ball of 0.5, 1 in two, of 0.5 and 2, 3 in two balls, of 2 and 19.
  swapped = prdc(generated, real, nearest_k=1)
  assert swapped == pytest.approx(PRDC(precision=1, recall=2 / 3, density=5 / 3, coverage=1))


def test_the_edge_of_a_ball_is_outside():
  # The radius of 1 is its distance to 0, which is also its distance to 2.
  assert prdc(_column(0, 1), _column(2, 10), nearest_k=1).coverage == 0


def test_the_second_neighbour():
  # Radii 3, 2, 3, 6 at k = 2; 1.5 is in the balls of 0, 1, 3, 7 (5.5 < 6), 9 only in the ball of 7.
  result = prdc(_column(0, 1, 3, 7), _column(1.5, 9, 100), nearest_k=2)
  assert result.precision == pytest.approx(2 / 3)
  assert result.density == pytest.approx(5 / 2 / 3)
  assert result.coverage == 1


def test_a_set_and_itself():
  features = _features(0, 60)
  # Each image is in its own ball, with k - 1 neighbours strictly inside.
  assert prdc(features, features) == PRDC(precision=1, recall=1, density=1, coverage=1)


def test_distant_sets_share_nothing():
  assert prdc(_features(0, 20), _features(1, 30, shift=50)) == PRDC(0, 0, 0, 0)


def test_copies_of_one_real_image_have_precision_without_recall():
  real = _features(0, 40)
  result = prdc(real, np.repeat(real[:1], 30, axis=0))
  assert result.precision == 1
  assert result.recall == 0
  assert result.coverage < 0.5


def test_outliers_raise_recall_but_not_coverage():
  real = _features(0, 60)
  near = np.repeat(real[:1], 20, axis=0) + _features(1, 20) * 1e-3
  outliers = np.concatenate([near[:10], _features(2, 10) * 100])
  assert prdc(real, near, nearest_k=3).recall < 0.1
  assert prdc(real, outliers, nearest_k=3).recall > 0.9
  assert prdc(real, outliers, nearest_k=3).coverage < 0.5


def test_order_and_common_shifts_do_not_matter():
  real, generated = _features(0, 50), _features(1, 70, shift=0.5)
  expected = prdc(real, generated)
  assert 0 < expected.coverage < 1
  assert prdc(real[::-1], generated[::-1]) == pytest.approx(expected)
  assert prdc(real + 3, generated + 3) == pytest.approx(expected)


def test_chunks_do_not_matter(monkeypatch):
  real, generated = _features(0, 50), _features(1, 70, shift=0.5)
  expected = prdc(real, generated)
  monkeypatch.setattr(prdc_lib, '_CHUNK_MIB', 70 * 8 * 7 / 2**20)  # 7 rows of 70 distances
  assert len(list(prdc_lib._distances(real, generated))) > 5
  assert prdc(real, generated) == expected


def test_bad_features_raise():
  with pytest.raises(ValueError, match='with at least 6 images'):
    prdc(_features(0, 5), _features(1, 9))
  with pytest.raises(ValueError, match='of 8 and 3 dimensions'):
    prdc(_features(0, 9), _features(1, 9, dim=3))
  with pytest.raises(ValueError, match='NaN'):
    prdc(_features(0, 9), np.full((9, 8), np.nan))


@pytest.mark.slow
@pytest.mark.parametrize(('nearest_k', 'dim', 'shift'), [(3, 64, 0.0), (5, 2048, 0.0), (5, 8, 1.0)])
def test_matches_the_prdc_package(nearest_k, dim, shift):
  reference = pytest.importorskip('prdc')
  real, generated = _features(0, 300, dim), 0.97 * _features(1, 400, dim, shift)
  expected = reference.compute_prdc(real, generated, nearest_k)
  assert prdc(real, generated, nearest_k=nearest_k)._asdict() == pytest.approx(expected)
