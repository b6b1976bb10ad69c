"""Runs with several processes, each with its devices.

Every process runs the same command on the same work directory and data, and computes its share of
every program. Process 0 writes logs, pictures and evaluations; with Orbax all processes write
checkpoints.
"""

from collections.abc import Callable, Iterable, Iterator
import importlib.util
import itertools
import os
from typing import Any, TypeVar
import urllib.error
import urllib.request

import jax
from jax.experimental import multihost_utils
import numpy as np

from jaxgan.errors import UserError, first_line
from jaxgan.system import files

T = TypeVar('T')


def join(coordinator: str, num_processes: int | None, process_id: int | None) -> None:
  """Joins the other processes of a run, if any; call it before the first use of a device.

  On a Cloud TPU slice and in a Slurm step of several tasks the processes find each other; elsewhere
  all three arguments are needed.

  Args:
    coordinator: HOST:PORT of process 0, the same for all processes; '' for none.
    num_processes: number of processes.
    process_id: number of this process, from 0.

  Raises:
    UserError: an argument is missing or out of range, or the processes do not find each other.
  """
  given: tuple[Any, ...] = (coordinator or None, num_processes, process_id)
  if given == (None, None, None):
    if int(os.environ.get('SLURM_STEP_NUM_TASKS', '1')) <= 1 and not _is_tpu_slice():
      return
    given = ()
  elif None in given or not 0 <= given[2] < given[1]:
    raise UserError(
      f'--coordinator={coordinator} --num_processes={num_processes} --process_id={process_id}: '
      'give all three, with HOST:PORT of process 0 and a process_id in 0 .. num_processes - 1'
    )
  # This service would catch SIGTERM, which `jaxgan.system.stopping` handles.
  jax.config.update('jax_enable_preemption_service', False)
  try:
    jax.distributed.initialize(*given)
  except (OSError, RuntimeError, ValueError) as error:
    raise UserError(
      f'the processes of this run do not find each other: {first_line(error)}'
    ) from error
  if jax.process_index():
    files.leave_to_another_process()


def _is_tpu_slice() -> bool:
  """Returns whether `jax.distributed` finds hosts of a TPU slice, in GKE's variables or metadata.

  An installed libtpu is no evidence of hosts: container images, notebook services and laptops also
  have it.
  """
  if importlib.util.find_spec('libtpu') is None:
    return False
  several = os.environ.get('MEGASCALE_NUM_SLICES', '1') not in ('', '1')
  if several or os.environ.get('TPU_PROCESS_ADDRESSES_PATH'):  # JAX reads a file of addresses.
    return True
  hosts = os.environ.get('TPU_PROCESS_ADDRESSES', os.environ.get('TPU_WORKER_HOSTNAMES'))
  if hosts is not None:
    # Without a TPU, libtpu writes a warning into this variable; child processes inherit it.
    return ',' in hosts and not hosts.startswith('WARNING')
  return _is_compute_engine_tpu()


def _is_compute_engine_tpu() -> bool:
  """Returns whether the metadata server of Compute Engine lists this machine as a TPU worker."""
  if 'TPU_SKIP_MDS_QUERY' in os.environ:  # JAX sets it on import if no TPU is attached.
    return False
  server = os.environ.get('GCE_METADATA_IP', 'metadata.google.internal')
  url = f'http://{server}/computeMetadata/v1/instance/attributes/agent-worker-number'
  request = urllib.request.Request(url, headers={'Metadata-Flavor': 'Google'})
  # Bypass proxies: their errors look like a busy metadata server.
  direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
  try:
    direct.open(request, timeout=10).close()
  except urllib.error.HTTPError as error:
    return error.code >= 500  # The server is busy; JAX will ask it again.
  except OSError:  # No such server: a notebook service or a machine elsewhere.
    return False
  return True


def are_several() -> bool:
  """Returns whether the run has several processes."""
  return jax.process_count() > 1


def wait_for_all(name: str) -> None:
  """Waits until every process has called this with the same `name`."""
  if are_several():
    multihost_utils.sync_global_devices(name)


def first_alone(name: str, function: Callable[[], T]) -> T:
  """Calls a function in process 0 first, so that the others find the files that it prepares.

  Args:
    name: of the place where the others wait, see `wait_for_all`.
    function: without arguments.

  Returns:
    Its result in this process.
  """
  if jax.process_index() == 0:
    result = function()
    wait_for_all(name)
    return result
  wait_for_all(name)
  return function()


def gather(value: Any) -> np.ndarray:
  """Gathers a number from every process, `[num_processes]`; every process gets all numbers."""
  if not are_several():
    return np.array([value])
  return multihost_utils.process_allgather(np.asarray(value))


def to_host(tree: Any) -> Any:
  """Copies arrays to the host, including arrays that are split over several processes."""

  def one(x):
    if not isinstance(x, jax.Array) or x.is_fully_addressable or x.is_fully_replicated:
      return np.asarray(x)
    return multihost_utils.process_allgather(x, tiled=True)

  return jax.tree.map(one, tree)


def each_to_host(trees: Iterable) -> Iterator:
  """Copies trees to the host, each while the devices compute the next one."""
  for tree, _ in itertools.pairwise(itertools.chain(trees, [None])):
    yield to_host(tree)


def over_batches(function: Callable, images: Any, batch_size: int) -> Any:
  """Applies a compiled function to host images in batches of one size, so that it compiles once.

  Args:
    function: from images `[B, H, W, C]` to a tree of arrays with a leading axis B.
    images: `[N, H, W, C]`, N >= 1.
    batch_size: B, reduced to N for fewer images.

  Returns:
    The tree for all images, on the host.
  """
  batch_size = min(batch_size, len(images))

  def batches():
    for start in range(0, len(images), batch_size):
      batch = np.asarray(images[start : start + batch_size])
      yield function(np.pad(batch, ((0, batch_size - len(batch)), (0, 0), (0, 0), (0, 0))))

  parts = list(each_to_host(batches()))
  return jax.tree.map(lambda *parts: np.concatenate(parts)[: len(images)], *parts)
