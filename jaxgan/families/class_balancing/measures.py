"""Measures of a GAN's state: the classes of its images and their distances from real ones."""

import pathlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import compilation, distributed
from jaxgan import data as data_lib
from jaxgan.families.class_balancing import comparison, features, memorisation
from jaxgan.metrics import class_distribution, fid, inception

_KEPT = 512  # evaluation images kept for pictures


class Measured(NamedTuple):
  """What an evaluation finds.

  Attributes:
    results: the numbers that training logs, as evaluation.json has them.
    images: the first generated images, uint8 `[M, H, W, C]`.
    labels: of all generated images by the annotator, int `[N]`.
    features: of all generated images, float32 `[N, D]` in each network; [] unless asked for.
  """

  results: dict
  images: np.ndarray
  labels: np.ndarray
  features: list


class Evaluator:
  """Scores a generator's state against reference images; never changes the state.

  Compiled once, used for the periodic evaluations of training and for the final one.
  """

  def __init__(self, config, algorithm, annotator, inception_v3, arrays, workdir: pathlib.Path):
    """Prepares the networks and the statistics of the reference images.

    Args:
      config: the experiment's configuration.
      algorithm: the GAN.
      annotator: the Classifier that labels generated images.
      inception_v3: from `features.inception_network`; None leaves FID out.
      arrays: the training images, for their class frequencies.
      workdir: where the features of the reference images are cached.
    """
    self.config = config
    self.class_names = arrays.class_names
    self.train_counts = class_distribution.class_counts(arrays.labels, len(arrays.class_names))
    self.data_key = arrays.key
    self.reference = data_lib.load_reference(config.data)
    self.notes = []
    self.networks = [features.annotator_network(annotator)]
    if inception_v3 is None:
      self.notes.append(
        f'FID left out: {inception.WEIGHTS_NAME} not found (config.evaluation.inception_weights '
        "names the file or its folder); the Fréchet distance in the annotator's features stands in"
      )
    else:
      self.networks.append(inception_v3)
    self._cache = workdir / 'reference_features'
    # The features themselves stay on disk until the last evaluation.
    self.statistics = [fid.statistics(self._reference_features(n)) for n in self.networks]
    self.frozen = (annotator.variables, [network.variables for network in self.networks])
    batch_size = config.evaluation.batch_size

    def one_batch(state, frozen, rng):
      images = data_lib.to_uint8(algorithm.generate(state, rng, batch_size))
      annotator_variables, network_variables = frozen
      logits, _ = annotator.classify(annotator_variables, data_lib.scale(images))
      networks = zip(self.networks, network_variables, strict=True)
      return images, jnp.argmax(logits, axis=-1), [n.apply(v, images) for n, v in networks]

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
    labels = np.concatenate(all_labels)
    counts = class_distribution.class_counts(labels, len(self.class_names))
    results = {'kl_from_uniform': class_distribution.kl_from_uniform(counts), 'fid': None}
    for network, moment, real in zip(self.networks, moments, self.statistics, strict=True):
      results[network.metric] = fid.frechet_distance(*fid.moments_statistics(moment), *real)
    results['class_counts'] = counts.tolist()
    results['head_medium_tail'] = class_distribution.head_medium_tail(counts, self.train_counts)
    images = np.concatenate(kept)[:_KEPT]
    all_features = [np.concatenate(batches) for batches in zip(*all_features, strict=True)]
    return Measured(results, images, labels, all_features)

  def compare(self, measured: Measured) -> dict:
    """Compares the features of generated images with the reference: {network: numbers}."""
    return {
      network.name: comparison.compare(
        generated,
        measured.labels,
        self._reference_features(network),
        self.reference.labels,
        self.train_counts,
      )
      for network, generated in zip(self.networks, measured.features, strict=True)
    }

  def memorisation(self, measured: Measured, train) -> tuple[dict, dict]:
    """How near the tail's images come to the training images; see `memorisation.compare`.

    Args:
      measured: what an evaluation found, with features.
      train: the training images, as Arrays.
    """
    network, held_out = self.networks[0], data_lib.load(self.config.data, 'test')
    generated = memorisation.Side(measured.images, measured.labels, measured.features[0])
    real = [
      memorisation.Side(
        arrays.images, arrays.labels, features.reference_features(network, arrays, self._cache)
      )
      for arrays in (train, held_out)
    ]
    return memorisation.compare(generated, *real, self.train_counts)


def periodic(evaluator: Evaluator, state, num_samples: int, rng):
  """What training logs of a state: (values by name, score); a lower distance scores higher."""
  results = evaluator(state, num_samples, rng).results
  distance = results['frechet_annotator'] if results['fid'] is None else results['fid']
  values = {
    f'evaluation/{name}': results[name]
    for name in ('kl_from_uniform', 'fid', 'frechet_annotator', 'class_counts')
    if results[name] is not None
  }
  return values, -distance
