"""Layers that Flax does not have in the form the papers need."""

import functools
from typing import Any

from flax import linen as nn
import jax
from jax import lax
import jax.numpy as jnp

_DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')


def _strided_conv(images, kernel, stride):
  return lax.conv_general_dilated(
    images, kernel, (stride, stride), 'SAME', dimension_numbers=_DIMENSIONS
  )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def conv_transpose(images, kernel, stride):
  """Transposed convolution, the adjoint of a strided 'SAME' convolution.

  Equals PyTorch's `ConvTranspose2d(kernel_size=k, stride=s, padding=(k-s)/2)` for a weight
  `[in, out, k, k]` given as `kernel = weight.transpose(2, 3, 1, 0)`. Its derivative is written out
  because the one that JAX derives for the kernel is 10 to 70 times slower on XLA's CPU backend: it
  is taken here as the kernel gradient of the strided convolution, with image and cotangent swapped.

  Args:
    images: `[N, H, W, in]`.
    kernel: `[k, k, out, in]`, `k - stride` even.
    stride: the up-sampling factor s, a Python int.

  Returns:
    `[N, s H, s W, out]`.
  """
  return lax.conv_transpose(
    images,
    kernel,
    (stride, stride),
    'SAME',
    dimension_numbers=_DIMENSIONS,
    transpose_kernel=True,
  )


def _conv_transpose_forward(images, kernel, stride):
  return conv_transpose(images, kernel, stride), (images, kernel)


def _conv_transpose_backward(stride, residuals, cotangent):
  images, kernel = residuals
  image_gradient = _strided_conv(cotangent, kernel, stride)
  _, pullback = jax.vjp(lambda k: _strided_conv(cotangent, k, stride), kernel)
  (kernel_gradient,) = pullback(images)
  return image_gradient, kernel_gradient


conv_transpose.defvjp(_conv_transpose_forward, _conv_transpose_backward)


class ConvTranspose(nn.Module):
  """Transposed convolution layer with a bias; see `conv_transpose`."""

  features: int
  kernel_size: int = 4
  stride: int = 2
  kernel_init: Any = nn.initializers.lecun_normal()
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images):
    shape = (self.kernel_size, self.kernel_size, self.features, images.shape[-1])
    kernel = self.param('kernel', self.kernel_init, shape, jnp.float32)
    bias = self.param('bias', nn.initializers.zeros, (self.features,), jnp.float32)
    outputs = conv_transpose(images.astype(self.dtype), kernel.astype(self.dtype), self.stride)
    return outputs + bias.astype(self.dtype)
