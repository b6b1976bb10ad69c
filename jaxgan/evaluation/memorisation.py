"""Generated images of the rarest classes beside their nearest training images."""

from typing import NamedTuple

import numpy as np

from jaxgan.metrics import class_distribution, memorisation

MAX_CLASSES = 10  # the rarest ones
MAX_IMAGES = 1000  # of a class, generated and held out
SHOWN = 6  # images of a class that are kept to be looked at
QUANTILES = np.linspace(0, 1, 11)


class LabelledFeatures(NamedTuple):
  """Images of one origin.

  Attributes:
    images: uint8 `[N, H, W, C]`, or the first ones; those of training may lie on the disk.
    labels: int `[N]`.
    features: `[N, D]` in the network that tells how near two images are.
  """

  images: np.ndarray
  labels: np.ndarray
  features: np.ndarray


def tail_classes(train_counts):
  """The classes of the tail third, at least one and at most 10, the rarest first."""
  number = len(class_distribution.frequency_thirds(train_counts)['tail'])
  return class_distribution.by_frequency(train_counts)[::-1][: min(MAX_CLASSES, max(1, number))]


def compare(
  generated: LabelledFeatures, train: LabelledFeatures, held_out: LabelledFeatures, train_counts
) -> tuple[dict, dict]:
  """How near generated images of the tail come to training images, beside how near real ones do.

  Nearest neighbours are searched among the training images of all classes.

  Args:
    generated: the generated images, as the annotator labels them.
    train: the training images.
    held_out: real images that were not trained on.
    train_counts: training images of each class `[K]`.

  Returns:
    (The numbers: 'classes', rarest first, and for each of them 'copying' (see
    `metrics.memorisation.copying`), 'generated_images' and 'held_out_images' compared, the
    'generated_quantiles' and 'held_out_quantiles' of their distances at 0, 10, ..., 100 %, None of
    no image, and how many are 'shown'; what the npz has: 'images', the generated images of a class
    that are the nearest, with their 'labels', the training images that are 'nearest' to them, with
    'nearest_labels', and the 'distances').
  """
  classes, rows, shown = tail_classes(train_counts), [], []
  for k in classes:
    at, found, distances = _nearest(generated, train, k)
    _, _, held_out_distances = _nearest(held_out, train, k)
    kept = np.flatnonzero(at < len(generated.images))
    kept = kept[np.argsort(distances[kept], kind='stable')[:SHOWN]]
    shown.append((at[kept], found[kept], distances[kept]))
    rows.append({
      'copying': memorisation.copying(distances, held_out_distances),
      'shown': len(kept),
      'generated_images': len(distances),
      'generated_quantiles': _quantiles(distances),
      'held_out_images': len(held_out_distances),
      'held_out_quantiles': _quantiles(held_out_distances),
    })  # fmt: skip
  results = {'classes': classes.tolist()}
  results |= {name: [row[name] for row in rows] for name in rows[0]}
  at, found, distances = map(np.concatenate, zip(*shown, strict=True))
  return results, {
    'images': generated.images[at],
    'labels': generated.labels[at],
    'nearest': train.images[found],
    'nearest_labels': train.labels[found],
    'distances': distances,
  }


def _nearest(side: LabelledFeatures, train: LabelledFeatures, k: int):
  """Images of a class, the training image nearest to each, and their distances."""
  at = np.flatnonzero(side.labels == k)[:MAX_IMAGES]
  if not at.size:
    return at, np.zeros(0, int), np.zeros(0)
  return at, *memorisation.nearest(train.features, side.features[at])


def _quantiles(distances):
  return np.quantile(distances, QUANTILES).tolist() if distances.size else None
