"""Measures of a GAN's state: the classes of its images and their distances from real ones."""

import pathlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import compilation, distributed, jobs
from jaxgan import data as data_lib
from jaxgan.families.class_balancing import beside_published, comparison, features, memorisation
from jaxgan.metrics import class_distribution, fid, inception

_KEPT = 512  # evaluation images kept for pictures
_SCORES = ('fid', 'frechet_recogniser', 'frechet_annotator')  # The first that is there counts.
_LOGGED = ('kl_from_uniform', 'class_counts', 'code_kl_from_uniform', 'code_counts', *_SCORES)


class Measured(NamedTuple):
  """What an evaluation finds.

  Attributes:
    results: the numbers that training logs, as evaluation.json has them.
    images: the first generated images, uint8 `[M, H, W, C]`.
    labels: of all generated images by the annotator or, without one, the recogniser: int `[N]`.
    features: of all generated images, float32 `[N, D]` in each network; [] unless asked for.
  """

  results: dict
  images: np.ndarray
  labels: np.ndarray
  features: list


class Counted(NamedTuple):
  """Something that images are counted by: classes by an annotator, or codes by a recogniser.

  Attributes:
    role: of the classifier that counts.
    prefix: of the results: 'kl_from_uniform' of classes, 'code_kl_from_uniform' of codes.
    names: of the classes or codes `[K]`.
    train_counts: training images of each `[K]`, by their labels or the recogniser.
  """

  role: str
  prefix: str
  names: tuple[str, ...]
  train_counts: np.ndarray


