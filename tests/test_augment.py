"""Augmentations: what they may do to an image, and that each image has its own draw."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import augment


def _images(n=64, size=4):
  return jnp.arange(n * size * size * 2, dtype=jnp.float32).reshape(n, size, size, 2) + 1


def test_random_flip_mirrors_about_half_of_the_images():
  images = _images()
  flipped = augment.random_flip(jax.random.key(0), images)
  same = (flipped == images).all(axis=(1, 2, 3))
  mirrored = (flipped == images[:, :, ::-1]).all(axis=(1, 2, 3))
  assert (same | mirrored).all()
  assert 16 < same.sum() < 48


def test_random_crop_shifts_each_image_by_at_most_the_padding():
  images = _images(n=32)
  cropped = augment.random_crop(jax.random.key(1), images, 1)
  padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
  offsets = []
  for image, crop in zip(padded, np.asarray(cropped), strict=True):
    fits = [
      (i, j)
      for i in range(3)
      for j in range(3)
      if np.array_equal(image[i : i + 4, j : j + 4], crop)
    ]
    assert len(fits) == 1
    offsets += fits
  assert len(set(offsets)) > 4


def test_zero_padding_changes_nothing():
  np.testing.assert_array_equal(augment.random_crop(jax.random.key(0), _images(), 0), _images())
