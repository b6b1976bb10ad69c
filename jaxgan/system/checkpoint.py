"""Asynchronous checkpoints of a training state by Orbax; the last n and the best are kept."""

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

_DAMAGED = 'damaged_checkpoints'  # Beside the folder of checkpoints.


class Checkpoints:
  """The checkpoints of a job; a context manager that waits for pending writes."""

  def __init__(self, folder: pathlib.Path, keep: int | None = None):
    """Opens the folder.

    Args:
      folder: with one sub-folder per step.
      keep: number of latest checkpoints to keep, besides the best. None: open for reading only,
        while another process may be writing.
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

  def __enter__(self) -> 'Checkpoints':
    """Returns itself."""
    return self

  def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
    """Waits for pending writes; a failed write does not hide an error of the `with` block."""
    quiet = contextlib.suppress(StorageError) if error else contextlib.nullcontext()
    with quiet, self._reports_failed_writes():
      self._manager.close()

  @contextlib.contextmanager
  def _reports_failed_writes(self):
    """Turns errors of writes, including earlier asynchronous ones, into a StorageError."""
    try:
      yield
    except (OSError, ValueError) as error:  # TensorStore's errors are ValueErrors.
      with contextlib.suppress(OSError, ValueError):
        self._manager.wait_until_finished()
      self._manager.reload()  # Forgets the unwritten step.
      reason = str(error).split(': ')[-1].split(' [')[0]
      saved = self._manager.latest_step()
      kept = 'there is no earlier one' if saved is None else f'the last good one is step {saved}'
      raise StorageError(
        f'a checkpoint cannot be written to {self.folder} ({reason}); {kept}: make room or choose '
        'another --workdir, then run the same command again'
      ) from error

  def latest_step(self) -> int | None:
    """Returns the step of the newest complete checkpoint, or None."""
    with self._reports_failed_writes():
      self._manager.wait_until_finished()
    return self._manager.latest_step()

  def save(self, step: int, state: Any, progress: dict, score: float | None) -> None:
    """Starts to write a checkpoint.

    Args:
      step: its step; an existing checkpoint of this step is replaced.
      state: the state.
      progress: further values to restore, as JSON.
      score: ranks it, higher is better; None leaves it unranked.

    Raises:
      StorageError: this or an earlier checkpoint cannot be written.
    """
    metrics = None if score is None else {'score': float(score)}
    with self._reports_failed_writes():
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
    """Returns the step of a checkpoint, followed by the steps to try if it is damaged.

    Args:
      which: 'latest', 'best' or a step.

    Raises:
      UserError: the checkpoint does not exist.
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

  def restore(self, which: str, abstract_state: Any, say: Callable[[str], Any]) -> 'Restored':
    """Restores a checkpoint with the shapes, types and shardings of `abstract_state`.

    In place of a damaged 'latest' or 'best' checkpoint, the newest readable one is restored. If the
    folder is open for writing, damaged checkpoints move to a folder beside it.

    Args:
      which: 'latest', 'best' or a step.
      abstract_state: from `abstract_state`.
      say: called with one line for each damaged checkpoint.

    Raises:
      UserError: the checkpoint does not exist, or none is readable: they are damaged or of another
        network.
    """
    errors: dict[int, Exception] = {}
    state = progress = None
    for step in self.steps(which):
      try:
        with stopping.held():  # Orbax would report a signal as a damaged checkpoint.
          state = self._manager.restore(step, args=ocp.args.StandardRestore(abstract_state))
          progress = self._manager.metadata(step).custom_metadata
        error = None
      except Exception as raised:  # Orbax and TensorStore raise many types on a damaged folder.
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
  """Silences Orbax's warnings about options that do not apply to reading."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(min(verbosity, logging.ERROR))
  try:
    yield
  finally:
    logging.set_verbosity(verbosity)


def abstract_state(init: Callable[[jax.Array], Any], sharding: Any) -> Any:
  """Returns shapes and types of the state of `init(rng)`, with a sharding, without computing it."""
  shapes = jax.eval_shape(init, jax.random.key(0))
  return jax.tree.map(
    lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes
  )
