"""The training images of all replicas of a run, and what each replica has of them."""

from typing import Any, NamedTuple

import jax
import numpy as np


class Dataset(NamedTuple):
  """Images that the replicas of a run share: uint8 `[N, H, W, C]` and int32 labels `[N]`.

  Where images are streamed, those of one step and replica, in their order.
  """

  images: Any
  labels: Any


class ReplicaData(NamedTuple):
  """What a replica alone has: its part of the images and its seed's keys.

  Attributes:
    indices: int32 `[M]`, positions in the Dataset, class by class where batches are to be balanced;
      those from `num_images` on are padding.
    num_images: int32.
    label_of: int32, the replica's number 0 .. K - 1 of each class of the Dataset.
    class_counts: int32 `[K]`, images of each class.
    order_rng: key of the epochs' permutations.
    step_rng: key of the steps.
    class_starts: int32 `[K]`, where in `indices` each class begins; None where batches are not to
      be balanced.
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
    arrays: `data_prep.build.Arrays`, which holds the images of all replicas.
    indices: for each replica, the positions of its images in `arrays`.
    keys: for each replica, the name of its data.
    classes: for each replica, the labels in `arrays` of its classes 0 .. K - 1.
  """

  arrays: Any
  indices: tuple[np.ndarray, ...]
  keys: tuple[str, ...]
  classes: tuple[np.ndarray, ...]

  @property
  def labelled(self) -> bool:
    """Whether the images have labels that mean something."""
    return self.arrays.metadata.get('labelled', True)

  @property
  def streamed(self) -> bool:
    """Whether the images are read from the disk for every step."""
    return not isinstance(self.arrays.images, np.ndarray)

  @property
  def dataset(self) -> Dataset:
    return Dataset(self.arrays.images, self.arrays.labels)

  @property
  def image_shape(self) -> tuple[int, int, int]:
    """(H, W, C)."""
    return self.arrays.images.shape[1:]

  @property
  def num_classes(self) -> int:
    """K, the same for all replicas."""
    return len(self.classes[0])

  def summary(self) -> list[str]:
    """The lines of a short table: images per class, sizes, and what was passed over."""
    from data_prep.summary import summarise

    name = self.arrays.metadata.get('full_name', self.arrays.key)
    return summarise(name, self.arrays.metadata, self.image_shape)

  def class_names(self, replica: int) -> tuple[str, ...]:
    """The names of a replica's classes `[K]`."""
    return tuple(self.arrays.class_names[k] for k in self.classes[replica])

  def replica_arrays(self, replica: int):
    """The Arrays of one replica."""
    at, arrays = self.indices[replica], self.arrays
    own = arrays._replace(key=self.keys[replica], class_names=self.class_names(replica))
    if np.array_equal(at, np.arange(len(arrays.labels))) and own.class_names == arrays.class_names:
      return own  # Gigabytes need not be copied.
    labels = self._label_of(replica)[arrays.labels[at]]
    return own._replace(images=arrays.images.take(at, axis=0), labels=labels)

  def share_counts(self, replica: int) -> np.ndarray:
    """Images of each class `[K]` that a replica trains on."""
    labels = self._label_of(replica)[self.arrays.labels[self.indices[replica]]]
    return np.bincount(labels, minlength=self.num_classes)

  def _label_of(self, replica: int) -> np.ndarray:
    label_of = np.zeros(len(self.arrays.class_names), np.int32)
    label_of[self.classes[replica]] = np.arange(self.num_classes)
    return label_of

  def replica_data(self, replica: int, seed: int, class_balanced: bool = False) -> ReplicaData:
    """The ReplicaData of one replica; all of them have the same padded length."""
    indices, label_of = self.indices[replica], self._label_of(replica)
    if class_balanced:
      indices = indices[np.argsort(label_of[self.arrays.labels[indices]], kind='stable')]
    padded = np.zeros(max(map(len, self.indices)), np.int32)
    padded[: len(indices)] = indices
    _, *rngs = run_keys(seed)
    counts = self.share_counts(replica).astype(np.int32)
    starts = np.cumsum(counts, dtype=np.int32) - counts if class_balanced else None
    return ReplicaData(padded, np.int32(len(indices)), label_of, counts, *rngs, starts)


def run_keys(seed: int):
  """The keys of a run: (of its first state, of its epochs' orders, of its steps)."""
  return jax.random.split(jax.random.key(seed), 3)


def whole(pool, num_replicas: int = 1) -> TrainingData:
  """The TrainingData of replicas that all have all of a pool."""
  everything, classes = np.arange(len(pool.labels)), np.arange(len(pool.class_names))
  return TrainingData(pool, *((part,) * num_replicas for part in (everything, pool.key, classes)))
