"""Fixtures of all tests and of the tests of training."""

import gc
import os
from pathlib import Path
import tempfile

from tests.support import xla

if 'PYTEST_XDIST_WORKER' not in os.environ:  # Workers inherit what the first process sets.
  os.environ['XLA_FLAGS'] = f'{os.environ.get("XLA_FLAGS", "")} {xla.flags(num_devices=8)}'
  # Many tests trace the same program anew: a session, the commands that it starts included,
  # compiles it once.
  _cache = tempfile.TemporaryDirectory()
  os.environ['JAX_COMPILATION_CACHE_DIR'] = _cache.name

import hypothesis
import jax
import numpy as np
import pytest

from jaxgan.config.overrides import changed
from tests.support import registered, stand_in

jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.2)
# The same examples in every run, and nothing written. The examples of a test share its fixtures: a
# file that they need, each writes anew.
hypothesis.settings.register_profile(
  'tests', derandomize=True, database=None, deadline=None, max_examples=30,
  suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)  # fmt: skip
hypothesis.settings.load_profile('tests')
gc.set_threshold(50_000, 20, 20)  # Tracing makes many objects, and hardly any of them garbage.


@pytest.hookimpl(tryfirst=True)  # Before xdist reads the groups.
def pytest_collection_modifyitems(items):
  """One worker takes all tests of a file, so that only one makes what they share.

  So it does with those of all files that look at the finished run.
  """
  for item in items:
    group = 'finished' if 'finished' in item.fixturenames else item.nodeid.split('::')[0]
    item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope='session', autouse=True)
def small_networks():
  """The networks of `tests.support.small`."""
  with registered.imported('tests.support.small'):
    yield


@pytest.fixture
def stand_in_data(monkeypatch):
  """Stand-in data for one test; see `use_stand_in_data`."""
  return stand_in.use_stand_in_data(monkeypatch)


@pytest.fixture
def tiny_config():
  """See `tiny`."""
  return stand_in.tiny()


@pytest.fixture
def mesh():
  """Of one device."""
  from jaxgan.system import parallel

  return parallel.device_mesh(devices=jax.devices()[:1])


@pytest.fixture(scope='module', autouse=True)
def one_device():
  """A mesh of one device where none are named: less to compile, and equal to the last bit.

  A file whose runs shall use all devices has an empty fixture of this name.
  """
  with pytest.MonkeyPatch.context() as monkeypatch:
    stand_in.use_one_device(monkeypatch)
    yield


@pytest.fixture
def make_job(tmp_path):
  """Builds a small job with epochs of 6 steps; `wrap` may wrap the algorithm's update."""
  from tests.support import toy

  def make(folder='job', wrap=lambda update: update, evaluate=None, **changes):
    evaluate = evaluate or (lambda state, replica: ({'evaluation/value': 1.0}, 0.0))
    job = toy.job(tmp_path / folder, toy.training_data((50,)), evaluate, **changes)
    return job._replace(algorithm=job.algorithm._replace(update=wrap(job.algorithm.update)))

  return make


@pytest.fixture(scope='session')
def finished(tmp_path_factory):
  """The work directory of a finished run of `tiny` with both methods, and its closing table."""
  from jaxgan.runs import execute

  workdir = tmp_path_factory.mktemp('run')
  with pytest.MonkeyPatch.context() as monkeypatch:
    stand_in.use_one_device(monkeypatch)
    stand_in.use_stand_in_data(monkeypatch)
    config = stand_in.tiny()
    config = changed(config, {'methods': stand_in.METHODS, 'train.preview': True})
    table = execute.run(config, workdir)
  return workdir, table


@pytest.fixture(scope='session')
def assert_trees_equal():
  """A function that fails unless two pytrees are the same to the last bit."""

  def check(a, b):
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(a), jax.device_get(b))

  return check


@pytest.fixture
def real_data():
  """real_data('a/b.npz') -> its path in $JAXGAN_TEST_DATA, or in ../shared/data beside us."""

  def find(name):
    default = Path(__file__).parents[2] / 'shared' / 'data'
    path = Path(os.environ.get('JAXGAN_TEST_DATA', default)) / name
    if not path.exists():
      pytest.skip(f'no {name}: set JAXGAN_TEST_DATA')
    return path

  return find
