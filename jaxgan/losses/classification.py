"""Losses of classifiers trained on long-tailed data."""

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import optax


def cross_entropy(logits: jax.Array, labels: jax.Array, class_weights: ArrayLike) -> jax.Array:
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


def focal(
  logits: jax.Array, labels: jax.Array, class_weights: ArrayLike, gamma: float
) -> jax.Array:
  """Focal loss of class-weighted cross-entropies, mean_i (1 - p_i)^γ l_i with p_i = exp(-l_i).

  l_i = w_{y_i} (-log softmax(x_i)_{y_i}), so p_i = softmax^w: the weight is inside, as in the
  released code of Cao et al. 2019, which trained the classifiers of "Class Balancing GAN". In
  "Focal Loss for Dense Object Detection", Lin et al. 2017, §3.2, p_i is the softmax itself and the
  weight stands in front. Unlike `cross_entropy`, the mean does not divide by the weights.

  Args:
    logits: `[N, K]`, x.
    labels: `[N]`, integers, y.
    class_weights: `[K]`, w.
    gamma: γ >= 0, a Python number; 0 gives the plain mean of the l_i.

  Returns:
    Scalar: the mean over the batch.

  Example:
    >>> logits, labels = jnp.array([[2.0, 0.0], [0.0, 1.0]]), jnp.array([0, 1])
    >>> round(float(focal(logits, labels, class_weights=[1.0, 1.0], gamma=1.0)), 3)
    0.05
  """
  losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
  losses = jnp.asarray(class_weights)[labels] * losses
  # expm1 keeps the digits of 1 - exp(-l). For γ < 1 its power has an infinite derivative at l = 0.
  wrong = jnp.where(losses > 0, -jnp.expm1(-losses), 1.0)
  return jnp.mean(wrong**gamma * losses)


def effective_number_weights(train_counts: ArrayLike, beta: float) -> jax.Array:
  """Class weights by effective number of samples, ∝ (1 - β) / (1 - β^{n_k}), with mean 1.

  See "Class-Balanced Loss Based on Effective Number of Samples", Cui et al. 2019. Used only in late
  epochs, they are the deferred re-weighting (DRW) of Cao et al. 2019.

  Args:
    train_counts: `[K]`, n: training images per class, positive.
    beta: β in [0, 1), a Python number.

  Returns:
    `[K]`.

  Example:
    >>> weights = effective_number_weights([1000, 10], beta=0.99)
    >>> [round(w, 3) for w in weights.tolist()]
    [0.175, 1.825]
  """
  log_beta = math.log(beta) if beta > 0 else -math.inf
  # expm1 keeps the digits of 1 - β^n, which float32 would cancel.
  weights = (1.0 - beta) / -jnp.expm1(log_beta * jnp.asarray(train_counts, jnp.float32))
  return weights / weights.mean()
