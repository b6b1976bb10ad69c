"""Several processes, each with its devices, that train one run together.

Every process runs the same command on the same work directory and data, and computes its share of
every program. The first one writes logs, pictures and evaluations, Orbax all parts of checkpoints.
"""

from collections.abc import Callable, Iterable
import importlib.util
import itertools
import os
import urllib.error
import urllib.request

import jax
from jax.experimental import multihost_utils
import numpy as np

from jaxgan.errors import UserError, first_line
from jaxgan.system import files


def join(coordinator: str, num_processes: int | None, process_id: int | None) -> None:
  """Joins the other processes, where there are any; before anything asks for a device.

  On a Cloud TPU slice and in a Slurm step of several tasks they find each other; elsewhere all
  three arguments are needed.

  Args:
    coordinator: HOST:PORT of process 0, the same for all; '' for none.
    num_processes: how many there are.
    process_id: which this is, from 0.

  Raises:
    UserError: some arguments without the others, or the processes do not find each other.
  """
  given = (coordinator or None, num_processes, process_id)
  if given == (None, None, None):
    if int(os.environ.get('SLURM_STEP_NUM_TASKS', '1')) <= 1 and not _is_tpu_slice():
      return
    given = ()
  elif None in given or not 0 <= process_id < num_processes:
    raise UserError(
      f'--coordinator={coordinator} --num_processes={num_processes} --process_id={process_id}: '
      'give all three, HOST:PORT of process 0 and a process_id in 0 .. num_processes - 1'
    )
  # It would take SIGTERM for itself; see `jaxgan.system.stopping`.
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
  """Whether `jax.distributed` finds the hosts of a TPU slice: in GKE's variables or in metadata.

  An installed libtpu is no evidence of hosts: container images, notebook services and laptops
  also have it.
  """
  if importlib.util.find_spec('libtpu') is None:
    return False
  several = os.environ.get('MEGASCALE_NUM_SLICES', '1') not in ('', '1')
  if several or os.environ.get('TPU_PROCESS_ADDRESSES_PATH'):  # JAX reads a file of addresses.
    return True
  hosts = os.environ.get('TPU_PROCESS_ADDRESSES', os.environ.get('TPU_WORKER_HOSTNAMES'))
  if hosts is not None:
    # libtpu itself writes a warning there where it finds no TPU; child processes inherit it.
    return ',' in hosts and not hosts.startswith('WARNING')
  return _is_compute_engine_tpu()


def _is_compute_engine_tpu() -> bool:
  """Whether the metadata server of Compute Engine calls this machine a worker of a TPU."""
  if 'TPU_SKIP_MDS_QUERY' in os.environ:  # JAX sets it when imported where no TPU is attached.
    return False
  server = os.environ.get('GCE_METADATA_IP', 'metadata.google.internal')
  url = f'http://{server}/computeMetadata/v1/instance/attributes/agent-worker-number'
  request = urllib.request.Request(url, headers={'Metadata-Flavor': 'Google'})
  # Never through a proxy: its own error would look like that of a busy metadata server.
  direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
  try:
    direct.open(request, timeout=10).close()
  except urllib.error.HTTPError as error:
    return error.code >= 500  # A busy server: JAX asks it again.
  except OSError:  # A notebook service or a machine elsewhere: there is no such server.
    return False
  return True


def are_several() -> bool:
  """Whether other processes train with this one."""
  return jax.process_count() > 1


def wait_for_all(name: str) -> None:
  """Waits until every process is here; `name` tells the places apart."""
  if are_several():
    multihost_utils.sync_global_devices(name)


def first_alone(name: str, function: Callable):
  """function(), in process 0 before the others: it may prepare files that these then find."""
  if jax.process_index() == 0:
    result = function()
  wait_for_all(name)
  return result if jax.process_index() == 0 else function()


def gather(value) -> np.ndarray:
  """A number of every process, `[num_processes]`, the same for all of them."""
  if not are_several():
    return np.array([value])
  return multihost_utils.process_allgather(np.asarray(value))


def to_host(tree):
  """Copies arrays to the host, also arrays that are split over several processes."""

  def one(x):
    if not isinstance(x, jax.Array) or x.is_fully_addressable or x.is_fully_replicated:
      return np.asarray(x)
    return multihost_utils.process_allgather(x, tiled=True)

  return jax.tree.map(one, tree)


def each_to_host(trees: Iterable):
  """`to_host` of every tree, each while the devices already compute the next one."""
  for tree, _ in itertools.pairwise(itertools.chain(trees, [None])):
    yield to_host(tree)


def over_batches(function: Callable, images, batch_size: int):
  """Applies a compiled function to host images in batches of one size: one compilation.

  Args:
    function: from images `[B, H, W, C]` to a tree of arrays with a leading axis B.
    images: `[N, H, W, C]`, N >= 1.
    batch_size: B; N where that is less.

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
