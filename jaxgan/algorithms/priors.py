"""Priors: distributions of the latent codes, fixed and learnable."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike


def uniform_categorical(rng: jax.Array, num_categories: int, num_samples: int) -> jax.Array:
  """One-hot codes of equally frequent categories, c ~ Cat(1/k, ..., 1/k).

  See `InfoGAN: Interpretable Representation Learning by Information Maximizing Generative
  Adversarial Nets <https://arxiv.org/abs/1606.03657>`_, Chen et al. 2016, §7.1.

  Args:
    rng: key.
    num_categories: k.
    num_samples: N.

  Returns:
    `[N, k]`, one-hot.

  Example:
    >>> codes = uniform_categorical(jax.random.key(0), num_categories=4, num_samples=100)
    >>> codes.shape, float(codes.sum(axis=1).max())
    ((100, 4), 1.0)
  """
  return jax.nn.one_hot(jax.random.randint(rng, (num_samples,), 0, num_categories), num_categories)


def categorical(rng: jax.Array, frequencies: ArrayLike, num_samples: int) -> jax.Array:
  """One-hot codes of given frequencies, c ~ Cat(p).

  The prior of Ground-truth InfoGAN in "Elastic-InfoGAN: Unsupervised Disentangled Representation
  Learning in Class-Imbalanced Data", Ojha et al. 2020, §4.

  Args:
    rng: key.
    frequencies: `[k]`, p >= 0, up to a factor: class counts are valid, too.
    num_samples: N.

  Returns:
    `[N, k]`, one-hot; a category of frequency 0 is never drawn.

  Example:
    >>> codes = categorical(jax.random.key(0), jnp.array([3.0, 1.0, 0.0]), num_samples=100)
    >>> float(codes[:, 2].sum())
    0.0
  """
  frequencies = jnp.asarray(frequencies)
  categories = jax.random.categorical(rng, jnp.log(frequencies), shape=(num_samples,))
  return jax.nn.one_hot(categories, frequencies.shape[0])


def gumbel_softmax(
  rng: jax.Array, logits: ArrayLike, temperature: float | jax.Array, num_samples: int
) -> jax.Array:
  """Soft codes of a learnable prior, c = softmax((log p + g) / τ) with g_i ~ Gumbel(0, 1).

  See "Elastic-InfoGAN", Ojha et al. 2020, Eq. 2, with p = softmax(logits). The samples are not
  rounded to one-hot: gradients reach the logits through them. argmax(c) has distribution p at
  every temperature, and c tends to one-hot as τ tends to 0.

  Args:
    rng: key.
    logits: `[k]`, the learnable parameters of p.
    temperature: τ, positive.
    num_samples: N.

  Returns:
    `[N, k]`, positive; each row sums to 1.

  Example:
    >>> codes = gumbel_softmax(jax.random.key(0), jnp.zeros(3), temperature=0.1, num_samples=5)
    >>> codes.shape, [round(total, 3) for total in codes.sum(axis=1).tolist()]
    ((5, 3), [1.0, 1.0, 1.0, 1.0, 1.0])
  """
  logits = jnp.asarray(logits)
  noise = jax.random.gumbel(rng, (num_samples, *logits.shape), logits.dtype)
  return jax.nn.softmax((jax.nn.log_softmax(logits) + noise) / temperature)


def continuous_uniform(rng: jax.Array, num_codes: int, num_samples: int) -> jax.Array:
  """Independent continuous codes, r ~ U(-1, 1).

  See "Elastic-InfoGAN", Ojha et al. 2020, §4.2.

  Args:
    rng: key.
    num_codes: r.
    num_samples: N.

  Returns:
    `[N, r]`.
  """
  return jax.random.uniform(rng, (num_samples, num_codes), minval=-1.0, maxval=1.0)


def logits(frequencies: jax.Array) -> jax.Array:
  """Logits of a prior with given frequencies or counts `[k]`, log(p_i / Σ_j p_j).

  A category of frequency 0 gets the log of the smallest positive number, which is finite.

  Example:
    >>> shares = jax.nn.softmax(logits(jnp.array([3.0, 1.0])))
    >>> [round(share, 3) for share in shares.tolist()]
    [0.75, 0.25]
  """
  shares = frequencies / jnp.sum(frequencies)
  return jnp.log(jnp.maximum(shares, jnp.finfo(jnp.float32).tiny))
