"""The class-balancing regulariser: effective class frequencies and a weighted entropy.

See "Class Balancing GAN with a Classifier in the Loop", §3.1 (Eq. 5, 6) and §3.2 (Eq. 7). Where
the paper and the authors' released code differ, this module has both forms and names them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike


class Counts(NamedTuple):
  """Class counts that the regulariser carries from batch to batch.

  Attributes:
    step: int32, batches counted.
    effective: `[K]`, N: effective class counts, which weight the classes.
    of_cycle: `[K]`, c: generated images of each class in the current cycle, by the classifier.
  """

  step: Any
  effective: Any
  of_cycle: Any


def convex_update(
  counts: jax.Array, cycle_counts: jax.Array, decay: float | jax.Array
) -> jax.Array:
  """Effective class counts after a cycle, N_k <- max(α N_k + (1 - α) c_k, 1).

  The convex form of Eq. 5, with the released code's floor of one image per class. For constant c,
  N converges to c: a cycle has to be long enough for many images of each class.

  Args:
    counts: `[K]`, N before the cycle.
    cycle_counts: `[K]`, c: generated images of each class in the cycle, by the classifier.
    decay: the exponential forgetting factor α in [0, 1].

  Returns:
    `[K]`.

  Example:
    >>> new = convex_update(jnp.array([90.0, 10.0]), jnp.array([50.0, 50.0]), decay=0.5)
    >>> new.tolist()
    [70.0, 30.0]
  """
  return jnp.maximum(decay * counts + (1.0 - decay) * cycle_counts, 1.0)


def additive_update(
  counts: jax.Array, cycle_counts: jax.Array, decay: float | jax.Array
) -> jax.Array:
  """Effective class counts after a cycle, N_k <- max(α N_k + c_k, 1).

  The additive form of Eq. 5, with the same floor as `convex_update`. For constant c, N converges to
  c / (1 - α): with α near 1 a cycle of one batch is enough.

  Args:
    counts: `[K]`, N before the cycle.
    cycle_counts: `[K]`, c: generated images of each class in the cycle, by the classifier.
    decay: the exponential forgetting factor α in [0, 1].

  Returns:
    `[K]`.

  Example:
    >>> new = additive_update(jnp.array([90.0, 10.0]), jnp.array([50.0, 50.0]), decay=0.5)
    >>> new.tolist()
    [95.0, 55.0]
  """
  return jnp.maximum(decay * counts + cycle_counts, 1.0)


def class_weights(counts: ArrayLike) -> jax.Array:
  """Regulariser weights of the released code, w_k = K (1/N_k) / Σ_j (1/N_j).

  The weights sum to K: all are 1 at balance, and none exceeds K when a class vanishes.

  Args:
    counts: `[K]`, effective class counts N, positive.

  Returns:
    `[K]`.

  Example:
    >>> [round(w, 3) for w in class_weights([90.0, 10.0]).tolist()]
    [0.2, 1.8]
  """
  inverse = 1.0 / jnp.asarray(counts)
  return inverse * (inverse.shape[0] / inverse.sum())


def inverse_frequency_weights(counts: ArrayLike) -> jax.Array:
  """Regulariser weights of the paper, w_k = 1 / (K N̂_k) with N̂ = N / Σ N (Eq. 6, 7 and 17).

  The factor 1/K is from Eq. 17's λ/K, so that one λ suits both kinds of weights.

  Args:
    counts: `[K]`, effective class counts N, positive.

  Returns:
    `[K]`; all are 1 at balance, without an upper bound.

  Example:
    >>> [round(w, 3) for w in inverse_frequency_weights([90.0, 10.0]).tolist()]
    [0.556, 5.0]
  """
  counts = jnp.asarray(counts)
  return counts.sum() / (counts.shape[0] * counts)


def weighted_entropy(mean_probs: jax.Array, class_weights: jax.Array) -> jax.Array:
  """Negated weighted entropy of the mean prediction, Σ_k w_k p̂_k log p̂_k (Eq. 7).

  Args:
    mean_probs: `[K]`, p̂: the classifier's softmax averaged over a batch of generated images.
    class_weights: `[K]`, w; no gradient passes through them.

  Returns:
    Scalar, to be minimised; 0 log 0 counts as 0.

  Example:
    >>> loss = weighted_entropy(jnp.array([0.5, 0.5]), jnp.ones(2))  # -log 2.
    >>> round(float(loss), 3)
    -0.693
  """
  weights = jax.lax.stop_gradient(class_weights)
  # The derivative of log at 0 is infinite: without the floor, an absent class would give NaN.
  log_probs = jnp.log(jnp.maximum(mean_probs, jnp.finfo(jnp.float32).tiny))
  return jnp.sum(weights * mean_probs * log_probs)


# w [K] = weights(N [K]).
CLASS_WEIGHTINGS = {'released': class_weights, 'paper': inverse_frequency_weights}
# N = update(N [K], c [K] of the cycle, α); 'held' keeps the initial counts (Fig. 3).
COUNT_UPDATES = {
  'convex': convex_update,
  'additive': additive_update,
  'held': lambda counts, cycle_counts, decay: counts,
}


def balance_loss(class_logits: jax.Array, class_weights: jax.Array) -> jax.Array:
  """Class-balancing loss of a batch, Σ_k w_k p̂_k log p̂_k (Eq. 7) with p̂ the mean softmax.

  Args:
    class_logits: `[N, K]`, the classifier's logits for a batch of generated images.
    class_weights: `[K]`, w; no gradient passes through them.

  Returns:
    Scalar, to be minimised.

  Example:
    >>> logits = jnp.array([[4.0, 0.0], [0.0, 4.0]])  # One image of each class.
    >>> round(float(balance_loss(logits, class_weights=jnp.ones(2))), 3)
    -0.693
  """
  return weighted_entropy(jax.nn.softmax(class_logits).mean(axis=0), class_weights)


def predicted_counts(class_logits: jax.Array) -> jax.Array:
  """Number of images `[K]` that the classifier predicts as each class, from logits `[N, K]`."""
  return jax.nn.one_hot(class_logits.argmax(axis=-1), class_logits.shape[-1]).sum(axis=0)


def count_batch(
  counts: Counts,
  predicted: jax.Array,
  cycle: int | jax.Array,
  decay: float | jax.Array,
  update: Callable = convex_update,
) -> Counts:
  """Adds a batch to c; the last batch of a cycle updates N and sets c to zero (Eq. 5).

  Args:
    counts: the Counts before the batch.
    predicted: `[K]`, from `predicted_counts` of the batch.
    cycle: batches in a cycle.
    decay: the exponential forgetting factor α in [0, 1].
    update: `update(N, c, α) -> N`, such as `convex_update` or `additive_update`.

  Returns:
    The Counts after the batch.
  """
  of_cycle, step = counts.of_cycle + predicted, counts.step + 1
  ends = step % cycle == 0
  return Counts(
    step,
    jnp.where(ends, update(counts.effective, of_cycle, decay), counts.effective),
    jnp.where(ends, 0.0, of_cycle),
  )


class ClassBalancer(NamedTuple):
  """The regulariser as a pair of pure functions, for any training loop, in the style of optax.

  Attributes:
    init: `init() -> counts`, the Counts before the first batch.
    loss: `loss(counts, class_logits) -> (scalar, counts)`, with the classifier's logits `[N, K]`
      for a batch of generated images; to be minimised with a weight λ, 10 in the paper.
  """

  init: Callable
  loss: Callable


def class_balancer(
  num_classes: int,
  cycle: int = 2000,
  decay: float = 0.5,
  start: float = 50.0,
  weights: Callable = class_weights,
  update: Callable = convex_update,
) -> ClassBalancer:
  """Builds the regulariser for a generator with a classifier in the loop (Eq. 5 and 7).

  See docs/balance_your_own_gan.md for a training loop with it.

  Args:
    num_classes: K.
    cycle: batches between two updates of N; together they need many more images than K.
    decay: the exponential forgetting factor α in [0, 1].
    start: N of every class during the first cycle.
    weights: `class_weights` of the released code or `inverse_frequency_weights` of the paper.
    update: `convex_update` or `additive_update`, Eq. 5's two forms.

  Returns:
    The ClassBalancer; its functions are pure and may be compiled.

  Example:
    >>> balancer = class_balancer(num_classes=2, cycle=1)
    >>> logits = jnp.array([[4.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    >>> loss, counts = balancer.loss(balancer.init(), logits)
    >>> round(float(loss), 3), counts.effective.tolist()
    (-0.647, [26.0, 25.5])
  """

  def init():
    return Counts(jnp.zeros((), jnp.int32), jnp.full(num_classes, start), jnp.zeros(num_classes))

  def loss(counts, class_logits):
    value = balance_loss(class_logits, weights(counts.effective))
    return value, count_batch(counts, predicted_counts(class_logits), cycle, decay, update)

  return ClassBalancer(init, loss)
