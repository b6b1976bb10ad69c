"""Images in prepared records, read on demand."""

from collections.abc import Sequence
from typing import Any

import numpy as np

READ_TOGETHER = 1000  # Records per read; single reads take five times as long.


class StoredImages:
  """Images in prepared records, read on demand; like an array uint8 `[N, H, W, C]`.

  Records have checksums.
  """

  dtype = np.dtype(np.uint8)

  def __init__(self, records: Any, shape: Sequence[int], positions: np.ndarray | None = None):
    """Reads nothing yet.

    Args:
      records: a data source of TFDS.
      shape: (N, H, W, C).
      positions: int [N], of the images in `records`; by default all.
    """
    self._records, self.shape, self._positions = records, tuple(shape), positions

  def __len__(self) -> int:
    """Returns the number of images."""
    return self.shape[0]

  def __getitem__(self, at) -> np.ndarray:
    """Reads the images at positions, an int array of any shape or a slice."""
    at = np.arange(len(self))[at] if isinstance(at, slice) else np.asarray(at)
    stored = at if self._positions is None else self._positions[at]
    images = np.empty((at.size, *self.shape[1:]), np.uint8)
    for start in range(0, at.size, READ_TOGETHER):
      block = stored.ravel()[start : start + READ_TOGETHER].tolist()
      for i, example in enumerate(self._records.__getitems__(block), start):
        images[i] = example['image']
    return images.reshape(*at.shape, *self.shape[1:])

  def take(self, at: np.ndarray, axis: int = 0) -> 'StoredImages':
    """Selects images without reading them."""
    assert axis == 0
    at = at if self._positions is None else self._positions[at]
    return StoredImages(self._records, (len(at), *self.shape[1:]), at)
