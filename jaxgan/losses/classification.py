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
  """
  weights = jnp.asarray(class_weights)[labels]
  losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
  return jnp.sum(weights * losses) / jnp.sum(weights)


def effective_number_weights(train_counts, beta):
  """Class weights by effective number of samples, ∝ (1 - β) / (1 - β^{n_k}), with mean 1.

  See "Class-Balanced Loss Based on Effective Number of Samples", Cui et al. 2019; used from a late
  epoch on it is the deferred re-weighting (DRW) of Cao et al. 2019.

  Args:
    train_counts: `[K]`, training images a class, positive.
    beta: β in [0, 1), a host number.

  Returns:
    `[K]`.
  """
  log_beta = math.log(beta) if beta > 0 else -math.inf
  # 1 - β^n by expm1: the plain formula loses its digits in float32.
  weights = (1.0 - beta) / -jnp.expm1(log_beta * jnp.asarray(train_counts, jnp.float32))
  return weights / weights.mean()
