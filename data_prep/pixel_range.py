"""Conversion of arrays of images from other scales to uint8 in 0..255."""

from collections.abc import Callable, Mapping

import numpy as np

from jaxgan.errors import UserError

_DARKEST = 32  # Images with a lower maximum have another scale than 0..255, such as 0..16.
_END = 0.01  # Tolerance of the extremes of images in [-1, 1].
_ROUNDING = 1e-3  # Tolerance for rounding beyond the ends of a range.
_TOGETHER = 1000  # Images per conversion.


def to_uint8(
  source: str, images: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
  """Converts the images of all splits from a common scale to 0..255.

  Args:
    source: the beginning of messages.
    images: {name: bool, integers or floats `[N, ...]`}, not empty.

  Returns:
    ({name: uint8}, messages about changes).

  Raises:
    UserError: other types of values, or an ambiguous scale.
  """
  names = ' and '.join(images)
  kinds = {array.dtype.kind for array in images.values()}
  if not kinds <= set('buif') or (len(kinds) > 1 and kinds & set('bf')):
    types = ', '.join(f'{name} {array.dtype}' for name, array in images.items())
    raise UserError(f'{source}: images must be uint8 or floats, alike in all splits, got {types}')
  low = min(float(array.min()) for array in images.values())
  high = max(float(array.max()) for array in images.values())
  scale, done = _scale(f'{source}: {names}', 'f' in kinds, 'b' in kinds, low, high)
  converted = {name: _convert(array, scale) for name, array in images.items()}
  return converted, (f'{names}: {done}',) if done else ()


def _scale(where, is_float, is_bool, low, high) -> tuple[Callable | None, str]:
  """Returns the function to 0..255 (None for no change) and its effect in words."""
  if not np.isfinite(low + high):
    raise UserError(f'{where} have NaN or infinite values: remove or replace these images')
  if is_bool:
    return lambda x: x * np.uint8(255), 'True and False, made 255 and 0'
  most = 1 + _ROUNDING
  if is_float and low >= -_ROUNDING and high <= most:
    return lambda x: np.float32(x) * 255, 'floats in [0, 1], scaled to 0..255'
  if is_float and abs(low + 1) <= _END and abs(high - 1) <= _END and max(-low, high) <= most:
    return lambda x: (np.float32(x) + 1) * 127.5, 'floats in [-1, 1], scaled to 0..255'
  if low >= 0 and _DARKEST <= high <= 255:
    return (np.float32, 'floats in [0, 255], rounded') if is_float else (None, '')
  shown = f'{low:g}..{high:g}'
  if is_float:
    raise UserError(
      f'{where} are floats in {shown}, and their scale is not clear: give uint8 in 0..255, or '
      'floats in [0, 1]'
    )
  if low < 0 or high > 255:
    raise UserError(f'{where} are integers in {shown}: give uint8 in 0..255')
  if high == 0:
    raise UserError(f'{where} are all black: every value is 0')
  raise UserError(
    f'{where} are integers in {shown}, which would be almost black: expected 0..255. '
    f'Multiply them by 255 / {high:g}, or give floats in [0, 1]'
  )


def _convert(array, scale) -> np.ndarray:
  if scale is None:
    return array.astype(np.uint8, copy=False)
  converted = np.empty(array.shape, np.uint8)
  for start in range(0, len(array), _TOGETHER):
    block = slice(start, start + _TOGETHER)
    converted[block] = np.clip(np.rint(scale(array[block])), 0, 255)
  return converted
