"""Networks of Elastic-InfoGAN for 64x64 RGB images (§4.2 and §4.3 of its supplement).

The networks are StackGAN-v2's with width 64. With Z noise and code variables, the last K of them
the code, and k categories:

| generator                     | output        | parameters        |
|-------------------------------|---------------|-------------------|
| dense Z -> 4·4·2048, BN, GLU  | 4 x 4 x 1024  | 65,536 + 32,768Z  |
| up 1024 -> 512                | 8 x 8 x 512   | 9,439,232         |
| up 512 -> 256                 | 16 x 16 x 256 | 2,360,320         |
| up 256 -> 128                 | 32 x 32 x 128 | 590,336           |
| up 128 -> 64                  | 64 x 64 x 64  | 147,712           |
| conv 3x3 64 -> 3, tanh        | 64 x 64 x 3   | 1,728             |
| second stage: same 64+K -> 64 | 64 x 64 x 64  | 73,984 + 1,152K   |
| residual 64                   | 64 x 64 x 64  | 110,976           |
| residual 64                   | 64 x 64 x 64  | 110,976           |
| same 64 -> 32                 | 64 x 64 x 32  | 36,992            |
| conv 3x3 32 -> 3, tanh        | 64 x 64 x 3   | 864               |

| trunk of D and Q                        | output        | parameters |
|-----------------------------------------|---------------|------------|
| conv 4x4 s2 3 -> 64, leaky 0.2          | 32 x 32 x 64  | 3,072      |
| conv 4x4 s2 64 -> 128, BN, leaky 0.2    | 16 x 16 x 128 | 131,328    |
| conv 4x4 s2 128 -> 256, BN, leaky 0.2   | 8 x 8 x 256   | 524,800    |
| conv 4x4 s2 256 -> 512, BN, leaky 0.2   | 4 x 4 x 512   | 2,098,176  |
| D: conv 4x4 512 -> 1                    | 1             | 8,193      |
| Q: conv 3x3 512 -> 512, BN, leaky 0.2   | 4 x 4 x 512   | 2,360,320  |
| Q: conv 4x4 512 -> k                    | k             | 8,193k     |

A block `up` is nearest x2 followed by `same`, which is a 3x3 convolution to twice the channels, BN
and GLU: one half times the sigmoid of the other half. `residual` is x + BN(conv(same(x))). The
second stage reads the 64x64x64 features of the first stage, concatenated with the code at every
pixel; it is StackGAN-v2's next stage with `same` instead of `up` as its last block, as the images
stay 64x64. A 4x4 convolution of a 4x4 map has one output per channel: here it is a dense layer.

The contrastive features are all of Q's 4·4·512 activations before its last layer, after the leaky
ReLU ("penultimate layer", §4.4). Kernels start orthogonal, the scales of BN from N(1, 0.02), biases
at zero, as in StackGAN-v2; the paper specifies no initial weights for these networks. Only the last
layers of D and Q have a bias.

See "Elastic-InfoGAN: Unsupervised Disentangled Representation Learning in Class-Imbalanced Data",
Ojha et al. 2020, and "StackGAN++: Realistic Image Synthesis with Stacked Generative Adversarial
Networks", Zhang et al. 2018.
"""

from collections.abc import Callable
from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp

from jaxgan.errors import UserError
from jaxgan.networks.layers import Conv, batch_norm

IMAGE_SIZE = 64
_SLOPE = 0.2
_RESIDUAL_BLOCKS = 2
_orthogonal = nn.initializers.orthogonal()


def check_image_size(image_size: int) -> None:
  """Checks that images have 64 pixels a side.

  Raises:
    UserError: they do not.
  """
  if image_size != IMAGE_SIZE:
    raise UserError(
      f'the networks stackgan and stackgan_two_stage are for images of {IMAGE_SIZE} pixels a side, '
      f'not {image_size}: change config.data.options.image_size or config.algorithm.network'
    )


def _around_one(rng, shape, dtype=jnp.float32):
  return 1.0 + 0.02 * jax.random.normal(rng, shape, dtype)


def _batch_norm(train: bool, dtype):
  return batch_norm(train, dtype, scale_init=_around_one)


def _conv(features, kernel_size, stride, dtype):
  return Conv(features, kernel_size, stride, False, _orthogonal, dtype)


