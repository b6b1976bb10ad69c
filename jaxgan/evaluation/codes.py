"""Observer of categorical codes: draws images of each code, and applies Q to real images."""

from collections.abc import Callable, Sequence
import functools
import itertools
import pathlib
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from data_prep.build import Arrays
from jaxgan.algorithms import Algorithm, priors
from jaxgan.data import pixels, training_data
from jaxgan.evaluation import agreement
from jaxgan.evaluation.code_results import CLUSTERING, NEIGHBOURS, Judged
from jaxgan.evaluation.record import BY_CODES, CODES_FILE, RETRIEVAL_FILE, LabelSet
from jaxgan.metrics import class_distribution, knn
from jaxgan.networks import infogans
from jaxgan.system import compilation, distributed, files
from jaxgan.training import classifiers

# Fields of the algorithm that are recorded beside the method.
_SETTINGS = (
  'network', 'width', 'prior_learning_rate', 'prior_losses', 'prior_entropy_weight', 'prior_start',
  'positive_loss', 'views', 'rotation_degrees', 'crop_of', 'beta_continuous', 'beta_discrete',
  'continuous_capacity', 'discrete_capacity', 'capacity_steps',
)  # fmt: skip
_QUERIES, _NEIGHBOURS = 8, 10  # of the retrieval picture
_RESIZED = 'resized from the published images'
# The data of each column of the paper's tables: pattern of its key, state of its pixels.
_PUBLISHED_DATA = {
  'mnist': (r'long_tail_mnist/split_\d+', 'exact'),
  'youtube_faces': (r'youtube_faces40/\d', _RESIZED),
  'cars3d': (r'long_tail_cars3d/set_\d_draw_\d', _RESIZED),
  'chairs3d': (r'long_tail_chairs3d/set_\d_draw_\d', _RESIZED),
  'shapenet': (r'shapenet5/\d', 'unverified'),  # Users render it themselves.
}


