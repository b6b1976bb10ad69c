"""SNResGAN, the residual generator and discriminator of Class Balancing GAN.

Tables 8 and 9 for 64x64 RGB images (LSUN, iNaturalist), both widths 64; in brackets, the parameters
with K classes if they differ:

| generator               | output        | parameters                     |
|-------------------------|---------------|--------------------------------|
| dense 128 -> 4·4·1024   | 4 x 4 x 1024  | 2,113,536                      |
| block 1024 -> 512, up   | 8 x 8 x 512   | 7,606,784 (7,603,712 + 3072K)  |
| block 512 -> 256, up    | 16 x 16 x 256 | 1,902,848 (1,901,312 + 1536K)  |
| block 256 -> 128, up    | 32 x 32 x 128 | 476,288 (475,520 + 768K)       |
| block 128 -> 64, up     | 64 x 64 x 64  | 119,360 (118,976 + 384K)       |
| BN, ReLU                | 64 x 64 x 64  | 128 (0 + 128K)                 |
| conv 3x3 64 -> 3, tanh  | 64 x 64 x 3   | 1,731                          |
| all                     |               | 12,220,675 (12,214,787 + 5888K)|

| discriminator           | output        | parameters                     |
|-------------------------|---------------|--------------------------------|
| first block 3 -> 64     | 32 x 32 x 64  | 38,976                         |
| block 64 -> 128, down   | 16 x 16 x 128 | 229,760                        |
| block 128 -> 256, down  | 8 x 8 x 256   | 918,272                        |
| block 256 -> 512, down  | 4 x 4 x 512   | 3,671,552                      |
| block 512 -> 1024       | 4 x 4 x 1024  | 14,683,136                     |
| ReLU, global sum pool   | 1024          | 0                              |
| dense 1024 -> 1         | 1             | 1,025                          |
| all                     |               | 19,542,721                     |

For 32x32 RGB images (CIFAR-100), Table 4 of `Spectral Normalization for Generative Adversarial
Networks <https://arxiv.org/abs/1802.05957>`_, Miyato et al. 2018; widths 256 and 128:

| generator               | output        | parameters                     |
|-------------------------|---------------|--------------------------------|
| dense 128 -> 4·4·256    | 4 x 4 x 256   | 528,384                        |
| block 256 -> 256, up    | 8 x 8 x 256   | 1,246,976 (1,245,952 + 1024K)  |
| block 256 -> 256, up    | 16 x 16 x 256 | 1,246,976 (1,245,952 + 1024K)  |
| block 256 -> 256, up    | 32 x 32 x 256 | 1,246,976 (1,245,952 + 1024K)  |
| BN, ReLU                | 32 x 32 x 256 | 512 (0 + 512K)                 |
| conv 3x3 256 -> 3, tanh | 32 x 32 x 3   | 6,915                          |
| all                     |               | 4,276,739 (4,273,155 + 3584K)  |

| discriminator           | output        | parameters                     |
|-------------------------|---------------|--------------------------------|
| first block 3 -> 128    | 16 x 16 x 128 | 151,680                        |
| block 128 -> 128, down  | 8 x 8 x 128   | 311,680                        |
| block 128 -> 128        | 8 x 8 x 128   | 295,168                        |
| block 128 -> 128        | 8 x 8 x 128   | 295,168                        |
| ReLU, global sum pool   | 128           | 0                              |
| dense 128 -> 1          | 1             | 129                            |
| all                     |               | 1,053,825                      |

With K classes, conditional BN replaces every BN, and a head replaces the last dense layer; see
`jaxgan.networks.conditional` for their additional parameters.

The blocks are from Miyato et al. (Fig. 8), with two 3x3 convolutions and a shortcut that has a 1x1
convolution where resolution or channels change:

  up           x -> BN, ReLU, nearest x2, conv, BN, ReLU, conv; shortcut nearest x2, conv 1x1
  down         x -> ReLU, conv, ReLU, conv, average 2x2;        shortcut conv 1x1, average 2x2
  first block  x -> conv, ReLU, conv, average 2x2;              shortcut average 2x2, conv 1x1

The first convolution of a block already has all its output channels. Resampling and a 1x1
convolution commute; here the convolution is applied at the lower resolution. Every layer of the
discriminator has spectral norm. Optional spectral norm of the generator (iNaturalist) applies to
every dense layer and convolution, and to the embeddings of conditional BN; it adds no parameter.
Kernels start orthogonal and biases at zero.

These networks follow the authors' tables. The released configuration differs: it has leaky ReLU 0.1
instead of ReLU, applied in place, so that the shortcuts of the discriminator read the activated
input, and its last BN is not conditional.
"""

