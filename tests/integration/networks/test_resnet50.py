"""ResNet-50: the table in its docstring, train and inference mode, and values of torchvision."""

import sys
import types

from flax import traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.networks import resnet50

BLOCKS = [f'layer{s}_{b}' for s, n in enumerate((3, 4, 6, 3), 1) for b in range(n)]


def _is_block(module, _):
  return isinstance(module, resnet50.Bottleneck)


def test_table():
  """Output shapes and parameters match the docstring."""
  network = resnet50.ResNet50(10)
  (logits, features), variables = jax.eval_shape(
    lambda images: network.init_with_output(
      jax.random.key(0), images, train=False, capture_intermediates=_is_block
    ),
    jnp.zeros((2, 64, 64, 3)),
  )
  assert (logits.shape, features.shape) == ((2, 10), (2, 2048))
  assert logits.dtype == features.dtype == jnp.float32
  outputs = variables['intermediates']
  shapes = [outputs[name]['__call__'][0].shape[1:] for name in BLOCKS]
  sides = {'1': (16, 16, 256), '2': (8, 8, 512), '3': (4, 4, 1024), '4': (2, 2, 2048)}
  assert shapes == [sides[name[5]] for name in BLOCKS]
  parts = {'conv1': 'stem', 'bn1': 'stem'} | {name: name[:6] for name in BLOCKS}
  sizes = dict.fromkeys(('stem', 'layer1', 'layer2', 'layer3', 'layer4', 'fc'), 0)
  for path, leaf in traverse_util.flatten_dict(variables['params']).items():
    sizes[parts.get(path[0], path[0])] += leaf.size
  by_part = (9_536, 215_808, 1_219_584, 7_098_368, 14_964_736, 20_490)
  assert tuple(sizes.values()) == by_part
  assert sum(by_part[:-1]) == 23_508_032
  for part in by_part[:-1]:
    assert f'{part:,}' in resnet50.__doc__


def test_train_mode_normalises_by_the_batch_and_inference_mode_does_not():
  network = resnet50.ResNet50(3, width=4, stages=(1, 1), dtype=jnp.bfloat16)
  images = jax.random.uniform(jax.random.key(1), (4, 16, 16, 3), minval=-1)
  others = images.at[2:].multiply(-1.0)  # The first two images do not change.
  variables = jax.jit(lambda rng: network.init(rng, images, train=False))(jax.random.key(0))
  features, stats = {}, {}
  for train in (False, True):
    apply = jax.jit(
      lambda variables, images, train=train: network.apply(
        variables, images, train, mutable=['batch_stats']
      )
    )
    (_, first), updated = apply(variables, images)
    (_, second), _ = apply(variables, others)
    features[train], stats[train] = (first[:2], second[:2]), updated['batch_stats']
    assert first.shape == (4, 32)
  np.testing.assert_array_equal(*features[False])
  assert np.abs(np.subtract(*features[True])).max() > 0.05
  jax.tree.map(np.testing.assert_array_equal, stats[False], variables['batch_stats'])
  for layer in (stats[True]['bn1'], stats[True]['layer2_0']['bn3']):
    assert np.abs(layer['mean']).max() > 0
  leaves = jax.tree.leaves((variables, stats, features))
  assert {leaf.dtype for leaf in leaves} == {jnp.dtype('float32')}


@pytest.mark.parametrize('shape', [(2, 28, 28, 1), (2, 64, 48, 3)])
def test_images_that_do_not_fit_raise(shape):
  network = resnet50.ResNet50(3)
  with pytest.raises(UserError, match=r'resnet50 needs .* multiple of 32 pixels .* not') as error:
    jax.eval_shape(lambda x: network.init(jax.random.key(0), x, train=False), jnp.zeros(shape))
  assert '\n' not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize('train', [False, True])
def test_every_block_equals_torchvision(train):
  torch = pytest.importorskip('torch')
  # Without this, a torchvision without compiled operators cannot be imported.
  sys.modules.setdefault('torchvision._meta_registrations', types.ModuleType('unused'))
  models = pytest.importorskip('torchvision.models')
  torch.manual_seed(0)
  theirs = models.resnet50(num_classes=7).train(train)
  with torch.no_grad():
    for module in theirs.modules():
      if isinstance(module, torch.nn.BatchNorm2d):
        for values in (module.weight, module.running_var):
          values.uniform_(0.5, 1.5)
        for values in (module.bias, module.running_mean):
          values.normal_(std=0.1)

  names = {'running_mean': 'mean', 'running_var': 'var'}
  variables = {'params': {}, 'batch_stats': {}}
  for name, tensor in theirs.state_dict().items():
    *modules, leaf = name.split('.')
    if leaf == 'num_batches_tracked':
      continue
    array = tensor.numpy().copy()
    kind = {4: 'kernel', 2: 'kernel', 1: 'scale'}[array.ndim] if leaf == 'weight' else leaf
    array = array.transpose(2, 3, 1, 0) if array.ndim == 4 else array.T
    block = ['_'.join(modules[:2])] if modules[0].startswith('layer') else []
    rest = modules[2 * len(block) :]
    path = (*block, *(['_'.join(rest)] if rest else []), names.get(kind, kind))
    variables['batch_stats' if kind in names else 'params'][path] = array
  variables = {key: traverse_util.unflatten_dict(flat) for key, flat in variables.items()}

  network = resnet50.ResNet50(7)
  images = np.random.default_rng(1).uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)
  own = jax.eval_shape(lambda: network.init(jax.random.key(0), images, train=False))
  assert jax.tree.map(jnp.shape, own) == jax.tree.map(jnp.shape, variables)
  (logits, features), updated = jax.jit(
    lambda variables, images: network.apply(
      variables,
      images,
      train=train,
      capture_intermediates=_is_block,
      mutable=['batch_stats', 'intermediates'],
    )
  )(variables, images)

  def close(ours, expected):
    np.testing.assert_allclose(ours, expected, atol=2e-4 * np.abs(expected).max())

  with torch.no_grad():
    x = theirs.relu(theirs.bn1(theirs.conv1(torch.from_numpy(images.transpose(0, 3, 1, 2)))))
    x = theirs.maxpool(x)
    for name in BLOCKS:
      stage, block = name.split('_')
      x = getattr(theirs, stage)[int(block)](x)
      close(updated['intermediates'][name]['__call__'][0], x.numpy().transpose(0, 2, 3, 1))
    pooled = theirs.avgpool(x).flatten(1)
    close(features, pooled.numpy())
    close(logits, theirs.fc(pooled).numpy())
  stats = updated['batch_stats']['layer4_2']['bn3']
  close(stats['mean'], theirs.layer4[2].bn3.running_mean.numpy())
