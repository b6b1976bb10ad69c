"""Networks of other packages that have neither batch norm nor spectral norm."""

import math

from flax import linen as nn
import jax
import pytest

from jaxgan.algorithms import gan_methods
from jaxgan.networks import gans, infogans
from jaxgan.runs import families
from tests.support import registered, stand_in
from tests.support.small_gan import SHAPE, K, batch


class _Dense(nn.Module):
  """A dense layer on all inputs, whatever further arguments a network is given."""

  shape: tuple[int, ...]
  outputs: str = 'one'

  @nn.compact
  def __call__(self, x, labels=None, *, train: bool = False):
    del labels, train
    x = nn.Dense(math.prod(self.shape))(x.reshape(len(x), -1)).reshape(len(x), *self.shape)
    return {'one': x, 'several': (x,), 'judged': (x, None)}[self.outputs]


class _Trunk(_Dense):
  @nn.compact
  def __call__(self, x, train: bool):
    return nn.Dense(math.prod(self.shape))(x.reshape(len(x), -1))


class _Recogniser(nn.Module):
  num_categories: int

  @nn.compact
  def __call__(self, x, train: bool):
    logits = nn.Dense(self.num_categories)(x)
    return logits, logits[:, :0], x


class _Judge(nn.Module):
  @nn.compact
  def __call__(self, x):
    return nn.Dense(1)(x)[:, 0]


GAN = gans.Network(
  lambda config, image_shape, *_: (_Dense(image_shape), _Dense((), 'judged')), lambda size: None
)
INFOGAN = infogans.Network(
  generator=lambda config, image_shape, *_: _Dense(image_shape, 'several'),
  trunk=lambda config: _Trunk((8,)),
  discriminator_head=_Judge,
  recognition_head=lambda config, num_categories, num_continuous: _Recogniser(num_categories),
  check=lambda size: None,
)


def _train_twice(algorithm):
  """Asserts that updates keep the structure of the state, by their shapes alone."""
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  update = lambda state, rng: algorithm.update(state, batch(), {}, rng)[0]  # noqa: E731
  new = jax.eval_shape(update, state, jax.random.key(1))
  assert jax.tree.structure(new) == jax.tree.structure(state)
  images = jax.eval_shape(
    lambda state, rng: algorithm.generate(state, rng, 5), new, jax.random.key(2)
  )
  assert images.shape == (5, *SHAPE)


def test_a_gan_trains(monkeypatch, tiny_config):
  from jaxgan.algorithms.gan import gan

  registered.put(monkeypatch, gans.NETWORKS, {'plain': GAN})
  section = tiny_config.algorithm.model_copy(update={'network': 'plain'})
  _train_twice(gan(section, gan_methods.METHODS['unconditional'], SHAPE, K, None))


@pytest.mark.parametrize('method', ['elastic_infogan', 'joint_vae'])
def test_a_method_with_codes_trains(monkeypatch, method):
  registered.put(monkeypatch, infogans.NETWORKS, {'plain': INFOGAN})
  config = stand_in.tiny_codes(method)
  section = config.algorithm.model_copy(update={'network': 'plain'})
  _train_twice(families.family_of([method]).methods[method].make(section, SHAPE, K))
