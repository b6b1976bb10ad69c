"""Disentanglement of count matrices worked out by hand, and against scikit-learn."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score

from jaxgan.metrics.disentanglement import average_entropy, match_codes, nmi, num_empty


def _labels(counts):
  """Labels of codes and of classes with these counts."""
  codes, classes = np.indices(counts.shape)
  return np.repeat(codes.ravel(), counts.ravel()), np.repeat(classes.ravel(), counts.ravel())


def test_average_entropy_of_a_perfect_generator_is_zero():
  counts = 1000 * np.eye(10)[np.random.default_rng(0).permutation(10)]
  assert str(average_entropy(counts)) == '0.0'
  assert average_entropy(jnp.asarray(counts)) == 0.0


def test_average_entropy_of_independent_codes_is_log_k():
  assert average_entropy(np.full((10, 10), 100)) == pytest.approx(math.log(10))


def test_average_entropy_by_hand():
  # Rows (3/4, 1/4) and (0, 1), columns (1, 0) and (1/5, 4/5).
  rows = -0.75 * math.log(0.75) - 0.25 * math.log(0.25) + 0.0
  columns = 0.0 - 0.2 * math.log(0.2) - 0.8 * math.log(0.8)
  assert average_entropy([[3, 1], [0, 4]]) == pytest.approx((rows + columns) / 4)
  # All rows have the same weight in ENT, whatever their number of images.
  assert average_entropy([[30, 10], [0, 40]]) == pytest.approx((rows + columns) / 4)


def test_empty_rows_and_columns_are_left_out_and_counted():
  # Rows (1/2, 1/2, 0) and (0, 1, 0), columns (1, 0, 0) and (1/3, 2/3, 0).
  counts = [[2, 2, 0], [0, 4, 0], [0, 0, 0]]
  expected = math.log(2) - math.log(1 / 3) / 3 - math.log(2 / 3) * 2 / 3
  assert average_entropy(counts) == pytest.approx(expected / 4)
  assert num_empty(counts) == 2
  assert num_empty([[1, 0], [1, 0]]) == 1
  assert num_empty(np.eye(4)) == 0


@pytest.mark.parametrize('average_method', ['arithmetic', 'geometric'])
@pytest.mark.parametrize(
  'counts',
  [
    np.random.default_rng(0).integers(0, 50, (10, 10)),
    np.random.default_rng(1).multinomial(1000, np.random.default_rng(1).dirichlet([0.1] * 10, 10)),
    np.diag([7, 3, 5]),
    np.array([[3, 1], [0, 4]]),
    np.full((3, 3), 7),  # independent
    np.array([[2, 2, 0], [0, 4, 0], [0, 0, 0]]),
    np.array([[5, 0], [5, 0]]),  # one class
    np.array([[5, 0], [0, 0]]),  # one code and one class
    np.array([[4, 0, 1], [0, 3, 3]]),  # fewer codes than classes
  ],
)
def test_nmi_matches_scikit_learn_on_the_labels(counts, average_method):
  expected = normalized_mutual_info_score(*_labels(counts), average_method=average_method)
  assert nmi(counts, average_method) == pytest.approx(expected, abs=1e-12)
  assert nmi(counts.T, average_method) == pytest.approx(expected, abs=1e-12)


def test_nmi_by_hand():
  # H(C) = log 2, H(Y) of (3/8, 5/8), H(C, Y) of (3/8, 1/8, 1/2).
  entropy_y = -3 / 8 * math.log(3 / 8) - 5 / 8 * math.log(5 / 8)
  entropy_cy = -3 / 8 * math.log(3 / 8) - math.log(1 / 8) / 8 - math.log(1 / 2) / 2
  information = math.log(2) + entropy_y - entropy_cy
  counts = [[3, 1], [0, 4]]
  assert nmi(counts) == pytest.approx(2 * information / (math.log(2) + entropy_y))
  assert nmi(counts, 'geometric') == pytest.approx(information / math.sqrt(math.log(2) * entropy_y))


def test_match_codes_finds_the_permutation_of_a_noisy_generator():
  rng = np.random.default_rng(0)
  permutation = rng.permutation(10)
  counts = 600 * np.eye(10)[permutation] + rng.integers(0, 400, (10, 10))
  np.testing.assert_array_equal(match_codes(counts), permutation)


def test_match_codes_assigns_different_classes_to_two_codes_of_one_class():
  # Both codes generate mostly class 0: 9 + 4 = 13 is more than 1 + 8.
  np.testing.assert_array_equal(match_codes([[9, 1], [8, 4]]), [0, 1])
  np.testing.assert_array_equal(match_codes(jnp.array([[9, 6], [8, 4]])), [1, 0])


def test_match_codes_with_more_codes_than_classes_and_more_classes_than_codes():
  counts = np.array([[0, 9], [8, 1], [2, 5]])
  np.testing.assert_array_equal(match_codes(counts), [1, 0, -1])
  np.testing.assert_array_equal(match_codes(counts.T), [1, 0])


def test_more_codes_than_classes_by_hand():
  # Three codes of one class each: H(C) = log 3, H(Y) of (2/3, 1/3) = I(C; Y).
  counts = [[4, 0], [4, 0], [0, 4]]
  entropy_y = math.log(3) - 2 / 3 * math.log(2)
  assert nmi(counts) == pytest.approx(2 * entropy_y / (math.log(3) + entropy_y))
  # The rows and the second column have no entropy, the first column log 2.
  assert average_entropy(counts) == pytest.approx(math.log(2) / 5)
  assert num_empty([[4, 0], [4, 0], [0, 0]]) == 2


def test_match_codes_aligns_frequencies_with_codes():
  frequencies = np.array([0.5, 0.3, 0.2])
  counts = np.array([[0, 90, 10], [5, 0, 95], [100, 0, 0]])
  np.testing.assert_array_equal(frequencies[match_codes(counts)], [0.3, 0.2, 0.5])


@pytest.mark.parametrize('metric', [average_entropy, num_empty, nmi, match_codes])
@pytest.mark.parametrize(
  'counts', [np.zeros((2, 3)), [[1, -1], [0, 1]], [[np.nan]], [1, 2], np.ones((2, 3, 1))]
)
def test_anything_but_a_count_matrix_raises(metric, counts):
  with pytest.raises(ValueError, match=r'counts=.*: expected 2 axes of finite numbers >= 0'):
    metric(counts)
