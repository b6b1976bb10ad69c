"""The training loop of every job, from the restored state to the last checkpoint."""

from collections.abc import Iterator
import contextlib
import functools
import statistics
import sys

import jax

from jaxgan.config import identity
from jaxgan.errors import UserError
from jaxgan.system import checkpoint, distributed, files, lock, stopping
from jaxgan.training import logging, optional, schedule
from jaxgan.training.job import OptionalOutput, TrainingJob
from jaxgan.training.replicas import Replicas, replicas_of

_OWED = 'outputs_owed'  # A marker in the folder of a job while optional outputs are pending.
_PROFILED = 10  # Most steps in a trace.


def train(job: TrainingJob, mesh: jax.sharding.Mesh, profile: bool = False) -> None:
  """Trains a job to its last step, from its latest checkpoint if there is one.

  A signal stops a run at any time, also during an evaluation; the run then saves a checkpoint. The
  resumed run has the same log and states as a run without a stop. At an event, metrics are logged
  first, then the checkpoint is saved, then the optional outputs are drawn, whose errors do not end
  a run.

  Args:
    job: the job.
    mesh: of the devices to use.
    profile: write a trace of a few compiled steps to the folder `profile`.

  Raises:
    UserError: the folder has checkpoints and `train.resume` is False, the folder belongs to another
      config, or another process trains there.
    FloatingPointError: a loss or the state is NaN or infinite; names the step.
    StorageError: a checkpoint cannot be written.
    Stopped: a signal stopped the run, after a checkpoint was written.
  """
  identity.remember(job.folder, job.config)
  replicas, marker = replicas_of(job, mesh), job.folder / _OWED
  are_owed = optional.is_owed(marker)  # The last run ended between checkpoint and pictures.
  if not are_owed and _is_finished(replicas):
    return
  with _opened(replicas, mesh, profile) as run:
    if are_owed and run.is_logged:
      with optional.owed(marker):
        run.draw()
    while True:
      if run.event_is_due():
        score = run.evaluate()
        with optional.owed(marker):
          run.save_if_due(score)
          run.draw()
      run.raise_if_stopped()
      if run.step >= job.last_step:
        return
      run.advance()


@contextlib.contextmanager
def _opened(replicas: Replicas, mesh, profile: bool) -> Iterator['_Run']:
  """Locks the folder of a job and restores or initialises its states, for the `with` block.

  After a stop, the current step has a checkpoint, unranked if it was not evaluated.
  """
  job = replicas.job
  with (
    lock.held(job.folder),
    checkpoint.Checkpoints(job.folder / 'checkpoints', job.config.train.keep) as checkpoints,
    jax.set_mesh(mesh),
  ):
    _start(replicas, checkpoints)
    with (
      logging.Log(
        job.folder, job.name, job.last_step, replicas.logged_step, job.num_replicas
      ) as log,
      stopping.StopRequest(distributed.gather) as stop,
    ):
      run = _Run(replicas, checkpoints, log, stop, profile)
      try:
        yield run
      except stopping.Stopped as stopped:
        run.save_unless_saved()
        logging.message(
          f'{job.name}: {stopped} after step {run.step}; the same command continues from here'
        )
        raise


def _start(replicas: Replicas, checkpoints) -> None:
  """Restores the newest readable checkpoint, or initialises the states at step 0."""
  job, newest = replicas.job, checkpoints.latest_step()
  if newest is None:
    replicas.initialise()
  elif job.config.train.resume:
    say = functools.partial(print, f'{job.name}:', file=sys.stderr)
    replicas.restore(checkpoints.restore('latest', replicas.abstract_states(), say))
  else:
    raise UserError(
      f'{job.folder} has checkpoints up to step {newest} and config.train.resume=False: '
      'choose another --workdir or let it resume'
    )


def _is_finished(replicas: Replicas) -> bool:
  """Returns whether a readable checkpoint has reached the last step."""
  job = replicas.job
  folder = job.folder / 'checkpoints'
  if not job.config.train.resume or not distributed.gather(folder.exists()).all():
    return False
  with checkpoint.Checkpoints(folder) as checkpoints:
    if (checkpoints.latest_step() or 0) < job.last_step:
      return False
    restored = checkpoints.restore('latest', replicas.abstract_states(), lambda line: None)
    return restored.progress.get('logged_step', restored.step) >= job.last_step