class Observer:
  """Draws images of the codes of states; never changes a state; compiled once."""

  def __init__(
    self, inputs: Any, algorithm: Algorithm, names: tuple[str, ...], has_untrained: bool
  ):
    """Builds the programs; compiles nothing.

    Args:
      inputs: the `jaxgan.runs.inputs.Inputs` of the experiment.
      algorithm: an InfoGAN or the JointVAE.
      names: the names of the k codes.
      has_untrained: whether to measure the untrained Q, too.
    """
    self._inputs, self._config, self._algorithm = inputs, inputs.config, algorithm
    self._annotator = annotator = inputs.annotator
    self.names, self.num_categories, self._has_untrained = names, len(names), has_untrained
    self.num_continuous = getattr(inputs.config.algorithm, 'num_continuous', 0)
    self._probabilities = compilation.jit(jax.nn.softmax)
    self.settled = algorithm.settled
    # recognise(variables, images uint8): the logits `[N, k]` and the features `[N, D]` of Q.
    generate, classify = algorithm.generate, algorithm.classify
    assert generate is not None and classify is not None
    self.recognise = classifiers.compile_outputs(classify)

    def images(state, rng, num_images, codes):
      """Draws images uint8 of given codes, in inference mode."""
      return pixels.to_uint8(generate(state, rng, num_images, codes=codes))

    self.images = compilation.jit(images, static_argnums=2)

    def sample(state, rng, prior, num_images):
      """Draws images uint8 of codes from a prior `[k]`, and their categories."""
      category_rng, codes_rng, images_rng = jax.random.split(rng, 3)
      categories = jnp.argmax(priors.categorical(category_rng, prior, num_images), axis=-1)
      codes = self.codes(codes_rng, categories)
      return images(state, images_rng, num_images, codes), categories

    self.sample = compilation.jit(sample, static_argnums=3)

    def label(state, variables, rng, category, start, classes, num):
      rng = jax.random.fold_in(jax.random.fold_in(rng, category), start)
      codes_rng, images_rng = jax.random.split(rng)
      codes = self.codes(codes_rng, jnp.full(num, category))
      generated = pixels.scale(images(state, images_rng, num, codes))
      logits, _ = annotator.classify(variables, generated)
      return jnp.argmax(logits[:, classes], axis=-1)

    self._label = compilation.jit(label, static_argnums=6)

  def codes(self, rng: jax.Array, categories: jax.Array) -> jax.Array:
    """Returns one-hot codes `[N, k + r]` of categories `[N]`, with random continuous codes."""
    continuous = priors.continuous_uniform(rng, self.num_continuous, len(categories))
    one_hot = jax.nn.one_hot(categories, self.num_categories)
    return jnp.concatenate([one_hot, continuous], axis=-1)

  def prior(self, state: Any) -> np.ndarray:
    """Returns the prior of the categories `[k]`; JointVAE's is uniform."""
    if not hasattr(state, 'prior_logits'):
      return np.full(self.num_categories, 1 / self.num_categories)
    return distributed.to_host(self._probabilities(state.prior_logits)).astype(np.float64)

  def num_images(self, periodic: bool) -> int:
    """Returns how many images of each code an evaluation draws."""
    config = self._config.evaluation
    return config.periodic_images_per_code if periodic else config.images_per_code

  def observe(
    self,
    state: Any,
    replica: int,
    rng: jax.Array,
    num_images: int,
    needs: frozenset[str] = frozenset(),
    score: None = None,
  ) -> Judged:
    """Draws images of each code; if 'features' are needed, applies Q to the training images.

    Args:
      state: the state of the replica.
      replica: the number of the replica.
      rng: key; the same key gives the same images.
      num_images: images of each code.
      needs: needs of the metrics to measure.
      score: not used.

    Returns:
      The argument of the metrics.
    """
    data, seed = self._inputs.data, self._config.seed + replica
    counts, arrays, outputs, untrained = None, None, (None, None), None
    if self._annotator:
      classes = classifiers.class_positions(self._annotator.class_names, data, replica)
      assert classes is not None  # A rule refuses an annotator of other classes.
      counts = self.counts(state, num_images, rng, classes)
    if 'features' in needs:
      arrays = data.replica_arrays(replica)
      outputs = self.recognise(state.variables, arrays.images)
      if self._annotator and self._has_untrained:
        untrained = functools.partial(self._untrained, seed, arrays.images)
    train_counts = data.share_counts(replica)
    return Judged(self.prior(state), counts, train_counts, outputs, arrays, seed, untrained)

  def counts(
    self, state: Any, images_per_code: int, rng: jax.Array, classes: np.ndarray
  ) -> np.ndarray:
    """Counts the annotator's labels of the images of each code.

    Args:
      state: the state of the replica.
      images_per_code: images of each code.
      rng: key.
      classes: int `[K]`, the outputs of the annotator to choose from.

    Returns:
      int `[k, K]`, images of each code by class.
    """
    size = min(self._config.evaluation.batch_size, images_per_code)
    starts = range(0, images_per_code, size)
    places = list(itertools.product(range(self.num_categories), starts))
    labels = (
      self._label(state, self._annotator.variables, rng, *place, classes, size) for place in places
    )
    counts = np.zeros((self.num_categories, len(classes)), np.int64)
    for (category, start), found in zip(places, distributed.each_to_host(labels), strict=True):
      wanted = found[: images_per_code - start]
      counts[category] += class_distribution.class_counts(wanted, len(classes))
    return counts

  def grid(self, state: Any, rng: jax.Array, columns: int = 10) -> np.ndarray:
    """Draws images uint8 `[k, columns, H, W, C]`: a row has one code, a column one noise vector."""
    codes_rng, images_rng = jax.random.split(rng)
    rows = [
      self.images(state, images_rng, columns, self.codes(codes_rng, jnp.full(columns, category)))
      for category in range(self.num_categories)
    ]
    return np.stack(distributed.to_host(rows))

  def traversals(self, state: Any, rng: jax.Array, values: Sequence[float]) -> np.ndarray:
    """Draws images uint8 `[r, k, len(values), H, W, C]` in which one continuous code changes."""
    shape = self.num_continuous, self.num_categories, len(values)
    noise_rngs, frames = jax.random.split(rng, self.num_categories), []
    for i, category, value in np.ndindex(shape):
      continuous = jnp.zeros((1, self.num_continuous)).at[0, i].set(values[value])
      one_hot = jax.nn.one_hot(jnp.array([category]), self.num_categories)
      codes = jnp.concatenate([one_hot, continuous], axis=-1)
      frames.append(distributed.to_host(self.images(state, noise_rngs[category], 1, codes)))
    return np.reshape(frames, (*shape, *np.shape(frames)[2:]))

  def _untrained(self, seed: int, images):
    """Applies Q with the initial weights of a run with this seed."""
    variables = compilation.jit(self._algorithm.init)(training_data.run_keys(seed)[0]).variables
    return self.recognise(variables, images)

  def score(self, results: dict[str, Any]) -> None:
    """Returns None: labels for evaluation only must not select a checkpoint."""

  def record_fields(self, judged: Judged, replica: int, step: int) -> dict[str, Any]:
    """Returns the fields of a record other than the results."""
    config, annotator = self._config, self._annotator
    arrays = self._inputs.data.replica_arrays(replica)
    labelled, column = annotator is not None, published(config, arrays)
    ramp = getattr(config.algorithm, 'capacity_steps', 0)
    notes = {
      'the images have no labels: no NMI, ENT, 1-NN accuracy and ARI': not labelled,
      f'the capacities of the latents are at {100 * step / (ramp or 1):.0f} % of their ramp': (
        step < ramp
      ),
      'the images are not the renderings of the published numbers': (
        column and arrays.metadata['pixels'] == 'unverified'
      ),
    }
    labels = {'codes': LabelSet(names=self.names)}
    if labelled:
      counts = tuple(self._inputs.data.share_counts(replica).tolist())
      labels = {'classes': LabelSet(names=tuple(arrays.class_names), counts=counts), **labels}
    return {
      'published': column,
      'settings': {
        'data': data_set(arrays.key),
        'classes': len(arrays.class_names) if labelled else 0,
        'codes': len(judged.prior),
        'images_per_code': config.evaluation.images_per_code if labelled else 0,
        'batch_size': config.train.batch_size,
        **_settings(config.algorithm),
        'generator': _generator(config.algorithm),
        'batch_norm': 'running statistics',
        'nearest_neighbours': NEIGHBOURS,
        'knn1': 'logits',
        'clustering': CLUSTERING,
        'nmi': 'arithmetic mean (scikit-learn from 0.22 on), geometric beside it',
      },
      'run': {
        'split': arrays.key,
        'images': len(arrays.labels),
        'annotator': annotator.key if labelled else None,
        **agreement.accuracy_fields('annotator', annotator if labelled else None),
        'replica': replica,
        'replicas': config.replicas,
      },
      'labels': labels,
      'notes': tuple(note for note, holds in notes.items() if holds),
    }

  def save(self, folder: pathlib.Path, state: Any, judged: Judged, replica: int) -> dict[str, Any]:
    """Writes the images for pictures; returns the 'grid' of codes and the 'retrieved' images."""
    arrays, features = self._inputs.data.replica_arrays(replica), judged.features
    grid = self.grid(state, self._inputs.evaluation_rng(replica))
    files.save(folder / CODES_FILE, np.savez_compressed, images=grid)
    queries = np.random.default_rng(0).permutation(len(features))[:_QUERIES]
    num = min(_NEIGHBOURS + 1, len(features))
    # The first neighbour of a training image is the image itself.
    nearest = knn.nearest_neighbours(features, features[queries], num)[:, 1:]
    found = {'queries': arrays.images[queries], 'neighbours': arrays.images[nearest]}
    if self._annotator is not None:
      found |= {'query_labels': arrays.labels[queries], 'labels': arrays.labels[nearest]}
    files.save(folder / RETRIEVAL_FILE, np.savez_compressed, **found)
    return {'grid': grid, 'retrieved': found}

  def sampler(
    self, state: Any, balanced: bool, chosen: Sequence[int] | None = None
  ) -> tuple[Callable, tuple[str, ...], str]:
    """Returns a function that draws labelled images; see `evaluate.Evaluation.sampler`."""
    prior = np.ones(self.num_categories) if balanced else self.prior(state)
    if chosen is not None:
      prior = np.where(np.isin(np.arange(self.num_categories), chosen), prior, 0)

    def sample(rng, num_images):
      return distributed.to_host(self.sample(state, rng, prior, num_images))

    return sample, self.names, BY_CODES

  def confidence(self, state: Any) -> Callable:
    """Returns Q's probability of the codes; see `evaluate.Evaluation.confidence`."""

    def confidence(images, labels):
      logits, _ = self.recognise(state.variables, images)
      probabilities = np.asarray(jax.nn.softmax(logits))
      return probabilities[np.arange(len(labels)), labels]

    return confidence


