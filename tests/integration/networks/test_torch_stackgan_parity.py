"""The networks for 64x64 images layer by layer against PyTorch with the same weights.

The PyTorch modules have the names of the Flax modules, see `torch_named`. Where the
table has a 4x4 convolution of a 4x4 map, so has PyTorch; here it is a dense layer.
"""

import jax
import numpy as np
import pytest

from jaxgan.networks import stackgan

torch = pytest.importorskip('torch')
from tests.support.torch_named import Named, assert_close, load, pairs_of  # noqa: E402
from tests.support.torch_networks import nchw, random  # noqa: E402

pytestmark = pytest.mark.slow

nn, F = torch.nn, torch.nn.functional
WIDTH, NOISE, CODE, K, R = 4, 6, 3, 5, 2


def _conv(channels, out, size, stride):
  return nn.Conv2d(channels, out, size, stride, 1, bias=False)


class GatedBlock(Named):
  def __init__(self, channels, out, up=False):
    super().__init__()
    self.up = up
    self.conv = self.add('Conv', _conv(channels, 2 * out, 3, 1))
    self.norm = self.add('BatchNorm', nn.BatchNorm2d(2 * out))

  def forward(self, x):
    x = F.interpolate(x, scale_factor=2, mode='nearest') if self.up else x
    return F.glu(self.norm(self.conv(x)), dim=1)


class ResidualBlock(Named):
  def __init__(self, channels):
    super().__init__()
    self.block = self.add('GatedBlock', GatedBlock(channels, channels))
    self.conv = self.add('Conv', _conv(channels, channels, 3, 1))
    self.norm = self.add('BatchNorm', nn.BatchNorm2d(channels))

  def forward(self, x):
    return x + self.norm(self.conv(self.block(x)))


