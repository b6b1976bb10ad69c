"""Layers that the papers need and Flax lacks.

`conv`, `conv_transpose` and the kernel's gradient are the three derivatives of one trilinear form
⟨conv(images, kernel), features⟩, so the derivative of each is written with the other two.

The implementation depends on the platform. On GPU and TPU all are the convolutions that JAX
derives, some of which are slow on XLA's CPU backend. It packs dilated images on one thread, so on
CPU an up-sampling convolution is one convolution per sub-pixel phase. It packs k² numbers for each
number that it reads, so a convolution to few channels (RGB) is a matrix product whose columns are
added where they overlap. In the body of a loop it keeps the layout of convolutions, so all are
written with images NHWC and kernels HWIO.

Under `jax.vmap` with one kernel per replica they become batched matrix products of image patches.
On CPU, JAX's batching rule takes up to nine times as long, an explicit grouped convolution up to
eighteen times (`benchmarks/replicas.py`); for a single kernel the convolution is faster.
"""

from collections.abc import Callable
import functools
from typing import Any

from flax import linen as nn
import jax
from jax import lax
from jax.custom_batching import custom_vmap
import jax.numpy as jnp

MOMENTUM = 0.9  # Of running statistics: the share that they keep at each batch.
_DIMENSIONS = ('NHWC', 'HWIO', 'NHWC')


def _padding(size, stride):
  """Padding before and after an axis of s M pixels, for exactly M outputs."""
  before = -((stride - size) // 2)
  return before, size - stride - before


def _windows(images, axis, size, stride):
  """Windows of an axis: `[..., s (M - 1) + k, ...]` to `[..., M, k, ...]`."""
  span = images.shape[axis] - size + 1
  taps = [lax.slice_in_dim(images, a, a + span, stride, axis) for a in range(size)]
  return jnp.stack(taps, axis + 1)


def _patches(images, size, stride):
  """Input patches of a strided convolution's outputs: `[N, s H, s W, C]` to `[N, H, W, kkC]`.

  Entries have the order of the weights in a flattened kernel `[k, k, C, features]`.
  """
  padding = _padding(size, stride)
  x = jnp.pad(images, ((0, 0), padding, padding, (0, 0)))
  x = _windows(_windows(x, 1, size, stride), 3, size, stride)  # [N, H, k, W, k, C]
  x = jnp.swapaxes(x, 2, 3)
  return x.reshape(*x.shape[:3], -1)


def _conv_product(images, kernel, stride):
  return _patches(images, kernel.shape[0], stride) @ kernel.reshape(-1, kernel.shape[3])


def _adjoint(linear, shape, cotangent):
  """Applies the adjoint of a linear function of arrays with this shape."""
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
  """Whether each pixel has at most as many products, k² · out, as channels."""
  return size * size * channels_out <= channels_in


def _plain_conv(images, kernel, stride):
  padding = _padding(kernel.shape[0], stride)
  return _convolve(images, kernel, (padding, padding), stride)


def _cpu_conv(images, kernel, stride):
  size, _, channels, features = kernel.shape
  if stride == 1 and size % 2 and _to_few_channels(size, channels, features):
    # With an odd kernel and stride 1, the adjoint's kernel is the kernel rotated by 180 degrees.
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
  """Computes every s-th row and column as a convolution with every s-th weight of the kernel."""
  size = kernel.shape[0]
  before, _ = _padding(size, stride)
  shape = _image_shape(features, kernel, stride)
  kernel = jnp.swapaxes(kernel, 2, 3)

  def taps(phase):
    """Kernel rows that contribute to image rows s q + phase, and the padding of features."""
    first = (phase + before) % stride
    num = len(range(first, size, stride))
    ahead = (phase + before - first) // stride  # features[q + ahead] meets the first row.
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
  """Swaps the roles of images and channels in a convolution whose outputs are kernel taps."""
  padding = _padding(size, stride)
  kernel = _convolve(
    images.transpose(3, 1, 2, 0), features.transpose(1, 2, 0, 3), (padding, padding), 1, stride
  )
  return kernel.transpose(1, 2, 0, 3)


def _dispatch(cpu, default, product, left, right, **static):
  """Calls `cpu` or, on other platforms, `default`; `product` if `jax.vmap` maps `right`."""
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
def conv(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
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
def conv_transpose(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
  """Transposed convolution, the adjoint of `conv`.

  Equals PyTorch's `ConvTranspose2d(kernel_size=k, stride=s, padding=(k - s) / 2)` for a weight
  `[in, out, k, k]` given as `kernel = weight.transpose(2, 3, 1, 0)`; for odd k - s, the padding
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
  """Adjoint of `conv` in its kernel: `[N, s H, s W, in]`, `[N, H, W, out]` to `[k, k, in, out]`."""
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
  def __call__(self, images: jax.Array) -> jax.Array:
    """Convolves images."""
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
  def __call__(self, images: jax.Array) -> jax.Array:
    """Applies the transposed convolution."""
    return self._convolved(conv_transpose, images, self.features, images.shape[-1])


def batch_norm(train: bool, dtype: Any, epsilon: float = 1e-5, **options: Any) -> nn.BatchNorm:
  """Batch norm with the statistics of the batch in training, with running statistics otherwise."""
  return nn.BatchNorm(
    use_running_average=not train, momentum=MOMENTUM, epsilon=epsilon, dtype=dtype, **options
  )


def normaliser(active: bool, train: bool) -> Callable[[nn.Module, jax.Array], jax.Array]:
  """Builds `normalised(layer, x)`, which applies a layer with spectral norm.

  See `Spectral Normalization for Generative Adversarial Networks
  <https://arxiv.org/abs/1802.05957>`_, Miyato et al. 2018, Algorithm 1: σ = v W uᵀ of the kernel
  `[..., out]` as a matrix W `[-1, out]`. Each call makes one power iteration from the u in
  `batch_stats`, v = u Wᵀ / |u Wᵀ| and u = v W / |v W|; with `train` the new u is stored. So σ
  always belongs to the kernel in use, also for averaged kernels with an averaged u. ε = 1e-12 is
  added to the squared norms, which equals 1e-6 of a norm in the released code. PyTorch's layers
  differ in inference mode, where they read both stored vectors, and in transposed convolutions:
  their matrix is `[-1, out]`, here it is `[-1, in]`, the matrix of the adjoint convolution.

  Args:
    active: whether layers are normalised; if not, `batch_stats` has no entry.
    train: whether the calls store u.

  Returns:
    `normalised(layer, x)`; without `active`, it is `layer(x)`.
  """
  if not active:
    return lambda layer, x: layer(x)
  return lambda layer, x: nn.SpectralNorm(layer, epsilon=1e-12)(x, update_stats=train)
