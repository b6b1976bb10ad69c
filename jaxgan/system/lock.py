"""Locks that die with their process, so that two of them never write to one place."""

import contextlib
import fcntl
import os
import pathlib
import socket

from jaxgan.errors import UserError
from jaxgan.system import files

FILE = '.lock'


@contextlib.contextmanager
def held(folder: pathlib.Path):
  """A context in which no other run can hold the folder, which is made when missing.

  Of several processes of one run, the one that writes holds it.
  The operating system gives the lock up when the process ends, however it ends; the file of one
  that was killed stays. Where nothing has come into a new folder, it goes, and those that were made
  for it.

  Raises:
    UserError: another process holds it, or it cannot be written to.
  """
  folder = pathlib.Path(folder)
  if not files.is_writer():
    yield
    return
  made = [path for path in (folder, *folder.parents) if not path.exists()]
  try:
    folder.mkdir(parents=True, exist_ok=True)
    file = open(folder / FILE, 'a+', encoding='utf-8')  # noqa: SIM115
  except OSError as error:
    raise UserError(
      f'cannot write to {folder} ({error.strerror}): choose another --workdir'
    ) from error
  with file:
    try:
      fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
      if not _is_still_there(file, folder / FILE):  # Who held it has just left.
        raise BlockingIOError
    except BlockingIOError:
      file.seek(0)
      holder = file.read().strip() or 'another process'
      raise UserError(
        f'{folder} is in use by {holder}: wait until it is done, stop it, or choose another '
        '--workdir'
      ) from None
    with contextlib.suppress(OSError):  # On a full disk, the lock without its name.
      file.truncate(0)
      file.write(f'process {os.getpid()} on {socket.gethostname()}\n')
      file.flush()
    try:
      yield
    finally:
      (folder / FILE).unlink(missing_ok=True)
      with contextlib.suppress(OSError):  # There is something in it.
        for path in made:
          path.rmdir()


@contextlib.contextmanager
def turn(path: pathlib.Path):
  """A context that one process at a time is in; the others wait, however the first one ends.

  Args:
    path: of the file that says so. It and its folder are made when missing; the file goes when the
      turn is over, and may go before with its folder.
  """
  while True:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'a', encoding='utf-8') as file:
      fcntl.flock(file, fcntl.LOCK_EX)
      if _is_still_there(file, path):  # Else who was before has taken it along.
        try:
          yield
        finally:
          path.unlink(missing_ok=True)
        return


def _is_still_there(file, path):
  try:
    return os.path.samestat(os.fstat(file.fileno()), path.stat())
  except FileNotFoundError:
    return False
