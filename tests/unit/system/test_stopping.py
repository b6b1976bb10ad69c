"""Signals: requests to stop, and that no signal is lost."""

import os
import signal
import time

import pytest

from jaxgan.system import stopping


class Destroyed:
  """Sends a signal to this process while it is destroyed."""

  def __init__(self, number):
    self.number = number

  def __del__(self):
    os.kill(os.getpid(), self.number)
    time.sleep(0.01)  # The handler has run.


def _send(number, seconds):
  """Sends a signal to this process and waits for its handler."""
  os.kill(os.getpid(), number)
  time.sleep(seconds)


@pytest.mark.parametrize('number', stopping.SIGNALS)
def test_a_signal_in_a_destructor_is_not_lost(number):
  """Python ignores exceptions in destructors."""
  handlers = [signal.getsignal(number) for number in stopping.SIGNALS]

  def destroy():
    thing = Destroyed(number)
    del thing
    time.sleep(10)

  with pytest.raises(stopping.Stopped) as stopped, stopping.at_once():
    destroy()
  assert stopped.value.exit_status == 128 + number
  assert [signal.getsignal(number) for number in stopping.SIGNALS] == handlers


def test_other_errors_in_destructors_are_still_reported(monkeypatch):
  class Bad:
    def __del__(self):
      raise ValueError('bad')

  seen = []
  monkeypatch.setattr('sys.unraisablehook', lambda ignored: seen.append(str(ignored.exc_value)))
  with stopping.at_once():
    thing = Bad()
    del thing
  assert seen == ['bad']


def test_the_first_signal_is_a_request_and_the_second_interrupts():
  with stopping.StopRequest() as stop:
    assert not stop()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop()
    assert stop.agreed == signal.SIGTERM
    with pytest.raises(KeyboardInterrupt):
      _send(signal.SIGTERM, 1)


def test_a_held_signal_is_sent_at_the_end():
  done = []

  def hold():
    with stopping.held():
      _send(signal.SIGTERM, 0.01)
      done.append('all')
    time.sleep(10)

  with pytest.raises(stopping.Stopped) as stopped, stopping.at_once():
    hold()
  assert done == ['all']
  assert stopped.value.number == signal.SIGTERM


def test_a_held_signal_survives_an_error_in_the_block():

  def fail():
    os.kill(os.getpid(), signal.SIGINT)
    raise ValueError('bad')

  with stopping.StopRequest() as stop:
    with pytest.raises(ValueError, match='bad'), stopping.held():
      fail()
    assert stop()