class GatedBlock(nn.Module):
  """`up` or `same` of the table: `[N, H, W, C]` to `[N, 2 H, 2 W, features]` or `[N, H, W, …]`."""

  features: int
  up: bool = False
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array, train: bool) -> jax.Array:
    """Applies the block."""
    if self.up:
      x = x.repeat(2, axis=1).repeat(2, axis=2)
    x = _conv(2 * self.features, 3, 1, self.dtype)(x)
    return nn.glu(_batch_norm(train, self.dtype)(x))


class ResidualBlock(nn.Module):
  """`residual` of the table: `[N, H, W, C]` to `[N, H, W, C]`."""

  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array, train: bool) -> jax.Array:
    """Applies the block."""
    features = x.shape[-1]
    y = GatedBlock(features, dtype=self.dtype)(x, train)
    y = _conv(features, 3, 1, self.dtype)(y)
    return x + _batch_norm(train, self.dtype)(y)


class Generator(nn.Module):
  """Generator: noise and code `[N, Z]` to a tuple of images `[N, 64, 64, channels]`, one per stage.

  The last `code_dim` of the Z variables are the code, which the second of two stages reads again.
  `activation` is the output activation; with tanh the images are in [-1, 1].
  """

  channels: int
  code_dim: int
  num_stages: int = 1
  width: int = 64
  activation: Callable = jnp.tanh
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, inputs: jax.Array, train: bool) -> tuple[jax.Array, ...]:
    """Generates the images of all stages."""

    def to_images(x):
      return self.activation(_conv(self.channels, 3, 1, self.dtype)(x).astype(jnp.float32))

    inputs = inputs.astype(self.dtype)
    widest = 16 * self.width
    x = nn.Dense(32 * widest, use_bias=False, kernel_init=_orthogonal, dtype=self.dtype)(inputs)
    x = nn.glu(_batch_norm(train, self.dtype)(x)).reshape(-1, 4, 4, widest)
    for factor in (8, 4, 2, 1):
      x = GatedBlock(factor * self.width, up=True, dtype=self.dtype)(x, train)
    images = to_images(x)
    if self.num_stages == 1:
      return (images,)
    code = inputs[:, None, None, inputs.shape[1] - self.code_dim :]
    code = jnp.broadcast_to(code, (*x.shape[:3], self.code_dim))
    x = GatedBlock(self.width, dtype=self.dtype)(jnp.concatenate([x, code], axis=-1), train)
    for _ in range(_RESIDUAL_BLOCKS):
      x = ResidualBlock(self.dtype)(x, train)
    x = GatedBlock(self.width // 2, dtype=self.dtype)(x, train)
    return images, to_images(x)


class Trunk(nn.Module):
  """Shared layers of D and Q: images `[N, 64, 64, C]` to features `[N, 4, 4, 8 width]`."""

  width: int = 64
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images: jax.Array, train: bool) -> jax.Array:
    """Returns the features."""
    x = _conv(self.width, 4, 2, self.dtype)(images.astype(self.dtype))
    x = nn.leaky_relu(x, _SLOPE)
    for factor in (2, 4, 8):
      x = _conv(factor * self.width, 4, 2, self.dtype)(x)
      x = nn.leaky_relu(_batch_norm(train, self.dtype)(x), _SLOPE)
    return x


class DiscriminatorHead(nn.Module):
  """Discriminator on the trunk: features `[N, 4, 4, C]` to real/fake logits `[N]`."""

  @nn.compact
  def __call__(self, features: jax.Array) -> jax.Array:
    """Returns the logits."""
    x = features.reshape(features.shape[0], -1).astype(jnp.float32)
    return nn.Dense(1, kernel_init=_orthogonal)(x)[:, 0]


class RecognitionHead(nn.Module):
  """Q on the trunk: features `[N, 4, 4, C]` to predictions of the codes.

  Returns logits `[N, k]` of the categorical code, a prediction `[N, r]` of the continuous codes
  (r = 0: empty), and the contrastive features `[N, 16 C]`: the penultimate activations after the
  leaky ReLU.
  """

  num_categories: int
  num_continuous: int = 0
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, features: jax.Array, train: bool) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Returns logits, prediction and contrastive features."""
    x = _conv(features.shape[-1], 3, 1, self.dtype)(features)
    x = nn.leaky_relu(_batch_norm(train, self.dtype)(x), _SLOPE)
    x = x.reshape(x.shape[0], -1).astype(jnp.float32)
    outputs = nn.Dense(self.num_categories + self.num_continuous, kernel_init=_orthogonal)(x)
    return outputs[:, : self.num_categories], outputs[:, self.num_categories :], x
