"""ResNet-50 with bottleneck blocks, the evaluation classifier of 64x64 images.

For RGB images of 64x64 pixels, W = 64 and stages (3, 4, 6, 3); every convolution has no bias and is
followed by batch norm:

| part   | layers                                           | output    | parameters |
|--------|--------------------------------------------------|-----------|------------|
| stem   | conv 7x7 s2 3 -> W, ReLU, max-pool 3x3 s2        | 16x16x64  | 9,536      |
| layer1 | 3 blocks of 4W channels                          | 16x16x256 | 215,808    |
| layer2 | 4 blocks of 8W, the first s2                     | 8x8x512   | 1,219,584  |
| layer3 | 6 blocks of 16W, the first s2                    | 4x4x1024  | 7,098,368  |
| layer4 | 3 blocks of 32W, the first s2                    | 2x2x2048  | 14,964,736 |
| fc     | mean over the pixels (the features), dense to K  | K         | 2,049 K    |

A block of C channels is relu(x + f(x)), f a 1x1 convolution to C/4, ReLU, a 3x3 to C/4 with the
stride, ReLU, and a 1x1 to C. If the shape changes, a 1x1 convolution with the stride is applied to
x.

See "Deep Residual Learning for Image Recognition", He et al. 2016. Sizes, names, initial weights
and the position of the stride are torchvision's: the stride is in the 3x3 convolution, in the paper
in the first 1x1. With `caffe`, the stride is as in the paper, and the max-pool pads only the right
and lower border, as in models trained with Caffe; see `jaxgan.networks.vggface2`.
"""

from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp

from jaxgan.errors import UserError
from jaxgan.networks.layers import Conv, batch_norm

_kaiming = nn.initializers.variance_scaling(2.0, 'fan_out', 'normal')
_uniform = nn.initializers.variance_scaling(1 / 3, 'fan_in', 'uniform')


def _conv(features, size, stride, dtype, name):
  return Conv(features, size, stride, use_bias=False, kernel_init=_kaiming, dtype=dtype, name=name)


class Bottleneck(nn.Module):
  """Residual block: `[N, s H, s W, in]` to `[N, H, W, features]`."""

  features: int
  stride: int = 1
  dtype: Any = jnp.float32
  stride_first: bool = False

  @nn.compact
  def __call__(self, x: jax.Array, train: bool) -> jax.Array:
    """Applies the block."""
    y, inner = x, self.features // 4
    first, second = (self.stride, 1) if self.stride_first else (1, self.stride)
    y = y[:, ::first, ::first]  # A 1x1 kernel with this stride reads no other pixels.
    layers = (inner, 1, 1), (inner, 3, second), (self.features, 1, 1)
    for i, (features, size, stride) in enumerate(layers, 1):
      y = _conv(features, size, stride, self.dtype, f'conv{i}')(y)
      y = batch_norm(train, self.dtype, name=f'bn{i}')(y)
      y = nn.relu(y) if i < len(layers) else y
    if self.stride > 1 or x.shape[-1] != self.features:
      x = x[:, :: self.stride, :: self.stride]
      x = _conv(self.features, 1, 1, self.dtype, 'downsample_0')(x)
      x = batch_norm(train, self.dtype, name='downsample_1')(x)
    return nn.relu(x + y)


class ResNet50(nn.Module):
  """ResNet-50: images `[N, S, S', C]` in [-1, 1] to (logits `[N, K]`, features `[N, D]`).

  D is the number of channels of the last stage; S and S' are multiples of 2^(stages + 1): of 32
  for ResNet-50. Images of other sizes raise a UserError.
  """

  num_classes: int
  width: int = 64
  stages: tuple[int, ...] = (3, 4, 6, 3)
  dtype: Any = jnp.float32
  caffe: bool = False

  @nn.compact
  def __call__(self, images: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
    """Returns logits and features."""
    smallest = 2 ** (len(self.stages) + 1)
    height, width = images.shape[1:3]
    if height % smallest or width % smallest:
      raise UserError(
        f'the network resnet50 needs images of a multiple of {smallest} pixels a side, not '
        f'{height}x{width}: set algorithm.input_size or use another algorithm.network'
      )
    x = _conv(self.width, 7, 2, self.dtype, 'conv1')(images.astype(self.dtype))
    x = nn.relu(batch_norm(train, self.dtype, name='bn1')(x))
    border = (0, 1) if self.caffe else (1, 1)
    # Flax does not annotate max_pool: from the default 'VALID', pyright infers a str.
    padding: Any = (border, border)
    x = nn.max_pool(x, (3, 3), (2, 2), padding=padding)
    for stage, num_blocks in enumerate(self.stages, 1):
      for block in range(num_blocks):
        stride = 2 if stage > 1 and block == 0 else 1
        features = self.width * 2 ** (stage + 1)
        name = f'layer{stage}_{block}'
        x = Bottleneck(features, stride, self.dtype, self.caffe, name=name)(x, train)
    features = x.astype(jnp.float32).mean(axis=(1, 2))
    return nn.Dense(self.num_classes, kernel_init=_uniform, name='fc')(features), features
