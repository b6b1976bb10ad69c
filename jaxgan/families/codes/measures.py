"""Measures of categorical codes: does code i make class i, and what do Q's features know.

The protocol of "Elastic-InfoGAN", Ojha et al. 2020, §4: 1,000 images a code by the generator in
inference mode, labelled by a classifier; NMI and ENT of the counts; the prior beside the true
frequencies; 1-NN accuracy of the real images (§3 of the supplement). That is measured on Q's k
logits: the paper speaks of Q's features and its code has no such test, but Table 4 prints 0.4865
for random weights on MNIST. On splits 0, 1 and 2 the logits of random weights have 0.50, 0.53 and
0.51, the penultimate features 0.93. The features' accuracy stands beside it under its own name.
Beside them the clustering of real images that other papers print, see `jaxgan.metrics.clustering`.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import rel_entr

from jaxgan import compilation, distributed, jobs, priors
from jaxgan import data as data_lib
from jaxgan.losses import contrastive
from jaxgan.metrics import class_distribution, clustering, disentanglement, knn

TEST_SHARE = 0.2  # of the real images, in the 1-NN test
NEIGHBOURS = 'Euclidean, 80 % against 20 % of the training images, seeded'
CLUSTERED = 10_000  # images, as many as the test images of MNIST
CLUSTERING = (
  f'at most {CLUSTERED:,} training images, a seeded choice: k-means of the features as they are, k '
  f'the larger of codes and classes, best of {clustering.STARTS} seeded starts; beside it argmax Q'
)


class CodeEvaluator:
  """Measures a generator's codes; never changes its state. Compiled once."""

  def __init__(self, config, algorithm, num_categories: int, annotator: jobs.Classifier | None):
    """Compiles nothing yet.

    Args:
      config: the experiment's configuration.
      algorithm: an InfoGAN or the JointVAE.
      num_categories: k.
      annotator: the Classifier that labels generated images; None where there are no labels.
    """
    self._config = config
    self._annotator = annotator
    self._algorithm = algorithm
    self.num_categories = num_categories
    self.num_continuous = getattr(config.algorithm, 'num_continuous', 0)
    self._probabilities = compilation.jit(jax.nn.softmax)
    self._outputs = jobs.compile_outputs(algorithm.classify)

    def images(state, rng, num_images, codes):
      """Images uint8 of given codes, in inference mode."""
      return data_lib.to_uint8(algorithm.generate(state, rng, num_images, codes=codes))

    self.images = compilation.jit(images, static_argnums=2)

    def sample(state, rng, prior, num_images):
      """Images uint8 of codes drawn from a prior `[k]`, and their categories."""
      category_rng, codes_rng, images_rng = jax.random.split(rng, 3)
      categories = jnp.argmax(priors.categorical(category_rng, prior, num_images), axis=-1)
      codes = self.codes(codes_rng, categories)
      return images(state, images_rng, num_images, codes), categories

    self.sample = compilation.jit(sample, static_argnums=3)

    def label(state, variables, rng, category, classes, num):
      codes_rng, images_rng = jax.random.split(rng)
      codes = self.codes(codes_rng, jnp.full(num, category))
      generated = data_lib.scale(images(state, images_rng, num, codes))
      logits, _ = annotator.classify(variables, generated)
      return jnp.argmax(logits[:, classes], axis=-1)

    self._label = compilation.jit(label, static_argnums=5)

  def codes(self, rng, categories):
    """One-hot codes `[N, k + r]` of given categories `[N]`, their continuous part at random."""
    continuous = priors.continuous_uniform(rng, self.num_continuous, len(categories))
    one_hot = jax.nn.one_hot(categories, self.num_categories)
    return jnp.concatenate([one_hot, continuous], axis=-1)

  def prior(self, state) -> np.ndarray:
    """The prior of the categories `[k]`; JointVAE's is uniform."""
    if not hasattr(state, 'prior_logits'):
      return np.full(self.num_categories, 1 / self.num_categories)
    return distributed.to_host(self._probabilities(state.prior_logits)).astype(np.float64)

  def counts(self, state, images_per_code: int, rng, classes) -> np.ndarray:
    """How many of the images of each code are called each class, `[k, K]`.

    Args:
      state: of the algorithm.
      images_per_code: how many.
      rng: key.
      classes: int `[K]`, the annotator's outputs to choose from.
    """
    num_classes = len(classes)
    batch_size = min(self._config.evaluation.batch_size, images_per_code)
    starts = range(0, images_per_code, batch_size)
    places = list(itertools.product(range(self.num_categories), starts))

    def labels():
      for category, start in places:
        batch_rng = jax.random.fold_in(jax.random.fold_in(rng, category), start)
        variables = self._annotator.variables
        yield self._label(state, variables, batch_rng, category, classes, batch_size)

    counts = np.zeros((self.num_categories, num_classes), np.int64)
    for (category, start), found in zip(places, distributed.each_to_host(labels()), strict=True):
      wanted = found[: images_per_code - start]
      counts[category] += class_distribution.class_counts(wanted, num_classes)
    return counts

  def grid(self, state, rng, columns: int = 10) -> np.ndarray:
    """Images uint8 `[k, columns, H, W, C]`: one row a code, one noise a column."""
    codes_rng, images_rng = jax.random.split(rng)
    rows = [
      self.images(state, images_rng, columns, self.codes(codes_rng, jnp.full(columns, category)))
      for category in range(self.num_categories)
    ]
    return np.stack(distributed.to_host(rows))

  def traversals(self, state, rng, values) -> np.ndarray:
    """Images uint8 `[r, k, len(values), H, W, C]`: one continuous code moves, all else stands."""
    if not self.num_continuous:
      return np.zeros((0, self.num_categories, len(values)), np.uint8)
    noise_rngs = jax.random.split(rng, self.num_categories)
    rows = []
    for i in range(self.num_continuous):
      for category, noise_rng in enumerate(noise_rngs):
        frames = []
        for value in values:
          codes = jax.nn.one_hot(jnp.array([category]), self.num_categories)
          continuous = jnp.zeros((1, self.num_continuous)).at[0, i].set(value)
          codes = jnp.concatenate([codes, continuous], axis=-1)
          frames.append(distributed.to_host(self.images(state, noise_rng, 1, codes))[0])
        rows.append(np.stack(frames))
    return np.stack(rows).reshape(self.num_continuous, self.num_categories, *rows[0].shape)

  def recognise(self, variables, images) -> tuple[np.ndarray, np.ndarray]:
    """What Q says of images uint8: the logits `[N, k]` and the features `[N, D]`."""
    return self._outputs(variables, images)

  def random_variables(self, seed: int):
    """What `classify` needs, with the weights that a run of this seed begins with."""
    return compilation.jit(self._algorithm.init)(data_lib.run_keys(seed)[0]).variables


