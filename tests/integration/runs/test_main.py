"""The command line: bad input ends in one line and a non-zero exit status."""

import json
import os
import pathlib
import resource
import subprocess
import sys

import numpy as np
import pytest

import jaxgan
from jaxgan import main
from jaxgan.runs import rules
from jaxgan.training import classifiers
from tests.support import progress_lines

ROOT = pathlib.Path(__file__).resolve().parents[3]
FASHION = f'--config={ROOT}/experiments/fashion_lt.py'
MNIST = f'--config={ROOT}/experiments/mnist_lt.py'


def run(*arguments, cwd, **environment):
  environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'JAX_PLATFORMS': 'cpu', **environment}
  result = subprocess.run(
    [sys.executable, '-m', 'jaxgan.main', *arguments],
    cwd=cwd,
    env=environment,
    capture_output=True,
    text=True,
    timeout=300,
    check=False,
  )
  result.stderr = progress_lines.without(result.stderr)
  return result


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    ((), '--config is missing'),
    (('--config=nowhere.py',), 'nowhere.py: no such file'),
    ((FASHION, '--config.train.batchsize=8'), 'did you mean --config.train.batch_size=8 (or '),
    ((FASHION, '--config.train.batch_size=many'), 'batch_size'),
    ((FASHION, '--config.train.batch_size=0'), 'config.train.batch_size=0'),
    ((FASHION, '--config.data.dataset=long_tail_letters'), 'long_tail_letters'),
    ((f'{FASHION}:ratio=7',), 'ratio=7'),
    ((f'{MNIST}:split=50',), 'split=50'),
    ((MNIST, '--config.algorithm.zoom_range=0.9'), 'config.algorithm.zoom_range=(0.9,)'),
    (('--mode=dance',), 'dance'),
    (('--no_such_flag',), 'no_such_flag'),
    ((FASHION, 'stray'), "unknown argument 'stray'"),
    (('--mode=report',), 'needs work directories'),
    (('--mode=report', 'nothing_here'), 'nothing_here'),
    (('--mode=evaluate', '--workdir=nothing_here'), 'nothing_here: expected the folder of a run'),
    (('--mode=sample', '--workdir=nothing_here'), 'nothing_here: expected the folder of a run'),
    (('--mode=export', '--contents=real'), '--contents=real'),
    (('--mode=export', '--format=zip'), '--format=zip'),
  ],
)
def test_one_line_and_nothing_written(arguments, message, tmp_path):
  result = run(*arguments, cwd=tmp_path, TFDS_DATA_DIR=str(tmp_path / 'data'))
  assert result.returncode in (1, 2)
  assert result.stderr.startswith('error: ')
  assert message in result.stderr
  assert len(result.stderr.splitlines()) == 1, result.stderr
  assert result.stdout == ''
  assert list(tmp_path.iterdir()) == []


def test_missing_cifar10_says_which_files_and_where(tmp_path):
  config = f'--config={ROOT}/experiments/cifar10_lt.py'
  result = run(config, '--config.data.source=/no/such/place', cwd=tmp_path, TFDS_DATA_DIR='data')
  assert result.returncode == 2
  assert result.stderr.count('\n') == 1
  assert '/no/such/place' in result.stderr
  assert not (tmp_path / 'runs').exists()


def test_a_work_directory_that_cannot_be_written(tmp_path):
  (tmp_path / 'file').write_text('in the way')
  result = run(FASHION, f'--workdir={tmp_path}/file', cwd=tmp_path, TFDS_DATA_DIR='data')
  assert result.returncode == 2
  assert result.stderr.count('\n') == 1
  assert 'cannot write to' in result.stderr
  assert (tmp_path / 'file').read_text() == 'in the way'


def test_help_lists_the_flags(tmp_path):
  result = run('--help', cwd=tmp_path)
  names = ('config', 'workdir', 'mode', 'checkpoint', '[no]balanced', 'num_images', 'replica')
  names += (
    'contents',
    'format',
    'images_per_class',
    '[no]compilation_cache',
  )
  for flag in (f'--{name}' for name in names):
    assert flag in result.stdout


