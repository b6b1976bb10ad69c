"""A plan in lines, for the terminal."""

from jaxgan.runs import costs
from jaxgan.runs.facts import Facts
from jaxgan.runs.plan import Job, Kind, Plan

_HEADER = ('job', 'state', 'steps', 'parameters', 'memory', 'a step', 'disk')
_UNKNOWN = 'unknown until prepared'


def lines(config, facts: Facts, plan: Plan) -> list[str]:
  """A plan as text: a line a job with its state and cost, then a line a refusal.

  Parameters are those of one replica, memory is that of the states of all replicas and the images
  on the device, without activations; arithmetic is XLA's count of a step of one replica.

  Args:
    config: the experiment's.
    facts: what was read of it.
    plan: of both.
  """
  found = costs.Costs(config, facts)
  rows = [_HEADER, *(_row(found, job) for job in plan.jobs)]
  widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
  table = [
    '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for row in rows
  ]
  refused = [f'refused: {line}' for line in plan.refusals]
  return [*table, '', *(refused or ['nothing is refused'])]


def _row(found: costs.Costs, job: Job):
  name = f'{job.kind} {job.name}'
  if job.kind != Kind.TRAIN:
    return name, _state(job), '', '', '', '', ''
  steps = _UNKNOWN if job.steps is None else f'{job.steps:,}'
  cost = found.of(job)
  if cost is None:
    return name, _state(job), steps, '', '', '', ''
  flops = '' if cost.flops is None else f'{cost.flops / 1e9:,.3g} GFLOP'
  return (
    name, _state(job), steps, f'{cost.parameters / 1e6:,.2f} M', _size(cost.memory), flops,
    _size(cost.disk),
  )  # fmt: skip


def _state(job: Job) -> str:
  if job.kind in (Kind.EVALUATE, Kind.COMPARE):
    return 'always'
  if job.is_done:
    return 'done'
  return 'missing' if job.step is None else f'at step {job.step:,}'


def _size(count: int) -> str:
  return f'{count / 1e9:,.2f} GB' if count >= 1e9 else f'{count / 1e6:,.1f} MB'
