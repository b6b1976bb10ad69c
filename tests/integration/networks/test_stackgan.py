"""Networks for 64x64 images: tables in the docstring, blocks by hand, stages and codes."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.networks import stackgan
from jaxgan.networks.infogans import NETWORKS

Z, CODE, K = 140, 40, 40


def _random(*shape, seed=0):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _variables(network, *inputs):
  """Random variables, so that no value passes trivially; faster than initial values."""
  shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), *inputs, train=False))

  def draw(path, leaf):
    values = 0.3 * _random(*leaf.shape, seed=leaf.size)
    return 1 + np.abs(values) if path[-1].key in ('scale', 'var') else values

  return jax.tree_util.tree_map_with_path(draw, shapes)


# -------------------------------------------------------------------------------- the tables


def _tables():
  """Rows [layer, output shape, parameters] of the docstring's tables, by table."""
  tables = re.findall(r'(?:^\|.*\n)+', stackgan.__doc__, re.MULTILINE)
  return [[line.strip('|').split('|') for line in table.splitlines()[2:]] for table in tables]


def _shape(text):
  return tuple(int(number) for number in text.split('x'))


def _parameters(text, **numbers):
  """'12 + 2Z' with Z = 3: 18."""
  total = 0
  for term in text.replace(',', '').split('+'):
    factor, variable = re.fullmatch(r'\s*(\d+)([a-zA-Z]?)\s*', term).groups()
    total += int(factor) * (numbers[variable] if variable else 1)
  return total


def _built(network, inputs, **mode):
  """Module -> (shape of its output, number of its parameters), by shape inference."""

  def run():
    variables = network.init(jax.random.key(0), inputs, **mode)
    _, captured = network.apply(variables, inputs, **mode, capture_intermediates=True)
    return variables['params'], captured['intermediates']

  params, outputs = jax.eval_shape(run)
  sizes = {name: sum(leaf.size for leaf in jax.tree.leaves(p)) for name, p in params.items()}
  return {name: (outputs[name]['__call__'][0].shape[1:], size) for name, size in sizes.items()}


def _joined(built, *names):
  """A row of several modules: the last output shape and all parameters."""
  return built[names[-1]][0], sum(built[name][1] for name in names)


@pytest.mark.parametrize('num_stages', [1, 2])
def test_the_generator_matches_its_table(num_stages):
  generator = stackgan.Generator(3, CODE, num_stages)
  built = _built(generator, jnp.zeros((2, Z)), train=False)
  (_, _, dense), *rows = _tables()[0]
  # BN and GLU of the dense layer are outside any block: 4·4·2048 outputs, half of them gates.
  assert _joined(built, 'Dense_0', 'BatchNorm_0') == ((32 * 1024,), _parameters(dense, Z=Z))
  up = [f'GatedBlock_{i}' for i in range(4)]
  names = [*up, 'Conv_0']
  if num_stages == 2:
    names += ['GatedBlock_4', 'ResidualBlock_0', 'ResidualBlock_1', 'GatedBlock_5', 'Conv_1']
  assert set(built) == {'Dense_0', 'BatchNorm_0', *names}
  for name, (_, shape, parameters) in zip(names, rows, strict=num_stages == 2):
    assert built[name] == (_shape(shape), _parameters(parameters, K=CODE)), name


def test_trunk_and_heads_match_their_table():
  *convs, d, q_conv, q_dense = _tables()[1]
  built = _built(stackgan.Trunk(), jnp.zeros((2, 64, 64, 3)), train=False)
  rows = [_joined(built, 'Conv_0')]
  rows += [_joined(built, f'Conv_{i}', f'BatchNorm_{i - 1}') for i in (1, 2, 3)]
  assert len(built) == 7
  assert rows == [(_shape(shape), _parameters(parameters)) for _, shape, parameters in convs]
  features = jnp.zeros((2, 4, 4, 512))
  built = _built(stackgan.DiscriminatorHead(), features)
  assert built == {'Dense_0': ((1,), _parameters(d[2]))}
  built = _built(stackgan.RecognitionHead(K), features, train=False)
  assert _joined(built, 'Conv_0', 'BatchNorm_0') == (_shape(q_conv[1]), _parameters(q_conv[2]))
  assert built['Dense_0'] == ((K,), _parameters(q_dense[2], k=K))


@pytest.mark.parametrize(('channels', 'num_stages'), [(3, 1), (1, 2)])
def test_shapes(channels, num_stages):
  images = (2, 64, 64, channels)

  def run():
    rng, mode = jax.random.key(0), {'train': False}
    made, _ = stackgan.Generator(channels, 3, num_stages, 4).init_with_output(
      rng, jnp.zeros((2, 9)), **mode
    )
    features, _ = stackgan.Trunk(4).init_with_output(rng, made[0], **mode)
    logits, _ = stackgan.DiscriminatorHead().init_with_output(rng, features)
    outputs, _ = stackgan.RecognitionHead(5, 2).init_with_output(rng, features, **mode)
    return made, features, logits, outputs

  made, features, logits, outputs = jax.eval_shape(run)
  assert [x.shape for x in made] == [images] * num_stages
  assert (features.shape, logits.shape) == ((2, 4, 4, 32), (2,))
  assert [x.shape for x in outputs] == [(2, 5), (2, 2), (2, 16 * 32)]


