"""Grids of images, pixel by pixel, and PNGs written whole or not at all."""

import io

import numpy as np
from PIL import Image

from jaxgan.system import files

MIN_TILE = 48  # pixels; smaller images are enlarged
GAP = 2  # pixels between tiles


def image_grid(images, columns):
  """Images in rows, on white, enlarged (nearest) to tiles of at least 48 pixels.

  Args:
    images: uint8 [N, H, W, C], C = 1 or 3.
    columns: number of images in a row.

  Returns:
    uint8 [H', W', 3].

  Raises:
    ValueError: there is no image, or the type or shape is another.
  """
  tiles = to_tiles(images, MIN_TILE)
  if len(tiles) == 0:
    raise ValueError('image_grid needs at least one image')
  rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
  return to_canvas(rows, columns)


def to_tiles(images, min_tile):
  """uint8 [N, H, W, C] -> uint8 [N, H', W', 3], enlarged by a whole number."""
  images = np.asarray(images)
  if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.dtype != np.uint8:
    raise ValueError(
      f'images must be uint8 [N, H, W, 1 or 3], got {images.dtype} {list(images.shape)}'
    )
  factor = max(1, -(-min_tile // max(images.shape[1:3])))
  images = images.repeat(factor, axis=1).repeat(factor, axis=2)
  return np.broadcast_to(images, (*images.shape[:3], 3))


def to_canvas(rows, columns):
  """Rows of tiles [n, H, W, 3] -> uint8 [H', W', 3] with white where there is no tile."""
  height, width = rows[0].shape[1:3]
  canvas = np.full(
    (len(rows) * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), 255, np.uint8
  )
  for row, tiles in enumerate(rows):
    for column, tile in enumerate(tiles):
      top, left = row * (height + GAP), column * (width + GAP)
      canvas[top : top + height, left : left + width] = tile
  return canvas


def save_png(path, image):
  """Writes an image, whole or not at all.

  Args:
    path: the file; its folder is made when missing.
    image: uint8 [H, W, 3].
  """
  buffer = io.BytesIO()
  Image.fromarray(np.asarray(image)).save(buffer, 'PNG')
  files.replace(path, buffer.getvalue())
