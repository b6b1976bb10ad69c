"""States in the checkpoints of a job's folder."""

import functools
import pathlib
import sys

from jaxgan.algorithms import replicate
from jaxgan.errors import UserError
from jaxgan.system import checkpoint, parallel


def restore(algorithm, folder: pathlib.Path, which: str, num_replicas: int, mesh):
  """The states in a checkpoint ('latest', 'best' or a step) of a job's folder.

  Returns:
    (step, states of all replicas along a leading axis), on every device of the mesh.

  Raises:
    UserError: no such checkpoint, or a damaged one.
  """
  init = replicate.replicate(algorithm, num_replicas).init
  abstract = checkpoint.abstract_state(init, parallel.replicated(mesh))
  with checkpoint.Checkpoints(folder / 'checkpoints') as checkpoints:
    restored = checkpoints.restore(which, abstract, functools.partial(print, file=sys.stderr))
    return restored.step, restored.state


def restore_finished(what: str, algorithm, folder: pathlib.Path, last: int, which: str, mesh):
  """The variables in a checkpoint of a job of one replica that has ended.

  Args:
    what: messages call it.
    algorithm: its Algorithm.
    folder: of the job.
    last: its length in steps.
    which: see `restore`.
    mesh: of the devices to use.

  Returns:
    (step, variables).

  Raises:
    UserError: see `restore`; or it stopped before its end.
  """
  step, states = restore(algorithm, folder, 'latest', 1, mesh)
  if step < last:
    raise UserError(f'the {what} in {folder} stopped at step {step} of {last}: train it first')
  if which != 'latest':
    step, states = restore(algorithm, folder, which, 1, mesh)
  return step, replicate.take(states, 0).variables
