"""Data sets that live on the device, and the batch of every step as a function of (seed, step)."""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from data_prep import preparation
from jaxgan import augment, distributed, parallel
from jaxgan.algorithms import Batch
from jaxgan.errors import UserError

REFERENCES = ('held_out', 'released')  # of `load_reference`
RELEASED = 'reference_released'  # the split that the second one is
_ROUNDS = 6


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
    pool: `data_prep.build.Arrays`, which holds the images of all replicas.
    indices: a replica each, its positions in the pool.
    keys: a replica each, the name of its data.
    classes: a replica each, the pool's numbers of its K classes in their order.
  """

  pool: Any
  indices: tuple[np.ndarray, ...]
  keys: tuple[str, ...]
  classes: tuple[np.ndarray, ...]

  @property
  def labelled(self) -> bool:
    """Whether the images have labels that mean something."""
    return self.pool.metadata.get('labelled', True)

  @property
  def streamed(self) -> bool:
    """Whether the images are read from the disk for every step."""
    return not isinstance(self.pool.images, np.ndarray)

  @property
  def dataset(self) -> Dataset:
    return Dataset(self.pool.images, self.pool.labels)

  @property
  def image_shape(self) -> tuple[int, int, int]:
    """(H, W, C)."""
    return self.pool.images.shape[1:]

  @property
  def num_classes(self) -> int:
    """K, the same for all replicas."""
    return len(self.classes[0])

  def summary(self) -> list[str]:
    """The lines of a short table: images per class, sizes, and what was passed over."""
    from data_prep.summary import summarise

    name = self.pool.metadata.get('full_name', self.pool.key)
    return summarise(name, self.pool.metadata, self.image_shape)

  def class_names(self, replica: int) -> tuple[str, ...]:
    """The names of a replica's classes `[K]`."""
    return tuple(self.pool.class_names[k] for k in self.classes[replica])

  def arrays(self, replica: int):
    """The Arrays of one replica."""
    at, class_names = self.indices[replica], self.class_names(replica)
    pool = self.pool._replace(key=self.keys[replica], class_names=class_names)
    if (
      np.array_equal(at, np.arange(len(self.pool.labels))) and class_names == self.pool.class_names
    ):
      return pool  # Gigabytes need not be copied.
    labels = self._label_of(replica)[self.pool.labels[at]]
    return pool._replace(images=self.pool.images.take(at, axis=0), labels=labels)

  def share_counts(self, replica: int) -> np.ndarray:
    """Images of each class `[K]` that a replica trains on."""
    labels = self._label_of(replica)[self.pool.labels[self.indices[replica]]]
    return np.bincount(labels, minlength=self.num_classes)

  def _label_of(self, replica: int) -> np.ndarray:
    label_of = np.zeros(len(self.pool.class_names), np.int32)
    label_of[self.classes[replica]] = np.arange(self.num_classes)
    return label_of

  def replica_data(self, replica: int, seed: int, class_balanced: bool = False) -> ReplicaData:
    """The ReplicaData of one replica; all of them have the same padded length."""
    indices, label_of = self.indices[replica], self._label_of(replica)
    if class_balanced:
      indices = indices[np.argsort(label_of[self.pool.labels[indices]], kind='stable')]
    padded = np.zeros(max(map(len, self.indices)), np.int32)
    padded[: len(indices)] = indices
    _, *rngs = run_keys(seed)
    counts = self.share_counts(replica).astype(np.int32)
    starts = np.cumsum(counts, dtype=np.int32) - counts if class_balanced else None
    return ReplicaData(padded, np.int32(len(indices)), label_of, counts, *rngs, starts)


def run_keys(seed: int):
  """The keys of a run: (of its first state, of its epochs' orders, of its steps)."""
  return jax.random.split(jax.random.key(seed), 3)


def load(config, split: str, limit: float = math.inf):
  """Loads a split named by a config's `data` section, preparing the data set if it is missing.

  Args:
    config: the `data` section: dataset, source, data_dir and the builder's own options.
    split: 'train' or 'test'.
    limit: images of more bytes stay on the disk.

  Returns:
    `data_prep.build.Arrays`: images, labels, class_names, metadata, key.
  """
  return _load(config.dataset, split, *_place(config), _options(config), limit)


