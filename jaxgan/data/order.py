"""The batch of every step as a function of (seed, step)."""

import jax
import jax.numpy as jnp

from jaxgan.algorithms import Batch
from jaxgan.augmentation import augment
from jaxgan.data.pixels import scale
from jaxgan.data.training_data import Dataset, ReplicaData
from jaxgan.errors import UserError
from jaxgan.system import parallel

_ROUNDS = 6


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
  Rogaway 2002. No array of the permutation is stored, and replicas may differ in length.

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

  The sequence of all drawn images is divided into rounds of K images. A round shows every class
  once, in random order. Each class has its own permutation of its n_k images. A round shows the
  next image of each class, and the class is permuted again after n_k rounds.

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
