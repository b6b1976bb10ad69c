"""Progress of a job in the terminal: its rate and remaining time, as a bar or as lines."""

from collections.abc import Callable
import contextlib
from datetime import timedelta
import math
import os
import shutil
import sys
import time
from typing import Any, NamedTuple

from jaxgan.system import files, messages

SECONDS_BETWEEN_LINES = (
  8.0  # Less than `messages.SILENCE`, after which a stage would print a line, too.
)
_MEMORY = 60.0  # Seconds of training after which a rate counts a third.
_SHORTEST = 10  # Fewest characters of a bar; values that would leave it fewer are not shown.
_ENOUGH = 10  # Steps after which a rate is known.


class Times(NamedTuple):
  """Durations of a job in seconds.

  Attributes:
    step: of a step, without compilation and evaluations.
    compilation: of the training step.
    pause: of an evaluation with its checkpoint and pictures; None before the first one.
    is_cached: whether the compilation cache had the training step.
  """

  step: float
  compilation: float
  pause: float | None = None
  is_cached: bool = False


class Forecast:
  """What is known about durations on this machine; this one knows nothing."""

  def of_compilation(self) -> str:
    """Returns the end of the line about a compilation, such as ' (took 14 s)'."""
    return ''

  def of_rest(self, times: Times, remaining: int, pauses: int) -> str:
    """Returns a line about the duration of the job and of the rest of its plan, or ''.

    Args:
      times: durations of the job.
      remaining: the number of its further steps.
      pauses: the number of its further evaluations.
    """
    return ''

  def remember(self, times: Times) -> None:
    """Keeps the durations of a job."""


class Clock:
  """Measures a job: steps without the compilation and without the pauses for evaluations.

  Attributes:
    step: steps done.
    pause: seconds of the newest evaluation, or None.
    compilation: seconds of the first step of this process.
    is_cached: whether the compilation cache had the training step.
  """

  def __init__(self, step: int):
    """Starts at a step."""
    self.step, self.compilation, self.is_cached = step, 0.0, False
    self.pause: float | None = None
    self._counted, self._steps, self._seconds = 0, 0.0, 0.0
    self._since = time.monotonic()

  def restart(self) -> float:
    """Begins a measurement; returns the seconds since the previous one ended."""
    before, self._since = self._since, time.monotonic()
    return self._since - before

  def compiled(self, steps: int) -> None:
    """Counts the first step, whose duration is the compilation's."""
    self.step, self.compilation = self.step + steps, self.restart()

  def took(self, steps: int) -> None:
    """Counts steps that ended now."""
    seconds = self.restart()
    keep = math.exp(-seconds / _MEMORY)
    self._steps, self._seconds = self._steps * keep + steps, self._seconds * keep + seconds
    self.step, self._counted = self.step + steps, self._counted + steps

  @property
  def rate(self) -> float | None:
    """Steps per second, the newest of them above all; None before the first."""
    return self._steps / max(self._seconds, 1e-9) if self._counted else None

  def times(self) -> Times | None:
    """Returns the durations, or None before enough steps are counted."""
    if self._counted < _ENOUGH:
      return None
    return Times(self._seconds / self._steps, self.compilation, self.pause, self.is_cached)


class Progress:
  """Shows how far a job is; `Bar` and `Lines` print it.

  Attributes:
    clock: measures the job.
  """

  def __init__(
    self,
    job: str,
    last_step: int,
    start_step: int,
    pauses: Callable[[int], int] = lambda step: 0,
  ):
    """Shows nothing yet.

    Args:
      job: name beside the progress.
      last_step: the last step.
      start_step: steps done before.
      pauses: the number of evaluations after a step.
    """
    self._job, self._last_step, self._pauses = job, last_step, pauses
    self._values: list[str] = []
    self.clock = Clock(start_step)

  def took(self, steps: int) -> None:
    """Counts steps that ended now, and shows them where it is time."""
    self.clock.took(steps)
    self._tick()

  def show(self, values: list[str]) -> None:
    """Shows the text of the values of a new row."""
    self._values = values
    self._tick()

  def _tick(self) -> None:
    raise NotImplementedError

  def close(self) -> None:
    """Shows the newest step."""
    raise NotImplementedError

  def _speed(self) -> list[str]:
    """Texts of the rate and the remaining time, as far as they are known."""
    rate = self.clock.rate
    if not rate:
      return []
    seconds = (self._last_step - self.clock.step) / rate
    seconds += self._pauses(self.clock.step) * (self.clock.pause or 0.0)
    return [f'{rate:.3g} steps/s', f'ETA {timedelta(seconds=round(seconds))}']


class Bar(Progress):
  """A progress bar, for terminals."""

  def __init__(self, *arguments: Any):
    """Draws the bar at the first step; see `Progress`."""
    from tqdm import tqdm

    super().__init__(*arguments)
    self._bar = tqdm(
      total=self._last_step,
      initial=self.clock.step,
      desc=self._job,
      file=sys.stderr,
      **_size(),
      bar_format='{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}',
    )

  def _tick(self):
    parts, steps = self._speed(), f'{self.clock.step}/{self._last_step}'
    left = (self._bar.ncols or 80) - len('  '.join([self._job, '100%||', steps, *parts]))
    for value in self._values:
      if (left := left - len(value) - 2) < _SHORTEST:
        break
      parts.append(value)
    self._bar.set_postfix_str('  '.join(parts), refresh=False)
    self._bar.update(self.clock.step - self._bar.n)
    messages.shown()

  def close(self) -> None:
    """Leaves the bar at the newest step."""
    self._tick()
    self._bar.refresh()
    self._bar.close()


def _size() -> dict[str, Any]:
  """The width of bars: the terminal's, or a usual one if it claims 0 columns, as consoles may."""
  with contextlib.suppress(OSError, ValueError):  # Not a file: a cell of a notebook.
    if all(os.get_terminal_size(sys.stderr.fileno())):
      return {'dynamic_ncols': True}
  return {'ncols': shutil.get_terminal_size().columns, 'nrows': 24}


class Lines(Progress):
  """Progress as lines, at most SECONDS_BETWEEN_LINES apart, for logs."""

  def __init__(self, *arguments: Any):
    """Prints nothing yet; see `Progress`."""
    super().__init__(*arguments)
    self._shown_step, self._first = self.clock.step, True

  def _tick(self):
    first = self._first and self.clock.times() is not None
    silent = messages.seconds_in_silence() >= SECONDS_BETWEEN_LINES
    if first or silent or (self._values and self.clock.step >= self._last_step):
      self.close()

  def close(self) -> None:
    """Prints the newest step if it is not yet printed."""
    if self.clock.step == self._shown_step:
      return
    parts = [self._job, f'step {self.clock.step}/{self._last_step}', *self._speed()]
    messages.message('  '.join([*parts, *self._values]))
    self._shown_step, self._first = self.clock.step, False


def progress(*arguments: Any) -> Progress:
  """Makes a bar on a terminal, else lines; see `Progress`."""
  shows_bar = sys.stderr.isatty() and files.is_writer()
  return (Bar if shows_bar else Lines)(*arguments)
