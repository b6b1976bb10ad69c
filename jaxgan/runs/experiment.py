"""An experiment as a value: the sections of its methods, classifiers and recogniser."""

import pathlib
from typing import Annotated, Any, Generic, TypeVar

from jaxgan.config.overrides import changed
from jaxgan.config.section import Count, Section, Where, field
from jaxgan.data.config import DataConfig
from jaxgan.training.config import ClassifierSection, Job, Seed, TrainConfig, Training

# The newest checkpoint of a method, the checkpoint with the best score, or a step.
Checkpoint = Annotated[
  str, Where(lambda name: name in ('latest', 'best') or name.isdigit(), 'latest, best or a step')
]


A = TypeVar('A')
E = TypeVar('E')
R = TypeVar('R')


class Experiment(Section, Generic[A, E, R]):
  """Methods that are trained and measured with the same settings.

  Generic in the sections that differ by family: `algorithm`, `evaluation` and `recogniser`.
  """

  experiment: str = field(..., 'name in tables', free=True)
  workdir: str = field('', 'work directory, unless --workdir names another', free=True)
  folder: str = field('', 'a finished run to use as the recogniser instead of training one')
  methods: tuple[str, ...] = field(..., 'methods, trained one after the other', free=True)
  seed: Seed | None = field(
    None, 'seed of replica 0; replica r has seed + r; none: 0, for a recogniser the experiment seed'
  )
  replicas: Count = field(1, 'runs trained side by side')
  published: dict[str, str] | str | None = field(
    None, 'published results to compare with: column, or {method: row}', free=True
  )
  data: DataConfig = field(..., 'training images of the methods')
  algorithm: A = field(..., 'settings that the methods share')
  train: TrainConfig = field(..., 'length and events of the training of each method')
  evaluation: E = field(..., 'what is measured', free=True)
  classifier: ClassifierSection | None = field(
    None, 'classifier in the loop, trained on the long-tailed images'
  )
  annotator: ClassifierSection | None = field(
    None, 'classifier for evaluation only, trained on all images', free=True
  )
  cas: Training | None = field(
    None, 'classifier trained on generated images, for the classification accuracy score', free=True
  )
  recogniser: R | None = field(
    None, 'experiment with codes, whose network replaces the classifier where labels are absent'
  )
  fractions: dict[str, Any] = field(
    {}, 'filled by jaxgan: the fields that were given as fractions of the run', free=True
  )


class MethodJob(Experiment[A, E, R], Job, Generic[A, E, R]):
  """The configuration that the folder of a method stores."""


def work_directory(experiment: Experiment) -> pathlib.Path:
  """Returns the default work directory of an experiment."""
  several = f'_x{experiment.replicas}' if experiment.replicas > 1 else ''
  return pathlib.Path(f'{experiment.workdir}{several}')


def resolved(experiment: Any) -> Any:
  """Fills the fields of an experiment that are None and follow from other fields.

  None in the `data` section of a classifier means the value of the experiment's own `data` section,
  except the annotator's imbalance ratio: the annotator sees all images. Only a classifier and an
  annotator of the same images are trained on halves of them. A recogniser takes the seed, images
  and annotator of the experiment. A learned prior takes the learning rate of the networks.

  Args:
    experiment: an Experiment.

  Returns:
    An Experiment of the same class.
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
  experiment = changed(experiment, changes)
  experiment, recogniser = changed(experiment, _whole(experiment)), experiment.recogniser
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


def _whole(experiment) -> dict:
  """{field: None} of the halves that do not belong to a pair of networks on the same images.

  The annotator of a finished run may be replaced: its section does not decide on the classifier.
  """
  classifier, annotator = experiment.classifier, experiment.annotator
  if classifier and classifier.data.options.imbalance_ratio is not None:
    return {'classifier.half': None} | ({'annotator.half': None} if annotator else {})
  images = {'dataset', 'source', 'data_dir', 'options'}
  paired = (
    classifier
    and annotator
    and classifier.half
    and not classifier.folder
    and classifier.data.model_dump(include=images) == annotator.data.model_dump(include=images)
  )
  return {'annotator.half': None} if annotator and not paired else {}


def _missing(name: str, section, values) -> dict:
  """{field: value} of the fields that are None in a section and the sections in it."""
  found = {}
  for part, value in values.items():
    own, path = getattr(section, part), f'{name}.{part}'
    if isinstance(own, Section):
      found |= _missing(path, own, value)
    elif own is None:
      found[path] = value
  return found
