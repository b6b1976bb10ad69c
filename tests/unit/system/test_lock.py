"""Locks: one run at a time in a folder."""

import concurrent.futures
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from jaxgan.errors import UserError
from jaxgan.system import lock

_HOLD = """
import sys, time
from jaxgan.system import lock
with lock.held(sys.argv[1]):
  print(flush=True)
  time.sleep(60)
"""


def _hold(folder):
  with lock.held(folder):
    pass


def test_a_second_process_is_refused_until_the_first_ends(tmp_path):
  folder = tmp_path / 'run'
  with subprocess.Popen([sys.executable, '-c', _HOLD, folder], stdout=subprocess.PIPE) as other:
    other.stdout.readline()
    with pytest.raises(UserError, match=rf'run is in use by process {other.pid} on .*--workdir'):
      _hold(folder)
    assert (folder / lock.FILE).exists()
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
  with lock.held(folder), pytest.raises(UserError, match=f'process {os.getpid()} on'):
    _hold(folder)


def test_a_new_folder_is_removed_if_empty(tmp_path):
  _hold(tmp_path / 'new')
  assert not (tmp_path / 'new').exists()
  with lock.held(tmp_path / 'used'):
    (tmp_path / 'used' / 'a').touch()
  assert not (tmp_path / 'used' / lock.FILE).exists()
  (tmp_path / 'old').mkdir()
  _hold(tmp_path / 'old')
  assert (tmp_path / 'used' / 'a').exists()
  assert (tmp_path / 'old').exists()


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
  (tmp_path / 'file').touch()
  for folder in (tmp_path / 'file', tmp_path / 'file' / 'run'):
    with pytest.raises(UserError, match=r'cannot write to .*--workdir'):
      _hold(folder)


def test_the_file_of_a_killed_process_is_taken_over_and_removed(tmp_path):
  """The next holder writes its own name into it."""
  (tmp_path / lock.FILE).write_text('process 1 on another machine\n')
  with lock.held(tmp_path):
    assert (tmp_path / lock.FILE).read_text().startswith(f'process {os.getpid()} on ')
  assert list(tmp_path.iterdir()) == []


def test_turns_do_not_overlap_though_each_removes_the_file(tmp_path):
  """A process that waits for a removed file, or a removed folder, tries again."""
  path, inside, seen = tmp_path / 'new' / '.lock', [], []

  def enter(number):
    with lock.turn(path):
      inside.append(number)
      time.sleep(0.02)
      seen.append(list(inside))
      inside.remove(number)
      if number % 2:
        shutil.rmtree(path.parent)

  with concurrent.futures.ThreadPoolExecutor(6) as pool:
    list(pool.map(enter, range(12)))
  assert sorted(seen) == [[number] for number in range(12)]
