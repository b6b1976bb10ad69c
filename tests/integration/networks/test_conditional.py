"""Conditional batch norm and the discriminator's heads against formulas in NumPy."""

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.networks import sndcgan
from jaxgan.networks.conditional import HEADS, ConditionalBatchNorm

K = 3
LABELS = np.array([0, 2, 1, 2, 2, 0])


def _random(*shape, seed=0):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _shaken(variables):
  """Random changes of all parameters, so that no value passes trivially."""
  params = jax.tree.map(lambda x: x + _random(*x.shape, seed=x.size), variables['params'])
  return {**variables, 'params': params}


# -------------------------------------------------------------------------------- batch norm


def test_conditional_batch_norm_matches_its_formula():
  """Statistics of the whole batch; gain 1 + γ_y and bias β_y of each image's class."""
  x = 2.0 + 3.0 * _random(6, 2, 2, 4)
  network = ConditionalBatchNorm(K)
  variables = _shaken(network.init(jax.random.key(0), x, LABELS, train=False))
  ours, updated = network.apply(variables, x, LABELS, train=True, mutable=['batch_stats'])
  gain, bias = (variables['params'][f'Dense_{i}']['kernel'] for i in range(2))
  assert gain.shape == bias.shape == (K, 4)
  mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))

  def expected(mean, variance):
    normal = (x - mean) / np.sqrt(variance + 1e-4)
    return (1 + gain[LABELS])[:, None, None] * normal + bias[LABELS][:, None, None]

  np.testing.assert_allclose(ours, expected(mean, variance), rtol=1e-4, atol=1e-4)
  # Running statistics start at 0 and 1 and keep nine tenths of their values.
  running = 0.1 * mean, 0.9 + 0.1 * variance
  stats = updated['batch_stats']['BatchNorm_0']
  np.testing.assert_allclose((stats['mean'], stats['var']), running, rtol=1e-4)
  ours = network.apply({**variables, **updated}, x, LABELS, train=False)
  np.testing.assert_allclose(ours, expected(*running), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('spectral_norm', [False, True])
def test_gains_and_biases_start_orthogonal(spectral_norm):
  """As released: rows have norm 1 if K <= C; if K > C, the squares sum to C."""
  x, labels = jnp.zeros((2, 4, 4, 20)), jnp.zeros(2, int)
  for num_classes in (5, 50):
    network = ConditionalBatchNorm(num_classes, spectral_norm=spectral_norm)
    params = network.init(jax.random.key(0), x, labels, train=False)['params']
    gain, bias = (np.asarray(params[f'Dense_{i}']['kernel']) for i in range(2))
    for rows in (gain, bias) if num_classes == 5 else (gain.T, bias.T):
      np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-5)
    assert np.abs(gain - bias).max() > 0.1


def test_conditional_batch_norm_damps_small_variances_as_released():
  """ε is 1e-4: at a variance of 1e-4, normalised values have a mean square of 1/2."""
  x = 0.01 * jnp.array([1.0, -1.0]).reshape(2, 1, 1, 1)
  network, labels = ConditionalBatchNorm(1), jnp.zeros(2, int)
  params = {f'Dense_{i}': {'kernel': jnp.zeros((1, 1))} for i in range(2)}
  outputs, _ = network.apply({'params': params}, x, labels, train=True, mutable=['batch_stats'])
  np.testing.assert_allclose(outputs[:, 0, 0, 0], [0.5**0.5, -(0.5**0.5)], rtol=1e-4)


# -------------------------------------------------------------------------------- heads


class _Head(nn.Module):
  """A head alone, without spectral norm."""

  head: str

  @nn.compact
  def __call__(self, features, labels):
    return HEADS[self.head](features, labels, K, lambda layer, x: layer(x))


