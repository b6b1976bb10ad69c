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


@contextlib.contextmanager
def owed(path: Path):
  """A context that leaves a file behind unless it ends well: a later run makes up for it."""
  files.replace(path, b'')
  yield
  if files.is_writer():
    with contextlib.suppress(OSError):
      path.unlink()


def is_owed(path: Path) -> bool:
  """Whether such a file was left; with several processes, all of them must ask."""
  return bool(distributed.gather(path.exists()).any())
