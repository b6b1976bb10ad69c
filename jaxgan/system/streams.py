"""Standard streams: closed ones, and readers that leave, such as `head`. Imports nothing heavy."""

import os
import signal
import sys


def open_closed() -> None:
  """Opens closed output streams on the null device.

  Otherwise the next opened file gets their descriptor, and messages of libraries go to this file.
  """
  for descriptor, name in ((1, 'stdout'), (2, 'stderr')):
    if getattr(sys, name) is None:  # Closed when Python started, as by `2>&-`.
      null = os.open(os.devnull, os.O_WRONLY)
      if null != descriptor:
        os.dup2(null, descriptor)
        os.close(null)
      stream = open(descriptor, 'w', errors='backslashreplace', closefd=False)  # noqa: SIM115
      setattr(sys, name, stream)


def show(text: str, status: int = 0) -> int:
  """Prints the output of a command; returns `status`, or the status of `reader_left`."""
  try:
    print(text, flush=True)
  except BrokenPipeError:
    return reader_left()
  return status


def reader_left() -> int:
  """Silences stdout, which Python flushes when it ends; returns the exit status of SIGPIPE."""
  os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
  return 128 + signal.SIGPIPE
