"""What makes a GAN's networks class-conditional: the generator's batch norm, the critic's heads.

An embedding is a dense layer without bias on one-hot labels, in full precision: it takes a row as
it is, and its gradient sums rows in the same order each time, which a scatter on GPU does not.
"""

from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp

from jaxgan.networks import layers
from jaxgan.networks.spectral import normaliser

_orthogonal = nn.initializers.orthogonal()


def _embedding(features, kernel_init):
  return nn.Dense(
    features, use_bias=False, kernel_init=kernel_init, precision=jax.lax.Precision.HIGHEST
  )


class ConditionalBatchNorm(nn.Module):
  """Batch norm with a gain and a bias for each class, (1 + γ_y) (x - μ) / σ + β_y.

  See "Modulating early visual processing by language", De Vries et al. 2017, §3, for embedded
  labels y; μ is the mean of the whole batch, of all classes, and σ² its biased variance + 1e-4. γ
  and β, matrices `[K, C]`, both start orthogonal: their rows have norm 1 where K <= C. The classes
  then differ from the start, even where no loss tells them apart. The paper of Class Balancing GAN
  is silent on the start and on 1e-4; both are those of the authors' released code. A checkpoint
  from when it was 1e-5 is read with 1e-4, a relative change of at most 4.5e-5 / σ².

  `x` `[N, H, W, C]`, `labels` int `[N]` -> `[N, H, W, C]`. Parameters: 2 K C.
  """

  num_classes: int
  dtype: Any = jnp.float32
  spectral_norm: bool = False

  @nn.compact
  def __call__(self, x, labels, train: bool):
    normalised = normaliser(self.spectral_norm, train)
    classes = jax.nn.one_hot(labels, self.num_classes)
    gain, bias = (normalised(_embedding(x.shape[-1], _orthogonal), classes) for _ in range(2))
    gain += 1.0
    x = layers.batch_norm(train, self.dtype, epsilon=1e-4, use_scale=False, use_bias=False)(x)
    gain, bias = (v[:, None, None, :].astype(self.dtype) for v in (gain, bias))
    return gain * x + bias


def embeddings(params) -> list:
  """The gains γ and biases β, `[K, C]` each, of every conditional batch norm in a generator."""
  leaves = jax.tree_util.tree_leaves_with_path(params)
  name = ConditionalBatchNorm.__name__
  return [leaf for path, leaf in leaves if any(str(key.key).startswith(name) for key in path)]


def batch_norm(labels, num_classes, *, train, spectral_norm, dtype):
  """Makes `norm(x)`, a generator's batch norm, which is conditional if there are classes.

  Each of a conditional generator is, as in the paper of Class Balancing GAN (§6.5.2); the authors'
  released code leaves the last one plain.

  `labels` int `[N]` or None, `num_classes` K or None; `norm` is called inside a `__call__`.
  """
  if (labels is None) != (num_classes is None):
    raise ValueError('a generator takes labels if it has num_classes, and only then')
  if labels is not None:
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
# `normalised(layer, x)` applies a layer with spectral norm. Parameters beside those of 'none':
# K F ('projection': logit + <embedded label, features>), K F + K ('auxiliary': a dense layer).
HEADS = {'none': _plain, 'projection': _projection, 'auxiliary': _auxiliary}
