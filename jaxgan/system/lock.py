"""Locks that keep two processes from writing to the same folder, and end with their process.

`filelock` locks an open file, which the operating system unlocks when the process ends for any
reason. The file of a killed process remains, unlocked.
"""

from collections.abc import Iterator
import contextlib
import os
import pathlib
import socket

import filelock

from jaxgan.errors import UserError
from jaxgan.system import files

FILE = '.lock'


@contextlib.contextmanager
def held(folder: pathlib.Path) -> Iterator[None]:
  """Locks a folder for the `with` block.

  If a run has several processes, the writer holds the lock. Folders that this call makes are
  removed at the end if they are empty.

  Args:
    folder: made if missing.

  Raises:
    UserError: another process holds the lock, or the folder is not writable.
  """
  folder = pathlib.Path(folder)
  if not files.is_writer():
    yield
    return
  made = [path for path in (folder, *folder.parents) if not path.exists()]
  path = folder / FILE
  try:
    folder.mkdir(parents=True, exist_ok=True)
    taken = filelock.FileLock(path).acquire(blocking=False)
  except filelock.Timeout:
    raise UserError(
      f'{folder} is in use by {_holder(path)}: wait until it is done, stop it, or choose another '
      '--workdir'
    ) from None
  except OSError as error:
    raise UserError(
      f'cannot write to {folder} ({error.strerror}): choose another --workdir'
    ) from error
  with contextlib.ExitStack() as leaving:
    leaving.callback(_remove_empty, made)
    leaving.enter_context(taken)
    leaving.callback(path.unlink, missing_ok=True)
    with contextlib.suppress(OSError):  # A full disk: hold the lock without a name in it.
      path.write_text(f'process {os.getpid()} on {socket.gethostname()}\n')
    yield


def _remove_empty(folders):
  with contextlib.suppress(OSError):  # The folder is not empty.
    for folder in folders:
      folder.rmdir()


def _holder(path) -> str:
  """Returns the name of the process in a lock file."""
  with contextlib.suppress(OSError):
    return path.read_text().strip() or 'another process'
  return 'another process'


@contextlib.contextmanager
def turn(path: pathlib.Path) -> Iterator[None]:
  """Admits one process at a time to the `with` block; others wait until it leaves or is killed.

  Args:
    path: the lock file. It and its folder are made if missing. The file is removed at the end; the
      `with` block may remove the folder.
  """
  while True:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(
      FileNotFoundError
    ):  # The previous holder deleted the folder: try again.
      taken = filelock.FileLock(path).acquire()
      break
  with taken:
    try:
      yield
    finally:
      path.unlink(missing_ok=True)
