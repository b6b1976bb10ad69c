"""Logging: what a run writes while it trains (metrics.jsonl, TensorBoard events, progress)."""

import contextlib
from datetime import timedelta
import json
import math
import os
from pathlib import Path
import sys
import time

import numpy as np

from jaxgan.errors import UserError, first_line
from jaxgan.system import files

METRICS_FILE = 'metrics.jsonl'
SECONDS_BETWEEN_LINES = 10.0
VALUES_SHOWN = 3


def message(text: str) -> None:
  """Prints a line to stderr without breaking the progress bar of a run."""
  if files.is_writer():
    from tqdm import tqdm

    tqdm.write(text, file=sys.stderr)


def replica_folders(folder, num_replicas: int) -> list[Path]:
  """The folder of each replica of a run; that of a single one is the run's."""
  folder = Path(folder)
  if num_replicas == 1:
    return [folder]
  return [folder / f'replica_{replica:02}' for replica in range(num_replicas)]


def read_metrics(folder) -> list[dict]:
  """The rows of a run's metrics.jsonl.

  Args:
    folder: the run's folder.

  Returns:
    A list of {"step": int, name: float, None (was not finite) or list}; empty when there is no
    file. A torn last line, as a killed run leaves it, is left out.

  Raises:
    UserError: another line is damaged.
  """
  path = Path(folder) / METRICS_FILE
  if not path.exists():
    return []
  lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
  rows = []
  for number, line in enumerate(lines, start=1):
    try:
      row = json.loads(line)
      row['step'] = int(row['step'])
    except (ValueError, KeyError, TypeError) as error:
      if number == len(lines):
        break
      raise UserError(
        f'{path}: line {number} is damaged; remove that line and run again'
      ) from error
    rows.append(row)
  return rows


def finite(value):
  """The number or list of numbers, with None for what JSON cannot hold."""
  if isinstance(value, list):
    return [finite(item) for item in value]
  return value if value is not None and math.isfinite(value) else None


class MetricsFile:
  """The metrics.jsonl of a run that is being written.

  A resumed run (start_step > 0) first drops the rows after start_step, which it is going to write
  again, so that the file reads as if the run had never stopped. A fresh run starts with an empty
  file.

  Args:
    folder: the run's folder, made when missing.
    start_step: number of steps done before (0: a fresh run).

  Raises:
    UserError: metrics.jsonl of a resumed run is damaged elsewhere than in its last line.

  Attributes:
    last: the last row.
  """

  def __init__(self, folder, start_step: int):
    path = Path(folder) / METRICS_FILE
    rows = read_metrics(folder) if start_step > 0 else []
    rows = [row for row in rows if row['step'] <= start_step]
    files.replace(path, ''.join(json.dumps(row) + '\n' for row in rows).encode())
    self.last = rows[-1] if rows else {'step': start_step}
    self._file = open(path if files.is_writer() else os.devnull, 'a', encoding='utf-8')  # noqa: SIM115
    self.close = self._file.close

  def log(self, step: int, values: dict) -> None:
    """Writes a row {"step": step, name: value, ...} of floats and lists of floats."""
    self.last = {'step': step} | {name: finite(value) for name, value in values.items()}
    self._file.write(json.dumps(self.last, allow_nan=False) + '\n')
    self._file.flush()


class Log(contextlib.ExitStack):
  """Writes the metrics of a run and of each of its replicas, and shows how far the run is.

  The whole has the mean of every scalar under its name and the sample standard deviation under
  'std/<name>'. A single replica is the run itself.

  Args:
    folder: the run's folder, made when missing.
    job: name shown beside the progress.
    total_steps: step at which the run ends.
    start_step: number of steps done before (0: a fresh run).
    num_replicas: how many.

  Raises:
    UserError: see `MetricsFile`.
  """

  def __init__(self, folder, job: str, total_steps: int, start_step: int, num_replicas: int = 1):
    super().__init__()
    paths = dict.fromkeys((*replica_folders(folder, num_replicas), Path(folder)))
    *self._replicas, self._run = (MetricsFile(path, start_step) for path in paths)
    self._events = EventsFile(Path(folder) / 'tensorboard', job, start_step)
    shows_bar = sys.stderr.isatty() and files.is_writer()
    self._progress = (Bar if shows_bar else Lines)(job, total_steps, start_step)
    self._latest = {}
    for closable in (*self._replicas, self._run, self._events, self._progress):
      self.callback(closable.close)

  def record(self, step: int, rows: list[dict]) -> None:
    """Writes one row of scalars and vectors for each replica, and one for the run."""
    rows = [{n: np.asarray(v, np.float64).tolist() for n, v in row.items()} for row in rows]
    if self._replicas:
      for file, row in zip(self._replicas, rows, strict=True):
        file.log(step, row)
    self._run.log(step, _whole(rows) if self._replicas else rows[0])

  def show(self) -> None:
    """Shows the scalars of the last row of the run: to TensorBoard, and as progress."""
    step, values = self._run.last['step'], self._run.last
    scalars = {
      name: math.nan if value is None else value
      for name, value in values.items()
      if name != 'step' and not isinstance(value, list)
    }
    self._events.log(step, scalars)
    self._latest |= scalars
    losses_first = sorted(self._latest, key=lambda name: not name.startswith('loss/'))
    shown = [f'{name} {self._latest[name]:.3g}' for name in losses_first[:VALUES_SHOWN]]
    self._progress.show(step, shown)


