"""Times of convolutions with a kernel for each replica, in four forms.

The forms: vmapped by JAX, explicitly grouped, a batched matrix product of patches
(`jaxgan.networks.layers` under vmap), and one replica after another. The computations are the
forward pass, the image gradient and the kernel gradient of a convolution. A transposed convolution
of the same shape has the same three computations, with the image gradient as its forward pass.
"""

from collections.abc import Sequence
import statistics

import jax
from jax import lax
import jax.numpy as jnp

from benchmarks.timing import timed
from jaxgan.networks import layers
from jaxgan.system.compilation import jit

FORMS = ('vmap', 'grouped', 'patches', 'one after another')


def _lax_conv(images, kernel, groups=1):
  return lax.conv_general_dilated(
    images,
    kernel,
    (2, 2),
    'SAME',
    dimension_numbers=('NHWC', 'HWIO', 'NHWC'),
    feature_group_count=groups,
  )


def _grouped_conv(images, kernels):
  """Convolves `[R, N, H, W, C]` with `[R, k, k, C, F]` by one convolution with R groups."""
  count, n, height, width, channels = images.shape
  size, features = kernels.shape[1], kernels.shape[4]
  images = jnp.moveaxis(images, 0, 3).reshape(n, height, width, count * channels)
  kernel = jnp.moveaxis(kernels, 0, 3).reshape(size, size, channels, count * features)
  outputs = _lax_conv(images, kernel, count)
  outputs = outputs.reshape(*outputs.shape[:3], count, features)
  return jnp.moveaxis(outputs, 3, 0)


def _maps(conv):
  """{name: computation} of a convolution and its gradients."""

  def image_gradient(images, kernel, cotangent):
    (gradient,) = jax.vjp(lambda x: conv(x, kernel), images)[1](cotangent)
    return gradient

  def kernel_gradient(images, kernel, cotangent):
    (gradient,) = jax.vjp(lambda k: conv(images, k), kernel)[1](cotangent)
    return gradient

  return {
    'forward': lambda images, kernel, _: conv(images, kernel),
    'image gradient': image_gradient,
    'kernel gradient': kernel_gradient,
  }


def forms() -> dict:
  """Returns {form: {computation: function of images, kernels and cotangents `[R, ...]`}}."""

  def one_by_one(function):
    return lambda *arrays: [function(*one) for one in zip(*arrays, strict=True)]

  lax_maps, patch_maps = _maps(_lax_conv), _maps(lambda x, k: layers.conv(x, k, 2))
  by_form = (
    {name: jax.vmap(f) for name, f in lax_maps.items()},
    _maps(_grouped_conv),
    {name: jax.vmap(f) for name, f in patch_maps.items()},
    {name: one_by_one(f) for name, f in lax_maps.items()},
  )
  return dict(zip(FORMS, by_form, strict=True))


def measure(
  counts: Sequence[int], image_size: int, batch_size: int, dtype: str, repeats: int
) -> list[dict]:
  """Times the forms in turns; returns a row for each shape, computation and number of replicas."""
  rows = []
  for channels, features, size in ((1, 64, image_size), (64, 128, image_size // 2)):
    for count in counts:
      shapes = (
        (count, batch_size, size, size, channels),
        (count, 4, 4, channels, features),
        (count, batch_size, size // 2, size // 2, features),
      )
      arrays = [jax.random.normal(jax.random.key(0), shape).astype(dtype) for shape in shapes]
      for name in _maps(_lax_conv):
        functions = {form: jit(maps[name]) for form, maps in forms().items()}
        runs = {form: [] for form in functions}
        for repeat in range(repeats + 1):
          for form, function in functions.items():
            wall, _ = timed(lambda f, a: jax.block_until_ready(f(*a)), function, arrays)
            if repeat:  # The first call compiles.
              runs[form].append(1e3 * wall)
        rows.append(
          {
            'convolution': f'{size}x{size}x{channels} -> {features}',
            'computation': name,
            'replicas': count,
            'ms': {form: statistics.median(values) for form, values in runs.items()},
          }
        )
  return rows
