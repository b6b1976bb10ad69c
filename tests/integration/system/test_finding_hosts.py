"""Finding hosts: on a TPU slice, and not merely because libtpu is installed.

libtpu is a fake package, and so are the TPU chips where a test has some. The hosts of a slice are
processes of this machine, which compute on its CPU.
"""

import contextlib
import http.server
import os
import pathlib
import socket
import subprocess
import sys
import threading

import jax
import pytest

from jaxgan.system import distributed

ROOT = pathlib.Path(__file__).resolve().parents[3]
# JAX finds TPU chips in the list of PCI devices, which argv[1] replaces.
_JOIN = """
import glob, sys
find = glob.glob
glob.glob = lambda path, **kwargs: find(path.replace('/sys/bus/pci/devices', sys.argv[1]), **kwargs)
from jaxgan.system import distributed
from jaxgan.errors import UserError
try:
  distributed.join('', None, None)
except UserError as error:
  sys.exit(f'error: {error}')
import jax
print(jax.process_index(), 'of', jax.process_count())
"""
_FROM_OUTSIDE = ('TPU_', 'MEGASCALE_', 'SLURM_', 'JAX_COORDINATOR')


@pytest.fixture
def libtpu(tmp_path):
  """A folder for sys.path with a fake package libtpu."""
  package = tmp_path / 'site' / 'libtpu'
  package.mkdir(parents=True)
  (package / '__init__.py').write_text(
    "__version__ = '0.0.99'\ndef get_library_path():\n  return '/no/such/libtpu.so'\n"
  )
  return package.parent


@pytest.fixture
def start(libtpu, tmp_path):
  """start(chips, **environment) -> a process that joins the others and prints 'index of count'."""
  chip = tmp_path / 'with_chips' / '0000:00:04.0'
  chip.mkdir(parents=True)
  (chip / 'vendor').write_text('0x1ae0\n')
  (chip / 'device').write_text('0x005e\n')  # A TPU v4.

  def begin(chips, **environment):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FROM_OUTSIDE)}
    return subprocess.Popen(
      [sys.executable, '-c', _JOIN, tmp_path / ('with_chips' if chips else 'without_chips')],
      cwd=tmp_path,
      env={
        **inherited,
        'PYTHONPATH': f'{ROOT}:{libtpu}',
        'JAX_PLATFORMS': 'cpu',
        'no_proxy': '*',
        **environment,
      },
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )

  return begin


def _outputs(*processes):
  results = [process.communicate(timeout=120) for process in processes]
  for process, (_, errors) in zip(processes, results, strict=True):
    assert process.returncode == 0, errors
  return [printed for printed, _ in results]


def _free_port():
  with socket.socket() as s:
    s.bind(('127.0.0.1', 0))
    return str(s.getsockname()[1])


@contextlib.contextmanager
def _metadata(attributes, missing=404):
  """Serves attributes of an instance like Compute Engine; yields HOST:PORT.

  It answers requests for others with the status `missing`.
  """

  class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
      name = self.path.removeprefix('/computeMetadata/v1/instance/attributes/')
      known = name in attributes and self.headers['Metadata-Flavor'] == 'Google'
      self.send_response(200 if known else missing)
      self.end_headers()
      self.wfile.write(attributes.get(name, 'not found').encode())

    def log_message(self, *_):
      pass

  with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'127.0.0.1:{server.server_port}'
    server.shutdown()


@pytest.fixture
def attached(libtpu, monkeypatch):
  """attached(**environment) makes this process look like one on a TPU host."""
  monkeypatch.syspath_prepend(libtpu)

  def attach(**environment):
    for name in [name for name in os.environ if name.startswith(_FROM_OUTSIDE)]:
      monkeypatch.delenv(name)
    for name, value in {'no_proxy': '*', **environment}.items():
      monkeypatch.setenv(name, value)

  return attach


def test_libtpu_without_a_tpu_is_one_process(start):
  assert _outputs(start(chips=False)) == ['0 of 1\n']


