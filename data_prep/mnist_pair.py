"""MNIST's zeros and fours in nine ratios: the two-class splits of `data_prep.long_tail_mnist`.

  zero_four_9_1 .. zero_four_1_9    a seeded choice of 7,000 images, in that ratio of zeros to fours
  zero_four_pool                    all zeros and fours out of the 70,000: replicas share it
  zero_four_full                    all of the 60,000 train images, for the evaluation classifier

With a total of 7,000 the larger class of 9 : 1 has 6,300 images, as the largest class in the splits
of ten classes.
"""

import numpy as np

from data_prep.long_tail import select_indices

DIGITS = (0, 4)
PREFIX = 'zero_four_'
RATIOS = tuple(f'{PREFIX}{zeros}_{10 - zeros}' for zeros in range(9, 0, -1))
CONFIGS = (*RATIOS, f'{PREFIX}pool', f'{PREFIX}full')
TOTAL = 7000
_SEEDS = 1000  # Splits of ten classes use lower seeds.


def pair_labels(labels: np.ndarray) -> np.ndarray:
  """Returns label 0 for zeros, 1 for fours and -1 for other digits; int64 [N]."""
  out = np.full(len(labels), -1)
  for k, digit in enumerate(DIGITS):
    out[labels == digit] = k
  return out


def pair_counts(config: str, total: int = TOTAL) -> list[int]:
  """Returns the images of zeros and fours in a config such as zero_four_9_1.

  >>> pair_counts('zero_four_9_1')
  [6300, 700]
  """
  return [total * int(share) // 10 for share in config.removeprefix(PREFIX).split('_')]


def pair_indices(labels: np.ndarray, config: str, total: int = TOTAL) -> np.ndarray:
  """Draws the images of a ratio, independently for each ratio.

  On the arrays of the config zero_four_pool, `images[pair_indices(labels, config)]` is the 'train'
  split of the config.

  Args:
    labels: int [N], 0 or 1 as in zero_four_pool; others are ignored.
    config: one of RATIOS.
    total: images of both digits together.

  Returns:
    int64 [n] positions in `labels`, ascending.

  Raises:
    UserError: a class has too few images.
  """
  return select_indices(labels, pair_counts(config, total), _SEEDS + RATIOS.index(config))
