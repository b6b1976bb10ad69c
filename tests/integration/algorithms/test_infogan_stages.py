"""An InfoGAN in several stages: losses are sums over stages, and the last stage generates."""

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.algorithms.infogan import infogan
from jaxgan.networks import infogans
from tests.support.registered import SMALL, put
from tests.support.small_infogan import SHAPE, K, assert_close, batch, differ, section


class _Layer(nn.Module):
  """A layer with batch norm whose weights are the same in every stage."""

  features: int

  @nn.compact
  def __call__(self, x, train):
    def constant(_, shape, dtype):
      return jax.random.normal(jax.random.key(0), shape, dtype)

    x = nn.Dense(self.features, kernel_init=constant)(x.reshape(x.shape[0], -1))
    return nn.BatchNorm(use_running_average=not train)(x)


class _Generator(nn.Module):
  """A generator with the same image in every stage."""

  num_stages: int

  @nn.compact
  def __call__(self, inputs, train):
    return (jnp.tanh(_Layer(64)(inputs, train)).reshape(-1, *SHAPE),) * self.num_stages


class _Critic(nn.Module):
  @nn.compact
  def __call__(self, features):
    return features.mean(-1) * self.param('scale', nn.initializers.ones, ())


class _Q(nn.Module):
  @nn.compact
  def __call__(self, features, train):
    x = _Layer(K + 1)(features, train)
    return x[:, :K], x[:, K:], features


def _in_stages(monkeypatch, num_stages):
  """The algorithm with small networks of `num_stages` equal stages."""
  network = infogans.Network(
    generator=lambda *_: _Generator(num_stages),
    trunk=lambda config: _Layer(6),
    discriminator_head=_Critic,
    recognition_head=lambda *_: _Q(),
    check=lambda image_size: None,
    num_stages=num_stages,
  )
  put(monkeypatch, infogans.NETWORKS, {SMALL: network})
  return infogan(section(num_continuous=1), SHAPE, K)


def _zeros(tree, part, stage):
  variables = tree[part]
  params = variables['params']
  return tree | {
    part: {**variables, 'params': params | {stage: jax.tree.map(jnp.zeros_like, params[stage])}}
  }


def test_every_loss_is_the_sum_over_the_stages(monkeypatch):
  """Two equal stages double each loss of a single stage, and both are trained alike."""
  states, metrics = [], []
  for num_stages in (1, 2):
    algorithm = _in_stages(monkeypatch, num_stages)
    state = algorithm.init(jax.random.key(0))
    state, values = jax.jit(algorithm.update)(state, batch(), {}, jax.random.key(1))
    states.append(state)
    metrics.append(values)
  one, two = metrics
  assert one.keys() == two.keys()
  assert 'loss/continuous' in one
  assert 'loss/contrastive' in one
  for name in one:
    if name.startswith('loss/'):
      np.testing.assert_allclose(two[name], 2.0 * one[name], rtol=1e-5, err_msg=name)
  for part in ('trunk', 'recognition', 'discriminator_head'):
    single, stages = (getattr(state, part) for state in states)
    for kind in ('params', 'batch_stats') if 'params' in single else (None,):
      a, b = (tree if kind is None else tree[kind] for tree in (single, stages))
      for stage in ('networks_0', 'networks_1'):
        assert_close(b[stage], a, rtol=1e-4, atol=1e-6)


def test_the_last_stage_generates_and_classifies(monkeypatch, assert_trees_equal):
  algorithm = _in_stages(monkeypatch, 2)
  state = algorithm.init(jax.random.key(0))
  images = batch().images
  expected = algorithm.classify(state.variables, images)
  for part in ('trunk', 'recognition'):
    first, last = (_zeros(state.variables, part, f'networks_{stage}') for stage in (0, 1))
    assert_trees_equal(algorithm.classify(first, images), expected)
    assert differ(algorithm.classify(last, images)[0], expected[0])

  class Numbered(_Generator):
    def __call__(self, inputs, train):
      (images, _) = super().__call__(inputs, train)
      return 0.0 * images, 0.0 * images + 1.0

  network = infogans.NETWORKS[SMALL]._replace(generator=lambda *_: Numbered(2))
  put(monkeypatch, infogans.NETWORKS, {SMALL: network})
  algorithm = infogan(section(num_continuous=1), SHAPE, K)
  made = algorithm.generate(state, jax.random.key(0), 4)
  np.testing.assert_array_equal(made, np.ones((4, *SHAPE)))
