"""Decoding of image files, one after another or on all cores; what is wrong with one is a line."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
import contextlib
import io
import itertools
import os
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from jaxgan.errors import UserError, first_line

# Pillow would hand files of other formats to other programs: of PostScript to Ghostscript.
_FORMATS = ('PNG', 'JPEG', 'BMP', 'WEBP')
_BLOCK = 500  # Encoded images in memory, of about 0.1 to 0.5 MB each.

# `open_image` refuses what this warns of.
warnings.filterwarnings('ignore', category=Image.DecompressionBombWarning)


def fit_square(image: Image.Image, image_size: int) -> Image.Image:
  """Crops the centre square and resizes it (Lanczos) to image_size."""
  side = min(image.size)
  left, top = (image.width - side) // 2, (image.height - side) // 2
  if image.width != image.height:
    image = image.crop((left, top, left + side, top + side))
  if side != image_size:
    image = image.resize((image_size, image_size), Image.Resampling.LANCZOS)
  return image


def decode_squares(
  encoded: Iterable, image_size: int, changes: Iterable[Callable] | None = None
) -> Iterator[np.ndarray]:
  """Decodes image files one block after another, on all cores.

  Args:
    encoded: (name for messages, path or bytes) of each image; read as they are needed.
    image_size: their side.
    changes: for each image what is done to it before it is squared: PIL image to PIL image.

  Yields:
    uint8 [S, S, 3] of each image, in their order.

  Raises:
    UserError: one cannot be read, or has more than 8 bits a channel.
  """

  def decode(item):
    (name, file), change = item
    file = io.BytesIO(file) if isinstance(file, bytes) else file
    picture = read_image(file, image_size, name, change)
    return np.broadcast_to(picture, (image_size, image_size, 3))

  with ThreadPoolExecutor(os.cpu_count()) as pool:  # Decoders run beside each other in threads.
    for block in _blocks(zip(encoded, changes or itertools.repeat(None), strict=False)):
      yield from pool.map(decode, block)


@contextlib.contextmanager
def open_image(file, path=None) -> Iterator[Image.Image]:
  """An image file that is not decoded yet; all that goes wrong with it is a UserError.

  Args:
    file: a path or an open file.
    path: what messages call it, by default `file`.
  """
  try:
    with Image.open(file, formats=_FORMATS) as image:
      if image.width * image.height > Image.MAX_IMAGE_PIXELS:
        raise ValueError(f'{image.width}x{image.height} pixels are too many')
      yield image
  except UserError:
    raise
  except Exception as error:  # Decoders raise a dozen types for damaged files.
    unknown = isinstance(error, UnidentifiedImageError)
    reason = f'damaged, or not {", ".join(_FORMATS)}' if unknown else first_line(error)
    raise UserError(f'image file {path or file} cannot be read ({reason})') from error


def read_image(file, image_size: int | None, path=None, change: Callable | None = None):
  """An image as uint8 [H, W, 1] or [H, W, 3]; see `decode_squares`.

  Args:
    file: a path or an open file.
    image_size: side of the centre square that is cut out and resized, None to leave it as it is.
    path: what messages call it, by default `file`.
    change: what is done to it before: PIL image to PIL image.

  Raises:
    UserError: it cannot be read, or has more than 8 bits a channel.
  """
  path = path or file
  with open_image(file, path) as image:
    # Modes I, I;16 and F would be clipped to 255: an almost white picture.
    if image.mode.startswith(('I', 'F')):
      raise UserError(f'image file {path} has more than 8 bits a channel: convert it to 8 bits')
    image = ImageOps.exif_transpose(image)
    image = change(image) if change else image
    image = image.convert('L' if image.mode in ('1', 'L', 'LA') else 'RGB')
    picture = np.asarray(fit_square(image, image_size) if image_size else image)
  return picture.reshape(*picture.shape[:2], -1)


def _blocks(items):
  items = iter(items)
  while block := list(itertools.islice(items, _BLOCK)):
    yield block
