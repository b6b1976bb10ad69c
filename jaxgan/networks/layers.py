"""Layers that Flax does not have in the form the papers need.

`conv`, `conv_transpose` and the kernel's gradient are the three derivatives of one trilinear form
⟨conv(images, kernel), features⟩, so the derivative of each is written with the other two.

How each is computed depends on the platform. On GPU and TPU it is the convolution that JAX derives.
XLA's CPU backend is slow with some of those. It packs dilated images on one thread, so there an
up-sampling convolution is one convolution a sub-pixel phase; it packs k² numbers for each that it
reads, so a convolution to few channels (RGB) is a product whose columns are added where they
overlap; and in the body of a loop it leaves convolutions as they are laid out, so all are written
with images NHWC and kernels HWIO.

Under `jax.vmap` with a kernel for each replica they become batched matrix products of image
patches. What JAX's own rule makes takes up to nine times as long on CPU, an explicit grouped
convolution up to eighteen (`benchmarks/replicas.py`); for a single kernel the convolution is the
faster form.
"""

import functools
from typing import Any

from flax import linen as nn
import jax
from jax import lax
from jax.custom_batching import custom_vmap
import jax.numpy as jnp

MOMENTUM = 0.9  # of running statistics: the share that they keep when a batch comes
_DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')


def _padding(size, stride):
  """Pixels before and after an axis, so that M outputs see exactly s M pixels."""
  before = -((stride - size) // 2)
  return before, size - stride - before


def _windows(images, axis, size, stride):
  """Windows of an axis: `[..., s (M - 1) + k, ...]` to `[..., M, k, ...]`."""
  span = images.shape[axis] - size + 1
  taps = [lax.slice_in_dim(images, a, a + span, stride, axis) for a in range(size)]
  return jnp.stack(taps, axis + 1)


def _patches(images, size, stride):
  """What each output of a strided convolution sees: `[N, s H, s W, C]` to `[N, H, W, kkC]`.

  An entry's place is that of its weight in a flattened kernel `[k, k, C, features]`.
  """
  padding = _padding(size, stride)
  x = jnp.pad(images, ((0, 0), padding, padding, (0, 0)))
  x = _windows(_windows(x, 1, size, stride), 3, size, stride)  # [N, H, k, W, k, C]
  x = jnp.swapaxes(x, 2, 3)
  return x.reshape(*x.shape[:3], -1)


def _conv_product(images, kernel, stride):
  return _patches(images, kernel.shape[0], stride) @ kernel.reshape(-1, kernel.shape[3])


def _adjoint(linear, shape, cotangent):
  """The adjoint of a linear function of arrays of a shape."""
  return jax.linear_transpose(linear, jax.ShapeDtypeStruct(shape, cotangent.dtype))(cotangent)[0]


def _image_shape(features, kernel, stride):
  n, height, width, _ = features.shape
  return n, stride * height, stride * width, kernel.shape[2]


def _conv_transpose_product(features, kernel, stride):
  products = features @ kernel.reshape(-1, kernel.shape[3]).T
  shape = _image_shape(features, kernel, stride)
  return _adjoint(lambda images: _patches(images, kernel.shape[0], stride), shape, products)


def _kernel_gradient_product(images, features, size, stride):
  kernel = jnp.einsum('nhwp,nhwf->pf', _patches(images, size, stride), features)
  return kernel.reshape(size, size, images.shape[3], features.shape[3])


def _convolve(images, kernel, padding, stride=1, dilation=1):
  return lax.conv_general_dilated(
    images,
    kernel,
    (stride, stride),
    padding,
    rhs_dilation=(dilation, dilation),
    dimension_numbers=_DIMENSIONS,
  )


def _to_few_channels(size, channels_in, channels_out):
  """Whether the k² · out products of each pixel are fewer than its channels."""
  return size * size * channels_out <= channels_in


def _plain_conv(images, kernel, stride):
  padding = _padding(kernel.shape[0], stride)
  return _convolve(images, kernel, (padding, padding), stride)


def _cpu_conv(images, kernel, stride):
  size, _, channels, features = kernel.shape
  if stride == 1 and size % 2 and _to_few_channels(size, channels, features):
    # With an odd kernel and no stride the adjoint's kernel is the kernel turned round.
    turned = jnp.swapaxes(kernel[::-1, ::-1], 2, 3)
    return _conv_transpose_product(images, turned, stride)
  return _plain_conv(images, kernel, stride)


def _derived_conv_transpose(features, kernel, stride):
  shape = _image_shape(features, kernel, stride)
  return _adjoint(lambda images: _plain_conv(images, kernel, stride), shape, features)


def _cpu_conv_transpose(features, kernel, stride):
  size, _, channels, channels_in = kernel.shape
  if _to_few_channels(size, channels_in, channels):
    return _conv_transpose_product(features, kernel, stride)
  return _phase_conv_transpose(features, kernel, stride)


def _phase_conv_transpose(features, kernel, stride):
  """Every s-th row and column of the images is a convolution with every s-th of the kernel's."""
  size = kernel.shape[0]
  before, _ = _padding(size, stride)
  shape = _image_shape(features, kernel, stride)
  kernel = jnp.swapaxes(kernel, 2, 3)

  def taps(phase):
    """The kernel's rows that reach the images' rows s q + phase, and the padding of features."""
    first = (phase + before) % stride
    num = len(range(first, size, stride))
    ahead = (phase + before - first) // stride  # features[q + ahead] meets the first of them
    return slice(first, None, stride), (num - 1 - ahead, ahead)

  def phase(row, column):
    (rows, above), (columns, left) = taps(row), taps(column)
    return _convolve(features, kernel[rows, columns][::-1, ::-1], (above, left))

  if stride == 1:
    return phase(0, 0)
  phases = [[phase(row, column) for column in range(stride)] for row in range(stride)]
  images = jnp.stack([jnp.stack(row, axis=3) for row in phases], axis=2)  # [N, H, s, W, s, C]
  return images.reshape(shape)


def _derived_kernel_gradient(images, features, size, stride):
  shape = size, size, images.shape[3], features.shape[3]
  return _adjoint(lambda kernel: _plain_conv(images, kernel, stride), shape, features)


def _cpu_kernel_gradient(images, features, size, stride):
  """Channels are the images and images the channels of a convolution whose outputs are taps."""
  padding = _padding(size, stride)
  kernel = _convolve(
    images.transpose(3, 1, 2, 0), features.transpose(1, 2, 0, 3), (padding, padding), 1, stride
  )
  return kernel.transpose(1, 2, 0, 3)


def _dispatch(cpu, default, product, left, right, **static):
  """cpu(left, right), or on other platforms `default`, for a single `right`.

  Where `jax.vmap` gives every replica its own `right`, product(left, right).
  """
  cpu, default, product = (functools.partial(form, **static) for form in (cpu, default, product))

  def single(left, right):
    return lax.platform_dependent(left, right, cpu=cpu, default=default)

  function = custom_vmap(single)

  @function.def_vmap
  def _(num_replicas, mapped, left, right):
    axes = tuple(0 if m else None for m in mapped)
    return jax.vmap(product if mapped[1] else single, axes)(left, right), True

  return function(left, right)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def conv(images, kernel, stride):
  """Strided convolution, PyTorch's `Conv2d(kernel_size=k, stride=s, padding=⌈(k - s) / 2⌉)`.

  Args:
    images: `[N, s H, s W, in]`.
    kernel: `[k, k, in, out]`, k >= s.
    stride: s, a Python int.

  Returns:
    `[N, H, W, out]`.
  """
  return _dispatch(_cpu_conv, _plain_conv, _conv_product, images, kernel, stride=stride)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def conv_transpose(images, kernel, stride):
  """Transposed convolution, the adjoint of `conv`.

  Equals PyTorch's `ConvTranspose2d(kernel_size=k, stride=s, padding=(k - s) / 2)` for a weight
  `[in, out, k, k]` given as `kernel = weight.transpose(2, 3, 1, 0)`; of an odd k - s, the padding
  is ⌈(k - s) / 2⌉ with output_padding 1.

  Args:
    images: `[N, H, W, in]`.
    kernel: `[k, k, out, in]`, k >= s.
    stride: the up-sampling factor s, a Python int.

  Returns:
    `[N, s H, s W, out]`.
  """
  forms = _cpu_conv_transpose, _derived_conv_transpose, _conv_transpose_product
  return _dispatch(*forms, images, kernel, stride=stride)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _kernel_gradient(images, features, size, stride):
  """The adjoint of `conv` in its kernel: `[N, s H, s W, in]`, `[N, H, W, out]` to that shape."""
  forms = _cpu_kernel_gradient, _derived_kernel_gradient, _kernel_gradient_product
  return _dispatch(*forms, images, features, size=size, stride=stride)


def _conv_backward(stride, inputs, cotangent):
  images, kernel = inputs
  return (
    conv_transpose(cotangent, kernel, stride),
    _kernel_gradient(images, cotangent, kernel.shape[0], stride),
  )


def _conv_transpose_backward(stride, inputs, cotangent):
  features, kernel = inputs
  return (
    conv(cotangent, kernel, stride),
    _kernel_gradient(cotangent, features, kernel.shape[0], stride),
  )


def _kernel_gradient_backward(size, stride, inputs, cotangent):
  images, features = inputs
  return conv_transpose(features, cotangent, stride), conv(images, cotangent, stride)


def _define_derivative(function, backward):
  function.defvjp(lambda a, b, *static: (function(a, b, *static), (a, b)), backward)


_define_derivative(conv, _conv_backward)
_define_derivative(conv_transpose, _conv_transpose_backward)
_define_derivative(_kernel_gradient, _kernel_gradient_backward)


class Conv(nn.Module):
  """Convolution layer; see `conv`."""

  features: int
  kernel_size: int = 4
  stride: int = 2
  use_bias: bool = True
  kernel_init: Any = nn.initializers.lecun_normal()
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images):
    return self._convolved(conv, images, images.shape[-1], self.features)

  def _convolved(self, function, images, *channels):
    shape = (self.kernel_size, self.kernel_size, *channels)
    kernel = self.param('kernel', self.kernel_init, shape, jnp.float32)
    outputs = function(images.astype(self.dtype), kernel.astype(self.dtype), self.stride)
    if not self.use_bias:
      return outputs
    bias = self.param('bias', nn.initializers.zeros, (self.features,), jnp.float32)
    return outputs + bias.astype(self.dtype)


