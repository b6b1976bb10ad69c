"""The examples of docs/plug_in.md train, and a new process evaluates them again."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import jaxgan
from jaxgan.config.overrides import changed
from jaxgan.data.config import DataConfig
from jaxgan.runs import execute, experiment_file, families
from jaxgan.training.config import TrainConfig
from tests.support import progress_lines, registered, stand_in, xla

ROOT = pathlib.Path(__file__).parents[3]
PACKAGE = 'tests.support.outside'
PARTS = ('network', 'method', 'data')
EXPERIMENT = ROOT / 'tests' / 'support' / 'outside' / 'my_experiment.py'
EVALUATE = """
import json, sys
import jaxgan
print(json.dumps(jaxgan.load(sys.argv[1]).evaluate()))
"""
COMMAND = 'import sys\nfrom jaxgan import main\nsys.exit(main.main(sys.argv))'


def _in_a_new_process(code, *arguments, path=ROOT):
  command = [sys.executable, '-c', code, *map(str, arguments)]
  # One device as here: another number rounds the features differently.
  environment = {'XLA_FLAGS': xla.flags(1), 'PYTHONPATH': os.pathsep.join(map(str, (path, ROOT)))}
  return subprocess.run(
    command, cwd=path, env=os.environ | environment, capture_output=True, text=True, check=False
  )


def _evaluated_again(workdir, method):
  """The recorded evaluation, and the evaluation by a process that only knows the folder."""
  recorded = json.loads((workdir / method / 'evaluation.json').read_text())
  result = _in_a_new_process(EVALUATE, workdir)
  assert result.returncode == 0, result.stderr
  return recorded, json.loads(result.stdout)


def _modules(workdir, job):
  return json.loads((workdir / job / 'config.json').read_text())['modules']


@pytest.fixture(scope='module')
def gan_run(tmp_path_factory):
  """A GAN with data, network, method, loss and metric from outside: (workdir, method)."""
  workdir = tmp_path_factory.mktemp('gan')
  with registered.imported(*(f'{PACKAGE}.toy_{part}' for part in PARTS)) as modules:
    method = modules[PARTS.index('method')].NAME
    changes = {
      f'{job}.{name}': value
      for job in ('data', 'annotator.data')
      for name, value in (('dataset', 'toy_stripes/all'), ('data_dir', str(workdir / 'data')))
    }
    changes |= {'methods': (method,), 'algorithm.network': 'toy_layers', 'evaluation.cas': False}
    shutil.copy(EXPERIMENT, workdir)
    own = experiment_file.read(str(workdir / EXPERIMENT.name)).algorithm.loss
    tiny = changed(stand_in.tiny(), {'algorithm.loss': own})
    run = jaxgan.train(tiny, changes, workdir / 'run')
    assert (run.method, run.workdir) == (method, workdir / 'run')
  return workdir / 'run', method


def test_parts_of_a_gan_from_outside_train_and_are_measured_again(gan_run):
  recorded, again = _evaluated_again(*gan_run)
  assert again['results'] == recorded['results']
  assert 0 < again['results']['brightness'] < 1
  assert again['method'] == 'toy_balanced_cgan'
  assert again['settings']['head'] == 'projection'
  assert again['settings']['loss'] == 'least_squares'


def test_config_json_names_the_modules_of_what_a_job_uses(gan_run):
  workdir, method = gan_run
  file = str(workdir.parent / EXPERIMENT.name)
  assert _modules(workdir, method) == sorted(
    [file, 'tests.support.small', *(f'{PACKAGE}.toy_{part}' for part in PARTS)]
  )
  assert _modules(workdir, 'annotator') == [f'{PACKAGE}.toy_data', 'tests.support.small']
  assert (workdir / method / 'modules' / file[1:]).read_text() == EXPERIMENT.read_text()


def test_a_report_of_a_method_from_outside_needs_the_work_directory_alone(gan_run):
  code = (
    'import sys\nfrom jaxgan import report\nfrom jaxgan.runs.families import FAMILIES\n'
    'print(report.report([sys.argv[1]], FAMILIES))'
  )
  result = _in_a_new_process(code, gan_run[0])
  assert 'toy_balanced_cgan' in result.stdout, result.stderr
  assert 'brightness: mean intensity of the images' in result.stdout


def test_a_family_from_outside_trains_and_is_measured_again(tmp_path):
  with registered.imported(f'{PACKAGE}.toy_family', f'{PACKAGE}.toy_data') as (family, _):
    experiment = families.experiment(
      {
        'experiment': 'toy',
        'methods': (family.NAME,),
        'data': DataConfig(dataset='toy_stripes/all', data_dir=str(tmp_path / 'data')),
        'algorithm': family.GaussianConfig(learning_rate=0.5),
        'train': TrainConfig(batch_size=8, steps=6, evaluate_every=3, checkpoint_every=3),
        'evaluation': family.GaussianEvaluation(),
      }
    )
    execute.run(experiment, tmp_path / 'run')
  recorded, again = _evaluated_again(tmp_path / 'run', family.NAME)
  assert again['results'] == recorded['results']
  assert again['step'] == 6
  # From 0, half of the way in each step; the images have a deviation of 0.1 / 2.
  assert again['results']['toy_distance'] < 0.01
  assert _modules(tmp_path / 'run', family.NAME) == [f'{PACKAGE}.toy_data', f'{PACKAGE}.toy_family']


@pytest.mark.parametrize(
  ('content', 'reason'),
  [
    (None, "No module named 'my_metric'"),
    ('', 'it registers nothing'),
    ('raise ValueError("broken")', 'broken'),
  ],
)
def test_a_module_that_is_missing_is_named_in_a_line(gan_run, tmp_path, content, reason):
  (workdir, method), run = gan_run, tmp_path / 'run'
  (run / method).mkdir(parents=True)
  fields = json.loads((workdir / method / 'config.json').read_text())
  fields['modules'] = ['my_metric']
  (run / method / 'config.json').write_text(json.dumps(fields))
  if content is not None:
    (tmp_path / 'my_metric.py').write_text(content)
  result = _in_a_new_process(COMMAND, '--mode=evaluate', f'--workdir={run}', path=tmp_path)
  assert (result.returncode, result.stdout) == (2, '')
  assert progress_lines.without(result.stderr) == (
    f'error: {run}/{method}/config.json needs my_metric, which registered a part of it '
    f'({reason}): install it or add its folder to PYTHONPATH\n'
  )