class Evaluator:
  """Scores a generator's state against reference images; never changes the state.

  Compiled once, used for the periodic evaluations of training and for the final one.
  """

  def __init__(self, config, algorithm, classifiers, inception_v3, arrays, workdir: pathlib.Path):
    """Prepares the networks and the statistics of the reference images.

    Args:
      config: the experiment's configuration.
      algorithm: the GAN.
      classifiers: those that measure, {role: Classifier}: an 'annotator', which knows the classes,
        a 'recogniser', which knows codes, or both in this order.
      inception_v3: from `features.inception_network`; None leaves FID out.
      arrays: the training images, for their class frequencies.
      workdir: where the features of the reference images are cached.
    """
    self.config = config
    self.counted = [_counted(role, given, arrays) for role, given in classifiers.items()]
    self.data_key = arrays.key
    self.reference = data_lib.load_reference(config.data, config.evaluation.reference)
    self.notes = []
    self.networks = [features.classifier_network(*item) for item in classifiers.items()]
    if 'annotator' not in classifiers:
      self.notes.append(
        'the images have no labels: classes are not measured (no KL from uniform, no distances by '
        "class, no CAS), codes and the recogniser's features are"
      )
    if inception_v3 is None:
      role = self.networks[0].name
      self.notes.append(
        f'FID left out: {inception.WEIGHTS_NAME} not found (config.evaluation.inception_weights '
        f"names the file or its folder); the Fréchet distance in the {role}'s features stands in"
      )
    else:
      self.networks.append(inception_v3)
    self._cache = workdir / 'reference_features'
    # The features themselves stay on disk until the last evaluation.
    self.statistics = [fid.statistics(self._reference_features(n)) for n in self.networks]
    self.frozen = (
      {role: given.variables for role, given in classifiers.items()},
      [network.variables for network in self.networks],
    )
    batch_size = config.evaluation.batch_size

    def one_batch(state, frozen, rng):
      images = data_lib.to_uint8(algorithm.generate(state, rng, batch_size))
      variables, network_variables = frozen
      labels = {}
      for role, given in classifiers.items():
        logits, _ = given.classify(variables[role], data_lib.scale(images))
        labels[role] = jnp.argmax(logits, axis=-1)
      networks = zip(self.networks, network_variables, strict=True)
      return images, labels, [n.apply(v, images) for n, v in networks]

    self._one_batch = compilation.jit(one_batch)

  def _reference_features(self, network):
    return features.reference_features(network, self.reference, self._cache)

  def __call__(self, state, num_samples: int, rng, keep_features: bool = False) -> Measured:
    """Evaluates the EMA generator.

    Args:
      state: the training state.
      num_samples: images to generate.
      rng: key; the same key gives the same images.
      keep_features: keep the features, for `compare`.
    """
    batch_size = self.config.evaluation.batch_size

    def batches():
      for i, start in enumerate(range(0, num_samples, batch_size)):
        rng_of_batch = jax.random.fold_in(rng, i)
        images, labels, seen = self._one_batch(state, self.frozen, rng_of_batch)
        yield images if start < _KEPT else None, labels, seen

    all_labels, kept, all_features = [], [], []
    moments = [None] * len(self.networks)
    for i, batch in enumerate(distributed.each_to_host(batches())):
      size = min(batch_size, num_samples - i * batch_size)
      images, labels, seen = jax.tree.map(lambda x, n=size: x[:n], batch)
      all_labels.append(labels)
      moments = [fid.accumulate(m, f) for m, f in zip(moments, seen, strict=True)]
      if images is not None:
        kept.append(images)
      if keep_features:
        all_features.append(seen)
    results = {'kl_from_uniform': None, 'fid': None}
    for network, moment, real in zip(self.networks, moments, self.statistics, strict=True):
      results[network.metric] = fid.frechet_distance(*fid.moments_statistics(moment), *real)
    labels = {}
    for role, prefix, names, train_counts in self.counted:
      labels[role] = np.concatenate([batch[role] for batch in all_labels])
      counts = class_distribution.class_counts(labels[role], len(names))
      results[f'{prefix}kl_from_uniform'] = class_distribution.kl_from_uniform(counts)
      results[f'{prefix or "class_"}counts'] = counts.tolist()
      if role == 'annotator':
        results['head_medium_tail'] = class_distribution.head_medium_tail(counts, train_counts)
    images = np.concatenate(kept)[:_KEPT]
    all_features = [np.concatenate(batches) for batches in zip(*all_features, strict=True)]
    return Measured(results, images, labels[self.counted[0].role], all_features)

  def resampled(self, state, num_samples: int, rngs, first: dict) -> dict:
    """The scores of images that are drawn from the state again and again.

    Args:
      state: the training state.
      num_samples: images to generate each time.
      rngs: keys of all samplings but the first.
      first: the results of the first.

    Returns:
      {} for no further sampling, or for each score of `beside_published.RESAMPLED` that the first
      has: its values, as '<score>_resamplings', and their mean in place of the first.
    """
    if not rngs:
      return {}
    samplings = [first, *(self(state, num_samples, rng).results for rng in rngs)]
    values = {
      score: [results[score] for results in samplings]
      for score in beside_published.RESAMPLED
      if first.get(score) is not None
    }
    means = {score: float(np.mean(values[score])) for score in values}
    return means | {f'{score}_resamplings': each for score, each in values.items()}

  def compare(self, measured: Measured) -> dict:
    """Compares the features of generated images with the reference: {network: numbers}."""
    compared = {}
    for network, generated in zip(self.networks, measured.features, strict=True):
      real = self._reference_features(network)
      compared[network.name] = comparison.quality(generated, real)
      first = self.counted[0]
      if first.role == 'annotator':
        labels = measured.labels, self.reference.labels
        compared[network.name] |= comparison.by_class(
          generated, labels[0], real, labels[1], first.train_counts
        )
    return compared

  def memorisation(self, measured: Measured, train) -> tuple:
    """How near the tail's images come to the training images; see `memorisation.compare`.

    Of images without labels, (None, None).

    Args:
      measured: what an evaluation found, with features.
      train: the training images, as Arrays.
    """
    first = self.counted[0]
    if first.role != 'annotator':
      return None, None
    network, held_out = self.networks[0], data_lib.load(self.config.data, 'test')
    generated = memorisation.Side(measured.images, measured.labels, measured.features[0])
    real = [
      memorisation.Side(
        arrays.images, arrays.labels, features.reference_features(network, arrays, self._cache)
      )
      for arrays in (train, held_out)
    ]
    return memorisation.compare(generated, *real, first.train_counts)


def _counted(role, classifier, arrays) -> Counted:
  """What a classifier counts by; see `Counted`."""
  if role == 'annotator':
    names, labels = arrays.class_names, arrays.labels
    return Counted(role, '', names, class_distribution.class_counts(labels, len(names)))
  codes, _ = jobs.compile_classify(classifier.classify)(classifier.variables, arrays.images)
  names = classifier.class_names
  return Counted(role, 'code_', names, class_distribution.class_counts(codes, len(names)))


def periodic(evaluator: Evaluator, state, num_samples: int, rng):
  """What training logs of a state: (values by name, score); a lower distance scores higher.

  Where there is a recogniser, its features score before the annotator's: labels that are there for
  evaluation only must not choose a checkpoint.
  """
  results = evaluator(state, num_samples, rng).results
  values = {
    f'evaluation/{name}': results[name] for name in _LOGGED if results.get(name) is not None
  }
  distance = next(results[name] for name in _SCORES if results.get(name) is not None)
  return values, -distance