@pytest.mark.parametrize('name', ['stackgan', 'stackgan_two_stage'])
def test_other_image_sizes_raise(name):
  NETWORKS[name].check(64)
  with pytest.raises(
    UserError, match=r'64 pixels .* not 32: change config\.data\.options'
  ) as error:
    NETWORKS[name].check(32)
  assert '\n' not in str(error.value)


# -------------------------------------------------------------------------------- blocks


def _normalised(x, norm, stats):
  return (x - stats['mean']) / np.sqrt(stats['var'] + 1e-5) * norm['scale'] + norm['bias']


def _conv(x, kernel):
  """A 3x3 convolution with zero padding."""
  padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
  height, width = x.shape[1:3]
  return sum(
    padded[:, i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)
  )


def _gated(x, params, stats):
  x = _normalised(_conv(x, params['Conv_0']['kernel']), params['BatchNorm_0'], stats['BatchNorm_0'])
  values, gates = np.split(x, 2, axis=-1)
  return values / (1 + np.exp(-gates))


@pytest.mark.parametrize('up', [False, True])
def test_a_gated_block(up):
  x, block = _random(2, 4, 4, 3), stackgan.GatedBlock(2, up)
  variables = _variables(block, x)
  upsampled = np.kron(x, np.ones((1, 2, 2, 1))) if up else x
  expected = _gated(upsampled, variables['params'], variables['batch_stats'])
  np.testing.assert_allclose(block.apply(variables, x, train=False), expected, rtol=1e-3, atol=1e-4)


def test_a_residual_block_adds_without_an_activation():
  x, block = _random(2, 4, 4, 3), stackgan.ResidualBlock()
  variables = _variables(block, x)
  params, stats = variables['params'], variables['batch_stats']
  y = _conv(_gated(x, params['GatedBlock_0'], stats['GatedBlock_0']), params['Conv_0']['kernel'])
  expected = x + _normalised(y, params['BatchNorm_0'], stats['BatchNorm_0'])
  np.testing.assert_allclose(block.apply(variables, x, train=False), expected, rtol=1e-3, atol=1e-4)


def test_the_second_stage_reads_the_code_again():
  """With a first dense layer of zeros, only the second stage's input passes the code on."""
  generator = stackgan.Generator(1, 2, 2, width=2)
  inputs = _random(3, 5)
  variables = _variables(generator, inputs)
  kernel = variables['params']['Dense_0']['kernel']
  variables['params']['Dense_0']['kernel'] = np.zeros_like(kernel)
  apply = jax.jit(lambda inputs: generator.apply(variables, inputs, train=False))
  of_code = np.array([0, 0, 0, 1, 1], np.float32)
  first, second = apply(inputs)
  same, other = apply(inputs + of_code)
  np.testing.assert_array_equal(first, same)
  assert np.abs(second - other).max() > 1e-3
  np.testing.assert_array_equal(second, apply(inputs + (1 - of_code))[1])


def test_contrastive_features_are_the_activations_before_the_last_layer():
  head, features = stackgan.RecognitionHead(3, 2), _random(6, 4, 4, 2)
  variables = head.init(jax.random.key(0), features, train=False)
  (logits, prediction, x), _ = head.apply(variables, features, train=True, mutable=['batch_stats'])
  last = variables['params']['Dense_0']
  outputs = x @ last['kernel'] + last['bias']
  np.testing.assert_allclose(outputs, jnp.concatenate([logits, prediction], -1), atol=1e-4)
  # After a leaky ReLU of slope 0.2.
  negative, positive = x[x < 0], x[x > 0]
  np.testing.assert_allclose(negative.mean() / positive.mean(), -0.2, rtol=0.2)


def test_weights_start_as_in_stackgan():
  variables = stackgan.Trunk(16).init(jax.random.key(0), jnp.zeros((2, 64, 64, 3)), train=False)
  params = variables['params']
  for i in range(4):
    matrix = params[f'Conv_{i}']['kernel'].reshape(-1, 16 * 2**i)
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(16 * 2**i), atol=1e-4)
  scales = np.concatenate([params[f'BatchNorm_{i}']['scale'] for i in range(3)])
  np.testing.assert_allclose((scales.mean(), scales.std()), (1.0, 0.02), atol=0.005)


def test_bfloat16_keeps_parameters_and_outputs_in_float32():
  def run():
    rng, dtype = jax.random.key(0), jnp.bfloat16
    images, generator = stackgan.Generator(3, 3, 2, 4, dtype=dtype).init_with_output(
      rng, jnp.zeros((2, 9)), train=False
    )
    features, trunk = stackgan.Trunk(4, dtype).init_with_output(rng, images[1], train=False)
    outputs, head = stackgan.RecognitionHead(5, 2, dtype).init_with_output(
      rng, features, train=False
    )
    logits, critic = stackgan.DiscriminatorHead().init_with_output(rng, features)
    return images, generator, trunk, outputs, head, logits, critic

  assert {x.dtype for x in jax.tree.leaves(jax.eval_shape(run))} == {jnp.dtype('float32')}
