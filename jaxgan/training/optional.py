"""Optional outputs: pictures and pages whose errors do not end a run."""

from collections.abc import Iterable, Iterator
import contextlib
from pathlib import Path

from jaxgan.errors import UserError, first_line
from jaxgan.system import distributed, files, messages

_failed: set[str] = set()  # Names of the outputs whose last attempt failed.


@contextlib.contextmanager
def output(name: str) -> Iterator[None]:
  """Logs an error of an optional output as one line and continues after the `with` block.

  Repeated failures of an output are logged once. Signals still end a run.

  Args:
    name: of the output, such as its path.
  """
  try:
    yield
  except Exception as error:  # Any type: no picture is worth a run.
    if name not in _failed:
      _failed.add(name)
      messages.message(f'{name} left out: {reason(error)}')
  else:
    _failed.discard(name)


def reason(error: Exception) -> str:
  """Returns an error as one line, with its type unless the message is meant for users."""
  if isinstance(error, UserError | OSError) or not str(error):
    return first_line(error)
  return f'{type(error).__name__}: {first_line(error)}'


@contextlib.contextmanager
def owed(path: Path) -> Iterator[None]:
  """Keeps a marker file while outputs are drawn, so that a resumed run draws what was cut off."""
  files.replace(path, b'')
  yield
  if files.is_writer():
    with contextlib.suppress(OSError):
      path.unlink()


def is_owed(path: Path) -> bool:
  """Returns whether the marker of `owed` exists; with several processes, all must call this."""
  return bool(distributed.gather(path.exists()).any())


def forget_pictures(folders: Iterable[Path], step: int) -> None:
  """Removes the pictures that a run drew of a step when it was stopped, from its folders."""
  with contextlib.suppress(OSError):
    for picture in (path for folder in folders for path in folder.glob(pictures_of(step))):
      picture.unlink()


def pictures_of(step: int) -> str:
  """Returns the pattern of the paths of the pictures of a step in the folder of a run."""
  return f'samples/step_{step:08d}*.png'
