"""Augmentations: their ranges, and an independent draw for each image."""

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image
import pytest
import scipy.ndimage

from jaxgan.augmentation import augment

both_ways = pytest.mark.parametrize('transform', [lambda f: f, jax.jit])


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


def test_random_window_has_any_position_in_the_image():
  grid = jnp.stack(jnp.mgrid[:7, :6], axis=-1)
  images = jnp.broadcast_to(grid, (200, 7, 6, 2))
  windows = np.asarray(augment.random_window(jax.random.key(1), images, (4, 5)))
  corners = windows[:, :1, :1]
  np.testing.assert_array_equal(windows - corners, np.broadcast_to(grid[:4, :5], windows.shape))
  found = {tuple(corner) for corner in corners[:, 0, 0]}
  assert found == {(i, j) for i in range(4) for j in (0, 1)}


def test_random_crop_without_padding_changes_nothing():
  np.testing.assert_array_equal(augment.random_crop(jax.random.key(0), _images(), 0), _images())


def _coordinates(n=256, size=9):
  """Images whose two channels are the row and the column: a warped pixel names its source."""
  grid = jnp.stack(jnp.mgrid[:size, :size], axis=-1).astype(jnp.float32)
  return jnp.broadcast_to(grid, (n, size, size, 2))


def _linear_part(warped):
  """`[N, 2, 2]`, M of each warp, by differences around the centre, where nothing is clipped."""
  c = warped.shape[1] // 2
  down = (warped[:, c + 1, c] - warped[:, c - 1, c]) / 2
  right = (warped[:, c, c + 1] - warped[:, c, c - 1]) / 2
  return np.stack([down, right], axis=-1)


def _rotation(degrees):
  cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
  return np.array([[cos, -sin], [sin, cos]], np.float32)


@both_ways
def test_affine_warp_of_shifts_by_hand(transform):
  row = jnp.array([1.0, 2.0, 4.0, 8.0]).reshape(1, 1, 4, 1)
  images = jnp.tile(row, (4, 3, 1, 1))
  shifts = jnp.array([[0.0, 0.0], [0.0, 1.0], [0.0, -0.5], [9.0, 0.25]])
  warped = transform(augment.affine_warp)(images, jnp.tile(jnp.eye(2), (4, 1, 1)), shifts)
  expected = [[1, 2, 4, 8], [2, 4, 8, 8], [1, 1.5, 3, 6], [1.25, 2.5, 5, 8]]
  np.testing.assert_allclose(warped[:, 1, :, 0], expected)


def test_affine_warp_by_a_quarter_turn_is_exact():
  images = np.random.default_rng(0).normal(size=(3, 7, 7, 2)).astype(np.float32)
  turned = augment.affine_warp(images, jnp.tile(_rotation(90.0), (3, 1, 1)), jnp.zeros((3, 2)))
  np.testing.assert_allclose(turned, np.rot90(images, -1, axes=(1, 2)), atol=1e-5)


def test_affine_warp_matches_scipy():
  images = np.random.default_rng(0).normal(size=(2, 8, 11, 3)).astype(np.float32)
  matrices = np.stack([1.3 * _rotation(25.0), 0.8 * _rotation(-10.0)])
  shifts = np.array([[0.7, -1.2], [-2.0, 0.4]], np.float32)
  warped = augment.affine_warp(images, matrices, shifts)
  center = np.array([3.5, 5.0])
  for image, matrix, shift, ours in zip(images, matrices, shifts, warped, strict=True):
    for channel in range(3):
      theirs = scipy.ndimage.affine_transform(
        image[..., channel], matrix, center + shift - matrix @ center, order=1, mode='nearest'
      )
      np.testing.assert_allclose(ours[..., channel], theirs, atol=1e-5)


def test_affine_warp_is_differentiable_in_the_images():
  images, other = np.random.default_rng(0).normal(size=(2, 2, 6, 6, 1)).astype(np.float32)
  matrices, shifts = jnp.tile(1.1 * _rotation(30.0), (2, 1, 1)), jnp.full((2, 2), 0.3)
  warped, vjp = jax.vjp(jax.jit(lambda x: augment.affine_warp(x, matrices, shifts)), images)
  # The warp is linear: <A x, y> = <x, A^T y>.
  np.testing.assert_allclose(jnp.vdot(warped, other), jnp.vdot(images, vjp(other)[0]), rtol=1e-4)