class ConvTranspose(Conv):
  """Transposed convolution layer; see `conv_transpose`."""

  @nn.compact
  def __call__(self, images):
    return self._convolved(conv_transpose, images, self.features, images.shape[-1])


def batch_norm(train: bool, dtype, epsilon: float = 1e-5, **options) -> nn.BatchNorm:
  """Batch norm by the statistics of the batch in training, by running ones otherwise."""
  return nn.BatchNorm(
    use_running_average=not train, momentum=MOMENTUM, epsilon=epsilon, dtype=dtype, **options
  )


def normaliser(active: bool, train: bool):
  """Makes `normalised(layer, x)`, which applies a layer with its kernel divided by σ, or as it is.

  See "Spectral Normalization for Generative Adversarial Networks", Miyato et al. 2018, Algorithm 1:
  σ = v W uᵀ of the kernel `[..., out]` as a matrix W `[-1, out]`. Each call makes one power
  iteration from the u that `batch_stats` holds, v = u Wᵀ / |u Wᵀ| and u = v W / |v W|; with
  `train` the new u is stored. σ is thus always that of the kernel at hand: of averaged kernels
  that come with an averaged u, too. ε = 1e-12 is added to the squared norms, which is the released
  code's 1e-6 of a norm. PyTorch's layers differ from this in inference mode, where they
  read both vectors as stored, and in transposed convolutions, whose matrix is `[-1, in]` here (that
  of the convolution they are the adjoint of), `[-1, out]` there.

  Args:
    active: whether layers are normalised; if not, `batch_stats` has no entry.
    train: whether the calls store u.
  """
  if not active:
    return lambda layer, x: layer(x)
  return lambda layer, x: nn.SpectralNorm(layer, epsilon=1e-12)(x, update_stats=train)
