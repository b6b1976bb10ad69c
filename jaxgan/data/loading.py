"""Loads the splits that a `data` section names, and prepares data sets that are missing."""

import functools
import math

from data_prep import preparation
from jaxgan.data.training_data import TrainingData, whole
from jaxgan.errors import UserError
from jaxgan.system import distributed, parallel

REFERENCES = ('held_out', 'released')  # of `load_reference`
RELEASED = 'reference_released'  # the split that the second one is


def load(config, split: str, limit: float = math.inf):
  """Loads a split named by a config's `data` section, preparing the data set if it is missing.

  Args:
    config: the `data` section.
    split: 'train' or 'test'.
    limit: images of more bytes stay on the disk.

  Returns:
    `data_prep.build.Arrays`: images, labels, class_names, metadata, key.
  """
  return _load(config.dataset, split, limit, **config.place)


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

  Some data sets have numbered splits (long_tail_mnist/split_00): replica r gets the r-th split,
  counted from the configured split. With any other data set every replica gets all images.

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
  pool = load(config.model_copy(update={'dataset': splits.pool}), 'train', _limit(config))
  indices, classes = zip(*(choose(pool) for choose in splits.choices), strict=True)
  keys = tuple(f'{name} of {pool.key}' for name in splits.names)
  return TrainingData(pool, indices, keys, classes)


def _limit(config) -> float:
  """How many bytes of images a device holds: half of its memory, or as configured all or none."""
  if config.streaming is not None:
    return 0 if config.streaming else math.inf
  return parallel.device_memory() / 2


@functools.lru_cache(maxsize=8)  # Classifier, annotator and GAN read the same few splits.
def _load(dataset, split, limit, **place):
  from data_prep import build

  read = functools.partial(build.load, dataset, split, limit=limit, **place)
  return distributed.first_alone(f'prepared {dataset} {split}', read)