def test_random_affine_without_a_transformation_is_the_identity():
  warped = jax.jit(augment.random_affine)(jax.random.key(0), _images())
  np.testing.assert_array_equal(warped, _images())


@both_ways
def test_random_affine_rotates_and_zooms_each_image_within_its_range(transform):
  warp = transform(lambda rng, x: augment.random_affine(rng, x, 10.0, (0.9, 1.1)))
  warped = warp(jax.random.key(0), _coordinates())
  linear = _linear_part(warped)
  zoom = np.linalg.det(linear) ** -0.5
  degrees = np.rad2deg(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
  assert 0.9 <= zoom.min() < 0.91
  assert 1.09 < zoom.max() <= 1.1
  assert -10.001 < degrees.min() < -9
  assert 9 < degrees.max() < 10.001
  np.testing.assert_allclose([10 * zoom.mean(), degrees.mean()], [10.0, 0.0], atol=1.5)
  assert abs(np.corrcoef(zoom, degrees)[0, 1]) < 0.25
  # A similarity about the centre: orthogonal columns of the same length, and the centre is fixed.
  np.testing.assert_allclose(linear[:, 0, 0], linear[:, 1, 1], atol=1e-5)
  np.testing.assert_allclose(linear[:, 0, 1], -linear[:, 1, 0], atol=1e-5)
  np.testing.assert_allclose(warped[:, 4, 4], 4.0, atol=1e-5)


@both_ways
@pytest.mark.parametrize('keep', [0.6, 0.95, 1 / 1.1])
def test_random_affine_crops_a_window_inside_the_image(keep, transform):
  size = 9
  warp = transform(lambda rng, x: augment.random_affine(rng, x, keep=keep))
  warped = warp(jax.random.key(0), _coordinates(size=size))
  linear = _linear_part(warped)
  np.testing.assert_allclose(linear, np.tile(keep * np.eye(2), (256, 1, 1)), atol=1e-5)
  # Pixels are squares around their coordinates: the image is [-1/2, size - 1/2].
  reach = size * (1 - keep) / 2
  offsets = np.asarray(warped[:, 4, 4]) - 4
  assert -reach - 1e-5 < offsets.min() < -0.9 * reach
  assert 0.9 * reach < offsets.max() < reach + 1e-5
  assert abs(np.corrcoef(offsets.T)[0, 1]) < 0.25


def test_random_affine_repeats_the_border_and_keeps_a_flat_background():
  images = jnp.full((16, 8, 8, 1), -1.0)
  warp = jax.jit(lambda x: augment.random_affine(jax.random.key(0), x, 45.0, (0.5, 0.8), 0.9))
  np.testing.assert_allclose(warp(images), images, atol=1e-6)
  images = np.random.default_rng(0).uniform(3.0, 5.0, images.shape).astype(np.float32)
  # No zeros enter from outside.
  assert warp(images).min() >= 3 - 1e-5


@both_ways
def test_random_gamma_of_intensities_by_hand(transform):
  # Intensities 0, 1/4, 1/2, 1 squared: 0, 1/16, 1/4, 1.
  images = jnp.array([-1.0, -0.5, 0.0, 1.0]).reshape(1, 2, 2, 1)
  changed = transform(augment.random_gamma)(jax.random.key(0), images, (2.0, 2.0))
  np.testing.assert_allclose(changed.ravel(), [-1.0, -0.875, -0.5, 1.0], atol=1e-6)


def test_random_gamma_draws_one_gamma_for_each_image():
  images = jnp.zeros((256, 2, 2, 3))
  changed = np.asarray(augment.random_gamma(jax.random.key(0), images, (0.3, 4.0)))
  gamma = -np.log2((changed + 1) / 2)
  np.testing.assert_array_equal(gamma, np.broadcast_to(gamma[:, :1, :1, :1], gamma.shape))
  assert 0.3 <= gamma.min() < 0.4
  assert 3.9 < gamma.max() <= 4.001
  np.testing.assert_allclose(gamma.mean(), 2.15, atol=0.3)


def test_gradient_of_random_gamma_is_finite_at_black_pixels():
  images = jnp.array([-1.0, -1.0 + 2 / 255, 0.0, 1.0]).reshape(1, 2, 2, 1)

  def total(images):
    return augment.random_gamma(jax.random.key(0), images, (0.5, 0.5)).sum()

  # d(2 v^γ)/dx = γ v^(γ - 1) at v = 1/255, 1/2 and 1.
  expected = [0.0, 0.5 * 255**0.5, 0.5 * 2**0.5, 0.5]
  np.testing.assert_allclose(jax.grad(total)(images).ravel(), expected, rtol=1e-4)


def _views(n=8):
  """Images, the keys of a view as one array, and the three keys."""
  rngs = jax.random.split(jax.random.key(1), 3)
  return jnp.tanh(jax.random.normal(jax.random.key(0), (n, 5, 5, 2))), rngs, *rngs


def test_a_view_leaves_out_transformations_with_default_values():
  """A view with one transformation equals that transformation alone."""
  images, rngs, affine, flip, gamma = _views()
  assert augment.random_view(rngs, images) is images
  assert augment.random_view(rngs, images, 0.0, (1.0, 1.0), 1.0, False, [1.0, 1.0]) is images
  for changes, expected in (
    ({'max_degrees': 20.0}, augment.random_affine(affine, images, 20.0)),
    ({'zoom_range': (0.9, 1.1)}, augment.random_affine(affine, images, 0.0, (0.9, 1.1))),
    ({'keep': 0.9}, augment.random_affine(affine, images, keep=0.9)),
    ({'flip': True}, augment.random_flip(flip, images)),
    ({'gamma_range': (0.3, 4.0)}, augment.random_gamma(gamma, images, (0.3, 4.0))),
  ):
    np.testing.assert_array_equal(augment.random_view(rngs, images, **changes), expected)


def test_a_view_applies_all_transformations_in_order():
  images, rngs, affine, flip, gamma = _views()
  expected = augment.random_affine(affine, images, 10.0, (0.9, 1.1), 0.95)
  expected = augment.random_gamma(gamma, augment.random_flip(flip, expected), (0.3, 4.0))
  view = augment.random_view(rngs, images, 10.0, (0.9, 1.1), 0.95, True, (0.3, 4.0))
  np.testing.assert_array_equal(view, expected)


# Rows and columns that Augmentor 0.2.12 keeps of 28x28 pixels at 0, 1, ..., 20 degrees, recorded
# from its `RotateRange` with Pillow 13; rotations to the left and to the right are alike.
KEPT = (
  [(28, 28)] * 4 + [(26, 26)] * 3 + [(24, 26)] + [(24, 24)] * 3 + [(22, 24)] + [(22, 22)] * 2
  + [(20, 22)] * 3 + [(18, 20)] * 2 + [(16, 20)] * 2
)  # fmt: skip


def test_crops_match_augmentor():
  crops = augment.augmentor_crops(28, 28, 20)
  np.testing.assert_array_equal(crops, KEPT)
  magnification = 28 / crops
  np.testing.assert_allclose(magnification[19:], [[1.75, 1.4]] * 2)
  np.testing.assert_allclose(magnification.mean(axis=0), [1.26, 1.19], atol=5e-3)


@pytest.mark.parametrize('size', [17, 28, 32, 64])
def test_crops_follow_from_the_canvas_of_pillow(size):
  """Second source: Pillow's canvas and the formula in Augmentor's documentation."""
  for degrees, kept in enumerate(augment.augmentor_crops(size, size, 25)):
    image = Image.new('L', (size, size)).rotate(-degrees, Image.Resampling.BICUBIC, expand=True)
    a, b = np.deg2rad(degrees), np.deg2rad(90 - degrees)
    ratio = np.sin(a) / np.sin(b)
    left = ratio * (image.height - image.width * ratio) / 1 - np.sin(a) ** 2 / np.sin(b) ** 2
    top = ratio * (image.width - left)
    box = np.rint([top, image.height - top, left, image.width - left])
    assert tuple(kept) == (box[1] - box[0], box[3] - box[2])
    assert (box[0] + box[1], box[2] + box[3]) == image.size[::-1]  # The window is centred.


@both_ways
def test_augmentor_rotates_by_whole_degrees_and_crops_accordingly(transform):
  """Without a zoom, the linear part of each view is a rotation scaled by a row of the table."""
  warp = transform(lambda rng, x: augment.augmentor_affine(rng, x, 20.0, (1.0, 1.0)))
  linear = _linear_part(warp(jax.random.key(0), _coordinates(n=2000, size=28)))
  # M = R diag(rows, columns) / 28: its columns are scaled columns of R.
  rows, columns = 28 * np.linalg.norm(linear, axis=1).T
  degrees = np.rad2deg(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
  whole = np.rint(degrees).astype(int)
  np.testing.assert_allclose(degrees, whole, atol=2e-3)
  np.testing.assert_allclose(np.stack([rows, columns], 1), np.array(KEPT)[abs(whole)], atol=2e-3)
  np.testing.assert_allclose(np.sum(linear[:, :, 0] * linear[:, :, 1], axis=1), 0.0, atol=1e-4)
  # Each of 2 directions and 21 degrees has 1/42 of the draws; 0 degrees occur in both directions.
  counts = np.bincount(whole + 20, minlength=41) / len(whole)
  assert counts.argmax() == 20
  np.testing.assert_allclose(counts[20], 2 / 42, atol=0.02)
  np.testing.assert_allclose(np.delete(counts, 20), 1 / 42, atol=0.015)


@pytest.mark.parametrize(
  ('zoom', 'content'),
  # 28 zoomed to 25, 27, 31 pixels; Pillow's crop starts at floor(-1.5), floor(-0.5), floor(1.5).
  [(0.9, (2, 27)), (0.96, (1, 28)), (1.0, (0, 28)), (1.1, (0, 28))],
)
def test_augmentor_zooms_to_whole_pixels_and_pads_smaller_images_with_black(zoom, content):
  images = _coordinates(n=3, size=28)
  zoomed = np.asarray(augment.augmentor_affine(jax.random.key(0), images, 0.0, (zoom, zoom)))
  size = round(28 * zoom)
  first = (size - 28) // 2  # the pixel of the zoomed image at which the view starts
  inside = np.arange(28)
  source = np.clip((inside + first + 0.5) * 28 / size - 0.5, 0, 27)
  expected = np.full((28, 28), -1.0)
  span = slice(*content)
  expected[span, span] = source[span, None]
  np.testing.assert_allclose(zoomed[..., 0], np.broadcast_to(expected, (3, 28, 28)), atol=1e-4)
  np.testing.assert_allclose(zoomed[..., 1], zoomed[..., 0].swapaxes(1, 2), atol=1e-4)


def test_augmentor_views_look_like_views_of_pillow():
  """A smooth image that Pillow rotates, crops and resizes differs only by the filters."""
  size, degrees = 28, 20
  y, x = np.mgrid[:size, :size] - 13.5
  image = np.exp(-((x - 3) ** 2 / 90 + (y + 2) ** 2 / 180))
  rotated = Image.fromarray((255 * image).astype(np.float32)).rotate(
    degrees, Image.Resampling.BICUBIC, expand=True
  )
  height, width = KEPT[degrees]
  left, top = (rotated.width - width) // 2, (rotated.height - height) // 2
  window = rotated.crop((left, top, left + width, top + height))
  theirs = np.asarray(window.resize((size, size), Image.Resampling.BICUBIC)) / 127.5 - 1
  views = augment.augmentor_affine(
    jax.random.key(0), jnp.tile(2 * image[None, ..., None] - 1, (300, 1, 1, 1)), 20.0, (1.0, 1.0)
  )
  nearest = np.abs(views[..., 0] - theirs).max(axis=(1, 2)).min()
  assert nearest < 0.045, nearest  # 0.035; windows of other sizes differ by 0.059 and more.


def test_a_released_view_uses_augmentor():
  images, rngs, affine, flip, _ = _views()
  expected = augment.augmentor_affine(affine, images, 20.0, (0.9, 1.1))
  expected = augment.random_flip(flip, expected)
  view = augment.random_view(rngs, images, 20.0, (0.9, 1.1), flip=True, views='released')
  np.testing.assert_array_equal(view, expected)
  assert (view != augment.random_view(rngs, images, 20.0, (0.9, 1.1), flip=True)).any()
