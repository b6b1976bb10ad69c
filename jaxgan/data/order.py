"""The batch of every step as a function of (seed, step)."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgan.algorithms import Batch
from jaxgan.augmentation import augment
from jaxgan.data.pixels import scale
from jaxgan.data.training_data import Dataset, ReplicaData
from jaxgan.errors import UserError
from jaxgan.system import parallel

_ROUNDS = 6


def check_crop(padding: int, image_shape: Sequence[int], field: str) -> None:
  """Raises a UserError if a random crop could miss the image.

  Args:
    padding: of the crop, in pixels.
    image_shape: (H, W, C).
    field: the config field of the padding, for the message.
  """
  side = min(image_shape[:2])
  if padding >= side:
    raise UserError(
      f'{field}={padding}: expected 0 .. {side - 1} with images of {side} pixels a side'
    )


def steps_per_epoch(num_images: int, images_per_step: int, section: str = 'train') -> int:
  """Returns the number of whole batches in an epoch; the remainder is dropped.

  Args:
    num_images: size of the data set.
    images_per_step: size of a batch.
    section: the section of the batch size, for the message.

  Raises:
    UserError: the data set is smaller than one batch.
  """
  if num_images < images_per_step:
    raise UserError(
      f'the data set has {num_images} images, fewer than the {images_per_step} of one step: '
      f'lower config.{section}.batch_size'
    )
  return num_images // images_per_step


def permuted(rng: jax.Array, positions: Any, length: Any) -> jax.Array:
  """Applies a random permutation of 0 .. length - 1 to some positions, without storing it.

  A Feistel network over pairs (l, r) with l < a, r < b, a = ⌈√length⌉, a b >= length; it is applied
  again to values of at least `length` until they are below. See "Ciphers with Arbitrary Finite
  Domains", Black and Rogaway 2002. Replicas may differ in length.

  Args:
    rng: key of the permutation.
    positions: int32 `[B]`, each below `length`.
    length: at most 2^24; may be traced.

  Returns:
    int32 `[B]`.
  """
  length = jnp.asarray(length, jnp.uint32)
  rows = jnp.round(jnp.sqrt(length.astype(jnp.float32))).astype(jnp.uint32)
  rows += rows * rows < length  # ⌈√length⌉, however the device rounds the root.
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


def positions(replica: ReplicaData, step: Any, batch_size: int) -> jax.Array:
  """Returns the positions in the Dataset of a step's images: the next of the epoch's permutation.

  Class-balanced batches follow `balanced_positions` instead.

  Args:
    replica: its data.
    step: number of the step, from 0.
    batch_size: B.

  Returns:
    int32 `[B]`.
  """
  steps = replica.num_images // batch_size
  if replica.class_starts is not None:
    return balanced_positions(replica, step, batch_size)
  ordered = step % steps * batch_size + parallel.along_batch(jnp.arange(batch_size))
  order_rng = jax.random.fold_in(replica.order_rng, step // steps)
  return replica.indices[permuted(order_rng, ordered, replica.num_images)]


def balanced_positions(replica: ReplicaData, step: Any, batch_size: int) -> jax.Array:
  """Returns the positions in the Dataset of a step's images, with equally frequent classes.

  The sequence of all drawn images is divided into rounds of K images. A round contains every class
  once, in random order, with the next image of a permutation of the n_k images of this class. A
  class is permuted again after n_k rounds.

  Args:
    replica: its data; every class has images.
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
  replica: ReplicaData,
  dataset: Dataset,
  step: Any,
  *,
  batch_size: int,
  flip: bool,
  crop_padding: int,
  streamed: bool = False,
) -> tuple[Batch, jax.Array]:
  """Draws the batch of a step: the images at `positions`, augmented.

  Args:
    replica: its data.
    dataset: all images, or the images of the step if streamed.
    step: number of the step, from 0.
    batch_size: B.
    flip: mirror each image with probability 1/2.
    crop_padding: padding in pixels before a random crop; 0 for no crop.
    streamed: `dataset` has the images of the step only.

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
