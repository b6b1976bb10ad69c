"""Results of categorical codes: how codes match classes, and what Q's features tell about classes.

The protocol of "Elastic-InfoGAN", Ojha et al. 2020, §4: 1,000 images per code by the generator in
inference mode, labelled by a classifier; NMI and ENT of the counts; the prior beside the true
frequencies; 1-NN accuracy of the real images (§3 of the supplement).

The 1-NN accuracy uses Q's k logits. The paper speaks of Q's features, and its code has no such
test, but Table 4 prints 0.4865 for random weights on MNIST: on splits 0, 1 and 2 the logits of
random weights have 0.50, 0.53 and 0.51, the penultimate features 0.93. The accuracy of the features
is a second result. Further results cluster the real images, as other papers do, see
`jaxgan.metrics.clustering`.
"""

from collections.abc import Callable
import functools
from typing import Any

import numpy as np
from scipy.special import rel_entr

from data_prep.build import Arrays
from jaxgan.losses import contrastive
from jaxgan.metrics import clustering, disentanglement, knn

TEST_SHARE = 0.2  # of the real images, in the 1-NN test
NEIGHBOURS = 'Euclidean, 80 % against 20 % of the training images, seeded'
CLUSTERED = 10_000  # images, the size of MNIST's test split
CLUSTERING = (
  f'at most {CLUSTERED:,} training images, a seeded choice: k-means of the features as they are, k '
  f'the larger of codes and classes, best of {clustering.STARTS} seeded starts; beside it argmax Q'
)


class Judged:
  """The annotator's labels of generated images, and Q's outputs for real images.

  Attributes:
    prior: the prior of the codes `[k]`.
    counts: images of each code by class `[k, K]`; None without labels.
    features: Q's features of the training images `[N, D]`; None unless a metric needs them.
    networks: empty, because no metric compares images in the features of several networks.
    has: the needs of metrics that are met.
  """

  networks = ()

  def __init__(
    self,
    prior: np.ndarray,
    counts: np.ndarray | None,
    train_counts: np.ndarray,
    outputs: tuple[Any, Any],
    arrays: Arrays | None,
    seed: int,
    untrained: Callable[[], tuple[np.ndarray, np.ndarray]] | None,
  ):
    """Stores the outputs; see `jaxgan.evaluation.codes.Observer.observe`.

    Args:
      prior: see the attributes.
      counts: see the attributes.
      train_counts: training images of each class `[K]`.
      outputs: Q's logits and features of the training images, or (None, None).
      arrays: the training images, or None.
      seed: seed of the splits and clusterings.
      untrained: returns the logits and features of the untrained Q; None without one.
    """
    self.prior, self.counts, self._train_counts = prior, counts, train_counts
    self._arrays, self._seed, self._untrained = arrays, seed, untrained
    self._logits, self.features = outputs
    seen = {'classes': counts, 'features': self.features, 'untrained': untrained}
    self.has = {name for name, value in seen.items() if value is not None}

  @functools.cached_property
  def matched(self) -> dict[str, Any]:
    """The results of `counts_results`."""
    assert self.counts is not None
    return counts_results(self.counts, self.prior, self._train_counts)

  @functools.cached_property
  def real(self) -> dict[str, float]:
    """The 1-NN accuracies and clusterings of the real images by Q's outputs."""
    assert self._arrays is not None
    labels, seed = self._arrays.labels, self._seed
    num_clusters = max(len(self.prior), len(self._arrays.class_names))
    results = nearest_neighbour_results(self._logits, self.features, labels, seed)
    results |= clustering_results(
      self.features, self._logits.argmax(axis=-1), labels, num_clusters, seed
    )
    if self._untrained:
      results |= nearest_neighbour_results(*self._untrained(), labels, seed, '_random_weights')
    return results


def counts_results(
  counts: np.ndarray, prior: np.ndarray, train_counts: np.ndarray
) -> dict[str, Any]:
  """Compares codes with classes, and the prior with the class frequencies.

  `disentanglement.match_codes` matches each code with a class, or with -1. `prior_distance` is the
  total variation distance 1/2 Σ|p - f| of prior and true frequencies. `prior_kl` is
  KL(f ‖ p) = Σ f log(f / p) in nats; None if infinite, as for a class without a code.

  Args:
    counts: images of each code by class `[k, K]`.
    prior: prior of the codes `[k]`.
    train_counts: training images of each class `[K]`.

  Returns:
    {name: result}.
  """
  frequencies = np.asarray(train_counts) / np.sum(train_counts)
  classes = disentanglement.match_codes(counts)
  matched = np.where(classes >= 0, frequencies[classes], 0.0)
  unmatched = np.delete(frequencies, classes[classes >= 0]).sum()  # Classes without a code.
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


def nearest_neighbour_results(
  logits: np.ndarray, features: np.ndarray, labels: np.ndarray, seed: int, suffix: str = ''
) -> dict[str, float]:
  """Returns {name: 1-NN accuracy} of Q's logits `[N, k]` and features `[N, D]`."""
  return {
    f'knn1_accuracy{suffix}': nearest_neighbours(logits, labels, seed),
    f'knn1_accuracy_features{suffix}': nearest_neighbours(features, labels, seed),
  }


def nearest_neighbours(features: np.ndarray, labels: np.ndarray, seed: int) -> float:
  """Returns the 1-NN accuracy of features, with a seeded 80/20 split of the images."""
  order = np.random.default_rng(seed).permutation(len(labels))
  test, train = np.split(order, [round(TEST_SHARE * len(labels))])
  return knn.nearest_neighbour_accuracy(
    features[train], labels[train], features[test], labels[test]
  )


def clustering_results(
  features: np.ndarray, assignments: np.ndarray, labels: np.ndarray, num_clusters: int, seed: int
) -> dict[str, float]:
  """Compares the classes of real images with k-means of Q's features and with argmax Q.

  Args:
    features: Q's features `[N, D]`.
    assignments: the most probable code of each image `[N]`.
    labels: the classes `[N]`.
    num_clusters: k of k-means.
    seed: seed of the choice of images and of k-means.

  Returns:
    {name: NMI or ARI}.
  """
  chosen = np.random.default_rng(seed).permutation(len(labels))[:CLUSTERED]
  clusters = clustering.k_means(features[chosen], num_clusters, seed)
  results = {}
  for name, found in (('kmeans', clusters), ('argmax', assignments[chosen])):
    results[f'{name}_nmi'], results[f'{name}_ari'] = clustering.agreement(labels[chosen], found)
  return results
