"""The `train` section: length and rhythm of a job."""

from typing import Annotated, ClassVar

import pydantic

from jaxgan.config.section import Count, Section, Where, field, refuse

_KEPT = Where(lambda number: number >= 2, '2 or more: a damaged checkpoint needs a previous one')


class TrainConfig(Section):
  """Length and rhythm of a job."""

  alternatives: ClassVar = ('steps', 'epochs')

  batch_size: Count = field(..., 'images of a step')
  steps: Count | None = field(None, 'number of steps, or else of epochs', free=True)
  epochs: Count | None = field(None, 'number of epochs, or else of steps', free=True)
  log_every: Count = field(100, 'steps between lines of metrics.jsonl', free=True)
  evaluate_every: Count = field(1000, 'steps between evaluations', free=True)
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
