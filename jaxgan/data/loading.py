"""Loading the splits of a `data` section; missing data sets are prepared first."""

import functools
import math
from typing import Any

from data_prep import preparation
from jaxgan.data.training_data import TrainingData, whole
from jaxgan.errors import UserError
from jaxgan.system import distributed, parallel

REFERENCES = ('held_out', 'released')  # Of `load_reference`.
RELEASED = 'reference_released'  # The split of the second reference.


def load(config: Any, split: str, limit: float = math.inf) -> Any:
  """Loads a split of a data set; prepares the data set if it is missing.

  Args:
    config: the `data` section.
    split: such as 'train' or 'test'.
    limit: images of more than this many bytes in total stay on disk.

  Returns:
    `data_prep.build.Arrays`: images, labels, class_names, metadata, key.
  """
  return _load(config.dataset, split, limit, **config.place)


def load_reference(config: Any, which: str = 'held_out') -> Any:
  """Loads the reference images that generated images are compared with.

  Args:
    config: the `data` section.
    which: 'held_out': the split 'reference' (iNaturalist training images, as in the paper), or
      'test' for data sets without it. 'released': the training images of the authors' released
      code, which only LSUN has.

  Returns:
    `data_prep.build.Arrays`.

  Raises:
    UserError: the data set has no released reference.
  """
  check_reference(config, which)
  test = load(config, 'test')
  if which == 'released':
    return load(config, RELEASED)
  return load(config, 'reference') if 'reference' in test.metadata else test


def check_reference(config: Any, which: str) -> None:
  """Raises a UserError if a data set lacks a reference, see `load_reference`."""
  if which == 'released' and RELEASED not in load(config, 'test').metadata:
    raise UserError(
      f"config.evaluation.reference='released': {config.dataset} has no released reference; "
      "expected 'held_out', or long_tail_lsun prepared by this version"
    )


def load_training(config: Any, num_replicas: int = 1) -> TrainingData:
  """Loads the training split of every replica.

  With numbered splits (long_tail_mnist/split_00), replica r gets the r-th split, counted from the
  configured split. With other data sets every replica gets all images.

  Args:
    config: the `data` section.
    num_replicas: number of replicas.

  Raises:
    UserError: the data set has too few splits.
  """
  splits = preparation.replica_splits(config.dataset, num_replicas) if num_replicas > 1 else None
  if splits is None:
    return whole(load(config, 'train', _limit(config)), num_replicas)
  pool = load(config.model_copy(update={'dataset': splits.pool}), 'train', _limit(config))
  indices, classes = zip(*(choose(pool) for choose in splits.choices), strict=True)
  keys = tuple(f'{name} of {pool.key}' for name in splits.names)
  return TrainingData(pool, indices, keys, classes)


def _limit(config) -> float:
  """Returns the most bytes of images to put on a device: by default half of its memory."""
  if config.streaming is not None:
    return 0 if config.streaming else math.inf
  return parallel.device_memory() / 2


@functools.lru_cache(maxsize=8)  # Classifier, annotator and GAN read the same few splits.
def _load(dataset, split, limit, /, **place):
  from data_prep import build

  read = functools.partial(build.load, dataset, split, limit=limit, **place)
  return distributed.first_alone(f'prepared {dataset} {split}', read)
