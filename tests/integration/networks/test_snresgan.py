"""SNResGAN: the tables in its docstring, its blocks by hand, gradients, labels, image sizes."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import base
from jaxgan.errors import UserError
from jaxgan.networks import snresgan
from jaxgan.networks.conditional import HEADS
from jaxgan.networks.gans import NETWORKS
from jaxgan.networks.layers import normaliser

NAMES = ('snresgan', 'snresgan_cifar')
K = 3
LABELS = np.array([0, 2, 1, 2, 2, 0])


def _random(*shape, seed=0):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _variables(network, *inputs, **options):
  """Random variables, so that no value passes trivially; faster than initial values."""
  shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), *inputs, **options))

  def draw(path, leaf):
    values = 0.3 * _random(*leaf.shape, seed=leaf.size)
    return 1 + np.abs(values) if path[-1].key in ('scale', 'var') else values

  return jax.tree_util.tree_map_with_path(draw, shapes)


def _make(name, size, conditional=False, head='none', num_classes=K, channels=3, **fields):
  config = base.gan_config('x', 'unconditional', 'x', 'x', flip=False).algorithm
  config = config.model_copy(update={'generator_width': 6, 'discriminator_width': 6, **fields})
  return NETWORKS[name].make(config, (size, size, channels), conditional, head, num_classes)


# -------------------------------------------------------------------------------- the tables


def _tables():
  """Rows [layer, output shape, parameters] of the docstring's tables, by table."""
  tables = re.findall(r'(?:^\|.*\n)+', snresgan.__doc__, re.MULTILINE)
  return [[line.strip('|').split('|') for line in table.splitlines()[2:]] for table in tables]


def _shape(text):
  return tuple(int(number) for number in text.split('x'))


def _parameters(text, k):
  """'12 (10 + 2K)' is 12 without classes (k None) and 10 + 2K with K; '12' is always 12."""
  plain, _, classes = text.replace(',', '').strip(' )').partition('(')
  if k is None or not classes:
    return int(plain)
  constant, _, factor = classes.partition('+')
  if not factor:
    constant, factor = '0', constant
  return int(constant) + int(factor.strip().removesuffix('K')) * k


def _built(network, inputs, labels):
  """Module -> (shape of its output, number of its parameters)."""

  def run():
    variables = network.init(jax.random.key(0), inputs, labels, train=False)
    _, captured = network.apply(variables, inputs, labels, train=False, capture_intermediates=True)
    return variables['params'], captured['intermediates']

  params, outputs = jax.eval_shape(run)
  sizes = {name: sum(leaf.size for leaf in jax.tree.leaves(p)) for name, p in params.items()}
  return {name: (outputs[name]['__call__'][0].shape[1:], size) for name, size in sizes.items()}


@pytest.mark.parametrize('k', [None, 10, 1010])
@pytest.mark.parametrize(
  ('table', 'name', 'size', 'width'), [(0, 'snresgan', 64, 64), (2, 'snresgan_cifar', 32, 256)]
)
def test_the_generator_matches_its_table(table, name, size, width, k):
  generator, _ = _make(name, size, k is not None, num_classes=k, generator_width=width)
  labels = None if k is None else jnp.zeros(2, jnp.int32)
  built = _built(generator, jnp.zeros((2, 128)), labels)
  *rows, (_, _, total) = _tables()[table]
  blocks = [f'UpBlock_{i}' for i in range(len(rows) - 3)]
  norm = 'BatchNorm_0' if k is None else 'ConditionalBatchNorm_0'
  names = ['Dense_0', *blocks, norm, 'Conv_0']
  assert set(built) == set(names)
  for name, (_, shape, parameters) in zip(names, rows, strict=True):
    expected = _shape(shape)
    if name == 'Dense_0':
      expected = (np.prod(expected),)
    assert built[name] == (expected, _parameters(parameters, k)), name
  assert sum(size for _, size in built.values()) == _parameters(total, k)


@pytest.mark.parametrize('head', HEADS)
@pytest.mark.parametrize(
  ('table', 'name', 'size', 'width'), [(1, 'snresgan', 64, 64), (3, 'snresgan_cifar', 32, 128)]
)
def test_the_discriminator_matches_its_table(table, name, size, width, head):
  _, discriminator = _make(name, size, head=head, discriminator_width=width)
  built = _built(discriminator, jnp.zeros((2, size, size, 3)), jnp.zeros(2, jnp.int32))
  *blocks, (_, pooled, _), dense, (_, _, total) = _tables()[table]
  for i, (_, shape, parameters) in enumerate(blocks):
    assert built[f'DownBlock_{i}'] == (_shape(shape), _parameters(parameters, None))
  assert built['Dense_0'] == ((1,), _parameters(dense[2], None))
  (features,) = _shape(pooled)
  more = {'none': 0, 'projection': K * features, 'auxiliary': K * features + K}[head]
  assert sum(size for _, size in built.values()) == _parameters(total, None) + more


@pytest.mark.parametrize('size', [8, 16, 28, 64])
@pytest.mark.parametrize('name', NAMES)
def test_other_sizes(name, size):
  generator, discriminator = _make(name, size, channels=1)

  def both(noise):
    rng = jax.random.key(0)
    images, variables = generator.init_with_output(rng, noise, train=False)
    (logits, _), _ = discriminator.init_with_output(rng, images, train=False)
    return images, logits, variables['params']

  images, logits, params = jax.eval_shape(both, jnp.zeros((6, 10)))
  assert (images.shape, logits.shape) == ((6, size, size, 1), (6,))
  base = 7 if size == 28 else 4
  widest = 6 * size // base if name == 'snresgan' else 6
  assert params['Dense_0']['kernel'].shape == (10, base**2 * widest)


