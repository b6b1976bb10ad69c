"""Checkpoints of a training state by Orbax: asynchronous, the last n and the best are kept."""

from collections.abc import Callable
import contextlib
import os
import pathlib
from typing import Any, NamedTuple

from absl import logging
import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as policies

from jaxgan.errors import StorageError, UserError
from jaxgan.system import distributed, files, stopping

_DAMAGED = 'damaged_checkpoints'  # beside the folder of the others


class Checkpoints:
  """The checkpoints of one job, in `folder`; a context manager that waits for pending writes."""

  def __init__(self, folder: pathlib.Path, keep: int | None = None):
    """Opens the folder.

    Args:
      folder: with one sub-folder per step.
      keep: how many of the latest checkpoints stay; the best stays as well. None: only to read, as
        others may be writing.
    """
    self.folder, self._writes = pathlib.Path(folder).absolute(), keep is not None
    score = lambda metrics: metrics['score']  # noqa: E731
    best = policies.BestN(get_metric_fn=score, n=1, keep_checkpoints_without_metrics=False)
    kept = policies.AnyPreservationPolicy([policies.LatestN(keep), best]) if keep else None
    with _quiet():
      self._manager = ocp.CheckpointManager(
        self.folder,
        options=ocp.CheckpointManagerOptions(
          preservation_policy=kept,
          best_fn=score,
          best_mode='max',
          cleanup_tmp_directories=self._writes,
          read_only=not self._writes,
        ),
      )

  def __enter__(self):
    return self

  def __exit__(self, kind, error, trace):
    quiet = contextlib.suppress(StorageError) if error else contextlib.nullcontext()
    with quiet, self._told_of_failed_writes():
      self._manager.close()

  @contextlib.contextmanager
  def _told_of_failed_writes(self):
    """Turns what a write raises, perhaps one that was started long ago, into a StorageError."""
    try:
      yield
    except (OSError, ValueError) as error:  # TensorStore's errors are ValueErrors.
      with contextlib.suppress(OSError, ValueError):
        self._manager.wait_until_finished()
      self._manager.reload()  # Forgets the step that was not written.
      reason = str(error).split(': ')[-1].split(' [')[0]
      saved = self._manager.latest_step()
      kept = 'there is none before it' if saved is None else f'the last good one is step {saved}'
      raise StorageError(
        f'a checkpoint cannot be written to {self.folder} ({reason}); {kept}: make room or choose '
        'another --workdir, then run the same command again'
      ) from error

  def latest_step(self) -> int | None:
    """The newest step that is written to its end, or None."""
    with self._told_of_failed_writes():
      self._manager.wait_until_finished()
    return self._manager.latest_step()

  def save(self, step: int, state, progress, score: float | None) -> None:
    """Starts to write a state.

    Args:
      step: its step; an earlier checkpoint of this step is replaced.
      state: the state.
      progress: what else to remember, a dict that JSON can hold.
      score: ranks it, higher is better; None leaves it unranked.

    Raises:
      StorageError: this or an earlier one cannot be written.
    """
    metrics = None if score is None else {'score': float(score)}
    with self._told_of_failed_writes():
      if step in self._manager.all_steps():
        self._manager.delete(step)
      self._manager.save(
        step,
        args=ocp.args.StandardSave(state),
        metrics=metrics,
        custom_metadata=progress,
        force=True,
      )

  def steps(self, which: str) -> list[int]:
    """The step that 'latest', 'best' or a number names, and those that can stand in for it.

    Raises:
      UserError: no such checkpoint.
    """
    steps = sorted(self._manager.all_steps(), reverse=True)
    if not steps:
      raise UserError(f'no checkpoint in {self.folder}: run jaxgan train first')
    if which in ('latest', 'best'):
      # A run that stopped before its first evaluation has no ranked checkpoint.
      first = self._manager.best_step() if which == 'best' else None
      return sorted(steps, key=lambda step: step != first)
    if which.isdigit() and int(which) in steps:
      return [int(which)]
    raise UserError(
      f'checkpoint {which!r} is not in {self.folder}: use latest, best or one of {steps[::-1]}'
    )

  def restore(self, which: str, abstract_state, say: Callable[[str], None]) -> 'Restored':
    """Reads a state into the shapes, types and shardings of `abstract_state`.

    If the 'latest' or 'best' checkpoint is damaged, the newest readable one is restored, and a
    process that may write moves the damaged ones to a folder beside this one.

    Args:
      which: see `steps`.
      abstract_state: from `abstract_state`.
      say: is called with one line for each damaged checkpoint.

    Raises:
      UserError: no such checkpoint, or none that can be read: damaged or of another network.
    """
    errors = {}
    for step in self.steps(which):
      try:
        with stopping.held():  # Orbax makes of it an error like that of a damaged checkpoint.
          state = self._manager.restore(step, args=ocp.args.StandardRestore(abstract_state))
          progress = self._manager.metadata(step).custom_metadata
        error = None
      except Exception as raised:  # Orbax and TensorStore raise many types for a damaged folder.
        error = raised
      if distributed.gather(error is not None).any():
        errors[step] = error or OSError('another process cannot read it')
        continue
      for damaged, error in errors.items():
        say(f'{self._unreadable(damaged, error)}; step {step} is used')
        if self._writes:
          self._set_aside(damaged)
      return Restored(step, state, progress or {})
    step, error = next(iter(errors.items()))
    raise UserError(self._unreadable(step, error)) from error

  def _unreadable(self, step, error):
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    folder = self.folder / str(step)
    return f'checkpoint {folder} is damaged or of another network ({reason[:200]})'

  def _set_aside(self, step):
    if files.is_writer():
      target = self.folder.parent / _DAMAGED
      target.mkdir(exist_ok=True)
      number = len(list(target.iterdir()))
      os.replace(self.folder / str(step), target / f'{number:02}_step_{step}')
    distributed.wait_for_all('damaged checkpoint set aside')
    self._manager.reload()


class Restored(NamedTuple):
  """A checkpoint: its step, the state, and the progress that was saved with it."""

  step: int
  state: Any
  progress: dict


@contextlib.contextmanager
def _quiet():
  """Without what Orbax says of options that it adapts to a folder that is only read."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(min(verbosity, logging.ERROR))
  try:
    yield
  finally:
    logging.set_verbosity(verbosity)


def abstract_state(init, sharding):
  """Shapes, types and the given sharding of the state that `init(rng)` makes, without making it."""
  shapes = jax.eval_shape(init, jax.random.key(0))
  return jax.tree.map(
    lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes
  )
