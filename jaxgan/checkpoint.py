"""Checkpoints of a training state by Orbax: asynchronous, the last n and the best are kept."""

import pathlib

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as policies

from jaxgan.errors import UserError


class Checkpoints:
  """The checkpoints of one job, in `folder`; a context manager that waits for pending writes."""

  def __init__(self, folder: pathlib.Path, keep: int = 1):
    """Opens the folder, creating it if needed.

    Args:
      folder: one sub-folder a step.
      keep: how many of the latest checkpoints stay; the best stays as well.
    """
    self.folder = pathlib.Path(folder).absolute()
    best = policies.BestN(
      get_metric_fn=lambda metrics: metrics['score'], n=1, keep_checkpoints_without_metrics=False
    )
    self._manager = ocp.CheckpointManager(
      self.folder,
      options=ocp.CheckpointManagerOptions(
        preservation_policy=policies.AnyPreservationPolicy([policies.LatestN(keep), best]),
        best_fn=lambda metrics: metrics['score'],
        best_mode='max',
        cleanup_tmp_directories=True,
      ),
    )

  def __enter__(self):
    return self

  def __exit__(self, *_):
    self._manager.close()

  def latest_step(self) -> int | None:
    """The newest step saved, or None."""
    return self._manager.latest_step()

  def save(self, step: int, state, score: float | None) -> None:
    """Starts to write a state; `score` (higher is better) ranks it, None leaves it unranked."""
    metrics = None if score is None else {'score': float(score)}
    self._manager.save(step, args=ocp.args.StandardSave(state), metrics=metrics, force=True)

  def resolve(self, which: str) -> int:
    """The step that 'latest', 'best' or a number names.

    Raises:
      UserError: no such checkpoint.
    """
    steps = sorted(self._manager.all_steps())
    if not steps:
      raise UserError(f'no checkpoint in {self.folder}: train first (--mode=train)')
    if which == 'latest':
      return steps[-1]
    if which == 'best':
      # A run that stopped before its first evaluation has no ranked checkpoint.
      best = self._manager.best_step()
      return steps[-1] if best is None else best
    if which.isdigit() and int(which) in steps:
      return int(which)
    raise UserError(
      f'checkpoint {which!r} is not in {self.folder}: use latest, best or one of {steps}'
    )

  def restore(self, step: int, abstract_state):
    """Reads the state of a step into the shapes, types and shardings of `abstract_state`.

    Raises:
      UserError: the files are damaged or belong to another network.
    """
    try:
      return self._manager.restore(step, args=ocp.args.StandardRestore(abstract_state))
    except Exception as error:  # Orbax and TensorStore raise many types for a damaged folder.
      reason = (str(error).strip() or type(error).__name__).splitlines()[0]
      raise UserError(
        f'checkpoint {self.folder / str(step)} is damaged or of another network ({reason[:200]}): '
        'remove that folder to fall back to an earlier step'
      ) from error


def abstract_state(init, sharding):
  """Shapes, types and the given sharding of the state that `init(rng)` makes, without making it."""
  shapes = jax.eval_shape(init, jax.random.key(0))
  return jax.tree.map(
    lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes
  )
