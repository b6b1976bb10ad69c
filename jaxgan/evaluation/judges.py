"""Judges of a GAN's images, and their observations: classes, codes and features."""

from collections.abc import Mapping
import functools
from typing import Any

import jax.numpy as jnp
import numpy as np

from data_prep.build import Arrays
from jaxgan.algorithms import Algorithm
from jaxgan.data import loading, pixels
from jaxgan.evaluation import features, memorisation, quality
from jaxgan.evaluation.cas import Score
from jaxgan.evaluation.record import LabelSet
from jaxgan.metrics import class_distribution, fid
from jaxgan.networks import inception
from jaxgan.system import compilation
from jaxgan.training import classifiers

KINDS = {'annotator': 'classes', 'recogniser': 'codes'}  # The labels that each judge gives.


class Judged:
  """The images that an evaluation draws from a state, with their labels and features.

  Attributes:
    images: the first images, uint8 `[M, H, W, C]`.
    labels: {'classes' or 'codes': labels of all images, int `[N]`}.
    features: {network: features of all images, float32 `[N, D]`}; {} unless a metric needs them.
    networks: the names of the networks.
    score: the classification accuracy score, or None.
    has: the needs of metrics that are met.
  """

  def __init__(
    self,
    judges: 'Judges',
    images: np.ndarray,
    labels: dict[str, np.ndarray],
    moments: Mapping[str, fid.Moments | None],
    features: dict[str, np.ndarray],
    score: Score | None,
  ):
    """Stores the observations; see `jaxgan.evaluation.generated.Observer.observe`.

    Args:
      judges: the judges of the images.
      images: see the attributes.
      labels: see the attributes.
      moments: {network: accumulated moments of the features}.
      features: see the attributes.
      score: see the attributes.
    """
    self._judges, self._moments, self.score = judges, moments, score
    self.images, self.labels, self.features = images, labels, features
    self.networks = tuple(judges.networks)
    self.has = {*labels, *(['features'] if features else []), *(['score'] if score else [])}

  def counts(self, kind: str) -> np.ndarray:
    """Counts the images of each class or code."""
    names = self._judges.label_sets[kind].names
    return class_distribution.class_counts(self.labels[kind], len(names))

  def kl_from_uniform(self, kind: str) -> float:
    """Returns KL(counts ‖ uniform) in nats."""
    return class_distribution.kl_from_uniform(self.counts(kind))

  @property
  def head_medium_tail(self) -> list[float]:
    """The shares of the images in the head, medium and tail third of the classes."""
    counts, train_counts = self.counts('classes'), self._judges.train_counts
    return list(class_distribution.head_medium_tail(counts, train_counts).values())

  def frechet(self, network: str) -> float | None:
    """Returns the Fréchet distance from the reference images; None without the network."""
    moments = self._moments.get(network)
    if moments is None:
      return None
    generated = fid.moments_statistics(moments)
    return fid.frechet_distance(*generated, *self._judges.statistics[network])

  @functools.cached_property
  def quality(self) -> dict[str, dict[str, Any]]:
    """{network: the results of `quality.quality`}."""
    real = self._judges.reference_features
    return {name: quality.quality(self.features[name], real(name)) for name in self.networks}

  @functools.cached_property
  def by_class(self) -> dict[str, dict[str, Any]]:
    """{network: the results of `quality.by_class`}."""
    judges, labels = self._judges, self.labels['classes']
    return {
      name: quality.by_class(
        self.features[name],
        labels,
        judges.reference_features(name),
        judges.reference.labels,
        judges.train_counts,
      )
      for name in self.networks
    }

  @functools.cached_property
  def nearest(self) -> tuple[dict, dict]:
    """The numbers and the images of `memorisation.compare`."""
    judges, name = self._judges, self.networks[0]
    generated = memorisation.LabelledFeatures(
      self.images, self.labels['classes'], self.features[name]
    )
    train, held_out = (
      memorisation.LabelledFeatures(a.images, a.labels, judges.features_of(name, a))
      for a in (judges.arrays, loading.load(judges.config.data, 'test'))
    )
    return memorisation.compare(generated, train, held_out, judges.train_counts)


