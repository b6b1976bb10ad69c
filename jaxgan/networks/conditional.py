"""Class-conditional parts of GANs: the generator's batch norm and the discriminator's heads.

An embedding is a dense layer without bias on one-hot labels, in full precision: it copies a row
exactly, and its gradient sums rows in a fixed order, unlike a scatter on GPU.
"""

from collections.abc import Callable
from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp

from jaxgan.networks import layers

_orthogonal = nn.initializers.orthogonal()


def _embedding(features, kernel_init):
  return nn.Dense(
    features, use_bias=False, kernel_init=kernel_init, precision=jax.lax.Precision.HIGHEST
  )


class ConditionalBatchNorm(nn.Module):
  """Batch norm with a gain and a bias for each class, (1 + γ_y) (x - μ) / σ + β_y.

  See "Modulating early visual processing by language", De Vries et al. 2017, §3, with embedded
  labels y. μ is the mean over the whole batch, of all classes, and σ² its biased variance + 1e-4.
  The matrices γ and β `[K, C]` both start orthogonal: their rows have norm 1 if K <= C. The classes
  therefore differ from the start, even if no loss distinguishes them. The paper of Class Balancing
  GAN gives neither the initial values nor 1e-4; both are from the authors' released code. Older
  checkpoints, trained with 1e-5, are used with 1e-4, a relative change of at most 4.5e-5 / σ².

  `x` `[N, H, W, C]`, `labels` int `[N]` -> `[N, H, W, C]`. Parameters: 2 K C.
  """

  num_classes: int
  dtype: Any = jnp.float32
  spectral_norm: bool = False

  @nn.compact
  def __call__(self, x: jax.Array, labels: jax.Array, train: bool) -> jax.Array:
    """Normalises `x` and applies the gains and biases of `labels`."""
    normalised = layers.normaliser(self.spectral_norm, train)
    classes = jax.nn.one_hot(labels, self.num_classes)
    gain, bias = (normalised(_embedding(x.shape[-1], _orthogonal), classes) for _ in range(2))
    gain += 1.0
    x = layers.batch_norm(train, self.dtype, epsilon=1e-4, use_scale=False, use_bias=False)(x)
    gain, bias = (v[:, None, None, :].astype(self.dtype) for v in (gain, bias))
    return gain * x + bias


def embeddings(params: Any) -> list[jax.Array]:
  """Gains γ and biases β, `[K, C]` each, of every conditional batch norm in a generator."""
  leaves = jax.tree_util.tree_leaves_with_path(params)
  name = ConditionalBatchNorm.__name__
  return [leaf for path, leaf in leaves if any(str(key.key).startswith(name) for key in path)]


def batch_norm(
  labels: jax.Array | None,
  num_classes: int | None,
  *,
  train: bool,
  spectral_norm: bool,
  dtype: Any,
) -> Callable[[jax.Array], jax.Array]:
  """Builds a generator's batch norm, which is conditional if there are classes.

  In a conditional generator every batch norm is conditional, as in the paper of Class Balancing GAN
  (§6.5.2); in the authors' released code the last batch norm is not.

  Args:
    labels: int `[N]`, or None.
    num_classes: K, or None.
    train: whether to use the statistics of the batch.
    spectral_norm: whether the embeddings have spectral norm.
    dtype: data type of computation.

  Returns:
    `norm(x)`, to be called inside a `__call__`; each call makes a new layer.

  Raises:
    ValueError: exactly one of labels and num_classes is None.
  """
  if (labels is None) != (num_classes is None):
    given = 'labels=None' if labels is None else 'labels'
    raise ValueError(
      f'{given} with num_classes={num_classes}: expected labels for a generator with num_classes, '
      'and None for a generator without'
    )
  if labels is not None and num_classes is not None:
    return lambda x: ConditionalBatchNorm(num_classes, dtype, spectral_norm)(x, labels, train)
  return lambda x: layers.batch_norm(train, dtype)(x)


def _plain(features, labels, num_classes, normalised):
  return normalised(nn.Dense(1, kernel_init=_orthogonal), features)[:, 0], None


def _projection(features, labels, num_classes, normalised):
  """See "cGANs with Projection Discriminator", Miyato and Koyama 2018, Eq. 9."""
  logits, _ = _plain(features, labels, num_classes, normalised)
  embedding = _embedding(features.shape[-1], _orthogonal)
  embedded = normalised(embedding, jax.nn.one_hot(labels, num_classes))
  return logits + jnp.sum(embedded * features, axis=-1), None


def _auxiliary(features, labels, num_classes, normalised):
  """See "Conditional Image Synthesis with Auxiliary Classifier GANs", Odena et al. 2017."""
  logits, _ = _plain(features, labels, num_classes, normalised)
  return logits, normalised(nn.Dense(num_classes, kernel_init=_orthogonal), features)


# The last layers of a discriminator, called inside its `__call__`:
#   head(features [N, F], labels int [N], num_classes, normalised)
#     -> (logits [N], class logits [N, K] or None)
# `normalised(layer, x)` applies a layer with spectral norm. Additional parameters to 'none':
# K F ('projection': logit + <embedded label, features>), K F + K ('auxiliary': a dense layer).
HEADS = {'none': _plain, 'projection': _projection, 'auxiliary': _auxiliary}