class _Run:
  """The run of a job: its replicas, checkpoints, log and requests to stop."""

  def __init__(self, replicas: Replicas, checkpoints, log, stop, profile):
    self.job = replicas.job
    self._replicas, self._checkpoints, self._log = replicas, checkpoints, log
    self._stop, self._profile = stop, profile
    self._first = self._saved = self.step

  @property
  def step(self) -> int:
    """Steps done."""
    return self._replicas.step

  @property
  def is_logged(self) -> bool:
    """Whether the log has a row of this step."""
    return self._replicas.logged_step == self.step

  def _is_due(self, *events: str) -> bool:
    return schedule.is_due(self.job, self.step, *events)

  def event_is_due(self) -> bool:
    """Whether the step is due for logging and not yet logged."""
    return not self.is_logged and self._is_due() and not self._stop()

  def evaluate(self) -> float | None:
    """Evaluates and logs each replica; returns the score that ranks the checkpoint.

    If the evaluation raises, an unranked checkpoint is saved; the resumed run evaluates it again.
    """
    rows, scores = self._replicas.means(), []
    with _stopped_at_once(), self._saved_if_it_fails():
      for replica, row in enumerate(rows if self._is_due('evaluate_every') else ()):
        values, score = self.job.evaluate(self._replicas.state(replica), replica)
        row.update(values)
        scores += [] if score is None else [score]
    self._log.record(self.step, rows)
    self._replicas.restart_sums()
    return statistics.fmean(scores) if scores else None

  @contextlib.contextmanager
  def _saved_if_it_fails(self):
    try:
      yield
    except Exception:
      if not distributed.are_several():  # Saving needs every process; the others may not fail.
        self.save_unless_saved()
      raise

  def save_if_due(self, score: float | None) -> None:
    """Saves the step if an evaluation or a checkpoint is due."""
    if self._is_due('evaluate_every', 'checkpoint_every'):
      self._save(score)

  def _save(self, score):
    replicas, self._saved = self._replicas, self.step
    self._checkpoints.save(self.step, replicas.states(), replicas.progress(), score)

  def save_unless_saved(self) -> None:
    """Saves the step, unranked, unless it has a checkpoint."""
    if self._saved != self.step:
      self._save(None)

  def raise_if_stopped(self) -> None:
    """Raises Stopped after a signal to any of the processes."""
    if self._stop():
      raise stopping.Stopped(self._stop.agreed)

  def draw(self) -> None:
    """Draws the optional outputs of a logged step."""
    self.raise_if_stopped()
    with _stopped_at_once():
      self._log.show()
      for output in self.job.outputs:
        if self._is_due(output.every):
          self._draw(output)

  def _draw(self, output: OptionalOutput):
    """Draws an output of each replica or of the whole job."""
    job, step = self.job, self.step
    folders = logging.replica_folders(job.folder, job.num_replicas)
    for replica, folder in enumerate(folders if output.observe else [job.folder]):
      with contextlib.ExitStack() as stack:
        # With several processes, a process that skipped the observation would block the others.
        several, guard = distributed.are_several(), optional.output(output.name)
        seen = None if several else stack.enter_context(guard)
        if output.observe:
          seen = output.observe(self._replicas.state(replica), step, replica)
        if several:
          stack.enter_context(guard)
        if files.is_writer():
          output.write(folder, step, seen)

  def advance(self) -> None:
    """Takes the steps to the next event, fewer after a signal; raises on NaN or infinity."""
    num_steps = schedule.next_event(self.job, self.step) - self.step
    tracing = contextlib.nullcontext()
    if self._profile and self.step > self._first:
      self._profile, num_steps = False, min(num_steps, _PROFILED)
      tracing = jax.profiler.trace(str(self.job.folder / 'profile'))
    with tracing:
      self._replicas.advance(num_steps, self._stop)
    if found := self._replicas.not_finite():
      what, replica, step = found
      which = f' of replica {replica}' if self.job.num_replicas > 1 else ''
      saved = self._checkpoints.latest_step()
      kept = 'no checkpoint yet' if saved is None else f'the last good checkpoint is step {saved}'
      raise FloatingPointError(
        f'{self.job.name}: the {what}{which} became NaN or infinite at step {step}; {kept} in '
        f'{self._checkpoints.folder}: lower the learning rate (config.algorithm.learning_rate) or '
        'check the data'
      )


def _stopped_at_once():
  """A context that a signal interrupts at once: its results do not affect training."""
  # With several processes none may leave here: the others would block in a collective.
  return contextlib.nullcontext() if distributed.are_several() else stopping.at_once()
