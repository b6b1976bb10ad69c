"""Pixels: uint8 images to network inputs and back."""

import jax
import jax.numpy as jnp


def scale(images: jax.Array) -> jax.Array:
  """Maps uint8 images in [0, 255] to float32 in [-1, 1]."""
  return images.astype(jnp.float32) / 127.5 - 1.0


def to_uint8(images: jax.Array) -> jax.Array:
  """Maps float images in [-1, 1] to uint8 in [0, 255], rounded to the nearest value."""
  return jnp.clip(jnp.round((images + 1.0) * 127.5), 0, 255).astype(jnp.uint8)
