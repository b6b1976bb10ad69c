"""Losses of the classifiers that are trained on long-tailed data."""

import math

import jax.numpy as jnp
import optax


def cross_entropy(logits, labels, class_weights):
  """Class-weighted cross-entropy, Σ_i w_{y_i} (-log softmax(l_i)_{y_i}) / Σ_i w_{y_i}.

  Args:
    logits: `[N, K]`.
    labels: `[N]`, integers.
    class_weights: `[K]`.

  Returns:
    Scalar: the weighted mean over the batch.

  Example:
    >>> logits, labels = jnp.array([[2.0, 0.0], [0.0, 1.0]]), jnp.array([0, 1])
    >>> round(float(cross_entropy(logits, labels, class_weights=[0.5, 1.5])), 3)
    0.267
  """
  weights = jnp.asarray(class_weights)[labels]
  losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
  return jnp.sum(weights * losses) / jnp.sum(weights)


def focal(logits, labels, class_weights, gamma):
  """Focal loss of class-weighted cross-entropies, mean_i (1 - p_i)^γ l_i with p_i = exp(-l_i).

  l_i = w_{y_i} (-log softmax(x_i)_{y_i}). See "Focal Loss for Dense Object Detection", Lin et al.
  2017, §3.2, where p_i is the softmax itself and the weight stands in front. The released code of
  Cao et al. 2019, which trained the classifiers of "Class Balancing GAN", has the weight inside:
  p_i = softmax^w. Its mean does not divide by the weights either, as that of `cross_entropy` does.

  Args:
    logits: `[N, K]`, x.
    labels: `[N]`, integers, y.
    class_weights: `[K]`, w.
    gamma: γ >= 0, a host number; 0 gives the plain mean of the l_i.

  Returns:
    Scalar: the mean over the batch.

  Example:
    >>> logits, labels = jnp.array([[2.0, 0.0], [0.0, 1.0]]), jnp.array([0, 1])
    >>> round(float(focal(logits, labels, class_weights=[1.0, 1.0], gamma=1.0)), 3)
    0.05
  """
  losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
  losses = jnp.asarray(class_weights)[labels] * losses
  # 1 - exp(-l) by expm1. The derivative of its power at 0 is infinite for γ < 1, and l there is 0.
  wrong = jnp.where(losses > 0, -jnp.expm1(-losses), 1.0)
  return jnp.mean(wrong**gamma * losses)


def effective_number_weights(train_counts, beta):
  """Class weights by effective number of samples, ∝ (1 - β) / (1 - β^{n_k}), with mean 1.

  See "Class-Balanced Loss Based on Effective Number of Samples", Cui et al. 2019; used from a late
  epoch on it is the deferred re-weighting (DRW) of Cao et al. 2019.

  Args:
    train_counts: `[K]`, training images a class, positive.
    beta: β in [0, 1), a host number.

  Returns:
    `[K]`.

  Example:
    >>> weights = effective_number_weights([1000, 10], beta=0.99)
    >>> [round(w, 3) for w in weights.tolist()]
    [0.175, 1.825]
  """
  log_beta = math.log(beta) if beta > 0 else -math.inf
  # 1 - β^n by expm1: the plain formula loses its digits in float32.
  weights = (1.0 - beta) / -jnp.expm1(log_beta * jnp.asarray(train_counts, jnp.float32))
  return weights / weights.mean()