def _settings(algorithm) -> dict:
  """The fields of `_SETTINGS` that the method and its network read."""
  settings = {field: getattr(algorithm, field) for field in _SETTINGS if hasattr(algorithm, field)}
  if settings.get('prior_start', ()) is None:
    settings['prior_start'] = 'uniform'
  contrastive = getattr(algorithm, 'contrastive', None)
  fixed = getattr(algorithm, 'prior', None) != 'learnable'
  alone = contrastive == 'none'  # The method has no positive pairs.
  unused = {
    'width': not infogans.NETWORKS[algorithm.network].has_width,
    'prior_entropy_weight': fixed,
    'prior_start': fixed,
    'positive_loss': contrastive != 'positives',
    'views': alone,
    'rotation_degrees': alone,
    'crop_of': alone or getattr(algorithm, 'crop_keep', None) == 1.0,
  }
  return {
    name: list(value) if isinstance(value, tuple) else value
    for name, value in settings.items()
    if not unused.get(name)
  }


def _generator(algorithm) -> str:
  """The evaluated generator, in words."""
  decay = getattr(algorithm, 'ema_decay', 0.0)
  return f'ema of decay {decay:g}' if decay else 'raw'


def published(config: Any, arrays: Arrays) -> str | None:
  """Returns the column of the paper's tables; None if the images are not the published ones."""
  if config.published not in _PUBLISHED_DATA:
    return config.published
  key, kind = _PUBLISHED_DATA[config.published]
  metadata = arrays.metadata
  same = metadata.get('pixels') == kind and metadata.get('as_published', True)
  return config.published if same and re.match(key, arrays.key) else None


def data_set(key: str) -> str:
  """Returns the data set of a key of images, without the number of the split.

  'long_tail_mnist/split_07/1.0.0/train/01' becomes 'long_tail_mnist/split_NN'. A key without such a
  number is returned whole: other data under the same name is another data set.
  """
  split = re.match(r'[^/ ]+/(split_\d+|set_\d+_draw_\d+)(-[0-9a-f]+)?', key)
  return re.sub(r'_\d+(?=[_-]|$)', '_NN', split[0]) if split else key
