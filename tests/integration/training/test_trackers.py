"""Trackers by their own packages, without a network: a run that stops and resumes is one run."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
# Trains a job to step 4, then to step 8, as two processes would; prints what the tracker has.
TRAIN = """
import json, pathlib, sys
import jax
from jaxgan.system import parallel
from jaxgan.training import loop
from tests.support import toy
name, folder, steps = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
def picture(folder, step, seen):
  from PIL import Image
  (folder / 'samples').mkdir(exist_ok=True)
  Image.new('L', (8, 8)).save(folder / 'samples' / f'step_{step:08d}_ema.png')
job = toy.job(folder, toy.training_data((50,)), steps=steps, picture_every=4,
              tracker=name, picture=lambda state, step, replica: None)
job = job._replace(outputs=(job.outputs[0]._replace(write=picture),))
loop.train(job, parallel.device_mesh(devices=jax.devices()[:1]))
identity = json.loads((folder / 'tracker.json').read_text())[name]['run']
"""
READ = {
  'wandb': """
found = sorted(path.name for path in (folder / 'wandb').glob('offline-run-*/run-*.wandb'))
print(json.dumps([identity, found]))
""",
  'trackio': """
from trackio.sqlite_storage import SQLiteStorage
logs = SQLiteStorage.get_logs('jaxgan', identity)
print(json.dumps([identity, {log['step']: log['loss/toy'] for log in logs if 'loss/toy' in log}]))
""",
  'mlflow': """
import mlflow
client = mlflow.MlflowClient()
history = client.get_metric_history(identity, 'loss/toy')
pictures = [item.path for item in client.list_artifacts(identity, 'samples')]
run = client.get_run(identity)
print(json.dumps([identity, {m.step: m.value for m in history}, pictures, run.info.status,
                  run.data.params['train.batch_size']]))
""",
}


@pytest.mark.slow
@pytest.mark.parametrize('name', READ)
def test_a_run_that_resumes_is_one_run_of_the_tracker(tmp_path, name):
  pytest.importorskip(name)
  environment = {
    **os.environ,
    'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]),
    'WANDB_MODE': 'offline',
    'TRACKIO_DIR': str(tmp_path / 'trackio'),
    'MLFLOW_TRACKING_URI': f'sqlite:///{tmp_path}/mlflow.db',
  }
  printed = []
  for steps in (4, 8):
    command = [
      sys.executable,
      '-c',
      TRAIN + READ[name],
      name,
      tmp_path / 'work' / 'toy',
      str(steps),
    ]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'no more events' not in done.stderr
    (line,) = done.stdout.splitlines()  # Packages print to stderr.
    printed.append(json.loads(line))
  rows = (tmp_path / 'work' / 'toy' / 'metrics.jsonl').read_text().splitlines()
  losses = {str(row['step']): row['loss/toy'] for row in map(json.loads, rows)}
  (identity, *first), (other, *found) = printed
  assert identity == other
  assert list(losses) == ['2', '4', '6', '8']
  if name == 'wandb':
    assert [len(first[0]), len(found[0])] == [1, 2]  # A folder of files for each process, ...
    assert set(found[0]) == {f'run-{identity}.wandb'}  # ... with one id, which `wandb sync` joins.
  else:
    assert found[0] == pytest.approx(losses)
  if name == 'mlflow':
    pictures = [f'samples/step_{step:08d}_ema.png' for step in (4, 8)]
    assert found[1:] == [pictures, 'FINISHED', '8']