def _whole(rows):
  """Mean and sample standard deviation of the scalars of all replicas."""
  whole = {}
  for name in rows[0]:
    column = [row[name] for row in rows]
    if not any(isinstance(value, list) for value in column):
      whole[name] = float(np.mean(column))
      whole[f'std/{name}'] = float(np.std(column, ddof=1))
  return whole


class Bar:
  """Progress on a terminal."""

  def __init__(self, job: str, total_steps: int, start_step: int):
    from tqdm import tqdm

    self._bar = tqdm(
      total=total_steps,
      initial=start_step,
      desc=job,
      dynamic_ncols=True,
      file=sys.stderr,
      unit=' steps',
      bar_format='{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}  '
      '{rate_noinv_fmt}  ETA {remaining}{postfix}',
    )
    self.close = self._bar.close

  def show(self, step: int, values: list[str]) -> None:
    self._bar.set_postfix_str('  '.join(values), refresh=False)
    self._bar.update(step - self._bar.n)


class Lines:
  """Progress in lines, SECONDS_BETWEEN_LINES apart."""

  def __init__(self, job: str, total_steps: int, start_step: int):
    self._job, self._total_steps = job, total_steps
    self._step = self._shown_step = start_step
    self._values, self._shown_time, self._first = [], time.monotonic(), True

  def show(self, step: int, values: list[str]) -> None:
    self._step, self._values = step, values
    due = time.monotonic() - self._shown_time >= SECONDS_BETWEEN_LINES
    if self._first or due or step >= self._total_steps:
      self.close()

  def close(self) -> None:
    """Prints the newest step unless it is shown."""
    if self._step == self._shown_step:
      return
    now = time.monotonic()
    # The rate since the previous line: compilation before the first line does not stay in the ETA.
    rate = (self._step - self._shown_step) / max(now - self._shown_time, 1e-9)
    remaining = timedelta(seconds=max(0, round((self._total_steps - self._step) / rate)))
    parts = [self._job, f'step {self._step}/{self._total_steps}', f'{rate:.3g} steps/s']
    message('  '.join([*parts, f'ETA {remaining}', *self._values]))
    self._shown_step, self._shown_time, self._first = self._step, now, False


class EventsFile:
  """TensorBoard's event file of a run, made with its first row; what cannot be written ends none.

  Events are written at once. The thread that tensorboardX's SummaryWriter starts blocks its callers
  for ever when it cannot write.

  Args:
    folder: made when missing.
    job: name of the run in the line that says so.
    start_step: TensorBoard hides what earlier files hold after this step; 0 for none.
  """

  def __init__(self, folder: Path, job: str, start_step: int):
    self._folder, self._job, self._start_step = folder, job, start_step
    self._writer, self._given_up = None, not files.is_writer()

  def log(self, step: int, scalars: dict) -> None:
    """Writes scalars by name."""
    if self._given_up:
      return
    # With PyTorch beside it, tensorboardX takes seconds to import: not before the first steps.
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto.event_pb2 import Event, SessionLog
    from tensorboardX.summary import scalar

    try:
      if self._writer is None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._writer = EventsWriter(str(self._folder / 'events'), f'.{os.getpid()}')
        if self._start_step:
          purged = min(self._start_step + 1, step)  # A resumed run may show its last row again.
          start = SessionLog(status=SessionLog.START)
          self._writer.write_event(Event(step=purged, session_log=start))
      for name, value in scalars.items():
        event = Event(wall_time=time.time(), step=step, summary=scalar(name, value))
        self._writer.write_event(event)
      self._writer.flush()
    except Exception as error:  # Of any type: events must not end a run.
      message(f'{self._job}: no more events for TensorBoard: {first_line(error)}')
      self._given_up = True

  def close(self) -> None:
    if self._writer is not None and not self._given_up:
      with contextlib.suppress(Exception):
        self._writer.close()
