"""The transposed convolution against its definition and the derivative that JAX derives itself."""

import jax
from jax import lax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.networks import layers


def _reference(images, kernel, stride):
  """The same function with the derivative of `lax.conv_transpose`."""
  return lax.conv_transpose(
    images,
    kernel,
    (stride, stride),
    'SAME',
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    transpose_kernel=True,
  )


def _naive(images, kernel, stride):
  """out[s i + a - p, s j + b - p] += x[i, j] · kernel[a, b] with p = (k - s) / 2, in numpy."""
  images, kernel = np.asarray(images), np.asarray(kernel)
  n, height, width, _ = images.shape
  size, _, features, _ = kernel.shape
  padding = (size - stride) // 2
  outputs = np.zeros((n, stride * (height - 1) + size, stride * (width - 1) + size, features))
  for i in range(height):
    for j in range(width):
      patch = np.einsum('nc,aboc->nabo', images[:, i, j], kernel)
      outputs[:, stride * i : stride * i + size, stride * j : stride * j + size] += patch
  end = -padding or None
  return outputs[:, padding:end, padding:end]


def _arrays(shape=(2, 4, 4, 3), size=4, features=5):
  images_rng, kernel_rng = jax.random.split(jax.random.key(0))
  images = jax.random.normal(images_rng, shape)
  return images, jax.random.normal(kernel_rng, (size, size, features, shape[-1]))


def test_conv_transpose_of_one_pixel_by_hand():
  # A single pixel of value 2 writes twice the kernel; padding 1 leaves its middle 2x2.
  kernel = jnp.arange(16.0).reshape(4, 4, 1, 1)
  outputs = layers.conv_transpose(jnp.full((1, 1, 1, 1), 2.0), kernel, 2)
  np.testing.assert_array_equal(outputs[0, :, :, 0], [[10.0, 12.0], [18.0, 20.0]])


def test_conv_transpose_of_two_pixels_by_hand():
  # Pixels 1 and 10 in a row, kernel rows 0 1 2 3: columns 2 and 3 of the full output overlap.
  kernel = jnp.broadcast_to(jnp.arange(4.0), (4, 4)).reshape(4, 4, 1, 1)
  outputs = layers.conv_transpose(jnp.array([1.0, 10.0]).reshape(1, 1, 2, 1), kernel, 2)
  # Full row: 0, 1, 2 + 0, 3 + 10, 20, 30; the first and last column are cropped.
  np.testing.assert_array_equal(outputs[0, :, :, 0], [[1.0, 2.0, 13.0, 20.0]] * 2)


@pytest.mark.parametrize(('size', 'stride'), [(4, 2), (3, 1), (2, 2), (6, 2), (5, 3)])
@pytest.mark.parametrize('transform', [lambda f: f, lambda f: jax.jit(f, static_argnums=2)])
def test_conv_transpose_equals_its_definition(size, stride, transform):
  images, kernel = _arrays(shape=(2, 3, 5, 3), size=size)
  outputs = transform(layers.conv_transpose)(images, kernel, stride)
  assert outputs.shape == (2, 3 * stride, 5 * stride, 5)
  np.testing.assert_allclose(outputs, _naive(images, kernel, stride), atol=1e-5)


@pytest.mark.parametrize(('size', 'stride'), [(4, 2), (3, 1), (6, 2)])
def test_gradients_equal_the_derived_ones(size, stride):
  images, kernel = _arrays(size=size)

  def loss(function, images, kernel):
    return jnp.sum(jnp.sin(function(images, kernel, stride)))

  ours = jax.grad(loss, argnums=(1, 2))(layers.conv_transpose, images, kernel)
  derived = jax.grad(loss, argnums=(1, 2))(_reference, images, kernel)
  for gradient, expected in zip(ours, derived, strict=True):
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


def test_reverse_over_reverse_equals_the_derived_one():
  # A gradient penalty: the derivative by the kernel of the squared image gradient.
  images, kernel = _arrays()

  def penalty(function, kernel):
    gradient = jax.grad(lambda x: jnp.sum(jnp.tanh(function(x, kernel, 2))))(images)
    return jnp.sum(gradient**2)

  ours = jax.grad(penalty, argnums=1)(layers.conv_transpose, kernel)
  derived = jax.grad(penalty, argnums=1)(_reference, kernel)
  np.testing.assert_allclose(ours, derived, rtol=1e-4, atol=1e-4)


def test_vmap_over_replicas():
  images, kernel = _arrays()
  images, kernels = jnp.stack([images, 2 * images]), jnp.stack([kernel, -kernel])

  def gradients(images, kernel):
    return jax.grad(lambda x, k: jnp.sum(layers.conv_transpose(x, k, 2) ** 2), (0, 1))(
      images, kernel
    )

  together = jax.vmap(gradients)(images, kernels)
  for replica in range(2):
    alone = gradients(images[replica], kernels[replica])
    for a, b in zip(together, alone, strict=True):
      np.testing.assert_allclose(a[replica], b, rtol=1e-5, atol=1e-4)


def test_bfloat16_stays_bfloat16_and_close():
  images, kernel = _arrays()

  def loss(kernel, images):
    return jnp.sum(layers.conv_transpose(images, kernel, 2).astype(jnp.float32) ** 2)

  half_images, half_kernel = images.astype(jnp.bfloat16), kernel.astype(jnp.bfloat16)
  outputs = layers.conv_transpose(half_images, half_kernel, 2)
  gradient = jax.grad(loss)(half_kernel, half_images)
  assert outputs.dtype == gradient.dtype == jnp.bfloat16
  expected = jax.grad(loss)(kernel, images)
  scale = np.abs(expected).max()
  np.testing.assert_allclose(gradient.astype(jnp.float32) / scale, expected / scale, atol=0.02)


def test_layer_adds_its_bias_and_keeps_float32_parameters():
  layer = layers.ConvTranspose(5, dtype=jnp.bfloat16)
  images, _ = _arrays()
  variables = layer.init(jax.random.key(0), images)
  shapes = jax.tree.map(lambda x: (x.shape, x.dtype), variables['params'])
  assert shapes == {'kernel': ((4, 4, 5, 3), jnp.float32), 'bias': ((5,), jnp.float32)}
  assert layer.apply(variables, images).dtype == jnp.bfloat16

  layer = layers.ConvTranspose(5)
  without = layer.apply(variables, images)
  np.testing.assert_allclose(
    without, _naive(images, variables['params']['kernel'], 2), rtol=1e-4, atol=1e-5
  )
  with_bias = {'params': {**variables['params'], 'bias': jnp.arange(5.0)}}
  np.testing.assert_allclose(
    layer.apply(with_bias, images) - without,
    np.broadcast_to(np.arange(5.0), without.shape),
    atol=1e-5,
  )
