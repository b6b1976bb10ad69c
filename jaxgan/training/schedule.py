"""The steps of a training job after which to log, evaluate, draw and save."""

from jaxgan.training.job import TrainingJob

_EVENTS = ('log_every', 'evaluate_every', 'picture_every', 'checkpoint_every')


def next_event(job: TrainingJob, step: int) -> int:
  """Returns the next step with an event."""
  return min(job.last_step, *((step // every + 1) * every for every in _periods(job, _EVENTS)))


def is_due(job: TrainingJob, step: int, *events: str) -> bool:
  """Returns whether an event follows a step; every event follows the last step.

  Args:
    job: the job.
    step: steps done.
    events: fields of its section `train`; by default all events.
  """
  periods = _periods(job, events or _EVENTS)
  return step >= job.last_step or any(step % every == 0 for every in periods)


def num_evaluations(job: TrainingJob, step: int) -> int:
  """Returns the number of evaluations after a step; the last step has one."""
  (every,) = _periods(job, ('evaluate_every',))
  return -(-job.last_step // every) - step // every if step < job.last_step else 0


def _periods(job, events):
  """Returns the steps between two events of each kind; an epoch for None."""
  return [getattr(job.config.train, event) or job.epoch for event in events]
