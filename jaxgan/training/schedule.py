"""Which event of a training job is due after which step."""

_EVENTS = ('log_every', 'evaluate_every', 'picture_every', 'checkpoint_every')


def next_event(step: int, last: int, train) -> int:
  """The next step at which the loop has something to do on the host."""
  return min(last, *((step // period + 1) * period for period in _periods(train, _EVENTS)))


def is_due(step: int, last: int, train, *events: str) -> bool:
  """Whether one of some events follows a step; after the last step, all do.

  Args:
    step: steps done.
    last: steps at the end of the job.
    train: the job's section.
    events: fields of it; by default those of all events.
  """
  return step >= last or any(step % every == 0 for every in _periods(train, events or _EVENTS))


def _periods(train, events):
  return [getattr(train, event) for event in events]
