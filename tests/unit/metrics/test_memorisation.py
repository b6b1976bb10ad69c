"""Memorisation: values worked out by hand, for copies and for distant images."""

import numpy as np
import pytest

from jaxgan.metrics.memorisation import copying, nearest


def test_nearest_image_and_its_distance():
  indices, distances = nearest([[0.0, 0.0], [3.0, 4.0]], [[3.0, 4.0], [0.0, 1.0], [3.0, 4.0001]])
  assert indices.tolist() == [1, 0, 1]
  np.testing.assert_allclose(distances, [0.0, 1.0, 1e-4], rtol=1e-2, atol=0)


@pytest.mark.parametrize(
  ('generated', 'held_out', 'expected'),
  [
    ([0.0, 0.0], [1.0, 2.0], 1.0),  # copies
    ([3.0, 4.0], [1.0, 2.0], 0.0),
    ([1.0, 2.0], [2.0, 1.0], 0.5),
    ([1.0, 3.0], [2.0], 0.5),
    ([1.0], [0.5, 1.0, 1.0, 2.0], (1 + 2 / 2) / 4),  # ties count half
  ],
)
def test_copying(generated, held_out, expected):
  assert copying(generated, held_out) == pytest.approx(expected)


def test_copying_without_images_is_none():
  assert copying([], [1.0]) is None
  assert copying([1.0], []) is None


def test_copying_is_the_mean_over_all_pairs():
  rng = np.random.default_rng(0)
  a, b = rng.integers(0, 9, 50), rng.integers(2, 12, 30)
  pairs = (a[:, None] < b) + (a[:, None] == b) / 2
  assert copying(a, b) == pytest.approx(pairs.mean())
