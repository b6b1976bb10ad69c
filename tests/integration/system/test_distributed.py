"""One or several processes, one or eight devices: equal numbers and shared checkpoints."""

import functools
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.system import distributed

ROOT = pathlib.Path(__file__).resolve().parents[3]
STEPS = 20
# name -> (processes, devices per process)
LAYOUTS = {'1x1': (1, 1), '1x2': (1, 2), '1x4': (1, 4), '1x8': (1, 8), '2x4': (2, 4)}
# name -> (job, replicas, length of the replica axis)
JOBS = {
  'gan': ('gan', 1, 1),
  'infogan': ('infogan', 1, 1),
  '8 replicas on 8x1': ('infogan', 8, 8),
  '2 replicas on 2x4': ('infogan', 2, 2),
  '3 replicas on 1x8': ('infogan', 3, 1),
}
RESTORED = ('gan', '2 replicas on 2x4')


def _free_port():
  with socket.socket() as s:
    s.bind(('127.0.0.1', 0))
    return s.getsockname()[1]


def _run(layout, tasks):
  """Runs tasks, see `tests.support.layouts`, on some processes and devices."""
  num_processes, devices = LAYOUTS[layout]
  shared = {
    'num_processes': num_processes,
    'devices': devices,
    'coordinator': f'127.0.0.1:{_free_port()}',
    'tasks': tasks,
  }
  environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
  processes = [
    subprocess.Popen(
      [sys.executable, '-m', 'tests.support.layouts', json.dumps({**shared, 'process_id': i})],
      cwd=ROOT,
      env=environment,
      stderr=subprocess.PIPE,
      text=True,
    )
    for i in range(num_processes)
  ]
  for process in processes:
    _, lines = process.communicate()
    assert process.returncode == 0, lines


def _task(root, layout, name, steps=STEPS):
  job, replicas, apart = JOBS[name]
  out = root / layout / f'{name} {steps}.npz'
  apart = apart if layout in ('1x8', '2x4') else 1
  return {
    'job': job, 'replicas': replicas, 'apart': apart, 'steps': steps,
    'folder': str(root / layout / name), 'out': str(out),
  }  # fmt: skip


def _assert_close(tasks):
  """Compares float32 states: a layout changes the order of sums, which training amplifies.

  The largest difference after 20 steps is 8e-6 on one processor, 2.4e-5 on another.
  """
  first, *others = (np.load(task['out']) for task in tasks)
  for other in others:
    assert set(first) == set(other)
    for name in first:
      np.testing.assert_allclose(other[name], first[name], rtol=1e-5, atol=5e-5, err_msg=name)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  """A folder where every job has been trained in three layouts."""
  root = tmp_path_factory.mktemp('layouts')
  for layout in ('1x1', '1x8', '2x4'):
    _run(layout, [_task(root, layout, name) for name in JOBS])
  return root


@pytest.mark.slow
@pytest.mark.parametrize('name', JOBS)
def test_two_processes_of_four_devices_equal_eight_devices_and_one(trained, name):
  _assert_close([_task(trained, layout, name) for layout in ('1x1', '1x8', '2x4')])


@pytest.fixture(scope='module')
def begun(tmp_path_factory):
  """begun(layout) -> a folder where the restored jobs have been trained halfway in a layout."""
  root = tmp_path_factory.mktemp('begun')

  @functools.cache
  def begin(layout):
    _run(layout, [_task(root, layout, name, STEPS // 2) for name in RESTORED])
    return root / layout

  return begin


@pytest.mark.slow
@pytest.mark.parametrize(
  ('written', 'read'),
  [
    *(('1x8', other) for other in ('1x1', '1x2', '1x4', '2x4')),
    *((other, '1x8') for other in ('1x1', '1x2', '1x4', '2x4')),
    ('2x4', '1x1'),
  ],
)
def test_a_checkpoint_resumes_in_another_layout(trained, begun, tmp_path, written, read):
  shutil.copytree(begun(written), tmp_path / read)
  _run(read, [_task(tmp_path, read, name) for name in RESTORED])
  for name in RESTORED:
    _assert_close([_task(trained, '1x1', name), _task(tmp_path, read, name)])


@pytest.mark.parametrize(
  'arguments', [('host:1', None, None), ('', 2, 0), ('host:1', 2, 2), ('host:1', 2, -1)]
)
def test_incomplete_arguments_are_refused(arguments):
  with pytest.raises(UserError, match=r'--coordinator=.*: give all three'):
    distributed.join(*arguments)


def test_a_single_process_joins_nobody():
  assert distributed.gather(3).tolist() == [3]
  assert not distributed.are_several()
  assert distributed.first_alone('here', lambda: 5) == 5
