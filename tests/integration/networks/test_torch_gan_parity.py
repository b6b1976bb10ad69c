"""The networks of a GAN layer by layer against their tables in PyTorch with the same weights.

Separate tests show the differences between the two libraries.
"""

import itertools

import flax.linen
import jax
import numpy as np
import pytest

from jaxgan.networks import layers, sndcgan, snresgan
from jaxgan.networks.layers import ConvTranspose

torch = pytest.importorskip('torch')
from tests.support.torch_named import Named, assert_close, load, pairs_of  # noqa: E402
from tests.support.torch_networks import init_shaken, nchw, random, torch_layout  # noqa: E402

pytestmark = pytest.mark.slow

nn, F = torch.nn, torch.nn.functional
K = 5
LABELS = np.array([0, 3, 1, 4, 4, 2])


# -------------------------------------------------------------------------------- the tables


def _sn(layer, active, **options):
  return nn.utils.spectral_norm(layer, eps=1e-6, **options) if active else layer


class ConditionalBatchNorm(Named):
  def __init__(self, channels, sn):
    super().__init__()
    self.gain, self.bias = (
      self.add('Dense', _sn(nn.Linear(K, channels, bias=False), sn)) for _ in range(2)
    )
    self.norm = self.add('BatchNorm', nn.BatchNorm2d(channels, eps=1e-4, affine=False))

  def forward(self, x, labels):
    classes = F.one_hot(labels, K).float()
    gain, bias = self.gain(classes), self.bias(classes)
    return (1 + gain)[:, :, None, None] * self.norm(x) + bias[:, :, None, None]


def _add_norm(parent, channels, conditional, sn):
  if conditional:
    return parent.add('ConditionalBatchNorm', ConditionalBatchNorm(channels, sn))
  norm = parent.add('BatchNorm', nn.BatchNorm2d(channels))
  return lambda x, labels: norm(x)


class UpBlock(Named):
  def __init__(self, channels, out, conditional, sn):
    super().__init__()
    self.shortcut = self.add('Conv', _sn(nn.Conv2d(channels, out, 1), sn))
    self.norms = [_add_norm(self, c, conditional, sn) for c in (channels, out)]
    self.convs = [
      self.add('Conv', _sn(nn.Conv2d(c, out, 3, padding=1), sn)) for c in (channels, out)
    ]

  def forward(self, x, labels):
    shortcut = self.shortcut(F.interpolate(x, scale_factor=2))
    x = F.interpolate(F.relu(self.norms[0](x, labels)), scale_factor=2)
    x = F.relu(self.norms[1](self.convs[0](x), labels))
    return shortcut + self.convs[1](x)


class DownBlock(Named):
  def __init__(self, channels, out, down, first):
    super().__init__()
    self.down, self.first, self.shortcut = down, first, None
    if down or channels != out:
      self.shortcut = self.add('Conv', _sn(nn.Conv2d(channels, out, 1), True))
    self.convs = [
      self.add('Conv', _sn(nn.Conv2d(c, out, 3, padding=1), True)) for c in (channels, out)
    ]

  def forward(self, x):
    shortcut = x if self.shortcut is None else self.shortcut(x)
    x = self.convs[0](x if self.first else F.relu(x))
    x = self.convs[1](F.relu(x))
    if self.down:
      shortcut, x = F.avg_pool2d(shortcut, 2), F.avg_pool2d(x, 2)
    return shortcut + x


class Generator(Named):
  def __init__(self, widths, conditional, sn):
    super().__init__()
    self.dense = self.add('Dense', _sn(nn.Linear(10, 16 * widths[0]), sn))
    self.blocks = [
      self.add('UpBlock', UpBlock(channels, out, conditional, sn))
      for channels, out in itertools.pairwise(widths)
    ]
    self.norm = _add_norm(self, widths[-1], conditional, sn)
    self.conv = self.add('Conv', _sn(nn.Conv2d(widths[-1], 3, 3, padding=1), sn))

  def forward(self, noise, labels):
    x = self.dense(noise)
    x = x.view(len(x), 4, 4, -1).permute(0, 3, 1, 2)
    for block in self.blocks:
      x = block(x, labels)
    return torch.tanh(self.conv(F.relu(self.norm(x, labels))))


