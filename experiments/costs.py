"""Writes docs/costs.md, the costs of the published experiments, from the plans of their commands.

    python -m experiments.costs

Traces one step of each job on shapes alone: nothing is downloaded, prepared or trained.
"""

from collections.abc import Container, Iterator
import pathlib
import tempfile
from typing import NamedTuple

from experiments import rows
from jaxgan.config.overrides import changed
from jaxgan.report import tables
from jaxgan.runs import costs, plan
from jaxgan.runs.experiment import resolved
from jaxgan.runs.facts import read_facts
from jaxgan.runs.plan import Kind

PATH = pathlib.Path(__file__).resolve().parents[1] / 'docs' / 'costs.md'
ROLES = ('classifier', 'annotator', 'cas')
# The sizes of these images are known once `config.data.source` names their files.
LEFT_OUT = ('youtube_faces.py', 'cars3d.py', 'chairs3d.py')
HEADER = (
  'job', 'batch', 'parameters (M)', 'state (MB)', 'checkpoints (MB)', 'step (GFLOP)', 'steps',
  'all steps (PFLOP)',
)  # fmt: skip
_START = """# Costs of the published experiments

One table for each experiment file, at its default ratio or split, with the numbers that
`jaxgan plan` prints. 3D Cars, 3D Chairs and YouTube-Faces are left out: a plan knows their sizes
once `config.data.source` names their files.


- **parameters**: of the networks of one replica, without averages and optimisers.
- **state**: what training holds of one replica, in bytes: parameters, Adam's moments, averages and
  statistics, without images and activations.
- **checkpoints**: bytes on the disk at the end of the job: the last `train.keep` and the best one.
- **step**: the arithmetic of one step as XLA counts it, before it optimises the program.
- **all steps**: the arithmetic of the job. The length of a job in epochs is unknown until its data
  set is prepared.

This file is written by `python -m experiments.costs`.
"""


class Row(NamedTuple):
  """A training job of an experiment.

  Attributes:
    job: its name.
    batch_size: images of a step.
    parameters: of one replica.
    state: bytes of one replica's state.
    disk: bytes of its checkpoints at the end.
    flops: of a step, None where they are not known.
    steps: None where they are not known before the images are prepared.
  """

  job: str
  batch_size: int
  parameters: int
  state: int
  disk: int
  flops: float | None
  steps: int | None


def experiments() -> dict[str, list[str]]:
  """Returns {file: its commands, one per method}, at the default ratio, split and classifier."""
  commands = [*rows.published_rows().values(), *(row[2] for row in rows.published_codes())]
  found = {}
  for command in commands:
    file, _, argument = command.partition(':')
    if file not in LEFT_OUT and (argument.startswith('method=') or not argument):
      found.setdefault(file, []).append(command)
  return found


def of_command(command: str, data_dir: str, known: Container[str] = ()) -> Iterator[Row]:
  """Yields the training jobs of a command.

  Args:
    command: 'file:argument'.
    data_dir: an empty folder: costs do not depend on what this machine has prepared.
    known: jobs to leave out; each one takes seconds to trace.
  """
  config = rows.config_of(command)
  jobs = ['', *(f'{role}.' for role in ROLES if getattr(config, role))]
  config = resolved(changed(config, {f'{job}data.data_dir': data_dir for job in jobs}))
  # Not `plan.planned`, which refuses batches that the devices of this machine cannot share.
  facts = read_facts(config, pathlib.Path(data_dir) / 'run', config.methods, prepare=False)
  of_all = costs.Costs(config, facts)
  for job in plan.make_plan(config, facts).jobs:
    name = job.name.rpartition('/')[2]
    if job.kind == Kind.TRAIN and name not in known and (cost := of_all.of(job)):
      train = (getattr(config, name) if name in ROLES else config).train
      state = cost.disk // (train.keep + 1)  # `memory` also has images, which a plan may not know.
      yield Row(name, train.batch_size, cost.parameters, state, cost.disk, cost.flops, job.steps)


def table(commands: list[str]) -> str:
  """Writes the Markdown table of an experiment file: each job of its methods once."""
  found = {}
  with tempfile.TemporaryDirectory() as data_dir:
    for command in commands:
      found |= {row.job: row for row in of_command(command, data_dir, found.keys())}
  classifiers = [found.pop(role) for role in ROLES if role in found]
  return tables.markdown([HEADER, *map(cells, [*classifiers, *found.values()])])


def cells(row: Row) -> tuple[str, ...]:
  """Returns the cells of a row."""
  step, run = '', ''
  if row.flops is not None:
    step = _rounded(row.flops / 1e9)
    run = '' if row.steps is None else _rounded(row.flops * row.steps / 1e15)
  return (
    f'`{row.job}`',
    f'{row.batch_size}',
    f'{row.parameters / 1e6:,.2f}',
    f'{row.state / 1e6:,.1f}',
    f'{row.disk / 1e6:,.1f}',
    step,
    'unknown' if row.steps is None else f'{row.steps:,}',
    run,
  )


def _rounded(number: float) -> str:
  """A number with three digits."""
  return f'{float(f"{number:.3g}"):,.10g}'


def page() -> str:
  """Returns the text of docs/costs.md."""
  parts = [f'## `{file}`\n\n{table(commands)}\n' for file, commands in experiments().items()]
  return '\n'.join([_START, *parts])


if __name__ == '__main__':
  PATH.write_text(page(), encoding='utf-8')
