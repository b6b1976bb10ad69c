"""Checks of the inputs of metrics, so that wrong shapes and NaN never become numbers."""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike


def features(features: ArrayLike, least: int = 1, dtype: DTypeLike | None = None) -> np.ndarray:
  """Checks that features are finite and [N, D] with N >= least, and returns them as an array.

  Raises:
    ValueError: the features have another shape, too few images, or NaN or infinite values.
  """
  features = np.asarray(features, dtype)
  if features.ndim != 2 or len(features) < least:
    raise ValueError(
      f'features of shape {list(features.shape)}: expected [N, D] with at least {least} images, '
      'for example [5000, 2048]'
    )
  if not np.isfinite(features).all():
    raise ValueError('features with NaN or infinite values: expected finite numbers')
  return features


def two_sets(
  one: ArrayLike, two: ArrayLike, least: int, dtype: DTypeLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
  """Checks two sets of finite features, [N, D] and [M, D], and returns them as arrays.

  Raises:
    ValueError: one of them fails the check of `features`, or their dimensions differ.
  """
  one, two = features(one, least, dtype), features(two, least, dtype)
  if one.shape[1] != two.shape[1]:
    raise ValueError(
      f'features of {one.shape[1]} and {two.shape[1]} dimensions: expected the same number, from '
      'one network'
    )
  return one, two


def labelled(features: ArrayLike, labels: ArrayLike, name: str) -> tuple[np.ndarray, np.ndarray]:
  """Checks features [N, D] and their labels [N], and returns both as arrays.

  Args:
    features: [N, D].
    labels: [N].
    name: of the features, for error messages.

  Raises:
    ValueError: the features are not [N, D] or there is not one label per feature.
  """
  features, labels = np.asarray(features), np.asarray(labels)
  if features.ndim != 2 or labels.shape != features.shape[:1]:
    raise ValueError(
      f'{name} features of shape {list(features.shape)} with labels of shape {list(labels.shape)}: '
      'expected [N, D] and [N], for example [5000, 2048] and [5000]'
    )
  return features, labels


def counts(counts: ArrayLike, ndim: int = 1) -> np.ndarray:
  """Checks numbers of images, [K] by class or [k, K] by code and class; returns float64.

  Raises:
    ValueError: all are 0, a value is negative or not finite, or the number of axes is not `ndim`.
  """
  counts = np.asarray(counts, np.float64)
  if counts.ndim != ndim or not (np.isfinite(counts) & (counts >= 0)).all() or not counts.any():
    raise ValueError(
      f'counts={counts.tolist()}: expected {ndim} axes of finite numbers >= 0 that are not all 0, '
      f'for example {[[5, 0], [1, 4]] if ndim == 2 else [5, 1]}'
    )
  return counts
