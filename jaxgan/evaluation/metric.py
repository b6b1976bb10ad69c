"""Metrics: each is declared once for the log, the record, the report and the verdicts.

Each family of methods has a table of metrics. Another package registers a metric before an
experiment runs, for example in the experiment's file:

    from jaxgan.evaluation.metric import GENERATED, Metric

    brightness = Metric('brightness', lambda seen: seen.images.mean(), 'of the images')
    GENERATED.register('brightness', brightness)
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxgan.evaluation.record import EvaluationRecord
from jaxgan.system.registry import Registry

LOWER, HIGHER = 'lower', 'higher'
ALONE, COMPARED, DISTANCE = 'alone', 'compared', 'distance'  # See `Metric.on_real`.
AXES = ('classes', 'codes', 'thirds', 'groups', 'rarest', 'quantiles')
NEEDS = ('classes', 'codes', 'features', 'score', 'untrained')
_SIZES = {'thirds': 3, 'groups': 3, 'quantiles': 11}


class Metric(NamedTuple):
  """A number, or a list of numbers, measured on the images that an observer draws from a state.

  Attributes:
    name: name in records and logs.
    measure: `measure(seen)` returns the value, on the host; `measure(seen, network)` if the metric
      is `per_network`. None, NaN and infinity are recorded as None.
    meaning: one line, for a report.
    better: LOWER or HIGHER; '' if neither is better.
    axes: the axes of a list: 'classes', 'codes', 'thirds' of the classes by frequency (head,
      medium, tail), 'groups' of the classes (many, medium, few), the 'rarest' classes, 'quantiles';
      () for a number.
    periodic: whether training logs the metric as evaluation/<name>; a final evaluation measures it
      in every resampling.
    per_network: whether the metric is measured in the features of each network, as
      <name>/<network>.
    needs: what the observer must provide: 'classes' or 'codes' of the images, their 'features', the
      'score' of a classifier trained on them, or 'untrained' networks to compare with; otherwise
      the value is None.
    on_real: how the metric is also measured on real images, see `jaxgan.evaluation.yardsticks`:
      ALONE, of a set of images; COMPARED, against other real images; DISTANCE, the same for a
      distance that few images bias upwards; '' for not.
  """

  name: str
  measure: Callable
  meaning: str = ''
  better: str = ''
  axes: tuple[str, ...] = ()
  periodic: bool = False
  per_network: bool = False
  needs: frozenset[str] = frozenset()
  on_real: str = ''


def _table(*metrics: Metric) -> Registry[Metric]:
  return Registry('metric', {metric.name: metric for metric in metrics})


def _of(*names: str) -> frozenset[str]:
  return frozenset(names)


def _quality(name: str, meaning: str, better: str) -> Metric:
  return Metric(
    name,
    lambda seen, network: seen.quality[network][name],
    meaning,
    better,
    per_network=True,
    needs=_of('features'),
    on_real=COMPARED if better else '',
  )


def _by_class(name: str, meaning: str, better: str, axis: str) -> Metric:
  return Metric(
    name,
    lambda seen, network: seen.by_class[network][name],
    meaning,
    better,
    (axis,),
    per_network=True,
    needs=_of('classes', 'features'),
  )


def _memorisation(name: str, meaning: str, *axes: str) -> Metric:
  return Metric(
    f'memorisation/{name}',
    lambda seen: seen.nearest[0][name],
    meaning,
    axes=('rarest', *axes),
    needs=_of('classes', 'features'),
  )


def _distance(name: str, network: str) -> Metric:
  return Metric(
    name,
    lambda seen: seen.frechet(network),
    f'Fréchet distance from real images in the features of the {network}',
    LOWER,
    periodic=True,
    on_real=DISTANCE,
  )


def _counted(prefix: str, kind: str) -> tuple[Metric, Metric]:
  """The divergence from uniform, and the counts, of classes or codes."""
  return (
    Metric(
      f'{prefix}kl_from_uniform',
      lambda seen: seen.kl_from_uniform(kind),
      f'KL divergence of the histogram of {kind} from uniform, in nats',
      LOWER,
      periodic=True,
      needs=_of(kind),
      on_real=ALONE,
    ),
    Metric(
      f'{prefix or "class_"}counts',
      lambda seen: seen.counts(kind),
      f'number of generated images in each of the {kind}',
      axes=(kind,),
      periodic=True,
      needs=_of(kind),
      on_real=ALONE,
    ),
  )


# The metrics of the GANs.
GENERATED = _table(
  *_counted('', 'classes'),
  *_counted('code_', 'codes'),
  _distance('fid', 'inception'),
  _distance('frechet_recogniser', 'recogniser'),
  _distance('frechet_annotator', 'annotator'),
  Metric(
    'head_medium_tail',
    lambda seen: seen.head_medium_tail,
    'shares of the generated images in the head, medium and tail third of the classes',
    axes=('thirds',),
    needs=_of('classes'),
  ),
  _quality('kid', 'kernel inception distance from real images', LOWER),
  _quality('kid_std', 'standard deviation of KID over subsets', ''),
  _quality('precision', 'share of generated images within the manifold of real images', HIGHER),
  _quality('recall', 'share of real images within the manifold of generated images', HIGHER),
  _quality('density', 'mean number of real neighbourhoods that hold a generated image', HIGHER),
  _quality('coverage', 'share of real neighbourhoods that hold a generated image', HIGHER),
  _by_class('class_frechet', 'Fréchet distance per class', LOWER, 'classes'),
  _by_class('thirds_frechet', 'Fréchet distance per head, medium and tail third', LOWER, 'thirds'),
  _by_class('groups_frechet', 'Fréchet distance per many, medium and few group', LOWER, 'groups'),
  _by_class('class_covariance_trace', 'diversity per class', HIGHER, 'classes'),
  _by_class('class_covariance_trace_reference', 'diversity of real images', '', 'classes'),
  _memorisation('classes', 'the rarest classes, the rarest first'),
  _memorisation('copying', 'probability that a generated image is nearer than a held-out image'),
  _memorisation('shown', 'number of nearest images in the file'),
  _memorisation('generated_images', 'number of compared generated images'),
  _memorisation('generated_quantiles', 'quantiles of their distances, 0 to 100 %', 'quantiles'),
  _memorisation('held_out_images', 'number of compared held-out images'),
  _memorisation('held_out_quantiles', 'quantiles of their distances, 0 to 100 %', 'quantiles'),
  Metric(
    'cas',
    lambda seen: seen.score.accuracy,
    'classification accuracy score: accuracy on real images of a classifier that is trained on '
    'generated images',
    HIGHER,
    needs=_of('score'),
    on_real=ALONE,
  ),
)


def _matched(name: str, meaning: str, better: str = '', *axes: str, periodic=False) -> Metric:
  return Metric(
    name, lambda seen: seen.matched[name], meaning, better, axes, periodic, needs=_of('classes')
  )


def _real(name: str, meaning: str, needs: str = 'classes') -> Metric:
  return Metric(name, lambda seen: seen.real[name], meaning, HIGHER, needs=_of('features', needs))


_NEAREST = '1-NN accuracy of held-out real images by the {} of Q'
# The metrics of the methods with categorical codes.
CODES = _table(
  _matched('nmi', 'normalised mutual information of codes and classes', HIGHER, periodic=True),
  _matched('nmi_geometric', 'NMI with the geometric mean of the entropies', HIGHER),
  _matched('ent', 'mean entropy of normalised rows and columns, in nats', LOWER, periodic=True),
  _matched(
    'empty_codes_and_classes',
    'codes and classes without images, left out of ENT',
    LOWER,
    periodic=True,
  ),
  _matched('counts', 'images of each code by class', '', 'codes', 'classes'),
  _matched('matched_classes', 'the class matched with each code, -1 for none', '', 'codes'),
  _matched('matched_frequencies', 'frequency of the matched class', '', 'codes'),
  _matched(
    'prior_distance', 'total variation of prior and class frequencies', LOWER, periodic=True
  ),
  _matched('prior_kl', 'KL(classes ‖ prior), in nats', LOWER),
  _matched('false_negative_share', 'Σ p² of the class frequencies'),
  Metric('prior', lambda seen: seen.prior, 'probability of each code', axes=('codes',)),
  _real('knn1_accuracy', _NEAREST.format('logits')),
  _real('knn1_accuracy_features', _NEAREST.format('features')),
  _real('knn1_accuracy_random_weights', _NEAREST.format('untrained logits'), 'untrained'),
  _real(
    'knn1_accuracy_features_random_weights', _NEAREST.format('untrained features'), 'untrained'
  ),
  _real('kmeans_nmi', 'NMI of real classes and k-means of features'),
  _real('kmeans_ari', 'adjusted Rand index of real classes and k-means of features'),
  _real('argmax_nmi', 'NMI of real classes and argmax Q'),
  _real('argmax_ari', 'adjusted Rand index of real classes and argmax Q'),
)


def added(metrics: Registry[Metric]) -> list[Metric]:
  """Returns the metrics of a table that other packages registered."""
  return [metrics[name] for name in metrics.modules]


def needs(metrics: Mapping[str, Metric], periodic: bool = False) -> frozenset[str]:
  """Returns everything that some metrics need from an observer."""
  return frozenset().union(*(m.needs for m in metrics.values() if m.periodic or not periodic))


def measure(metrics: Mapping[str, Metric], seen: Any, periodic: bool = False) -> dict[str, Any]:
  """Measures the metrics of a table.

  Args:
    metrics: a table.
    seen: what an observer returns; `seen.has` are the needs that it meets, `seen.networks` the
      names of its networks.
    periodic: measure only the periodic metrics.

  Returns:
    {name: Python number, list of numbers, or None}; numbers may be NaN or infinite.
  """
  results = {}
  for metric in metrics.values():
    if periodic and not metric.periodic:
      continue
    met = metric.needs <= seen.has
    if not metric.per_network:
      results[metric.name] = _plain(metric.measure(seen)) if met else None
    elif met:
      for network in seen.networks:
        results[f'{metric.name}/{network}'] = _plain(metric.measure(seen, network))
  return results


def _plain(value):
  """Converts arrays to lists and NumPy numbers to Python numbers."""
  if isinstance(value, np.ndarray | np.generic):
    return value.tolist()
  return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def check(metrics: Mapping[str, Metric], record: EvaluationRecord) -> None:
  """Raises a ValueError if a result of a record lacks the axes of its metric.

  Results of newer metrics may be absent.
  """
  sizes = _SIZES | {kind: len(labels.names) for kind, labels in record.labels.items()}
  rarest = record.results.get('memorisation/classes')
  sizes['rarest'] = len(rarest) if isinstance(rarest, list) else 0
  for name, value in record.results.items():
    metric = metrics.get(name) or metrics.get(name.partition('/')[0])
    if metric and not _has_axes(value, metric.axes, sizes):
      expected = f'a list over {", ".join(metric.axes)}' if metric.axes else 'a number'
      raise ValueError(f'results.{name}: expected {expected}')


def _has_axes(value, axes, sizes) -> bool:
  if value is None or not axes:
    return not isinstance(value, list)
  if not isinstance(value, list) or len(value) != sizes.get(axes[0], len(value)):
    return False
  return all(_has_axes(item, axes[1:], sizes) for item in value)