def counts_results(counts, prior, train_counts) -> dict:
  """What the counts of codes and classes say, beside the prior.

  Args:
    counts: `[k, K]`.
    prior: `[k]`.
    train_counts: `[K]`, real images of each class.

  Returns:
    The results by name. Each code is matched with a class by `disentanglement.match_codes`, -1 for
    none. `prior_distance` is the total variation distance 1/2 Σ|p - f| of prior and true
    frequencies, `prior_kl` is KL(f || p) = Σ f log(f / p) in nats; None where it is infinite, as
    with a class that has no code.
  """
  frequencies = np.asarray(train_counts) / np.sum(train_counts)
  classes = disentanglement.match_codes(counts)
  matched = np.where(classes >= 0, frequencies[classes], 0.0)
  unmatched = np.delete(frequencies, classes[classes >= 0]).sum()  # of classes without a code
  divergence = np.inf if unmatched > 0 else rel_entr(matched, prior).sum()
  return {
    'nmi': disentanglement.nmi(counts),
    'nmi_geometric': disentanglement.nmi(counts, 'geometric'),
    'ent': disentanglement.average_entropy(counts),
    'empty_codes_and_classes': disentanglement.num_empty(counts),
    'counts': np.asarray(counts).tolist(),
    'matched_classes': classes.tolist(),
    'matched_frequencies': matched.tolist(),
    'prior_distance': float(0.5 * (np.abs(prior - matched).sum() + unmatched)),
    'prior_kl': max(0.0, float(divergence)) if np.isfinite(divergence) else None,
    'false_negative_share': float(contrastive.expected_false_negative_share(frequencies)),
  }


def nearest_neighbour_results(logits, features, labels, seed: int, suffix: str = '') -> dict:
  """The 1-NN accuracies of Q's logits `[N, k]` and features `[N, D]`, by name."""
  return {
    f'knn1_accuracy{suffix}': nearest_neighbours(logits, labels, seed),
    f'knn1_accuracy_features{suffix}': nearest_neighbours(features, labels, seed),
  }


def nearest_neighbours(features, labels, seed: int) -> float:
  """1-NN accuracy of some features with a seeded 80/20 split of the images."""
  order = np.random.default_rng(seed).permutation(len(labels))
  test, train = np.split(order, [round(TEST_SHARE * len(labels))])
  return knn.nearest_neighbour_accuracy(
    features[train], labels[train], features[test], labels[test]
  )


def clustering_results(features, assignments, labels, num_clusters: int, seed: int) -> dict:
  """How k-means on Q's features and Q itself sort the real images, beside their classes.

  Args:
    features: `[N, D]`.
    assignments: `[N]`, the most probable code of each image.
    labels: `[N]`, the classes.
    num_clusters: k of k-means.
    seed: of the choice of images and of k-means.

  Returns:
    NMI and ARI of both by name.
  """
  chosen = np.random.default_rng(seed).permutation(len(labels))[:CLUSTERED]
  clusters = clustering.k_means(features[chosen], num_clusters, seed)
  results = {}
  for name, found in (('kmeans', clusters), ('argmax', assignments[chosen])):
    results[f'{name}_nmi'], results[f'{name}_ari'] = clustering.agreement(labels[chosen], found)
  return results
