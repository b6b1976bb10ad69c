"""Measures what real images score in the metrics of generated images.

The real training images are measured as generated images are, and compared with the same reference
images; their classes are their labels. The reference images are the ceiling. They cannot be
compared with themselves (a distance of 0 that no sample reaches), so that random halves of them are
compared with each other. Both halves are real images that no network was trained on; a comparison
with the training images would also measure how far the annotator over-fits.

Few images bias a Fréchet distance upwards, by c (1/N + 1/M) for two samples of one distribution
with N and M images (Chong and Forsyth, "Effectively Unbiased FID and Inception Score and Where to
Find Them", 2020). Two halves of N images have 4 c / N, many other real images against all N have
c / N: the distance of the halves is divided by 4.
"""

from collections.abc import Mapping
import functools
from typing import Any

import numpy as np

from jaxgan.data import loading
from jaxgan.evaluation import features as features_lib
from jaxgan.evaluation import metric as metrics_lib
from jaxgan.evaluation import quality, record
from jaxgan.evaluation.cas import Score
from jaxgan.evaluation.judges import KINDS, Judged, Judges
from jaxgan.evaluation.yardsticks import Yardsticks
from jaxgan.metrics import class_distribution, fid
from jaxgan.training.logging import finite

HALVINGS = 4  # Their mean varies by some per cent, and Inception's features take seconds for each.
# Distance of many real images from the reference over the distance of two halves of the reference.
OF_HALVES = 0.25
_CHUNK = 4096  # Features whose moments are summed in float64 at a time.


class _Half(Judged):
  """A half of the reference images, compared with the other half, `against`."""

  def __init__(self, judges: Judges, own: np.ndarray, against: np.ndarray):
    self._own, self._other = own, against
    features = {n: judges.reference_features(n)[own] for n in judges.networks}
    super().__init__(judges, np.empty(0), {}, {}, features, None)

  def _statistics(self, network, at):
    weights = self._judges.weights
    own = quality.class_weights(self._judges.reference.labels[at]) if weights is not None else None
    return fid.statistics(self._judges.reference_features(network)[at], own)

  def frechet(self, network: str) -> float | None:
    """Returns the Fréchet distance of the two halves; None without the network."""
    if network not in self.features:
      return None
    own, other = (self._statistics(network, at) for at in (self._own, self._other))
    return fid.frechet_distance(*own, *other)

  @functools.cached_property
  def quality(self) -> dict[str, dict[str, Any]]:
    """{network: the results of `quality.quality`}."""
    real = self._judges.reference_features
    return {n: quality.quality(own, real(n)[self._other]) for n, own in self.features.items()}


