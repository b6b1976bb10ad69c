"""Image transformations: batched, differentiable, each image its own draw."""

import jax
import jax.numpy as jnp


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
  n, height, width, channels = images.shape
  pad = (padding, padding)
  padded = jnp.pad(images, ((0, 0), pad, pad, (0, 0)))
  offsets = jax.random.randint(rng, (n, 2), 0, 2 * padding + 1)

  def crop(image, offset):
    return jax.lax.dynamic_slice(image, (offset[0], offset[1], 0), (height, width, channels))

  return jax.vmap(crop)(padded, offsets)