@pytest.mark.parametrize(
  'environment',
  [
    {'GCE_METADATA_IP': '127.0.0.1:1'},  # No such server.
    {'TPU_SKIP_MDS_QUERY': 'true'},
    {'TPU_WORKER_HOSTNAMES': 'localhost'},
    {'TPU_WORKER_HOSTNAMES': '', 'TPU_WORKER_ID': '0'},
    {'TPU_WORKER_HOSTNAMES': 'localhost', 'MEGASCALE_NUM_SLICES': '1'},
    {'TPU_PROCESS_ADDRESSES': 'local'},
    {'TPU_WORKER_HOSTNAMES': 'WARNING: could not determine TPU worker hostnames, please set'},
  ],
)
def test_a_tpu_of_one_host_is_one_process(attached, environment):
  attached(**environment)
  distributed.join('', None, None)
  assert not jax.distributed.is_initialized()


def test_a_virtual_machine_without_a_tpu_is_one_process(attached):
  with _metadata({}) as server:
    attached(GCE_METADATA_IP=server)
    distributed.join('', None, None)
  assert not jax.distributed.is_initialized()


def test_an_error_of_a_proxy_is_not_taken_for_a_metadata_server(attached):
  """A proxy answers 502 for a server that it cannot reach."""
  with _metadata({}, missing=502) as proxy:
    attached(GCE_METADATA_IP='127.0.0.1:1', http_proxy=f'http://{proxy}', no_proxy='')
    distributed.join('', None, None)
  assert not jax.distributed.is_initialized()


def test_hosts_of_a_slice_on_gke_find_each_other(start):
  with _metadata({'tpu-env': ''}) as server:
    environment = {
      'GCE_METADATA_IP': server,
      'JAX_COORDINATOR_PORT': _free_port(),
      'TPU_SKIP_MDS_QUERY': 'true',
      'TPU_WORKER_HOSTNAMES': 'localhost,localhost',
    }
    hosts = [start(chips=True, TPU_WORKER_ID=str(i), **environment) for i in range(2)]
    assert _outputs(*hosts) == ['0 of 2\n', '1 of 2\n']


def test_two_slices_of_one_host_find_each_other(start):
  environment = {
    'JAX_COORDINATOR_PORT': _free_port(),
    'MEGASCALE_COORDINATOR_ADDRESS': 'localhost',
    'MEGASCALE_NUM_SLICES': '2',
    'TPU_SKIP_MDS_QUERY': 'true',
    'TPU_WORKER_HOSTNAMES': 'localhost',
    'TPU_WORKER_ID': '0',
  }
  hosts = [start(chips=True, MEGASCALE_SLICE_ID=str(i), **environment) for i in range(2)]
  assert _outputs(*hosts) == ['0 of 2\n', '1 of 2\n']


def test_hosts_of_a_slice_on_compute_engine_find_each_other(start):
  of_all = {'worker-network-endpoints': '127.0.0.1,127.0.0.1', 'tpu-env': "ZONE: 'zone-a'\n"}
  port = _free_port()
  with contextlib.ExitStack() as stack:
    servers = [
      stack.enter_context(_metadata({**of_all, 'agent-worker-number': str(i)})) for i in range(2)
    ]
    hosts = [start(chips=True, GCE_METADATA_IP=s, JAX_COORDINATOR_PORT=port) for s in servers]
    assert _outputs(*hosts) == ['0 of 2\n', '1 of 2\n']


def test_a_host_of_a_slice_that_finds_no_others_ends_in_an_error(start):
  environment = {'TPU_SKIP_MDS_QUERY': 'true', 'TPU_WORKER_HOSTNAMES': 'localhost,localhost'}
  process = start(chips=True, GCE_METADATA_IP='127.0.0.1:1', **environment)
  _, errors = process.communicate(timeout=120)
  assert process.returncode == 1
  assert errors.startswith('error: the processes of this run do not find each other: ')
