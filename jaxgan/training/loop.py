"""The training loop of every job, from the restored state to the last checkpoint."""

from collections.abc import Iterator
import contextlib
import functools
import math
import pathlib
import statistics
import time

import jax

from jaxgan.config import identity
from jaxgan.errors import UserError
from jaxgan.system import checkpoint, compilation, distributed, files, lock, messages, stopping
from jaxgan.training import logging, optional, progress, schedule, trackers
from jaxgan.training.job import OptionalOutput, TrainingJob
from jaxgan.training.replicas import Replicas, replicas_of

_OWED = 'outputs_owed'  # A marker in the folder of a job while optional outputs are pending.
_PROFILED = 10  # Most steps in a trace.
_GRACE = 10.0  # Seconds after a signal in which the drawing of a picture may begin.
_SHORT = 1.0  # Seconds without a line about an evaluation or a picture.


def train(job: TrainingJob, mesh: jax.sharding.Mesh, profile: bool = False) -> None:
  """Trains a job to its last step, from its latest checkpoint if there is one.

  A signal stops a run at any time, also during an evaluation; the run then saves a checkpoint,
  logs a row and draws its pictures. The resumed run drops this row and has the same log, pictures
  and states as a run without a stop. At an event, metrics are logged
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

  After a stop, the current step has a checkpoint, unranked if it was not evaluated, and a row.
  """
  job = replicas.job
  with (
    lock.held(job.folder),
    checkpoint.Checkpoints(job.folder / 'checkpoints', job.config.train.keep) as checkpoints,
    jax.set_mesh(mesh),
  ):
    _start(replicas, checkpoints)
    evaluations_after = functools.partial(schedule.num_evaluations, job)
    with (
      logging.Log(_tracked(replicas), job.num_replicas, job.config.train.tracker) as log,
      contextlib.closing(
        progress.progress(job.name, job.last_step, replicas.step, evaluations_after)
      ) as shown,
      stopping.StopRequest(distributed.gather) as stop,
    ):
      run = _Run(replicas, checkpoints, log, shown, stop, profile)
      try:
        yield run
      except stopping.Stopped as stopped:
        with messages.stage(f'{job.name}: {stopped}, saving step {run.step:,}'):
          run.save_unless_saved()
          run.leave()
        shown.close()
        messages.message(
          f'{job.name}: {stopped} after step {run.step}; the same command continues from here'
        )
        raise
      finally:
        run.remember_times()


def _tracked(replicas: Replicas) -> trackers.Tracked:
  job, config = replicas.job, replicas.job.config.model_dump(mode='json')
  return trackers.Tracked(job.folder, job.name, replicas.logged_step, job.last_step, config)


def _start(replicas: Replicas, checkpoints) -> None:
  """Restores the newest readable checkpoint, or initialises the states at step 0."""
  job, newest = replicas.job, checkpoints.latest_step()
  if newest is None:
    messages.message(f'{job.name}: training {job.last_step:,} steps')
    with messages.stage(f'{job.name}: initialising the networks'):
      replicas.initialise()
  elif job.config.train.resume:
    with messages.stage(f'{job.name}: resuming from step {newest:,} of {job.last_step:,}'):
      say = lambda line: messages.message(f'{job.name}: {line}')  # noqa: E731
      replicas.restore(checkpoints.restore('latest', replicas.abstract_states(), say))
    if files.is_writer() and replicas.logged_step < replicas.step:
      optional.forget_pictures(_folders(job), replicas.step)
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


def _folders(job: TrainingJob) -> list[pathlib.Path]:
  return logging.replica_folders(job.folder, job.num_replicas)