class SndcganGenerator(Named):
  def __init__(self, widths, conditional, sn):
    super().__init__()
    self.dense = self.add('Dense', _sn(nn.Linear(10, 16 * widths[0]), sn))
    self.layers = []
    for channels, out in itertools.pairwise(widths):
      # PyTorch's default is dim=1; see the test of this difference.
      deconv = _sn(nn.ConvTranspose2d(channels, out, 4, 2, 1), sn, **({'dim': 0} if sn else {}))
      self.add('ConvTranspose', deconv)
      self.layers.append((deconv, _add_norm(self, out, conditional, sn)))
    self.conv = self.add('Conv', _sn(nn.Conv2d(widths[-1], 3, 3, padding=1), sn))

  def forward(self, noise, labels):
    x = self.dense(noise)
    x = x.view(len(x), 4, 4, -1).permute(0, 3, 1, 2)
    for deconv, norm in self.layers:
      x = F.leaky_relu(norm(deconv(x), labels), 0.1)
    return torch.tanh(self.conv(x))


class _Critic(Named):
  """Sum pool and heads; each network defines `features(images)`."""

  def add_head(self, width, head):
    self.head = head
    self.logit = self.add('Dense', _sn(nn.Linear(width, 1), True))
    if head == 'projection':
      self.embedding = self.add('Dense', _sn(nn.Linear(K, width, bias=False), True))
    elif head == 'auxiliary':
      self.class_logits = self.add('Dense', _sn(nn.Linear(width, K), True))

  def forward(self, images, labels):
    x = self.features(images).sum((2, 3))
    logits = self.logit(x)[:, 0]
    if self.head == 'projection':
      embedded = self.embedding(F.one_hot(labels, K).float())
      return logits + (embedded * x).sum(1), None
    return logits, self.class_logits(x) if self.head == 'auxiliary' else None


class Discriminator(_Critic):
  def __init__(self, widths, num_down, head):
    super().__init__()
    self.blocks = [
      self.add('DownBlock', DownBlock(channels, out, i < num_down, i == 0))
      for i, (channels, out) in enumerate(zip((3, *widths), widths, strict=False))
    ]
    self.add_head(widths[-1], head)

  def features(self, x):
    for block in self.blocks:
      x = block(x)
    return F.relu(x)


class SndcganDiscriminator(_Critic):
  def __init__(self, widths, num_down, head):
    super().__init__()
    self.convs, channels = [], 3
    for i, width in enumerate(widths):
      self.convs.append(self.add('Conv', _sn(nn.Conv2d(channels, width, 3, 1, 1), True)))
      if i < num_down:
        self.convs.append(self.add('Conv', _sn(nn.Conv2d(width, width, 4, 2, 1), True)))
      channels = width
    self.add_head(widths[-1], head)

  def features(self, x):
    for conv in self.convs:
      x = F.leaky_relu(conv(x), 0.1)
    return x


