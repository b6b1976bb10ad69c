"""Metrics: from features or counts to numbers, in float64 NumPy on the host.

    from jaxgan import metrics
    distance = metrics.frechet_distance(*metrics.statistics(generated), *metrics.statistics(real))

Call `metrics.prdc.prdc` through its module, which has the same name.
"""

from jaxgan.metrics import prdc
from jaxgan.metrics.accuracy import wilson_interval
from jaxgan.metrics.bootstrap import paired_interval, verdict
from jaxgan.metrics.class_distribution import (
  by_frequency,
  class_counts,
  class_groups,
  frequency_thirds,
  head_medium_tail,
  kl_from_uniform,
)
from jaxgan.metrics.clustering import agreement, k_means
from jaxgan.metrics.disentanglement import average_entropy, match_codes, nmi, num_empty
from jaxgan.metrics.fid import (
  Moments,
  accumulate,
  features_distance,
  frechet_distance,
  moments_statistics,
  statistics,
)
from jaxgan.metrics.kid import kernel_distance
from jaxgan.metrics.knn import nearest_neighbour_accuracy, nearest_neighbours
from jaxgan.metrics.memorisation import copying, nearest
from jaxgan.metrics.per_class import class_covariance_trace, class_frechet, group_frechet

__all__ = [
  'Moments',
  'accumulate',
  'agreement',
  'average_entropy',
  'by_frequency',
  'class_counts',
  'class_covariance_trace',
  'class_frechet',
  'class_groups',
  'copying',
  'features_distance',
  'frechet_distance',
  'frequency_thirds',
  'group_frechet',
  'head_medium_tail',
  'k_means',
  'kernel_distance',
  'kl_from_uniform',
  'match_codes',
  'moments_statistics',
  'nearest',
  'nearest_neighbour_accuracy',
  'nearest_neighbours',
  'nmi',
  'num_empty',
  'paired_interval',
  'prdc',
  'statistics',
  'verdict',
  'wilson_interval',
]
