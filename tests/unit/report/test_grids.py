"""Grids: the place of every pixel of every image."""

import numpy as np
import pytest

from jaxgan.report import grids
from tests.support import pixels


def test_image_grid_enlarges_and_places_tiles():
  grid = grids.image_grid(pixels.flat([0, 50, 100]), columns=2)
  assert grid.shape == (98, 98, 3)
  assert grid.dtype == np.uint8
  assert (grid[:48, :48] == 0).all()
  assert (grid[:48, 50:] == 50).all()
  assert (grid[50:, :48] == 100).all()
  assert (grid[48:50] == 255).all()
  assert (grid[50:, 50:] == 255).all()


def test_image_grid_keeps_colours_and_large_images():
  images = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.uint8)
  np.testing.assert_array_equal(grids.image_grid(images, columns=1), images[0])


@pytest.mark.parametrize(
  'images',
  [
    np.zeros((0, 8, 8, 1), np.uint8),
    np.zeros((2, 8, 8, 1)),
    np.zeros((2, 8, 8), np.uint8),
    np.zeros((2, 8, 8, 4), np.uint8),
  ],
)
def test_image_grid_refuses_other_arrays(images):
  with pytest.raises(ValueError, match=r'(must be uint8|at least one image)'):
    grids.image_grid(images, columns=2)


def test_save_png_keeps_every_pixel(tmp_path):
  grid = grids.image_grid(pixels.flat([3, 200]), columns=2)
  grids.save_png(tmp_path / 'samples' / 'grid.png', grid)
  np.testing.assert_array_equal(pixels.image(tmp_path / 'samples' / 'grid.png'), grid)
