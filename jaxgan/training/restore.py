"""States in the checkpoints of a job's folder."""

import functools
import pathlib
import sys

from jaxgan.algorithms import replicate
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