def load_reference(config, which: str = 'held_out'):
  """The images that generated ones are compared with.

  Args:
    config: the `data` section.
    which: 'held_out', the split 'reference' (of iNaturalist training images, as in the paper) or,
      of a data set without it, 'test'; or 'released', the training images that the authors'
      released code compares with, which only LSUN has.

  Returns:
    `data_prep.build.Arrays`.

  Raises:
    UserError: the data set does not have the released reference.
  """
  check_reference(config, which)
  test = load(config, 'test')
  if which == 'released':
    return load(config, RELEASED)
  return load(config, 'reference') if 'reference' in test.metadata else test


def check_reference(config, which: str) -> None:
  """Raises a UserError where a data set has no such reference; see `load_reference`."""
  if which == 'released' and RELEASED not in load(config, 'test').metadata:
    raise UserError(
      f"config.evaluation.reference='released' is not possible with {config.dataset}: use "
      "'held_out', or long_tail_lsun as this version prepares it"
    )


def load_training(config, num_replicas: int = 1) -> TrainingData:
  """Loads the training split of every replica.

  Replica r of a data set in numbered splits (long_tail_mnist/split_00) has the r-th split from the
  one that is named; of any other data set, all replicas have all images.

  Args:
    config: the `data` section.
    num_replicas: how many.

  Returns:
    The TrainingData.

  Raises:
    UserError: there are not so many splits.
  """

  splits = preparation.replica_splits(config.dataset, num_replicas) if num_replicas > 1 else None
  if splits is None:
    return whole(load(config, 'train', _limit(config)), num_replicas)
  options = _options(config)
  pool = _load(splits.pool, 'train', *_place(config), options, _limit(config))
  indices, classes = zip(*(choose(pool) for choose in splits.choices), strict=True)
  keys = tuple(f'{name} of {pool.key}' for name in splits.names)
  return TrainingData(pool, indices, keys, classes)


def whole(pool, num_replicas: int = 1) -> TrainingData:
  """The TrainingData of replicas that all have all of a pool."""
  everything, classes = np.arange(len(pool.labels)), np.arange(len(pool.class_names))
  return TrainingData(pool, *((part,) * num_replicas for part in (everything, pool.key, classes)))


def _limit(config) -> float:
  """How many bytes of images a device holds: half of its memory, or as configured all or none."""
  if config.streaming is not None:
    return 0 if config.streaming else math.inf
  return parallel.device_memory() / 2


def _place(config) -> tuple[str, str, str]:
  """Source, data_dir, and the name of the prepared data to read if the source is gone."""
  return config.source or '', config.data_dir or '', config.prepared


def _options(config):
  return tuple((name, value) for name, value in config.options if value is not None)


@functools.lru_cache(maxsize=8)  # Classifier, annotator and GAN read the same few splits.
def _load(dataset, split, source, data_dir, prepared, options, limit):
  from data_prep import build

  def read():
    place = {'source': source, 'data_dir': data_dir, 'prepared': prepared}
    return build.load(dataset, split, limit=limit, **place, **dict(options))

  return distributed.first_alone(f'prepared {dataset} {split}', read)


def check_crop(padding: int, image_shape, field: str) -> None:
  """Raises a UserError where a crop with this padding may keep nothing of an image `(H, W, C)`."""
  side = min(image_shape[:2])
  if padding >= side:
    raise UserError(
      f'{field}={padding} is not possible with images of {side} pixels a side: use 0 .. {side - 1}'
    )


def steps_per_epoch(num_images: int, images_per_step: int) -> int:
  """Whole batches in an epoch; the rest of the permutation is left out.

  Raises:
    UserError: the data set is smaller than one batch.
  """
  if num_images < images_per_step:
    raise UserError(
      f'the data set has {num_images} images, fewer than the {images_per_step} of one step: '
      'lower train.batch_size'
    )
  return num_images // images_per_step


