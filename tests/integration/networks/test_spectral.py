"""Spectral norm in the generator: its variables, its power iterations, σ of averaged kernels."""

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import Batch
from jaxgan.algorithms.gan import gan
from jaxgan.algorithms.gan_methods import METHODS
from jaxgan.config.overrides import changed
from jaxgan.networks.gans import NETWORKS
from jaxgan.networks.layers import normaliser

SHAPE, K = (8, 8, 1), 3
LABELS = np.array([0, 2, 1, 2, 2, 0])


@pytest.fixture
def section(tiny_config):
  """Changes of the tiny configuration's `algorithm` section."""

  def change(**fields):
    return changed(tiny_config.algorithm, {'generator_spectral_norm': True, **fields})

  return change


def _vectors(tree):
  """Path -> value of the vectors of spectral norm in variables or their `batch_stats`."""
  leaves = {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree.leaves_with_path(tree)}
  return {path: leaf for path, leaf in leaves.items() if 'SpectralNorm' in path}


@pytest.mark.parametrize('name', NETWORKS)
def test_it_adds_only_the_vectors_of_every_layer(section, name):
  def variables(active):
    config = section(generator_spectral_norm=active)
    network, _ = NETWORKS[name].make(config, SHAPE, True, 'none', K)
    noise = jnp.zeros((6, config.noise_dim))
    rng = jax.random.key(0)
    return jax.eval_shape(lambda: network.init(rng, noise, LABELS, train=False))

  plain, normalised = variables(False), variables(True)
  assert not _vectors(plain)
  assert plain['params'] == normalised['params']
  kernels = [leaf for leaf in jax.tree.leaves(plain['params']) if leaf.ndim > 1]
  assert len(_vectors(normalised)) == 2 * len(kernels)  # u and σ


def _steps(algorithm, state, num):
  update = jax.jit(algorithm.update)
  for t in range(num):
    images = jax.random.uniform(jax.random.key(t), (8 * algorithm.images_per_update, *SHAPE))
    batch = Batch(images, jnp.arange(len(images)) % K)
    state, _ = update(state, batch, {}, jax.random.fold_in(jax.random.key(1), t))
  return state


@pytest.fixture
def config(section):
  """A configuration that all tests share; kernels move and the average lags behind."""
  return section(discriminator_steps=2, ema_start=0, ema_decay=0.9, learning_rate=0.01)


def _iterated(kernel, u):
  """One power iteration: u and σ (Miyato et al. 2018, Algorithm 1)."""
  matrix = kernel.reshape(-1, kernel.shape[-1])
  v = matrix @ u[0]
  v = v / np.linalg.norm(v)
  u = v @ matrix
  return u / np.linalg.norm(u), np.linalg.norm(u)


@pytest.mark.parametrize('scale', [1e-3, 1e-6, 1e-8])
def test_epsilon_matches_the_released_code(scale):
  """PyTorch divides by max(|x|, 1e-6): far above and far below 1e-6, σ is the same."""
  kernel, u = scale * np.array([[1.0, 2.0]]), np.array([[0.6, 0.8]])

  def normalised(x):
    return x / max(np.linalg.norm(x), 1e-6)

  v = normalised(u @ kernel.T)
  sigma = (v @ kernel @ normalised(v @ kernel).T)[0, 0]

  class Layer(nn.Module):
    @nn.compact
    def __call__(self, x):
      return normaliser(True, False)(nn.Dense(2), x)

  network = Layer()
  variables = network.init(jax.random.key(0), jnp.ones((1, 1)))
  params = {'Dense_0': {'kernel': jnp.float32(kernel), 'bias': jnp.zeros(2)}}
  stats = {'SpectralNorm_0': {**variables['batch_stats']['SpectralNorm_0']}}
  stats['SpectralNorm_0']['Dense_0/kernel/u'] = jnp.float32(u)
  outputs = network.apply({'params': params, 'batch_stats': stats}, jnp.ones((1, 1)))
  ratio = outputs / (kernel / sigma)
  lower, upper = (0.999, 1.001) if scale != 1e-6 else (0.9, 2.5)
  assert (ratio > lower).all()
  assert (ratio < upper).all()


def test_every_batch_of_the_generator_takes_one_power_iteration(config):
  """An update with two discriminator steps and one generator step takes three."""
  algorithm = gan(config, METHODS['unconditional'], SHAPE, K)
  state = algorithm.init(jax.random.key(0))
  # An orthogonal kernel would converge in one iteration.
  params = jax.tree.map(
    lambda x: x + 0.5 * np.random.default_rng(x.size).normal(size=x.shape).astype(np.float32),
    state.generator['params'],
  )
  state = state.replace(generator={**state.generator, 'params': params})
  before, after = state.generator, _steps(algorithm, state, 1).generator
  old, new = _vectors(before['batch_stats']), _vectors(after['batch_stats'])
  checked = 0
  for path in (path for path in old if path.endswith("/u']")):
    layer = path.split("['")[-1].split('/')[0]
    u = np.asarray(old[path])[0]
    for _ in range(3):
      u, sigma = _iterated(np.asarray(before['params'][layer]['kernel']), u[None])
    np.testing.assert_allclose(new[path][0], u, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(new[path.replace('/u', '/sigma')], sigma, rtol=1e-4)
    checked += 1
  assert checked == len(before['params']) - 1  # All layers except the norm.


def test_averaged_layers_have_spectral_norm_one(config):
  """The averaged generator divides each averaged kernel by the σ of this kernel.

  Unit vectors as inputs reveal the matrix of the dense layer. Scaling all kernels changes no image,
  so every layer divides by its σ.
  """
  algorithm = gan(config, METHODS['unconditional'], SHAPE, K)
  state = _steps(algorithm, algorithm.init(jax.random.key(0)), 60)
  network, _ = NETWORKS[config.network].make(config, SHAPE, False, 'none', K)
  units = jnp.eye(config.noise_dim)
  images, captured = network.apply(state.ema, units, train=False, capture_intermediates=True)
  params = state.ema['params']
  used = captured['intermediates']['Dense_0']['__call__'][0] - params['Dense_0']['bias']
  assert np.linalg.svd(params['Dense_0']['kernel'], compute_uv=False)[0] > 1.1
  np.testing.assert_allclose(np.linalg.svd(used, compute_uv=False)[0], 1.0, atol=0.02)

  scaled = jax.tree.map(lambda x: 5.0 * x if x.ndim > 1 else x, params)
  same = network.apply({**state.ema, 'params': scaled}, units, train=False)
  np.testing.assert_allclose(images, same, rtol=1e-4, atol=1e-5)
  # σ, by one iteration from the averaged vector, is the largest singular value.
  vectors = _vectors(state.ema['batch_stats'])
  for path in (path for path in vectors if path.endswith("/u']")):
    layer = path.split("['")[-1].split('/')[0]
    kernel = np.asarray(params[layer]['kernel'])
    _, sigma = _iterated(kernel, np.asarray(vectors[path]))
    largest = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
    np.testing.assert_allclose(sigma, largest, rtol=0.02, err_msg=layer)
