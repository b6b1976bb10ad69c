"""Metrics: what an evaluation measures, each declared once for log, record, report and verdicts.

A family of methods has one table of them, of what its observer sees. Another metric is added
before an experiment runs, as in its configuration file:

    from jaxgan.evaluation.metric import GENERATED, Metric

    brightness = Metric('brightness', lambda seen: seen.images.mean(), 'of the images')
    GENERATED.register('brightness', brightness)
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from jaxgan.system.registry import Registry

LOWER, HIGHER = 'lower', 'higher'
_SIZES = {'thirds': 3, 'groups': 3, 'quantiles': 11}


class Metric(NamedTuple):
  """A number, or a list of them, of what is seen of a state.

  Attributes:
    name: in records and logs.
    measure: `measure(seen) -> value`, on the host; `measure(seen, network)` where it is
      `per_network`. None, NaN and infinity are recorded as None.
    meaning: one line, for a report.
    better: LOWER or HIGHER, or '' where neither is.
    axes: what a list has a value for: 'classes', 'codes', 'thirds' of the classes by frequency
      (head, medium, tail), their 'groups' (many, medium, few), the 'rarest' classes, 'quantiles';
      () of a number.
    periodic: whether training logs it as evaluation/<name>, and every sampling of a last
      evaluation has it.
    per_network: whether it is measured in the features of each network, as <name>/<network>.
    needs: of what is seen: 'classes' or 'codes' of images, kept 'features'; without it the value
      is None.
  """

  name: str
  measure: Callable
  meaning: str = ''
  better: str = ''
  axes: tuple[str, ...] = ()
  periodic: bool = False
  per_network: bool = False
  needs: frozenset[str] = frozenset()


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
  )


def _counted(prefix: str, kind: str) -> tuple[Metric, Metric]:
  """The even share and the counts of classes or codes."""
  return (
    Metric(
      f'{prefix}kl_from_uniform',
      lambda seen: seen.kl_from_uniform(kind),
      f'divergence of the histogram of {kind} from uniform, in nats',
      LOWER,
      periodic=True,
      needs=_of(kind),
    ),
    Metric(
      f'{prefix or "class_"}counts',
      lambda seen: seen.counts(kind),
      f'generated images of each of the {kind}',
      axes=(kind,),
      periodic=True,
      needs=_of(kind),
    ),
  )


# The metrics of generated images.
GENERATED = _table(
  *_counted('', 'classes'),
  *_counted('code_', 'codes'),
  _distance('fid', 'inception'),
  _distance('frechet_recogniser', 'recogniser'),
  _distance('frechet_annotator', 'annotator'),
  Metric(
    'head_medium_tail',
    lambda seen: seen.head_medium_tail,
    'shares of the generated images in the thirds of the classes by training frequency',
    axes=('thirds',),
    needs=_of('classes'),
  ),
  _quality('kid', 'kernel distance from real images', LOWER),
  _quality('kid_std', 'its deviation over subsets', ''),
  _quality('precision', 'share of generated images that are near real ones', HIGHER),
  _quality('recall', 'share of real images that are near generated ones', HIGHER),
  _quality('density', 'generated images in the neighbourhoods of real ones', HIGHER),
  _quality('coverage', 'share of real images whose neighbourhood has a generated one', HIGHER),
  _by_class('class_frechet', 'Fréchet distance of the images of each class', LOWER, 'classes'),
  _by_class('thirds_frechet', 'of the head, medium and tail third', LOWER, 'thirds'),
  _by_class('groups_frechet', 'of classes of many, medium and few images', LOWER, 'groups'),
  _by_class('class_covariance_trace', 'variety of each class', HIGHER, 'classes'),
  _by_class('class_covariance_trace_reference', 'that of real images', '', 'classes'),
  _memorisation('classes', 'the rarest classes, the rarest first'),
  _memorisation('copying', 'how probably a generated image is nearer than a held-out one'),
  _memorisation('shown', 'how many of the nearest images are kept'),
  _memorisation('generated_images', 'compared generated images'),
  _memorisation('generated_quantiles', 'of their distances at 0, 10, ..., 100 %', 'quantiles'),
  _memorisation('held_out_images', 'compared held-out images'),
  _memorisation('held_out_quantiles', 'of their distances at 0, 10, ..., 100 %', 'quantiles'),
  Metric(
    'cas',
    lambda seen: seen.score.accuracy,
    'classification accuracy score: accuracy on real images of a classifier trained on '
    'generated ones',
    HIGHER,
    needs=_of('score'),
  ),
)


def _matched(name: str, meaning: str, better: str = '', *axes: str, periodic=False) -> Metric:
  return Metric(
    name, lambda seen: seen.matched[name], meaning, better, axes, periodic, needs=_of('classes')
  )


def _real(name: str, meaning: str, needs: str = 'classes') -> Metric:
  return Metric(name, lambda seen: seen.real[name], meaning, HIGHER, needs=_of('features', needs))


_NEAREST = '1-NN accuracy of held-out real images by the {} of Q'
# The metrics of what categorical codes mean.
CODES = _table(
  _matched('nmi', 'normalised mutual information of codes and classes', HIGHER, periodic=True),
  _matched('nmi_geometric', 'NMI with the geometric mean of the entropies', HIGHER),
  _matched('ent', 'mean entropy of normalised rows and columns, in nats', LOWER, periodic=True),
  _matched('empty_codes_and_classes', 'left out of ENT', LOWER, periodic=True),
  _matched('counts', 'images of each code by their classes', '', 'codes', 'classes'),
  _matched('matched_classes', 'the class matched with each code, -1 for none', '', 'codes'),
  _matched('matched_frequencies', 'its share of the training images', '', 'codes'),
  _matched('prior_distance', 'total variation of prior and classes', LOWER, periodic=True),
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
  _real('kmeans_ari', 'adjusted Rand index of the same'),
  _real('argmax_nmi', 'NMI of real classes and argmax Q'),
  _real('argmax_ari', 'adjusted Rand index of the same'),
)


def added(metrics: Registry[Metric]) -> list[Metric]:
  """The metrics of a table that were registered from outside."""
  return [metrics[name] for name in metrics.modules]


def needs(metrics: Mapping[str, Metric], periodic: bool = False) -> frozenset[str]:
  """Returns what some metrics need of an observer."""
  return frozenset().union(*(m.needs for m in metrics.values() if m.periodic or not periodic))


def measure(metrics: Mapping[str, Metric], seen, periodic: bool = False) -> dict:
  """The values by name, as Python's numbers and lists of them; NaN where one is not finite.

  Args:
    metrics: a table.
    seen: what an observer returns; `seen.has` are the needs that it meets, `seen.networks` the
      names of its networks.
    periodic: only those that training logs.
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
  """Arrays as lists, NumPy's numbers as Python's."""
  if isinstance(value, np.ndarray | np.generic):
    return value.tolist()
  return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def check(metrics: Mapping[str, Metric], record) -> None:
  """Raises ValueError where a result of a record has not the axes of its metric.

  Values that were not measured at the time may be missing.
  """
  sizes = _SIZES | {kind: len(labels.names) for kind, labels in record.labels.items()}
  sizes['rarest'] = len(record.results.get('memorisation/classes') or ())
  for name, value in record.results.items():
    metric = metrics.get(name) or metrics.get(name.partition('/')[0])
    if metric and not _has_axes(value, metric.axes, sizes):
      raise ValueError(f'results.{name} is not a value for each of {metric.axes or "one"}')


def _has_axes(value, axes, sizes) -> bool:
  if value is None or not axes:
    return not isinstance(value, list)
  if not isinstance(value, list) or len(value) != sizes.get(axes[0], len(value)):
    return False
  return all(_has_axes(item, axes[1:], sizes) for item in value)
