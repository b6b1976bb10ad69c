"""Both convolutions against their definition and the derivatives by JAX."""

from flax import linen as nn
import jax
from jax import lax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.networks import layers
from tests.support.convolutions import (
  assert_close,
  conv_arrays,
  reference_conv,
  reference_transposed,
  values_and_gradients,
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
  # A single pixel of value 2 writes twice the kernel; padding 1 keeps its middle 2x2.
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
def test_gradients_equal_the_gradients_by_jax(size, stride):
  images, kernel = _arrays(size=size)

  def loss(function, images, kernel):
    return jnp.sum(jnp.sin(function(images, kernel, stride)))

  ours = jax.grad(loss, argnums=(1, 2))(layers.conv_transpose, images, kernel)
  derived = jax.grad(loss, argnums=(1, 2))(reference_transposed, images, kernel)
  for gradient, expected in zip(ours, derived, strict=True):
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


def test_reverse_over_reverse_equals_the_derivative_by_jax():
  # As in a gradient penalty: the derivative of the squared image gradient by the kernel.
  images, kernel = _arrays()

  def penalty(function, kernel):
    gradient = jax.grad(lambda x: jnp.sum(jnp.tanh(function(x, kernel, 2))))(images)
    return jnp.sum(gradient**2)

  ours = jax.grad(penalty, argnums=1)(layers.conv_transpose, kernel)
  derived = jax.grad(penalty, argnums=1)(reference_transposed, kernel)
  np.testing.assert_allclose(ours, derived, rtol=1e-4, atol=1e-4)


def test_conv_of_one_pixel_by_hand():
  # With padding 1, the window of the only output is the 2x2 image with its border.
  kernel = jnp.arange(16.0).reshape(4, 4, 1, 1)
  images = jnp.array([[1.0, 0.0], [0.0, 10.0]]).reshape(1, 2, 2, 1)
  assert float(layers.conv(images, kernel, 2)[0, 0, 0, 0]) == 5.0 + 10.0 * 10.0


@pytest.mark.parametrize(('size', 'stride'), [(4, 2), (3, 1), (2, 2), (6, 2), (5, 3)])
def test_conv_and_its_gradients_equal_those_by_jax(size, stride):
  images, kernels = conv_arrays(size, stride)
  ours, expected = (
    values_and_gradients(f, stride)(images[0], kernels[0]) for f in (layers.conv, reference_conv)
  )
  assert_close(ours, expected)


@pytest.mark.parametrize('function', [layers.conv, layers.conv_transpose])
def test_replicas_use_matrix_products_and_a_single_run_a_convolution(function):
  inputs, kernels = conv_arrays(4, 2)
  if function is layers.conv_transpose:
    kernels = jnp.swapaxes(kernels, 3, 4)
  run = values_and_gradients(function, 2)
  many = jax.jit(jax.vmap(run)).lower(inputs, kernels).as_text()
  assert 'stablehlo.convolution' not in many
  assert 'stablehlo.dot_general' in many
  one = jax.jit(run).lower(inputs[0], kernels[0]).as_text()
  assert 'stablehlo.convolution' in one
  assert 'stablehlo.dot_general' not in one


@pytest.mark.parametrize(('size', 'stride'), [(4, 2), (3, 1), (3, 2), (5, 3)])
def test_the_forms_of_other_platforms_compute_the_same(size, stride):
  images, kernels = conv_arrays(size, stride)
  images, kernel = images[0], kernels[0]
  features = reference_conv(images, kernel, stride)
  assert_close(
    [layers._cpu_conv_transpose(features, kernel, stride)],
    [layers._derived_conv_transpose(features, kernel, stride)],
  )
  assert_close(
    [layers._cpu_kernel_gradient(images, features, size, stride)],
    [layers._derived_kernel_gradient(images, features, size, stride)],
  )


@pytest.mark.parametrize(('platform', 'forward', 'dilated'), [('cpu', 4, 0), ('tpu', 1, 1)])
def test_other_platforms_keep_one_dilated_convolution(platform, forward, dilated):
  """On CPU four convolutions, one per sub-pixel phase, without a dilated image."""
  images, kernel = _arrays()
  traced = jax.jit(layers.conv_transpose, static_argnums=2).trace(images, kernel, 2)
  text = traced.lower(lowering_platforms=(platform,)).as_text()
  assert text.count('stablehlo.convolution') == forward
  assert text.count('lhs_dilate = [2, 2]') == dilated


@pytest.mark.parametrize('size', [1, 3, 4, 5])
@pytest.mark.parametrize('transposed', [False, True])
def test_to_one_channel_from_many(size, transposed):
  """Convolutions to few channels have a separate implementation."""
  stride = 2 - size % 2
  inputs_rng, kernel_rng = jax.random.split(jax.random.key(2))
  inputs = jax.random.normal(inputs_rng, (2, 6, 8, 27))
  if transposed:
    kernel = jax.random.normal(kernel_rng, (size, size, 1, 27))
    function, reference = layers.conv_transpose, reference_transposed
  else:
    kernel = jax.random.normal(kernel_rng, (size, size, 27, 1))
    function, reference = layers.conv, reference_conv
  ours = values_and_gradients(function, stride)(inputs, kernel)
  assert_close(ours, values_and_gradients(reference, stride)(inputs, kernel))


@pytest.mark.parametrize(('height', 'width'), [(4, 4), (6, 10)])
@pytest.mark.parametrize('size', [3, 5])
def test_odd_kernels_with_stride_two_match_pytorch(size, height, width):
  """For odd k - s: padding ⌈(k - s) / 2⌉ on both sides, such as `padding=1` for a 3x3 kernel."""
  images = jax.random.normal(jax.random.key(3), (2, height, width, 3))
  kernel = jax.random.normal(jax.random.key(4), (size, size, 3, 5))
  padding = (size - 1) // 2

  def reference(images, kernel, stride):
    return lax.conv_general_dilated(
      images,
      kernel,
      (stride, stride),
      ((padding, padding),) * 2,
      dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    )

  ours = values_and_gradients(layers.conv, 2)(images, kernel)
  assert_close(ours, values_and_gradients(reference, 2)(images, kernel))


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


def test_conv_layer_matches_flax():
  images, _ = _arrays((2, 8, 8, 3))
  theirs = nn.Conv(5, (4, 4), (2, 2), padding=1)
  variables = theirs.init(jax.random.key(0), images)
  variables = {'params': {**variables['params'], 'bias': jnp.arange(5.0)}}
  ours = layers.Conv(5)
  shapes = jax.tree.map(lambda x: (x.shape, x.dtype), ours.init(jax.random.key(0), images))
  assert shapes == jax.tree.map(lambda x: (x.shape, x.dtype), variables)
  assert_close([ours.apply(variables, images)], [theirs.apply(variables, images)])
  assert layers.Conv(5, dtype=jnp.bfloat16).apply(variables, images).dtype == jnp.bfloat16
