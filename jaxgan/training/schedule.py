"""Which event of a training job is due after which step."""

from jaxgan.training.job import TrainingJob

_EVENTS = ('log_every', 'evaluate_every', 'picture_every', 'checkpoint_every')


def next_event(job: TrainingJob, step: int) -> int:
  """The next step at which the loop has something to do on the host."""
  return min(job.last_step, *((step // every + 1) * every for every in _periods(job, _EVENTS)))


def is_due(job: TrainingJob, step: int, *events: str) -> bool:
  """Whether one of some events follows a step; after the last step, all do.

  Args:
    job: the job.
    step: steps done.
    events: fields of its section `train`; by default those of all events.
  """
  periods = _periods(job, events or _EVENTS)
  return step >= job.last_step or any(step % every == 0 for every in periods)


def _periods(job, events):
  """Steps between two events of each kind; an epoch where the section does not say."""
  return [getattr(job.config.train, event) or job.epoch for event in events]
