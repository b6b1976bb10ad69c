"""Training from Python: what reaches the execution, and what is refused."""

import pathlib

import pytest

import jaxgan
from jaxgan.errors import UserError
from jaxgan.runs import execute
from jaxgan.runs import train as train_lib
from jaxgan.system import compilation

FILE = 'experiments/fashion_lt.py'


@pytest.fixture(autouse=True)
def runs(monkeypatch):
  """Calls of `execute.run`: [(config, workdir)]."""
  calls = []
  monkeypatch.setattr(execute, 'run', lambda *call: calls.append(call) or 'the table')
  monkeypatch.setattr(compilation, 'use_cache', lambda: None)
  monkeypatch.setattr(train_lib, 'load', lambda workdir, method: (workdir, method))
  return calls


def test_a_file_is_trained_with_changes(runs, capsys):
  run = jaxgan.train(f'{FILE}:method=cgan', {'train.steps': 7}, workdir='~')
  ((config, workdir),) = runs
  assert (config.methods, config.train.steps, config.train.epochs) == (('cgan',), 7, None)
  assert config.annotator.data.source == ''  # Resolved: it is None in the file.
  assert run == (workdir, 'cgan') == (pathlib.Path.home(), 'cgan')
  assert capsys.readouterr().out == 'the table\n'


def test_an_experiment_is_trained_in_its_work_directory(runs):
  from experiments import fashion_lt

  assert jaxgan.train(fashion_lt.get_config(), {'replicas': 2})[1] == 'class_balancing'
  assert runs[0][1] == pathlib.Path('runs/fashion_lt_x2')


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    (('experiments/fashoin_lt.py',), 'experiment=experiments/fashoin_lt.py: no such file; did you'),
    ((FILE, {'train.step': 2}), 'config.train.step: there is no such field, did you mean'),
    ((FILE, {'train.steps': -2}), 'config.train.steps=-2: expected a positive integer'),
    ((FILE, {'workdir': ''}), 'workdir is missing: name a work directory, such as runs/fashion_lt'),
  ],
)
def test_wrong_arguments_are_refused_before_anything_starts(runs, arguments, message):
  with pytest.raises(UserError, match=message):
    jaxgan.train(*arguments)
  assert runs == []


def test_a_file_that_trains_when_it_is_read_is_refused(runs, tmp_path):
  file = tmp_path / 'mine.py'
  file.write_text(f'import jaxgan\njaxgan.train({FILE!r})\n')
  with pytest.raises(
    UserError, match=r'mine.py calls jaxgan.train when it is read: write the call'
  ):
    jaxgan.train(file)
  assert runs == []
