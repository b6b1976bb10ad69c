"""Kernel distance: values worked out by hand, its properties and torch-fidelity's value."""

import numpy as np
import pytest

from jaxgan.metrics.kid import kernel_distance


def _features(seed, count, dim=16, shift=0.0):
  rng = np.random.default_rng(seed)
  return np.maximum(rng.normal(size=(count, dim)) + shift, 0).astype(np.float32)


def test_two_pairs_worked_by_hand():
  # k = (xy + 1)^3: k(0, 1) = 1 within the generated, k(2, 3) = 343 within the real; across
  # k(0, 2) = k(0, 3) = 1, k(1, 2) = 27, k(1, 3) = 64.
  mean, std = kernel_distance([[0.0], [1.0]], [[2.0], [3.0]], num_subsets=3)
  assert mean == pytest.approx(1 + 343 - 2 * (1 + 1 + 27 + 64) / 4)
  assert std == pytest.approx(0, abs=1e-9)


def test_the_product_is_divided_by_the_dimensions():
  # x·y / D is 1 within the generated, 4 within the real and 2 across.
  mean, _ = kernel_distance(np.ones((2, 5)), np.full((2, 5), 2), num_subsets=1)
  assert mean == pytest.approx(2**3 + 5**3 - 2 * 3**3)


def test_the_distance_is_near_zero_for_one_distribution_and_positive_for_two():
  mean, std = kernel_distance(_features(0, 400), _features(1, 400), subset_size=100)
  assert abs(mean) < std
  shifted, _ = kernel_distance(_features(0, 400), _features(1, 400, shift=0.5), subset_size=100)
  assert shifted > 10 * std


def test_the_size_of_subsets_causes_no_bias():
  small, _ = kernel_distance(
    _features(0, 2000), _features(1, 2000, shift=0.5), subset_size=20, num_subsets=1000
  )
  large, _ = kernel_distance(
    _features(0, 2000), _features(1, 2000, shift=0.5), subset_size=500, num_subsets=10
  )
  assert small == pytest.approx(large, rel=0.05)


def test_the_distance_of_whole_sets_does_not_depend_on_their_order():
  ours, theirs = _features(0, 30), _features(1, 40, shift=0.2)[:30]
  mean, std = kernel_distance(ours, theirs, num_subsets=2)
  assert kernel_distance(ours[::-1], theirs, num_subsets=2)[0] == pytest.approx(mean, rel=1e-9)
  assert kernel_distance(theirs, ours, num_subsets=2)[0] == pytest.approx(mean, rel=1e-9)
  assert std == pytest.approx(0, abs=1e-9)


def test_subsets_depend_on_the_seed():
  ours, theirs = _features(0, 50), _features(1, 50)
  options = {'subset_size': 10, 'num_subsets': 5}
  assert kernel_distance(ours, theirs, **options) == kernel_distance(ours, theirs, **options)
  assert kernel_distance(ours, theirs, seed=1, **options) != kernel_distance(
    ours, theirs, **options
  )


def test_subsets_are_no_larger_than_the_smaller_set():
  ours, theirs = _features(0, 12), _features(1, 80)
  assert kernel_distance(ours, theirs) == kernel_distance(ours, theirs, subset_size=12)
  assert kernel_distance(ours, theirs)[1] > 0


def test_bad_features_raise():
  with pytest.raises(ValueError, match=r'shape \[1, 4\]: expected \[N, D\] with at least 2 images'):
    kernel_distance(np.ones((1, 4)), np.ones((9, 4)))
  with pytest.raises(ValueError, match='of 4 and 5 dimensions'):
    kernel_distance(np.ones((3, 4)), np.ones((3, 5)))
  with pytest.raises(ValueError, match='NaN or infinite'):
    kernel_distance(np.ones((3, 4)), np.full((3, 4), np.nan))


@pytest.mark.slow
@pytest.mark.parametrize('size', [50, 300])
def test_matches_torch_fidelity(size):
  torch = pytest.importorskip('torch')
  reference = pytest.importorskip('torch_fidelity.metric_kid')
  ours, theirs = _features(0, 300, 2048), _features(1, 400, 2048, shift=0.1)
  expected = reference.kid_features_to_metric(
    torch.from_numpy(ours).double(),
    torch.from_numpy(theirs).double(),
    kid_subsets=10,
    kid_subset_size=size,
    rng_seed=7,
    verbose=False,
  )
  mean, std = kernel_distance(ours, theirs, num_subsets=10, subset_size=size, seed=7)
  assert mean == pytest.approx(expected['kernel_inception_distance_mean'], rel=1e-9)
  assert std == pytest.approx(expected['kernel_inception_distance_std'], rel=1e-9)
