"""BiT's ResNetV2-50x1: pre-activation residual units, standardised kernels, group norm.

For RGB images of 128x128 pixels, W = 64 and stages (3, 4, 6, 3):

| part       | layers                                         | output     | parameters |
|------------|------------------------------------------------|------------|------------|
| root_block | conv 7x7 s2 3 -> W, border 0, max-pool 3x3 s2  | 32x32x64   | 9,408      |
| block1     | 3 units of 4W channels                         | 32x32x256  | 214,912    |
| block2     | 4 units of 8W, the first s2                    | 16x16x512  | 1,218,048  |
| block3     | 6 units of 16W, the first s2                   | 8x8x1024   | 7,095,296  |
| block4     | 3 units of 32W, the first s2                   | 4x4x2048   | 14,958,592 |
| features   | group norm, ReLU, mean over the pixels         | 2048       | 4,096      |
| head       | dense 2048 -> K, from zero                     | K          | 2,049 K    |

A unit of C channels is x + c(b(a(x))), each letter group norm, ReLU and a convolution without
bias: a 1x1 to C/4, b 3x3 with the stride, c 1x1 to C. If the shape changes, a 1x1 convolution
(`proj`) with the stride replaces x; its input is x after a's norm and ReLU. Kernels are
standardised before use: zero mean and unit variance over the inputs of each output channel.

See "Big Transfer (BiT): General Visual Representation Learning", Kolesnikov et al. 2020, and
"Identity Mappings in Deep Residual Networks", He et al. 2016. Sizes and constants match the
released BiT-M-R50x1.npz and its PyTorch code.
"""

from collections.abc import Mapping
import functools
from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.errors import UserError
from jaxgan.networks import released
from jaxgan.networks.layers import conv

RELEASE = 'https://storage.googleapis.com/bit_models/BiT-M-R50x1.npz'
_norm = functools.partial(nn.GroupNorm, 32, epsilon=1e-5)
# Layers whose names differ in the released npz.
_PLACES = {'root': ['root_block'], 'proj': ['a', 'proj']}


def standardise(kernel: jax.Array) -> jax.Array:
  """Standardises a kernel over the inputs of each output, (w - mean) / sqrt(variance + 1e-10).

  See `Micro-Batch Training with Batch-Channel Normalization and Weight Standardization
  <https://arxiv.org/abs/1903.10520>`_, Qiao et al. 2019.

  Args:
    kernel: `[k, k, in, out]`.

  Returns:
    `[k, k, in, out]`.
  """
  centred = kernel - kernel.mean(axis=(0, 1, 2))
  return centred * jax.lax.rsqrt(jnp.square(centred).mean(axis=(0, 1, 2)) + 1e-10)


class StandardisedConv(nn.Module):
  """Convolution without bias whose kernel is standardised; padding ⌈(size - stride) / 2⌉."""

  features: int
  size: int
  stride: int = 1
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images: jax.Array) -> jax.Array:
    """Convolves images `[N, s H, s W, in]` to `[N, H, W, features]`."""
    shape = (self.size, self.size, images.shape[-1], self.features)
    kernel = self.param('kernel', nn.initializers.lecun_normal(), shape, jnp.float32)
    if self.stride > self.size:  # Pixels that no output sees.
      images = images[:, :: self.stride, :: self.stride]
    stride = min(self.stride, self.size)
    return conv(images.astype(self.dtype), standardise(kernel).astype(self.dtype), stride)


class Unit(nn.Module):
  """Residual unit: `[N, s H, s W, in]` to `[N, H, W, features]`."""

  features: int
  stride: int = 1
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    """Applies the unit."""

    def norm_relu(x, name):
      return nn.relu(_norm(dtype=self.dtype, name=f'{name}_norm')(x))

    def convolution(features, size, stride, name):
      return StandardisedConv(features, size, stride, self.dtype, name=name)

    y = norm_relu(x, 'a')
    if self.stride > 1 or x.shape[-1] != self.features:
      x = convolution(self.features, 1, self.stride, 'proj')(y)
    y = convolution(self.features // 4, 1, 1, 'a')(y)
    y = convolution(self.features // 4, 3, self.stride, 'b')(norm_relu(y, 'b'))
    return x + convolution(self.features, 1, 1, 'c')(norm_relu(y, 'c'))


class ResNetV2(nn.Module):
  """ResNetV2: images `[N, S, S, 3]` in [-1, 1] to (logits `[N, K]`, features `[N, D]`).

  D is the number of channels of the last stage, S a multiple of 2^(stages + 1): of 32 for R50x1.
  `train` has no effect. Images with other sizes or channels raise a UserError.
  """

  num_classes: int
  width: int = 64
  stages: tuple[int, ...] = (3, 4, 6, 3)
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
    """Returns logits and features."""
    smallest = 2 ** (len(self.stages) + 1)
    if images.shape[-1] != 3 or any(size % smallest for size in images.shape[1:3]):
      given = 'x'.join(map(str, images.shape[1:]))
      raise UserError(
        f'images of {given} for algorithm.network=bit_r50x1: expected RGB images with a multiple '
        f'of {smallest} pixels a side; set algorithm.input_size, for example to {4 * smallest}'
      )
    x = StandardisedConv(self.width, 7, 2, self.dtype, name='root')(images)
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = nn.max_pool(x, (3, 3), (2, 2))
    for block, num_units in enumerate(self.stages, 1):
      for unit in range(1, num_units + 1):
        stride = 2 if block > 1 and unit == 1 else 1
        features = self.width * 2 ** (block + 1)
        x = Unit(features, stride, self.dtype, name=f'block{block}_unit{unit:02}')(x)
    x = nn.relu(_norm(dtype=self.dtype, name='norm')(x))
    features = x.astype(jnp.float32).mean(axis=(1, 2))
    return nn.Dense(self.num_classes, kernel_init=nn.initializers.zeros, name='head')(
      features
    ), features


def released_name(path: tuple[str, ...]) -> str:
  """Name of a parameter in the released npz.

  ('root', 'kernel') is `resnet/root_block/standardized_conv2d/kernel`.

  Args:
    path: of the parameter in `variables['params']`, outside the head.
  """
  *unit, layer, parameter = path
  where = [part for name in unit for part in name.split('_')]  # block1_unit01 -> block1/unit01
  where += _PLACES.get(layer, [layer.removesuffix('_norm')] if unit else [])
  kind = 'group_norm' if layer.endswith('norm') else 'standardized_conv2d'
  parameter = {'scale': 'gamma', 'bias': 'beta'}.get(parameter, parameter)
  return '/'.join(['resnet', *where, kind, parameter])


def pretrained_variables(arrays: Mapping[str, np.ndarray], network: ResNetV2) -> dict:
  """Builds the variables of a network from the released arrays, with a new head of zeros.

  Args:
    arrays: name in the released npz -> array, kernels `[k, k, in, out]`; the head is not read.
    network: a ResNetV2 with the same width and stages.

  Returns:
    Variables of `network`, float32 on the host.

  Raises:
    UserError: an array is missing, has another shape or is not floating-point.
  """
  smallest = 2 ** (len(network.stages) + 1)
  shapes = released.shapes(network, (smallest, smallest, 3), train=False)

  def read(path, shape):
    return released.array(arrays, released_name(path), shape, 'BiT-M-R50x1')

  return released.place(shapes, read, head='head')
