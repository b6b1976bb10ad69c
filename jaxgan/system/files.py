"""Files of a run: whole or not there, and written by one process where there are several."""

from collections.abc import Callable
import io
import os
from pathlib import Path

_writer = True


def leave_to_another_process() -> None:
  """From here on, nothing is written."""
  global _writer
  _writer = False


def is_writer() -> bool:
  """Whether this process writes what all of them have computed."""
  return _writer


def expanded(path) -> Path:
  """A path with `~` replaced by the home directory; `~name` of an unknown user stays as it is.

  Shells leave the `~` of --workdir=~/runs to the program; `Path.expanduser` raises for such names.
  """
  return Path(os.path.expanduser(path))


def replace(path, data: bytes) -> None:
  """Writes a file so that it is never seen half-written.

  Args:
    path: the file; its folder is made when missing.
    data: the contents.
  """
  if not _writer:
    return
  path = Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_name(f'{path.name}.tmp')
  temporary.write_bytes(data)
  os.replace(temporary, path)


def save(path, write: Callable, *array, **arrays) -> None:
  """Writes arrays as `replace` does, with `numpy.save` or `numpy.savez_compressed`."""
  buffer = io.BytesIO()
  write(buffer, *array, **arrays)
  replace(path, buffer.getvalue())
