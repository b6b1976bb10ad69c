"""DiffAugment: the effect of each augmentation, and gradients through it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.augmentation import diff_augment as lib

N, SIZE = 64, 16
IMAGES = jax.random.uniform(jax.random.key(0), (N, SIZE, SIZE, 3), minval=0.1)
RNG = jax.random.key(1)


def _means(images, axis=(1, 2, 3)):
  return images.mean(axis=axis, keepdims=True)


def _spread(values, low, high):
  """Checks that draws of `[N]` images differ, stay in their range and come near both ends."""
  margin = 0.1 * (high - low)
  assert low - 1e-4 <= values.min() < low + margin
  assert high - margin < values.max() <= high + 1e-4
  assert len(np.unique(np.round(values, 5))) > N // 2


def test_brightness_is_added():
  change = np.asarray(lib.random_brightness(RNG, IMAGES) - IMAGES)
  np.testing.assert_allclose(
    change, np.broadcast_to(change[:, :1, :1, :1], change.shape), atol=1e-6
  )
  _spread(change[:, 0, 0, 0], -0.5, 0.5)


def test_saturation_scales_the_distance_from_grey():
  saturated = lib.random_saturation(RNG, IMAGES)
  np.testing.assert_allclose(_means(saturated, 3), _means(IMAGES, 3), atol=1e-6)
  distance = saturated - _means(IMAGES, 3), IMAGES - _means(IMAGES, 3)
  factors = np.sum(distance[0] * distance[1], (1, 2, 3)) / np.sum(distance[1] ** 2, (1, 2, 3))
  _spread(factors, 0.0, 2.0)


def test_saturation_does_not_change_images_with_one_channel():
  grey = IMAGES[..., :1]
  np.testing.assert_array_equal(lib.random_saturation(RNG, grey), grey)


def test_contrast_scales_the_distance_from_the_mean():
  changed = lib.random_contrast(RNG, IMAGES)
  np.testing.assert_allclose(_means(changed), _means(IMAGES), atol=1e-5)
  factors = (changed - _means(IMAGES)).std((1, 2, 3)) / IMAGES.std((1, 2, 3))
  _spread(factors, 0.5, 1.5)


def test_translation_moves_by_up_to_an_eighth_and_fills_with_zeros():
  moved, reach = np.asarray(lib.random_translation(RNG, IMAGES)), SIZE // 8
  padded = np.pad(IMAGES, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
  places = []
  for image, source in zip(moved, padded, strict=True):
    fits = [
      (i, j)
      for i in range(2 * reach + 1)
      for j in range(2 * reach + 1)
      if np.array_equal(image, source[i : i + SIZE, j : j + SIZE])
    ]
    assert len(fits) == 1
    places += fits
  assert {i for i, _ in places} == {j for _, j in places} == set(range(2 * reach + 1))


def test_cutout_is_a_rectangle_of_half_a_side_that_may_extend_beyond_the_border():
  cut = np.asarray(lib.random_cutout(RNG, IMAGES))
  sizes = []
  for image, source in zip(cut, IMAGES, strict=True):
    gone = (image == 0).all(axis=2)
    rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
    assert gone.sum() == len(rows) * len(columns)
    for side in (rows, columns):
      assert len(side) == side[-1] - side[0] + 1 <= SIZE // 2
      # Only the border may shorten a side.
      assert len(side) == SIZE // 2 or 0 in side or SIZE - 1 in side
    np.testing.assert_array_equal(image[~gone], np.asarray(source)[~gone])
    sizes.append(int(gone.sum()))
  assert max(sizes) == (SIZE // 2) ** 2
  assert min(sizes) < max(sizes)


@pytest.mark.parametrize('name', lib.AUGMENTATIONS)
def test_gradients_pass_through(name):
  weights = jax.random.normal(jax.random.key(2), IMAGES.shape)

  def value(images):
    return jnp.sum(weights * lib.diff_augment(RNG, images, (name,)))

  gradient = jax.jit(jax.grad(value))(IMAGES)
  assert (jnp.abs(gradient).sum((1, 2, 3)) > 0).all()
  # Every augmentation is affine in the image: the gradient along a direction is the difference.
  direction = jax.random.normal(jax.random.key(3), IMAGES.shape)
  difference = value(IMAGES + direction) - value(IMAGES)
  np.testing.assert_allclose(jnp.sum(gradient * direction), difference, rtol=1e-3)


def test_names_are_applied_in_order_with_one_key_per_name():
  names = ('translation', 'cutout')
  rngs = jax.random.split(RNG, 2)
  expected = lib.random_cutout(rngs[1], lib.random_translation(rngs[0], IMAGES))
  np.testing.assert_array_equal(lib.diff_augment(RNG, IMAGES, names), expected)