def halves(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
  """Splits images at random into two halves with equally many images of every class.

  Args:
    labels: int `[N]`.
    seed: of the choice.

  Returns:
    The positions of both, each in random order. A class with an odd number leaves out an image, so
    that both have the same classes.
  """
  rng, parts = np.random.default_rng(seed), ([], [])
  for label in np.unique(labels):
    own = rng.permutation(np.flatnonzero(labels == label))
    size = len(own) // 2
    parts[0].append(own[:size])
    parts[1].append(own[size : 2 * size])
  first, second = (rng.permutation(np.concatenate(part)) for part in parts)
  return first, second


def identity(inputs: Any, replica: int) -> dict[str, Any]:
  """Returns the settings that tell whether stored yardsticks belong to the inputs of a replica."""
  config = inputs.config
  networks = [inputs.classifiers[role].key for role in KINDS if role in inputs.classifiers]
  if inception := features_lib.inception_network(config.evaluation):
    networks.append(inception.key)
  reference = loading.load_reference(config.data, config.evaluation.reference)
  return {'data': inputs.data.keys[replica], 'reference': reference.key, 'networks': networks}


def measure(
  inputs: Any, replica: int, metrics: Mapping[str, metrics_lib.Metric], score: Score | None
) -> Yardsticks:
  """Measures the real images of a replica; see the module.

  Args:
    inputs: the `jaxgan.runs.inputs.Inputs` of the experiment.
    replica: the number of the replica.
    metrics: a table of `jaxgan.evaluation.metric`.
    score: the classification accuracy score of the real training images, if any.

  Returns:
    The Yardsticks.
  """
  classifiers = {role: inputs.classifiers[role] for role in KINDS if role in inputs.classifiers}
  judges = Judges(inputs, None, classifiers, inputs.data.replica_arrays(replica))
  reference, own = judges.reference, {n: m for n, m in metrics.items() if m.on_real}
  training = metrics_lib.measure(own, _training(judges, score))
  labels = {kind: judges.labels_of(kind, reference) for kind in judges.label_sets}
  alone = {name: m for name, m in own.items() if m.on_real == metrics_lib.ALONE}
  whole = Judged(judges, np.empty(0), labels, {}, {}, None)
  test = metrics_lib.measure(alone, whole) | _of_halves(judges, own)
  test |= _annotated(judges) if 'classes' in labels else {}
  test |= {f'feature_variance/{n}': float(np.trace(s[1])) for n, s in judges.statistics.items()}
  settings = identity(inputs, replica) | {
    'training_images': len(judges.arrays.labels),
    'reference_images': len(reference.labels),
    'reference_is_test': loading.load(inputs.config.data, 'test').key == reference.key,
    'halvings': HALVINGS,
    'half_images': len(halves(reference.labels, 0)[0]),
    'distance_of_halves': f'times {OF_HALVES}, as of many real images from the reference',
    **(score.settings if score else {}),
  }
  if judges.weights is not None:
    settings['reference_weights'] = quality.EVERY_CLASS_EQUALLY
  return Yardsticks(
    settings=settings,
    training={name: finite(value) for name, value in training.items()},
    test={name: finite(value) for name, value in test.items()},
    run={'seed': inputs.config.seed + replica, **record.machine()},
  )


def _training(judges, score) -> Judged:
  """The training images, seen as generated images are, in random order."""
  arrays = judges.arrays
  order = np.random.default_rng(0).permutation(len(arrays.labels))
  labels = {
    kind: (arrays.labels if kind == 'classes' else judges.labels_of(kind, arrays))[order]
    for kind in judges.label_sets
  }
  features = {n: judges.features_of(n, arrays)[order] for n in judges.networks}
  moments = dict.fromkeys(features)
  for name, own in features.items():
    for start in range(0, len(own), _CHUNK):
      moments[name] = fid.accumulate(moments[name], own[start : start + _CHUNK])
  return Judged(judges, np.empty(0), labels, moments, features, score)


def _of_halves(judges, metrics) -> dict[str, float | None]:
  """The means over the halvings of the metrics that compare images."""
  labels, found = judges.reference.labels, []
  compared = {name: m for name, m in metrics.items() if m.on_real != metrics_lib.ALONE}
  for seed in range(HALVINGS):
    first, second = halves(labels, seed)
    if len(first) < 2:
      return {}
    found.append(metrics_lib.measure(compared, _Half(judges, first, second)))
  values = {name: [own[name] for own in found] for name in found[0]}
  distances = {m.name for m in compared.values() if m.on_real == metrics_lib.DISTANCE}
  return {
    name: float(np.mean(own)) * (OF_HALVES if name in distances else 1)
    for name, own in values.items()
    if None not in own
  }


def _annotated(judges) -> dict[str, list]:
  """How many test images of each class the annotator labels rightly, and how many there are."""
  test, number = loading.load(judges.config.data, 'test'), len(judges.arrays.class_names)
  right = judges.labels_of('classes', test) == test.labels
  images = class_distribution.class_counts(test.labels, number)
  hits = class_distribution.class_counts(test.labels[right], number)
  accuracy = np.divide(hits, images, out=np.full(number, np.nan), where=images > 0)
  return {'class_accuracy': accuracy.tolist(), 'class_images': images.tolist()}