@pytest.mark.parametrize(
  'command',
  [
    'main.main(["jaxgan", "--help"])',
    'console(["--help"])',
    'console([])',
    'console(["sample", "--help"])',
    'console(["trian"])',
  ],
)
def test_help_imports_no_jax(command):
  code = f"""
import sys
def console(arguments):
  from jaxgan import __main__
  sys.argv[1:] = arguments
  return __main__.main()
if {command!r}.startswith('main'):
  from jaxgan import main
status = {command}
heavy = {{'jax', 'pydantic', 'tensorflow_datasets'}} & set(sys.modules)
heavy |= {{'absl'}} & set(sys.modules) if 'console' in {command!r} else set()
assert not heavy, heavy
sys.exit(status)
"""
  result = subprocess.run(
    [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=False
  )
  assert result.returncode == (2 if 'trian' in command else 0), result.stderr
  assert 'usage: ' in result.stdout.lower() or 'did you mean train?' in result.stderr


def test_the_overview_is_quick():
  """User and system time: other programs on the machine do not count."""
  command = [sys.executable, '-m', 'jaxgan', '--help']
  before = resource.getrusage(resource.RUSAGE_CHILDREN)
  subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
  after = resource.getrusage(resource.RUSAGE_CHILDREN)
  assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.2


@pytest.mark.parametrize(
  ('argument', 'value', 'expected'),
  [
    # Fig. 3 of Class Balancing GAN: N of one class.
    ('ratio=1,counts=huge', None, (50, 50, 50, 50, 1e8, 50, 50, 50, 50, 50)),
    ('ratio=1', '(1.0,1.0,1e8,1,1,1,1,1,1,1)', (1, 1, 1e8, 1, 1, 1, 1, 1, 1, 1)),
    ('ratio=1', '50', (50,)),
    ('ratio=1', '0.5', (0.5,)),
    ('ratio=1', None, (50,)),
  ],
)
def test_counts_are_one_number_or_one_for_each_class(argument, value, expected):
  arguments = ['jaxgan', f'--config={ROOT}/experiments/cifar10_lt.py:{argument}']
  if value:
    arguments.append(f'--config.algorithm.count_start={value}')
  _, config, *_ = main.parse(arguments)
  rules.check_sections(config, num_devices=1)
  assert config.algorithm.count_start == expected


@pytest.fixture
def command(finished, stand_in_data, capsys):
  """command(*flags) runs main on the finished run in this process and returns its output."""
  del stand_in_data

  def run_main(*arguments):
    status = main.main(['jaxgan', f'--workdir={finished[0]}', *arguments])
    printed = capsys.readouterr()
    assert (status, progress_lines.without(printed.err)) == (0, '')
    return printed.out

  return run_main


def test_sample_says_what_it_drew(command, finished, tmp_path):
  out = tmp_path / 'drawn.npz'
  printed = command('--mode=sample', '--checkpoint=2', '--num_images=3', f'--out={out}')
  run = jaxgan.load(finished[0], checkpoint=2)
  assert printed == f'3 images of step 2, labelled by {run.labeller}: {out}\n'
  np.testing.assert_array_equal(np.load(out)['images'], run.sample(3)[0])


def test_the_home_directory_in_paths(command, finished, tmp_path, monkeypatch):
  monkeypatch.setenv('HOME', str(tmp_path))
  printed = command('--mode=sample', '--checkpoint=2', '--num_images=3', '--out=~/drawn.npz')
  assert printed.endswith(f': {tmp_path}/drawn.npz\n')
  assert (tmp_path / 'drawn.npz').exists()
  (tmp_path / 'run').symlink_to(finished[0].resolve())
  command('--mode=report', '~/run', '--out=~/report.md')
  assert (tmp_path / 'report.md').exists()


def test_export_says_what_it_wrote(command, finished, tmp_path, monkeypatch):
  label = lambda variables, images: (np.arange(len(images)) % 3, None)  # noqa: E731
  monkeypatch.setattr(classifiers, 'compile_classify', lambda classify: label)
  out, flags = tmp_path / 'set', ('--mode=export', '--checkpoint=4', '--contents=topped_up')
  printed = command(*flags, '--format=folders', '--images_per_class=41', f'--out={out}')
  written = json.loads((out / 'export.json').read_text())
  run = jaxgan.load(finished[0], checkpoint=4)
  assert written['labeller'] == run.inputs.classifier.key
  assert written['labeller_accuracy'] == run.inputs.classifier.accuracy
  right = f'{100 * run.inputs.classifier.accuracy:.1f} %'
  assert printed.splitlines() == [
    '41 images of each of 3 classes, 47 generated at step 4 and 76 real, labelled by '
    f'the classifier (small_classifier, accuracy {right}): {out}',
    'test: 60 real images',
    f'accepted of {written["draws"]} generated images: '
    + ', '.join(
      f'class_{k} {100 * rate:.2f} %' for k, rate in enumerate(written['acceptance_rate'])
    ),
  ]
  assert len(list((out / 'train').rglob('*.png'))) == 123
  assert len(list((out / 'test').rglob('*.png'))) == 60
  again = run.export(tmp_path / 'again', 'topped_up', 'folders', 41)
  assert again == written


def test_evaluate_prints_the_table(command, finished):
  printed = command('--mode=evaluate', '--method=unconditional')
  assert 'class_balancing' in printed
  assert 'unconditional' in printed
  assert f'picture: {finished[0] / "samples_by_class.png"}' in printed.splitlines()