@pytest.mark.parametrize('head', HEADS)
def test_heads_match_their_formulas(head):
  features, network = _random(6, 5), _Head(head)
  variables = _shaken(network.init(jax.random.key(0), features, LABELS))
  logits, class_logits = network.apply(variables, features, LABELS)
  params = variables['params']
  expected = (features @ params['Dense_0']['kernel'] + params['Dense_0']['bias'])[:, 0]
  if head == 'projection':
    expected += (params['Dense_1']['kernel'][LABELS] * features).sum(-1)
  np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
  if head == 'auxiliary':
    expected = features @ params['Dense_1']['kernel'] + params['Dense_1']['bias']
    np.testing.assert_allclose(class_logits, expected, rtol=1e-4, atol=1e-5)
  else:
    assert class_logits is None


@pytest.mark.parametrize('head', ['projection', 'auxiliary'])
def test_every_layer_of_a_head_has_spectral_norm(head):
  """Kernels five times as large change nothing."""
  images = np.tanh(_random(6, 8, 8, 1))
  network = sndcgan.Discriminator(4, head, K)
  variables = network.init(jax.random.key(0), images, LABELS, train=False)
  scaled = jax.tree.map(lambda x: 5.0 * x if x.ndim > 1 else x, variables['params'])
  plain = network.apply(variables, images, LABELS, train=False)
  scaled = network.apply({**variables, 'params': scaled}, images, LABELS, train=False)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), plain, scaled)


def test_the_projection_head_depends_on_the_label():
  images = np.tanh(_random(6, 8, 8, 1))
  network = sndcgan.Discriminator(4, 'projection', K)
  variables = network.init(jax.random.key(0), images, LABELS, train=False)
  logits, _ = network.apply(variables, images, LABELS, train=False)
  others, _ = network.apply(variables, images, (LABELS + 1) % K, train=False)
  assert (np.abs(logits - others) > 1e-3).all()


# -------------------------------------------------------------------------------- SNDCGAN


def _count(network, *inputs):
  variables = jax.eval_shape(lambda: network.init(jax.random.key(0), *inputs, train=False))
  return sum(leaf.size for leaf in jax.tree.leaves(variables['params']))


@pytest.mark.parametrize('k', [10, 100])
def test_parameters_of_the_conditional_networks(k):
  """The formulas of the module's table."""
  noise, images = jnp.zeros((2, 128)), jnp.zeros((2, 32, 32, 3))
  labels = jnp.zeros(2, jnp.int32)
  # One gain and one bias per class instead of one of each, in layers of 256, 128, 64 channels.
  assert 3_812_355 - 2 * 448 + 2 * 448 * k == 3_811_459 + 896 * k
  assert _count(sndcgan.Generator(32, 3, 64, k), noise, labels) == 3_811_459 + 896 * k
  for head, more in (('none', 0), ('projection', 512), ('auxiliary', 513)):
    network = sndcgan.Discriminator(64, head, k)
    assert _count(network, images, labels) == 2_928_193 + more * k
  table = sndcgan.__doc__
  for text in ('3,811,459 + 896K', '2,928,193 + 512K', '2,928,193 + 513K'):
    assert text in table


def test_the_generator_depends_on_the_label():
  noise = _random(6, 10)
  network = sndcgan.Generator(8, 1, 4, K)
  variables = _shaken(network.init(jax.random.key(0), noise, LABELS, train=False))
  images = network.apply(variables, noise, LABELS, train=False)
  others = network.apply(variables, noise, np.zeros(6, int), train=False)
  same = np.abs(images - others).max((1, 2, 3)) < 1e-6
  np.testing.assert_array_equal(same, LABELS == 0)


def test_bfloat16_keeps_parameters_and_outputs_in_float32():
  noise, options = _random(6, 10), {'num_classes': K, 'dtype': jnp.bfloat16}
  generator = sndcgan.Generator(8, 1, 4, **options)
  images, variables = generator.init_with_output(jax.random.key(0), noise, LABELS, train=False)
  exact = sndcgan.Generator(8, 1, 4, K).apply(variables, noise, LABELS, train=False)
  np.testing.assert_allclose(images, exact, atol=0.05)
  trees = [images, variables]
  for head in HEADS:
    network = sndcgan.Discriminator(4, head, **options)
    trees += [network.init_with_output(jax.random.key(0), exact, LABELS, train=False)]
  assert {leaf.dtype for leaf in jax.tree.leaves(trees)} == {jnp.dtype('float32')}
