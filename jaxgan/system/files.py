"""Files of a run: written atomically, and by one process if there are several."""

from collections.abc import Callable
import io
import os
from pathlib import Path
from typing import Any

_writer = True


def leave_to_another_process() -> None:
  """Stops all writing from this process; another one writes."""
  global _writer
  _writer = False


def is_writer() -> bool:
  """Returns whether this process writes the results of all processes."""
  return _writer


def expanded(path: str | os.PathLike) -> Path:
  """Replaces `~` by the home directory; `~name` of an unknown user stays unchanged.

  Shells do not expand the `~` of --workdir=~/runs, and `Path.expanduser` raises for unknown users.
  """
  return Path(os.path.expanduser(path))


def replace(path: str | os.PathLike, data: bytes) -> None:
  """Writes a file atomically, if this process is the writer.

  Args:
    path: the file; its folder is made if missing.
    data: the contents.
  """
  if not _writer:
    return
  path = Path(path)
  path.parent.mkdir(parents=True, exist_ok=True)
  temporary = path.with_name(f'{path.name}.tmp')
  temporary.write_bytes(data)
  os.replace(temporary, path)


def save(path: str | os.PathLike, write: Callable, *array: Any, **arrays: Any) -> None:
  """Writes arrays atomically, see `replace`.

  Args:
    path: the file; its folder is made if missing.
    write: `numpy.save` or `numpy.savez_compressed`.
    *array: its argument.
    **arrays: its keyword arguments.
  """
  buffer = io.BytesIO()
  write(buffer, *array, **arrays)
  replace(path, buffer.getvalue())
