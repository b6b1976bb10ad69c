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
  data = data_lib.load_training(tiny_config.data)
  algorithm = gan(
    tiny_config.algorithm,
    'class_balancing',
    (8, 8, 1),
    3,
    lambda v, images: network.apply(v, images, train=False),
  )
  return train.Job(
    name='job',
    folder=None,
    config=experiment.method_config(tiny_config, 'class_balancing', data),
    algorithm=algorithm,
    data=data,
    frozen={'classifier': variables},
    evaluate=None,
    picture=None,
  )


def _train(job, num_devices, steps):
  mesh = parallel.device_mesh(devices=jax.devices()[:num_devices])
  with jax.set_mesh(mesh):
    trainer = train.Trainer(job, mesh)
    trainer.initialise()
    trainer.advance(steps, lambda: False)
    (carry,) = trainer.carries
    everywhere = parallel.replicated(mesh)
    assert all(leaf.sharding == everywhere for leaf in jax.tree.leaves(carry))
    one_step, _ = train.make_step(job, together=False)
    constants = jax.device_put(
      (job.data.share(0, 0), job.data.dataset, dict(job.frozen)), everywhere
    )
    flops = jax.jit(one_step).lower(carry, *constants).compile().cost_analysis()['flops']
  return jax.device_get(carry), flops


def test_eight_devices_compute_what_one_does_and_share_the_work(job):
  one, one_flops = _train(job, 1, 4)
  eight, eight_flops = _train(job, 8, 4)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), one, eight)
  assert eight_flops < one_flops / 4


def test_state_is_on_every_device(job):
  mesh = parallel.device_mesh()
  state = jax.jit(job.algorithm.init, out_shardings=parallel.replicated(mesh))(jax.random.key(0))
  assert all(len(leaf.sharding.device_set) == 8 for leaf in jax.tree.leaves(state))


def test_without_a_mesh_nothing_is_constrained():
  x = jnp.arange(4)
  assert parallel.along_batch(x) is x


def test_a_batch_that_cannot_be_split_is_refused():
  parallel.check_batch_size(64, 8, 'config.train.batch_size')
  with pytest.raises(UserError, match=r'config\.train\.batch_size=60 .* 8 devices.* such as 56'):
    parallel.check_batch_size(60, 8, 'config.train.batch_size')
