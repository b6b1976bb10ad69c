"""Batches from the disk, for images that do not fit a device: the same as of resident images.

The images of a step are a function of (seed, step), see `order.positions`. The host works out which
they are, Grain reads them from the prepared records in threads, some steps ahead, and each process
puts its rows on its devices a step ahead. So the position in the stream is the step, and nothing of
it need be saved.
"""

from collections.abc import Iterator
import functools
import itertools

import grain
import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
import numpy as np

from jaxgan.algorithms import replicate
from jaxgan.data import order, training_data
from jaxgan.system.compilation import jit
from jaxgan.system.parallel import DATA_AXIS, REPLICA_AXIS

_THREADS, _STEPS_AHEAD = 8, 16
_NO_END = np.iinfo(np.int32).max


class Stream:
  """The batches of a job on its devices: of each carry a Dataset that holds one step's alone.

  They are `[B, ...]`, or, where all replicas are one carry, `[R, B, ...]`.
  """

  def __init__(
    self,
    data,
    seeds,
    batch_size: int,
    mesh: jax.sharding.Mesh,
    batched: bool,
    class_balanced: bool = False,
  ):
    """Reads nothing yet.

    Args:
      data: the TrainingData.
      seeds: of its replicas.
      batch_size: images a step and replica.
      mesh: of the devices.
      batched: see `jaxgan.training.replicas.replicas_of`.
      class_balanced: see `jaxgan.data.order.balanced_positions`.
    """
    self._data = data
    self._shape = (len(seeds), batch_size) if batched else (batch_size,)
    spec = P(REPLICA_AXIS, DATA_AXIS) if batched else P(DATA_AXIS)
    self._sharding = NamedSharding(mesh, spec)
    owned = self._sharding.addressable_devices_indices_map(self._shape).values()
    self._parts = {self._key(part): part for part in owned}
    positions = functools.partial(order.positions, batch_size=batch_size)
    self._positions = jit(jax.vmap(positions, (0, None)) if batched else positions)
    self._host = jax.local_devices(backend='cpu')[0]
    with jax.default_device(self._host):
      self._replicas_data = [
        data.replica_data(r, seed, class_balanced) for r, seed in enumerate(seeds)
      ]
      if batched:
        self._replicas_data = [replicate.stack(self._replicas_data)]

  def abstract(self) -> training_data.Dataset:
    """Shapes and types of what a carry gets."""
    images = jax.ShapeDtypeStruct((*self._shape, *self._data.image_shape), jnp.uint8)
    return training_data.Dataset(images, jax.ShapeDtypeStruct(self._shape, jnp.int32))

  def from_step(self, step: int) -> Iterator[list[training_data.Dataset]]:
    """The batches of this and all later steps, one a carry."""
    steps = grain.MapDataset.range(step, _NO_END).map(self._read)
    options = grain.ReadOptions(num_threads=_THREADS, prefetch_buffer_size=_STEPS_AHEAD)
    put = ([self._put(parts) for parts in read] for read in steps.to_iter_dataset(options))
    for batches, _ in itertools.pairwise(put):
      yield batches

  def _read(self, step):
    """Of each carry, the images and labels of the parts that this process holds."""
    images, labels = self._data.arrays.images, self._data.arrays.labels
    read = []
    for replica_data in self._replicas_data:
      with jax.default_device(self._host):
        at = np.asarray(self._positions(replica_data, np.int32(step)))
      read.append({key: (images[at[p]], labels[at[p]]) for key, p in self._parts.items()})
    return read

  def _put(self, parts):
    def put(which, rest):
      shape = (*self._shape, *rest)
      part = lambda index: parts[self._key(index)][which]  # noqa: E731
      return jax.make_array_from_callback(shape, self._sharding, part)

    return training_data.Dataset(put(0, self._data.image_shape), put(1, ()))

  def _key(self, index):
    """A part by its first and last positions along the axes that are split."""
    return tuple(part.indices(size)[:2] for part, size in zip(index, self._shape, strict=False))
