"""Messages: stages print a line at once, and further lines while they last."""

import threading
import time

import pytest

from jaxgan.system import files, messages


@pytest.fixture
def often(monkeypatch):
  """Lines after a tenth of a second of silence."""
  monkeypatch.setattr(messages, 'SILENCE', 0.1)


def _lines(capsys):
  return capsys.readouterr().err.splitlines()


def test_a_stage_speaks_at_once_and_while_it_lasts(often, capsys):
  with messages.stage('compiling'):
    assert _lines(capsys) == ['compiling']
    time.sleep(0.5)
    alive = _lines(capsys)
  assert 2 <= len(alive) <= 6
  assert set(alive) <= {'compiling: 0:00:00 so far', 'compiling: 0:00:01 so far'}
  time.sleep(0.3)
  assert _lines(capsys) == []


def test_a_short_stage_may_stay_silent(often, capsys):
  with messages.stage('drawing', after=10):
    time.sleep(0.3)
  assert _lines(capsys) == []
  with messages.stage('drawing', after=0.1):
    time.sleep(0.15)
  assert _lines(capsys) == ['drawing']


def test_the_innermost_stage_speaks(often, capsys):
  with messages.stage('evaluating'), messages.stage('drawing samples'):
    time.sleep(0.3)
  first, second, *alive = _lines(capsys)
  assert (first, second) == ('evaluating', 'drawing samples')
  assert alive
  assert all(line.startswith('drawing samples: ') for line in alive)


def test_items_are_counted(often, capsys):
  for item in messages.counted(range(1000, 1003), 3, 'reading 3 images'):
    assert item in (1000, 1001, 1002)
    if item == 1001:
      time.sleep(0.25)
  first, *alive = _lines(capsys)
  assert first == 'reading 3 images'
  assert alive
  assert all(line.startswith('reading 3 images: 1 of 3, 0:00:0') for line in alive)


def test_an_error_ends_a_stage(often, capsys):
  before = threading.active_count()
  with pytest.raises(ValueError, match='bad'), messages.stage('reading'):
    raise ValueError('bad')
  time.sleep(0.3)
  assert _lines(capsys) == ['reading']
  assert threading.active_count() <= before


def test_one_process_speaks(often, monkeypatch, capsys):
  monkeypatch.setattr(files, 'is_writer', lambda: False)
  with messages.stage('reading'):
    messages.message('a line')
    time.sleep(0.2)
  assert _lines(capsys) == []


@pytest.mark.parametrize(
  ('seconds', 'text'),
  [
    (0.118, '0.12 s'),
    (4.2, '4.2 s'),
    (89, '89 s'),
    (90, '2 min'),
    (750, '12 min'),
    (12e3, '3.3 h'),
  ],
)
def test_durations_in_words(seconds, text):
  assert messages.in_words(seconds) == text


def test_a_line_is_printed_once(capsys):
  for text in ('reading 2 images of a', 'reading 2 images of b', 'reading 2 images of a'):
    messages.once(text)
  assert _lines(capsys) == ['reading 2 images of a', 'reading 2 images of b']
