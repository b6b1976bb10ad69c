"""Compares generated images of the rarest classes with their nearest training images."""

from typing import Any, NamedTuple

import numpy as np

from jaxgan.metrics import class_distribution, memorisation

MAX_CLASSES = 10  # of the rarest classes
MAX_IMAGES = 1000  # per class, of the generated and of the held-out images
SHOWN = 6  # images per class that are written for pictures
QUANTILES = np.linspace(0, 1, 11)


class LabelledFeatures(NamedTuple):
  """Images of one origin, with labels and features.

  Attributes:
    images: uint8 `[N, H, W, C]`, or only the first images; training images may be on disk.
    labels: int `[N]`.
    features: `[N, D]`; the distance of two images is the distance of their features.
  """

  images: np.ndarray
  labels: np.ndarray
  features: np.ndarray


def tail_classes(train_counts: np.ndarray) -> np.ndarray:
  """Returns the classes of the tail third, at least one and at most 10, the rarest first."""
  number = len(class_distribution.frequency_thirds(train_counts)['tail'])
  return class_distribution.by_frequency(train_counts)[::-1][: min(MAX_CLASSES, max(1, number))]


def compare(
  generated: LabelledFeatures,
  train: LabelledFeatures,
  held_out: LabelledFeatures,
  train_counts: np.ndarray,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
  """Compares the distances of generated and of held-out images from the training images.

  Only images of the tail classes are compared; their nearest neighbours are searched among the
  training images of all classes.

  Args:
    generated: the generated images, labelled by the annotator.
    train: the training images.
    held_out: real images outside the training images.
    train_counts: training images of each class `[K]`.

  Returns:
    (results, arrays). The results are 'classes', the rarest first, and for each class 'copying'
    (see `metrics.memorisation.copying`), the numbers of compared 'generated_images' and
    'held_out_images', the 'generated_quantiles' and 'held_out_quantiles' of their distances at 0,
    10, ..., 100 % (None without images), and the number of images 'shown'. The arrays are 'images',
    the nearest generated images of each class, with 'labels'; 'nearest', their nearest training
    images, with 'nearest_labels'; and 'distances'.
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
  """The indices of a class, of the training image nearest to each image, and the distances."""
  at = np.flatnonzero(side.labels == k)[:MAX_IMAGES]
  if not at.size:
    return at, np.zeros(0, int), np.zeros(0)
  return at, *memorisation.nearest(train.features, side.features[at])


def _quantiles(distances):
  return np.quantile(distances, QUANTILES).tolist() if distances.size else None