class _Run:
  """The run of a job: its replicas, checkpoints, log, progress and requests to stop."""

  def __init__(self, replicas: Replicas, checkpoints, log, shown, stop, profile):
    self.job = replicas.job
    self._replicas, self._checkpoints, self._log = replicas, checkpoints, log
    self._progress, self._stop, self._profile = shown, stop, profile
    self._first = self._saved = self.step
    self._has_evaluated = self._paused_to_evaluate = self._has_forecast = False

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
    with _stopped_at_once(), self._saved_if_it_fails(), self._evaluating() as due:
      for replica, row in enumerate(rows if due else ()):
        values, score = self.job.evaluate(self._replicas.state(replica), replica)
        row.update(values)
        scores += [] if score is None else [score]
    self._log.record(self.step, rows)
    self._replicas.restart_sums()
    return statistics.fmean(scores) if scores else None

  @contextlib.contextmanager
  def _evaluating(self) -> Iterator[bool]:
    """Yields whether an evaluation is due, which has a line; a later one only if it takes long."""
    if due := self._is_due('evaluate_every'):
      text = f'{self.job.name}: evaluating step {self.step:,}{self.job.evaluates}'
      with messages.stage(text, after=_SHORT if self._has_evaluated else 0.0):
        yield due
      self._has_evaluated = self._paused_to_evaluate = True
    else:
      yield due

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
    with _stopped_at_once(), messages.stage(f'{self.job.name}: drawing pictures', after=_SHORT):
      self._progress.show(self._log.show())
      for output in self.job.outputs:
        if self._is_due(output.every):
          self._draw(output)
      if files.is_writer() and self._is_due('picture_every'):
        self._log.show_pictures(self.step)

  def leave(self) -> None:
    """Logs a stopped step that has no row, and draws it if the signal came a short time ago.

    The checkpoint comes first: a machine that is taken away soon costs a picture at most. The next
    run drops the row, as the checkpoint says which rows are logged, and the pictures.
    """
    self._checkpoints.latest_step()  # Waits for the write.
    if self.is_logged:
      return
    self._log.record(self.step, self._replicas.means())
    self._progress.show(self._log.show())
    if distributed.are_several():  # Processes that leave at different moments block each other.
      return
    signalled = time.monotonic()
    # A second signal ends the drawing.
    with contextlib.suppress(stopping.Stopped), _stopped_at_once():
      for output in self.job.outputs:
        if time.monotonic() - signalled < _GRACE:
          self._draw(output)

  def _draw(self, output: OptionalOutput):
    """Draws an output of each replica or of the whole job."""
    job, step = self.job, self.step
    for replica, folder in enumerate(_folders(job) if output.observe else [job.folder]):
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
    clock, event = self._progress.clock, schedule.next_event(self.job, self.step)
    paused = clock.restart()
    if self._paused_to_evaluate:
      clock.pause, self._paused_to_evaluate = paused, False
    tracing, num_steps = contextlib.nullcontext(), event - self.step
    if self._profile and self.step > self._first:
      self._profile, num_steps = False, min(num_steps, _PROFILED)
      tracing = jax.profiler.trace(str(self.job.folder / 'profile'))
    if self.step == self._first:
      self._compile()
      num_steps = event - self.step
    text, total = f'{self.job.name}: training', self.job.last_step
    with tracing, messages.stage(text, after=math.inf, total=total) as running:
      running.done = self.step

      def took(steps):
        running.done += steps
        self._took(steps)

      self._replicas.advance(num_steps, self._stop, took)
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

  def _compile(self):
    """Takes the first step, which traces and compiles it, or finds it in the compilation cache."""
    clock, forecast = self._progress.clock, self.job.forecast.of_compilation()
    found = compilation.programs_from_cache()
    with messages.stage(f'{self.job.name}: compiling the training step{forecast}'):
      self._replicas.advance(1, self._stop, clock.compiled)
    clock.is_cached = compilation.programs_from_cache() > found
    cached = ', from the compilation cache' if clock.is_cached else ''
    took = messages.in_words(clock.compilation)
    messages.message(f'{self.job.name}: compiled in {took}{cached}')

  def _took(self, steps: int):
    """Counts steps; after the first ones tells how long the job and the rest of the plan take."""
    clock = self._progress.clock
    self._progress.took(steps)
    if not self._has_forecast and (times := clock.times()):
      self._has_forecast = True
      # The states of `self.step` are given away while `advance` runs.
      left, pauses = self.job.last_step - clock.step, schedule.num_evaluations(self.job, clock.step)
      if text := self.job.forecast.of_rest(times, left, pauses):
        messages.message(f'{self.job.name}: {text}')

  def remember_times(self) -> None:
    """Passes on how long steps and evaluations took, for later forecasts."""
    if times := self._progress.clock.times():
      self.job.forecast.remember(times)


def _stopped_at_once():
  """A context that a signal interrupts at once: its results do not affect training."""
  # With several processes none may leave here: the others would block in a collective.
  return contextlib.nullcontext() if distributed.are_several() else stopping.at_once()
