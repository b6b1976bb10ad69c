"""The experiment file of docs/plug_in.md, in a folder outside of the repository."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.support import xla

ROOT = pathlib.Path(__file__).parents[3]
PAGE = ROOT / 'docs' / 'plug_in.md'
SHORT = {
  'train.steps': 2,
  'train.batch_size': 4,
  'algorithm.generator_width': 4,
  'algorithm.discriminator_width': 4,
  'evaluation.samples': 8,
  'evaluation.periodic_samples': 8,
  'evaluation.cas': False,
  'cas': None,
  'annotator.train.epochs': 1,
  'annotator.train.batch_size': 512,
  'annotator.algorithm.decay_epochs': (),
}


def _jaxgan(folder, command, *arguments):
  """Runs a command from a folder; returns its output."""
  run = [sys.executable, '-m', 'jaxgan', command, *map(str, arguments)]
  environment = os.environ | {'PYTHONPATH': str(ROOT), 'XLA_FLAGS': xla.flags(1)}
  result = subprocess.run(
    run, cwd=folder, env=environment, capture_output=True, text=True, check=False
  )
  assert result.returncode == 0, result.stderr
  return result.stdout


def _shown_file():
  """The first file that the page shows, its name from the command on the page."""
  text = PAGE.read_text(encoding='utf-8')
  (shown, *_), (name, *_) = (
    re.findall(r'```{literalinclude} (\S+)', text), re.findall(r'--config=(\w+\.py)', text)
  )  # fmt: skip
  return name, (PAGE.parent / shown).read_text(encoding='utf-8')


def test_the_file_is_about_forty_lines():
  assert len(_shown_file()[1].splitlines()) <= 40


def test_a_plan_reads_the_file_in_any_folder(tmp_path):
  name, text = _shown_file()
  (tmp_path / name).write_text(text)
  output = _jaxgan(tmp_path, 'plan', f'--config={name}:method=cgan')
  assert '\ntrain cgan ' in output


@pytest.mark.slow
def test_a_run_of_the_file_is_used_in_new_processes_after_the_file_is_gone(tmp_path):
  name, text = _shown_file()
  theirs, elsewhere = tmp_path / 'theirs', tmp_path / 'elsewhere'
  theirs.mkdir()
  elsewhere.mkdir()
  (theirs / name).write_text(text)
  changes = [f'--config.{field}={value}' for field, value in SHORT.items()]
  _jaxgan(theirs, 'train', f'--config={name}:method=cgan', *changes)
  workdir = theirs / 'runs' / 'fashion_least_squares'
  record = workdir / 'cgan' / 'evaluation.json'
  trained = json.loads(record.read_text())
  assert 0 < trained['results']['brightness'] < 1
  record.unlink()
  (theirs / name).unlink()
  _jaxgan(elsewhere, 'evaluate', f'--workdir={workdir}')
  assert json.loads(record.read_text())['results'] == trained['results']
  assert '10 images of step 2' in _jaxgan(
    elsewhere, 'sample', f'--workdir={workdir}', '--num_images=10', '--out=images'
  )
  assert 'brightness: mean intensity of the images' in _jaxgan(elsewhere, 'report', workdir)