from collections.abc import Callable
from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp

from jaxgan.networks.conditional import HEADS, batch_norm
from jaxgan.networks.layers import Conv, normaliser

_orthogonal = nn.initializers.orthogonal()


def _conv(features, size, dtype):
  return Conv(features, size, 1, kernel_init=_orthogonal, dtype=dtype)


def _up(x):
  return x.repeat(2, axis=1).repeat(2, axis=2)


def _down(x):
  return nn.avg_pool(x, (2, 2), (2, 2))


class UpBlock(nn.Module):
  """Residual block of the generator, `[N, H, W, C]` to `[N, 2 H, 2 W, features]`.

  `norm(x)` is its batch norm, `normalised(layer, x)` applies a layer.
  """

  features: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array, norm: Callable, normalised: Callable) -> jax.Array:
    """Applies the block."""
    shortcut = _up(normalised(_conv(self.features, 1, self.dtype), x))
    x = _up(nn.relu(norm(x)))
    x = normalised(_conv(self.features, 3, self.dtype), x)
    x = normalised(_conv(self.features, 3, self.dtype), nn.relu(norm(x)))
    return x + shortcut


class DownBlock(nn.Module):
  """Residual block of the discriminator, `[N, H, W, C]` to `[N, H/2, W/2, features]`.

  Without `down` it keeps the resolution. The `first` block reads images, without a ReLU before its
  first convolution. `normalised(layer, x)` applies a layer.
  """

  features: int
  down: bool
  first: bool
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array, normalised: Callable) -> jax.Array:
    """Applies the block."""
    shortcut = _down(x) if self.down else x
    if self.down or x.shape[-1] != self.features:
      shortcut = normalised(_conv(self.features, 1, self.dtype), shortcut)
    x = x if self.first else nn.relu(x)
    x = normalised(_conv(self.features, 3, self.dtype), x)
    x = normalised(_conv(self.features, 3, self.dtype), nn.relu(x))
    return shortcut + (_down(x) if self.down else x)


class Generator(nn.Module):
  """SNResGAN generator: noise `[N, Z]` to images `[N, S, S, channels]` in [-1, 1].

  `widths` are the channels of the first dense layer and of each block, S = base·2^blocks. With
  `num_classes` it is conditional and requires labels, int `[N]`.
  """

  widths: tuple[int, ...]
  channels: int
  num_classes: int | None = None
  dtype: Any = jnp.float32
  spectral_norm: bool = False
  base: int = 4

  @nn.compact
  def __call__(
    self, noise: jax.Array, labels: jax.Array | None = None, *, train: bool
  ) -> jax.Array:
    """Generates images."""
    normalised = normaliser(self.spectral_norm, train)
    norm = batch_norm(
      labels,
      self.num_classes,
      train=train,
      spectral_norm=self.spectral_norm,
      dtype=self.dtype,
    )
    first, *widths = self.widths
    size = self.base * self.base * first
    x = normalised(nn.Dense(size, kernel_init=_orthogonal, dtype=self.dtype), noise)
    x = x.reshape(-1, self.base, self.base, first)
    for width in widths:
      x = UpBlock(width, self.dtype)(x, norm, normalised)
    x = normalised(_conv(self.channels, 3, self.dtype), nn.relu(norm(x)))
    return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
  """SNResGAN discriminator: images `[N, S, S, C]` to logits `[N]` and class logits `[N, K]`.

  Images are in [-1, 1]. `widths` are the channels of each block, of which the first `num_down`
  halve the resolution. The head, a key of HEADS, decides whether it reads labels, int `[N]`, and
  whether there are class logits or None. For `train` see `jaxgan.networks.layers.normaliser`.
  """

  widths: tuple[int, ...]
  num_down: int
  head: str = 'none'
  num_classes: int | None = None
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, images: jax.Array, labels: jax.Array | None = None, *, train: bool
  ) -> tuple[jax.Array, jax.Array | None]:
    """Returns logits, and class logits or None."""
    normalised = normaliser(True, train)
    x = images.astype(self.dtype)
    for i, width in enumerate(self.widths):
      x = DownBlock(width, i < self.num_down, i == 0, self.dtype)(x, normalised)
    x = nn.relu(x).astype(jnp.float32).sum(axis=(1, 2))
    return HEADS[self.head](x, labels, self.num_classes, normalised)
