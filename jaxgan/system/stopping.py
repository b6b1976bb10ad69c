"""Requests to stop: Ctrl-C, and SIGTERM as schedulers and pre-emptible machines send it.

Training takes the first one as a request: it ends after the current step and saves. Everything else
ends at once, as it has nothing to save: what it writes is whole or not there.
"""

from collections.abc import Callable
import contextlib
import os
import signal
import sys
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
  """A signal, of some `number`, asked the command to stop; shells expect its `exit_status`."""

  def __init__(self, number: int):
    super().__init__(f'stopped by {signal.Signals(number).name}')
    self.number, self.exit_status = number, 128 + number


@contextlib.contextmanager
def _handling(handle):
  """Both signals call `handle(number)`; in a thread other than the main one, nothing changes."""
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
def at_once():
  """A context in which a signal raises Stopped.

  Python ignores what is raised in a destructor or a callback of the garbage collector: there the
  signal is sent again, a moment later.
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
def held():
  """A context that holds signals back; they are sent again at its end.

  For libraries with event loops, which mistake the exception of a signal for an error of their own.
  """
  waiting = []
  try:
    with _handling(waiting.append):
      yield
  finally:
    for number in waiting:
      os.kill(os.getpid(), number)


class StopRequest(contextlib.ExitStack):
  """A context in which the first signal is a request; a second one raises KeyboardInterrupt.

  Where several processes train together, all have to ask at the same places: a signal to any of
  them is a request to all.

  Attributes:
    agreed: the number of the signal, once it has been asked for.
  """

  def __init__(self, gather: Callable = lambda number: [number]):
    """Not yet entered.

    Args:
      gather: the number of every process, see `jaxgan.system.distributed.gather`.
    """
    super().__init__()
    self._gather = gather
    self._signal = self.agreed = 0

  def __enter__(self):
    super().__enter__()
    self.enter_context(_handling(self._handle))
    return self

  def _handle(self, number):
    if self._signal:
      raise KeyboardInterrupt
    self._signal = number

  def __call__(self) -> bool:
    """Whether there was one."""
    self.agreed = self.agreed or int(max(self._gather(self._signal)))
    return self.agreed != 0
