"""Recognisers: classifiers that were found without labels, in a run of a family with codes.

The section `config.recogniser` is the configuration of an experiment of its own; `folder` in it may
name a finished run. The `classify` of the run's algorithm, the Q of an InfoGAN, replaces a
classifier trained with labels: it is frozen, and its classes are codes. A run is accepted only for
the images that it was trained on.
"""

import pathlib

from jaxgan.data import training_data
from jaxgan.errors import UserError
from jaxgan.runs import families
from jaxgan.system import files
from jaxgan.training import classifiers
from jaxgan.training.job import total_steps
from jaxgan.training.restore import restore_finished

ROLE = 'recogniser'
_FIELD = f'config.{ROLE}.folder'


def expected(config, data: training_data.TrainingData) -> classifiers.Classifier:
  """What is known of an experiment's recogniser before it is trained or read: names and shape.

  Args:
    config: the experiment's.
    data: its TrainingData, which all replicas must share.

  Raises:
    UserError: the images of a run that is given are others, or it tells no codes apart.
  """
  section = config.recogniser
  if section.folder:
    folder = files.expanded(section.folder)
    names = _names(folder, _read(folder, data), data)
  else:
    names = families.family_of(section.methods).recognised(section, data)
  return classifiers.Classifier(None, None, names, data.image_shape, None, '')


def load(folder: pathlib.Path, data: training_data.TrainingData, mesh) -> classifiers.Classifier:
  """Restores the latest checkpoint of a run whose algorithm classifies, as a frozen classifier.

  Args:
    folder: of the run's method, as runs/elastic_infogan_folder/elastic_infogan.
    data: the TrainingData of the experiment, which must be the same images.
    mesh: of the devices to use.

  Raises:
    UserError: not such a run, of other images, not trained to its end, or damaged.
  """
  config = _read(folder, data)
  names = _names(folder, config, data)
  (method,) = config.methods
  algorithm, _ = families.family_of(config.methods).build(config, method, data, {})
  last = total_steps(config, data, algorithm.images_per_update)
  _, variables = restore_finished('run', algorithm, folder, last, 'latest', mesh)
  key = classifiers.weights_key(method, variables)
  return classifiers.Classifier(algorithm.classify, variables, names, data.image_shape, None, key)


def _read(folder, data):
  """The configuration of a run of one replica on the very images of `data`."""
  config = families.remembered(folder)
  if config.replicas != 1:
    raise UserError(f'{folder} holds {config.replicas} replicas: name a run of one ({_FIELD})')
  check_images(folder, config.images, data)
  return config


def check_images(what, images, data) -> None:
  """Refuses a recogniser of other images than those of the TrainingData, by their key."""
  other = next((key for key in data.keys if key != images), None)
  if other is not None:
    raise UserError(
      f'the recogniser of {what} belongs to other images ({images}) than those to be balanced '
      f'({other}): it must be trained on the same ones'
    )


def _names(folder, config, data):
  names = families.family_of(config.methods).recognised(config, data)
  if not names:
    raise UserError(
      f'{folder} is a run of {config.methods[0]}, which tells no codes apart: change {_FIELD}'
    )
  return names
