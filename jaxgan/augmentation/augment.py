"""Random image transformations: batched, differentiable, with an independent draw per image."""

from collections.abc import Sequence
import math

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
import numpy as np

# Rotation and zoom of a positive pair: `random_affine` ('paper') or `augmentor_affine`.
VIEWS = ('paper', 'released')
# The largest rotation that Augmentor's `rotate` accepts.
AUGMENTOR_MAX_DEGREES = 25


def random_flip(rng: jax.Array, images: jax.Array) -> jax.Array:
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


def random_crop(rng: jax.Array, images: jax.Array, padding: int) -> jax.Array:
  """Pads each side with zeros and crops each image back to its size at a random position.

  Args:
    rng: key.
    images: `[N, H, W, C]`.
    padding: pixels added to each side.

  Returns:
    `[N, H, W, C]`.
  """
  _, height, width, _ = images.shape
  pad = (padding, padding)
  return random_window(rng, jnp.pad(images, ((0, 0), pad, pad, (0, 0))), (height, width))


def random_window(rng: jax.Array, images: jax.Array, shape: tuple[int, int]) -> jax.Array:
  """Crops each image to a window at a random position.

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


def random_affine(
  rng: jax.Array,
  images: jax.Array,
  max_degrees: float = 0.0,
  zoom_range: Sequence[float] = (1.0, 1.0),
  keep: float = 1.0,
) -> jax.Array:
  """Rotates, zooms and crops each image at random, in a single interpolation.

  x = centre + (keep / zoom) R(φ) (y - centre) + shift for an output pixel y and its source x: the
  transformations of "Elastic-InfoGAN", Ojha et al. 2020, §4. Rotation ±10° and zoom ±0.1 are
  `max_degrees=10, zoom_range=(0.9, 1.1)`. A crop that preserves 95 % is `keep=0.95` of each side;
  the paper does not say whether it means the side or the area. Scaling by 1.1 and cropping to the
  old size is `keep=1 / 1.1`. Pixels from outside the image repeat its border.

  Args:
    rng: key.
    images: `[N, H, W, C]`.
    max_degrees: φ ~ U(-max_degrees, max_degrees), about the centre.
    zoom_range: (low, high) of zoom ~ U(low, high); above 1 enlarges.
    keep: share in (0, 1] of each side that the window keeps; the window has a random position and
      is resized to the size of the image.

  Returns:
    `[N, H, W, C]`.
  """
  n, height, width, _ = images.shape
  angle_rng, zoom_rng, place_rng = jax.random.split(rng, 3)
  limit = jnp.deg2rad(max_degrees)
  angle = jax.random.uniform(angle_rng, (n,), minval=-limit, maxval=limit)
  zoom = jax.random.uniform(zoom_rng, (n, 1, 1), minval=zoom_range[0], maxval=zoom_range[1])
  # The window may move by half of the margin that it cuts off.
  reach = 0.5 * (1.0 - keep) * jnp.array([height, width])
  place = reach * jax.random.uniform(place_rng, (n, 2), minval=-1.0, maxval=1.0)

  matrices = _rotations(angle) / zoom
  return affine_warp(images, keep * matrices, jnp.sum(matrices * place[:, None], axis=-1))


def augmentor_crops(height: int, width: int, max_degrees: int) -> np.ndarray:
  """Sizes of the window that Augmentor's `rotate` keeps, for 0, 1, ..., max_degrees degrees.

  Augmentor 0.2.12 (`RotateRange`) rotates an image by a degrees into the smallest canvas of X x Y
  pixels that contains it. It keeps columns E to X - E and rows A to Y - A, rounded, with t = tan a
  and

    E = t (Y - t X) - t²,  A = t (X - E).

  The largest rectangle of the image's proportions would have E = t (Y - t X) / (1 - t²): the
  library lacks parentheses. At 28x28 pixels and 20 degrees it keeps 16 rows and 20 columns, not 22.

  Args:
    height: H, rows of the image.
    width: W, columns.
    max_degrees: a whole number from 0 to 25.

  Returns:
    int `[max_degrees + 1, 2]`: rows and columns of the window, which is centred in the canvas.
  """

  def extent(middle, reach):
    """Pixels of a side of the canvas, which contains all pixels that the rotated corners touch."""
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


def augmentor_affine(
  rng: jax.Array, images: jax.Array, max_degrees: float, zoom_range: Sequence[float]
) -> jax.Array:
  """Rotates, crops and zooms each image as Elastic-InfoGAN's released code does with Augmentor.

  The code calls `rotate(max_left_rotation=max_degrees, max_right_rotation=max_degrees)`, then
  `zoom(min_factor, max_factor)`:

  - The rotation is a direction times a whole number of degrees from 0 to max_degrees, so 0 degrees
    are twice as likely as any other angle. The window of `augmentor_crops` is resized to the image,
    which magnifies and stretches it.
  - The zoom is rounded to hundredths, the zoomed image has a whole number of pixels, and a smaller
    image gets a black border. An image with an odd margin is half a pixel off the centre.

  The code's third operation, a distortion with a grid of 1x1, moves nothing. This function does all
  in one bilinear interpolation; Augmentor resamples three times, with bicubic filters.

  Args:
    rng: key.
    images: `[N, H, W, C]` in [-1, 1].
    max_degrees: a whole number from 0 to 25.
    zoom_range: (low, high) of zoom ~ U(low, high); above 1 enlarges.

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


