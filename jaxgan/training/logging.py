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


def message(text):
  """Prints a line to stderr without breaking the progress bar of a run."""
  if not files.is_writer():
    return
  if sys.stderr.isatty():
    from tqdm import tqdm

    tqdm.write(text, file=sys.stderr)
  else:
    print(text, file=sys.stderr, flush=True)


class MetricsFile:
  """The metrics.jsonl of a run that is being written.

  A resumed run (start_step > 0) first drops the rows after start_step, which it
  is going to write again, so that the file reads as if the run had never
  stopped. A fresh run starts with an empty file.

  Args:
    folder: the run's folder, made when missing.
    start_step: number of steps done before (0: a fresh run).

  Raises:
    UserError: metrics.jsonl of a resumed run is damaged elsewhere than in its
      last line.

  Attributes:
    last: the last row.
  """

  def __init__(self, folder, start_step):
    path = Path(folder) / METRICS_FILE
    rows = read_metrics(folder) if start_step > 0 else []
    rows = [row for row in rows if row['step'] <= start_step]
    files.replace(path, ''.join(json.dumps(row) + '\n' for row in rows).encode())
    self.last = rows[-1] if rows else {'step': start_step}
    self._file = open(path if files.is_writer() else os.devnull, 'a', encoding='utf-8')  # noqa: SIM115

  @property
  def closed(self):
    return self._file.closed

  def log(self, step, values):
    """Writes a row {"step": step, name: value, ...} of scalars and vectors."""
    self.last = {'step': step} | {name: finite(value) for name, value in values.items()}
    self._file.write(json.dumps(self.last, allow_nan=False) + '\n')
    self._file.flush()

  def close(self):
    self._file.close()


class ReplicaLogger:
  """Writes the metrics of the replicas of a run, each in its folder, and of a run as a whole.

  The whole has the mean of every scalar under its name and the sample standard deviation under
  'std/<name>'. A single replica is the run itself.

  Args:
    folder: the run's folder.
    job: name shown beside the progress.
    total_steps: step at which the run ends.
    start_step: number of steps done before (0: a fresh run).
    num_replicas: how many.
  """

  def __init__(self, folder, job, total_steps, start_step, num_replicas):
    self._run = RunLogger(folder, job, total_steps, start_step)
    folders = replica_folders(folder, num_replicas) if num_replicas > 1 else []
    self._files = [MetricsFile(folder, start_step) for folder in folders]

  def __enter__(self):
    return self

  def __exit__(self, *exception):
    for file in (self._run, *self._files):
      file.close()

  def show(self):
    """Shows the last row of the run: to TensorBoard, and as progress."""
    self._run.show()

  def record(self, step, values):
    """Writes one row of metrics for each replica, `values[replica]`, and one for the run."""
    values = [_plain(row) for row in values]
    if not self._files:
      self._run.record(step, values[0])
      return
    for file, row in zip(self._files, values, strict=True):
      file.log(step, row)
    whole = {}
    for name in values[0]:
      column = [row[name] for row in values]
      if not any(isinstance(value, list) for value in column):
        whole[name] = float(np.mean(column))
        whole[f'std/{name}'] = float(np.std(column, ddof=1))
    self._run.record(step, whole)


def replica_folders(folder, num_replicas):
  """The folder of each replica of a run; that of a single one is the run's."""
  folder = Path(folder)
  if num_replicas == 1:
    return [folder]
  return [folder / f'replica_{replica:02}' for replica in range(num_replicas)]


