"""Durations of jobs on this machine: kept, forecast, and robust against disks."""

import json
import types

import pytest

from jaxgan.config.overrides import changed
from jaxgan.runs import durations
from jaxgan.runs.durations import Durations, total
from jaxgan.runs.experiment import resolved
from jaxgan.runs.plan import Job, Kind
from jaxgan.system import compilation, files
from jaxgan.training.progress import Times
from tests.support import stand_in


@pytest.fixture
def cache(tmp_path, monkeypatch):
  """The compilation cache of one test."""
  monkeypatch.setattr(compilation, 'folder_in_use', lambda: str(tmp_path))
  return tmp_path


@pytest.fixture
def config():
  return resolved(changed(stand_in.tiny(), {'train.steps': 100, 'train.evaluate_every': 30}))


def _facts(shape=(8, 8, 1), kind='cpu'):
  training = types.SimpleNamespace(image_shape=shape, num_classes=3, streamed=False)
  device = types.SimpleNamespace(platform=kind, device_kind=kind)
  devices = types.SimpleNamespace(flat=[device], size=1)
  images = {'': types.SimpleNamespace(training=training)}
  return types.SimpleNamespace(images=images, mesh=types.SimpleNamespace(devices=devices))


def _train(name, steps=100, step=None):
  return Job(name, Kind.TRAIN, None, step, steps)


JOBS = (
  _train('classifier', 50),
  _train('class_balancing'),
  _train('class_balancing/cas', 50),
  Job('class_balancing', Kind.EVALUATE, None),
)
TIMES = Times(step=0.5, compilation=20.0, pause=4.0)


def test_a_forecast_says_what_is_unknown_and_later_runs_know(cache, config):
  first = Durations(config, _facts(), JOBS)
  assert [first.seconds(job) for job in JOBS] == [None] * 4
  forecast = first.forecast('classifier')
  assert forecast.of_compilation() == ''
  said = forecast.of_rest(Times(0.1, 5.0), 40, 2)
  # The score's classifier costs the same as the classifier.
  assert said == (
    '0.1 s a step, about 4 s and 2 evaluations; more than 10 s for the rest; '
    'unknown: train class_balancing, evaluate class_balancing'
  )
  with first.measured(Kind.TRAIN, 'classifier'):
    first.forecast('classifier').remember(Times(0.1, 5.0, 0.0))
  first.forecast('class_balancing').remember(TIMES)
  first.keep(Kind.EVALUATE, 'class_balancing', seconds=60.0)
  later = Durations(config, _facts(), JOBS)
  expected = [10.0, 20 + 100 * 0.5 + 4 * 4.0, 10.0, 60.0]
  assert [later.seconds(job) for job in JOBS] == pytest.approx(expected)
  assert later.seconds(_train('class_balancing', step=60)) == pytest.approx(20 + 40 * 0.5 + 2 * 4)
  assert later.seconds(_train('class_balancing', steps=None)) is None
  text = later.forecast('class_balancing').of_compilation()
  assert text == ' (took 20 s, is in the compilation cache now)'
  said = later.forecast('class_balancing').of_rest(TIMES, 90, 3)
  assert said == '0.5 s a step, about 57 s; about 80 s for the rest'


def test_the_last_job_has_no_rest(cache, config):
  own = Durations(config, _facts(), [_train('class_balancing')])
  assert own.forecast('class_balancing').of_rest(TIMES, 90, 0) == '0.5 s a step, about 45 s'


@pytest.mark.parametrize(
  'change',
  [
    {'train.batch_size': 16},
    {'algorithm.generator_width': 8},
    {'algorithm.regulariser_weight': 0.0},
    {'replicas': 2},
    {'classifier.algorithm.depth': 20},
  ],
)
def test_another_cost_is_unknown(cache, config, change):
  Durations(config, _facts()).keep('train', 'class_balancing', step=1.0)
  other = Durations(changed(config, change), _facts())
  assert other.seconds(_train('class_balancing')) is None
  assert Durations(config, _facts()).seconds(_train('class_balancing')) == 100
  assert Durations(config, _facts()).seconds(_train('unconditional')) is None
  assert Durations(config, _facts((16, 16, 1))).seconds(_train('class_balancing')) is None
  assert Durations(config, _facts(kind='gpu')).seconds(_train('class_balancing')) is None


@pytest.mark.parametrize(
  'change', [{'train.steps': 200}, {'seed': 3}, {'algorithm.learning_rate': 1e-3},
             {'algorithm.count_cycle': 7}, {'algorithm.ema_start': 9}],
)  # fmt: skip
def test_the_same_cost_is_known(cache, config, change):
  Durations(config, _facts()).keep('train', 'class_balancing', step=1.0)
  other = Durations(changed(config, change), _facts())
  assert other.seconds(_train('class_balancing')) == 100


@pytest.mark.parametrize(
  'content',
  [b'', b'{"step": ', b'[1]', b'{"step": "1"}', b'{"step": NaN}', b'{"step": -1}', b'\xff'],
)
def test_damage_is_unknown(cache, config, content):
  Durations(config, _facts()).keep('train', 'class_balancing', step=1.0)
  (path,) = (cache / durations.FOLDER).iterdir()
  path.write_bytes(content)
  assert Durations(config, _facts()).seconds(_train('class_balancing')) is None


def test_a_folder_that_cannot_be_written_changes_nothing(cache, config):
  (cache / durations.FOLDER).write_text('a file')
  own = Durations(config, _facts())
  own.keep('train', 'class_balancing', step=1.0)
  assert own.seconds(_train('class_balancing')) == 100  # This run remembers.


def test_only_the_writer_keeps_and_only_beside_compiled_programs(cache, config, monkeypatch):
  with monkeypatch.context() as patch:
    patch.setattr(files, 'is_writer', lambda: False)
    Durations(config, _facts()).keep('train', 'class_balancing', step=1.0)
  for place in (None, 'gs://bucket/cache'):
    monkeypatch.setattr(compilation, 'folder_in_use', lambda place=place: place)
    Durations(config, _facts()).keep('train', 'class_balancing', step=1.0)
  assert list(cache.iterdir()) == []


def test_measured_work_excludes_the_jobs_in_it(cache, config, monkeypatch):
  clock = [0.0]
  monkeypatch.setattr(durations, 'time', types.SimpleNamespace(monotonic=lambda: clock[0]))
  own = Durations(config, _facts(), JOBS)
  with own.measured(Kind.EVALUATE, 'class_balancing'):
    clock[0] += 3
    with own.measured(Kind.TRAIN, 'class_balancing/cas'):
      clock[0] += 100
    clock[0] += 4
  (path,) = (cache / durations.FOLDER).iterdir()
  assert json.loads(path.read_text()) == {'work': 'evaluate class_balancing', 'seconds': 7.0}
  assert own.rest('classifier').endswith('have not run on this machine')
  with own.measured(Kind.TRAIN, 'class_balancing'):
    pass
  assert own.rest('classifier') == ''


def test_a_compilation_from_the_cache_is_no_duration_of_one(cache, config):
  own = Durations(config, _facts(), JOBS)
  own.forecast('class_balancing').remember(TIMES)
  own.forecast('class_balancing').remember(TIMES._replace(compilation=1.0, is_cached=True))
  assert '(took 20 s' in own.forecast('class_balancing').of_compilation()


def test_totals():
  assert total([], 'the plan') == ''
  assert total([('a', 30.0), ('b', 31.0)], 'the plan') == 'about 61 s for the plan'
  assert total([('a', None), ('b', 31.0)], 'the plan') == 'more than 31 s for the plan; unknown: a'