@pytest.mark.parametrize('size', [0, 4, 18, 30])
@pytest.mark.parametrize('name', NAMES)
def test_sizes_that_raise(name, size):
  with pytest.raises(UserError, match=r'not \d+: change config\.data\.options\.image_size'):
    NETWORKS[name].check(size)
  with pytest.raises(UserError, match=r'not \d+: change config\.data\.options\.image_size'):
    _make(name, size)


# -------------------------------------------------------------------------------- blocks


def _block(block, x, *arguments):
  """The output of a block without norms, and the output of its shortcut alone."""
  normalised = normaliser(False, True)
  params = _variables(block, x, *arguments, normalised)['params']
  shortcut = {n: jax.tree.map(jnp.zeros_like, v) for n, v in params.items() if n != 'Conv_0'}
  outputs = [
    block.apply({'params': p}, x, *arguments, normalised) for p in (params, params | shortcut)
  ]
  return *outputs, params['Conv_0']


def _conv_1x1(x, params):
  return x @ params['kernel'][0, 0] + params['bias']


def test_the_shortcut_of_an_up_block():
  x = _random(2, 2, 2, 3)
  full, shortcut, conv = _block(snresgan.UpBlock(4), x, lambda x: x)
  expected = np.kron(_conv_1x1(x, conv), np.ones((1, 2, 2, 1)))
  np.testing.assert_allclose(shortcut, expected, rtol=1e-4, atol=1e-5)
  assert full.shape == (2, 4, 4, 4)
  assert np.abs(full - shortcut).max() > 0.1


@pytest.mark.parametrize('first', [True, False])
def test_the_shortcut_of_a_down_block_reads_the_input_before_the_relu(first):
  x = _random(2, 4, 4, 3)
  _, shortcut, conv = _block(snresgan.DownBlock(4, True, first), x)
  mean = x.reshape(2, 2, 2, 2, 2, 3).mean((2, 4))
  np.testing.assert_allclose(shortcut, _conv_1x1(mean, conv), rtol=1e-4, atol=1e-5)
  # The branch starts with a ReLU, except in the first block.
  below, _, _ = _block(snresgan.DownBlock(4, True, first), -np.abs(x))
  branch = below - _conv_1x1((-np.abs(x)).reshape(2, 2, 2, 2, 2, 3).mean((2, 4)), conv)
  constant = np.abs(branch - branch[:1]).max() < 1e-5
  assert constant == (not first)


def test_a_block_that_keeps_the_shape_has_no_convolution_in_its_shortcut():
  x, normalised = _random(2, 4, 4, 3), normaliser(False, True)
  block = snresgan.DownBlock(3, False, False)
  variables = _variables(block, x, normalised)
  assert set(variables['params']) == {'Conv_0', 'Conv_1'}
  zeros = jax.tree.map(jnp.zeros_like, variables)
  np.testing.assert_array_equal(block.apply(zeros, x, normalised), x)


# -------------------------------------------------------------------------------- gradients


@pytest.mark.parametrize(
  ('name', 'conditional', 'head', 'dtype'),
  [
    ('snresgan', False, 'none', 'float32'),
    ('snresgan', True, 'auxiliary', 'bfloat16'),
    ('snresgan_cifar', True, 'projection', 'float32'),
  ],
)
def test_every_parameter_has_a_finite_gradient(name, conditional, head, dtype):
  generator, discriminator = _make(name, 8, conditional, head, dtype=dtype)
  noise, labels = _random(6, 10), LABELS if conditional else None
  images = jnp.zeros((6, 8, 8, 3))
  variables = _variables(generator, noise, labels, train=False)
  critic = _variables(discriminator, images, labels, train=False)

  @functools.partial(jax.grad, has_aux=True)
  def loss(params):
    images, _ = generator.apply(
      {**variables, 'params': params[0]}, noise, labels, train=True, mutable=['batch_stats']
    )
    outputs, _ = discriminator.apply(
      {**critic, 'params': params[1]}, images, labels, train=True, mutable=['batch_stats']
    )
    return sum(jnp.sin(x).sum() for x in outputs if x is not None), (images, outputs)

  gradients, outputs = jax.jit(loss)((variables['params'], critic['params']))
  assert {leaf.dtype for leaf in jax.tree.leaves((gradients, outputs))} == {jnp.dtype('float32')}
  for path, leaf in jax.tree.leaves_with_path(gradients):
    name = jax.tree_util.keystr(path)
    assert np.isfinite(leaf).all(), name
    assert np.abs(leaf).max() > 0, name


# -------------------------------------------------------------------------------- labels


@pytest.mark.parametrize('name', NAMES)
def test_labels_matter(name):
  """An image and its logit depend only on the label of this image."""
  generator, discriminator = _make(name, 8, True, 'projection')
  noise, images = _random(6, 10), np.tanh(_random(6, 8, 8, 3))
  variables = _variables(generator, noise, LABELS, train=False)
  critic = _variables(discriminator, images, LABELS, train=False)

  @jax.jit
  def run(labels):
    made = generator.apply(variables, noise, labels, train=False)
    return made, discriminator.apply(critic, images, labels, train=False)[0]

  for ours, other in zip(run(LABELS), run(np.zeros(6, int)), strict=True):
    same = np.abs(ours - other).reshape(6, -1).max(1) < 1e-6
    np.testing.assert_array_equal(same, LABELS == 0)
