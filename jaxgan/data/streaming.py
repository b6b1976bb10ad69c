"""Batches from disk, for images that do not fit on a device; the same as from resident images.

The images of a step are a function of (seed, step), see `jaxgan.data.order.positions`. The host
computes the positions, threads of Grain read the images from the prepared records some steps ahead,
and each process puts its rows on its devices one step ahead. The position in the stream is the
step, so checkpoints need not save it.
"""

from collections.abc import Iterator, Sequence
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
  """Streams the batches of a job to its devices.

  Each carry gets a Dataset with the images of a step, `[B, ...]`, or `[R, B, ...]` if it holds all
  R replicas.
  """

  def __init__(
    self,
    data: training_data.TrainingData,
    seeds: Sequence[int],
    batch_size: int,
    mesh: jax.sharding.Mesh,
    batched: bool,
    class_balanced: bool = False,
  ):
    """Reads nothing yet.

    Args:
      data: the TrainingData.
      seeds: of its replicas.
      batch_size: images per step and replica.
      mesh: of the devices to use.
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
    """Returns shapes and types of the Dataset of a carry."""
    images = jax.ShapeDtypeStruct((*self._shape, *self._data.image_shape), jnp.uint8)
    return training_data.Dataset(images, jax.ShapeDtypeStruct(self._shape, jnp.int32))

  def from_step(self, step: int) -> Iterator[list[training_data.Dataset]]:
    """Yields the batches of this and all later steps, one per carry."""
    steps = grain.MapDataset.range(step, _NO_END).map(self._read)
    options = grain.ReadOptions(num_threads=_THREADS, prefetch_buffer_size=_STEPS_AHEAD)
    put = ([self._put(parts) for parts in read] for read in steps.to_iter_dataset(options))
    for batches, _ in itertools.pairwise(put):
      yield batches

  def _read(self, step):
    """Reads the images and labels of this process, by carry and part."""
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
    """Identifies a part by its first and last positions along the split axes."""
    return tuple(part.indices(size)[:2] for part, size in zip(index, self._shape, strict=False))
