"""Class distribution: how far the classes of generated images are from uniform."""

import numpy as np

from jaxgan.metrics import checks

THIRDS = ('head', 'medium', 'tail')
GROUPS = ('many', 'medium', 'few')


def kl_from_uniform(counts):
  """KL divergence of a class histogram from the uniform distribution, in nats.

  KL(p || u) = sum_k p_k log(p_k K), with 0 log 0 = 0: 0 when balanced, log K
  when all images are of one class.

  Args:
    counts: [K] number of images of each class.

  Returns:
    A float.

  Raises:
    ValueError: `counts` is not a vector, is all zero, or holds a value that is
      negative or not finite.

  Example:
    >>> kl_from_uniform([50, 50])
    0.0
  """
  counts = checks.counts(counts)
  present = counts[counts > 0] / counts.sum()
  # Rounding can leave a balanced histogram at -1e-17.
  return max(0.0, float(np.sum(present * np.log(present * counts.size))))


def class_counts(labels, num_classes):
  """The number of images of each class.

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
    raise ValueError(f'labels must be integers [N], got {labels.dtype} {list(labels.shape)}')
  if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
    raise ValueError(
      f'labels must be in 0 .. {num_classes - 1}, got {labels.min()} .. {labels.max()}'
    )
  return np.bincount(labels.astype(np.int64), minlength=num_classes)


def frequency_thirds(train_counts):
  """Splits the classes by training frequency into three near-equal groups.

  When K is not a multiple of 3 the head takes the first class left over, the
  medium the second. Classes of equal frequency keep the order of their labels.

  Args:
    train_counts: [K] number of training images of each class.

  Returns:
    A dict of "head", "medium", "tail": integer vectors of class indices, each sorted by falling
    training frequency.

  Example:
    >>> {name: third.tolist() for name, third in frequency_thirds([5, 90, 30, 10]).items()}
    {'head': [1, 2], 'medium': [3], 'tail': [0]}
  """
  return dict(zip(THIRDS, np.array_split(by_frequency(train_counts), 3), strict=True))


def class_groups(train_counts):
  """Many, medium and few: the groups of classes that results on long-tailed data are given for.

  The frequency ranks from floor(i K / 3) to floor((i + 1) K / 3) - 1 for i = 0, 1, 2: ranks 0-2,
  3-5, 6-9 of 10 classes and 0-32, 33-65, 66-99 of 100 (the labels themselves where the classes are
  in falling order). They are the `frequency_thirds` but for the classes left over where K is no
  multiple of 3, which the thirds give to the frequent groups (4 + 3 + 3 of 10) and these to the
  rare ones (3 + 3 + 4).

  Args:
    train_counts: [K] number of training images of each class.

  Returns:
    A dict of "many", "medium", "few": integer vectors of class indices, each sorted by falling
    training frequency; classes of equal frequency keep the order of their labels.

  Example:
    >>> {name: group.tolist() for name, group in class_groups([5, 90, 30, 10]).items()}
    {'many': [1], 'medium': [2], 'few': [3, 0]}
  """
  order = by_frequency(train_counts)
  bounds = [order.size // 3, 2 * order.size // 3]
  return dict(zip(GROUPS, np.split(order, bounds), strict=True))


def head_medium_tail(counts, train_counts):
  """How much of the generated images the frequent, middle and rare classes get.

  Args:
    counts: [K] number of generated images of each class.
    train_counts: [K] number of training images of each class.

  Returns:
    A dict of floats: "head", "medium", "tail", which sum to 1. A third without classes (K < 3)
    has 0.

  Example:
    >>> head_medium_tail([5, 3, 2], train_counts=[90, 30, 10])
    {'head': 0.5, 'medium': 0.3, 'tail': 0.2}
  """
  counts = checks.counts(counts)
  thirds = frequency_thirds(train_counts).items()
  return {name: float(counts[third].sum() / counts.sum()) for name, third in thirds}


def by_frequency(train_counts):
  """The classes, the frequent ones first; those of equal frequency in the order of their labels."""
  return np.argsort(-checks.counts(train_counts), kind='stable')
