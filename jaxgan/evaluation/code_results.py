"""What is seen of categorical codes: does code i make class i, and what do Q's features know.

The protocol of "Elastic-InfoGAN", Ojha et al. 2020, §4: 1,000 images a code by the generator in
inference mode, labelled by a classifier; NMI and ENT of the counts; the prior beside the true
frequencies; 1-NN accuracy of the real images (§3 of the supplement). That is measured on Q's k
logits: the paper speaks of Q's features and its code has no such test, but Table 4 prints 0.4865
for random weights on MNIST. On splits 0, 1 and 2 the logits of random weights have 0.50, 0.53 and
0.51, the penultimate features 0.93. The features' accuracy stands beside it under its own name.
Beside them the clustering of real images that other papers print, see `jaxgan.metrics.clustering`.
"""

import functools

import numpy as np
from scipy.special import rel_entr

from jaxgan.losses import contrastive
from jaxgan.metrics import clustering, disentanglement, knn

TEST_SHARE = 0.2  # of the real images, in the 1-NN test
NEIGHBOURS = 'Euclidean, 80 % against 20 % of the training images, seeded'
CLUSTERED = 10_000  # images, as many as the test images of MNIST
CLUSTERING = (
  f'at most {CLUSTERED:,} training images, a seeded choice: k-means of the features as they are, k '
  f'the larger of codes and classes, best of {clustering.STARTS} seeded starts; beside it argmax Q'
)


class Judged:
  """The images of each code as an annotator sees them, and real images as Q does.

  Attributes:
    prior: of the codes `[k]`.
    counts: images of each code by their classes `[k, K]`; None without labels.
    features: of the training images by Q `[N, D]`; None unless they are kept.
    networks: none: nothing is compared in the features of several networks.
    has: what is there of the needs of metrics.
  """

  networks = ()

  def __init__(self, prior, counts, train_counts, outputs, arrays, seed, untrained):
    """See `Observer.observe`; `outputs` and `untrained()` are logits and features of Q."""
    self.prior, self.counts, self._train_counts = prior, counts, train_counts
    self._arrays, self._seed, self._untrained = arrays, seed, untrained
    self._logits, self.features = outputs
    seen = {'classes': counts, 'features': self.features, 'untrained': untrained}
    self.has = {name for name, value in seen.items() if value is not None}

  @functools.cached_property
  def matched(self) -> dict:
    """See `counts_results`."""
    return counts_results(self.counts, self.prior, self._train_counts)

  @functools.cached_property
  def real(self) -> dict:
    """What Q's outputs say of the classes of the real images."""
    labels, seed = self._arrays.labels, self._seed
    num_clusters = max(len(self.prior), len(self._arrays.class_names))
    results = nearest_neighbour_results(self._logits, self.features, labels, seed)
    results |= clustering_results(
      self.features, self._logits.argmax(axis=-1), labels, num_clusters, seed
    )
    if self._untrained:
      results |= nearest_neighbour_results(*self._untrained(), labels, seed, '_random_weights')
    return results


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
