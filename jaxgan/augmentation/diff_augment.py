"""DiffAugment: augmentations between images and discriminator that gradients go through.

See "Differentiable Augmentation for Data-Efficient GAN Training", Zhao et al. 2020. Each image has
its own draw, the values are those of the released code for images in [-1, 1], and nothing is
clipped. What is moved or cut in is 0, mid-grey.
"""

import jax
import jax.numpy as jnp


def _uniform(rng, images, low, high):
  return jax.random.uniform(rng, (len(images), 1, 1, 1), minval=low, maxval=high)


def random_brightness(rng, images):
  """Adds U(-1/2, 1/2) to each image `[H, W, C]` of `[N, H, W, C]`."""
  return images + _uniform(rng, images, -0.5, 0.5)


def random_saturation(rng, images):
  """Multiplies the distance from each pixel's grey, its mean over channels, by U(0, 2).

  Images of one channel are their own grey: they stay as they are.
  """
  grey = images.mean(axis=3, keepdims=True)
  return grey + (images - grey) * _uniform(rng, images, 0.0, 2.0)


def random_contrast(rng, images):
  """Multiplies the distance from each image's mean by U(1/2, 3/2)."""
  mean = images.mean(axis=(1, 2, 3), keepdims=True)
  return mean + (images - mean) * _uniform(rng, images, 0.5, 1.5)


def random_color(rng, images):
  """Brightness, saturation and contrast, one after another."""
  return _in_order(rng, images, (random_brightness, random_saturation, random_contrast))


def _in_order(rng, images, augmentations):
  rngs = jax.random.split(rng, len(augmentations))
  for augment, augment_rng in zip(augmentations, rngs, strict=True):
    images = augment(augment_rng, images)
  return images


def random_translation(rng, images):
  """Moves each image by up to an eighth of a side along each axis.

  As products with a matrix of ones and zeros for each axis, in full precision: they take pixels as
  they are, and their gradients add up in the same order each time, which a scatter on GPU does not.

  Args:
    rng: key.
    images: `[N, H, W, C]`.

  Returns:
    `[N, H, W, C]`.
  """
  n, height, width, _ = images.shape

  def moved(rng, size):
    """`[N, size, size]`, 1 where an output pixel (row) has its source (column)."""
    reach = int(size / 8 + 0.5)
    shifts = jax.random.randint(rng, (n, 1), -reach, reach + 1)
    return jax.nn.one_hot(jnp.arange(size) - shifts, size)  # Of a source outside, zeros.

  rows, columns = (moved(r, s) for r, s in zip(jax.random.split(rng), (height, width), strict=True))
  highest = jax.lax.Precision.HIGHEST
  images = jnp.einsum('nij,njwc->niwc', rows, images, precision=highest)
  return jnp.einsum('nkw,niwc->nikc', columns, images, precision=highest)


def random_cutout(rng, images):
  """Cuts a rectangle of half of each side out of each image, at a place that may reach outside.

  Args:
    rng: key.
    images: `[N, H, W, C]`.

  Returns:
    `[N, H, W, C]`.
  """
  n, height, width, _ = images.shape

  def is_cut(rng, size):
    """`[N, size]`"""
    length = int(size / 2 + 0.5)
    centers = jax.random.randint(rng, (n, 1), 0, size + 1 - length % 2)
    from_first = jnp.arange(size) - (centers - length // 2)
    return (from_first >= 0) & (from_first < length)

  row_rng, column_rng = jax.random.split(rng)
  cut = is_cut(row_rng, height)[:, :, None] & is_cut(column_rng, width)[:, None, :]
  return jnp.where(cut[..., None], 0.0, images)


AUGMENTATIONS = {
  'color': random_color,
  'translation': random_translation,
  'cutout': random_cutout,
}


def diff_augment(rng, images, names):
  """Applies augmentations in their order.

  Args:
    rng: key.
    images: `[N, H, W, C]` in [-1, 1].
    names: of AUGMENTATIONS.

  Returns:
    `[N, H, W, C]`.

  Example:
    >>> images = jnp.zeros((2, 8, 8, 3))
    >>> diff_augment(jax.random.key(0), images, ('translation', 'cutout')).shape
    (2, 8, 8, 3)
  """
  return _in_order(rng, images, [AUGMENTATIONS[name] for name in names])
