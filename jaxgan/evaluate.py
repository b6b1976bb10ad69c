"""Evaluation of a generator: class distribution, Fréchet distances, pictures, evaluation.json."""

from collections.abc import Callable
import functools
import json
import os
import pathlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import data as data_lib
from jaxgan import jobs, pictures
from jaxgan.drawing import grids
from jaxgan.errors import UserError
from jaxgan.logging import replace_file
from jaxgan.metrics import class_distribution, fid, inception

_GRID = 100  # images of a sample grid, 10 x 10
_KEPT = 512  # evaluation images kept with their labels for pictures
_REFERENCE_BATCH = 250


class FeatureNetwork(NamedTuple):
  """A network in whose features a Fréchet distance is taken.

  Attributes:
    metric: name of the distance in the results, 'fid' or 'frechet_annotator'.
    key: identifies network and weights.
    resize: how an image comes to the network's input size.
    apply: `apply(variables, images uint8) -> features [N, D]`.
    variables: the network's arrays.
  """

  metric: str
  key: str
  resize: str
  apply: Callable
  variables: Any


def annotator_network(annotator: jobs.Classifier) -> FeatureNetwork:
  """The annotator's pooled features, the stand-in where Inception's weights are missing."""

  def apply(variables, images):
    return annotator.classify(variables, data_lib.scale(images))[1]

  return FeatureNetwork('frechet_annotator', annotator.key, 'none', apply, annotator.variables)


def inception_network(config) -> FeatureNetwork | None:
  """Inception-V3, or None where its weights are not to be had and nobody named them.

  Args:
    config: the `evaluation` section.

  Raises:
    UserError: `inception_weights` names a file or folder that does not hold them, or holds
      damaged ones.
  """
  path = inception.find_weights(config.inception_weights, download=config.download_inception)
  if path is None and config.inception_weights:
    raise UserError(
      f'config.evaluation.inception_weights={config.inception_weights}: {inception.WEIGHTS_NAME} '
      'is not there; leave the field empty to evaluate without FID'
    )
  return None if path is None else _load_inception(path)


@functools.lru_cache(maxsize=1)  # Checked before training, used by every evaluation of a run.
def _load_inception(path) -> FeatureNetwork:
  return FeatureNetwork(
    metric='fid',
    key=inception.network_key(path),
    resize='bilinear to 299x299',
    apply=inception.features,
    variables=inception.load_weights(path),
  )


