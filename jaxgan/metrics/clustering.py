"""Clustering: how well clusters of real images agree with their classes.

The NMI and ARI of "ClusterGAN: Latent Space Clustering in Generative Adversarial Networks",
Mukherjee et al. 2019, and of `Stein Latent Optimization for Generative Adversarial Networks
<https://arxiv.org/abs/2106.05319>`_ (SLOGAN), Hwang et al. 2022. Both papers cluster the outputs of
their encoders for real images by k-means.
"""

import numpy as np
from numpy.typing import ArrayLike

STARTS = 10  # scikit-learn's default up to version 1.3, which both papers used


def k_means(features: ArrayLike, num_clusters: int, seed: int) -> np.ndarray:
  """Clusters of k-means, argmin over centres μ of Σ_i min_j ||f_i - μ_j||², by Lloyd's algorithm.

  The best of 10 starts, each by k-means++. The features are not standardised.

  Args:
    features: [N, D].
    num_clusters: k; with fewer images than k, N clusters are found.
    seed: of the starts.

  Returns:
    [N] integers, the cluster of each image.

  Example:
    >>> clusters = k_means([[0.0], [0.1], [9.0]], num_clusters=2, seed=0)
    >>> bool(clusters[0] == clusters[1] != clusters[2])
    True
  """
  from sklearn.cluster import KMeans  # Takes a second to import.

  features = np.asarray(features, np.float32)
  num_clusters = min(num_clusters, len(features))
  # scikit-learn has no stubs: from the default 'auto', pyright infers that n_init is a str.
  search = KMeans(num_clusters, n_init=STARTS, random_state=seed)  # pyright: ignore[reportArgumentType]
  return search.fit_predict(features)


def agreement(labels: ArrayLike, clusters: ArrayLike) -> tuple[float, float]:
  """NMI and ARI of clusters and classes; the numbers of the clusters do not matter.

  NMI = I / ((H(C) + H(Y)) / 2), in [0, 1]; see `disentanglement.nmi`. The adjusted Rand index is
  ARI = (Σ_ij C(n_ij, 2) - E) / ((Σ_i C(a_i, 2) + Σ_j C(b_j, 2)) / 2 - E) for the contingency table
  n with the sums a and b of its rows and columns, E = Σ_i C(a_i, 2) Σ_j C(b_j, 2) / C(N, 2). It is
  1 for perfect agreement and 0 on average by chance. See "Comparing partitions", Hubert and Arabie
  1985.

  Args:
    labels: [N] integers, the classes.
    clusters: [N] integers.

  Returns:
    (NMI, ARI), as scikit-learn computes them.

  Raises:
    ValueError: labels and clusters have different lengths.

  Example:
    >>> agreement([0, 0, 1, 1], [5, 5, 2, 2])
    (1.0, 1.0)
  """
  from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

  scores = normalized_mutual_info_score, adjusted_rand_score
  nmi, ari = (float(score(np.asarray(labels), np.asarray(clusters))) for score in scores)
  return min(1.0, nmi), ari  # Rounding can leave 1 + 2e-16.
