"""Grids of images, pixel by pixel: as arrays, as files, and in figures with names beside them."""

import io

import numpy as np

from jaxgan.report.figures import DPI
from jaxgan.system import files

MIN_TILE = 48  # pixels; smaller images are enlarged
GAP = 2  # pixels between tiles
FRAME = 3  # pixels of the frame around a tile
RED = (214, 39, 40)


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
  rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
  return to_canvas(rows, columns)


def code_grid(images, min_tile=MIN_TILE, framed=None):
  """Images in their rows and columns, on white, enlarged.

  Args:
    images: uint8 [k, n, H, W, C], C = 1 or 3: a row a code, the same noise in each column.
    min_tile: pixels; smaller images are enlarged.
    framed: bool [k, n], which tiles have a red frame, the others a white one; None for no frames.

  Returns:
    uint8 [H', W', 3].

  Raises:
    ValueError: there is no image, or the type or shape is another.
  """
  images = np.asarray(images)
  if images.ndim != 5:
    raise ValueError(f'images must be [rows, columns, H, W, C], got {list(images.shape)}')
  tiles = to_tiles(images.reshape(-1, *images.shape[2:]), min_tile)
  if framed is not None:
    inside = [(0, 0), (FRAME, FRAME), (FRAME, FRAME), (0, 0)]
    outside = np.pad(np.zeros(tiles.shape[:3], bool), inside[:3], constant_values=True)
    tiles = np.pad(tiles, inside, constant_values=255)
    tiles[outside & np.reshape(framed, (-1, 1, 1))] = RED
  return to_canvas(tiles.reshape(*images.shape[:2], *tiles.shape[1:]), images.shape[1])


def to_tiles(images, min_tile):
  """uint8 [N, H, W, C] -> uint8 [N, H', W', 3], enlarged by a whole number."""
  images = np.asarray(images)
  if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.dtype != np.uint8:
    raise ValueError(
      f'images must be uint8 [N, H, W, 1 or 3], got {images.dtype} {list(images.shape)}'
    )
  if images.size == 0:
    raise ValueError(f'a grid needs at least one image, got {list(images.shape)}')
  factor = max(1, -(-min_tile // max(images.shape[1:3])))
  images = images.repeat(factor, axis=1).repeat(factor, axis=2)
  return np.broadcast_to(images, (*images.shape[:3], 3))


def to_canvas(rows, columns):
  """Rows of tiles [n, H, W, 3] -> uint8 [H', W', 3] with white where there is no tile."""
  height, width = rows[0].shape[1:3]
  canvas = np.full((len(rows), height + GAP, columns, width + GAP, 3), 255, np.uint8)
  for row, tiles in enumerate(rows):
    for column, tile in enumerate(tiles):
      canvas[row, :height, column, :width] = tile
  return canvas.reshape(len(rows) * (height + GAP), columns * (width + GAP), 3)[:-GAP, :-GAP]


def panel(figure, canvas, title='', rows=(), columns=()):
  """Adds axes that show a canvas pixel by pixel; their units are pixels from the top left.

  Args:
    figure: of `figures.new_figure`, without size and layout.
    canvas: uint8 [H, W, 3].
    title: stands above.
    rows: names that stand left of the rows of its tiles, or none.
    columns: names that stand below the columns of its tiles, or none.

  Returns:
    The axes.
  """
  height, width = canvas.shape[:2]
  axes = figure.add_axes((0, 0, width / DPI, height / DPI))
  axes.imshow(canvas, extent=(0, width, height, 0), interpolation='nearest')
  axes.autoscale(False)
  axes.spines[:].set_visible(False)
  axes.tick_params(length=0)
  axes.set_title(title, fontsize=12)
  axes.set_yticks(_centres(height, len(rows)), rows, fontsize=9)
  axes.set_xticks(_centres(width, len(columns)), columns, fontsize=9)
  return axes


def _centres(length, number):
  """Returns the centres of `number` tiles in a row of `length` pixels."""
  return (np.arange(number) + 0.5) * (length + GAP) / max(1, number) - GAP / 2


def save_png(path, image):
  """Writes an image, whole or not at all.

  Args:
    path: the file; its folder is made when missing.
    image: uint8 [H, W, 3].
  """
  files.replace(path, png(image))


def png(image) -> bytes:
  """An image, uint8 [H, W, 3] or [H, W], as a PNG."""
  from PIL import Image

  buffer = io.BytesIO()
  Image.fromarray(np.asarray(image)).save(buffer, 'PNG')
  return buffer.getvalue()
