"""Sections `train`, `classifier`, `annotator` and `cas`, and the config.json of a classifier."""

from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le
import pydantic

from jaxgan.algorithms.classifier import ClassifierConfig
from jaxgan.config.section import (
  Count,
  OneOf,
  Section,
  Where,
  WholeNumber,
  field,
  refuse,
)
from jaxgan.data.config import DataConfig
from jaxgan.data.training_data import HALVES, MIN_IN_HALF
from jaxgan.training.trackers import TRACKERS

Seed = Annotated[int, Ge(0), Le(2**32 - 1)]
_KEPT = Where(
  lambda number: number >= 2, 'an integer >= 2, because a damaged checkpoint needs a previous one'
)


class TrainConfig(Section):
  """The length of a job and the steps between its logs, evaluations and checkpoints."""

  alternatives: ClassVar = ('steps', 'epochs')

  batch_size: Count = field(..., 'images per step', example=64)
  steps: Count | None = field(None, 'length in steps, instead of epochs', free=True)
  epochs: Count | None = field(None, 'length in epochs, instead of steps', free=True)
  log_every: Count = field(100, 'steps between rows of metrics.jsonl', free=True)
  evaluate_every: Count | None = field(
    1000, 'steps between evaluations; none: one epoch', free=True
  )
  picture_every: Count = field(1000, 'steps between pictures', free=True)
  checkpoint_every: Count = field(1000, 'steps between checkpoints', free=True)
  preview: bool = field(
    False, 'keep METHOD/progress.html, a page with the progress of the run', free=True
  )
  tracker: Annotated[str, OneOf(TRACKERS)] = field(
    'tensorboard', 'where rows go beside metrics.jsonl', free=True
  )
  keep: Annotated[int, _KEPT] = field(
    2, 'number of latest checkpoints to keep, besides the best', free=True
  )
  resume: bool = field(True, 'continue from the checkpoints of the folder', free=True)

  @pydantic.model_validator(mode='after')
  def _one_length(self):
    if self.steps is None and self.epochs is None:
      refuse('steps', 'a number of steps, or train.epochs')
    if self.steps is not None and self.epochs is not None:
      refuse('epochs', 'one of train.steps and train.epochs')
    return self


class Training(Section):
  """A classifier to train."""

  data: DataConfig = field(..., 'labelled images')
  algorithm: ClassifierConfig = field(ClassifierConfig(), 'network and optimiser')
  train: TrainConfig = field(..., 'length, batch size and checkpoints')


class _Halved(Training):
  """A classifier that may see half of its images."""

  half: Annotated[str, OneOf(HALVES)] | None = field(
    None,
    f'train on one half of the images of each class, if every half has {MIN_IN_HALF}; none: on all',
  )


class ClassifierSection(_Halved):
  """A classifier or annotator, to train or already trained."""

  seed_offset: WholeNumber = field(0, "added to the experiment's seed")
  folder: str = field('', 'folder of a trained classifier, instead of training one')
  checkpoint: Annotated[str, OneOf(('latest', 'best'))] = field(
    'latest', 'checkpoint to use; best: by accuracy on its test split'
  )


# Fields of `train` that change files and lines of a job, but not its network.
_WRITING = {'log_every', 'picture_every', 'checkpoint_every', 'preview', 'keep', 'resume'}


def is_same_training(one: ClassifierSection, other: ClassifierSection) -> bool:
  """Whether two sections train the same network: then it is trained once."""
  own, others = (
    section.model_dump(exclude={'folder': True, 'checkpoint': True, 'train': _WRITING})
    for section in (one, other)
  )
  return own == others


class Job(Section):
  """Fields of every config.json beside the sections."""

  images: str = field('', 'key of the training images')
  modules: tuple[str, ...] = field((), 'modules that registered entries it uses', free=True)
  fractions: dict[str, Any] = field(
    {}, 'filled by jaxgan: the fields that were given as fractions of the run', free=True
  )


class ClassifierJob(_Halved, Job):
  """The config.json of a classifier."""

  seed: Seed = field(0, 'seed of the job')
