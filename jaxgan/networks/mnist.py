"""Networks of Elastic-InfoGAN's MNIST experiment (§4.1 of its supplement), those of InfoGAN.

For 28x28x1 images, k = 10 categories and 62 noise variables:

| generator                         | trunk of D and Q                     | heads                 |
|-----------------------------------|--------------------------------------|-----------------------|
| dense 72 -> 1024, BN, ReLU        | conv 4x4 s2 1 -> 64, leaky 0.2       | D: dense 1024 -> 1    |
| dense 1024 -> 7·7·128, BN, ReLU   | conv 4x4 s2 64 -> 128, BN, leaky 0.2 | Q: dense 1024 -> 128, |
| deconv 4x4 s2 128 -> 64, BN, ReLU | dense 7·7·128 -> 1024, BN, leaky 0.2 | BN, leaky 0.2,        |
| deconv 4x4 s2 64 -> 1, tanh       |                                      | dense 128 -> k        |

The contrastive features are Q's 128 activations before its last layer, after the leaky ReLU.
Weights start from N(0, 0.02), biases from zero. A dense layer's batch norm normalises each of its
outputs, a convolution's each channel. Other image sizes must be multiples of 4.

See "Elastic-InfoGAN: Unsupervised Disentangled Representation Learning in Class-Imbalanced Data",
Ojha et al. 2020, and "InfoGAN", Chen et al. 2016, C.1.
"""

from collections.abc import Callable
from typing import Any

from flax import linen as nn
import jax.numpy as jnp

from jaxgan.networks.layers import ConvTranspose

_SLOPE = 0.2
_normal = nn.initializers.normal(0.02)
_kaiming = nn.initializers.variance_scaling(2.0, 'fan_in', 'normal')
_PADDING = ((1, 1), (1, 1))


def _quarter(image_size: int) -> int:
  """The resolution of the features between two strided convolutions and the dense layers."""
  if image_size < 4 or image_size % 4:
    raise ValueError(
      f'images must have a multiple of 4 pixels a side, not {image_size}: change data.image_size'
    )
  return image_size // 4


def _batch_norm(train: bool, dtype):
  return nn.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5, dtype=dtype)


class Generator(nn.Module):
  """Generator: noise and codes `[N, Z]` to images `[N, S, S, channels]`.

  `activation` is the last one; with tanh the images are in [-1, 1].
  """

  image_size: int
  channels: int
  activation: Callable = jnp.tanh
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, codes, train: bool):
    size = _quarter(self.image_size)
    x = codes.astype(self.dtype)
    for features in (1024, size * size * 128):
      x = nn.Dense(features, kernel_init=_normal, dtype=self.dtype)(x)
      x = nn.relu(_batch_norm(train, self.dtype)(x))
    x = x.reshape(-1, size, size, 128)
    x = ConvTranspose(64, kernel_init=_normal, dtype=self.dtype)(x)
    x = nn.relu(_batch_norm(train, self.dtype)(x))
    x = ConvTranspose(self.channels, kernel_init=_normal, dtype=self.dtype)(x)
    return self.activation(x.astype(jnp.float32))


class Trunk(nn.Module):
  """What discriminator and recognition share: images `[N, S, S, C]` to features `[N, 1024]`."""

  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images, train: bool):
    def conv(x, features):
      return nn.Conv(features, (4, 4), (2, 2), _PADDING, kernel_init=_normal, dtype=self.dtype)(x)

    _quarter(images.shape[1])
    x = nn.leaky_relu(conv(images.astype(self.dtype), 64), _SLOPE)
    x = nn.leaky_relu(_batch_norm(train, self.dtype)(conv(x, 128)), _SLOPE)
    x = nn.Dense(1024, kernel_init=_normal, dtype=self.dtype)(x.reshape(x.shape[0], -1))
    return nn.leaky_relu(_batch_norm(train, self.dtype)(x), _SLOPE)


class DiscriminatorHead(nn.Module):
  """Discriminator on the trunk: features `[N, 1024]` to real/fake logits `[N]`."""

  @nn.compact
  def __call__(self, features):
    return nn.Dense(1, kernel_init=_normal)(features.astype(jnp.float32))[:, 0]


class RecognitionHead(nn.Module):
  """Q on the trunk: features `[N, 1024]` to what it says of the codes.

  Returns logits `[N, k]` of the categorical code, a prediction `[N, r]` of the continuous ones
  (r = 0: empty), and the contrastive features `[N, 128]`: the penultimate activations after the
  leaky ReLU.
  """

  num_categories: int
  num_continuous: int = 0
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, features, train: bool):
    x = nn.Dense(128, kernel_init=_normal, dtype=self.dtype)(features)
    x = nn.leaky_relu(_batch_norm(train, self.dtype)(x), _SLOPE).astype(jnp.float32)
    outputs = nn.Dense(self.num_categories + self.num_continuous, kernel_init=_normal)(x)
    return outputs[:, : self.num_categories], outputs[:, self.num_categories :], x


class Encoder(nn.Module):
  """Encoder of the VAE baseline, the trunk with a dense layer on it; the paper prints none.

  Images `[N, S, S, C]` to mean `[N, D]` and log-variance `[N, D]` of the continuous latent, and
  logits `[N, k]` of the categorical one.
  """

  num_categories: int
  latent_dim: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images, train: bool):
    features = Trunk(self.dtype)(images, train).astype(jnp.float32)
    outputs = nn.Dense(2 * self.latent_dim + self.num_categories, kernel_init=_normal)(features)
    return tuple(jnp.split(outputs, (self.latent_dim, 2 * self.latent_dim), axis=-1))


class EvaluationClassifier(nn.Module):
  """Labels generated digits: images `[N, S, S, C]` to (logits `[N, K]`, features `[N, 500]`).

  Two 5x5 convolutions of 20 and 50 filters, each with a 2x2 max-pool and ReLU, dense 500 with ReLU
  (the features), dense K. The paper's "2 Conv + 2 FC"; the sizes are those of its released code,
  but the convolutions are zero-padded so that small images do not vanish. `train` changes nothing.
  """

  num_classes: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images, train: bool):
    del train
    x = images.astype(self.dtype)
    for features in (20, 50):
      x = nn.Conv(features, (5, 5), kernel_init=_kaiming, dtype=self.dtype)(x)
      x = nn.relu(nn.max_pool(x, (2, 2), (2, 2)))
    x = nn.Dense(500, kernel_init=_kaiming, dtype=self.dtype)(x.reshape(x.shape[0], -1))
    features = nn.relu(x).astype(jnp.float32)
    return nn.Dense(self.num_classes, kernel_init=_kaiming)(features), features
