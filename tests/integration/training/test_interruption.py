"""Interrupted runs: a killed or stopped run resumes to bit-identical results."""

import hashlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest

from tests.support import progress_lines

ROOT = pathlib.Path(__file__).resolve().parents[3]
METHODS = ('classifier', 'annotator', 'unconditional', 'class_balancing')
# The embedded example with short jobs and frequent pictures, evaluations and checkpoints.
SHORT = (
  '--config=experiments/fashion_lt.py',
  *(f'--config.{role}.train.steps=70' for role in ('classifier', 'annotator', 'cas')),
  *(f'--config.{role}.train.evaluate_every=30' for role in ('classifier', 'annotator', 'cas')),
  '--config.algorithm.generator_width=8',
  '--config.train.steps=60',
  '--config.train.log_every=7',
  '--config.train.evaluate_every=20',
  '--config.train.picture_every=15',
  '--config.train.checkpoint_every=10',
  '--config.evaluation.samples=500',
  '--config.evaluation.periodic_samples=200',
)


@pytest.fixture(scope='module')
def start(tmp_path_factory):
  """start(workdir, *flags) -> Popen of the short experiment."""
  shared = tmp_path_factory.mktemp('shared')
  environment = {
    **os.environ,
    'JAX_PLATFORMS': 'cpu',
    'TFDS_DATA_DIR': str(shared / 'tfds'),
    'XDG_CACHE_HOME': str(shared / 'cache'),
    'PYTHONPATH': str(ROOT),
  }

  def start(workdir, *flags):
    return subprocess.Popen(
      [sys.executable, '-m', 'jaxgan.main', *SHORT, f'--workdir={workdir}', *flags],
      cwd=ROOT,
      env=environment,
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )

  return start


@pytest.fixture(scope='module')
def whole(start, tmp_path_factory):
  """(work directory, seconds) of an uninterrupted run with a filled compilation cache."""
  for name in ('first', 'whole'):
    workdir, began = tmp_path_factory.mktemp('runs') / name, time.monotonic()
    with start(workdir) as process:
      _, lines = process.communicate()
    assert process.returncode == 0, lines
  return workdir, time.monotonic() - began


def _last_state(folder):
  """Returns step and digest of the last checkpoint; stops add earlier checkpoints."""
  step = max(int(path.name) for path in folder.glob('[0-9]*'))
  digest = hashlib.sha256()
  with ocp.StandardCheckpointer() as checkpointer:
    for leaf in jax.tree.leaves(checkpointer.restore(folder / str(step) / 'default')):
      digest.update(np.asarray(leaf).tobytes())
  return step, digest.hexdigest()


def _results(workdir):
  """Returns all that must not depend on interruptions: logs, numbers and last checkpoints."""
  found = {}
  for method in METHODS:
    folder = workdir / method
    found[method, 'log'] = (folder / 'metrics.jsonl').read_text()
    found[method, 'state'] = _last_state(folder / 'checkpoints')
    if (folder / 'evaluation.json').exists():
      evaluation = json.loads((folder / 'evaluation.json').read_text())
      found |= {(method, 'numbers', field): value for field, value in evaluation.items()}
      samples = np.load(folder / 'evaluation_samples.npz')
      found[method, 'samples'] = [hashlib.sha256(samples[k].tobytes()).hexdigest() for k in samples]
      found[method, 'pictures'] = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / 'samples').iterdir()
      }
  return found


def _assert_same(workdir, expected):
  found = _results(workdir)
  assert found.keys() == expected.keys()
  for key, value in expected.items():
    assert found[key] == value, (key, found[key], value)


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM], ids=['kill', 'term'])
def test_twenty_interruptions_change_nothing(start, whole, tmp_path, number):
  """Interrupts at random moments: start, classifiers, training, writing, evaluating, drawing."""
  reference, seconds = whole
  moments = random.Random(int(number))
  statuses = []
  while len(statuses) < 20:
    with start(tmp_path / 'run') as process:
      # Sample early moments and late moments.
      wait = moments.choice([moments.uniform(0, 4), moments.uniform(2, 0.6 * seconds)])
      try:
        process.wait(wait)
      except subprocess.TimeoutExpired:
        process.send_signal(number)
      _, lines = process.communicate(timeout=120)
    assert process.returncode in (0, -number, 128 + number), lines
    assert 'Traceback' not in lines, lines
    statuses.append(process.returncode)
    if process.returncode == 0:  # The run finished before the interruption: start a new one.
      _assert_same(tmp_path / 'run', _results(reference))
      (tmp_path / 'run').rename(tmp_path / f'done_{len(statuses)}')
  with start(tmp_path / 'run') as process:
    _, lines = process.communicate()
  assert process.returncode == 0, lines
  _assert_same(tmp_path / 'run', _results(reference))
  print(f'statuses: {statuses}')


@pytest.mark.slow
def test_a_stop_prints_its_step(start, tmp_path):
  with start(tmp_path / 'run') as process:
    for line in process.stderr:
      if line.startswith('unconditional  step'):
        break
    process.send_signal(signal.SIGINT)
    _, lines = process.communicate(timeout=120)
  assert process.returncode == 130
  assert re.search(r'unconditional: stopped by SIGINT after step \d+; the same command', lines)


@pytest.mark.slow
def test_a_second_run_in_the_work_directory_is_refused(start, tmp_path):
  with start(tmp_path / 'run') as first:
    next(line for line in first.stderr if line.startswith('classifier: '))
    with start(tmp_path / 'run') as second:
      _, lines = second.communicate(timeout=120)
    assert second.returncode == 2
    assert re.fullmatch(
      rf'error: \S+run is in use by process {first.pid} on .*\n', progress_lines.without(lines)
    )
    first.kill()


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_keeps_saved_checkpoints(start, tmp_path):
  disk = tmp_path / 'disk'
  disk.mkdir()
  mount = ['mount', '-t', 'tmpfs', '-o', 'size=5m', 'tmpfs', str(disk)]
  if subprocess.run(mount, capture_output=True).returncode:
    pytest.skip('only the superuser can make a small disk')
  try:
    with start(disk / 'run') as process:
      _, lines = process.communicate()
    assert process.returncode == 1, lines
    assert 'Traceback' not in lines, lines
    last = lines.splitlines()[-1]
    assert last.startswith('error: '), last
    assert 'No space left on device' in last, last
    subprocess.run(['mount', '-o', 'remount,size=200m', str(disk)], check=True)
    with start(disk / 'run') as process:
      _, lines = process.communicate()
    assert process.returncode == 0, lines
  finally:
    subprocess.run(['umount', '-l', str(disk)], check=True)
