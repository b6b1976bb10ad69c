"""SNDCGAN, the generator and discriminator of Class Balancing GAN for CIFAR-10 (Tables 6 and 7).

Tables 6 and 7 for 32x32 RGB images, `width` 64:

| generator                                   | discriminator (spectral norm on every layer)  |
|---------------------------------------------|-----------------------------------------------|
| dense 128 -> 4·4·512                        | conv 3x3 s1 3 -> 64, conv 4x4 s2 64 -> 64     |
| deconv 4x4 s2 512 -> 256, BN, leaky 0.1     | conv 3x3 s1 64 -> 128, conv 4x4 s2 128 -> 128 |
| deconv 4x4 s2 256 -> 128, BN, leaky 0.1     | conv 3x3 s1 128 -> 256, conv 4x4 s2 256 -> 256|
| deconv 4x4 s2 128 -> 64, BN, leaky 0.1      | conv 3x3 s1 256 -> 512                        |
| conv 3x3 64 -> 3, tanh                      | global sum pool, dense 512 -> 1               |

Leaky ReLU 0.1 follows every convolution of the discriminator. Images of other sizes b·2^n,
b = 4, 5, 6 or 7, have n stages that start from b x b, and widths double towards b x b: 16x16 images
with a small `width`, and 28x28 images with a first layer of 7·7, belong to the same family.
Kernels start orthogonal and biases at zero (the authors' released configuration).

With K classes, conditional BN replaces BN, and a head replaces the last dense layer (see
`jaxgan.networks.conditional`). Optional spectral norm of the generator applies to every layer
except BN, and to the embeddings of conditional BN; it adds no parameter. Parameters for 32x32 RGB
images, `width` 64:

| generator         | parameters       | discriminator   | parameters        |
|-------------------|------------------|-----------------|-------------------|
| unconditional     | 3,812,355        | head none       | 2,928,193         |
| with K classes    | 3,811,459 + 896K | head projection | 2,928,193 + 512K  |
|                   |                  | head auxiliary  | 2,928,193 + 513K  |
"""

from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp

from jaxgan.errors import UserError
from jaxgan.networks.conditional import HEADS, batch_norm
from jaxgan.networks.layers import Conv, ConvTranspose, normaliser

_SLOPE = 0.1
_orthogonal = nn.initializers.orthogonal()


def num_stages(image_size: int) -> int:
  """Number of resolution doublings n from b x b to `image_size` = b·2^n, b = 4, 5, 6 or 7.

  Raises:
    UserError: `image_size` is not b·2^n with n >= 1.
  """
  stages = (image_size // 4).bit_length() - 1
  if stages < 1 or image_size % 2**stages:
    raise UserError(
      'the networks make square images of 8, 16, 32, 64, ... pixels, or 5, 6 or 7 times a power of '
      f'2 (as 28), not {image_size}: change config.data.options.image_size'
    )
  return stages


class Generator(nn.Module):
  """SNDCGAN generator: noise `[N, Z]` to images `[N, S, S, channels]` in [-1, 1].

  With `num_classes` it is conditional and requires labels, int `[N]`.
  """

  image_size: int
  channels: int
  width: int = 64
  num_classes: int | None = None
  dtype: Any = jnp.float32
  spectral_norm: bool = False

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
    options = {'kernel_init': _orthogonal, 'dtype': self.dtype}
    stages = num_stages(self.image_size)
    features = self.width * 2**stages
    base = self.image_size >> stages
    x = normalised(nn.Dense(base * base * features, **options), noise)
    x = x.reshape(-1, base, base, features)
    for stage in reversed(range(stages)):
      x = normalised(ConvTranspose(self.width * 2**stage, **options), x)
      x = nn.leaky_relu(norm(x), _SLOPE)
    x = normalised(Conv(self.channels, 3, 1, **options), x)
    return jnp.tanh(x.astype(jnp.float32))


class Discriminator(nn.Module):
  """SNDCGAN discriminator: images `[N, S, S, C]` in [-1, 1] to logits `[N]`, class logits `[N, K]`.

  The head, a key of HEADS, decides whether it reads labels, int `[N]`, and whether there are class
  logits or None. The left singular vectors of spectral norm are in the collection `batch_stats`;
  `train=True` stores the result of the single power iteration of each call.
  """

  width: int = 64
  head: str = 'none'
  num_classes: int | None = None
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(
    self, images: jax.Array, labels: jax.Array | None = None, *, train: bool
  ) -> tuple[jax.Array, jax.Array | None]:
    """Returns logits, and class logits or None."""
    normalised = normaliser(True, train)

    def conv(x, features, size, stride):
      layer = Conv(features, size, stride, kernel_init=_orthogonal, dtype=self.dtype)
      return nn.leaky_relu(normalised(layer, x), _SLOPE)

    stages = num_stages(images.shape[1])
    x = images.astype(self.dtype)
    for stage in range(stages):
      x = conv(x, self.width * 2**stage, 3, 1)
      x = conv(x, self.width * 2**stage, 4, 2)
    x = conv(x, self.width * 2**stages, 3, 1)
    x = x.astype(jnp.float32).sum(axis=(1, 2))
    return HEADS[self.head](x, labels, self.num_classes, normalised)
