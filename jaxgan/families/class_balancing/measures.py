"""Measures of a GAN's state: the classes of its images and their Fréchet distances."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import compilation
from jaxgan import data as data_lib
from jaxgan.families.class_balancing import features
from jaxgan.metrics import class_distribution, fid, inception

_KEPT = 512  # evaluation images kept with their labels for pictures


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
      workdir: where reference statistics are cached.
    """
    self.config = config
    self.class_names = arrays.class_names
    self.train_counts = class_distribution.class_counts(arrays.labels, len(arrays.class_names))
    self.data_key = arrays.key
    self.reference = data_lib.load(config.data, 'test')
    self.notes = []
    self.networks = [features.annotator_network(annotator)]
    if inception_v3 is None:
      self.notes.append(
        f'FID left out: {inception.WEIGHTS_NAME} not found (config.evaluation.inception_weights '
        "names the file or its folder); the Fréchet distance in the annotator's features stands in"
      )
    else:
      self.networks.append(inception_v3)
    cache = workdir / 'reference_statistics'
    self.statistics = [
      features.reference_statistics(n, self.reference, cache) for n in self.networks
    ]
    self.frozen = (annotator.variables, [network.variables for network in self.networks])
    batch_size = config.evaluation.batch_size

    def one_batch(state, frozen, rng):
      images = data_lib.to_uint8(algorithm.generate(state, rng, batch_size))
      annotator_variables, network_variables = frozen
      logits, _ = annotator.classify(annotator_variables, data_lib.scale(images))
      networks = zip(self.networks, network_variables, strict=True)
      return images, jnp.argmax(logits, axis=-1), [n.apply(v, images) for n, v in networks]

    self._one_batch = compilation.jit(one_batch)

  def __call__(self, state, num_samples: int, rng):
    """Evaluates the EMA generator.

    Args:
      state: the training state.
      num_samples: images to generate.
      rng: key; the same key gives the same images.

    Returns:
      (results, kept images uint8, their labels by the annotator).
    """
    batch_size = self.config.evaluation.batch_size
    all_labels, kept = [], []
    moments = [None] * len(self.networks)
    for i, start in enumerate(range(0, num_samples, batch_size)):
      batch = self._one_batch(state, self.frozen, jax.random.fold_in(rng, i))
      size = min(batch_size, num_samples - start)
      images, labels, seen = jax.tree.map(lambda x, n=size: np.asarray(x[:n]), batch)
      all_labels.append(labels)
      moments = [fid.accumulate(m, f) for m, f in zip(moments, seen, strict=True)]
      if start < _KEPT:
        kept.append(images)
    labels = np.concatenate(all_labels)
    counts = class_distribution.class_counts(labels, len(self.class_names))
    results = {'kl_from_uniform': class_distribution.kl_from_uniform(counts), 'fid': None}
    for network, moment, real in zip(self.networks, moments, self.statistics, strict=True):
      results[network.metric] = fid.frechet_distance(*fid.moments_statistics(moment), *real)
    results['class_counts'] = counts.tolist()
    results['head_medium_tail'] = class_distribution.head_medium_tail(counts, self.train_counts)
    images = np.concatenate(kept)[:_KEPT]
    return results, images, labels[: len(images)]


def periodic(evaluator: Evaluator, state, num_samples: int, rng):
  """What training logs of a state: (values by name, score); a lower distance scores higher."""
  results, _, _ = evaluator(state, num_samples, rng)
  distance = results['frechet_annotator'] if results['fid'] is None else results['fid']
  values = {
    f'evaluation/{name}': results[name]
    for name in ('kl_from_uniform', 'fid', 'frechet_annotator', 'class_counts')
    if results[name] is not None
  }
  return values, -distance
