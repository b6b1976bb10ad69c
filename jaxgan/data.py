"""Data sets that live on the device, and the batch of every step as a function of (seed, step)."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgan import augment
from jaxgan.errors import UserError
from jaxgan.parallel import along_batch


class Dataset(NamedTuple):
  """A whole data set as arrays: images uint8 `[N, H, W, C]` and labels int32 `[N]`."""

  images: Any
  labels: Any


class Order(NamedTuple):
  """The order of one epoch: `indices [N]` is the permutation of epoch number `epoch`."""

  epoch: Any
  indices: Any


def load(config, split: str):
  """Loads a split named by a config's `data` section, preparing the data set if it is missing.

  Args:
    config: the `data` section: dataset, source, data_dir and the builder's own options.
    split: 'train' or 'test'.

  Returns:
    `data_prep.build.Arrays`: images, labels, class_names, metadata, key.
  """
  options = tuple((name, value) for name, value in config.options.items() if value is not None)
  return _load(config.dataset, split, config.source, config.data_dir, options)


@functools.lru_cache(maxsize=8)  # Classifier, annotator and GAN read the same few splits.
def _load(dataset, split, source, data_dir, options):
  from data_prep import build  # TFDS takes half a second to import.

  return build.load(dataset, split, source=source, data_dir=data_dir, **dict(options))


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


def epoch_order(rng, epoch, num_images: int) -> Order:
  """The permutation of an epoch, a function of the run's key and the epoch number."""
  indices = jax.random.permutation(jax.random.fold_in(rng, epoch), num_images)
  return Order(jnp.asarray(epoch, jnp.int32), indices.astype(jnp.int32))


def scale(images):
  """uint8 images in [0, 255] to float32 in [-1, 1]."""
  return images.astype(jnp.float32) / 127.5 - 1.0


def to_uint8(images):
  """Float images in [-1, 1] to uint8 in [0, 255], rounded to the nearest value."""
  return jnp.clip(jnp.round((images + 1.0) * 127.5), 0, 255).astype(jnp.uint8)


def draw(dataset: Dataset, order: Order, step, rng, *, batch_size, flip, crop_padding):
  """The batch of a step: the next `batch_size` images of the epoch's permutation.

  Args:
    dataset: resident arrays.
    order: the permutation of this step's epoch.
    step: number of the step, from 0.
    rng: key of the step's augmentation.
    batch_size: images to draw.
    flip: mirror each image with probability 1/2.
    crop_padding: pixels of the random crop's padding; 0 for none.

  Returns:
    {'images': float32 `[B, H, W, C]` in [-1, 1], 'labels': int32 `[B]`}.
  """
  start = step % (dataset.images.shape[0] // batch_size) * batch_size
  indices = along_batch(jax.lax.dynamic_slice(order.indices, (start,), (batch_size,)))
  images, labels = dataset.images[indices], dataset.labels[indices]
  flip_rng, crop_rng = jax.random.split(rng)
  if crop_padding:
    images = augment.random_crop(crop_rng, images, crop_padding)
  if flip:
    images = augment.random_flip(flip_rng, images)
  return along_batch({'images': scale(images), 'labels': labels})
