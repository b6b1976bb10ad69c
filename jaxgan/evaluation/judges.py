"""What images of a GAN are judged by, and what is seen of them: classes, codes, features."""

import functools

import jax.numpy as jnp
import numpy as np

from jaxgan.data import loading, pixels
from jaxgan.evaluation import features, memorisation, quality
from jaxgan.evaluation.record import LabelSet
from jaxgan.metrics import class_distribution, fid
from jaxgan.networks import inception
from jaxgan.system import compilation
from jaxgan.training import classifiers

KINDS = {'annotator': 'classes', 'recogniser': 'codes'}  # What a judge counts images by.


class Judged:
  """The images that an evaluation draws from a state, as judges and networks see them.

  Attributes:
    images: the first ones, uint8 `[M, H, W, C]`.
    labels: of all images by what counts them, {'classes' or 'codes': int `[N]`}.
    features: of all images, float32 `[N, D]` in each network; {} unless they are kept.
    networks: the names of the networks.
    score: the classification accuracy Score, or None.
    has: what is there of the needs of metrics.
  """

  def __init__(self, judges, images, labels, moments, features, score):
    """See `Observer.observe`; `judges` are what images are compared with."""
    self._judges, self._moments, self.score = judges, moments, score
    self.images, self.labels, self.features = images, labels, features
    self.networks = tuple(judges.networks)
    self.has = {*labels, *(['features'] if features else []), *(['score'] if score else [])}

  def counts(self, kind: str) -> np.ndarray:
    """Images of each class or code."""
    names = self._judges.label_sets[kind].names
    return class_distribution.class_counts(self.labels[kind], len(names))

  def kl_from_uniform(self, kind: str) -> float:
    """KL(counts ‖ uniform) in nats."""
    return class_distribution.kl_from_uniform(self.counts(kind))

  @property
  def head_medium_tail(self) -> list[float]:
    """Shares of the thirds of the classes."""
    counts, train_counts = self.counts('classes'), self._judges.train_counts
    return list(class_distribution.head_medium_tail(counts, train_counts).values())

  def frechet(self, network: str) -> float | None:
    """Fréchet distance from the reference images; None without the network."""
    if network not in self._moments:
      return None
    generated = fid.moments_statistics(self._moments[network])
    return fid.frechet_distance(*generated, *self._judges.statistics[network])

  @functools.cached_property
  def quality(self) -> dict[str, dict]:
    """By network, see `quality.quality`."""
    real = self._judges.reference_features
    return {name: quality.quality(self.features[name], real(name)) for name in self.networks}

  @functools.cached_property
  def by_class(self) -> dict[str, dict]:
    """By network, see `quality.by_class`."""
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
    """See `memorisation.compare`: its numbers and its images."""
    judges, name = self._judges, self.networks[0]
    generated = memorisation.LabelledFeatures(
      self.images, self.labels['classes'], self.features[name]
    )
    real = [
      memorisation.LabelledFeatures(a.images, a.labels, judges.features_of(name, a))
      for a in (judges.arrays, loading.load(judges.config.data, 'test'))
    ]
    return memorisation.compare(generated, *real, judges.train_counts)


class Judges:
  """What the images of a replica are compared with; replicas without splits share one.

  Attributes:
    config: of the experiment.
    arrays: the training images.
    reference: the reference images, as Arrays.
    label_sets: {'classes' or 'codes': LabelSet}.
    networks: {name: FeatureNetwork}.
    statistics: of the reference images in each network.
    one_batch: `one_batch(variables, state, rng) -> (images, labels by kind, features by network)`.
    variables: of the networks.
  """

  def __init__(self, inputs, algorithm, classifiers, arrays):
    """Loads the networks; computes the statistics of the reference images.

    Args:
      inputs: the Inputs of the experiment.
      algorithm: the GAN.
      classifiers: those that measure, {role: Classifier}: an 'annotator', which knows the classes,
        a 'recogniser', which knows codes, or both in this order.
      arrays: the training images.
    """
    config, self.config, self.arrays = inputs.config, inputs.config, arrays
    self.reference = loading.load_reference(config.data, config.evaluation.reference)
    self.label_sets = {KINDS[r]: _label_set(r, c, arrays) for r, c in classifiers.items()}
    found = [features.classifier_network(*item) for item in classifiers.items()]
    found.append(features.inception_network(config.evaluation))
    self.networks = networks = {network.name: network for network in found if network}
    self._cache = inputs.workdir / 'reference_features'
    # The features themselves stay on disk until the last evaluation.
    self.statistics = {n: fid.statistics(self.reference_features(n)) for n in self.networks}
    self.variables = {name: network.variables for name, network in networks.items()}

    def one_batch(variables, state, rng):
      images = pixels.to_uint8(algorithm.generate(state, rng, config.evaluation.batch_size))
      seen = {name: network.apply(variables[name], images) for name, network in networks.items()}
      labels = {KINDS[role]: jnp.argmax(seen[role][0], axis=-1) for role in classifiers}
      return images, labels, {name: own for name, (_, own) in seen.items()}

    self.one_batch = compilation.jit(one_batch)

  @property
  def notes(self) -> tuple[str, ...]:
    """The measures that are left out, and why."""
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
    """Training images of each class."""
    return np.array(self.label_sets['classes'].counts)

  def features_of(self, network: str, arrays) -> np.ndarray:
    """Real images in the features of a network, see `features.reference_features`."""
    return features.reference_features(self.networks[network], arrays, self._cache)

  def reference_features(self, network: str) -> np.ndarray:
    """The reference images in the features of a network."""
    return self.features_of(network, self.reference)


def _label_set(role: str, classifier, arrays) -> LabelSet:
  """The classes of the annotator, or the codes of a recogniser, and training images of each."""
  names, labels = arrays.class_names, arrays.labels
  if role != 'annotator':
    names = classifier.class_names
    classify = classifiers.compile_classify(classifier.classify)
    labels, _ = classify(classifier.variables, arrays.images)
  counts = class_distribution.class_counts(labels, len(names))
  return LabelSet(names=tuple(names), counts=tuple(counts.tolist()))
