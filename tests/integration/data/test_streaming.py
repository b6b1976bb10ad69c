"""Streamed batches equal batches of resident images, on any devices."""

import itertools

import jax
import numpy as np
import pytest

from data_prep import build
from jaxgan.config.overrides import changed
from jaxgan.data import loading, order
from jaxgan.data.config import DataConfig
from jaxgan.data.streaming import Stream
from jaxgan.system import checkpoint, parallel
from jaxgan.training import loop
from jaxgan.training.replicas import replicas_of
from tests.support import toy

BATCH = 8
SEEDS = (5, 6)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
  """(resident, streamed) TrainingData of two replicas: 2,516 images of 16x16."""
  root = tmp_path_factory.mktemp('tfds')
  section = DataConfig(dataset='long_tail_fashion/ratio_50', data_dir=str(root))
  loaded = []
  for streaming in (False, True):
    config = changed(section, {'streaming': streaming})
    loaded.append(loading.load_training(config, len(SEEDS)))
  return loaded


def test_streamed_data_differs_only_in_where_images_are(data):
  resident, streamed = data
  assert (resident.streamed, streamed.streamed) == (False, True)
  assert streamed.arrays.key == resident.arrays.key
  assert streamed.image_shape == resident.image_shape
  np.testing.assert_array_equal(streamed.arrays.labels, resident.arrays.labels)
  at = np.array([[3, 0], [7, 3]])
  for part in (at, slice(5, 20), slice(0, None), np.array([], int)):
    np.testing.assert_array_equal(streamed.arrays.images[part], resident.arrays.images[part])
  some = streamed.arrays.images.take(np.array([9, 4, 2])).take(np.array([2, 0]))
  np.testing.assert_array_equal(some[:], resident.arrays.images[[2, 9]])
  assert len(some) == 2
  assert some.shape == (2, *resident.image_shape)


def test_streaming_defaults_to_the_size_of_the_images(data, monkeypatch):
  config = DataConfig()
  assert loading._limit(config) > data[0].arrays.images.nbytes
  pages = {'SC_PAGE_SIZE': 1, 'SC_PHYS_PAGES': 1000}
  monkeypatch.setattr(parallel.os, 'sysconf', pages.get)
  assert loading._limit(config) == 500


@pytest.mark.parametrize(
  ('batched', 'num_replicas'),
  [
    pytest.param(False, 1, id='single', marks=pytest.mark.slow),
    pytest.param(True, 2, id='batched'),
    pytest.param(False, 2, id='in turns', marks=pytest.mark.slow),
  ],
)
def test_batches_equal_batches_of_resident_images(data, batched, num_replicas):
  """Across epochs, with equal flips and crops, from any step, on 1 and 8 devices."""
  resident, streamed = data
  options = {'batch_size': BATCH, 'flip': True, 'crop_padding': 1}
  for devices, first in ((1, 0), (8, 64)):
    mesh = parallel.device_mesh(num_replicas, jax.devices()[:devices])
    stream = Stream(streamed, SEEDS[:num_replicas], BATCH, mesh, batched)
    batches = itertools.islice(stream.from_step(first), 12)
    for step, carries in enumerate(batches, first):
      for carry in carries:
        assert len({s.device for s in carry.images.addressable_shards}) == devices
        assert (carry.images.shape, carry.labels.dtype) == (
          stream.abstract().images.shape,
          np.int32,
        )
      for replica in range(num_replicas):
        own = jax.tree.map(lambda x, r=replica: x[r], carries[0]) if batched else carries[replica]
        replica_data = resident.replica_data(replica, SEEDS[replica])
        expected = order.draw(replica_data, resident.dataset, step, **options)
        found = order.draw(replica_data, own, step, streamed=True, **options)
        jax.tree.map(np.testing.assert_array_equal, jax.device_get(found[0]), expected[0])
        assert (jax.random.key_data(found[1]) == jax.random.key_data(expected[1])).all()


def test_balanced_batches_equal_batches_of_resident_images(data):
  resident, streamed = data
  mesh = parallel.device_mesh(devices=jax.devices())
  stream = Stream(streamed, SEEDS[:1], BATCH, mesh, batched=False, class_balanced=True)
  replica_data = resident.replica_data(0, SEEDS[0], class_balanced=True)
  for step, (found,) in enumerate(itertools.islice(stream.from_step(5), 3), 5):
    at = order.positions(replica_data, step, BATCH)
    np.testing.assert_array_equal(found.images, resident.arrays.images[at])
    np.testing.assert_array_equal(found.labels, resident.arrays.labels[at])
    assert len(set(np.asarray(found.labels).tolist())) >= BATCH - 2  # Two rounds of 10 classes.


def test_processes_read_disjoint_rows_of_one_batch(data):
  """A process reads the rows of its devices: four of eight, as if there were another one."""
  mesh = parallel.device_mesh(devices=jax.devices())
  stream = Stream(data[1], SEEDS[:1], BATCH, mesh, batched=False)
  (everything,) = stream._read(3)
  rows = [bounds for (bounds,) in everything]
  assert sorted(rows) == [(i, i + 1) for i in range(BATCH)]
  labels = np.concatenate([everything[(bounds,)][1] for bounds in sorted(rows)])
  at = order.positions(data[0].replica_data(0, SEEDS[0]), 3, BATCH)
  np.testing.assert_array_equal(labels, data[0].arrays.labels[at])


def test_a_streamed_run_is_equal_and_resumes(data, tmp_path, assert_trees_equal):
  mesh = parallel.device_mesh(devices=jax.devices()[:1])
  images = [d._replace(arrays=d.arrays._replace(metadata={})) for d in data]
  finished = []
  for name, d, stops in (('resident', images[0], (6,)), ('streamed', images[1], (2, 6))):
    for steps in stops:
      job = _job(d, tmp_path / name, steps)
      loop.train(job, mesh)
    with checkpoint.Checkpoints(job.folder / 'checkpoints') as checkpoints:
      states = replicas_of(job, mesh).abstract_states()
      finished.append(checkpoints.restore('latest', states, print).state)
  assert_trees_equal(*finished)
  rows = [(tmp_path / name / 'metrics.jsonl').read_text() for name in ('resident', 'streamed')]
  assert rows[0] == rows[1]


def _job(data, folder, steps):
  job = toy.job(folder, data=data, steps=steps)
  return job._replace(algorithm=toy.algorithm(data.image_shape, data.num_classes))


def test_damaged_records_are_one_line(tmp_path):
  name, place = 'long_tail_fashion/ratio_50', {'data_dir': str(tmp_path)}
  build.load(name, 'train', **place)
  (record,) = tmp_path.rglob('*train.array_record*')
  record.write_bytes(record.read_bytes()[: record.stat().st_size // 2])
  with pytest.raises(build.UserError, match=r'the prepared data in .* is damaged'):
    build.load(name, 'train', limit=0, **place)
