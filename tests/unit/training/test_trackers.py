"""Trackers: one run across resumes, errors that end nothing, and packages that are missing."""

import importlib.util
import json
import pathlib
import sys
import types

import pytest

from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import rules
from jaxgan.system import files
from jaxgan.training import trackers
from jaxgan.training.logging import Log
from jaxgan.training.trackers import TRACKERS, Guarded, Tracked
from tests.support import stand_in

CONFIG = {'experiment': 'tiny', 'algorithm': {'learning_rate': 0.1}, 'seed': 3}
PACKAGES = ('wandb', 'trackio', 'mlflow')


class Calls(list):
  """What a fake package was asked, as (function, arguments, keyword arguments)."""

  def named(self, name):
    return [(args, kwargs) for called, args, kwargs in self if called == name]


def _fake(name, calls, **fixed):
  """An object whose functions note their calls; `fixed` are its other attributes."""

  class Fake(types.SimpleNamespace):
    def __getattr__(self, function):
      def call(*args, **kwargs):
        calls.append((f'{name}{function}', args, kwargs))
        return fixed.get(f'{function}()')

      return call

  return Fake(**{key: value for key, value in fixed.items() if '()' not in key})


@pytest.fixture
def packages(monkeypatch):
  """{name: Calls} of fake packages, which are importable."""
  found = {name: Calls() for name in PACKAGES}
  for name in ('wandb', 'trackio'):
    run = _fake('run.', found[name])
    fake = _fake('', found[name], **{'init()': run, 'Settings()': 'settings', 'Image()': 'image'})
    monkeypatch.setitem(sys.modules, name, fake)
  started = types.SimpleNamespace(info=types.SimpleNamespace(run_id='m1'))
  answers = {'create_run()': started, 'create_experiment()': '7', 'get_experiment_by_name()': None}
  client = _fake('client.', found['mlflow'], **answers)
  entities = types.SimpleNamespace(Metric=lambda *fields: fields)
  fake = types.SimpleNamespace(MlflowClient=lambda: client, entities=entities)
  monkeypatch.setitem(sys.modules, 'mlflow', fake)
  return found


def _run(tmp_path, start_step=0):
  return Tracked(tmp_path / 'work' / 'acgan', 'acgan', start_step, 8, CONFIG)


def _logged(calls, name):
  """{step: values} of the rows."""
  if name == 'mlflow':
    rows = [kwargs['metrics'] for _, kwargs in calls.named('client.log_batch')]
    return {metrics[0][3]: {metric[0]: metric[1] for metric in metrics} for metrics in rows}
  return {kwargs['step']: args[0] for args, kwargs in calls.named('run.log')}


@pytest.mark.parametrize('name', PACKAGES)
def test_a_resumed_run_continues_its_run_and_repeats_no_row(tmp_path, packages, name):
  calls = packages[name]
  first = Guarded(name, _run(tmp_path))
  for step in (2, 4, 5):  # The last one is of a stop.
    first.log(step, {'loss/a': step / 10})
  first.close(5)
  resumed = Guarded(name, _run(tmp_path, 2))
  for step in (2, 4, 6, 8):
    resumed.log(step, {'loss/a': step / 10})
  resumed.close(8)
  assert _logged(calls, name) == {step: {'loss/a': step / 10} for step in (2, 4, 5, 6, 8)}
  rows = calls.named('client.log_batch' if name == 'mlflow' else 'run.log')
  assert len(rows) == 5
  remembered = json.loads((tmp_path / 'work' / 'acgan' / 'tracker.json').read_text())
  assert remembered[name]['step'] == 8
  if name == 'mlflow':
    assert len(calls.named('client.create_run')) == 1
    assert calls.named('client.update_run') == [(('m1',), {'status': 'RUNNING'})]
    fields = {args[1]: args[2] for args, _ in calls.named('client.log_param')}
    assert fields == {'experiment': 'tiny', 'algorithm.learning_rate': '0.1', 'seed': '3'}
    assert [args for args, _ in calls.named('client.set_terminated')] == [
      ('m1', 'KILLED'), ('m1', 'FINISHED')
    ]  # fmt: skip
  else:
    one, two = (kwargs for _, kwargs in calls.named('init'))
    assert one == two
    assert one['resume'] == 'allow'
    assert one['config'] == CONFIG
    assert one['project'] == 'tiny'
    assert one['id' if name == 'wandb' else 'name'] == remembered[name]['run']
    assert len(calls.named('run.finish' if name == 'wandb' else 'finish')) == 2


