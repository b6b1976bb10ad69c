"""Blocks: the parts of reports, beside `jaxgan.report.tables.Table`.

A paragraph is a string. Markdown files have tables and paragraphs; pages have all blocks.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import os
from pathlib import Path
import struct
from typing import TypeVar

import numpy as np

from jaxgan.errors import UserError
from jaxgan.report import grids

_SIGNATURE = b'\x89PNG\r\n\x1a\n'
_HEADER = 24  # bytes of a PNG up to the end of its width and height

T = TypeVar('T')


@dataclass(frozen=True)
class Image:
  """A PNG or SVG and its alternative text."""

  data: bytes
  alt: str

  @property
  def uri(self) -> str:
    """The image as a data URI, for `src` of an HTML image."""
    kind = 'png' if self.data.startswith(_SIGNATURE) else 'svg+xml'
    return f'data:image/{kind};base64,{base64.b64encode(self.data).decode()}'

  @property
  def size(self) -> tuple[int, int]:
    """(width, height) of a PNG in pixels."""
    width, height = struct.unpack('>II', self.data[16:_HEADER])
    return width, height


@dataclass(frozen=True)
class Images:
  """A list of `Image` under a title: charts side by side, or pictures in their natural width."""

  title: str
  images: list


@dataclass(frozen=True)
class Steps:
  """Pictures of a run's steps with a slider: [(step, path of the PNG)]."""

  title: str
  paths: list
  note: str = ''


@dataclass(frozen=True)
class Tiles:
  """Rows of tiles: [(name, note, [(images of a tile, caption)])]."""

  title: str
  rows: list
  note: str = ''


def read_image(path: str | os.PathLike[str], alt: str) -> Image:
  """Reads a PNG.

  Raises:
    UserError: the file is missing or not a PNG.
  """
  try:
    data = Path(path).read_bytes()
  except OSError as error:
    raise UserError(f'{path} cannot be read ({error.strerror})') from error
  if len(data) < _HEADER or not data.startswith(_SIGNATURE):
    raise UserError(f'{path} is damaged (not a PNG): delete it')
  return Image(data, alt)


def to_image(pixels: np.ndarray, alt: str) -> Image:
  """Encodes an image, uint8 [H, W, 1 or 3], as a PNG.

  Raises:
    ValueError: the image has another shape.
  """
  if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3):
    raise ValueError(f'an image is [H, W, 1 or 3], got {list(pixels.shape)}')
  return Image(grids.png(pixels[..., 0] if pixels.shape[-1] == 1 else pixels), alt)


def pictures(folder: str | os.PathLike[str], titles: Mapping[str, str]) -> list[Images]:
  """Reads the pictures {file name: title} that exist in a folder."""
  return [
    Images(title, [read_image(path, title)])
    for name, title in titles.items()
    if (path := Path(folder) / name).exists()
  ]


def steps(folder: str | os.PathLike[str], pattern: str, title: str, note: str = '') -> list[Steps]:
  """Finds the pictures of a run's steps, such as step_00000500.png; returns [] without any."""
  paths = sorted(Path(folder, 'samples').glob(pattern))
  numbered = [(int(p.stem.split('_')[1]), p) for p in paths if p.stem.split('_')[1].isdigit()]
  return [Steps(title, numbered, note)] if numbered else []


def evenly(items: Sequence[T], most: int) -> list[T]:
  """Picks at most `most` items at even distances, with the first and the last.

  Example:
    >>> evenly([1, 2, 3, 4, 5], 3)
    [1, 3, 5]
  """
  if len(items) <= most:
    return list(items)
  return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]
