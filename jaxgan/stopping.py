"""Requests to stop: Ctrl-C, and SIGTERM as schedulers and pre-emptible machines send it.

Training takes the first one as a request: it ends after the current step and saves. Everything else
ends at once, as it has nothing to save: what it writes is whole or not there.
"""

import contextlib
import signal
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
  """A signal asked the command to stop; `exit_status` is what shells expect of it."""

  def __init__(self, number: int):
    super().__init__(f'stopped by {signal.Signals(number).name}')
    self.exit_status = 128 + number


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


def at_once():
  """A context in which a signal raises Stopped."""

  def handle(number):
    raise Stopped(number)

  return _handling(handle)


class StopRequest(contextlib.ExitStack):
  """A context in which the first signal is a request; a second one raises KeyboardInterrupt."""

  def __init__(self):
    super().__init__()
    self.signal = None

  def __enter__(self):
    super().__enter__()
    self.enter_context(_handling(self._handle))
    return self

  def _handle(self, number):
    if self.signal is not None:
      raise KeyboardInterrupt
    self.signal = number

  def __call__(self) -> bool:
    """Whether there was one."""
    return self.signal is not None
