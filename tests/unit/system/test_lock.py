"""One run at a time in a folder."""

import os
import signal
import subprocess
import sys

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


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path):
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


def test_a_new_folder_without_anything_in_it_goes(tmp_path):
  _hold(tmp_path / 'new')
  assert not (tmp_path / 'new').exists()
  with lock.held(tmp_path / 'used'):
    (tmp_path / 'used' / 'a').touch()
  assert not (tmp_path / 'used' / lock.FILE).exists()
  (tmp_path / 'old').mkdir()
  _hold(tmp_path / 'old')
  assert (tmp_path / 'used' / 'a').exists() and (tmp_path / 'old').exists()


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
  (tmp_path / 'file').touch()
  for folder in (tmp_path / 'file', tmp_path / 'file' / 'run'):
    with pytest.raises(UserError, match=r'cannot write to .*--workdir'):
      _hold(folder)
