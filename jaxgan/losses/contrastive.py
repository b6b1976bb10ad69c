"""Contrastive losses: two views of one image should have similar features.

See "Elastic-InfoGAN: Unsupervised Disentangled Representation Learning in Class-Imbalanced Data",
Ojha et al. 2020, §3.2 and §2 of its supplement.
"""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
import optax

# Features with a smaller norm count as zero: they have no direction.
_MIN_NORM = 1e-6


def nt_xent(
  features_a: jax.Array, features_b: jax.Array, temperature: float | jax.Array
) -> jax.Array:
  """NT-Xent, the mean over i of -log(exp(s_ij / τ') / Σ_{k≠i} exp(s_ik / τ')); Eq. 3.

  i runs over the 2N images of both views, j is the other view of image i, and s is cosine
  similarity. The paper sums over the images. The mean, as in its released code and in "A Simple
  Framework for Contrastive Learning of Visual Representations" (Chen et al. 2020, Eq. 1), depends
  on the batch size only through the number of negatives.

  Args:
    features_a: `[N, D]`, features of one view. A feature of zeros is orthogonal to all others and
      gets no gradient.
    features_b: `[N, D]`, features of the other view of the same images, in the same order.
    temperature: τ', positive.

  Returns:
    Scalar.

  Raises:
    ValueError: the views have different shapes.

  Example:
    >>> views = jnp.eye(2)  # Two images, orthogonal features, equal in both views.
    >>> round(float(nt_xent(views, views, temperature=0.5)), 3)
    0.24
  """
  _check_paired('features', features_a, features_b)
  features = _normalise(jnp.concatenate([features_a, features_b]))
  # Views of one image are nearly parallel: TensorFloat-32 would round their difference away.
  similarity = jnp.matmul(features, features.T, precision=jax.lax.Precision.HIGHEST)
  anchors = jnp.arange(features.shape[0])
  logits = jnp.where(anchors[:, None] == anchors, -jnp.inf, similarity / temperature)
  positives = jnp.roll(anchors, features_a.shape[0])
  return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, positives))


def positive_agreement(logits_a: jax.Array, logits_b: jax.Array) -> jax.Array:
  """Positive half of the contrastive term, -E log Σ_k Q(c=k|x_a) Q(c=k|x_b).

  The baseline "Gumbel-softmax + pos-L_ntxent" of §4 asks the views to have "similar latent
  prediction Q(c|x)", without negatives; the paper prints no formula. This one is the negative
  log-probability that codes drawn for the two views are the same. It is symmetric, at least 0, and
  0 only if Q is certain of the same code for both views. A distance of the two predictions (KL,
  squared error, cosine) would also vanish for two equally undecided predictions.

  Args:
    logits_a: `[N, k]`, Q's logits for one view.
    logits_b: `[N, k]`, Q's logits for the other view of the same images, in the same order.

  Returns:
    Scalar.

  Raises:
    ValueError: the views have different shapes.

  Example:
    >>> logits = jnp.array([[4.0, 0.0], [0.0, 4.0]])
    >>> round(float(positive_agreement(logits, logits)), 3)
    0.036
  """
  _check_paired('logits', logits_a, logits_b)
  log_joint = jax.nn.log_softmax(logits_a) + jax.nn.log_softmax(logits_b)
  return -jnp.mean(jax.nn.logsumexp(log_joint, axis=-1))


def positive_cosine(
  outputs_a: jax.Array, outputs_b: jax.Array, temperature: float | jax.Array
) -> jax.Array:
  """Positive half of NT-Xent, the mean over i of -s_ij / τ'; Eq. 3 without its denominator.

  s is the cosine similarity of two views' outputs. With the probabilities Q(c|x) of both views this
  is another reading of "Gumbel-softmax + pos-L_ntxent" (§4): the "part of L_ntxent" that makes the
  "latent prediction Q(c|x)" of a pair similar. Two equally undecided views also reach its minimum
  -1/τ'.

  Args:
    outputs_a: `[N, D]`, outputs for one view. An output of zeros is orthogonal to all others and
      gets no gradient.
    outputs_b: `[N, D]`, outputs for the other view of the same images, in the same order.
    temperature: τ', positive.

  Returns:
    Scalar.

  Raises:
    ValueError: the views have different shapes.

  Example:
    >>> float(positive_cosine(jnp.eye(2), jnp.eye(2), temperature=0.5))
    -2.0
  """
  _check_paired('outputs', outputs_a, outputs_b)
  similarity = jnp.sum(_normalise(outputs_a) * _normalise(outputs_b), axis=-1)
  return -jnp.mean(similarity) / temperature


def expected_false_negative_share(frequencies: ArrayLike) -> jax.Array:
  """Expected share of NT-Xent's negatives with the class of the anchor, Σ_i p_i²; Eq. 5.

  1/k when the k classes are balanced, 1 when all images have one class.

  Args:
    frequencies: `[k]`, p: class frequencies that sum to 1.

  Returns:
    Scalar.
  """
  return jnp.sum(jnp.square(jnp.asarray(frequencies)))


def _check_paired(name, a, b):
  if a.shape != b.shape:
    # A longer view would shift the pairs, and a single row would broadcast against all others.
    raise ValueError(
      f'{name}_a of shape {a.shape} and {name}_b of shape {b.shape}: expected the same shape, '
      'for example (64, 128)'
    )


def _normalise(features):
  square = jnp.sum(jnp.square(features), axis=-1, keepdims=True)
  # The derivative of the norm at 0 is infinite: the floor keeps it out of the gradient.
  scale = jax.lax.rsqrt(jnp.maximum(square, _MIN_NORM**2))
  return features * jnp.where(square > _MIN_NORM**2, scale, 0.0)
