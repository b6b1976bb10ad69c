"""PyTorch modules with the names of Flax modules, by which weights find each other."""

import jax
import numpy as np
import torch
from torch import nn

from tests.support.torch_networks import torch_layout


class Named(nn.Module):
  """Modules that are named as Flax does, Kind_i in the order in which they are added."""

  def add(self, kind, module):
    number = sum(name.startswith(f'{kind}_') for name, _ in self.named_children())
    self.add_module(f'{kind}_{number}', module)
    return module


def _vectors(stats):
  """layer -> u of the layers that have spectral norm, of one module's statistics."""
  entries = [entry for name, entry in stats.items() if name.startswith('SpectralNorm')]
  return {
    name.removesuffix('/kernel/u'): np.asarray(value)[0]
    for entry in entries
    for name, value in entry.items()
    if name.endswith('/u')
  }


def pairs_of(module, params, stats):
  """(PyTorch tensor, Flax value in PyTorch's layout) of all that a module has."""
  vectors = _vectors(stats)
  for name, child in module.named_children():
    own, own_stats = params.get(name, {}), stats.get(name, {})
    if isinstance(child, Named):
      yield from pairs_of(child, own, own_stats)
    elif isinstance(child, nn.BatchNorm2d):
      yield child.running_mean, own_stats['mean']
      yield child.running_var, own_stats['var']
      if child.affine:
        yield child.weight, own['scale']
        yield child.bias, own['bias']
    else:
      assert hasattr(child, 'weight_u') == (name in vectors), name
      if name in vectors:
        yield child.weight_u, vectors[name]
      yield (
        dict(child.named_parameters()).get('weight_orig', child.weight),
        (torch_layout(own['kernel'])),
      )
      if child.bias is not None:
        yield child.bias, own['bias']


@torch.no_grad()
def load(module, variables):
  pairs = list(pairs_of(module, variables['params'], variables['batch_stats']))
  for tensor, value in pairs:
    assert tensor.shape == value.shape
    tensor.copy_(torch.tensor(np.array(value)))
  parameters = [tensor for tensor, _ in pairs if isinstance(tensor, nn.Parameter)]
  assert len(parameters) == len(jax.tree.leaves(variables['params']))
  assert len(parameters) == len(list(module.parameters()))


def assert_close(ours, theirs, what):
  theirs = theirs.detach()
  theirs = np.moveaxis(theirs.numpy(), 1, -1) if theirs.ndim == 4 else theirs.numpy()
  scale = np.abs(theirs).max()
  np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=3e-4 * scale, err_msg=what)
