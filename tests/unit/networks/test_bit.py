"""BiT's ResNetV2: sizes, the released layout, and values against an independent implementation."""

import functools
import sys
import types

from flax import traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.networks import bit
from tests.support import bit_weights

UNITS = [(b, u) for b, n in enumerate((3, 4, 6, 3), 1) for u in range(1, n + 1)]


@functools.cache
def _small(dtype=jnp.float32):
  network = bit_weights.small(3, dtype=dtype)
  images = jax.random.uniform(jax.random.key(1), (4, 16, 16, 3), minval=-1)
  apply = jax.jit(lambda variables, images: network.apply(variables, images, train=False))
  return network, images, bit.pretrained_variables(bit_weights.arrays(network), network), apply


def test_table_of_r50x1():
  """Output shapes and parameters match the docstring."""
  network = bit.ResNetV2(10)

  def run(images):
    return network.init_with_output(
      jax.random.key(0),
      images,
      train=False,
      capture_intermediates=lambda module, _: isinstance(module, bit.Unit | bit.StandardisedConv),
    )

  (logits, features), variables = jax.eval_shape(run, jnp.zeros((2, 128, 128, 3)))
  assert (logits.shape, features.shape) == ((2, 10), (2, 2048))
  outputs = variables['intermediates']
  assert outputs['root']['__call__'][0].shape == (2, 64, 64, 64)
  shapes = [outputs[f'block{b}_unit{u:02}']['__call__'][0].shape[1:] for b, u in UNITS]
  side = {1: 32, 2: 16, 3: 8, 4: 4}
  assert shapes == [(side[b], side[b], 128 * 2**b) for b, _ in UNITS]
  sizes = dict.fromkeys(('root', 'block1', 'block2', 'block3', 'block4', 'norm', 'head'), 0)
  for path, leaf in traverse_util.flatten_dict(variables['params']).items():
    sizes[path[0].split('_')[0]] += leaf.size
  by_part = (9_408, 214_912, 1_218_048, 7_095_296, 14_958_592, 4_096, 20_490)
  assert tuple(sizes.values()) == by_part
  assert sum(by_part[:-1]) == 23_500_352
  for part in by_part[:-1]:
    assert f'{part:,}' in bit.__doc__


def test_released_names():
  """All arrays of BiT-M-R50x1.npz except the head: 4 per unit and a projection per block."""
  network = bit.ResNetV2(10)
  names = list(bit_weights.arrays(network, draw=lambda shape: np.broadcast_to(0.0, shape)))
  assert len(names) == len(set(names)) == 1 + 16 * 9 + 4 + 2
  for name in (
    'root_block/standardized_conv2d/kernel',
    'block1/unit01/a/proj/standardized_conv2d/kernel',
    'block3/unit06/a/standardized_conv2d/kernel',
    'block4/unit03/c/standardized_conv2d/kernel',
    'block2/unit04/b/group_norm/gamma',
    'block2/unit01/a/group_norm/beta',
    'group_norm/gamma',
  ):
    assert f'resnet/{name}' in names


def test_pretrained_variables_have_every_array_and_a_head_of_zeros():
  network, images, variables, apply = _small()
  arrays = bit_weights.arrays(network)
  own = jax.eval_shape(lambda: network.init(jax.random.key(0), images, train=False))
  assert jax.tree.structure(own) == jax.tree.structure(variables)
  for path, leaf in traverse_util.flatten_dict(variables['params']).items():
    if path[0] == 'head':
      assert not leaf.any()
    else:
      np.testing.assert_array_equal(leaf, arrays[bit.released_name(path)])
  logits, features = apply(variables, images)
  np.testing.assert_array_equal(logits, 0.0)
  assert (np.asarray(features).std(axis=0) > 0).any()
  assert features.shape == (4, 256)


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (lambda a: a.pop('resnet/group_norm/beta'), 'resnet/group_norm/beta is missing: give'),
    (
      lambda a: a.update({'resnet/group_norm/beta': np.zeros(7, np.float32)}),
      r'resnet/group_norm/beta must be .* of shape \(256,\), not float32 of shape \(7,\)',
    ),
    (
      lambda a: a.update({'resnet/group_norm/beta': np.zeros(256, int)}),
      r'must be floating-point numbers .* not int64',
    ),
  ],
  ids=['missing', 'shape', 'integers'],
)
def test_arrays_that_do_not_fit_raise(change, message):
  network, *_ = _small()
  arrays = bit_weights.arrays(network)
  change(arrays)
  with pytest.raises(UserError, match=message) as error:
    bit.pretrained_variables(arrays, network)
  assert '\n' not in str(error.value)


