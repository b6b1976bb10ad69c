"""Locks that die with their process, so that two of them never write to one place.

`filelock` locks an open file: the operating system gives that up when the process ends, however it
ends. The file of a process that was killed stays, and is nobody's.
"""

import contextlib
import os
import pathlib
import socket

import filelock

from jaxgan.errors import UserError
from jaxgan.system import files

FILE = '.lock'


@contextlib.contextmanager
def held(folder: pathlib.Path):
  """A context in which no other run can hold the folder, which is made when missing.

  If several processes train one run, the process that writes holds the lock. New folders that are
  still empty at the end are removed.

  Raises:
    UserError: another process holds it, or it cannot be written to.
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
    with contextlib.suppress(OSError):  # On a full disk, the lock without its name.
      path.write_text(f'process {os.getpid()} on {socket.gethostname()}\n')
    yield


def _remove_empty(folders):
  with contextlib.suppress(OSError):  # There is something in it.
    for folder in folders:
      folder.rmdir()


def _holder(path) -> str:
  """The process that wrote its name into a lock file."""
  with contextlib.suppress(OSError):
    return path.read_text().strip() or 'another process'
  return 'another process'


@contextlib.contextmanager
def turn(path: pathlib.Path):
  """A context for one process at a time; others wait until it ends, even if it is killed.

  Args:
    path: the lock file. It and its folder are made when missing; the file is removed at the end of
      the turn, and its folder may be removed earlier.
  """
  while True:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):  # The process before has taken the folder along.
      taken = filelock.FileLock(path).acquire()
      break
  with taken:
    try:
      yield
    finally:
      path.unlink(missing_ok=True)
