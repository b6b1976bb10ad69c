"""Data parallelism: one mesh of all devices, the batch split over it, everything else replicated.

A program is written for the whole batch and `jax.jit` splits it, so batch-norm statistics and
losses are those of the global batch on any number of devices.
"""

import jax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
import numpy as np

from jaxgan.errors import UserError

DATA_AXIS = 'data'


def data_mesh(devices=None) -> Mesh:
  """The mesh of the given devices (default: all) along one axis, `data`."""
  return Mesh(np.array(jax.devices() if devices is None else devices), (DATA_AXIS,))


def replicated(mesh: Mesh) -> NamedSharding:
  """The sharding that keeps a whole copy on every device of the mesh."""
  return NamedSharding(mesh, P())


def along_batch(x):
  """Splits the leading axis of every array in `x` over the mesh that is set, if one is.

  Only fresh batches need it (drawn images, drawn noise): what is computed from them follows.
  """
  mesh = jax.sharding.get_abstract_mesh()
  if mesh.empty or DATA_AXIS not in mesh.axis_names:
    return x
  return jax.lax.with_sharding_constraint(x, P(DATA_AXIS))


def check_batch_size(batch_size: int, num_devices: int, field: str) -> None:
  """Raises a UserError unless the devices can share the batch evenly."""
  if batch_size % num_devices:
    lower = batch_size // num_devices * num_devices
    raise UserError(
      f'{field}={batch_size} cannot be split evenly over {num_devices} devices: '
      f'use a multiple of {num_devices}, such as {lower or num_devices}'
    )
