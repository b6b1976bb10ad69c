"""Generated beside real images, by the features of one network: quality, diversity, classes."""

import numpy as np

from jaxgan.metrics import class_distribution, kid, per_class, prdc

KERNEL_SUBSETS, KERNEL_SUBSET_SIZE = 100, 1000
NEAREST_K, NEAREST_IMAGES = 5, 10_000


def protocol(num_generated: int, num_real: int) -> dict:
  """The fields of an evaluation's protocol that say how `quality` compares so many images."""
  return {
    'kid_subsets': KERNEL_SUBSETS,
    'kid_subset_images': min(KERNEL_SUBSET_SIZE, num_generated, num_real),
    'prdc_nearest': NEAREST_K,
    'prdc_images': min(num_generated, num_real, NEAREST_IMAGES),
  }


def quality(generated, real) -> dict:
  """Quality and diversity of generated images, by features of one network.

  Args:
    generated: features `[N, D]`, in random order.
    real: features `[M, D]`.

  Returns:
    'kid' and 'kid_std' (over subsets), 'precision', 'recall',
    'density', 'coverage', which are None of too few images.
  """
  distance, deviation = kid.kernel_distance(
    generated, real, num_subsets=KERNEL_SUBSETS, subset_size=KERNEL_SUBSET_SIZE
  )
  # Precision and recall depend on the numbers of images: as many of either side.
  size = protocol(len(generated), len(real))['prdc_images']
  chosen = np.sort(np.random.default_rng(0).permutation(len(real))[:size])
  nearest = dict.fromkeys(prdc.PRDC._fields)
  if size > NEAREST_K:
    nearest = prdc.prdc(real[chosen], generated[:size], nearest_k=NEAREST_K)._asdict()
  return {'kid': distance, 'kid_std': deviation, **nearest}


def by_class(generated, generated_labels, real, real_labels, train_counts) -> dict:
  """Distances and diversity by class, by features of one network.

  Args:
    generated: features `[N, D]`.
    generated_labels: int `[N]`.
    real: features `[M, D]`.
    real_labels: int `[M]`.
    train_counts: training images of each class `[K]`.

  Returns:
    NaN where a number is not defined: 'class_frechet' `[K]`, 'thirds_frechet' (head, medium, tail)
    and 'groups_frechet' (many, medium, few), 'class_covariance_trace' and
    'class_covariance_trace_reference' `[K]`.
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
