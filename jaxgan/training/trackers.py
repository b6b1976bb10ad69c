"""Trackers: where the rows of a run go beside metrics.jsonl, each by its own package.

A tracker's errors do not end a run. A resumed run continues the same run of its tracker, whose
name and newest step are in `tracker.json` in the folder of the job.
"""

from collections.abc import Callable
import contextlib
import importlib
import importlib.util
import json
import math
import os
from pathlib import Path
import secrets
import sys
import time
from typing import Any, NamedTuple, Protocol

from jaxgan.errors import UserError, first_line
from jaxgan.system import files, messages
from jaxgan.system.registry import Registry

FILE = 'tracker.json'
_PROJECT = 'jaxgan'  # Of jobs that belong to no experiment.


class Tracked(NamedTuple):
  """A run as trackers see it.

  Attributes:
    folder: of the job.
    job: its name in messages.
    start_step: steps with rows of earlier runs; 0 for a fresh run.
    last_step: the last step of the job.
    config: its configuration, as JSON.
  """

  folder: Path
  job: str
  start_step: int = 0
  last_step: int = 0
  config: dict[str, Any] = {}  # noqa: RUF012

  @property
  def project(self) -> str:
    """The experiment."""
    return self.config.get('experiment') or _PROJECT

  @property
  def name(self) -> str:
    """The work directory and the job, such as 'fashion_lt/class_balancing'."""
    return '/'.join(self.folder.absolute().parts[-2:])


class Tracker(Protocol):
  """A run of a tracker."""

  def log(self, step: int, scalars: dict[str, float]) -> None:
    """Logs the scalars of a row."""

  def picture(self, step: int, path: Path) -> None:
    """Logs a picture that was drawn after a row of the same step."""

  def close(self, is_done: bool) -> None:
    """Ends the run; `is_done`: at its last step."""


class Entry(NamedTuple):
  """A tracker in the table.

  Attributes:
    title: its name in messages.
    package: the package to import; '' for a tracker that comes with jaxgan.
    open: `open(package, run, identity) -> (tracker, identity)` starts a run for the identity None,
      else continues the run of the identity.
  """

  title: str
  package: str
  open: Callable[[Any, Tracked, str | None], tuple[Tracker, str | None]]


class EventsFile:
  """TensorBoard's event file of a run.

  The first row creates the file. Events are written without tensorboardX's SummaryWriter, whose
  thread blocks its callers forever when it cannot write.
  """

  def __init__(self, run: Tracked):
    """Writes nothing yet; TensorBoard hides events of earlier files after `run.start_step`."""
    self._run, self._writer = run, None

  def log(self, step: int, scalars: dict[str, float]) -> None:
    # With PyTorch installed, tensorboardX takes seconds to import: take the first steps before.
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto import event_pb2
    from tensorboardX.summary import scalar

    protos: Any = event_pb2  # Its classes are made at run time, unseen by type checkers.
    event, session = protos.Event, protos.SessionLog
    if self._writer is None:
      folder = self._run.folder / 'tensorboard'
      folder.mkdir(parents=True, exist_ok=True)
      self._writer = EventsWriter(str(folder / 'events'), f'.{os.getpid()}')
      if self._run.start_step:
        purged = min(self._run.start_step + 1, step)  # A resumed run may write its last row again.
        start = session(status=session.START)
        self._writer.write_event(event(step=purged, session_log=start))
    for name, value in scalars.items():
      summary = scalar(name, value)
      self._writer.write_event(event(wall_time=time.time(), step=step, summary=summary))
    self._writer.flush()

  def picture(self, step: int, path: Path) -> None:
    pass  # Pictures are files beside the events.

  def close(self, is_done: bool) -> None:
    if self._writer is not None:
      self._writer.close()


class _LikeWandb:
  """A run of a package with the interface of Weights & Biases."""

  _package: Any
  _run: Any

  def log(self, step: int, scalars: dict[str, float]) -> None:
    self._run.log(scalars, step=step)

  def picture(self, step: int, path: Path) -> None:
    self._run.log({_picture_name(path): self._package.Image(str(path))}, step=step)


class Wandb(_LikeWandb):
  """A run of Weights & Biases (docs.wandb.ai/ref/python); WANDB_MODE=offline keeps it on disk."""

  def __init__(self, package: Any, run: Tracked, identity: str):
    """Starts or continues the run of an id."""
    self._package = package
    run.folder.mkdir(parents=True, exist_ok=True)
    self._run = package.init(
      project=os.environ.get('WANDB_PROJECT') or run.project,
      name=run.name,
      id=identity,
      resume='allow',
      dir=str(run.folder),
      config=run.config,
      allow_val_change=True,
      settings=package.Settings(console='off'),
    )

  def close(self, is_done: bool) -> None:
    self._run.finish(exit_code=0 if is_done else 1)


class Trackio(_LikeWandb):
  """A run of Trackio (huggingface.co/docs/trackio), local unless TRACKIO_SPACE_ID names a Space."""

  def __init__(self, package: Any, run: Tracked, identity: str):
    """Starts or continues the run of a name."""
    self._package = package
    self._run = package.init(
      project=run.project, name=identity, config=run.config, resume='allow', embed=False
    )

  def close(self, is_done: bool) -> None:
    self._package.finish()  # The run's own `finish` would be repeated when Python ends.


