"""One or eight devices, one or several replicas: equal numbers, with the work divided."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import classifier, replicate
from jaxgan.algorithms.gan import gan
from jaxgan.algorithms.gan_methods import METHODS
from jaxgan.config.overrides import changed
from jaxgan.data import loading
from jaxgan.errors import UserError
from jaxgan.networks.resnet import ResNet
from jaxgan.runs import families
from jaxgan.system import compilation, parallel
from jaxgan.training import classifiers, train_step
from jaxgan.training.job import TrainingJob
from jaxgan.training.replicas import replicas_of
from tests.support import toy
from tests.support.registered import SMALL_CLASSIFIER

pytestmark = pytest.mark.skipif(jax.device_count() < 8, reason='needs 8 (virtual) devices')


@pytest.fixture(scope='module', autouse=True)
def one_device():
  """Disabled here: these tests use all devices."""


@pytest.fixture
def job(tiny_config, stand_in_data):
  """A class-balancing job with a network in the loop, batch norm, spectral norm and flips."""
  del stand_in_data
  tiny_config = changed(
    tiny_config, {'train.batch_size': 16, 'data.flip': True, 'data.crop_padding': 1}
  )
  network = classifier.NETWORKS[SMALL_CLASSIFIER](3, None)
  variables = network.init(jax.random.key(3), jnp.zeros((2, 8, 8, 1)), train=False)
  data = loading.load_training(tiny_config.data)
  algorithm = gan(
    tiny_config.algorithm,
    METHODS['class_balancing'],
    (8, 8, 1),
    3,
    lambda v, images: network.apply(v, images, train=False),
  )
  return TrainingJob(
    name='job',
    folder=None,
    config=families.method_config(tiny_config, 'class_balancing', data),
    algorithm=algorithm,
    data=data,
    frozen={'classifier': variables},
  )


def _train(job, num_devices, steps):
  mesh = parallel.device_mesh(devices=jax.devices()[:num_devices])
  with jax.set_mesh(mesh):
    trainer = replicas_of(job, mesh)
    trainer.initialise()
    trainer.advance(steps, lambda: False)
    (carry,) = trainer.carries
    everywhere = parallel.replicated(mesh)
    assert all(leaf.sharding == everywhere for leaf in jax.tree.leaves(carry))
    replica_data = jax.device_put(job.data.replica_data(0, 0), everywhere)
    flops = _flops(job, mesh, False, carry, replica_data)
  return jax.device_get(carry), flops


def _flops(job, mesh, batched, carry, replica_data):
  """Returns the FLOPs of a device per step, compiled as in training to share the cache."""
  sharding = parallel.along_replicas(mesh) if batched else parallel.replicated(mesh)
  everywhere = parallel.replicated(mesh)
  one_step, _ = train_step.make_step(job, batched)
  of_carry = train_step.Carry(sharding, everywhere, sharding, sharding)
  step = compilation.jit(one_step, donate_argnums=0, out_shardings=of_carry)
  constants = jax.device_put((job.data.dataset, dict(job.frozen)), everywhere)
  return step.lower(carry, replica_data, *constants).compile().cost_analysis()['flops']


def test_eight_devices_equal_one_and_share_the_work(job):
  one, one_flops = _train(job, 1, 4)
  eight, eight_flops = _train(job, 8, 4)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), one, eight)
  assert eight_flops < one_flops / 4


@pytest.mark.parametrize(
  ('num_replicas', 'num_devices', 'shape'),
  [
    (1, 8, (1, 8)),
    (2, 8, (2, 4)),
    (8, 8, (8, 1)),
    (50, 8, (2, 4)),
    (16, 8, (8, 1)),
    (3, 8, (1, 8)),
    (4, 6, (2, 3)),
    (50, 1, (1, 1)),
  ],
)
def test_the_replica_axis_is_as_long_as_possible(num_replicas, num_devices, shape):
  devices = jax.devices()[:num_devices]
  mesh = parallel.device_mesh(num_replicas, devices)
  assert mesh.axis_names == (parallel.REPLICA_AXIS, parallel.DATA_AXIS)
  assert mesh.devices.shape == shape
  assert list(mesh.devices.flat) == devices
  if num_devices == jax.device_count():
    assert parallel.device_mesh(num_replicas) == mesh


@pytest.fixture
def four_replicas():
  job = toy.job(data=toy.training_data((20, 50, 31, 16)), batch_size=16)
  return job._replace(config=changed(job.config, {'data.flip': True, 'data.crop_padding': 1}))


def _assert_close(a, b):
  jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5), a, b)


def _train_replicas(job, mesh, batched):
  """Trains a few steps and checks shardings; returns (states and metrics, carry)."""
  with jax.set_mesh(mesh):
    trainer = replicas_of(job, mesh, batched)
    trainer.initialise()
    trainer.advance(3, lambda: False)
    metrics = trainer.means()
  sharding = parallel.along_replicas(mesh) if batched else parallel.replicated(mesh)
  for carry in trainer.carries:
    for leaf in jax.tree.leaves((carry.state, carry.metrics, carry.bad_step)):
      assert leaf.sharding.is_equivalent_to(sharding, leaf.ndim)
      if batched:
        lengths = {shard.data.shape[0] for shard in leaf.addressable_shards}
        assert lengths == {job.num_replicas // mesh.shape['replica']}
  return jax.device_get((trainer.states(), metrics)), trainer.carries[0]


def _flops_of_replicas(job, mesh, batched, carry):
  seeds = range(job.config.seed, job.config.seed + job.num_replicas)
  replicas_data = [job.data.replica_data(replica, seed) for replica, seed in enumerate(seeds)]
  with jax.set_mesh(mesh):
    if batched:
      replica_data = jax.device_put(replicate.stack(replicas_data), parallel.along_replicas(mesh))
    else:
      replica_data = jax.device_put(replicas_data[0], parallel.replicated(mesh))
    return _flops(job, mesh, batched, carry, replica_data)


def test_replicas_and_their_batches_are_split_over_the_devices(four_replicas):
  one_device, four_by_two = parallel.device_mesh(devices=jax.devices()[:1]), parallel.device_mesh(4)
  expected, carry = _train_replicas(four_replicas, one_device, batched=False)
  one_flops = _flops_of_replicas(four_replicas, one_device, False, carry)
  actual, carry = _train_replicas(four_replicas, four_by_two, batched=True)
  _assert_close(actual, expected)
  # Four replicas on eight devices: each device does half the work of a replica.
  assert 0.4 < _flops_of_replicas(four_replicas, four_by_two, True, carry) / one_flops < 0.7
  # Batched on shared devices; in turns on separate devices.
  for num_apart, batched in ((1, True), (4, False)):
    actual, _ = _train_replicas(four_replicas, parallel.device_mesh(num_apart), batched)
    _assert_close(actual, expected)


def test_state_is_on_every_device(job):
  mesh = parallel.device_mesh()
  state = jax.jit(job.algorithm.init, out_shardings=parallel.replicated(mesh))(jax.random.key(0))
  assert all(len(leaf.sharding.device_set) == 8 for leaf in jax.tree.leaves(state))


def test_without_a_mesh_nothing_is_constrained():
  x = jnp.arange(4)
  assert parallel.along_batch(x) is x


def test_fewer_images_than_devices_are_classified_like_many():
  network = ResNet(3, depth=8, width=4)
  variables = network.init(jax.random.key(3), jnp.zeros((2, 8, 8, 1)), train=False)
  classify = classifiers.compile_classify(lambda v, images: network.apply(v, images, train=False))
  images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1)).astype(np.uint8)
  expected = classify(variables, images)
  with jax.set_mesh(parallel.device_mesh()):
    for num in (4, 20):
      _assert_close(classify(variables, images[:num]), tuple(x[:num] for x in expected))


def test_a_batch_that_cannot_be_split_is_refused():
  parallel.check_batch_size(64, 8, 'config.train.batch_size')
  with pytest.raises(UserError, match=r'config\.train\.batch_size=60 .* 8 devices.* such as 56'):
    parallel.check_batch_size(60, 8, 'config.train.batch_size')
