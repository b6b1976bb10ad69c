"""Scripts for clusters, checked on one machine."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from tests.support import xla

SCRIPTS = pathlib.Path(__file__).resolve().parents[3] / 'scripts'
# Replaces srun: two tasks of a step on this machine, with Slurm's variables.
_SRUN = f"""#!/bin/bash
shift
export SLURM_JOB_ID=4711 SLURM_STEP_NODELIST=localhost SLURM_NTASKS=2 SLURM_STEP_NUM_TASKS=2
export PATH={pathlib.Path(sys.executable).parent}:$PATH
SLURM_PROCID=1 SLURM_LOCALID=1 "$@" 2> "$LOGS/task_1" &
SLURM_PROCID=0 SLURM_LOCALID=0 "$@" 2> "$LOGS/task_0"
status=$?
wait $! || status=$?
exit $status
"""


def _fake(folder, name, text):
  path = folder / name
  path.write_text(text)
  path.chmod(0o755)


def _run(script, tmp_path, *arguments, **environment):
  return subprocess.run(
    ['bash', SCRIPTS / script, *arguments],
    env={**os.environ, 'PATH': f'{tmp_path}:{os.environ["PATH"]}', **environment},
    cwd=SCRIPTS.parent,
    capture_output=True,
    text=True,
  )


@pytest.mark.parametrize('script', sorted(path.name for path in SCRIPTS.iterdir()))
def test_the_shell_parses_it(script):
  subprocess.run(['bash', '-n', SCRIPTS / script], check=True)


def test_a_slice_gets_one_command_for_all_machines(tmp_path):
  _fake(tmp_path, 'gcloud', '#!/bin/bash\nprintf "%s\\n" "$@"\n')
  done = _run('tpu_pod.sh', tmp_path, 'slice', 'zone-a', '--config=a.py:ratio=10', '--workdir=/a b')
  assert done.returncode == 0
  *_, zone, workers, command = done.stdout.splitlines()
  assert (zone, workers) == ('--zone=zone-a', '--worker=all')
  assert command.endswith(r'python3 -m jaxgan.main --config=a.py:ratio=10 --workdir=/a\ b ')
  assert _run('tpu_pod.sh', tmp_path, 'slice').returncode == 2


@pytest.mark.parametrize(('status', 'again'), [(143, True), (0, False), (2, False)])
def test_a_job_that_was_asked_to_stop_queues_again(tmp_path, status, again):
  _fake(tmp_path, 'srun', f'#!/bin/bash\nexit {status}\n')
  _fake(tmp_path, 'scontrol', f'#!/bin/bash\necho "$@" > {tmp_path}/again\n')
  done = _run('slurm.sbatch', tmp_path, '--config=a.py', SLURM_JOB_ID='17')
  assert done.returncode == status
  assert (tmp_path / 'again').exists() == again
  if again:
    assert (tmp_path / 'again').read_text() == 'requeue 17\n'


@pytest.mark.slow
def test_two_tasks_of_a_slurm_step_train_one_run(tmp_path):
  _fake(tmp_path, 'srun', _SRUN)
  flags = {
    'config': 'experiments/fashion_lt.py:method=unconditional',
    'workdir': tmp_path / 'run',
    'config.train.steps': 4,
    'config.evaluation.samples': 256,
    'config.evaluation.periodic_samples': 256,
    'config.algorithm.generator_width': 8,
    **{f'config.{role}.train.epochs': 1 for role in ('classifier', 'annotator', 'cas')},
  }
  environment = {
    'LOGS': str(tmp_path),
    'JAX_PLATFORMS': 'cpu',
    'TFDS_DATA_DIR': str(tmp_path / 'tfds'),
    'XLA_FLAGS': xla.flags(num_devices=2),
  }
  arguments = [f'--{name}={value}' for name, value in flags.items()]
  done = _run('slurm.sbatch', tmp_path, *arguments, **environment)
  assert done.returncode == 0, (tmp_path / 'task_0').read_text()
  evaluation = json.loads((tmp_path / 'run' / 'unconditional' / 'evaluation.json').read_text())
  assert evaluation['run']['hardware'].endswith('(4 JAX devices)')
  # Only one of them prints.
  assert 'step 4/4' in (tmp_path / 'task_0').read_text()
  assert 'step' not in (tmp_path / 'task_1').read_text()
  assert done.stdout.count('Fréchet (annotator)') == 1  # The header of the table.
