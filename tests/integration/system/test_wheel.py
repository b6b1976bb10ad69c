"""The wheel: what is in it, and commands of an installation away from the checkout."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGES = ('jaxgan', 'data_prep', 'experiments')
# The first command with two steps of each network.
SHORT = (
  '--config=experiments/fashion_lt.py:method=unconditional',
  '--workdir=run',
  '--config.train.steps=2',
  '--config.evaluation.samples=256',
  '--config.evaluation.periodic_samples=256',
  '--config.algorithm.generator_width=8',
  *(f'--config.{role}.train.steps=2' for role in ('classifier', 'annotator', 'cas')),
)


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
  """The wheel, built from a copy so that the checkout gets no build folders."""
  source, out = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('wheel')
  for name in (*PACKAGES, 'tests', 'benchmarks'):
    shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns('__pycache__'))
  for name in ('pyproject.toml', 'README.md', 'LICENSE'):
    shutil.copy(ROOT / name, source)
  command = [sys.executable, '-m', 'pip', 'wheel', '--no-deps', '-w', str(out), str(source)]
  built = subprocess.run(command, capture_output=True, text=True, check=False)
  if 'No matching distribution found for setuptools' in built.stderr:
    pytest.skip('no setuptools to build with: no network')
  assert built.returncode == 0, built.stderr
  (path,) = out.iterdir()
  return path


def _run(command, folder, **environment):
  """Runs a command in an empty folder without the checkout; returns its output."""
  own = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
  own |= {'JAX_PLATFORMS': 'cpu', 'TFDS_DATA_DIR': str(folder / 'data'), **environment}
  result = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)
  assert result.returncode == 0, result.stderr
  return result.stdout


def test_the_wheel_has_all_modules_and_data_and_nothing_else(wheel):
  names = set(zipfile.ZipFile(wheel).namelist())
  listed = subprocess.run(
    ['git', 'ls-files', *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True
  ).stdout.splitlines()
  expected = {path for path in listed if not path.startswith('experiments/results/')}
  inside = {name for name in names if '.dist-info/' not in name}
  assert inside == expected
  assert {'jaxgan/py.typed', 'data_prep/py.typed', 'jaxgan/report/page.html'} <= inside
  about = {name.partition('.dist-info/')[2] for name in names - inside}
  assert {'licenses/LICENSE', 'licenses/data_prep/fashion_mnist_16/LICENSE'} <= about


@pytest.mark.slow
def test_an_unpacked_wheel_plans(wheel, tmp_path):
  """With the libraries of this environment, and the experiment of the wheel."""
  zipfile.ZipFile(wheel).extractall(tmp_path / 'site')
  command = [sys.executable, '-m', 'jaxgan', 'plan', *SHORT]
  printed = _run(command, tmp_path, PYTHONPATH=str(tmp_path / 'site'))
  assert 'unconditional' in printed
  assert not (tmp_path / 'run').exists()


@pytest.mark.slow
def test_an_installed_wheel_trains(wheel, tmp_path):
  subprocess.run([sys.executable, '-m', 'venv', tmp_path / 'env'], check=True)
  programs = tmp_path / 'env' / 'bin'
  subprocess.run([programs / 'pip', 'install', '-q', wheel], check=True)
  assert _run([programs / 'jaxgan'], tmp_path).startswith('Generative models')
  assert 'unconditional' in _run([programs / 'jaxgan', 'train', *SHORT], tmp_path)
  folder = tmp_path / 'run' / 'unconditional'
  assert json.loads((folder / 'evaluation.json').read_text())['step'] == 2