class Judges:
  """The classifiers, feature networks and real images that evaluate the images of a replica.

  Replicas with the same images share one instance.

  Attributes:
    config: the experiment.
    arrays: the training images.
    reference: the reference images.
    label_sets: {'classes' or 'codes': LabelSet}.
    networks: {name: FeatureNetwork}.
    weights: weights of the reference images `[N]` if their classes are uneven, else None.
    statistics: {network: mean and covariance of the features of the weighted reference images}.
    one_batch: `one_batch(variables, state, rng)` returns (images, labels by kind, features by
      network).
    variables: {network: its arrays}.
  """

  def __init__(
    self,
    inputs: Any,
    algorithm: Algorithm | None,
    classifiers: Mapping[str, classifiers.Classifier],
    arrays: Arrays,
  ):
    """Loads the networks; computes the statistics of the reference images.

    Args:
      inputs: the `jaxgan.runs.inputs.Inputs` of the experiment.
      algorithm: the GAN; None for judges of real images only, without `one_batch`.
      classifiers: {role: Classifier} that evaluate: an 'annotator' for classes, a 'recogniser' for
        codes, or both in this order.
      arrays: the training images.
    """
    config, self.config, self.arrays = inputs.config, inputs.config, arrays
    self._classifiers = {KINDS[role]: own for role, own in classifiers.items()}
    self.reference = loading.load_reference(config.data, config.evaluation.reference)
    self.label_sets = {KINDS[r]: _label_set(r, c, arrays) for r, c in classifiers.items()}
    found = [features.classifier_network(*item) for item in classifiers.items()]
    if inception_network := features.inception_network(config.evaluation):
      found.append(inception_network)
    self.networks = networks = {network.name: network for network in found}
    self._cache = inputs.workdir / 'reference_features'
    # Only the statistics stay in memory; the features are read again for a final evaluation.
    self.weights = quality.class_weights(self.reference.labels)
    self.statistics = {
      n: fid.statistics(self.reference_features(n), self.weights) for n in self.networks
    }
    self.variables = {name: network.variables for name, network in networks.items()}
    if algorithm is None:
      return
    generate = algorithm.generate
    assert generate is not None

    def one_batch(variables, state, rng):
      images = pixels.to_uint8(generate(state, rng, config.evaluation.batch_size))
      seen = {name: network.apply(variables[name], images) for name, network in networks.items()}
      labels = {KINDS[role]: jnp.argmax(seen[role][0], axis=-1) for role in classifiers}
      return images, labels, {name: own for name, (_, own) in seen.items()}

    self.one_batch = compilation.jit(one_batch)

  @property
  def notes(self) -> tuple[str, ...]:
    """The omitted measures, and why."""
    notes = {
      'the images have no labels: classes are not measured (no KL from uniform, no distances by '
      "class, no CAS), codes and the recogniser's features are": ('annotator' not in self.networks),
      f'FID left out: {inception.WEIGHTS_NAME} not found (config.evaluation.inception_weights '
      f'names the file or its folder); the Fréchet distance in the {next(iter(self.networks))}'
      "'s features stands in": 'inception' not in self.networks,
    }
    return tuple(note for note, holds in notes.items() if holds)

  @property
  def train_counts(self) -> np.ndarray:
    """The number of training images of each class."""
    return np.array(self.label_sets['classes'].counts)

  def labels_of(self, kind: str, arrays: Arrays) -> np.ndarray:
    """Labels real images by classes or codes, as generated images are labelled."""
    classifier = self._classifiers[kind]
    return classifiers.compile_classify(classifier.classify)(classifier.variables, arrays.images)[0]

  def features_of(self, network: str, arrays: Arrays) -> np.ndarray:
    """Computes the features of real images; see `features.reference_features`."""
    return features.reference_features(self.networks[network], arrays, self._cache)

  def reference_features(self, network: str) -> np.ndarray:
    """Computes the features of the reference images."""
    return self.features_of(network, self.reference)


def _label_set(role: str, classifier, arrays) -> LabelSet:
  """The classes of the annotator or the codes of a recogniser, with their training images."""
  names, labels = arrays.class_names, arrays.labels
  if role != 'annotator':
    names = classifier.class_names
    classify = classifiers.compile_classify(classifier.classify)
    labels, _ = classify(classifier.variables, arrays.images)
  counts = class_distribution.class_counts(labels, len(names))
  return LabelSet(names=tuple(names), counts=tuple(counts.tolist()))
