"""Logs of a run: metrics.jsonl, and the rows of its tracker."""

import contextlib
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from jaxgan.errors import UserError
from jaxgan.system import files
from jaxgan.training import optional, trackers

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

  def __init__(self, run: trackers.Tracked, num_replicas: int = 1, tracker: str = 'tensorboard'):
    """Opens the files and the tracker.

    Args:
      run: the run; its folder is made if missing.
      num_replicas: number of replicas.
      tracker: the name of the tracker.

    Raises:
      UserError: see `MetricsFile`.
    """
    super().__init__()
    self._first, *_ = folders = replica_folders(run.folder, num_replicas)
    paths = dict.fromkeys((*folders, Path(run.folder)))
    *self._replicas, self._run = (MetricsFile(path, run.start_step) for path in paths)
    self._tracker = trackers.Guarded(tracker, run)
    self._latest: dict[str, float] = {}
    for closable in (*self._replicas, self._run):
      self.callback(closable.close)
    self.callback(lambda: self._tracker.close(self._run.last['step']))

  def record(self, step: int, rows: list[dict]) -> None:
    """Writes a row of scalars and vectors for each replica, and a row for the run."""
    rows = [{n: np.asarray(v, np.float64).tolist() for n, v in row.items()} for row in rows]
    if self._replicas:
      for file, row in zip(self._replicas, rows, strict=True):
        file.log(step, row)
    self._run.log(step, _whole(rows) if self._replicas else rows[0])

  def show(self) -> list[str]:
    """Shows the scalars of the run's last row in its tracker; returns the first ones as texts."""
    step, values = self._run.last['step'], self._run.last
    scalars = {
      name: math.nan if value is None else value
      for name, value in values.items()
      if name != 'step' and not isinstance(value, list)
    }
    self._tracker.log(step, scalars)
    self._latest |= scalars
    losses_first = sorted(self._latest, key=lambda name: not name.startswith('loss/'))
    return [f'{name} {self._latest[name]:.3g}' for name in losses_first[:VALUES_SHOWN]]

  def show_pictures(self, step: int) -> None:
    """Shows the pictures of a step of the first replica in the tracker."""
    for path in sorted(self._first.glob(optional.pictures_of(step))):
      self._tracker.picture(step, path)


def _whole(rows):
  """Returns mean and sample standard deviation over replicas of each scalar."""
  whole = {}
  for name in rows[0]:
    column = [row[name] for row in rows]
    if not any(isinstance(value, list) for value in column):
      whole[name] = float(np.mean(column))
      whole[f'std/{name}'] = float(np.std(column, ddof=1))
  return whole
