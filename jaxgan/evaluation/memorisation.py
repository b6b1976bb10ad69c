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
  thirds = class_distribution.frequency_thirds(train_counts)
  rarest_first = np.concatenate(list(thirds.values()))[::-1]
  return rarest_first[: min(MAX_CLASSES, max(1, len(thirds['tail'])))]


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
  sides = {'generated': generated, 'held_out': held_out}
  classes = tail_classes(train_counts)
  results, shown = {'classes': classes.tolist(), 'copying': [], 'shown': []}, []
  for name in sides:
    results |= {f'{name}_images': [], f'{name}_quantiles': []}
  for k in classes:
    distances = {}
    for name, side in sides.items():
      at = np.flatnonzero(side.labels == k)[:MAX_IMAGES]
      found, distances[name] = np.zeros(0, int), np.zeros(0)
      if at.size:
        found, distances[name] = memorisation.nearest(train.features, side.features[at])
      quantiles = np.quantile(distances[name], QUANTILES).tolist() if at.size else None
      results[f'{name}_images'].append(int(at.size))
      results[f'{name}_quantiles'].append(quantiles)
      if name == 'generated':
        kept = np.flatnonzero(at < len(side.images))
        kept = kept[np.argsort(distances[name][kept], kind='stable')[:SHOWN]]
        results['shown'].append(int(kept.size))
        shown.append((at[kept], found[kept], distances[name][kept]))
    results['copying'].append(memorisation.copying(distances['generated'], distances['held_out']))
  at, found, distances = map(np.concatenate, zip(*shown, strict=True))
  return results, {
    'images': generated.images[at],
    'labels': generated.labels[at],
    'nearest': train.images[found],
    'nearest_labels': train.labels[found],
    'distances': distances,
  }
