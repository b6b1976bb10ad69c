"""Mutual information between codes and images, by its variational lower bound.

L(G, Q) = E_{c~P(c), x~G(z,c)} log Q(c|x) + H(c): see `InfoGAN: Interpretable Representation
Learning by Information Maximizing Generative Adversarial Nets <https://arxiv.org/abs/1606.03657>`_,
Chen et al. 2016, Eq. 5. The losses here are -E log Q(c|x), to be minimised. H(c) is constant for a
fixed prior; `entropy` computes it for a learned prior.
"""

import jax
import jax.numpy as jnp
import optax


def categorical(logits: jax.Array, codes: jax.Array, hard: bool = True) -> jax.Array:
  """Cross-entropy of a categorical code, -E log q_{argmax c} or -E Σ_i c_i log q_i.

  The two are equal for one-hot codes. For the soft codes of a Gumbel-Softmax prior, the first is
  the loss of Elastic-InfoGAN's released code, the second the expectation in its paper (§3.1).

  Args:
    logits: `[N, k]`, the logits of q = Q(c|x).
    codes: `[N, k]`, the codes that x was generated from; each row sums to 1.
    hard: whether the target is argmax c, through which the prior gets no gradient, or c itself.

  Returns:
    Scalar.

  Raises:
    ValueError: logits and codes have different shapes.

  Example:
    >>> round(float(categorical(jnp.array([[2.0, 0.0]]), jnp.array([[1.0, 0.0]]))), 3)
    0.127
  """
  if logits.shape != codes.shape:
    raise ValueError(
      f'logits of shape {logits.shape} and codes of shape {codes.shape}: expected the same shape, '
      'for example (64, 10)'
    )
  if hard:
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.argmax(codes, axis=-1))
  else:
    losses = optax.softmax_cross_entropy(logits, codes)
  return jnp.mean(losses)


def entropy(logits: jax.Array) -> jax.Array:
  """Entropy in nats of a prior p = softmax(logits), H(c) = -Σ_i p_i log p_i.

  The + H(c) of Elastic-InfoGAN's Eq. 1 and 4, to be maximised: it pushes a learned prior towards
  the uniform prior. The authors' released code leaves it out.

  Args:
    logits: `[k]`.

  Returns:
    Scalar, from 0 to log k.

  Example:
    >>> round(float(entropy(jnp.zeros(4))), 3)  # log 4.
    1.386
  """
  log_p = jax.nn.log_softmax(logits)
  return -jnp.sum(jnp.exp(log_p) * log_p)


def continuous(prediction: jax.Array, codes: jax.Array) -> jax.Array:
  """Gaussian negative log-likelihood of unit variance, E 1/2 Σ_j (r_j - μ_j)².

  Q(r|x) is the factored Gaussian of InfoGAN's §6 with its variance fixed to 1. The constant
  (log 2π)/2 of each code is left out, so that a perfect prediction has loss 0.

  Args:
    prediction: `[N, r]`, μ: Q's estimate of the codes.
    codes: `[N, r]`, the codes that x was generated from.

  Returns:
    Scalar: the mean over images of the sum over codes.

  Raises:
    ValueError: prediction and codes have different shapes.

  Example:
    >>> float(continuous(jnp.array([[0.5, 0.0]]), jnp.array([[0.0, 1.0]])))
    0.625
  """
  if prediction.shape != codes.shape:
    raise ValueError(
      f'prediction of shape {prediction.shape} and codes of shape {codes.shape}: expected the same '
      'shape, for example (64, 2)'
    )
  return 0.5 * jnp.mean(jnp.sum(jnp.square(codes - prediction), axis=-1))