class RunLogger:
  """Writes the metrics of one run and shows how far it is.

  Args:
    folder: the run's folder, made when missing.
    job: name shown beside the progress.
    total_steps: step at which the run ends.
    start_step: number of steps done before (0: a fresh run).

  Raises:
    UserError: see `MetricsFile`.
  """

  def __init__(self, folder, job, total_steps, start_step):
    self._job = job
    self._total_steps = total_steps
    folder = Path(folder)
    self._metrics = MetricsFile(folder, start_step)
    # TensorBoard hides what earlier event files hold from purge_step on.
    purge_step = start_step + 1 if start_step > 0 else 0
    self._events = EventsFile(folder / 'tensorboard', purge_step)
    self._latest = {}
    self._step = self._shown_step = start_step
    self._shown_time = time.monotonic()
    self._first = True
    self._bar = None
    if sys.stderr.isatty() and files.is_writer():
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

  def __enter__(self):
    return self

  def __exit__(self, *exception):
    self.close()

  def record(self, step, values):
    """Writes one row of metrics to metrics.jsonl.

    Args:
      step: number of steps done.
      values: {name: scalar or [K] vector}; TensorBoard gets the scalars from `show`.
    """
    self._metrics.log(int(step), _plain(values))

  def show(self):
    """Shows the last row of metrics.jsonl: to TensorBoard, and as progress."""
    step, values = self._metrics.last['step'], self._metrics.last
    scalars = {name: _to_float(value) for name, value in values.items() if name != 'step'}
    scalars = {name: value for name, value in scalars.items() if value is not None}
    try:
      self._events.log(step, scalars)
    except Exception as error:  # Of any type: events must not end a run.
      message(f'{self._job}: no more events for TensorBoard: {first_line(error)}')
      self._events.give_up()
    self._latest.update(scalars)
    self._show(step)

  def close(self):
    """Shows the last step and closes the files; a second call does nothing."""
    if self._metrics.closed:
      return
    if self._bar is not None:
      self._bar.close()
    elif self._step != self._shown_step:
      self._print_line()
    self._events.close()
    self._metrics.close()

  def _show(self, step):
    done, self._step = step - self._step, step
    if self._bar is not None:
      self._bar.set_postfix_str('  '.join(self._shown_values()), refresh=False)
      self._bar.update(done)
      return
    due = time.monotonic() - self._shown_time >= SECONDS_BETWEEN_LINES
    last = step >= self._total_steps and step != self._shown_step
    if self._first or due or last:
      self._print_line()

  def _print_line(self):
    now = time.monotonic()
    # The rate since the previous line: compilation before the first line does not stay in the ETA.
    rate = (self._step - self._shown_step) / max(now - self._shown_time, 1e-9)
    parts = [self._job, f'step {self._step}/{self._total_steps}']
    if rate > 0:
      remaining = max(0, round((self._total_steps - self._step) / rate))
      parts += [f'{rate:.3g} steps/s', f'ETA {timedelta(seconds=remaining)}']
    message('  '.join(parts + self._shown_values()))
    self._shown_step, self._shown_time, self._first = self._step, now, False

  def _shown_values(self):
    losses_first = sorted(self._latest, key=lambda name: not name.startswith('loss/'))
    return [f'{name} {self._latest[name]:.3g}' for name in losses_first[:VALUES_SHOWN]]


class EventsFile:
  """TensorBoard's event file of a run, made with its first row.

  Events are written at once. The thread that tensorboardX's SummaryWriter starts blocks its callers
  for ever when it cannot write.

  Args:
    folder: made when missing.
    purge_step: TensorBoard hides what earlier files hold from this step on; 0 for none.
  """

  def __init__(self, folder, purge_step):
    self._folder, self._purge_step = Path(folder), purge_step
    self._writer = None
    self._given_up = False

  def log(self, step, scalars):
    """Writes scalars by name; raises OSError where that cannot be."""
    if self._given_up or not files.is_writer():
      return
    # With PyTorch beside it, tensorboardX takes seconds to import: not before the first steps.
    from tensorboardX.proto import event_pb2
    from tensorboardX.summary import scalar

    if self._writer is None:
      from tensorboardX.event_file_writer import EventsWriter

      self._folder.mkdir(parents=True, exist_ok=True)
      self._writer = EventsWriter(str(self._folder / 'events'), f'.{os.getpid()}')
      start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
      if self._purge_step:
        purge_step = min(self._purge_step, step)  # A resumed run may show its last row again.
        self._writer.write_event(event_pb2.Event(step=purge_step, session_log=start))
    for name, value in scalars.items():
      summary = scalar(name, value)
      event = event_pb2.Event(wall_time=time.time(), step=step, summary=summary)
      self._writer.write_event(event)
    self._writer.flush()

  def give_up(self):
    """Writes nothing more."""
    self._given_up = True

  def close(self):
    if self._writer is not None and not self._given_up:
      with contextlib.suppress(Exception):
        self._writer.close()


def read_metrics(folder):
  """The rows of a run's metrics.jsonl.

  Args:
    folder: the run's folder.

  Returns:
    A list of {"step": int, name: float, None (was not finite) or list}; empty
    when there is no file. A torn last line, as a killed run leaves it, is left
    out.

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


def _plain(values):
  """Scalars and vectors of any kind as floats and lists of floats."""
  return {name: np.asarray(value, np.float64).tolist() for name, value in values.items()}


def _to_float(value):
  """A scalar of a row, NaN of one that was not finite; None of a list."""
  if value is None:
    return math.nan
  return None if isinstance(value, list) else value


def finite(value):
  """The number or list of numbers, with None for what JSON cannot hold."""
  if isinstance(value, list):
    return [finite(item) for item in value]
  return value if math.isfinite(value) else None