@pytest.mark.parametrize('shape', [(2, 16, 16, 1), (2, 20, 20, 3), (2, 16, 12, 3)])
def test_images_that_do_not_fit_raise(shape):
  network, _, variables, _ = _small()
  with pytest.raises(
    UserError, match=r'images of .*: expected RGB images with a multiple of 8 pixels a side'
  ):
    network.apply(variables, jnp.zeros(shape), train=False)


def test_kernels_are_standardised():
  kernel = 3.0 + 5.0 * jax.random.normal(jax.random.key(0), (3, 3, 8, 6))
  standard = bit.standardise(kernel)
  np.testing.assert_allclose(standard.mean(axis=(0, 1, 2)), 0.0, atol=1e-6)
  np.testing.assert_allclose(standard.std(axis=(0, 1, 2)), 1.0, rtol=1e-5)
  # The network does not depend on their scale.
  _, images, variables, apply = _small()
  scaled = jax.tree.map(lambda x: 2 * x if x.ndim == 4 else x, variables)
  _, features = apply(variables, images)
  _, same = apply(scaled, images)
  np.testing.assert_allclose(features, same, rtol=1e-4, atol=1e-5)


def test_bfloat16_keeps_parameters_and_outputs_in_float32():
  _, images, variables, apply = _small()
  low, _, _, apply_low = _small(dtype=jnp.bfloat16)
  own = jax.eval_shape(lambda: low.init(jax.random.key(0), images, train=False))
  outputs = apply_low(variables, images)
  assert {leaf.dtype for leaf in jax.tree.leaves((own, outputs))} == {jnp.dtype('float32')}
  difference = np.abs(outputs[1] - apply(variables, images)[1]).max()
  assert 0 < difference < 0.05 * np.abs(outputs[1]).max()


@pytest.mark.slow
def test_every_stage_equals_timm(tmp_path):
  """timm and `pretrained_variables` load the same random weights from an npz."""
  torch = pytest.importorskip('torch')
  # Without this, a torchvision without compiled operators cannot be imported.
  sys.modules.setdefault('torchvision._meta_registrations', types.ModuleType('unused'))
  timm = pytest.importorskip('timm')
  network = bit.ResNetV2(21843)
  arrays = bit_weights.arrays(network, head=True)
  path = tmp_path / 'BiT-M-R50x1.npz'
  np.savez(path, **arrays)
  theirs = timm.create_model('resnetv2_50x1_bit', num_classes=21843).eval()
  theirs.load_pretrained(str(path))
  with np.load(path) as stored:
    params = bit.pretrained_variables(stored, network)['params']
  params['head'] = {
    'kernel': arrays['resnet/head/conv2d/kernel'][0, 0],
    'bias': arrays['resnet/head/conv2d/bias'],
  }
  images = np.random.default_rng(1).uniform(-1, 1, (2, 128, 128, 3)).astype(np.float32)
  (logits, features), captured = jax.jit(
    lambda variables, images: network.apply(
      variables,
      images,
      train=False,
      capture_intermediates=lambda module, _: isinstance(module, bit.Unit),
    )
  )({'params': params}, images)
  with torch.no_grad():
    x = theirs.stem(torch.from_numpy(images.transpose(0, 3, 1, 2)))
    for block, stage in enumerate(theirs.stages, 1):
      for unit, module in enumerate(stage.blocks, 1):
        x = module(x)
        ours = captured['intermediates'][f'block{block}_unit{unit:02}']['__call__'][0]
        expected = x.numpy().transpose(0, 2, 3, 1)
        np.testing.assert_allclose(ours, expected, atol=1e-4 * np.abs(expected).max())
    x = theirs.norm(x)
    pooled = theirs.forward_head(x, pre_logits=True).numpy()
    expected = theirs.forward_head(x).numpy()
  np.testing.assert_allclose(features, pooled.reshape(2, 2048), atol=1e-4 * np.abs(pooled).max())
  np.testing.assert_allclose(logits, expected, atol=1e-4 * np.abs(expected).max())
