"""DiffAugment: differentiable augmentations between the images and the discriminator.

See "Differentiable Augmentation for Data-Efficient GAN Training", Zhao et al. 2020. Each image has
an independent draw, ranges follow the released code for images in [-1, 1], and nothing is clipped.
Pixels that move in from outside or are cut out are 0, mid-grey.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp


def _uniform(rng, images, low, high):
  return jax.random.uniform(rng, (len(images), 1, 1, 1), minval=low, maxval=high)


def random_brightness(rng: jax.Array, images: jax.Array) -> jax.Array:
  """Adds U(-1/2, 1/2) to each image.

  Args:
    rng: key.
    images: `[N, H, W, C]`.

  Returns:
    `[N, H, W, C]`.
  """
  return images + _uniform(rng, images, -0.5, 0.5)


def random_saturation(rng: jax.Array, images: jax.Array) -> jax.Array:
  """Multiplies the distance from each pixel's grey, its mean over channels, by U(0, 2).

  Images with one channel do not change.

  Args:
    rng: key.
    images: `[N, H, W, C]`.

  Returns:
    `[N, H, W, C]`.
  """
  grey = images.mean(axis=3, keepdims=True)
  return grey + (images - grey) * _uniform(rng, images, 0.0, 2.0)


def random_contrast(rng: jax.Array, images: jax.Array) -> jax.Array:
  """Multiplies the distance from each image's mean by U(1/2, 3/2).

  Args:
    rng: key.
    images: `[N, H, W, C]`.

  Returns:
    `[N, H, W, C]`.
  """
  mean = images.mean(axis=(1, 2, 3), keepdims=True)
  return mean + (images - mean) * _uniform(rng, images, 0.5, 1.5)


def random_color(rng: jax.Array, images: jax.Array) -> jax.Array:
  """Changes brightness, then saturation, then contrast.

  Args:
    rng: key.
    images: `[N, H, W, C]`.

  Returns:
    `[N, H, W, C]`.
  """
  return _in_order(rng, images, (random_brightness, random_saturation, random_contrast))


def _in_order(rng, images, augmentations: Sequence[Callable]):
  rngs = jax.random.split(rng, len(augmentations))
  for augment, augment_rng in zip(augmentations, rngs, strict=True):
    images = augment(augment_rng, images)
  return images


def random_translation(rng: jax.Array, images: jax.Array) -> jax.Array:
  """Moves each image by up to an eighth of a side along each axis.

  Each axis is a product with a matrix of ones and zeros in full precision. It copies pixels exactly
  and sums gradients in a fixed order, unlike a scatter on GPU.

  Args:
    rng: key.
    images: `[N, H, W, C]`.

  Returns:
    `[N, H, W, C]`.
  """
  n, height, width, _ = images.shape

  def moved(rng, size):
    """`[N, size, size]`, 1 where the column is the source of the row."""
    reach = int(size / 8 + 0.5)
    shifts = jax.random.randint(rng, (n, 1), -reach, reach + 1)
    return jax.nn.one_hot(jnp.arange(size) - shifts, size)  # Zeros for a source outside.

  rows, columns = (moved(r, s) for r, s in zip(jax.random.split(rng), (height, width), strict=True))
  highest = jax.lax.Precision.HIGHEST
  images = jnp.einsum('nij,njwc->niwc', rows, images, precision=highest)
  return jnp.einsum('nkw,niwc->nikc', columns, images, precision=highest)


def random_cutout(rng: jax.Array, images: jax.Array) -> jax.Array:
  """Cuts a rectangle with half of each side out of each image; it may extend beyond the border.

  Args:
    rng: key.
    images: `[N, H, W, C]`.

  Returns:
    `[N, H, W, C]`.
  """
  n, height, width, _ = images.shape

  def is_cut(rng, size):
    """`[N, size]`, whether the rectangle covers a row or column."""
    length = int(size / 2 + 0.5)
    centres = jax.random.randint(rng, (n, 1), 0, size + 1 - length % 2)
    from_first = jnp.arange(size) - (centres - length // 2)
    return (from_first >= 0) & (from_first < length)

  row_rng, column_rng = jax.random.split(rng)
  cut = is_cut(row_rng, height)[:, :, None] & is_cut(column_rng, width)[:, None, :]
  return jnp.where(cut[..., None], 0.0, images)


AUGMENTATIONS = {
  'color': random_color,
  'translation': random_translation,
  'cutout': random_cutout,
}


def diff_augment(rng: jax.Array, images: jax.Array, names: Sequence[str]) -> jax.Array:
  """Applies augmentations in the given order, with one key per augmentation.

  Args:
    rng: key.
    images: `[N, H, W, C]` in [-1, 1].
    names: keys of AUGMENTATIONS: `color`, `translation`, `cutout`.

  Returns:
    `[N, H, W, C]`.

  Example:
    >>> images = jnp.zeros((2, 8, 8, 3))
    >>> diff_augment(jax.random.key(0), images, ('translation', 'cutout')).shape
    (2, 8, 8, 3)
  """
  return _in_order(rng, images, [AUGMENTATIONS[name] for name in names])
