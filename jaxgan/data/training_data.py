"""The training images of a run, and the share and keys of each replica."""

from typing import Any, NamedTuple

import jax
import numpy as np

from data_prep.long_tail import select_indices

HALVES = ('first', 'second')
MIN_IN_HALF = 50  # Images of each class; with fewer, a half could not teach the class.


class Dataset(NamedTuple):
  """The images of all replicas, or streamed images of one step and replica.

  Attributes:
    images: uint8 `[N, H, W, C]`.
    labels: int32 `[N]`.
  """

  images: Any
  labels: Any


class ReplicaData(NamedTuple):
  """The share of the images and the keys of one replica.

  Attributes:
    indices: int32 `[M]`, positions in the Dataset, sorted by class for class-balanced batches;
      entries from `num_images` on are padding.
    num_images: int32.
    label_of: int32, the replica's label 0 .. K - 1 for each class of the Dataset.
    class_counts: int32 `[K]`, images per class.
    order_rng: key of the epochs' permutations.
    step_rng: key of the steps.
    class_starts: int32 `[K]`, first position in `indices` of each class, for class-balanced
      batches; otherwise None.
  """

  indices: Any
  num_images: Any
  label_of: Any
  class_counts: Any
  order_rng: Any
  step_rng: Any
  class_starts: Any = None


class TrainingData(NamedTuple):
  """The training images of all replicas of a run, on the host.

  Attributes:
    arrays: `data_prep.build.Arrays` with the images of all replicas.
    indices: per replica, the positions of its images in `arrays`.
    keys: per replica, the name of its data.
    classes: per replica, the labels in `arrays` of its classes 0 .. K - 1.
  """

  arrays: Any
  indices: tuple[np.ndarray, ...]
  keys: tuple[str, ...]
  classes: tuple[np.ndarray, ...]

  @property
  def labelled(self) -> bool:
    """Whether the images have labels."""
    return self.arrays.metadata.get('labelled', True)

  @property
  def streamed(self) -> bool:
    """Whether every step reads its images from disk."""
    return not isinstance(self.arrays.images, np.ndarray)

  @property
  def dataset(self) -> Dataset:
    """All images and labels."""
    return Dataset(self.arrays.images, self.arrays.labels)

  @property
  def image_shape(self) -> tuple[int, int, int]:
    """(H, W, C)."""
    return self.arrays.images.shape[1:]

  @property
  def num_classes(self) -> int:
    """Number of classes K, the same for all replicas."""
    return len(self.classes[0])

  def summary(self) -> list[str]:
    """Returns the lines of a short table: images per class, sizes, and skipped files."""
    from data_prep.summary import summarise

    name = self.arrays.metadata.get('full_name', self.arrays.key)
    return summarise(name, self.arrays.metadata, self.image_shape)

  def class_names(self, replica: int) -> tuple[str, ...]:
    """Returns the names of a replica's classes `[K]`."""
    return tuple(self.arrays.class_names[k] for k in self.classes[replica])

  def replica_arrays(self, replica: int) -> Any:
    """Returns the images of one replica as `data_prep.build.Arrays`."""
    at, arrays = self.indices[replica], self.arrays
    own = arrays._replace(key=self.keys[replica], class_names=self.class_names(replica))
    if np.array_equal(at, np.arange(len(arrays.labels))) and own.class_names == arrays.class_names:
      return own  # Avoids a copy of gigabytes.
    labels = self._label_of(replica)[arrays.labels[at]]
    return own._replace(images=arrays.images.take(at, axis=0), labels=labels)

  def share_counts(self, replica: int) -> np.ndarray:
    """Counts the training images of a replica per class `[K]`."""
    labels = self._label_of(replica)[self.arrays.labels[self.indices[replica]]]
    return np.bincount(labels, minlength=self.num_classes)

  def _label_of(self, replica: int) -> np.ndarray:
    label_of = np.zeros(len(self.arrays.class_names), np.int32)
    label_of[self.classes[replica]] = np.arange(self.num_classes)
    return label_of

  def replica_data(self, replica: int, seed: int, class_balanced: bool = False) -> ReplicaData:
    """Makes the ReplicaData of one replica, padded to the same length for all replicas.

    Args:
      replica: number of the replica.
      seed: of the replica.
      class_balanced: prepare for class-balanced batches.
    """
    indices, label_of = self.indices[replica], self._label_of(replica)
    if class_balanced:
      indices = indices[np.argsort(label_of[self.arrays.labels[indices]], kind='stable')]
    padded = np.zeros(max(map(len, self.indices)), np.int32)
    padded[: len(indices)] = indices
    _, order_rng, step_rng = run_keys(seed)
    counts = self.share_counts(replica).astype(np.int32)
    starts = np.cumsum(counts, dtype=np.int32) - counts if class_balanced else None
    return ReplicaData(
      padded, np.int32(len(indices)), label_of, counts, order_rng, step_rng, starts
    )


def halved(data: TrainingData, half: str | None) -> TrainingData:
  """Keeps one of two disjoint halves of the images of each class, where both have MIN_IN_HALF.

  The seed of the data set's splits chooses the halves. The metadata say in `part` which images are
  kept.

  Args:
    data: the TrainingData, of prepared images.
    half: 'first', 'second', or None for all images.

  Returns:
    The TrainingData; all images if a class is too small.
  """
  if half is None:
    return data
  pool, counts = data.arrays, data.share_counts(0)
  if counts.min() < 2 * MIN_IN_HALF:
    rarest = pool.class_names[counts.argmin()]
    need = 2 * MIN_IN_HALF
    part = f'all training images, because {rarest} has {counts.min()} and two halves need {need}'
    return data._replace(arrays=pool._replace(metadata={**pool.metadata, 'part': part}))
  first = select_indices(pool.labels, (counts // 2).tolist(), pool.metadata.get('seed') or 0)
  at = first if half == HALVES[0] else np.setdiff1d(np.arange(len(pool.labels)), first)
  return whole(
    pool._replace(
      images=pool.images.take(at, axis=0),
      labels=pool.labels[at],
      metadata={**pool.metadata, 'part': f'the {half} half of each class'},
      key=f'{pool.key}/{half}_half',
    )
  )


def run_keys(seed: int) -> jax.Array:
  """Derives the three keys of a run: initial state, order of epochs, and steps."""
  return jax.random.split(jax.random.key(seed), 3)


def whole(pool: Any, num_replicas: int = 1) -> TrainingData:
  """Makes the TrainingData of replicas that each have all images of a pool.

  Args:
    pool: `data_prep.build.Arrays`.
    num_replicas: number of replicas.
  """
  everything, classes = np.arange(len(pool.labels)), np.arange(len(pool.class_names))
  n = num_replicas
  return TrainingData(pool, (everything,) * n, (pool.key,) * n, (classes,) * n)
