"""Sections of what is trained: length and rhythm of a job, and classifiers."""

from typing import Annotated, ClassVar

from annotated_types import Ge, Le
import pydantic

from jaxgan.algorithms.classifier import ClassifierConfig
from jaxgan.config.section import Count, OneOf, Section, Where, field, refuse
from jaxgan.data.config import DataConfig

Seed = Annotated[int, Ge(0), Le(2**32 - 1)]
_KEPT = Where(lambda number: number >= 2, '2 or more: a damaged checkpoint needs a previous one')


class TrainConfig(Section):
  """Length and rhythm of a job."""

  alternatives: ClassVar = ('steps', 'epochs')

  batch_size: Count = field(..., 'images of a step', example=64)
  steps: Count | None = field(None, 'number of steps, or else of epochs', free=True)
  epochs: Count | None = field(None, 'number of epochs, or else of steps', free=True)
  log_every: Count = field(100, 'steps between lines of metrics.jsonl', free=True)
  evaluate_every: Count | None = field(
    1000, 'steps between evaluations; none: those of an epoch', free=True
  )
  picture_every: Count = field(1000, 'steps between pictures', free=True)
  checkpoint_every: Count = field(1000, 'steps between checkpoints', free=True)
  preview: bool = field(False, 'keep METHOD/progress.html, how far the run is', free=True)
  keep: Annotated[int, _KEPT] = field(
    2, 'latest checkpoints that stay, besides the best', free=True
  )
  resume: bool = field(True, 'continue where the folder has checkpoints', free=True)

  @pydantic.model_validator(mode='after')
  def _one_length(self):
    if self.steps is None and self.epochs is None:
      refuse('steps', 'a number of steps, or train.epochs')
    if self.steps is not None and self.epochs is not None:
      refuse('epochs', 'one of train.steps and train.epochs')
    return self


class Training(Section):
  """A network that is trained with labels."""

  data: DataConfig = field(..., 'its images')
  algorithm: ClassifierConfig = field(ClassifierConfig(), 'network and optimiser')
  train: TrainConfig = field(..., 'length and rhythm')


class ClassifierSection(Training):
  """A classifier or annotator: one that is trained, or one that is there."""

  folder: str = field('', "a trained classifier's folder, instead of training one")
  checkpoint: Annotated[str, OneOf(('latest', 'best'))] = field(
    'latest', 'which one is used; best: by the accuracy on its test split'
  )


class Job(Section):
  """What the folder of every job remembers beside its sections."""

  images: str = field('', 'key of its training images')
  modules: tuple[str, ...] = field((), 'modules that registered what it uses', free=True)


class ClassifierJob(Training, Job):
  """What the folder of a classifier remembers."""

  seed: Seed = field(0, 'of the job')
