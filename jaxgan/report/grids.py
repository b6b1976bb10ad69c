"""Grids of images, pixel by pixel: as arrays, as files, and in figures with names."""

from collections.abc import Sequence
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgan.report.figures import DPI
from jaxgan.system import files

if TYPE_CHECKING:
  from matplotlib.figure import Figure

MIN_TILE = 48  # pixels; smaller images are enlarged
GAP = 2  # pixels between tiles
FRAME = 3  # pixels of the frame around a tile
RED = (214, 39, 40)


def image_grid(images: np.ndarray, columns: int) -> np.ndarray:
  """Arranges images in rows on white, enlarged (nearest) to tiles of at least 48 pixels.

  Args:
    images: uint8 `[N, H, W, C]`, C = 1 or 3.
    columns: number of images in a row.

  Returns:
    uint8 `[H', W', 3]`.

  Raises:
    ValueError: there is no image, or the images have a wrong type or shape.
  """
  tiles = to_tiles(images, MIN_TILE)
  rows = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
  return to_canvas(rows, columns)


def code_grid(
  images: np.ndarray, min_tile: int = MIN_TILE, framed: np.ndarray | None = None
) -> np.ndarray:
  """Arranges rows and columns of images on white, enlarged.

  Args:
    images: uint8 `[k, n, H, W, C]`, C = 1 or 3; a row has one code, a column one noise vector.
    min_tile: pixels; smaller images are enlarged.
    framed: bool `[k, n]`, tiles with a red frame; the other tiles get a white frame. None for no
      frames.

  Returns:
    uint8 `[H', W', 3]`.

  Raises:
    ValueError: there is no image, or the images have a wrong type or shape.
  """
  images = np.asarray(images)
  if images.ndim != 5:
    raise ValueError(f'images={list(images.shape)}: expected [rows, columns, H, W, C].')
  tiles = to_tiles(images.reshape(-1, *images.shape[2:]), min_tile)
  if framed is not None:
    inside = [(0, 0), (FRAME, FRAME), (FRAME, FRAME), (0, 0)]
    outside = np.pad(np.zeros(tiles.shape[:3], bool), inside[:3], constant_values=True)
    tiles = np.pad(tiles, inside, constant_values=255)
    tiles[outside & np.reshape(framed, (-1, 1, 1))] = RED
  return to_canvas(tiles.reshape(*images.shape[:2], *tiles.shape[1:]), images.shape[1])


def to_tiles(images: np.ndarray, min_tile: int) -> np.ndarray:
  """Enlarges images uint8 `[N, H, W, C]` by a whole number to uint8 `[N, H', W', 3]`."""
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


def to_canvas(rows: Sequence[np.ndarray] | np.ndarray, columns: int) -> np.ndarray:
  """Puts rows of tiles `[n, H, W, 3]` on a white canvas, uint8 `[H', W', 3]`."""
  height, width = rows[0].shape[1:3]
  canvas = np.full((len(rows), height + GAP, columns, width + GAP, 3), 255, np.uint8)
  for row, tiles in enumerate(rows):
    for column, tile in enumerate(tiles):
      canvas[row, :height, column, :width] = tile
  return canvas.reshape(len(rows) * (height + GAP), columns * (width + GAP), 3)[:-GAP, :-GAP]


def panel(
  figure: 'Figure',
  canvas: np.ndarray,
  title: str = '',
  rows: Sequence[str] = (),
  columns: Sequence[str] = (),
) -> Any:
  """Adds axes that show a canvas pixel by pixel, in pixels from the top left.

  Args:
    figure: a figure of `figures.new_figure`, without size and layout.
    canvas: uint8 `[H, W, 3]`.
    title: title above the canvas.
    rows: names left of the rows of tiles, or none.
    columns: names below the columns of tiles, or none.

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


def save_png(path: Path, image: np.ndarray) -> None:
  """Writes an image as a PNG atomically.

  Args:
    path: the PNG; a missing folder is created.
    image: uint8 `[H, W, 3]`.
  """
  files.replace(path, png(image))


def png(image: np.ndarray) -> bytes:
  """Encodes an image, uint8 `[H, W, 3]` or `[H, W]`, as a PNG."""
  from PIL import Image

  buffer = io.BytesIO()
  Image.fromarray(np.asarray(image)).save(buffer, 'PNG')
  return buffer.getvalue()
