"""Logging: the metrics file of fresh, resumed and killed runs, and the progress."""

import io
import json

import numpy as np
import pytest

from jaxgan.errors import UserError
import jaxgan.logging
from jaxgan.logging import RunLogger, read_metrics, replace_file


def _write(folder, text):
  (folder / 'metrics.jsonl').write_text(text)


def test_rows_are_json_lines(tmp_path):
  with RunLogger(tmp_path / 'run', 'unconditional', total_steps=4, start_step=0) as logger:
    logger.log(2, {'loss/generator': np.float32(0.5), 'evaluation/class_counts': np.array([3, 1])})
    logger.log(4, {'loss/generator': float('nan'), 'shares': [0.5, float('inf')]})
  lines = (tmp_path / 'run' / 'metrics.jsonl').read_text().splitlines()
  assert json.loads(lines[0]) == {
    'step': 2,
    'loss/generator': 0.5,
    'evaluation/class_counts': [3.0, 1.0],
  }
  assert read_metrics(tmp_path / 'run')[1] == {
    'step': 4,
    'loss/generator': None,
    'shares': [0.5, None],
  }


def test_fresh_run_starts_empty(tmp_path):
  _write(tmp_path, '{"step": 1}\n')
  RunLogger(tmp_path, 'job', total_steps=4, start_step=0).close()
  assert read_metrics(tmp_path) == []


def test_resumed_run_drops_later_rows_and_the_torn_line(tmp_path):
  _write(tmp_path, '{"step": 1, "a": 0.1}\n{"step": 2, "a": null}\n{"step": 3}\n{"step": 4, "a')
  with RunLogger(tmp_path, 'job', total_steps=4, start_step=2) as logger:
    assert read_metrics(tmp_path) == [{'step': 1, 'a': 0.1}, {'step': 2, 'a': None}]
    logger.log(3, {'a': 0.3})
  assert [row['step'] for row in read_metrics(tmp_path)] == [1, 2, 3]


def test_resumed_run_without_metrics(tmp_path):
  with RunLogger(tmp_path, 'job', total_steps=4, start_step=2) as logger:
    logger.log(3, {'a': 1})
  assert read_metrics(tmp_path) == [{'step': 3, 'a': 1.0}]


def test_read_metrics_of_torn_and_damaged_files(tmp_path):
  assert read_metrics(tmp_path) == []
  _write(tmp_path, '{"step": 1}\n{"st')
  assert read_metrics(tmp_path) == [{'step': 1}]
  _write(tmp_path, '{"step": 1}\n{"st\n{"step": 3}\n')
  with pytest.raises(UserError, match='line 2'):
    read_metrics(tmp_path)


def test_tensorboard_events_are_purged_on_resume(tmp_path):
  from tensorboardX.proto.event_pb2 import Event

  with RunLogger(tmp_path, 'job', total_steps=4, start_step=2) as logger:
    logger.log(3, {'loss/generator': 0.5, 'counts': [1, 2]})
  events = []
  (path,) = (tmp_path / 'tensorboard').iterdir()
  data = path.read_bytes()
  while data:  # A record: length (8 bytes), checksum (4), event, checksum (4).
    length = int.from_bytes(data[:8], 'little')
    events.append(Event.FromString(data[12 : 12 + length]))
    data = data[16 + length :]
  assert [event.step for event in events if event.HasField('session_log')] == [3]
  values = [
    (event.step, value.tag, value.simple_value) for event in events for value in event.summary.value
  ]
  assert values == [(3, 'loss/generator', 0.5)]


def test_plain_lines_are_rate_limited(tmp_path, capsys, monkeypatch):
  clock = [0.0]
  monkeypatch.setattr(jaxgan.logging.time, 'monotonic', lambda: clock[0])
  with RunLogger(tmp_path, 'class_balancing', total_steps=400, start_step=0) as logger:
    for step in range(10, 401, 10):
      clock[0] += 1.0
      logger.log(step, {'accuracy': 0.5, 'loss/discriminator': 0.613, 'loss/generator': 1})
    logger.log(400, {'evaluation/kl_from_uniform': 0.1})
    logger.message('done')
  lines = capsys.readouterr().err.splitlines()
  assert lines[0] == (
    'class_balancing  step 10/400  10 steps/s  ETA 0:00:39  '
    'loss/discriminator 0.613  loss/generator 1  accuracy 0.5'
  )
  assert [line.split()[2] for line in lines[:-1]] == [
    '10/400',
    '110/400',
    '210/400',
    '310/400',
    '400/400',
  ]
  assert lines[-1] == 'done'


def test_close_shows_the_step_of_a_run_that_stops_early(tmp_path, capsys):
  logger = RunLogger(tmp_path, 'job', total_steps=400, start_step=100)
  for step in (101, 102, 103):
    logger.log(step, {})
  logger.close()
  logger.close()
  lines = capsys.readouterr().err.splitlines()
  assert [line.split()[2] for line in lines] == ['101/400', '103/400']


def test_bar_on_a_terminal(tmp_path, monkeypatch):
  terminal = io.StringIO()
  terminal.isatty = lambda: True
  monkeypatch.setattr('sys.stderr', terminal)
  with RunLogger(tmp_path, 'class_balancing', total_steps=4, start_step=2) as logger:
    logger.log(4, {'loss/generator': 0.25})
    logger.message('checkpoint written')
  shown = terminal.getvalue()
  assert 'class_balancing 100%' in shown and '4/4' in shown and 'loss/generator 0.25' in shown
  assert 'checkpoint written\n' in shown


def test_replace_file_leaves_no_temporary_file(tmp_path):
  replace_file(tmp_path / 'new' / 'a.txt', b'1')
  replace_file(tmp_path / 'new' / 'a.txt', b'2')
  assert [(path.name, path.read_bytes()) for path in (tmp_path / 'new').iterdir()] == [
    ('a.txt', b'2')
  ]