def reference_statistics(network: FeatureNetwork, arrays, cache: pathlib.Path):
  """Mean and covariance of a network's features of the reference images, cached on disk.

  Args:
    network: the feature network.
    arrays: reference images, with the key of their data and split.
    cache: folder of the cached statistics.

  Returns:
    (mean `[D]`, covariance `[D, D]`), float64.
  """
  resize = network.resize.replace(' ', '-')
  name = f'{arrays.key}-{len(arrays.images)}-{resize}-{network.key}.npz'
  path = cache / ''.join(c if c.isalnum() or c in '-_.' else '_' for c in name)
  if path.exists():
    with np.load(path) as saved:
      return saved['mean'], saved['covariance']
  apply = jax.jit(network.apply)
  moments = None
  for start in range(0, len(arrays.images), _REFERENCE_BATCH):
    features = apply(network.variables, arrays.images[start : start + _REFERENCE_BATCH])
    moments = fid.accumulate(moments, np.asarray(features))
  mean, covariance = fid.moments_statistics(moments)
  cache.mkdir(parents=True, exist_ok=True)
  temporary = path.with_suffix('.tmp.npz')
  np.savez(temporary, mean=mean, covariance=covariance)
  temporary.replace(path)
  return mean, covariance


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
      inception_v3: from `inception_network`; None leaves FID out.
      arrays: the training images, for their class frequencies.
      workdir: where reference statistics are cached.
    """
    self.config = config
    self.class_names = arrays.class_names
    self.train_counts = class_distribution.class_counts(arrays.labels, len(arrays.class_names))
    self.data_key = arrays.key
    self.reference = data_lib.load(config.data, 'test')
    self.notes = []
    self.networks = [annotator_network(annotator)]
    if inception_v3 is None:
      self.notes.append(
        f'FID left out: {inception.WEIGHTS_NAME} not found (config.evaluation.inception_weights '
        "names the file or its folder); the Fréchet distance in the annotator's features stands in"
      )
    else:
      self.networks.append(inception_v3)
    cache = workdir / 'reference_statistics'
    self.statistics = [reference_statistics(n, self.reference, cache) for n in self.networks]
    self.frozen = (annotator.variables, [network.variables for network in self.networks])
    batch_size = config.evaluation.batch_size

    @jax.jit
    def one_batch(state, frozen, rng):
      images = data_lib.to_uint8(algorithm.generate(state, rng, batch_size))
      annotator_variables, network_variables = frozen
      logits, _ = annotator.classify(annotator_variables, data_lib.scale(images))
      features = [n.apply(v, images) for n, v in zip(self.networks, network_variables, strict=True)]
      return images, jnp.argmax(logits, axis=-1), features

    self._one_batch = one_batch

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
      images, labels, features = jax.tree.map(lambda x, n=size: np.asarray(x[:n]), batch)
      all_labels.append(labels)
      moments = [fid.accumulate(m, f) for m, f in zip(moments, features, strict=True)]
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


def sample_grids(algorithm):
  """Returns `draw(folder, state, step, rng)`: one noise through the raw and EMA generators."""
  generate = jax.jit(algorithm.generate, static_argnums=(2, 3))

  def draw(folder, state, step, rng):
    for name, ema in (('raw', False), ('ema', True)):
      images = np.asarray(data_lib.to_uint8(generate(state, rng, _GRID, ema)))
      path = folder / 'samples' / f'step_{step:08d}_{name}.png'
      grids.save_png(path, grids.image_grid(images, 10))

  return draw


def hardware() -> str:
  """The devices of this process in words."""
  devices = jax.devices()
  if devices[0].platform == 'cpu':
    return f'{os.cpu_count()} CPU cores ({len(devices)} JAX devices)'
  return f'{len(devices)} x {devices[0].device_kind}'


def write_evaluation(
  folder: pathlib.Path, evaluator: Evaluator, method: str, step: int, state, rng, run: dict
) -> dict:
  """Evaluates a checkpoint in full; writes evaluation.json and the samples behind its pictures.

  Args:
    folder: of the GAN job.
    evaluator: of its experiment.
    method: name of the method.
    step: of the checkpoint.
    state: the restored state.
    rng: key of the generated images.
    run: what else the protocol says: the seed and the accuracies of annotator and classifier.

  Returns:
    What evaluation.json holds.
  """
  config = evaluator.config
  results, images, labels = evaluator(state, config.evaluation.samples, rng)
  networks = evaluator.networks
  evaluation = {
    'experiment': config.experiment,
    'method': method,
    'published': config.published.get(method),
    'protocol': {
      'data': evaluator.data_key,
      'reference': evaluator.reference.key,
      'reference_images': len(evaluator.reference.images),
      'samples': config.evaluation.samples,
      'step': step,
      'generator': 'ema',
      'batch_norm': 'running statistics',
      'feature_network': ', '.join(f'{n.metric}: {n.key}' for n in networks),
      'resize': ', '.join(f'{n.metric}: {n.resize}' for n in networks),
      **run,
      'hardware': hardware(),
      'jax': jax.__version__,
    },
    'results': results,
    'class_names': list(evaluator.class_names),
    'train_counts': np.asarray(evaluator.train_counts).tolist(),
    'notes': evaluator.notes,
  }
  np.savez_compressed(folder / 'evaluation_samples.npz', images=images, labels=labels)
  replace_file(folder / 'evaluation.json', json.dumps(evaluation, indent=2).encode())
  return evaluation


def comparison_pictures(workdir: pathlib.Path, folders) -> list[pathlib.Path]:
  """Draws the evaluations of several methods beside each other.

  Args:
    workdir: gets the pictures.
    folders: {method: the folder of its evaluation.json}.

  Returns:
    Paths of the pictures written.
  """
  counts, panels = {}, {}
  for method, folder in folders.items():
    evaluation = json.loads((folder / 'evaluation.json').read_text())
    counts[method] = evaluation['results']['class_counts']
    with np.load(folder / 'evaluation_samples.npz') as saved:
      panels[method] = (saved['images'], saved['labels'])
    class_names, train_counts = evaluation['class_names'], evaluation['train_counts']
  paths = [workdir / 'class_histogram.png', workdir / 'samples_by_class.png']
  pictures.class_histogram(counts, train_counts, class_names, paths[0])
  pictures.samples_by_class(panels, class_names, paths[1])
  return paths
