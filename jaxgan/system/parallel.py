"""Parallelism: one mesh of all devices with the axes (replica, data).

Replicas are split over the first axis and the batch of each replica over the second; all other
arrays are replicated. Programs are written for the whole batch and `jax.jit` splits them, so
batch-norm statistics and losses cover the global batch on any number of devices.
"""

from collections.abc import Sequence
import math
import os
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
import numpy as np

from jaxgan.errors import UserError
from jaxgan.system.compilation import jit

REPLICA_AXIS = 'replica'
DATA_AXIS = 'data'


def device_mesh(num_replicas: int = 1, devices: Sequence[Any] | None = None) -> Mesh:
  """Makes the mesh for a number of replicas; their axis is as long as possible.

  Args:
    num_replicas: number of replicas.
    devices: by default all devices.
  """
  devices = jax.devices() if devices is None else devices
  apart = math.gcd(num_replicas, len(devices))
  return Mesh(np.array(devices).reshape(apart, -1), (REPLICA_AXIS, DATA_AXIS))


def replicated(mesh: Mesh) -> NamedSharding:
  """Returns the sharding with a whole copy on every device of the mesh."""
  return NamedSharding(mesh, P())


def along_replicas(mesh: Mesh) -> NamedSharding:
  """Returns the sharding that splits the leading axis over the mesh's replica axis."""
  return NamedSharding(mesh, P(REPLICA_AXIS))


def put(tree: Any, shardings: Any) -> Any:
  """Puts arrays on devices, also on devices of other processes, which hold the same values.

  Args:
    tree: arrays, on the host or on devices.
    shardings: a sharding, or a tree prefix of shardings.
  """
  if jax.process_count() == 1:
    return jax.device_put(tree, shardings)
  return jax.tree.map(lambda sharding, part: _put_everywhere(part, sharding), shardings, tree)


def _put_everywhere(tree, sharding):
  def put_array(x):
    return jax.make_array_from_callback(x.shape, sharding, lambda index: x[index])

  def one(x):
    if isinstance(x, jax.Array) and not x.is_fully_addressable:
      return jit(lambda x: x, out_shardings=sharding)(x)
    if isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
      data = put_array(np.asarray(jax.random.key_data(x)))
      return jax.random.wrap_key_data(data, impl=jax.random.key_impl(x))
    return put_array(np.asarray(x))

  return jax.tree.map(one, tree)


def along_batch(x: Any) -> Any:
  """Splits the leading axis of every array in `x` over the data axis of the current mesh, if any.

  An axis that does not divide evenly, such as of a few images, stays whole. Only new batches (drawn
  images and noise) need it: arrays computed from them are split likewise.
  """
  mesh = jax.sharding.get_abstract_mesh()
  if mesh.empty or DATA_AXIS not in mesh.axis_names:
    return x
  size = mesh.shape[DATA_AXIS]

  def split(leaf):
    return leaf if len(leaf) % size else jax.lax.with_sharding_constraint(leaf, P(DATA_AXIS))

  return jax.tree.map(split, x)


def device_memory() -> int:
  """Returns the memory of a device in bytes; on CPU, of the machine."""
  limit = (jax.local_devices()[0].memory_stats() or {}).get('bytes_limit')
  return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') if limit is None else limit


def check_batch_size(batch_size: int, num_devices: int, field: str) -> None:
  """Raises a UserError unless the devices divide the batch size."""
  if batch_size % num_devices:
    lower = batch_size // num_devices * num_devices
    raise UserError(
      f'{field}={batch_size} cannot be split evenly over {num_devices} devices: '
      f'use a multiple of {num_devices}, such as {lower or num_devices}'
    )
