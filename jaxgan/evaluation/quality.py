"""Quality and diversity of generated images in the features of one network, also by class."""

from typing import Any

import numpy as np

from jaxgan.metrics import class_distribution, kid, per_class, prdc

KERNEL_SUBSETS, KERNEL_SUBSET_SIZE = 100, 1000
NEAREST_K, NEAREST_IMAGES = 5, 10_000
# Reference images whose largest class has more than this many times the images of the smallest are
# weighted. The published references lie below: the digits of MNIST's test split have 892 to 1,135.
UNEVEN = 2.0
EVERY_CLASS_EQUALLY = 'every class counts equally'


def class_weights(labels: np.ndarray) -> np.ndarray | None:
  """Returns weights of sum 1 with which every class counts equally, for uneven classes.

  Args:
    labels: int `[N]`; classes without images do not count.

  Returns:
    float64 `[N]`; None for classes of similar size, see `UNEVEN`.
  """
  _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
  if counts.max() <= UNEVEN * counts.min():
    return None
  return 1 / (len(counts) * counts[inverse])


def protocol(num_generated: int, num_real: int) -> dict[str, int]:
  """Returns the settings of `quality` for these numbers of images."""
  return {
    'kid_subsets': KERNEL_SUBSETS,
    'kid_subset_images': min(KERNEL_SUBSET_SIZE, num_generated, num_real),
    'prdc_nearest': NEAREST_K,
    'prdc_images': min(num_generated, num_real, NEAREST_IMAGES),
  }


def quality(generated: np.ndarray, real: np.ndarray) -> dict[str, Any]:
  """Measures quality and diversity of generated images in the features of one network.

  Args:
    generated: features `[N, D]`, in random order.
    real: features `[M, D]`.

  Returns:
    'kid' and 'kid_std' (over subsets); 'precision', 'recall', 'density' and 'coverage', None for
    too few images.
  """
  distance, deviation = kid.kernel_distance(
    generated, real, num_subsets=KERNEL_SUBSETS, subset_size=KERNEL_SUBSET_SIZE
  )
  # Precision and recall depend on the numbers of images: use equally many of both.
  size = protocol(len(generated), len(real))['prdc_images']
  chosen = np.sort(np.random.default_rng(0).permutation(len(real))[:size])
  nearest = dict.fromkeys(prdc.PRDC._fields)
  if size > NEAREST_K:
    nearest = prdc.prdc(real[chosen], generated[:size], nearest_k=NEAREST_K)._asdict()
  return {'kid': distance, 'kid_std': deviation, **nearest}


def by_class(
  generated: np.ndarray,
  generated_labels: np.ndarray,
  real: np.ndarray,
  real_labels: np.ndarray,
  train_counts: np.ndarray,
) -> dict[str, Any]:
  """Measures distances and diversity by class in the features of one network.

  Args:
    generated: features `[N, D]`.
    generated_labels: int `[N]`.
    real: features `[M, D]`.
    real_labels: int `[M]`.
    train_counts: training images of each class `[K]`.

  Returns:
    'class_frechet' `[K]`, 'thirds_frechet' (head, medium, tail), 'groups_frechet' (many, medium,
    few), 'class_covariance_trace' and 'class_covariance_trace_reference' `[K]`; NaN if undefined.
  """
  num_classes, labelled = len(train_counts), (generated, generated_labels, real, real_labels)
  thirds = class_distribution.frequency_thirds(train_counts)
  groups = class_distribution.class_groups(train_counts)
  trace = per_class.class_covariance_trace
  return {
    'class_frechet': per_class.class_frechet(*labelled, num_classes),
    'thirds_frechet': list(per_class.group_frechet(*labelled, thirds).values()),
    'groups_frechet': list(per_class.group_frechet(*labelled, groups).values()),
    'class_covariance_trace': trace(generated, generated_labels, num_classes),
    'class_covariance_trace_reference': trace(real, real_labels, num_classes),
  }
