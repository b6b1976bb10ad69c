"""Decoding of image files, one after another or on all cores; what is wrong with one is a line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
_GREY = ('1', 'L', 'LA')  # Modes.
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
  encoded: Iterable,
  image_size: int | None,
  changes: Iterable[Callable] | None = None,
  channels: int = 3,
) -> Iterator[np.ndarray]:
  """Decodes image files one block after another, on all cores.

  Args:
    encoded: (name for messages, path or bytes) of each image; read as they are needed.
    image_size: their side; None for squares that are left as they are.
    changes: for each image what is done to it before it is squared: PIL image to PIL image.
    channels: C, 1 where all images are grey.

  Yields:
    uint8 [S, S, C] of each image, in their order.

  Raises:
    UserError: one cannot be read, or has more than 8 bits a channel.
  """

  def decode(item):
    (name, file), change = item
    file = io.BytesIO(file) if isinstance(file, bytes) else file
    picture = read_image(file, image_size, name, change)
    # A grey picture is broadcast to three equal channels.
    return np.broadcast_to(picture, (*picture.shape[:2], channels))

  yield from _on_all_cores(decode, zip(encoded, changes or itertools.repeat(None), strict=False))


class ImageFiles:
  """Images in files, decoded while they are iterated over; like an array uint8 `[N, S, S, C]`."""

  def __init__(self, paths: Sequence, image_size: int | None, shape: tuple[int, int, int]):
    """See `look_at`."""
    self._paths, self._image_size, self.shape = paths, image_size, (len(paths), *shape)

  def __len__(self):
    return self.shape[0]

  def __getitem__(self, at) -> 'ImageFiles':
    """Some of them, int positions or a slice; nothing is decoded yet."""
    paths = [self._paths[i] for i in np.arange(len(self))[at].tolist()]
    return ImageFiles(paths, self._image_size, self.shape[1:])

  def __iter__(self) -> Iterator[np.ndarray]:
    named = ((path, path) for path in self._paths)
    return decode_squares(named, self._image_size, channels=self.shape[-1])


def look_at(paths: Sequence, image_size: int | None = None) -> ImageFiles:
  """Looks at the headers of image files of any size.

  Grey stays one channel only if all images are grey. An alpha channel is dropped; the orientation
  that cameras note is applied.

  Args:
    paths: N files.
    image_size: side to which each image is resized (Lanczos) after a centre crop to a square; None
      if all images have the same square size already.

  Returns:
    The images, uint8 [N, S, S, 1] or [N, S, S, 3]. What is damaged behind its header is a UserError
    once it is decoded.

  Raises:
    UserError: a file is no image or has more than 8 bits a channel, or sizes differ.
  """

  def header(path):
    with open_image(path) as image:
      _check_depth(image, path)
      return image.size, image.mode in _GREY

  first, all_grey = None, True
  for path, (size, grey) in zip(paths, _on_all_cores(header, paths), strict=True):
    all_grey, first = all_grey and grey, first or size
    if image_size is None and size != (first[1], first[1]):
      raise UserError(
        f'image {path} is {size[0]}x{size[1]}, but without image_size all images must have one '
        f'square size ({paths[0].name} is {first[0]}x{first[1]}): set image_size'
      )
  side = image_size or first[0]
  return ImageFiles(paths, image_size, (side, side, 1 if all_grey else 3))


@contextlib.contextmanager
def open_image(file, path=None) -> Iterator[Image.Image]:
  """An image file that is not decoded yet; all that goes wrong with it is a UserError.

  Args:
    file: a path, an open file, or something with a method `openable` that returns one of them.
    path: what messages call it, by default `file`.
  """
  path = path or file
  try:
    with Image.open(
      file.openable() if hasattr(file, 'openable') else file, formats=_FORMATS
    ) as image:
      if image.width * image.height > Image.MAX_IMAGE_PIXELS:
        raise ValueError(f'{image.width}x{image.height} pixels are too many')
      yield image
  except UserError:
    raise
  except Exception as error:  # Decoders raise a dozen types for damaged files.
    unknown = isinstance(error, UnidentifiedImageError)
    reason = f'damaged, or not {", ".join(_FORMATS)}' if unknown else first_line(error)
    raise UserError(f'image file {path} cannot be read ({reason})') from error


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
    _check_depth(image, path)
    image = ImageOps.exif_transpose(image)
    image = change(image) if change else image
    image = image.convert('L' if image.mode in _GREY else 'RGB')
    picture = np.asarray(fit_square(image, image_size) if image_size else image)
  return picture.reshape(*picture.shape[:2], -1)


def _check_depth(image, path):
  # Modes I, I;16 and F would be clipped to 255: an almost white picture.
  if image.mode.startswith(('I', 'F')):
    raise UserError(f'image file {path} has more than 8 bits a channel: convert it to 8 bits')


def _on_all_cores(function: Callable, items: Iterable) -> Iterator:
  """What a function makes of each item, in their order, one block after another."""
  items = iter(items)
  with ThreadPoolExecutor(os.cpu_count()) as pool:  # Decoders run beside each other in threads.
    while block := list(itertools.islice(items, _BLOCK)):
      yield from pool.map(function, block)
