"""Signals that stop a command: Ctrl-C, and SIGTERM from schedulers and preemptible machines.

Training treats the first signal as a request: it finishes the current step and saves a checkpoint.
All other work ends at once; its files are written atomically, so nothing needs saving.
"""

from collections.abc import Callable, Iterator
import contextlib
import os
import signal
import sys
import threading
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
  """Raised when a signal stops the command.

  Attributes:
    number: of the signal.
    exit_status: the status that shells expect after this signal.
  """

  def __init__(self, number: int):
    """Takes the number of the signal."""
    super().__init__(f'stopped by {signal.Signals(number).name}')
    self.number, self.exit_status = number, 128 + number


@contextlib.contextmanager
def _handling(handle):
  """Lets both signals call `handle(number)`; has no effect outside the main thread."""
  if threading.current_thread() is not threading.main_thread():
    yield
    return
  before = {number: signal.getsignal(number) for number in SIGNALS}
  try:
    for number in SIGNALS:
      signal.signal(number, lambda number, _: handle(number))
    yield
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)


@contextlib.contextmanager
def at_once() -> Iterator[None]:
  """Lets a signal raise Stopped in the `with` block.

  Python ignores exceptions in destructors and callbacks of the garbage collector; a signal that
  arrives there is sent again a moment later.
  """

  def handle(number):
    raise Stopped(number)

  def unraisable(ignored):
    if isinstance(ignored.exc_value, Stopped):
      threading.Timer(0.1, os.kill, (os.getpid(), ignored.exc_value.number)).start()
    else:
      before(ignored)

  before = sys.unraisablehook
  with _handling(handle):
    sys.unraisablehook = unraisable
    try:
      yield
    finally:
      sys.unraisablehook = before


@contextlib.contextmanager
def held() -> Iterator[None]:
  """Holds signals back during the `with` block and sends them again at its end.

  For libraries with event loops, which mistake a signal's exception for their own error.
  """
  waiting: list[int] = []
  try:
    with _handling(waiting.append):
      yield
  finally:
    for number in waiting:
      os.kill(os.getpid(), number)


class StopRequest(contextlib.ExitStack):
  """A context in which the first signal is a request; a second one raises KeyboardInterrupt.

  Calling it returns whether a signal arrived. With several processes, a signal to any of them is a
  request to all, so all must call it at the same places.

  Attributes:
    agreed: number of the signal that a call has seen in any process, or 0.
  """

  def __init__(self, gather: Callable[[int], Any] = lambda number: [number]):
    """Does not handle signals until it is entered.

    Args:
      gather: from a number to the numbers of all processes, see `jaxgan.system.distributed.gather`.
    """
    super().__init__()
    self._gather = gather
    self._signal = self.agreed = 0

  def __enter__(self) -> 'StopRequest':
    """Starts to handle signals."""
    super().__enter__()
    self.enter_context(_handling(self._handle))
    return self

  def _handle(self, number):
    if self._signal:
      raise KeyboardInterrupt
    self._signal = number

  def __call__(self) -> bool:
    """Returns whether a signal arrived in any process."""
    self.agreed = self.agreed or int(max(self._gather(self._signal)))
    return self.agreed != 0
