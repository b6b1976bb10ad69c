"""Progress: rates without compilation and evaluations, lines of logs, bars of terminals."""

import io
import types

import pytest

from jaxgan.system import messages
from jaxgan.training import progress, schedule
from jaxgan.training.progress import Bar, Clock, Lines, Times


@pytest.fixture
def clock(monkeypatch):
  """A list with the time, which tests change."""
  now = [1000.0]
  fake = types.SimpleNamespace(monotonic=lambda: now[0])
  monkeypatch.setattr(progress, 'time', fake)
  monkeypatch.setattr(messages, 'time', fake)
  return now


def steps(shown, clock, number, seconds):
  for _ in range(number):
    clock[0] += seconds
    shown.took(1)


def begun(kind, clock, last_step, step=0, compilation=40.0):
  """Progress after the first step, which is compiled."""
  shown = kind('class_balancing', last_step, step)
  clock[0] += compilation
  shown.clock.compiled(1)
  return shown


def test_the_first_line_is_without_the_compilation(clock, capsys):
  shown = begun(Lines, clock, last_step=411)
  messages.message('compiled')
  steps(shown, clock, 10, 0.1)
  lines = capsys.readouterr().err.splitlines()
  assert lines == ['compiled', 'class_balancing  step 11/411  10 steps/s  ETA 0:00:40']


def test_lines_come_between_rows_and_keep_their_values(clock, capsys):
  shown = begun(Lines, clock, last_step=400)
  for row in range(1, 4):
    steps(shown, clock, 100, 0.25)
    shown.show([f'loss/generator {row}'])
  shown.close()
  shown.close()
  lines = [line.split() for line in capsys.readouterr().err.splitlines()]
  assert lines[0][2] == '11/400'
  assert [line[2] for line in lines[1:]] == [f'{step}/400' for step in (*range(43, 300, 32), 301)]
  assert [line[-1] for line in lines[3:7]] == ['1', '1', '1', '2']


def test_a_rate_is_of_training_and_the_remaining_time_has_the_evaluations(clock):
  measured = Clock(step=100)
  clock[0] += 30
  measured.compiled(1)
  for _ in range(20):
    measured.restart()
    clock[0] += 2.0
    measured.took(1)
    measured.pause = 7.0
    clock[0] += 7.0
  assert measured.step == 121
  assert measured.rate == pytest.approx(0.5)
  assert measured.times() == Times(pytest.approx(2.0), 30.0, 7.0)
  shown = Lines('job', 200, 121, lambda step: 3)
  shown.clock = measured
  assert shown._speed() == ['0.5 steps/s', 'ETA 0:02:59']


def test_a_rate_follows_a_machine_that_slows_down(clock):
  measured = Clock(step=0)
  for seconds, number in ((0.1, 1000), (1.0, 120)):
    for _ in range(number):
      clock[0] += seconds
      measured.took(1)
  assert measured.rate == pytest.approx(2.0, abs=0.1)  # 10 steps/s before, now 1.


def test_no_times_before_ten_steps(clock):
  measured = Clock(step=0)
  clock[0] += 9.0
  measured.took(9)
  assert measured.times() is None
  clock[0] += 1.0
  measured.took(1)
  assert measured.times() == Times(pytest.approx(1.0), 0.0, None)


def test_a_stop_shows_the_newest_step(clock, capsys):
  shown = begun(Lines, clock, last_step=400, step=100)
  steps(shown, clock, 2, 1.0)
  shown.close()
  lines = capsys.readouterr().err.splitlines()
  assert lines[-1].startswith('class_balancing  step 103/400  1 steps/s  ETA 0:04:57')


@pytest.mark.parametrize('columns', [120, 70])
def test_bar_on_a_terminal(clock, monkeypatch, columns):
  """A value is shown where it leaves room for the bar."""
  monkeypatch.setenv('COLUMNS', str(columns))
  terminal = io.StringIO()
  terminal.isatty = lambda: True
  monkeypatch.setattr('sys.stderr', terminal)
  shown = begun(progress.progress, clock, last_step=14, step=2)
  assert isinstance(shown, Bar)
  steps(shown, clock, 11, 0.5)
  shown.show(['loss/generator 0.25'])
  messages.message('checkpoint written')
  shown.close()
  text = terminal.getvalue()
  assert 'class_balancing 100%' in text
  assert '14/14, 2 steps/s  ETA 0:00:00' in text
  assert ('ETA 0:00:00  loss/generator 0.25' in text) == (columns == 120)
  assert max(len(line.rstrip()) for line in text.replace('\r', '\n').split('\n')) <= columns
  assert 'checkpoint written\n' in text


@pytest.mark.parametrize(
  ('every', 'step', 'expected'),
  [(4, 0, 3), (4, 4, 2), (4, 9, 1), (5, 0, 2), (5, 10, 0), (99, 3, 1)],
)
def test_number_of_evaluations_after_a_step(every, step, expected):
  train = types.SimpleNamespace(evaluate_every=every)
  job = types.SimpleNamespace(last_step=10, config=types.SimpleNamespace(train=train))
  due = [s for s in range(step + 1, 11) if schedule.is_due(job, s, 'evaluate_every')]
  assert schedule.num_evaluations(job, step) == expected == len(due)
