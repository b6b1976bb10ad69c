"""Convolutions by their definition, and arrays to compare them on."""

import jax
from jax import lax
import jax.numpy as jnp
import numpy as np


def reference_transposed(images, kernel, stride):
  """The same function with the derivative of `lax.conv_transpose`."""
  return lax.conv_transpose(
    images,
    kernel,
    (stride, stride),
    'SAME',
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    transpose_kernel=True,
  )


def reference_conv(images, kernel, stride):
  return lax.conv_general_dilated(
    images, kernel, (stride, stride), 'SAME', dimension_numbers=('NHWC', 'HWIO', 'NHWC')
  )


def conv_arrays(size, stride):
  """Images `[3, 2, s H, s W, 3]` and kernels `[3, k, k, 3, 5]` of three replicas."""
  images_rng, kernel_rng = jax.random.split(jax.random.key(1))
  images = jax.random.normal(images_rng, (3, 2, 3 * stride, 4 * stride, 3))
  return images, jax.random.normal(kernel_rng, (3, size, size, 3, 5))


def values_and_gradients(function, stride):
  def run(inputs, kernel):
    outputs, pullback = jax.vjp(lambda x, k: function(x, k, stride), inputs, kernel)
    return outputs, *pullback(jnp.sin(outputs))

  return run


def assert_close(ours, expected, tolerance=1e-5):
  for a, b in zip(ours, expected, strict=True):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max())
