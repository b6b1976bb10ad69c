"""Restoring states from the checkpoints of a job."""

import functools
import pathlib
import sys
from typing import Any

import jax

from jaxgan.algorithms import Algorithm, replicate
from jaxgan.errors import UserError
from jaxgan.system import checkpoint, parallel


def restore(
  algorithm: Algorithm, folder: pathlib.Path, which: str, num_replicas: int, mesh: jax.sharding.Mesh
) -> tuple[int, Any]:
  """Restores a checkpoint of a job.

  Args:
    algorithm: of a single replica.
    folder: of the job.
    which: 'latest', 'best' or a step.
    num_replicas: of the job.
    mesh: of the devices to use.

  Returns:
    (step, states of all replicas along a leading axis), on every device of the mesh.

  Raises:
    UserError: the checkpoint is missing or damaged.
  """
  init = replicate.replicate(algorithm, num_replicas).init
  abstract = checkpoint.abstract_state(init, parallel.replicated(mesh))
  with checkpoint.Checkpoints(folder / 'checkpoints') as checkpoints:
    restored = checkpoints.restore(which, abstract, functools.partial(print, file=sys.stderr))
    return restored.step, restored.state


def restore_finished(
  what: str,
  algorithm: Algorithm,
  folder: pathlib.Path,
  last: int,
  which: str,
  mesh: jax.sharding.Mesh,
) -> tuple[int, Any]:
  """Restores the variables of a finished job of one replica.

  Args:
    what: its name in messages.
    algorithm: its Algorithm.
    folder: of the job.
    last: its length in steps.
    which: see `restore`.
    mesh: of the devices to use.

  Returns:
    (step, variables).

  Raises:
    UserError: see `restore`; or the job stopped before its last step.
  """
  step, states = restore(algorithm, folder, 'latest', 1, mesh)
  if step < last:
    raise UserError(f'the {what} in {folder} stopped at step {step} of {last}: train it first')
  if which != 'latest':
    step, states = restore(algorithm, folder, which, 1, mesh)
  return step, replicate.take(states, 0).variables
