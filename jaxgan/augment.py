"""Image transformations: batched, differentiable, each image its own draw."""

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates


def random_flip(rng, images):
  """Mirrors each image left to right with probability 1/2.

  Args:
    rng: key.
    images: `[N, H, W, C]`.

  Returns:
    `[N, H, W, C]`.
  """
  flip = jax.random.bernoulli(rng, 0.5, (images.shape[0], 1, 1, 1))
  return jnp.where(flip, images[:, :, ::-1], images)


def random_crop(rng, images, padding):
  """Pads each side with zeros and crops each image back to its size at its own place.

  Args:
    rng: key.
    images: `[N, H, W, C]`.
    padding: pixels added to each side.

  Returns:
    `[N, H, W, C]`.
  """
  pad = (padding, padding)
  return random_window(rng, jnp.pad(images, ((0, 0), pad, pad, (0, 0))), images.shape[1:3])


def random_window(rng, images, shape):
  """Crops each image to a window at its own place.

  Args:
    rng: key.
    images: `[N, H, W, C]`.
    shape: (h, w) of the window, at most (H, W).

  Returns:
    `[N, h, w, C]`.
  """
  n, height, width, channels = images.shape
  places = jnp.array([height - shape[0] + 1, width - shape[1] + 1])
  offsets = jax.random.randint(rng, (n, 2), 0, places)

  def crop(image, offset):
    return jax.lax.dynamic_slice(image, (offset[0], offset[1], 0), (*shape, channels))

  return jax.vmap(crop)(images, offsets)


def random_affine(rng, images, max_degrees=0.0, zoom_range=(1.0, 1.0), keep=1.0):
  """Rotates, zooms and crops each image at random, all in one interpolation.

  x = center + (keep / zoom) R(φ) (y - center) + shift for an output pixel y and its source x: the
  transformations of "Elastic-InfoGAN", Ojha et al. 2020, §4. Rotation ±10° and zoom ±0.1 are
  `max_degrees=10, zoom_range=(0.9, 1.1)`; a crop that preserves 95 % is `keep=0.95` (of each side:
  the paper does not say whether of the side or the area); scaling by 1.1 and cropping to the old
  size is `keep=1 / 1.1`. Pixels from outside the image repeat its border.

  Args:
    rng: key.
    images: `[N, H, W, C]`.
    max_degrees: φ ~ U(-max_degrees, max_degrees), about the center.
    zoom_range: zoom ~ U(low, high); above 1 enlarges.
    keep: share of each side that a window at a random place keeps, in (0, 1]; it is resized back
      to the image.

  Returns:
    `[N, H, W, C]`.
  """
  n, height, width, _ = images.shape
  angle_rng, zoom_rng, place_rng = jax.random.split(rng, 3)
  limit = jnp.deg2rad(max_degrees)
  angle = jax.random.uniform(angle_rng, (n,), minval=-limit, maxval=limit)
  zoom = jax.random.uniform(zoom_rng, (n, 1, 1), minval=zoom_range[0], maxval=zoom_range[1])
  # The window's center is at most half of what is cut off from the image's.
  reach = 0.5 * (1.0 - keep) * jnp.array([height, width])
  place = reach * jax.random.uniform(place_rng, (n, 2), minval=-1.0, maxval=1.0)

  cos, sin = jnp.cos(angle), jnp.sin(angle)
  rotation = jnp.stack([cos, -sin, sin, cos], axis=-1).reshape(n, 2, 2)
  matrices = rotation / zoom
  return affine_warp(images, keep * matrices, jnp.sum(matrices * place[:, None], axis=-1))


def affine_warp(images, matrices, shifts):
  """Bilinear resampling of each image at x = center + M (y - center) + t.

  Args:
    images: `[N, H, W, C]`.
    matrices: `[N, 2, 2]`, M: from output to source, (row, column).
    shifts: `[N, 2]`, t in pixels.

  Returns:
    `[N, H, W, C]`. Pixels from outside the image repeat its border: any constant, even the darkest
    value, would draw an edge into images of another background.
  """
  _, height, width, _ = images.shape
  center = jnp.array([(height - 1) / 2, (width - 1) / 2]).reshape(2, 1, 1)
  grid = jnp.mgrid[:height, :width] - center
  # No matrix product: accelerators would round the coordinates to bfloat16 or TensorFloat-32.
  offsets = jnp.sum(matrices[..., None, None] * grid, axis=2)  # [N, 2, H, W]
  source = center + offsets + shifts[..., None, None]

  def sample(channel, source):
    return map_coordinates(channel, source, order=1, mode='nearest')

  # The channels of an image share its coordinates.
  return jax.vmap(jax.vmap(sample, (-1, None), -1))(images, source)


def random_gamma(rng, images, gamma_range):
  """Gamma contrast, v^γ of the intensity v = (x + 1) / 2, with γ ~ U(low, high) for each image.

  See "Elastic-InfoGAN", Ojha et al. 2020, §4: γ ~ U(0.3, 4.0).

  Args:
    rng: key.
    images: `[N, H, W, C]` in [-1, 1].
    gamma_range: (low, high), positive; above 1 darkens.

  Returns:
    `[N, H, W, C]` in [-1, 1].
  """
  low, high = gamma_range
  gamma = jax.random.uniform(rng, (images.shape[0], 1, 1, 1), minval=low, maxval=high)
  intensity = 0.5 * (images + 1.0)
  # The derivative of v^γ at 0 is infinite for γ < 1: black stays black, without a gradient.
  lit = intensity > 0.0
  return 2.0 * jnp.where(lit, jnp.where(lit, intensity, 1.0) ** gamma, 0.0) - 1.0


def random_view(
  rngs, images, max_degrees=0.0, zoom_range=(1.0, 1.0), keep=1.0, flip=False, gamma_range=(1.0, 1.0)
):
  """Rotates, zooms, crops, mirrors and lights each image at random: its identity stays.

  The positive pair of "Elastic-InfoGAN", Ojha et al. 2020, §4. What has its identity value, the
  default, is left out.

  Args:
    rngs: three keys: of `random_affine`, `random_flip` and `random_gamma`.
    images: `[N, H, W, C]` in [-1, 1].
    max_degrees: see `random_affine`, as for zoom_range and keep.
    zoom_range: (low, high).
    keep: share of each side.
    flip: mirror half of the images.
    gamma_range: (low, high), see `random_gamma`.

  Returns:
    `[N, H, W, C]` in [-1, 1].
  """
  affine_rng, flip_rng, gamma_rng = rngs
  if (max_degrees, *zoom_range, keep) != (0.0, 1.0, 1.0, 1.0):
    images = random_affine(affine_rng, images, max_degrees, zoom_range, keep)
  if flip:
    images = random_flip(flip_rng, images)
  if tuple(gamma_range) != (1.0, 1.0):
    images = random_gamma(gamma_rng, images, gamma_range)
  return images
