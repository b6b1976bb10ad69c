"""Optional outputs: pictures, pages and previews, whose errors do not end a run."""

import contextlib
from pathlib import Path

from jaxgan.errors import UserError, first_line
from jaxgan.system import distributed, files
from jaxgan.training import logging

_failed = set()  # Names of the outputs that failed the last time.


@contextlib.contextmanager
def output(name):
  """Logs an error of an optional output as one line, and continues after the `with` block.

  An output that fails again and again is logged once. Signals still end a run.

  Args:
    name: of the output in that line, such as its path.
  """
  try:
    yield
  except Exception as error:  # Of any type: no picture is worth a run.
    if name not in _failed:
      _failed.add(name)
      logging.message(f'{name} left out: {reason(error)}')
  else:
    _failed.discard(name)


def reason(error: Exception) -> str:
  """An error as one line, with its type unless the message is meant for users."""
  if isinstance(error, UserError | OSError) or not str(error):
    return first_line(error)
  return f'{type(error).__name__}: {first_line(error)}'


class Owed:
  """The step whose optional outputs are not written yet, in a file: a resumed run writes them.

  Attributes:
    step: the step, or None.
  """

  def __init__(self, path):
    """Reads the file, if there is one; with several processes, all of them must call this."""
    self._path = Path(path)
    try:
      step = int(self._path.read_text())
    except (OSError, ValueError):
      step = -1
    step = int(max(distributed.gather(step)))
    self.step = None if step < 0 else step

  def mark(self, step: int) -> None:
    """Remembers a step, before anything that could be interrupted."""
    self.step = step
    files.replace(self._path, str(step).encode())

  def clear(self) -> None:
    """Forgets the step: its outputs are written or left out."""
    self.step = None
    if files.is_writer():
      with contextlib.suppress(OSError):
        self._path.unlink()
