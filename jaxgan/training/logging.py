"""Logs of a run: metrics.jsonl and TensorBoard events."""

import contextlib
import json
import math
import os
from pathlib import Path
import time
from typing import Any

import numpy as np

from jaxgan.errors import UserError, first_line
from jaxgan.system import files, messages

METRICS_FILE = 'metrics.jsonl'
VALUES_SHOWN = 3


def replica_folders(folder: str | Path, num_replicas: int) -> list[Path]:
  """Returns the folder of each replica of a run; a single replica uses the folder of the run."""
  folder = Path(folder)
  if num_replicas == 1:
    return [folder]
  return [folder / f'replica_{replica:02}' for replica in range(num_replicas)]


def read_metrics(folder: str | Path) -> list[dict[str, Any]]:
  """Reads the metrics.jsonl of a run.

  Args:
    folder: of the run.

  Returns:
    Rows {"step": int, name: value}; a value is a float, a list, or None for a value that was not
    finite. Empty without a file. An incomplete last line, which a killed run leaves, is skipped.

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
        f'{path}: line {number} is damaged: remove this line and run again'
      ) from error
    rows.append(row)
  return rows


def finite(value: Any) -> Any:
  """Replaces NaN and infinity, which JSON cannot hold, by None in a number or nested list."""
  if isinstance(value, list):
    return [finite(item) for item in value]
  return value if value is not None and math.isfinite(value) else None


class MetricsFile:
  """Writes the metrics.jsonl of a run.

  A resumed run (start_step > 0) first drops the rows after start_step, which it will write again,
  so that the file is the same as without a stop. A fresh run starts with an empty file.

  Attributes:
    last: the last row.
  """

  def __init__(self, folder: str | Path, start_step: int):
    """Opens the file.

    Args:
      folder: of the run, made if missing.
      start_step: steps done before; 0 for a fresh run.

    Raises:
      UserError: a line before the last one is damaged.
    """
    path = Path(folder) / METRICS_FILE
    rows = read_metrics(folder) if start_step > 0 else []
    rows = [row for row in rows if row['step'] <= start_step]
    files.replace(path, ''.join(json.dumps(row) + '\n' for row in rows).encode())
    self.last: dict[str, Any] = rows[-1] if rows else {'step': start_step}
    self._file = open(path if files.is_writer() else os.devnull, 'a', encoding='utf-8')  # noqa: SIM115
    self.close = self._file.close

  def log(self, step: int, values: dict) -> None:
    """Writes the row {"step": step, name: value, ...} of floats and lists of floats."""
    self.last = {'step': step} | {name: finite(value) for name, value in values.items()}
    self._file.write(json.dumps(self.last, allow_nan=False) + '\n')
    self._file.flush()


class Log(contextlib.ExitStack):
  """Writes the metrics of a run and of its replicas.

  The row of a run with several replicas has the mean of every scalar under its name and the sample
  standard deviation under 'std/<name>'.
  """

  def __init__(self, folder: str | Path, job: str, start_step: int, num_replicas: int = 1):
    """Opens the files.

    Args:
      folder: of the run, made if missing.
      job: its name in messages.
      start_step: steps done before; 0 for a fresh run.
      num_replicas: number of replicas.

    Raises:
      UserError: see `MetricsFile`.
    """
    super().__init__()
    paths = dict.fromkeys((*replica_folders(folder, num_replicas), Path(folder)))
    *self._replicas, self._run = (MetricsFile(path, start_step) for path in paths)
    self._events = EventsFile(Path(folder) / 'tensorboard', job, start_step)
    self._latest: dict[str, float] = {}
    for closable in (*self._replicas, self._run, self._events):
      self.callback(closable.close)

  def record(self, step: int, rows: list[dict]) -> None:
    """Writes a row of scalars and vectors for each replica, and a row for the run."""
    rows = [{n: np.asarray(v, np.float64).tolist() for n, v in row.items()} for row in rows]
    if self._replicas:
      for file, row in zip(self._replicas, rows, strict=True):
        file.log(step, row)
    self._run.log(step, _whole(rows) if self._replicas else rows[0])

  def show(self) -> list[str]:
    """Shows the scalars of the run's last row in TensorBoard; returns the first ones as texts."""
    step, values = self._run.last['step'], self._run.last
    scalars = {
      name: math.nan if value is None else value
      for name, value in values.items()
      if name != 'step' and not isinstance(value, list)
    }
    self._events.log(step, scalars)
    self._latest |= scalars
    losses_first = sorted(self._latest, key=lambda name: not name.startswith('loss/'))
    return [f'{name} {self._latest[name]:.3g}' for name in losses_first[:VALUES_SHOWN]]


def _whole(rows):
  """Returns mean and sample standard deviation over replicas of each scalar."""
  whole = {}
  for name in rows[0]:
    column = [row[name] for row in rows]
    if not any(isinstance(value, list) for value in column):
      whole[name] = float(np.mean(column))
      whole[f'std/{name}'] = float(np.std(column, ddof=1))
  return whole


class EventsFile:
  """TensorBoard's event file of a run; errors of writing do not end the run.

  The first row creates the file. Events are written without tensorboardX's SummaryWriter, whose
  thread blocks its callers forever when it cannot write.
  """

  def __init__(self, folder: Path, job: str, start_step: int):
    """Writes nothing yet.

    Args:
      folder: of the file, made if missing.
      job: name of the run in the message about an error.
      start_step: TensorBoard hides events of earlier files after this step; 0 for none.
    """
    self._folder, self._job, self._start_step = folder, job, start_step
    self._writer, self._given_up = None, not files.is_writer()

  def log(self, step: int, scalars: dict) -> None:
    """Writes scalars by name."""
    if self._given_up:
      return
    # With PyTorch installed, tensorboardX takes seconds to import: take the first steps before.
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto import event_pb2
    from tensorboardX.summary import scalar

    protos: Any = event_pb2  # Its classes are made at run time, unseen by type checkers.
    event, session = protos.Event, protos.SessionLog
    try:
      if self._writer is None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._writer = EventsWriter(str(self._folder / 'events'), f'.{os.getpid()}')
        if self._start_step:
          purged = min(self._start_step + 1, step)  # A resumed run may write its last row again.
          start = session(status=session.START)
          self._writer.write_event(event(step=purged, session_log=start))
      for name, value in scalars.items():
        summary = scalar(name, value)
        self._writer.write_event(event(wall_time=time.time(), step=step, summary=summary))
      self._writer.flush()
    except Exception as error:  # Any type: events must not end a run.
      messages.message(f'{self._job}: no more events for TensorBoard: {first_line(error)}')
      self._given_up = True

  def close(self) -> None:
    """Closes the file."""
    if self._writer is not None and not self._given_up:
      with contextlib.suppress(Exception):
        self._writer.close()