def affine_warp(images: jax.Array, matrices: jax.Array, shifts: jax.Array) -> jax.Array:
  """Bilinear resampling of each image at x = centre + M (y - centre) + t.

  Args:
    images: `[N, H, W, C]`.
    matrices: `[N, 2, 2]`, M: from output to source, (row, column).
    shifts: `[N, 2]`, t in pixels.

  Returns:
    `[N, H, W, C]`. Pixels from outside the image repeat its border: a constant, even the darkest
    value, would draw an edge into images with another background.
  """
  _, height, width, _ = images.shape
  centre = jnp.array([(height - 1) / 2, (width - 1) / 2]).reshape(2, 1, 1)
  grid = jnp.mgrid[:height, :width] - centre
  # No matrix product: accelerators would round the coordinates to bfloat16 or TensorFloat-32.
  offsets = jnp.sum(matrices[..., None, None] * grid, axis=2)  # [N, 2, H, W]
  source = centre + offsets + shifts[..., None, None]

  def sample(channel, source):
    return map_coordinates(channel, source, order=1, mode='nearest')

  # The channels of an image share its coordinates.
  return jax.vmap(jax.vmap(sample, (-1, None), -1))(images, source)


def random_gamma(rng: jax.Array, images: jax.Array, gamma_range: Sequence[float]) -> jax.Array:
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
  rngs: Sequence[jax.Array] | jax.Array,
  images: jax.Array,
  max_degrees: float = 0.0,
  zoom_range: Sequence[float] = (1.0, 1.0),
  keep: float = 1.0,
  flip: bool = False,
  gamma_range: Sequence[float] = (1.0, 1.0),
  views: str = 'paper',
) -> jax.Array:
  """Rotates, zooms, crops, mirrors and relights each image at random, preserving its identity.

  The positive pair of "Elastic-InfoGAN", Ojha et al. 2020, §4. A transformation whose arguments
  have their default values, which change nothing, is left out.

  Args:
    rngs: three keys: for `random_affine` or `augmentor_affine`, `random_flip` and `random_gamma`.
    images: `[N, H, W, C]` in [-1, 1].
    max_degrees: largest rotation in degrees.
    zoom_range: (low, high) of the zoom.
    keep: share of each side that a random crop keeps, see `random_affine`; 'released' views ignore
      it.
    flip: whether to mirror half of the images.
    gamma_range: (low, high) of γ, see `random_gamma`.
    views: 'paper' for `random_affine`, 'released' for `augmentor_affine`.

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
