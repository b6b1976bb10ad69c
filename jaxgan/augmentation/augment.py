"""Image transformations: batched, differentiable, each image its own draw."""

import math

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
import numpy as np

# Whose rotation and zoom a positive pair has: `random_affine` or `augmentor_affine`.
VIEWS = ('paper', 'released')
# The most degrees that Augmentor's `rotate` takes.
AUGMENTOR_MAX_DEGREES = 25


def random_flip(rng, images):
  """Mirrors each image left to right with probability 1/2.

  Args:
    rng: key.
    images: `[N, H, W, C]`.

  Returns:
    `[N, H, W, C]`.

  Example:
    >>> image = jnp.array([[[[0.0], [1.0]]]])  # [1, 1, 2, 1].
    >>> flipped = [random_flip(jax.random.key(seed), image) for seed in range(20)]
    >>> sorted({tuple(image.ravel().tolist()) for image in flipped})
    [(0.0, 1.0), (1.0, 0.0)]
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

  matrices = _rotations(angle) / zoom
  return affine_warp(images, keep * matrices, jnp.sum(matrices * place[:, None], axis=-1))


def augmentor_crops(height, width, max_degrees):
  """Sizes of the window that Augmentor's `rotate` keeps, for 0, 1, ..., max_degrees degrees.

  Of an image rotated by a degrees into a canvas of X x Y pixels, which just contains it, Augmentor
  0.2.12 (`RotateRange`) keeps columns E to X - E and rows A to Y - A, rounded, with t = tan a and

    E = t (Y - t X) - t²,  A = t (X - E).

  The largest rectangle of the image's proportions would have E = t (Y - t X) / (1 - t²): the
  library lacks parentheses. At 28x28 pixels and 20 degrees it keeps 16 rows and 20 columns, not 22.

  Args:
    height: H, rows of the image.
    width: W, columns.
    max_degrees: a whole number from 0 to 25.

  Returns:
    int [max_degrees + 1, 2] (NumPy): rows and columns of the window, centered in the canvas.
  """

  def extent(middle, reach):
    """Pixels of a side of the canvas: those that the rotated corners touch."""
    return math.ceil(middle + reach) - math.floor(middle - reach)

  sizes = [(height, width)]  # At 0 degrees Augmentor keeps the whole image.
  for degrees in range(1, max_degrees + 1):
    angle = math.radians(degrees)
    cos, sin, tan = math.cos(angle), math.sin(angle), math.tan(angle)
    canvas_width = extent(width / 2, (width * cos + height * sin) / 2)
    canvas_height = extent(height / 2, (width * sin + height * cos) / 2)
    left = tan * (canvas_height - tan * canvas_width) - tan**2
    top = tan * (canvas_width - left)
    sizes.append(
      (round(canvas_height - top) - round(top), round(canvas_width - left) - round(left))
    )
  return np.array(sizes)


def augmentor_affine(rng, images, max_degrees, zoom_range):
  """Rotates, crops and zooms each image as Elastic-InfoGAN's released code does with Augmentor.

  That is `rotate(max_left_rotation=max_degrees, max_right_rotation=max_degrees)`, then
  `zoom(min_factor, max_factor)`:

  - The rotation is a direction times a whole number of degrees from 0 to max_degrees, so 0 degrees
    are twice as likely as any other angle. The window of `augmentor_crops` is resized to the image,
    which magnifies and stretches it.
  - The zoom is rounded to hundredths, the zoomed image has a whole number of pixels, and what lies
    around a smaller one is black. One with an odd margin is half a pixel from the center.

  The code's third operation, a distortion with a grid of 1x1, moves nothing. All is one bilinear
  interpolation here; Augmentor resamples three times, with bicubic filters.

  Args:
    rng: key.
    images: `[N, H, W, C]` in [-1, 1].
    max_degrees: a whole number from 0 to 25.
    zoom_range: (low, high).

  Returns:
    `[N, H, W, C]`.
  """
  n, height, width, _ = images.shape
  sides = np.array([height, width])
  side_rng, angle_rng, zoom_rng = jax.random.split(rng, 3)
  degrees = jax.random.randint(angle_rng, (n,), 0, int(max_degrees) + 1)
  sign = 2 * jax.random.bernoulli(side_rng, 0.5, (n,)) - 1
  angle = jnp.deg2rad(sign * degrees)
  window = jnp.asarray(augmentor_crops(height, width, int(max_degrees)))[degrees]  # [N, 2]
  zoom = jax.random.uniform(zoom_rng, (n, 1), minval=zoom_range[0], maxval=zoom_range[1])
  zoomed = jnp.round(sides * jnp.round(100 * zoom) / 100)  # [N, 2]
  margin = 0.5 * (zoomed - sides)
  place = jnp.floor(margin) - margin

  matrices = _rotations(angle) * (window / zoomed)[:, None]
  views = affine_warp(images, matrices, jnp.sum(matrices * place[:, None], axis=-1))
  rows, columns = (jnp.arange(side) - 0.5 * (side - 1) for side in (height, width))
  inside_rows = jnp.abs(rows + place[:, :1]) < 0.5 * zoomed[:, :1]
  inside_columns = jnp.abs(columns + place[:, 1:]) < 0.5 * zoomed[:, 1:]
  inside = inside_rows[:, :, None] & inside_columns[:, None]
  return jnp.where(inside[..., None], views, -1.0)


def _rotations(angles):
  """Rotation matrices `[N, 2, 2]` of angles `[N]` in radians."""
  cos, sin = jnp.cos(angles), jnp.sin(angles)
  return jnp.stack([cos, -sin, sin, cos], axis=-1).reshape(-1, 2, 2)


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
  rngs,
  images,
  max_degrees=0.0,
  zoom_range=(1.0, 1.0),
  keep=1.0,
  flip=False,
  gamma_range=(1.0, 1.0),
  views='paper',
):
  """Rotates, zooms, crops, mirrors and lights each image at random: its identity stays.

  The positive pair of "Elastic-InfoGAN", Ojha et al. 2020, §4. What has its identity value, the
  default, is left out.

  Args:
    rngs: three keys: of the rotation, zoom and crop, of `random_flip` and of `random_gamma`.
    images: `[N, H, W, C]` in [-1, 1].
    max_degrees: see `random_affine`, as for zoom_range and keep.
    zoom_range: (low, high).
    keep: share of each side; `augmentor_affine` takes none.
    flip: mirror half of the images.
    gamma_range: (low, high), see `random_gamma`.
    views: 'paper': `random_affine`; 'released': `augmentor_affine`.

  Returns:
    `[N, H, W, C]` in [-1, 1].

  Example:
    >>> images, rngs = jnp.zeros((2, 8, 8, 1)), jax.random.split(jax.random.key(0), 3)
    >>> random_view(rngs, images, max_degrees=10.0, zoom_range=(1.0, 1.2)).shape
    (2, 8, 8, 1)
  """
  affine_rng, flip_rng, gamma_rng = rngs
  if views == 'released':
    images = augmentor_affine(affine_rng, images, max_degrees, zoom_range)
  elif (max_degrees, *zoom_range, keep) != (0.0, 1.0, 1.0, 1.0):
    images = random_affine(affine_rng, images, max_degrees, zoom_range, keep)
  if flip:
    images = random_flip(flip_rng, images)
  if tuple(gamma_range) != (1.0, 1.0):
    images = random_gamma(gamma_rng, images, gamma_range)
  return images
