"""Checks of what metrics are computed from: wrong shapes and NaN must not become numbers."""

import numpy as np


def features(features, least: int = 1, dtype=None) -> np.ndarray:
  """Finite features [N, D] of at least so many images.

  Raises:
    ValueError: they are not.
  """
  features = np.asarray(features, dtype)
  if features.ndim != 2 or len(features) < least:
    raise ValueError(
      f'features must be [N, D] of at least {least} images, not {list(features.shape)}'
    )
  if not np.isfinite(features).all():
    raise ValueError('the features hold NaN or infinite values')
  return features


def two_sets(one, two, least: int, dtype=None) -> tuple[np.ndarray, np.ndarray]:
  """Finite features [N, D] and [M, D].

  Raises:
    ValueError: they are not, or there are fewer than `least` on a side.
  """
  one, two = features(one, least, dtype), features(two, least, dtype)
  if one.shape[1] != two.shape[1]:
    raise ValueError(f'features of {one.shape[1]} and {two.shape[1]} dimensions have no distance')
  return one, two


def labelled(features, labels, name: str) -> tuple[np.ndarray, np.ndarray]:
  """Features [N, D] and their labels [N].

  Raises:
    ValueError: there is not one label for each feature; names the features.
  """
  features, labels = np.asarray(features), np.asarray(labels)
  if features.ndim != 2 or labels.shape != features.shape[:1]:
    raise ValueError(
      f'{name} features must be [N, D] with labels [N], got {list(features.shape)} and '
      f'{list(labels.shape)}'
    )
  return features, labels


def counts(counts, ndim: int = 1) -> np.ndarray:
  """Numbers of images as float64, by class [K] or by code and class [k, K].

  Raises:
    ValueError: there is no image, a value is negative or not finite, or there are other axes.
  """
  counts = np.asarray(counts, np.float64)
  if counts.ndim != ndim or not (np.isfinite(counts) & (counts >= 0)).all() or not counts.any():
    raise ValueError(
      f'counts must be finite and >= 0, of {ndim} axes, with at least one image, got {counts}'
    )
  return counts
