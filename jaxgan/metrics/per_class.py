"""Quality and diversity of single classes and of groups of classes, by the features of images.

A Fréchet distance of few images is large even between samples of one distribution (Chong & Forsyth,
"Effectively Unbiased FID and Inception Score and Where to Find Them", 2020): compare only values
with the same numbers of images.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from jaxgan.metrics import checks, class_distribution, fid


def class_frechet(
  generated: ArrayLike,
  generated_labels: ArrayLike,
  real: ArrayLike,
  real_labels: ArrayLike,
  num_classes: int,
) -> np.ndarray:
  """Fréchet distance between the generated and the real images of each class.

  The per-class or intra-FID, d_k = FID({x_i: y_i = k}, {x'_j: y'_j = k}), of "cGANs with
  Projection Discriminator" by Miyato & Koyama (2018), https://arxiv.org/abs/1802.05637, §4.

  Args:
    generated: [N, D] features.
    generated_labels: [N] integers, the classes that the images were generated for; with an
      unconditional generator, the classes that a classifier predicts.
    real: [M, D] features.
    real_labels: [M] integers.
    num_classes: K.

  Returns:
    float64 [K], in squared feature units; NaN for a class with fewer than two generated or two real
    images.

  Raises:
    ValueError: there is not one label per feature, or labels are not in 0 .. K - 1.

  Example:
    >>> features, labels = np.array([[0.0], [2.0], [5.0], [6.0]]), [0, 0, 1, 1]
    >>> distances = class_frechet(features + 3.0, labels, features, labels, num_classes=2)
    >>> distances.round(3).tolist()
    [9.0, 9.0]
  """
  class_distribution.class_counts(generated_labels, num_classes)
  class_distribution.class_counts(real_labels, num_classes)
  groups = {label: [label] for label in range(num_classes)}
  distances = group_frechet(generated, generated_labels, real, real_labels, groups)
  return np.array([distances[label] for label in groups])


def group_frechet(
  generated: ArrayLike,
  generated_labels: ArrayLike,
  real: ArrayLike,
  real_labels: ArrayLike,
  groups: Mapping,
) -> dict:
  """Fréchet distance between the generated and the real images of each group of classes.

  FID over the images whose class is in the group, such as FID-few over the rare classes.

  Args:
    generated: [N, D] features.
    generated_labels: [N] integers, as for `class_frechet`.
    real: [M, D] features.
    real_labels: [M] integers.
    groups: name -> class indices, for example from `class_distribution.class_groups`.

  Returns:
    Name -> distance as a float; NaN for a group with fewer than two generated or two real images.

  Raises:
    ValueError: there is not one label per feature.

  Example:
    >>> features, labels = np.array([[0.0], [2.0], [5.0], [6.0]]), [0, 0, 1, 1]
    >>> round(group_frechet(features + 3.0, labels, features, labels, {'few': [1]})['few'], 3)
    9.0
  """
  generated, generated_labels = checks.labelled(generated, generated_labels, 'generated')
  real, real_labels = checks.labelled(real, real_labels, 'real')
  distances = {}
  for name, classes in groups.items():
    ours = generated[np.isin(generated_labels, classes)]
    theirs = real[np.isin(real_labels, classes)]
    enough = min(len(ours), len(theirs)) >= 2
    distances[name] = fid.features_distance(ours, theirs) if enough else float('nan')
  return distances


def class_covariance_trace(features: ArrayLike, labels: ArrayLike, num_classes: int) -> np.ndarray:
  """Diversity of the images of each class: the trace of the covariance of their features.

  Tr C_k = Σ_{i: y_i = k} |x_i - m_k|² / (n_k - 1), with m_k the mean of the class; 0 if all its
  images are equal. It depends on the scale of the features: compare it with the trace of the real
  images of the class.

  Args:
    features: [N, D].
    labels: [N] integers.
    num_classes: K.

  Returns:
    float64 [K], in squared feature units; NaN for a class with fewer than two images.

  Raises:
    ValueError: there is not one label per feature, or labels are not in 0 .. K - 1.

  Example:
    >>> class_covariance_trace([[0.0], [2.0], [5.0], [5.0]], [0, 0, 1, 1], num_classes=2).tolist()
    [2.0, 0.0]
  """
  features, labels = checks.labelled(features, labels, 'the')
  counts = class_distribution.class_counts(labels, num_classes)
  traces = np.full(num_classes, np.nan)
  for label in np.flatnonzero(counts >= 2):
    traces[label] = features[labels == label].var(axis=0, ddof=1, dtype=np.float64).sum()
  return traces
