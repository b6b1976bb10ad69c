"""Class distribution of generated images, and how far it is from uniform."""

import numpy as np
from numpy.typing import ArrayLike

from jaxgan.metrics import checks

THIRDS = ('head', 'medium', 'tail')
GROUPS = ('many', 'medium', 'few')


def kl_from_uniform(counts: ArrayLike) -> float:
  """KL divergence of a class histogram from the uniform distribution, in nats.

  KL(p || u) = Σ_k p_k log(p_k K), with 0 log 0 = 0: 0 when balanced, log K
  when all images have one class.

  Args:
    counts: [K] number of images of each class.

  Returns:
    A float.

  Raises:
    ValueError: `counts` is not a vector, is all 0, or has a negative or non-finite value.

  Example:
    >>> kl_from_uniform([50, 50])
    0.0
  """
  counts = checks.counts(counts)
  present = counts[counts > 0] / counts.sum()
  # Rounding can leave a balanced histogram at -1e-17.
  return max(0.0, float(np.sum(present * np.log(present * counts.size))))


def class_counts(labels: ArrayLike, num_classes: int) -> np.ndarray:
  """Number of images of each class.

  Args:
    labels: [N] integers in 0 .. num_classes - 1.
    num_classes: K.

  Returns:
    int64 [K].

  Raises:
    ValueError: a label is not an integer or is out of range.

  Example:
    >>> class_counts([0, 2, 2], num_classes=3).tolist()
    [1, 0, 2]
  """
  labels = np.asarray(labels)
  if labels.ndim != 1 or not (labels.size == 0 or np.issubdtype(labels.dtype, np.integer)):
    raise ValueError(
      f'labels of type {labels.dtype} and shape {list(labels.shape)}: expected integers [N], '
      'for example [5000]'
    )
  if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
    raise ValueError(
      f'labels in {labels.min()} .. {labels.max()}: expected 0 .. {num_classes - 1}, as '
      f'num_classes={num_classes}'
    )
  return np.bincount(labels.astype(np.int64), minlength=num_classes)


def frequency_thirds(train_counts: ArrayLike) -> dict[str, np.ndarray]:
  """Head, medium and tail: the classes in three near-equal groups by training frequency.

  If K is not a multiple of 3, the head gets the first extra class and the medium group the second.
  Classes of equal frequency keep the order of their labels.

  Args:
    train_counts: [K] number of training images of each class.

  Returns:
    A dict of "head", "medium", "tail": integer vectors of class indices, each sorted by decreasing
    training frequency.

  Example:
    >>> {name: third.tolist() for name, third in frequency_thirds([5, 90, 30, 10]).items()}
    {'head': [1, 2], 'medium': [3], 'tail': [0]}
  """
  return dict(zip(THIRDS, np.array_split(by_frequency(train_counts), 3), strict=True))


def class_groups(train_counts: ArrayLike) -> dict[str, np.ndarray]:
  """Many, medium and few: the groups of classes in which long-tailed results are reported.

  The frequency ranks from floor(i K / 3) to floor((i + 1) K / 3) - 1 for i = 0, 1, 2: ranks 0-2,
  3-5, 6-9 of 10 classes and 0-32, 33-65, 66-99 of 100. Ranks are labels if the classes are sorted
  by decreasing frequency. If K is not a multiple of 3, the extra classes join the rare groups
  (3 + 3 + 4 of 10), unlike in `frequency_thirds`, where they join the frequent groups (4 + 3 + 3).

  Args:
    train_counts: [K] number of training images of each class.

  Returns:
    A dict of "many", "medium", "few": integer vectors of class indices, each sorted by decreasing
    training frequency; classes of equal frequency keep the order of their labels.

  Example:
    >>> {name: group.tolist() for name, group in class_groups([5, 90, 30, 10]).items()}
    {'many': [1], 'medium': [2], 'few': [3, 0]}
  """
  order = by_frequency(train_counts)
  bounds = [order.size // 3, 2 * order.size // 3]
  return dict(zip(GROUPS, np.split(order, bounds), strict=True))


def head_medium_tail(counts: ArrayLike, train_counts: ArrayLike) -> dict[str, float]:
  """Shares of the generated images in the head, medium and tail classes.

  Args:
    counts: [K] number of generated images of each class.
    train_counts: [K] number of training images of each class.

  Returns:
    A dict of floats: "head", "medium", "tail", which sum to 1. The share of a third without classes
    (K < 3) is 0.

  Example:
    >>> head_medium_tail([5, 3, 2], train_counts=[90, 30, 10])
    {'head': 0.5, 'medium': 0.3, 'tail': 0.2}
  """
  counts = checks.counts(counts)
  thirds = frequency_thirds(train_counts).items()
  return {name: float(counts[third].sum() / counts.sum()) for name, third in thirds}


def by_frequency(train_counts: ArrayLike) -> np.ndarray:
  """Classes sorted by decreasing training frequency; ties keep the order of their labels."""
  return np.argsort(-checks.counts(train_counts), kind='stable')
