"""Fixtures of all tests, and of tests that train."""

import gc
import os
from pathlib import Path
import tempfile

from tests.support import xla

os.environ.pop('COLUMNS', None)  # pytest-xdist sets it in its workers; tables would fold at it.
if 'PYTEST_XDIST_WORKER' not in os.environ:  # Workers inherit what the first process sets.
  os.environ['XLA_FLAGS'] = f'{os.environ.get("XLA_FLAGS", "")} {xla.flags(num_devices=8)}'
  # Many tests trace the same programs: a session and its commands compile them once.
  _cache = tempfile.TemporaryDirectory()
  os.environ['JAX_COMPILATION_CACHE_DIR'] = _cache.name

import hypothesis
import jax
import numpy as np
import pytest

from jaxgan.config.overrides import changed
from tests.support import registered, stand_in

jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.2)
# The same examples in every run, without a database. The examples of a test share its fixtures, so
# each example writes its own files.
hypothesis.settings.register_profile(
  'tests', derandomize=True, database=None, deadline=None, max_examples=30,
  suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)  # fmt: skip
hypothesis.settings.load_profile('tests')
gc.set_threshold(50_000, 20, 20)  # Tracing makes many objects, and hardly any of them garbage.


@pytest.hookimpl(tryfirst=True)  # Before xdist reads the groups.
def pytest_collection_modifyitems(items):
  """Assigns all tests of a file to one worker, so that shared fixtures are made once.

  Tests that use the finished run go to one worker, too.
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
  """A mesh of one device."""
  from jaxgan.system import parallel

  return parallel.device_mesh(devices=jax.devices()[:1])


@pytest.fixture(scope='module', autouse=True)
def one_device():
  """Makes one device the default of meshes: less to compile, and bit-identical.

  A file whose runs use all devices overrides this fixture with an empty one.
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
  """(work directory, closing table) of a finished run of `tiny` with both methods."""
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
  """A function that asserts that two pytrees are bit-identical."""

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
