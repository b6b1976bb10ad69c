"""Events of the training loop: when they are due, what is measured and what is shown at them."""

import contextlib
import statistics

from jaxgan.system import distributed, files, stopping
from jaxgan.training import logging, optional


def next_event(step: int, last: int, train) -> int:
  """The next step at which the loop has something to do on the host."""
  return min(last, *((step // period + 1) * period for period in periods(train)))


def periods(train):
  """The numbers of steps between two events of each kind."""
  return train.log_every, train.evaluate_every, train.picture_every, train.checkpoint_every


def is_due(step: int, last: int, *every: int) -> bool:
  """Whether an event with one of these periods follows this step; after the last step, all do."""
  return step >= last or any(step % period == 0 for period in every)


def stopped_at_once():
  """A context that a signal interrupts: training does not depend on what it computes."""
  # With several processes none may leave: the others would block in a collective.
  return contextlib.nullcontext() if distributed.are_several() else stopping.at_once()


def measure(job, trainer, last: int) -> tuple[list[dict], float | None]:
  """The rows of the log, one per replica, and the score that ranks the checkpoint."""
  step, scores, rows = trainer.step, [], trainer.means()
  for replica, row in enumerate(rows):
    if is_due(step, last, job.config.train.evaluate_every):
      evaluation, score = job.evaluate(trainer.state(replica), replica)
      row |= evaluation
      scores += [] if score is None else [score]
  return rows, statistics.fmean(scores) if scores else None


def show(job, trainer, logger: logging.ReplicaLogger, last: int) -> None:
  """Writes the optional outputs of a step: events for TensorBoard, pictures, the preview."""
  step, train = trainer.step, job.config.train
  logger.show()
  if is_due(step, last, train.picture_every):
    for replica in range(job.num_replicas):
      with optional.output(f'pictures of {job.folder}'):
        job.picture(trainer.state(replica), step, replica)
  if train.preview and files.is_writer():
    with optional.output(f'preview of {job.folder}'):
      job.preview(step, last)
