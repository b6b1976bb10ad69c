"""Messages on stderr: a line when a stage begins, and further lines while it lasts."""

from collections.abc import Iterable, Iterator
import contextlib
from datetime import timedelta
import math
import sys
import threading
import time
from typing import TypeVar

from jaxgan.system import files

T = TypeVar('T')
SILENCE = 10.0  # The longest, in seconds.

_running: list['Stage'] = []  # The innermost stage is the last one.
_last = 0.0  # When the newest line was printed.
_told: set[str] = set()  # Lines of `once`.


def message(text: str) -> None:
  """Prints a line without breaking the progress bar of a run, if this process is the writer."""
  if not files.is_writer():
    return
  shown()
  if 'tqdm' in sys.modules:  # Otherwise there is no bar.
    sys.modules['tqdm'].tqdm.write(text, file=sys.stderr)
  else:
    print(text, file=sys.stderr)
  with contextlib.suppress(OSError, ValueError):  # A closed stream.
    sys.stderr.flush()


def once(text: str) -> None:
  """Prints a line unless this process has printed it before; see `message`."""
  if text not in _told:
    _told.add(text)
    message(text)


def shown() -> None:
  """Counts what a progress bar shows as a line."""
  global _last
  _last = time.monotonic()


def seconds_in_silence() -> float:
  """Returns the seconds since the newest line."""
  return time.monotonic() - _last


def in_words(seconds: float) -> str:
  """Returns a duration such as '4 s', '12 min' or '3.5 h'.

  >>> [in_words(seconds) for seconds in (0.12, 4, 89, 750, 12_000)]
  ['0.12 s', '4 s', '89 s', '12 min', '3.3 h']
  """
  if seconds < 90:
    return f'{seconds:.2g} s'
  minutes = seconds / 60
  return f'{minutes:.0f} min' if minutes < 90 else f'{minutes / 60:.1f} h'


class Stage:
  """A stage of a command, which may count its items.

  Attributes:
    text: what happens.
    done: items so far.
    total: items in all; 0 for a stage that counts nothing.
  """

  def __init__(self, text: str, total: int = 0):
    """Prints nothing."""
    self.text, self.total, self.done = text, total, 0
    self._began = time.monotonic()

  def silence(self) -> float:
    """Returns the seconds without a line since the stage began."""
    return min(seconds_in_silence(), time.monotonic() - self._began)

  def alive(self) -> str:
    """Returns the line of a stage that lasts long."""
    took = timedelta(seconds=round(time.monotonic() - self._began))
    counted = f'{self.done:,} of {self.total:,}, ' if self.total else ''
    return f'{self.text}: {counted}{took} so far'


@contextlib.contextmanager
def stage(text: str, after: float = 0.0, total: int = 0) -> Iterator[Stage]:
  """Prints a line, and another one after every SILENCE seconds in the `with` block.

  Of nested stages, the innermost prints.

  Args:
    text: what happens, such as 'classifier: compiling the training step'.
    after: print the first line after this many seconds, and nothing for a shorter stage; infinite:
      print only after silence.
    total: the number of items that the block counts in `Stage.done`.

  Yields:
    The Stage.
  """
  running, ended = Stage(text, total), threading.Event()
  if not files.is_writer():
    yield running
    return
  if not after:
    message(text)
  thread = threading.Thread(target=_watch, args=(running, after, ended), daemon=True)
  _running.append(running)
  try:
    thread.start()
    yield running
  finally:
    ended.set()
    _running.remove(running)


def _watch(running: Stage, after: float, ended: threading.Event) -> None:
  """Prints the lines of a stage until it has ended; a thread, as compilers block the main one."""
  if 0 < after < math.inf:
    if ended.wait(after):
      return
    if _running[-1:] == [running]:
      message(running.text)
  while not ended.wait(max(0.1, SILENCE - running.silence())):
    if running.silence() >= SILENCE and _running[-1:] == [running]:
      message(running.alive())


def counted(items: Iterable[T], total: int, text: str, after: float = 0.0) -> Iterator[T]:
  """Yields items; a stage counts them.

  Args:
    items: the items.
    total: their number.
    text: see `stage`.
    after: see `stage`.
  """
  with stage(text, after, total) as running:
    for item in items:
      yield item
      running.done += 1
