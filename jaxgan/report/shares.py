"""The classes' shares of the generated images over the steps of a run."""

import numpy as np

from jaxgan.metrics.class_distribution import THIRDS, frequency_thirds, head_medium_tail

MAX_CLASSES = 10  # more are shown as head, medium and tail
COUNTS, CODE_COUNTS = 'evaluation/class_counts', 'evaluation/code_counts'  # names in the log


def over_time(rows, class_names, train_counts, key=COUNTS):
  """The share of each class, or of more than 10 classes of each third, in rows of the log.

  Args:
    rows: what `jaxgan.training.logging.read_metrics` returns.
    class_names: [K] strings.
    train_counts: [K] training images of each class, which order the classes from head to tail.
    key: the rows' name for the class counts [K].

  Returns:
    (steps [N], names of the classes or thirds, shares [N, names]) of the rows that have the key.
  """
  rows = [row for row in rows if key in row]
  if not rows:
    return [], [], np.zeros((0, 0))
  steps = [row['step'] for row in rows]
  if len(class_names) > MAX_CLASSES:
    thirds = [head_medium_tail(row[key], train_counts) for row in rows]
    shares = np.array([[third[name] for name in THIRDS] for third in thirds])
    return steps, third_names(train_counts), shares
  order = np.concatenate(list(frequency_thirds(train_counts).values()))
  names = [class_names[k] for k in order]
  counts = np.array([row[key] for row in rows], np.float64).reshape(len(rows), len(class_names))
  return steps, names, (counts / counts.sum(axis=1, keepdims=True))[:, order]


def third_names(train_counts):
  """What the thirds of the classes are called: 'head (4 classes)' and so on."""
  groups = frequency_thirds(train_counts).items()
  return [f'{name} ({len(group)} classes)' for name, group in groups]
