"""An experiment as a value: the sections of its methods, classifiers and recogniser."""

import pathlib
from typing import Annotated, Generic, TypeVar

from jaxgan.config.overrides import changed
from jaxgan.config.section import Count, Section, Where, field
from jaxgan.data.config import DataConfig
from jaxgan.training.config import ClassifierSection, Job, Seed, TrainConfig, Training

# Of a method: the newest checkpoint, the one with the best score, or one of a step.
Checkpoint = Annotated[
  str, Where(lambda name: name in ('latest', 'best') or name.isdigit(), 'latest, best or a step')
]


A, E, R = TypeVar('A'), TypeVar('E'), TypeVar('R')


class Experiment(Section, Generic[A, E, R]):
  """Methods that are trained and measured under the same settings.

  Generic in the sections that differ by family: `algorithm`, `evaluation` and `recogniser`.
  """

  experiment: str = field(..., 'its name in tables', free=True)
  workdir: str = field('', 'work directory where --workdir does not say another', free=True)
  folder: str = field('', 'of a recogniser: a run that is there, instead of training one')
  methods: tuple[str, ...] = field(..., 'trained one after the other', free=True)
  seed: Seed | None = field(
    None, 'of replica 0, the next replica has the next seed; none: 0, or that of who asks'
  )
  replicas: Count = field(1, 'runs side by side')
  published: dict[str, str] | str | None = field(
    None, 'published results to compare with: column, or {method: row}', free=True
  )
  data: DataConfig = field(..., 'training images of the methods')
  algorithm: A = field(..., 'what the methods share')
  train: TrainConfig = field(..., 'length and rhythm of each method')
  evaluation: E = field(..., 'what is measured', free=True)
  classifier: ClassifierSection | None = field(None, 'of the long-tailed images, for the loop')
  annotator: ClassifierSection | None = field(None, 'for evaluation only', free=True)
  cas: Training | None = field(None, 'trained on generated images', free=True)
  recogniser: R | None = field(None, 'an experiment with codes, found without labels')


class MethodJob(Experiment[A, E, R], Job, Generic[A, E, R]):
  """What the folder of a method remembers."""


def work_directory(experiment) -> pathlib.Path:
  """Where an experiment writes unless told otherwise."""
  several = f'_x{experiment.replicas}' if experiment.replicas > 1 else ''
  return pathlib.Path(f'{experiment.workdir}{several}')


def resolved(experiment):
  """An experiment whose classifiers and recogniser have what they left to it.

  None in the `data` section of a classifier means what the experiment's own data has. The
  annotator, which sees all images, has its own imbalance ratio. A recogniser has the same seed,
  images and annotator. A learned prior follows the learning rate of the networks.
  """
  experiment = changed(
    experiment,
    {
      'seed': experiment.seed or 0,
      **_missing('data', experiment.data, {'source': '', 'data_dir': ''}),
    },
  )
  changes = {}
  if getattr(experiment.algorithm, 'prior_learning_rate', 0) is None:
    changes['algorithm.prior_learning_rate'] = experiment.algorithm.learning_rate
  for role in ('classifier', 'annotator', 'cas'):
    if section := getattr(experiment, role):
      theirs = experiment.data.model_dump(include={'dataset', 'source', 'data_dir', 'options'})
      if role == 'annotator':
        del theirs['options']['imbalance_ratio']
      changes |= _missing(f'{role}.data', section.data, theirs)
  experiment, recogniser = changed(experiment, changes), experiment.recogniser
  if recogniser is None:
    return experiment
  codes = recogniser.algorithm.num_categories or experiment.algorithm.num_categories
  theirs = experiment.data.model_dump(exclude={'prepared', 'flip', 'crop_padding'})
  recogniser = changed(
    recogniser,
    {
      'seed': experiment.seed if recogniser.seed is None else recogniser.seed,
      'annotator': recogniser.annotator or experiment.annotator,
      'algorithm.num_categories': codes,
      **_missing('data', recogniser.data, theirs),
    },
  )
  recogniser = resolved(recogniser)
  return changed(experiment, {'recogniser': recogniser, 'algorithm.num_categories': codes})


def _missing(name: str, section, values) -> dict:
  """{field: value} of those values for which a section, and the sections in it, have None."""
  found = {}
  for part, value in values.items():
    own, path = getattr(section, part), f'{name}.{part}'
    if isinstance(own, Section):
      found |= _missing(path, own, value)
    elif own is None:
      found[path] = value
  return found
