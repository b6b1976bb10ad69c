"""The command line in one interpreter, and checks after every bad input."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

from tests.support import progress_lines
from tests.support.bad_input.folders import ROOT, contents
from tests.support.bad_input.interpreter import ACCEPTED

HERE = pathlib.Path(__file__).resolve().parent


@pytest.hookimpl(tryfirst=True)  # Before xdist reads the groups.
def pytest_collection_modifyitems(items):
  """Assigns all tests here to one worker, which starts one interpreter."""
  for item in items:
    if HERE in item.path.parents:
      item.add_marker(pytest.mark.xdist_group('bad_input'))


class _Interpreter:
  """See `bad_input.interpreter`; starts with the first command, and again after its end."""

  def __init__(self, home):
    # One device; tests share data that is prepared in the default folder.
    self._environment = {
      **{name: value for name, value in os.environ.items() if name != 'XLA_FLAGS'},
      'PYTHONPATH': str(ROOT),
      'JAX_PLATFORMS': 'cpu',
      'TFDS_DATA_DIR': str(home / 'data'),
      'HOME': str(home),
    }
    self._process = None

  def __call__(self, argv, folder):
    if self._process is None:
      self._process = subprocess.Popen(
        [sys.executable, '-m', 'tests.support.bad_input.interpreter'],
        env=self._environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
      )
    command = {'argv': [str(argument) for argument in argv], 'folder': str(folder)}
    self._process.stdin.write(json.dumps(command) + '\n')
    self._process.stdin.flush()
    answer = self._process.stdout.readline()
    if not answer:
      pytest.fail(f'{argv} ended the interpreter with status {self.close()}')
    return json.loads(answer)

  def close(self):
    process, self._process = self._process, None
    if process is None:
      return None
    process.kill()  # The interpreter may have ended; do not wait for JAX to clean up.
    process.communicate()
    return process.returncode


@pytest.fixture(scope='session')
def command(tmp_path_factory):
  """command(argv, folder) -> {'status', 'stdout', 'stderr'} of `jaxgan.main`, run in the folder."""
  interpreter = _Interpreter(tmp_path_factory.mktemp('home'))
  yield interpreter
  interpreter.close()


@pytest.fixture
def refused(command, tmp_path):
  """refused(argv, message, new): one line with the message; all files stay as they were.

  new: a regular expression of allowed new paths; no file may be left half-written.
  """

  def check(argv, message, new='nothing'):
    before = contents(tmp_path)
    result = command(argv, tmp_path)
    line = progress_lines.without(result['stderr'])
    assert line.startswith('error: '), line
    assert line.count('\n') == 1, line
    assert line.endswith('\n'), line
    assert '|' not in re.sub(
      r'\\.|\(.*?\)', '', message
    )  # An alternative outside a group would match too much.
    assert re.search(message, line), line
    assert result['status'] in (1, 2)
    assert result['stdout'] == ''
    after = contents(tmp_path)
    added = [path for path in after.keys() - before.keys() if not re.fullmatch(new, path)]
    assert not added
    assert not [path for path in after if re.search(r'incomplete|\.tmp', path)]
    assert before == {path: after.get(path, 'removed') for path in before}

  return check


@pytest.fixture
def accepted(command, tmp_path):
  """accepted(argv): the command would train, and has printed nothing."""

  def check(argv):
    result = command(argv, tmp_path)
    printed = progress_lines.without(result['stderr'])
    assert (result['status'], printed) == (ACCEPTED, '')

  return check