def permuted(rng, positions, length):
  """Where a random permutation of 0 .. length - 1 sends some positions, without making all of it.

  A Feistel network over pairs (l, r) with l < a, r < b, a = ⌈√length⌉, a b >= length; what lands
  outside is sent on until it is inside. See "Ciphers with Arbitrary Finite Domains", Black and
  Rogaway 2002. So an epoch needs no array of its own, and replicas may differ in length.

  Args:
    rng: key of the permutation.
    positions: int32 `[B]`, each below `length`.
    length: a number of at most 2^24, may be traced.

  Returns:
    int32 `[B]`.
  """
  length = jnp.asarray(length, jnp.uint32)
  rows = jnp.round(jnp.sqrt(length.astype(jnp.float32))).astype(jnp.uint32)
  rows += rows * rows < length  # ⌈√length⌉, whatever the device makes of a root.
  columns = (length + rows - 1) // rows
  words = jax.random.bits(rng, (_ROUNDS,))

  def mix(x, word):  # The finaliser of MurmurHash3.
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
      x = (x ^ word ^ (x >> shift)) * jnp.uint32(factor)
    return x ^ (x >> 16)

  def encipher(x):
    left, right = x % rows, x // rows
    for i in range(0, _ROUNDS, 2):
      left = (left + mix(right, words[i]) % rows) % rows
      right = (right + mix(left, words[i + 1]) % columns) % columns
    return right * rows + left

  def walk(x):
    return jnp.where(x < length, x, encipher(x))

  x = encipher(jnp.asarray(positions, jnp.uint32))
  return jax.lax.while_loop(lambda x: jnp.any(x >= length), walk, x).astype(jnp.int32)


def scale(images):
  """uint8 images in [0, 255] to float32 in [-1, 1]."""
  return images.astype(jnp.float32) / 127.5 - 1.0


def to_uint8(images):
  """Float images in [-1, 1] to uint8 in [0, 255], rounded to the nearest value."""
  return jnp.clip(jnp.round((images + 1.0) * 127.5), 0, 255).astype(jnp.uint8)


def positions(replica: ReplicaData, step, batch_size: int):
  """Where a step's images are in the Dataset, int32 `[B]`: the next of its epoch's permutation.

  Where batches are to be balanced, the next of `balanced_positions`.

  Args:
    replica: its data.
    step: number of the step, from 0.
    batch_size: B.
  """
  steps = replica.num_images // batch_size
  if replica.class_starts is not None:
    return balanced_positions(replica, step, batch_size)
  ordered = step % steps * batch_size + parallel.along_batch(jnp.arange(batch_size))
  order_rng = jax.random.fold_in(replica.order_rng, step // steps)
  return replica.indices[permuted(order_rng, ordered, replica.num_images)]


def balanced_positions(replica: ReplicaData, step, batch_size: int):
  """Where the images of a step are, every class equally often.

  All images ever drawn, in their order, are rounds of K: round r shows a permutation of the classes
  and of each class the next image in a permutation of its own, anew each time that all of them have
  been shown. So the n_k images of class k come once in n_k rounds.

  Args:
    replica: its data; each class has images.
    step: number of the step, from 0.
    batch_size: B.

  Returns:
    int32 `[B]`.
  """
  starts, counts, indices = map(
    jnp.asarray, (replica.class_starts, replica.class_counts, replica.indices)
  )
  class_rng, image_rng = jax.random.split(replica.order_rng)

  def position(slot):
    round_, turn = slot // len(counts), slot % len(counts)
    label = permuted(jax.random.fold_in(class_rng, round_), turn, len(counts))
    epoch, place = jnp.divmod(round_, counts[label].astype(jnp.uint32))
    order_rng = jax.random.fold_in(jax.random.fold_in(image_rng, label), epoch)
    return indices[starts[label] + permuted(order_rng, place, counts[label])]

  slots = jnp.asarray(step, jnp.uint32) * batch_size + jnp.arange(batch_size, dtype=jnp.uint32)
  return jax.vmap(position)(parallel.along_batch(slots))


def draw(
  replica: ReplicaData, dataset: Dataset, step, *, batch_size, flip, crop_padding, streamed=False
):
  """The batch of a step, its images those of `positions`, and a key.

  Args:
    replica: its data.
    dataset: resident arrays, or those of the step.
    step: number of the step, from 0.
    batch_size: images to draw.
    flip: mirror each image with probability 1/2.
    crop_padding: pixels of the random crop's padding; 0 for none.
    streamed: which of the two `dataset` is.

  Returns:
    (the Batch, the key for the rest of the step).
  """
  if not streamed:
    dataset = jax.tree.map(lambda x: x[positions(replica, step, batch_size)], dataset)
  images, labels = dataset.images, replica.label_of[dataset.labels]
  draw_rng, update_rng = jax.random.split(jax.random.fold_in(replica.step_rng, step))
  flip_rng, crop_rng = jax.random.split(draw_rng)
  if crop_padding:
    images = augment.random_crop(crop_rng, images, crop_padding)
  if flip:
    images = augment.random_flip(flip_rng, images)
  images, labels = parallel.along_batch((scale(images), labels))
  return Batch(images, labels, replica.class_counts), update_rng
