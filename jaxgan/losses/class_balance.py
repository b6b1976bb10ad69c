"""The class-balancing regulariser: effective class frequencies and a weighted entropy.

See "Class Balancing GAN with a Classifier in the Loop", §3.1 (Eq. 5, 6) and §3.2 (Eq. 7). Where
the paper's form and the authors' released code differ, both are here and named.
"""

import jax
import jax.numpy as jnp


def convex_update(counts, cycle_counts, decay):
  """Effective class counts after a cycle, N_k <- max(α N_k + (1 - α) c_k, 1).

  The convex form of Eq. 5, with the released code's floor of one image a class. Of a constant c, N
  goes to c, so that a cycle has to be long enough for many images of each class.

  Args:
    counts: `[K]`, N before the cycle.
    cycle_counts: `[K]`, c: images generated in the cycle that the classifier gives to each class.
    decay: the exponential forgetting factor α in [0, 1].

  Returns:
    `[K]`.
  """
  return jnp.maximum(decay * counts + (1.0 - decay) * cycle_counts, 1.0)


def additive_update(counts, cycle_counts, decay):
  """Effective class counts after a cycle, N_k <- max(α N_k + c_k, 1), Eq. 5's other form.

  Of a constant c, N goes to c / (1 - α): with α near 1 a cycle of one batch is enough.

  Args and returns: see `convex_update`; floored alike.
  """
  return jnp.maximum(decay * counts + cycle_counts, 1.0)


def class_weights(counts):
  """Regulariser weights of the released code, w_k = K (1/N_k) / Σ_j (1/N_j).

  They sum to K: all are 1 at balance, and none exceeds K when a class vanishes.

  Args:
    counts: `[K]`, effective class counts N, positive.

  Returns:
    `[K]`.
  """
  inverse = 1.0 / jnp.asarray(counts)
  return inverse * (inverse.shape[0] / inverse.sum())


def inverse_frequency_weights(counts):
  """Regulariser weights of the paper, w_k = 1 / (K N̂_k) with N̂ = N / Σ N (Eq. 6, 7 and 17).

  The factor 1/K is Eq. 17's λ/K, so that both kinds of weights are used with the same λ.

  Args:
    counts: `[K]`, effective class counts N, positive.

  Returns:
    `[K]`; all are 1 at balance, without an upper bound.
  """
  counts = jnp.asarray(counts)
  return counts.sum() / (counts.shape[0] * counts)


def weighted_entropy(mean_probs, class_weights):
  """Negated weighted entropy of the mean prediction, Σ_k w_k p̂_k log p̂_k (Eq. 7).

  Args:
    mean_probs: `[K]`, p̂: the classifier's softmax averaged over a batch of generated images.
    class_weights: `[K]`, w; constants of back-propagation.

  Returns:
    Scalar, to be minimised; 0 log 0 counts as 0.
  """
  weights = jax.lax.stop_gradient(class_weights)
  # log's derivative at 0 is infinite: the floor keeps an absent class from making NaN.
  log_probs = jnp.log(jnp.maximum(mean_probs, jnp.finfo(jnp.float32).tiny))
  return jnp.sum(weights * mean_probs * log_probs)
