"""Supported image formats, and opening files despite damaged metadata."""

from collections.abc import Iterator
import contextlib
import io
import math
import struct
from typing import Any

from PIL import Image, UnidentifiedImageError

from jaxgan.errors import UserError, first_line

# Pillow passes PostScript to Ghostscript and five formats to handlers that a program must install;
# it identifies MPEG and IPTC without decoding them.
_NOT_DECODED = ('EPS', 'WMF', 'BUFR', 'GRIB', 'HDF5', 'MPEG', 'IPTC')
_PNG = b'\x89PNG\r\n\x1a\n'
# Chunks that affect pixels, and the orientation in eXIf; other chunks are metadata.
_PNG_CHUNKS = (b'IHDR', b'PLTE', b'tRNS', b'IDAT', b'IEND', b'eXIf')
# Layers and the extra pictures of cameras are not frames.
_NO_FRAMES = ('PSD', 'MPO')


def _decoded_formats() -> tuple[tuple[str, ...], dict[str, str]]:
  """Returns the names of the formats and {file suffix: format}."""
  Image.init()
  decoded = {*Image.OPEN, 'MPO'} - {*_NOT_DECODED}  # The JPEG decoder reads MPO, too.
  suffixes = {k: name for k, name in Image.registered_extensions().items() if name in decoded}
  # Formats without a suffix have too weak a signature.
  return tuple(name for name in Image.ID if name in suffixes.values()), suffixes


FORMATS, SUFFIXES = _decoded_formats()
JPEG_SUFFIXES = tuple(suffix for suffix, name in SUFFIXES.items() if name in ('JPEG', 'MPO'))


class ImageFileError(UserError):
  """An image file that cannot be used.

  Attributes:
    reason: without the name of the file.
  """

  def __init__(self, message: str, reason: str):
    """Takes the line and its reason."""
    super().__init__(message)
    self.reason = reason


@contextlib.contextmanager
def open_image(file: Any, path: Any = None) -> Iterator[Image.Image]:
  """Opens an image file without decoding it; every error is an ImageFileError.

  Args:
    file: a path, an open file, or something with a method `openable` that returns one of them.
    path: its name in messages, by default `file`.
  """
  try:
    with _opened(file.openable() if hasattr(file, 'openable') else file) as image:
      if image.width * image.height > (Image.MAX_IMAGE_PIXELS or math.inf):
        raise ValueError(f'{image.width}x{image.height} pixels are too many')
      yield image
  except UserError:
    raise
  except Exception as error:  # Decoders raise a dozen types on damaged files.
    unknown = isinstance(error, UnidentifiedImageError)
    reason = 'damaged, or not PNG, JPEG, BMP, WEBP or another format that Pillow decodes'
    reason = reason if unknown else first_line(error)
    message = f'image file {path or file} cannot be read ({reason})'
    raise ImageFileError(message, reason) from error


def load(image: Image.Image) -> Image.Image:
  """Decodes an image; drops metadata that Pillow refuses."""
  file: Any = image  # Pillow's images from files have `fp` and `filename`.
  stream = file.fp
  try:
    image.load()
    return image
  except Exception:
    # Some metadata follows the pixels. Pillow closes files after the last frame.
    bare = _without_metadata(file.filename or stream)
    if bare is None:
      raise
    image = Image.open(bare, formats=('PNG',))
    image.load()
    return image


def num_frames(image: Image.Image) -> int:
  """Returns the number of frames of an image file; 1 if damage hides it."""
  if image.format in _NO_FRAMES:
    return 1
  try:
    return getattr(image, 'n_frames', 1)
  except Exception:  # Decoders raise a dozen types.
    return 1


def orientation(image: Image.Image) -> int:
  """Returns the EXIF orientation, 1 .. 8; 1 if the EXIF is unreadable."""
  try:
    return int(image.getexif().get(0x0112, 1))
  except Exception:  # The parser raises a dozen types.
    return 1


def _opened(file):
  try:
    return Image.open(file, formats=FORMATS)
  except Exception:
    bare = _without_metadata(file)
    if bare is None:
      raise
    return Image.open(bare, formats=('PNG',))


def _without_metadata(file) -> io.BytesIO | None:
  """Returns a PNG of only the chunks that affect pixels; None if nothing is to drop.

  Pillow refuses a PNG with too long text, with a colour profile that it cannot inflate, or with a
  wrong checksum of either.
  """
  if hasattr(file, 'read'):
    if file.closed:
      return None
    file.seek(0)
    data = file.read()
  else:
    with open(file, 'rb') as stream:
      data = stream.read()
  if not data.startswith(_PNG):
    return None
  parts, at, left_out = [_PNG], len(_PNG), False
  while at < len(data):
    length, kind = struct.unpack('>I4s', data[at : at + 8].ljust(8, b'\0'))
    end = at + 12 + length
    if kind in _PNG_CHUNKS or not kind.isalpha():
      parts.append(data[at:end])
    else:
      left_out = True
    at = end
  return io.BytesIO(b''.join(parts)) if left_out else None
