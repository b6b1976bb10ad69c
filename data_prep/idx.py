"""Reading IDX files, the format of MNIST and its relatives: http://yann.lecun.com/exdb/mnist/."""

import gzip
import hashlib
import io
import math
from pathlib import Path
import struct
from typing import NamedTuple
import zlib

import numpy as np

from jaxgan.errors import UserError, first_line

_UNSIGNED_BYTES = 8
_LARGEST = 2**30  # Most unzipped bytes.


class Idx(NamedTuple):
  """The array uint8 of an IDX file, and the MD5 of the unzipped file."""

  array: np.ndarray
  md5: str


def read_idx(path: Path) -> Idx:
  """Reads an IDX file of unsigned bytes; gzip is recognised by content, not by name.

  The header is two zero bytes, the type, the number of dimensions, and each
  dimension as a big-endian uint32; the values follow, last dimension fastest.

  Args:
    path: the file.

  Returns:
    The array and the MD5 of the unzipped file.

  Raises:
    UserError: the file is unreadable, truncated, too long, or no IDX file of unsigned bytes.
  """
  try:
    data = path.read_bytes()
    if data.startswith(b'\x1f\x8b'):
      data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(_LARGEST + 1)
  except (OSError, EOFError, zlib.error) as error:
    raise UserError(f'IDX file {path} cannot be read ({first_line(error)})') from error
  if len(data) > _LARGEST:
    raise UserError(f'IDX file {path} has more than {_LARGEST} bytes')
  if len(data) < 4 or data[:2] != b'\0\0' or data[2] != _UNSIGNED_BYTES or data[3] == 0:
    raise UserError(
      f'{path} is not an IDX file of unsigned bytes: it starts with {data[:4].hex() or "nothing"}, '
      'MNIST images with 00000803 and labels with 00000801'
    )
  start = 4 + 4 * data[3]
  if len(data) < start:
    raise UserError(f'IDX file {path} is truncated: its header ends after {len(data)} bytes')
  shape = struct.unpack(f'>{data[3]}I', data[4:start])
  size = start + math.prod(shape)
  if len(data) != size:
    state = 'is truncated' if len(data) < size else 'is too long'
    raise UserError(
      f'IDX file {path} {state}: {len(data)} bytes, its header announces {size} ({shape})'
    )
  array = np.frombuffer(data, np.uint8, offset=start).reshape(shape)
  return Idx(array, hashlib.md5(data, usedforsecurity=False).hexdigest())
