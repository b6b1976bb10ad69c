"""PyTorch networks with the weights of Flax networks of the same structure."""

import jax
import numpy as np
import torch
from torch import nn

_KINDS = {
  nn.Conv2d: 'Conv',
  nn.ConvTranspose2d: 'ConvTranspose',
  nn.Linear: 'Dense',
  nn.BatchNorm1d: 'BatchNorm',
  nn.BatchNorm2d: 'BatchNorm',
}


def random(*shape, seed=0):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def nchw(images):
  return torch.tensor(np.moveaxis(np.asarray(images), -1, 1).copy())


def nhwc(tensor):
  return np.moveaxis(tensor.detach().numpy(), 1, -1)


def torch_layout(kernel):
  """`[k, k, in, out]` to `[out, in, k, k]` (transposed: out and in exchanged), `[in, out].T`."""
  kernel = np.asarray(kernel)
  return kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T


def named_layers(network):
  """(Flax name, PyTorch layer) of every layer with parameters, in order of use."""
  counts = dict.fromkeys(_KINDS.values(), 0)
  for layer in network.modules():
    if type(layer) in _KINDS:
      kind = _KINDS[type(layer)]
      yield f'{kind}_{counts[kind]}', layer
      counts[kind] += 1


def _weight(layer):
  return layer.weight_orig if hasattr(layer, 'weight_orig') else layer.weight


def parameters(network, params):
  """(name, PyTorch parameter, the Flax array in PyTorch's layout) of every parameter."""
  for name, layer in named_layers(network):
    values = params[name]
    if 'scale' in values:
      yield f'{name}/scale', layer.weight, np.asarray(values['scale'])
    else:
      yield f'{name}/kernel', _weight(layer), torch_layout(values['kernel'])
    if 'bias' in values:
      yield f'{name}/bias', layer.bias, np.asarray(values['bias'])


@torch.no_grad()
def load(network, variables):
  """Copies Flax variables into a PyTorch network of the same structure."""
  loaded = [
    parameter.copy_(torch.tensor(array))
    for _, parameter, array in parameters(network, variables['params'])
  ]
  assert len(loaded) == len(list(network.parameters())) == len(jax.tree.leaves(variables['params']))
  stats = variables.get('batch_stats', {})
  for name, layer in named_layers(network):
    if isinstance(layer, nn.BatchNorm2d):
      layer.running_mean.copy_(torch.tensor(np.asarray(stats[name]['mean'])))
      layer.running_var.copy_(torch.tensor(np.asarray(stats[name]['var'])))
    for spectral in stats.values():
      if f'{name}/kernel/u' in spectral:
        layer.weight_u.copy_(torch.tensor(np.asarray(spectral[f'{name}/kernel/u'])[0]))


def check_gradients(network, gradients, tolerance):
  pairs = list(parameters(network, gradients))
  # The floor is for biases before batch norm, whose exact gradient is 0 and computed one rounding.
  floor = max(np.abs(expected).max() for *_, expected in pairs) / 5000
  for name, parameter, expected in pairs:
    scale = max(np.abs(expected).max(), floor)
    difference = np.abs(parameter.grad.numpy() - expected).max()
    assert difference <= tolerance * scale, (name, difference, scale)


def init_shaken(network, *inputs, kernel_noise=0.03):
  """Initialises variables with random biases and statistics, so that errors in them show."""
  variables = network.init(jax.random.key(0), *inputs, train=False)

  def shake(path, leaf):
    key = jax.tree_util.keystr(path)
    noise = random(*leaf.shape, seed=len(key) + leaf.size)
    if 'var' in key or 'scale' in key:
      return leaf + 0.3 * np.abs(noise)
    return leaf + (kernel_noise if 'kernel' in key else 0.2) * noise

  return jax.tree_util.tree_map_with_path(shake, variables)


def columns_by_channel(params, features):
  """The generator's dense columns in the order of `[features, 4, 4]` instead of `[4, 4, features]`.

  The same function serves parameters and their gradients.
  """
  dense = params['Dense_0']
  kernel = np.asarray(dense['kernel']).reshape(-1, 4, 4, features).transpose(0, 3, 1, 2)
  bias = np.asarray(dense['bias']).reshape(4, 4, features).transpose(2, 0, 1)
  return {**params, 'Dense_0': {'kernel': kernel.reshape(len(kernel), -1), 'bias': bias.ravel()}}
