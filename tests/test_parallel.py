"""One device or eight: the same numbers, with the work divided."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import data as data_lib
from jaxgan import experiment, parallel, train
from jaxgan.algorithms.gan import gan
from jaxgan.errors import UserError
from jaxgan.networks.resnet import ResNet

pytestmark = pytest.mark.skipif(jax.device_count() < 8, reason='needs 8 (virtual) devices')


@pytest.fixture
def job(tiny_config, stand_in_data):
  """A class-balancing job with a real residual network in the loop, batch norm and flips."""
  del stand_in_data
  with tiny_config.unlocked():
    tiny_config.train.batch_size = 16
    tiny_config.data.update(flip=True, crop_padding=1)
  network = ResNet(3, depth=8, width=4)
  variables = network.init(jax.random.key(3), jnp.zeros((2, 8, 8, 1)), train=False)
  arrays = data_lib.load(tiny_config.data, 'train')
  algorithm = gan(
    tiny_config.algorithm,
    'class_balancing',
    (8, 8, 1),
    3,
    lambda v, images: network.apply(v, images, train=False),
  )
  config = experiment.gan_config(tiny_config, 'class_balancing', arrays)
  return (
    algorithm,
    config,
    data_lib.Dataset(arrays.images, arrays.labels),
    {'classifier': variables},
  )


def _train(job, num_devices, steps):
  algorithm, config, dataset, frozen = job
  mesh = parallel.data_mesh(jax.devices()[:num_devices])
  everywhere = parallel.replicated(mesh)
  with jax.set_mesh(mesh):
    state = jax.jit(algorithm.init, out_shardings=everywhere)(jax.random.key(0))
    dataset, frozen = jax.device_put((dataset, frozen), everywhere)
    one_step, start = train.make_step(algorithm, config, len(dataset.labels))
    carry = jax.device_put(start(state, dataset, frozen), everywhere)
    run = train.compile_run(one_step, False, everywhere)
    carry = run(carry, steps, dataset, frozen, lambda: False)
    assert all(leaf.sharding == everywhere for leaf in jax.tree.leaves(carry))
    flops = jax.jit(one_step).lower(carry, dataset, frozen).compile().cost_analysis()['flops']
  return jax.device_get(carry), flops


def test_eight_devices_compute_what_one_does_and_share_the_work(job):
  one, one_flops = _train(job, 1, 4)
  eight, eight_flops = _train(job, 8, 4)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), one, eight)
  assert eight_flops < one_flops / 4


def test_state_is_on_every_device(job):
  algorithm = job[0]
  mesh = parallel.data_mesh()
  state = jax.jit(algorithm.init, out_shardings=parallel.replicated(mesh))(jax.random.key(0))
  assert all(len(leaf.sharding.device_set) == 8 for leaf in jax.tree.leaves(state))


def test_without_a_mesh_nothing_is_constrained():
  x = jnp.arange(4)
  assert parallel.along_batch(x) is x


def test_a_batch_that_cannot_be_split_is_refused():
  parallel.check_batch_size(64, 8, 'config.train.batch_size')
  with pytest.raises(UserError, match=r'config\.train\.batch_size=60 .* 8 devices.* such as 56'):
    parallel.check_batch_size(60, 8, 'config.train.batch_size')
