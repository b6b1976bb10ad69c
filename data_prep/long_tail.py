"""The long-tailed construction: the number and the choice of images per class."""

from collections.abc import Sequence
from fractions import Fraction
import hashlib
import math

import numpy as np

from jaxgan.errors import UserError


def class_counts(n_max: int, num_classes: int, ratio: float) -> list[int]:
  """Returns the images per class, decreasing exponentially from the first class.

  n_k = floor(n_max * ratio^(-k / (K - 1))), k = 0 .. K - 1: "Learning Imbalanced
  Datasets with Label-Distribution-Aware Margin Loss" (Cao et al. 2019). The floor
  is exact: n_k is the largest n with n^(K-1) * ratio^k <= n_max^(K-1), found in
  integers, so that n_max / ratio = 500 never becomes 499.

  >>> class_counts(5000, 10, 100)
  [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]

  Args:
    n_max: images of class 0, the most frequent one.
    num_classes: K.
    ratio: imbalance ratio, size of the first class / size of the last; >= 1.

  Returns:
    K counts in label order. A count is 0 where n_max * ratio^(-k/(K-1)) < 1.

  Raises:
    UserError: a ValueError; ratio < 1 or not finite, n_max < 1 or num_classes < 1.
  """
  if n_max < 1 or num_classes < 1:
    raise UserError(f'n_max and num_classes must be at least 1, got {n_max} and {num_classes}')
  if not (math.isfinite(ratio) and ratio >= 1):
    raise UserError(f'ratio (imbalance ratio) must be a finite number >= 1, got {ratio}')
  exact = Fraction(str(ratio))  # 3.3 means 33/10, not the nearest double.
  steps = num_classes - 1
  counts = [n_max]
  for k in range(1, num_classes):
    numerator, denominator = exact.numerator**k, exact.denominator**k
    bound = n_max**steps * denominator
    n = math.floor(n_max * float(exact) ** (-k / steps))
    while n**steps * numerator > bound:
      n -= 1
    while (n + 1) ** steps * numerator <= bound:
      n += 1
    counts.append(n)
  return counts


def largest_n_max(available: Sequence[int], ratio: float) -> int:
  """Returns the largest n_max for which every class has its `class_counts`.

  Args:
    available: [K] images of each class, in label order.
    ratio: imbalance ratio >= 1.

  Returns:
    n_max; equal to min(available) for ratio 1.
  """
  low, high = 0, int(available[0])
  while low < high:
    middle = (low + high + 1) // 2
    counts = class_counts(middle, len(available), ratio)
    if all(n <= have for n, have in zip(counts, available, strict=True)):
      low = middle
    else:
      high = middle - 1
  return low


def shuffled_class(labels: np.ndarray, label: int, seed: int) -> np.ndarray:
  """Shuffles the positions of a class, as a function of (seed, class) only.

  The order sorts the raw 64-bit stream of PCG64(SeedSequence([seed, class])). NumPy
  guarantees this stream for ever, unlike `Generator.permutation`. Only ranks within
  the class are shuffled, so the positions of other classes have no influence.

  Args:
    labels: [N] int.
    label: the class.
    seed: >= 0.

  Returns:
    [n] int64 positions in `labels`, each position of the class once.
  """
  members = np.flatnonzero(np.asarray(labels) == label)
  keys = np.random.PCG64(np.random.SeedSequence([seed, label])).random_raw(len(members))
  return members[np.argsort(keys, kind='stable')].astype(np.int64)


def select_indices(
  labels: np.ndarray, counts: Sequence[int], seed: int, skip: Sequence[int] | None = None
) -> np.ndarray:
  """Selects the first counts[k] images of the seeded shuffle of each class k.

  A smaller count selects a subset of a larger selection: ratio 100 is a subset of
  ratio 10, which is a subset of ratio 1.

  Args:
    labels: [N] int.
    counts: [K] images to take of each class.
    seed: >= 0.
    skip: [K] images at the front of each shuffle that belong to another split.

  Returns:
    [sum(counts)] int64 positions in `labels`, ascending.

  Raises:
    UserError: a ValueError; a class has too few images.
  """
  skip = [0] * len(counts) if skip is None else skip
  chosen = []
  for k, (count, start) in enumerate(zip(counts, skip, strict=True)):
    order = shuffled_class(labels, k, seed)[start:]
    if len(order) < count:
      raise UserError(f'class {k} has {len(order)} images to choose from, {count} are needed')
    chosen.append(order[:count])
  return np.sort(np.concatenate(chosen))


def hold_out(labels: np.ndarray, seed: int) -> np.ndarray:
  """Selects 20 % of each class, to test an evaluation classifier.

  Of a class of n images, the first max(1, round(n / 5)) of its seeded shuffle.

  Args:
    labels: [N] int; every class 0 .. K - 1 has images.
    seed: >= 0.

  Returns:
    int64 positions in `labels`, ascending.
  """
  return select_indices(labels, [max(1, round(n / 5)) for n in np.bincount(labels)], seed)


def indices_sha256(indices: np.ndarray) -> str:
  """Returns the SHA-256 of integers as little-endian int64 bytes, to identify a selection.

  Args:
    indices: [N] int.

  Returns:
    64 hexadecimal digits.
  """
  return hashlib.sha256(np.ascontiguousarray(indices, dtype='<i8').tobytes()).hexdigest()
