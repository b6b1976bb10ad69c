"""Decoding image files on all cores; errors are one line with the file."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
import functools
import io
import itertools
import math
import os
import threading
from typing import Any, NamedTuple
import warnings

import numpy as np
from PIL import Image, ImageColor

from data_prep import flag_names, picture_formats
from data_prep.picture_formats import ImageFileError, open_image
from jaxgan.errors import UserError
from jaxgan.system import messages
from jaxgan.system.names import some

BACKGROUND = 'white'
_GREY = ('1', 'L', 'LA', 'La')  # Modes.
_TRANSPARENT = ('LA', 'La', 'PA', 'RGBA', 'RGBa')  # Modes.
LISTED = 20  # Most names in a line about files.
_BLOCK = 500  # Encoded images in memory, of about 0.1 to 0.5 MB each.
_UPRIGHT = {  # By the orientation in EXIF.
  2: Image.Transpose.FLIP_LEFT_RIGHT,
  3: Image.Transpose.ROTATE_180,
  4: Image.Transpose.FLIP_TOP_BOTTOM,
  5: Image.Transpose.TRANSPOSE,
  6: Image.Transpose.ROTATE_270,
  7: Image.Transpose.TRANSVERSE,
  8: Image.Transpose.ROTATE_90,
}

# `open_image` refuses decompression bombs; Pillow's other warnings concern metadata.
warnings.filterwarnings('ignore', category=Image.DecompressionBombWarning)
warnings.filterwarnings('ignore', category=UserWarning, module=r'PIL\.')


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
  """Decodes image files in blocks, on all cores.

  Args:
    encoded: (name for messages, path or bytes) of each image; consumed lazily.
    image_size: side S of the results; None keeps the size of square images.
    changes: for each image a function from PIL image to PIL image, applied before the crop.
    channels: C; 1 if all images are grey.

  Yields:
    uint8 [S, S, C] of each image, in order.

  Raises:
    UserError: an image is unreadable or has more than 8 bits per channel.
  """

  def decode(item):
    (name, file), change = item
    file = io.BytesIO(file) if isinstance(file, bytes) else file
    picture = read_image(file, image_size, name, change)
    # A grey picture is broadcast to three equal channels.
    return np.broadcast_to(picture, (*picture.shape[:2], channels))

  yield from on_all_cores(decode, zip(encoded, changes or itertools.repeat(None), strict=False))


def enlarged(num_small: int, num_images: int, image_size: int) -> str:
  """Returns the message about images that are enlarged."""
  return f'{num_small} of {num_images} images are smaller than {image_size} and are enlarged'


class Looks(NamedTuple):
  """Facts from the headers of N image files, before crops and resizing."""

  smallest: tuple[int, int]  # (width, height) by the number of pixels.
  largest: tuple[int, int]
  num_images: int
  num_grey: int
  image_size: int | None  # Side after resizing.
  num_small: int  # Images with a side below image_size, which are enlarged.
  num_animated: int  # Files with several frames, of which the first is read.

  @property
  def sizes(self) -> str:
    """The range of sizes, such as '12x8 to 640x480'."""
    smallest, largest = (f'{width}x{height}' for width, height in (self.smallest, self.largest))
    return smallest if smallest == largest else f'{smallest} to {largest}'

  @property
  def colour(self) -> str:
    """'grey', 'RGB', or the number of grey images."""
    if self.num_grey in (0, self.num_images):
      return 'grey' if self.num_grey else 'RGB'
    return f'RGB; {self.num_grey} of {self.num_images} images are grey'

  def changes(self) -> tuple[str, ...]:
    """Returns messages about changes to the images."""
    changes = []
    if self.num_small and self.image_size:
      changes.append(enlarged(self.num_small, self.num_images, self.image_size))
    if self.num_animated:
      changes.append(f'of {self.num_animated} files with several frames the first is read')
    return tuple(changes)


class Ground:
  """Lays images with transparent pixels on a colour, and counts them."""

  def __init__(self, colour: str = BACKGROUND):
    """Takes a colour of `PIL.ImageColor`."""
    self.colour, self.num_laid = colour, 0
    self._rgb, self._lock = ImageColor.getrgb(colour)[:3], threading.Lock()
    self.grey = len(set(self._rgb)) == 1

  @property
  def said(self) -> str:
    """A message with the number of changed images; '' for none."""
    if not self.num_laid:
      return ''
    return f'{self.num_laid} images with transparent pixels were laid on {self.colour}'

  def __call__(self, image: Image.Image) -> Image.Image:
    """Returns the image without an alpha channel; grey stays grey on a grey ground."""
    if not may_be_transparent(image):
      return image
    grey = self.grey and image.mode in _GREY
    key = image.info.get('transparency')
    if isinstance(key, tuple) and max(key) > 255:  # 16 bits; Pillow has cut the pixels to 8.
      image.info['transparency'] = tuple(level >> 8 for level in key)
    image = image.convert('RGBA')
    if image.getchannel('A').getextrema()[0] == 255:
      return image.convert('L' if grey else 'RGB')
    with self._lock:
      self.num_laid += 1
    image = Image.alpha_composite(Image.new('RGBA', image.size, (*self._rgb, 255)), image)
    return image.convert('RGB').getchannel(0) if grey else image.convert('RGB')


def may_be_transparent(image: Image.Image) -> bool:
  """Returns whether an image has an alpha channel or a transparent colour, used or not."""
  palette = image.palette.mode if image.mode == 'P' and image.palette else ''
  return image.mode in _TRANSPARENT or 'transparency' in image.info or palette.endswith('A')


class ImageFiles:
  """Images in files, decoded during iteration; like an array uint8 `[N, S, S, C]`.

  Attributes:
    shape: (N, S, S, C).
    looks: the Looks of all files, kept by slices.
    ground: the background of transparent images; counts them during decoding.
    unreadable: {position: reason} of images with a damaged header; they are left out by slicing.
  """

  def __init__(
    self,
    paths: Sequence,
    image_size: int | None,
    shape: tuple[int, ...],
    looks: Looks,
    ground: Ground,
    unreadable: Mapping[int, str],
    everything: Sequence,
  ):
    """See `look_at`; shape is (S, S, C), `everything` all files of the source."""
    self._paths, self._image_size, self.shape = paths, image_size, (len(paths), *shape)
    self.looks, self.ground, self.unreadable = looks, ground, unreadable
    self._everything = everything

  def __len__(self) -> int:
    """Returns the number of images."""
    return self.shape[0]

  def __getitem__(self, at) -> 'ImageFiles':
    """Selects images by int positions or a slice, without decoding."""
    positions = np.arange(len(self))[at].tolist()
    paths = [self._paths[i] for i in positions]
    unreadable = {n: self.unreadable[i] for n, i in enumerate(positions) if i in self.unreadable}
    return self._of(paths, unreadable)

  def __add__(self, other: 'ImageFiles') -> 'ImageFiles':
    """Joins two selections of one source."""
    after = {len(self) + at: reason for at, reason in other.unreadable.items()}
    return self._of([*self._paths, *other._paths], {**self.unreadable, **after})

  def _of(self, paths, unreadable):
    shape, looks, ground = self.shape[1:], self.looks, self.ground
    return ImageFiles(paths, self._image_size, shape, looks, ground, unreadable, self._everything)

  def __iter__(self) -> Iterator[np.ndarray]:
    """Decodes the images one after another; an error lists all unreadable images of the source."""
    named, changes = ((path, path) for path in self._paths), itertools.repeat(self.ground)
    try:
      yield from decode_squares(named, self._image_size, changes, self.shape[-1])
    except ImageFileError as error:
      raise unreadable_error(self._everything) or error from error

  def undecodable(self) -> dict[int, str]:
    """Decodes all images; returns {position: reason} of the unreadable images."""
    return {at: error.reason for at, error in _failures(self._paths).items()}


def _failures(paths: Sequence) -> dict[int, ImageFileError]:
  """Decodes files on all cores; returns {position: error}."""

  def failure(path):
    try:
      read_image(path, None)
    except ImageFileError as error:
      return error
    return None

  found = enumerate(on_all_cores(failure, paths))
  return {at: error for at, error in found if error is not None}


class UnreadableError(UserError):
  """Image files that cannot be used; all of a source."""


def unreadable_error(paths: Sequence) -> UnreadableError | None:
  """Returns the error that lists all unreadable files, or None."""
  failures = _failures(paths)
  if len(failures) == 1:
    return UnreadableError(*failures.values())
  if not failures:
    return None
  shown = some((f'{paths[at]} ({error.reason})' for at, error in failures.items()), LISTED)
  return UnreadableError(f'{len(failures)} of {len(paths)} image files cannot be read: {shown}')


class _Header(NamedTuple):
  size: tuple[int, int]
  grey: bool
  coloured: bool  # Laid on a coloured background.
  animated: bool


def look_at(
  paths: Sequence,
  image_size: int | None = None,
  background: str = BACKGROUND,
  skip_unreadable: bool = False,
) -> ImageFiles:
  """Reads the headers of image files of any size.

  The result has one channel if all images are grey. The EXIF orientation is applied.

  Args:
    paths: N files: paths, or files of `data_prep.trees`.
    image_size: side to which each image is resized (Lanczos) after a centre crop to a square; None
      if all images have the same square size already.
    background: background colour of images with transparent pixels.
    skip_unreadable: note files with a damaged header in `unreadable`, instead of raising.

  Returns:
    The images, uint8 [N, S, S, 1] or [N, S, S, 3]. Decoding raises a UserError for damage behind a
    header.

  Raises:
    UserError: files are no images or have more than 8 bits per channel (all are listed), or sizes
      differ.
  """
  ground = Ground(background)
  text = f'reading the sizes of {len(paths):,} images'
  read_all = on_all_cores(functools.partial(_header, ground), paths)
  headers = list(messages.counted(read_all, len(paths), text, after=1.0))
  unreadable = {at: h.reason for at, h in enumerate(headers) if not isinstance(h, _Header)}
  if unreadable and (not skip_unreadable or len(unreadable) == len(paths)):
    raise unreadable_error(paths) or UserError(f'image file {paths[0]} has changed: read it again')
  pairs = zip(paths, headers, strict=True)
  read = [(path, header) for path, header in pairs if isinstance(header, _Header)]
  first, sizes = read[0][1].size, [header.size for _, header in read]
  for path, header in read:
    if image_size is None and header.size != (first[1], first[1]):
      raise UserError(
        f'image {path} is {header.size[0]}x{header.size[1]}, but without image_size all images '
        f'must have one square size ({read[0][0].name} is {first[0]}x{first[1]}): set '
        f'{flag_names.flag("image_size")}, for example to 32'
      )
  looks = Looks(
    smallest=min(sizes, key=math.prod),
    largest=max(sizes, key=math.prod),
    num_images=len(read),
    num_grey=sum(header.grey for _, header in read),
    image_size=image_size,
    num_small=sum(min(size) < (image_size or 0) for size in sizes),
    num_animated=sum(header.animated for _, header in read),
  )
  side = image_size or first[0]
  channels = 3 if any(header.coloured or not header.grey for _, header in read) else 1
  return ImageFiles(paths, image_size, (side, side, channels), looks, ground, unreadable, paths)


def _header(ground: Ground, path: Any) -> '_Header | ImageFileError':
  """Reads the header of a file; returns an ImageFileError if it is damaged."""
  try:
    with open_image(path) as image:
      _check_depth(image, path)
      coloured = not ground.grey and may_be_transparent(image)
      animated = picture_formats.num_frames(image) > 1
      return _Header(image.size, image.mode in _GREY, coloured, animated)
  except ImageFileError as error:
    return error


def read_image(
  file: Any, image_size: int | None, path: Any = None, change: Callable | None = None
) -> np.ndarray:
  """Reads an image as uint8 [H, W, 1] or [H, W, 3]; see `decode_squares`.

  Args:
    file: a path or an open file.
    image_size: side to which the centre square is resized; None keeps the image.
    path: its name in messages, by default `file`.
    change: a function from PIL image to PIL image, applied before the crop.

  Raises:
    UserError: the image is unreadable or has more than 8 bits per channel.
  """
  path = path or file
  with open_image(file, path) as image:
    _check_depth(image, path)
    image = picture_formats.load(image)
    # Pillow's exif_transpose also rewrites the EXIF, which fails on invalid values.
    turn = _UPRIGHT.get(picture_formats.orientation(image))
    image = image if turn is None else image.transpose(turn)
    image = change(image) if change else image
    image = image.convert('L' if image.mode in _GREY else 'RGB')
    picture = np.asarray(fit_square(image, image_size) if image_size else image)
  return picture.reshape(*picture.shape[:2], -1)


def _check_depth(image, path):
  # Modes I, I;16 and F would be clipped to 255, an almost white picture.
  if image.mode.startswith(('I', 'F')):
    reason = 'more than 8 bits per channel: convert it to 8 bits'
    raise ImageFileError(f'image file {path} has {reason}', reason)


def on_all_cores(function: Callable, items: Iterable) -> Iterator:
  """Yields a function's result for each item, in order, in blocks."""
  items = iter(items)
  with ThreadPoolExecutor(os.cpu_count()) as pool:  # Decoders release the GIL.
    while block := list(itertools.islice(items, _BLOCK)):
      yield from pool.map(function, block)