def test_wandb_ends_a_stopped_run_as_unfinished(tmp_path, packages):
  for step in (5, 8):
    Guarded('wandb', _run(tmp_path)).close(step)
  codes = [kwargs['exit_code'] for _, kwargs in packages['wandb'].named('run.finish')]
  assert codes == [1, 0]


@pytest.mark.parametrize('name', PACKAGES)
def test_pictures_keep_one_name(tmp_path, packages, name):
  folder = _run(tmp_path).folder
  with Log(_run(tmp_path), tracker=name) as log:
    (folder / 'samples').mkdir(parents=True)
    for step in (2, 4):
      (folder / 'samples' / f'step_{step:08d}_ema.png').write_text('')
    log.record(4, [{'loss/a': 1.0}])
    log.show()
    log.show_pictures(4)
  calls = packages[name]
  path = str(folder / 'samples' / 'step_00000004_ema.png')
  if name == 'mlflow':
    (identity,) = {args[0] for args, _ in calls.named('client.log_artifact')}
    assert calls.named('client.log_artifact') == [((identity, path, 'samples'), {})]
  else:
    assert calls.named('Image') == [((path,), {})]
    assert calls.named('run.log')[-1] == (({'samples/ema': 'image'},), {'step': 4})


@pytest.mark.parametrize('where', ['open', 'log', 'picture', 'close'])
def test_an_error_is_one_line_and_ends_only_the_tracker(tmp_path, monkeypatch, capsys, where):
  calls = []

  class Broken:
    def _call(self, name):
      calls.append(name)
      if name == where:
        raise RuntimeError('no network\nof two lines')

    def log(self, step, scalars):
      self._call('log')

    def picture(self, step, path):
      self._call('picture')

    def close(self, is_done):
      self._call('close')

  def opened(package, run, identity):
    tracker = Broken()
    tracker._call('open')
    return tracker, 'identity'

  entry = trackers.Entry('Broken', '', opened)
  monkeypatch.setattr(trackers, 'TRACKERS', {'broken': entry})
  tracker = Guarded('broken', _run(tmp_path))
  tracker.log(2, {})
  tracker.picture(2, tmp_path)
  tracker.log(4, {})
  tracker.close()
  tracker.close()
  assert capsys.readouterr().err == 'acgan: no more events for Broken: no network\n'
  expected = ['open', 'log', 'picture', 'log', 'close']
  assert calls == expected[: expected.index(where) + 1]


def test_only_the_writer_has_a_tracker(tmp_path, packages, monkeypatch):
  monkeypatch.setattr(files, 'is_writer', lambda: False)
  tracker = Guarded('wandb', _run(tmp_path))
  tracker.log(2, {'loss/a': 1.0})
  tracker.close()
  assert packages['wandb'] == []
  assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize(
  'content', ['', '[]', '{"wandb": 3}', '{"mlflow": {"run": "x", "step": 9}}']
)
def test_a_damaged_or_another_file_starts_a_run(tmp_path, packages, content):
  folder = _run(tmp_path).folder
  folder.mkdir(parents=True)
  (folder / 'tracker.json').write_text(content)
  Guarded('wandb', _run(tmp_path)).log(2, {'loss/a': 1.0})
  assert list(_logged(packages['wandb'], 'wandb')) == [2]


def test_a_missing_package_is_a_rule(monkeypatch):
  monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
  config = changed(stand_in.tiny(), {'train.tracker': 'wandb', 'cas.train.tracker': 'mlflow'})
  refused = []
  for check, *arguments in rules._trackers(config):
    try:
      check(*arguments)
    except UserError as error:
      refused.append(str(error))
  assert refused == [
    f"config.{field}='{name}': the package {name} is not installed: "
    f"pip install 'jaxgan[{name}]', or choose another tracker"
    for field, name in (('train.tracker', 'wandb'), ('cas.train.tracker', 'mlflow'))
  ]


def test_every_tracker_has_an_extra():
  text = (pathlib.Path(__file__).parents[3] / 'pyproject.toml').read_text()
  for name, entry in TRACKERS.items():
    assert not entry.package or f'\n{name} = ["{entry.package}>=' in text
