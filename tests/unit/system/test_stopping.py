"""Requests to stop: where they are noticed, and that none is lost."""

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


@pytest.mark.parametrize('number', stopping.SIGNALS)
def test_a_signal_in_a_destructor_is_not_lost(number):
  """Python ignores exceptions there."""
  handlers = [signal.getsignal(number) for number in stopping.SIGNALS]
  with pytest.raises(stopping.Stopped) as stopped, stopping.at_once():
    thing = Destroyed(number)
    del thing
    time.sleep(10)
  assert stopped.value.exit_status == 128 + number
  assert [signal.getsignal(number) for number in stopping.SIGNALS] == handlers


def test_other_errors_in_destructors_are_reported_as_ever(monkeypatch):
  class Bad:
    def __del__(self):
      raise ValueError('bad')

  seen = []
  monkeypatch.setattr('sys.unraisablehook', lambda ignored: seen.append(str(ignored.exc_value)))
  with stopping.at_once():
    thing = Bad()
    del thing
  assert seen == ['bad']


def test_a_first_signal_is_a_request_and_a_second_one_ends():
  with stopping.StopRequest() as stop:
    assert not stop()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop()
    assert stop.agreed == signal.SIGTERM
    with pytest.raises(KeyboardInterrupt):
      os.kill(os.getpid(), signal.SIGTERM)
      time.sleep(1)


def test_a_signal_that_is_held_comes_at_the_end():
  done = []
  with pytest.raises(stopping.Stopped) as stopped, stopping.at_once():
    with stopping.held():
      os.kill(os.getpid(), signal.SIGTERM)
      time.sleep(0.01)
      done.append('all')
    time.sleep(10)
  assert done == ['all'] and stopped.value.number == signal.SIGTERM


def test_a_signal_that_is_held_is_not_lost_where_what_holds_it_fails():
  with stopping.StopRequest() as stop:
    with pytest.raises(ValueError, match='bad'), stopping.held():
      os.kill(os.getpid(), signal.SIGINT)
      raise ValueError('bad')
    assert stop()