def _compare(network, module, inputs, labels, train):
  """Outputs of every block, final outputs, and statistics and vectors after a training call."""
  variables = init_shaken(network, inputs, labels, kernel_noise=0.1)
  load(module, variables)
  outputs, updated = network.apply(
    variables, inputs, labels, train=train, mutable=['batch_stats', 'intermediates'],
    capture_intermediates=True,
  )  # fmt: skip

  theirs = {}
  for name, child in module.named_children():
    child.register_forward_hook(lambda _, __, output, name=name: theirs.update({name: output}))
  arguments = nchw(inputs) if inputs.ndim == 4 else torch.tensor(inputs), torch.tensor(LABELS)
  # In inference mode Flax takes a power iteration; PyTorch reads the vectors of the last training
  # call.
  norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
  module.train()
  if not train:
    for norm in norms:
      norm.eval()
    module(*arguments)
    module.eval()
  expected = module(*arguments)

  for name, output in theirs.items():
    assert_close(updated['intermediates'][name]['__call__'][0], output, name)
  leaves = outputs if isinstance(outputs, tuple) else (outputs,)
  expected = expected if isinstance(expected, tuple) else (expected,)
  for ours, other in zip(leaves, expected, strict=True):
    assert (ours is None) == (other is None)
    if ours is not None:
      assert_close(ours, other, 'output')

  stats = updated['batch_stats']
  if not train:
    jax.tree.map(np.testing.assert_array_equal, stats, variables['batch_stats'])
    return
  for tensor, value in pairs_of(module, variables['params'], stats):
    if not isinstance(tensor, nn.Parameter) and not any(tensor is n.running_var for n in norms):
      np.testing.assert_allclose(value, tensor, rtol=1e-3, atol=1e-4)


_WIDTHS = {'sndcgan': (32, 16, 8, 4), 'snresgan': (32, 16, 8, 4, 2), 'snresgan_cifar': (8,) * 4}


@pytest.mark.parametrize('train', [True, False])
@pytest.mark.parametrize('sn', [False, True])
@pytest.mark.parametrize('conditional', [False, True])
@pytest.mark.parametrize('name', _WIDTHS)
def test_generator(name, conditional, sn, train):
  widths, classes = _WIDTHS[name], K if conditional else None
  options = {'num_classes': classes, 'spectral_norm': sn}
  if name == 'sndcgan':
    ours = sndcgan.Generator(32, 3, 4, **options)
    theirs = SndcganGenerator(widths, conditional, sn)
  else:
    ours = snresgan.Generator(widths, 3, **options)
    theirs = Generator(widths, conditional, sn)
  _compare(ours, theirs, random(6, 10), LABELS if conditional else None, train)


@pytest.mark.parametrize('train', [True, False])
@pytest.mark.parametrize('head', ['none', 'projection', 'auxiliary'])
@pytest.mark.parametrize('name', _WIDTHS)
def test_discriminator(name, head, train):
  size = 64 if name == 'snresgan' else 32
  if name == 'sndcgan':
    ours, theirs = sndcgan.Discriminator(4, head, K), SndcganDiscriminator
    theirs = theirs((4, 8, 16, 32), 3, head)
  else:
    widths = (2, 4, 8, 16, 32) if name == 'snresgan' else (8,) * 4
    num_down = 4 if name == 'snresgan' else 2
    ours = snresgan.Discriminator(widths, num_down, head, K)
    theirs = Discriminator(widths, num_down, head)
  _compare(ours, theirs, np.tanh(random(6, size, size, 3)), LABELS, train)


# -------------------------------------------------------------------------------- differences


class _Deconv(flax.linen.Module):
  """A single transposed convolution with spectral norm."""

  @flax.linen.compact
  def __call__(self, x, *, train):
    return layers.normaliser(True, train)(ConvTranspose(7), x)


@pytest.mark.parametrize(('dim', 'same'), [(0, True), (1, False)])
def test_the_matrix_of_a_transposed_convolution(dim, same):
  """`[in, k k out]` here, `[out, k k in]` (dim=1) by PyTorch's default."""
  x, network = random(2, 4, 4, 5), _Deconv()
  variables = init_shaken(network, x, kernel_noise=0.1)
  for _ in range(200):
    ours, updated = network.apply(variables, x, train=True, mutable=['batch_stats'])
    variables = {**variables, **updated}
  params = variables['params']['ConvTranspose_0']
  layer = nn.ConvTranspose2d(5, 7, 4, 2, 1)
  layer.weight.data = torch.tensor(torch_layout(params['kernel']).copy())
  layer.bias.data = torch.tensor(np.array(params['bias']))
  layer = nn.utils.spectral_norm(layer, n_power_iterations=200, dim=dim)
  theirs = np.moveaxis(layer(nchw(x)).detach().numpy(), 1, -1)
  assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-4) == same
