"""Recognisers: classifiers trained without labels, in a run of a family with codes.

The section `config.recogniser` is a complete experiment; its field `folder` may name a finished run
instead. The `classify` of the run's algorithm (the Q of an InfoGAN) replaces a classifier trained
with labels: it is frozen, and its classes are codes. A run is accepted only for the images that it
was trained on.
"""

from collections.abc import Callable
import os
import pathlib
from typing import cast

import jax

from jaxgan.data import training_data
from jaxgan.errors import UserError
from jaxgan.runs import families
from jaxgan.runs.experiment import Experiment
from jaxgan.system import files
from jaxgan.training import classifiers
from jaxgan.training.job import total_steps
from jaxgan.training.restore import restore_finished

ROLE = 'recogniser'
_FIELD = f'config.{ROLE}.folder'


def expected(config: Experiment, data: training_data.TrainingData) -> classifiers.Classifier:
  """Describes an experiment's recogniser before it is trained or restored.

  Args:
    config: the experiment.
    data: its TrainingData; all replicas must share the images.

  Returns:
    A Classifier with names and image shape, without a function and variables.

  Raises:
    UserError: the given run was trained on other images, or its method has no codes.
  """
  section = getattr(config, ROLE)
  if section.folder:
    folder = files.expanded(section.folder)
    names = _names(folder, _read(folder, data), data)
  else:
    names = families.family_of(section.methods).recognised(section, data)
  nothing = cast(Callable, None)  # Plans never call it.
  return classifiers.Classifier(nothing, None, names, data.image_shape, None, '')


def load(
  folder: pathlib.Path, data: training_data.TrainingData, mesh: jax.sharding.Mesh
) -> classifiers.Classifier:
  """Restores the latest checkpoint of a run whose algorithm classifies, as a frozen classifier.

  Args:
    folder: the folder of the run's method, such as runs/elastic_infogan_folder/elastic_infogan.
    data: the TrainingData of the experiment; the run must have the same images.
    mesh: the mesh of the devices.

  Returns:
    The Classifier; its classes are codes.

  Raises:
    UserError: the folder holds no such run, or the run has other images, is unfinished or damaged.
  """
  config = _read(folder, data)
  names = _names(folder, config, data)
  (method,) = config.methods
  algorithm, _ = families.family_of(config.methods).build(config, method, data, {})
  last = total_steps(config, data, algorithm.images_per_update)
  _, variables = restore_finished('run', algorithm, folder, last, 'latest', mesh)
  key = classifiers.weights_key(method, variables)
  return classifiers.Classifier(
    algorithm.classify, variables, names, data.image_shape, None, key, config=config
  )


def _read(folder, data):
  """The configuration of a run with one replica on the images of `data`."""
  config = families.remembered(folder)
  if config.replicas != 1:
    raise UserError(f'{_FIELD}={folder}: expected a run of one replica, found {config.replicas}.')
  check_images(folder, config.images, data)
  return config


def check_images(
  what: str | os.PathLike[str], images: str | None, data: training_data.TrainingData
) -> None:
  """Refuses a recogniser that was trained on other images.

  Args:
    what: the name of the recogniser in the message.
    images: the key of the recogniser's images.
    data: the TrainingData of the experiment.

  Raises:
    UserError: a replica has images with another key.
  """
  other = next((key for key in data.keys if key != images), None)
  if other is not None:
    raise UserError(
      f'{what}: expected a recogniser trained on the images of the experiment ({other}), found '
      f'{images}.'
    )


def _names(folder, config, data):
  names = families.family_of(config.methods).recognised(config, data)
  if not names:
    raise UserError(
      f'{_FIELD}={folder}: expected a run of a method with codes, found {config.methods[0]}.'
    )
  return names