class Generator(Named):
  def __init__(self, num_stages):
    super().__init__()
    self.num_stages, w = num_stages, WIDTH
    self.dense = self.add('Dense', nn.Linear(NOISE + CODE, 512 * w, bias=False))
    # `[N, C, 1, 1]`, so that the batch norm is a BatchNorm2d, as the weight loader expects.
    self.norm = self.add('BatchNorm', nn.BatchNorm2d(512 * w))
    blocks = [GatedBlock(2 * f * w, f * w, up=True) for f in (8, 4, 2, 1)]
    blocks += [GatedBlock(w + CODE, w)] * (num_stages - 1)
    self.blocks = [self.add('GatedBlock', block) for block in blocks]
    self.to_images = [self.add('Conv', _conv(w, 3, 3, 1))]
    if num_stages == 2:
      self.residuals = [self.add('ResidualBlock', ResidualBlock(w)) for _ in range(2)]
      self.last = self.add('GatedBlock', GatedBlock(w, w // 2))
      self.to_images.append(self.add('Conv', _conv(w // 2, 3, 3, 1)))

  def forward(self, inputs):
    x = self.norm(self.dense(inputs)[:, :, None, None])
    x = F.glu(x, dim=1).view(len(x), 4, 4, -1).permute(0, 3, 1, 2)
    for block in self.blocks[:4]:
      x = block(x)
    images = [torch.tanh(self.to_images[0](x))]
    if self.num_stages == 2:
      code = inputs[:, NOISE:, None, None].expand(-1, -1, 64, 64)
      x = self.blocks[4](torch.cat([x, code], 1))
      for block in self.residuals:
        x = block(x)
      images.append(torch.tanh(self.to_images[1](self.last(x))))
    return tuple(images)


class Trunk(Named):
  def __init__(self):
    super().__init__()
    widths = [WIDTH * f for f in (1, 2, 4, 8)]
    self.convs = [
      self.add('Conv', _conv(a, b, 4, 2)) for a, b in zip([3, *widths], widths, strict=False)
    ]
    self.norms = [self.add('BatchNorm', nn.BatchNorm2d(w)) for w in widths[1:]]

  def forward(self, x):
    x = F.leaky_relu(self.convs[0](x), 0.2)
    for conv, norm in zip(self.convs[1:], self.norms, strict=True):
      x = F.leaky_relu(norm(conv(x)), 0.2)
    return x


class Head(Named):
  """D, or Q if it has its `own` convolution; the last layer is the table's 4x4 convolution."""

  def __init__(self, outputs, own):
    super().__init__()
    self.own = own
    if own:
      self.conv = self.add('Conv', _conv(8 * WIDTH, 8 * WIDTH, 3, 1))
      self.norm = self.add('BatchNorm', nn.BatchNorm2d(8 * WIDTH))
    self.last = self.add('Dense', nn.Conv2d(8 * WIDTH, outputs, 4, 4))

  def forward(self, x):
    x = F.leaky_relu(self.norm(self.conv(x)), 0.2) if self.own else x
    outputs = self.last(x)[:, :, 0, 0]
    if not self.own:
      return (outputs[:, 0],)
    return outputs[:, :K], outputs[:, K:], x.permute(0, 2, 3, 1).flatten(1)


def _flax_init(network, inputs, train):
  """`init_shaken` for networks with or without a `train` argument."""
  options = {} if isinstance(network, stackgan.DiscriminatorHead) else {'train': train}
  variables = dict(network.init(jax.random.key(0), inputs, **options))

  def shake(path, leaf):
    key = jax.tree_util.keystr(path)
    noise = random(*leaf.shape, seed=len(key) + leaf.size)
    positive = 'var' in key or 'scale' in key
    return leaf + 0.3 * np.abs(noise) if positive else leaf + 0.1 * noise

  return jax.tree_util.tree_map_with_path(shake, {'batch_stats': {}} | variables), options


@pytest.mark.parametrize('train', [True, False])
@pytest.mark.parametrize('name', ['one stage', 'two stages', 'trunk', 'discriminator', 'Q'])
def test_layers(name, train):
  features = random(6, 4, 4, 8 * WIDTH)
  network, module, inputs = {
    'one stage': lambda: (1, None, None),
    'two stages': lambda: (2, None, None),
    'trunk': lambda: (stackgan.Trunk(WIDTH), Trunk(), np.tanh(random(6, 64, 64, 3))),
    'discriminator': lambda: (stackgan.DiscriminatorHead(), Head(1, False), features),
    'Q': lambda: (stackgan.RecognitionHead(K, R), Head(K + R, True), features),
  }[name]()
  if isinstance(network, int):
    inputs = random(6, NOISE + CODE)
    network, module = stackgan.Generator(3, CODE, network, WIDTH), Generator(network)
  variables, options = _flax_init(network, inputs, train)
  as_torch = variables
  if isinstance(module, Head):  # `[4 · 4 · C, out]` is the kernel of the convolution.
    dense = variables['params']['Dense_0']
    kernel = np.asarray(dense['kernel']).reshape(4, 4, 8 * WIDTH, -1)
    params = variables['params'] | {'Dense_0': {**dense, 'kernel': kernel}}
    as_torch = variables | {'params': params}
  load(module, as_torch)
  outputs, updated = network.apply(
    variables, inputs, **options, mutable=['batch_stats', 'intermediates'],
    capture_intermediates=True,
  )  # fmt: skip
  theirs = {}
  for child_name, child in module.named_children():
    child.register_forward_hook(lambda _, __, out, name=child_name: theirs.update({name: out}))
  module.train(train)
  expected = module(nchw(inputs) if inputs.ndim == 4 else torch.tensor(inputs))
  for child_name, output in theirs.items():
    ours = updated['intermediates'][child_name]['__call__'][0]
    assert_close(
      ours.reshape(np.moveaxis(output.detach().numpy(), 1, -1).shape), output, child_name
    )
  outputs = outputs if isinstance(outputs, tuple) else (outputs,)
  expected = expected if isinstance(expected, tuple) else (expected,)
  for ours, other in zip(outputs, expected, strict=True):
    assert_close(ours, other, 'output')
  for tensor, value in pairs_of(module, as_torch['params'], updated.get('batch_stats', {})):
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    if any(tensor is norm.running_mean for norm in norms):
      np.testing.assert_allclose(value, tensor, rtol=1e-3, atol=1e-4)
