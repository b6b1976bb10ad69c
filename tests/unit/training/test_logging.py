"""Logging: metrics files of fresh, resumed and killed runs, and TensorBoard events."""

import json
import math

import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.system import files
from jaxgan.training.logging import (
  Log,
  MetricsFile,
  read_metrics,
  replica_folders,
)
from jaxgan.training.trackers import Tracked


def log(logger, step, *replicas):
  logger.record(step, replicas)
  logger.show()


def _write(folder, text):
  (folder / 'metrics.jsonl').write_text(text)


def test_rows_are_written_as_json_lines(tmp_path):
  with Log(Tracked(tmp_path / 'run', 'unconditional')) as logger:
    log(logger, 2, {'loss/generator': np.float32(0.5), 'evaluation/class_counts': np.array([3, 1])})
    log(logger, 4, {'loss/generator': float('nan'), 'shares': [0.5, float('inf')]})
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
  Log(Tracked(tmp_path, 'job', 0)).close()
  assert read_metrics(tmp_path) == []


def test_resumed_run_drops_later_rows_and_an_incomplete_line(tmp_path):
  _write(tmp_path, '{"step": 1, "a": 0.1}\n{"step": 2, "a": null}\n{"step": 3}\n{"step": 4, "a')
  with Log(Tracked(tmp_path, 'job', 2)) as logger:
    assert read_metrics(tmp_path) == [{'step': 1, 'a': 0.1}, {'step': 2, 'a': None}]
    log(logger, 3, {'a': 0.3})
  assert [row['step'] for row in read_metrics(tmp_path)] == [1, 2, 3]


def test_resumed_run_without_metrics(tmp_path):
  with Log(Tracked(tmp_path, 'job', 2)) as logger:
    log(logger, 3, {'a': 1})
  assert read_metrics(tmp_path) == [{'step': 3, 'a': 1.0}]


def test_read_metrics_skips_an_incomplete_last_line_and_refuses_damage(tmp_path):
  assert read_metrics(tmp_path) == []
  _write(tmp_path, '{"step": 1}\n{"st')
  assert read_metrics(tmp_path) == [{'step': 1}]
  _write(tmp_path, '{"step": 1}\n{"st\n{"step": 3}\n')
  with pytest.raises(UserError, match='line 2'):
    read_metrics(tmp_path)


def test_tensorboard_events_are_purged_on_resume(tmp_path):
  from tensorboardX.proto.event_pb2 import Event

  with Log(Tracked(tmp_path, 'job', 2)) as logger:
    log(logger, 3, {'loss/generator': 0.5, 'counts': [1, 2]})
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


def test_metrics_file_of_fresh_and_resumed_runs(tmp_path):
  """A fresh file is empty; a resumed one loses later rows and an incomplete last line."""
  folder = tmp_path / 'new' / 'run'
  file = MetricsFile(folder, start_step=0)
  for step in (1, 2, 3):
    file.log(step, {'a': step / 2, 'bad': math.inf, 'shares': [0.5, math.nan]})
  file.close()
  with open(folder / 'metrics.jsonl', 'a') as torn:
    torn.write('{"step": 4, "a')
  file = MetricsFile(folder, start_step=2)
  file.log(3, {'a': 7.0})
  assert read_metrics(folder) == [  # Readable before it is closed.
    {'step': 1, 'a': 0.5, 'bad': None, 'shares': [0.5, None]},
    {'step': 2, 'a': 1.0, 'bad': None, 'shares': [0.5, None]},
    {'step': 3, 'a': 7.0},
  ]
  file.close()
  MetricsFile(folder, start_step=0).close()
  assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [('metrics.jsonl', b'')]


def test_several_replicas_have_separate_folders(tmp_path):
  assert replica_folders(tmp_path, 1) == [tmp_path]
  folders = replica_folders(str(tmp_path), 50)
  assert folders[0] == tmp_path / 'replica_00'
  assert folders[49] == tmp_path / 'replica_49'
  assert sorted(folders) == folders
  assert len(set(folders)) == 50


def test_log_writes_each_replica_and_mean_and_sample_standard_deviation(tmp_path):
  losses, counts = (1.0, np.float32(2.0), 6), ([3, 1], np.array([0, 4]), (2, 2))
  with Log(Tracked(tmp_path, 'job', 0), num_replicas=3) as logger:
    rows = zip(losses, counts, strict=True)
    log(logger, 2, *({'loss/a': loss, 'counts': own} for loss, own in rows))
    log(logger, 4, *({'loss/a': value} for value in (1.0, math.nan, None)))
  assert read_metrics(tmp_path) == [
    {'step': 2, 'loss/a': 3.0, 'std/loss/a': pytest.approx(math.sqrt(7.0))},
    {'step': 4, 'loss/a': None, 'std/loss/a': None},
  ]
  assert [read_metrics(folder) for folder in replica_folders(tmp_path, 3)] == [
    [{'step': 2, 'loss/a': 1.0, 'counts': [3.0, 1.0]}, {'step': 4, 'loss/a': 1.0}],
    [{'step': 2, 'loss/a': 2.0, 'counts': [0.0, 4.0]}, {'step': 4, 'loss/a': None}],
    [{'step': 2, 'loss/a': 6.0, 'counts': [2.0, 2.0]}, {'step': 4, 'loss/a': None}],
  ]


def test_resumed_replicas_all_begin_after_the_same_step(tmp_path):
  """The run was killed between the rows of two replicas."""
  folders = replica_folders(tmp_path, 2)
  with Log(Tracked(tmp_path, 'job', 0), num_replicas=2) as logger:
    for step in (1, 2, 3):
      log(logger, step, {'a': step}, {'a': -step})
  with open(folders[0] / 'metrics.jsonl', 'a') as file:
    file.write('{"step": 4, "a": 4.0}\n')
  with Log(Tracked(tmp_path, 'job', 2), num_replicas=2) as logger:
    log(logger, 3, {'a': 30}, {'a': 32})
  for folder in (tmp_path, *folders):
    assert [row['step'] for row in read_metrics(folder)] == [1, 2, 3]
  assert read_metrics(folders[1])[-1] == {'step': 3, 'a': 32.0}
  assert read_metrics(tmp_path)[-1]['a'] == 31.0


def test_a_single_replica_uses_the_folder_of_the_run(tmp_path):
  with Log(Tracked(tmp_path, 'job', 0), num_replicas=1) as logger:
    log(logger, 2, {'loss/a': 0.5, 'counts': [1, 2]})
  assert read_metrics(tmp_path) == [{'step': 2, 'loss/a': 0.5, 'counts': [1.0, 2.0]}]
  assert sorted(path.name for path in tmp_path.iterdir()) == ['metrics.jsonl', 'tensorboard']


def test_replace_file_leaves_no_temporary_file(tmp_path):
  files.replace(tmp_path / 'new' / 'a.txt', b'1')
  files.replace(tmp_path / 'new' / 'a.txt', b'2')
  assert [(path.name, path.read_bytes()) for path in (tmp_path / 'new').iterdir()] == [
    ('a.txt', b'2')
  ]