class Mlflow:
  """A run of MLflow (mlflow.org/docs), in the store that MLFLOW_TRACKING_URI names."""

  def __init__(self, package: Any, run: Tracked, identity: str | None):
    """Starts a run, or continues the run of an id."""
    self._package, self._client = package, package.MlflowClient()
    if identity is None:
      name = os.environ.get('MLFLOW_EXPERIMENT_NAME') or run.project
      found = self._client.get_experiment_by_name(name)
      experiment = found.experiment_id if found else self._client.create_experiment(name)
      identity = self._client.create_run(experiment, run_name=run.name).info.run_id
      for field, value in _flat(run.config).items():
        self._client.log_param(identity, field, str(value)[:500])
    else:
      self._client.update_run(identity, status='RUNNING')
    self.identity = identity

  def log(self, step: int, scalars: dict[str, float]) -> None:
    now, metric = int(time.time() * 1000), self._package.entities.Metric
    metrics = [metric(name, value, now, step) for name, value in scalars.items()]
    self._client.log_batch(self.identity, metrics=metrics)

  def picture(self, step: int, path: Path) -> None:
    self._client.log_artifact(self.identity, str(path), 'samples')

  def close(self, is_done: bool) -> None:
    self._client.set_terminated(self.identity, 'FINISHED' if is_done else 'KILLED')


def _picture_name(path: Path) -> str:
  """'samples/ema' of 'step_00000100_ema.png': one name for the pictures of all steps."""
  return '/'.join(['samples', *path.stem.split('_')[2:]])


def _flat(config: dict, prefix: str = '') -> dict[str, Any]:
  """Returns nested settings by their full names."""
  found = {}
  for name, value in config.items():
    own = _flat(value, f'{prefix}{name}.') if isinstance(value, dict) else {prefix + name: value}
    found |= own
  return found


def _tensorboard(package, run, identity):
  return EventsFile(run), None


def _wandb(package, run, identity):
  identity = identity or secrets.token_hex(8)
  return Wandb(package, run, identity), identity


def _trackio(package, run, identity):
  identity = identity or f'{run.name.replace("/", "-")}-{secrets.token_hex(3)}'
  return Trackio(package, run, identity), identity


def _mlflow(package, run, identity):
  tracker = Mlflow(package, run, identity)
  return tracker, tracker.identity


TRACKERS = Registry(
  'tracker',
  {
    'tensorboard': Entry('TensorBoard', '', _tensorboard),
    'wandb': Entry('Weights & Biases', 'wandb', _wandb),
    'trackio': Entry('Trackio', 'trackio', _trackio),
    'mlflow': Entry('MLflow', 'mlflow', _mlflow),
  },
)


def check(name: str, field: str) -> None:
  """Raises a UserError if the package of a tracker is not installed.

  Args:
    name: of the tracker.
    field: the configuration field that names it.
  """
  package = TRACKERS[name].package
  if package and importlib.util.find_spec(package) is None:
    raise UserError(
      f'{field}={name!r}: the package {package} is not installed: '
      f"pip install 'jaxgan[{name}]', or choose another tracker"
    )


class Guarded:
  """A tracker whose first error is its last one; only the writer's process has it."""

  def __init__(self, name: str, run: Tracked):
    """Opens the tracker of a name in `TRACKERS`."""
    self._name, self._entry, self._run = name, TRACKERS[name], run
    self._file = run.folder / FILE
    self._tracker: Tracker | None = None
    self._identity, self._newest = self._remembered()
    if files.is_writer():
      with self._guard(), messages.stage(f'{run.job}: opening {self._entry.title}', after=1.0):
        package = self._entry.package and importlib.import_module(self._entry.package)
        self._tracker, self._identity = self._entry.open(package, run, self._identity)
        self._remember()

  def _remembered(self) -> tuple[str | None, int]:
    """Returns the identity and the newest step of the run in this tracker; TensorBoard has none."""
    try:
      content = json.loads(self._file.read_text(encoding='utf-8'))[self._name]
      return str(content['run']), int(content['step'])
    except (OSError, ValueError, KeyError, TypeError):
      return None, -1

  def _remember(self):
    if self._identity is not None:
      content = {self._name: {'run': self._identity, 'step': self._newest}}
      files.replace(self._file, json.dumps(content).encode())

  @contextlib.contextmanager
  def _guard(self):
    """Says an error in one line and gives up the tracker."""
    try:
      with contextlib.redirect_stdout(sys.stderr):  # The output of a command is its table.
        yield
    except Exception as error:  # Any type: a tracker must not end a run.
      self._tracker = None
      reason = first_line(error)
      messages.message(f'{self._run.job}: no more events for {self._entry.title}: {reason}')

  def log(self, step: int, scalars: dict[str, float]) -> None:
    """Logs the scalars of a row, unless an earlier run has logged it."""
    if self._tracker is None or step <= self._newest:
      return
    with self._guard():
      self._tracker.log(step, scalars)
      if self._identity is not None:
        self._newest = step
        self._remember()

  def picture(self, step: int, path: Path) -> None:
    """Logs a picture of the newest row."""
    if self._tracker is not None:
      with self._guard():
        self._tracker.picture(step, path)

  def close(self, step: float = -math.inf) -> None:
    """Ends the run, whose newest step is `step`."""
    if self._tracker is not None:
      with (
        self._guard(),
        messages.stage(f'{self._run.job}: closing {self._entry.title}', after=1.0),
      ):
        self._tracker.close(step >= self._run.last_step)
      self._tracker = None
