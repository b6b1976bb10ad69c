"""Layers, networks, losses and updates against PyTorch with the same weights.

The PyTorch networks are those that `benchmarks/step_time.py` times, so these tests also say that
the two sides of the benchmark compute the same thing. Known differences are tests of their own.
"""

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments import base
from jaxgan.algorithms import Batch, adam
from jaxgan.algorithms import classifier as classifier_algorithm
from jaxgan.algorithms import gan as gan_algorithm
from jaxgan.algorithms.gan_methods import METHODS
from jaxgan.config.overrides import changed
from jaxgan.losses import adversarial, classification
from jaxgan.networks import layers, resnet, sndcgan

torch = pytest.importorskip('torch')
from benchmarks import torch_step  # noqa: E402

pytestmark = pytest.mark.slow

nn, F = torch.nn, torch.nn.functional
_KINDS = {
  nn.Conv2d: 'Conv',
  nn.ConvTranspose2d: 'ConvTranspose',
  nn.Linear: 'Dense',
  nn.BatchNorm1d: 'BatchNorm',
  nn.BatchNorm2d: 'BatchNorm',
}


def _random(*shape, seed=0):
  return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _nchw(images):
  return torch.tensor(np.moveaxis(np.asarray(images), -1, 1).copy())


def _nhwc(tensor):
  return np.moveaxis(tensor.detach().numpy(), 1, -1)


def _torch_layout(kernel):
  """`[k, k, in, out]` to `[out, in, k, k]` (transposed: out and in exchanged), `[in, out].T`."""
  kernel = np.asarray(kernel)
  return kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T


def _layers(network):
  """(Flax name, PyTorch layer) of every layer with parameters, in order of use."""
  counts = dict.fromkeys(_KINDS.values(), 0)
  for layer in network.modules():
    if type(layer) in _KINDS:
      kind = _KINDS[type(layer)]
      yield f'{kind}_{counts[kind]}', layer
      counts[kind] += 1


def _weight(layer):
  return layer.weight_orig if hasattr(layer, 'weight_orig') else layer.weight


def _parameters(network, params):
  """(name, PyTorch parameter, the Flax array in PyTorch's layout) of every parameter."""
  for name, layer in _layers(network):
    values = params[name]
    if 'scale' in values:
      yield f'{name}/scale', layer.weight, np.asarray(values['scale'])
    else:
      yield f'{name}/kernel', _weight(layer), _torch_layout(values['kernel'])
    if 'bias' in values:
      yield f'{name}/bias', layer.bias, np.asarray(values['bias'])


@torch.no_grad()
def _load(network, variables):
  """Copies Flax variables into a PyTorch network of the same structure."""
  loaded = [
    parameter.copy_(torch.tensor(array))
    for _, parameter, array in _parameters(network, variables['params'])
  ]
  assert len(loaded) == len(list(network.parameters())) == len(jax.tree.leaves(variables['params']))
  stats = variables.get('batch_stats', {})
  for name, layer in _layers(network):
    if isinstance(layer, nn.BatchNorm2d):
      layer.running_mean.copy_(torch.tensor(np.asarray(stats[name]['mean'])))
      layer.running_var.copy_(torch.tensor(np.asarray(stats[name]['var'])))
    for spectral in stats.values():
      if f'{name}/kernel/u' in spectral:
        layer.weight_u.copy_(torch.tensor(np.asarray(spectral[f'{name}/kernel/u'])[0]))


def _check_gradients(network, gradients, tolerance):
  parameters = list(_parameters(network, gradients))
  # The floor is for biases before batch norm: their exact gradient is 0, rounding that of the rest.
  floor = max(np.abs(expected).max() for *_, expected in parameters) / 5000
  for name, parameter, expected in parameters:
    scale = max(np.abs(expected).max(), floor)
    difference = np.abs(parameter.grad.numpy() - expected).max()
    assert difference <= tolerance * scale, (name, difference, scale)


def _init(network, *inputs):
  """Variables with random biases and statistics, so that none of them is trivially right."""
  variables = network.init(jax.random.key(0), *inputs, train=False)

  def shake(path, leaf):
    key = jax.tree_util.keystr(path)
    noise = _random(*leaf.shape, seed=len(key) + leaf.size)
    if 'var' in key or 'scale' in key:
      return leaf + 0.3 * np.abs(noise)
    if 'kernel' in key:
      return leaf + 0.03 * noise
    return leaf + 0.2 * noise

  return jax.tree_util.tree_map_with_path(shake, variables)


# -------------------------------------------------------------------------------- layers


def test_conv_transpose_and_its_gradients():
  images, kernel = _random(3, 5, 5, 6), _random(4, 4, 7, 6, seed=1)
  weights = _random(3, 10, 10, 7, seed=2)
  ours, pullback = jax.vjp(lambda x, k: layers.conv_transpose(x, k, 2), images, kernel)
  image_gradient, kernel_gradient = pullback(weights)

  layer = nn.ConvTranspose2d(6, 7, 4, 2, 1, bias=False)
  layer.weight.data = torch.tensor(_torch_layout(kernel).copy())
  inputs = _nchw(images).requires_grad_()
  outputs = layer(inputs)
  outputs.backward(_nchw(weights))
  np.testing.assert_allclose(ours, _nhwc(outputs), atol=1e-4)
  np.testing.assert_allclose(image_gradient, _nhwc(inputs.grad), atol=1e-4)
  np.testing.assert_allclose(_torch_layout(kernel_gradient), layer.weight.grad, atol=1e-4)


def test_batch_norm_and_the_bessel_correction_of_its_running_variance():
  images = 3.0 + 2.0 * _random(4, 3, 3, 5)
  norm = flax.linen.BatchNorm(use_running_average=False, momentum=0.9, epsilon=1e-5)
  variables = norm.init(jax.random.key(0), images)
  ours, updated = norm.apply(variables, images, mutable=['batch_stats'])
  layer, stats = nn.BatchNorm2d(5), updated['batch_stats']
  np.testing.assert_allclose(ours, _nhwc(layer(_nchw(images))), atol=1e-4)
  np.testing.assert_allclose(stats['mean'], layer.running_mean, rtol=1e-5)
  # From 1: PyTorch averages the unbiased variance (n - 1), Flax the biased one (n); n = 4·3·3.
  ours, theirs = np.asarray(stats['var']) - 0.9, layer.running_var.numpy() - 0.9
  np.testing.assert_allclose(theirs / ours, 36 / 35, rtol=1e-4)


@pytest.mark.parametrize(
  ('layer', 'theirs', 'shape'),
  [
    (flax.linen.Conv(5, (4, 4), (2, 2)), nn.Conv2d(3, 5, 4, 2, 1), (2, 8, 8, 3)),
    (flax.linen.Dense(5), nn.Linear(3, 5), (2, 3)),
  ],
)
def test_spectral_norm_from_the_same_start_vector(layer, theirs, shape):
  inputs, ours = _random(*shape), flax.linen.SpectralNorm(layer, epsilon=1e-12)
  variables = ours.init(jax.random.key(0), inputs, update_stats=False)
  (params,), stats = variables['params'].values(), variables['batch_stats']
  (u,) = [name for name in stats if name.endswith('/u')]

  theirs = nn.utils.spectral_norm(theirs)
  theirs.weight_orig.data = torch.tensor(_torch_layout(params['kernel']).copy())
  theirs.bias.data.zero_()
  theirs.weight_u.copy_(torch.tensor(np.asarray(stats[u])[0]))

  def loss(params):
    outputs, updated = ours.apply(
      {**variables, 'params': params}, inputs, update_stats=True, mutable=['batch_stats']
    )
    return jnp.sum(jnp.sin(outputs)), (outputs, updated['batch_stats'])

  (_, (outputs, stats)), gradients = jax.value_and_grad(loss, has_aux=True)(variables['params'])
  expected = theirs(_nchw(inputs))
  expected.sin().sum().backward()
  np.testing.assert_allclose(outputs, _nhwc(expected), rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(stats[u][0], theirs.weight_u, rtol=1e-4, atol=1e-5)
  (gradients,) = gradients.values()
  gradient, expected = _torch_layout(gradients['kernel']), theirs.weight_orig.grad
  np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4)

  # In inference mode Flax makes one more iteration and forgets it; PyTorch reads its vectors.
  # They agree once converged.
  for _ in range(200):
    _, updated = ours.apply(variables, inputs, update_stats=True, mutable=['batch_stats'])
    variables = {**variables, **updated}
    theirs(_nchw(inputs))
  outputs = ours.apply(variables, inputs, update_stats=False)
  expected = theirs.eval()(_nchw(inputs))
  np.testing.assert_allclose(outputs, _nhwc(expected), rtol=1e-3, atol=1e-4)


# -------------------------------------------------------------------------------- networks


def _columns_by_channel(params, features):
  """The generator's dense columns in the order of `[features, 4, 4]` instead of `[4, 4, features]`.

  The same function serves parameters and their gradients.
  """
  dense = params['Dense_0']
  kernel = np.asarray(dense['kernel']).reshape(-1, 4, 4, features).transpose(0, 3, 1, 2)
  bias = np.asarray(dense['bias']).reshape(4, 4, features).transpose(2, 0, 1)
  return {**params, 'Dense_0': {'kernel': kernel.reshape(len(kernel), -1), 'bias': bias.ravel()}}


@pytest.mark.parametrize('train', [True, False])
def test_generator(train):
  size, width, noise = 32, 8, _random(6, 10)
  ours = sndcgan.Generator(size, 3, width)
  variables = _init(ours, noise)
  theirs = torch_step.Generator(size, 3, width, noise_dim=10).train(train)
  features = width * 2 ** sndcgan.num_stages(size)
  _load(theirs, {**variables, 'params': _columns_by_channel(variables['params'], features)})

  def loss(params):
    images, updated = ours.apply(
      {**variables, 'params': params}, noise, train=train, mutable=['batch_stats']
    )
    return jnp.sum(images**2), (images, updated['batch_stats'])

  (_, (images, stats)), gradients = jax.value_and_grad(loss, has_aux=True)(variables['params'])
  expected = theirs(torch.tensor(noise))
  (expected**2).sum().backward()
  np.testing.assert_allclose(images, _nhwc(expected), atol=1e-4)
  _check_gradients(theirs, _columns_by_channel(gradients, features), 2e-3)
  for name, layer in _layers(theirs):
    if isinstance(layer, nn.BatchNorm2d):
      np.testing.assert_allclose(stats[name]['mean'], layer.running_mean, rtol=1e-3, atol=1e-4)


def test_discriminator():
  images = np.tanh(_random(4, 32, 32, 3))
  ours = sndcgan.Discriminator(8)
  variables = _init(ours, images)
  theirs = torch_step.Discriminator(32, 3, 8).train()
  _load(theirs, variables)

  def loss(params, images):
    (logits, _), _ = ours.apply(
      {**variables, 'params': params}, images, train=True, mutable=['batch_stats']
    )
    return jnp.sum(jnp.sin(logits)), logits

  (gradients, image_gradient), logits = jax.grad(loss, argnums=(0, 1), has_aux=True)(
    variables['params'], images
  )
  inputs = _nchw(images).requires_grad_()
  expected = theirs(inputs)
  expected.sin().sum().backward()
  np.testing.assert_allclose(logits, expected.detach(), rtol=1e-4, atol=1e-4)
  _check_gradients(theirs, gradients, 2e-3)
  scale = np.abs(image_gradient).max()
  np.testing.assert_allclose(image_gradient, _nhwc(inputs.grad), atol=1e-3 * scale)


@pytest.mark.parametrize('train', [True, False])
def test_resnet_32(train):
  images = np.tanh(_random(8, 32, 32, 3))
  ours = resnet.ResNet(10)
  variables = _init(ours, images)
  theirs = torch_step.ResNet(10).train(train)
  _load(theirs, variables)
  (logits, _), updated = ours.apply(variables, images, train=train, mutable=['batch_stats'])
  expected = theirs(_nchw(images)).detach().numpy()
  np.testing.assert_allclose(logits, expected, atol=1e-4 * np.abs(expected).max())
  last = list(_layers(theirs))[-2]
  np.testing.assert_allclose(
    updated['batch_stats'][last[0]]['mean'], last[1].running_mean, rtol=1e-3, atol=1e-4
  )


# -------------------------------------------------------------------------------- losses


def test_relativistic_losses():
  real, fake = 3.0 * _random(16), 3.0 * _random(16, seed=1)
  x, y = torch.tensor(real), torch.tensor(fake)
  np.testing.assert_allclose(
    adversarial.relativistic_discriminator(real, fake),
    F.binary_cross_entropy_with_logits(x - y, torch.ones(16)),
    rtol=1e-5,
  )
  np.testing.assert_allclose(
    adversarial.relativistic_generator(real, fake),
    F.binary_cross_entropy_with_logits(y - x, torch.ones(16)),
    rtol=1e-5,
  )


def test_weighted_cross_entropy():
  logits, weights = 2.0 * _random(16, 5), np.abs(_random(5, seed=1)) + 0.1
  labels = np.arange(16) % 5
  expected = F.cross_entropy(torch.tensor(logits), torch.tensor(labels), torch.tensor(weights))
  value = classification.cross_entropy(logits, labels, weights)
  np.testing.assert_allclose(value, expected, rtol=1e-5)


# -------------------------------------------------------------------------------- updates


def test_five_adam_steps_of_the_gan():
  config = base.gan_config('x', 'class_balancing', 'x', 'x', flip=True).algorithm
  optimizer = adam(config)
  params = jnp.asarray(_random(40))
  state = optimizer.init(params)
  tensor = torch.tensor(_random(40), requires_grad=True)
  theirs = torch.optim.Adam([tensor], 2e-4, (0.5, 0.999), 1e-6)
  for step in range(5):
    # From 1 down to 1e-9: at the small end ε decides.
    gradient = _random(40, seed=step + 1) * np.logspace(0, -9, 40, dtype=np.float32)
    updates, state = optimizer.update(jnp.asarray(gradient), state, params)
    params = optax.apply_updates(params, updates)
    tensor.grad = torch.tensor(gradient)
    theirs.step()
  assert np.abs(params - _random(40)).max() > 1e-4
  np.testing.assert_allclose(params, tensor.detach(), atol=1e-6)


def test_five_updates_of_the_classifier():
  # Momentum, weight decay, warm-up, class weights and batch norm together.
  counts, steps_per_epoch = [5000, 300, 50], 2
  config = base.classifier_section('x', drw=True).algorithm
  config = changed(config, {'depth': 8, 'width': 4, 'drw_epoch': 1})
  algorithm = classifier_algorithm.classifier(config, (16, 16, 3), len(counts), steps_per_epoch)
  state = algorithm.init(jax.random.key(0))
  state = state.replace(variables=_init(resnet.ResNet(3, 8, 4), np.zeros((2, 16, 16, 3))))
  theirs = torch_step.ResNet(3, 8, 4).train()
  _load(theirs, state.variables)
  optimizer = torch.optim.SGD(theirs.parameters(), 0.1, momentum=0.9, weight_decay=2e-4)
  schedule = classifier_algorithm.learning_rate_schedule(config, steps_per_epoch)
  drw = torch.tensor(np.asarray(classification.effective_number_weights(counts, 0.9999)))

  update = jax.jit(algorithm.update)
  for step in range(5):
    images = np.tanh(_random(12, 16, 16, 3, seed=step))
    labels = np.random.default_rng(step).integers(0, 3, 12)
    batch = Batch(images, labels, np.asarray(counts, np.int32))
    state, metrics = update(state, batch, {}, jax.random.key(0))

    weights = drw if step >= steps_per_epoch else torch.ones(3)
    loss = F.cross_entropy(theirs(_nchw(images)), torch.tensor(labels), weights)
    optimizer.param_groups[0]['lr'] = float(schedule(step))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    np.testing.assert_allclose(metrics['loss/classifier'], loss.item(), rtol=1e-3)
  for name, parameter, expected in _parameters(theirs, state.variables['params']):
    np.testing.assert_allclose(parameter.detach(), expected, rtol=1e-2, atol=2e-4, err_msg=name)


def test_steps_of_the_class_balancing_gan(monkeypatch):
  """The whole step that the benchmark times: losses of three updates."""
  config = base.gan_config('x', 'class_balancing', 'x', 'x', flip=False)
  config = changed(
    config,
    {
      'algorithm.generator_width': 4,
      'algorithm.discriminator_width': 4,
      'algorithm.count_cycle': 2,
      'classifier.algorithm.depth': 8,
      'classifier.algorithm.width': 4,
      'train.batch_size': 8,
    },
  )
  network = resnet.ResNet(3, 8, 4)
  classifier = _init(network, np.zeros((2, 16, 16, 3)))
  ours = gan_algorithm.gan(
    config.algorithm,
    METHODS['class_balancing'],
    (16, 16, 3),
    3,
    lambda variables, images: network.apply(variables, images, train=False),
  )
  state = ours.init(jax.random.key(0))
  # A few power iterations, because PyTorch makes four a step and we make one.
  discriminator, images = sndcgan.Discriminator(4), np.zeros((2, 16, 16, 3), np.float32)
  for _ in range(30):
    _, stats = discriminator.apply(state.discriminator, images, train=True, mutable=['batch_stats'])
    state = state.replace(discriminator={**state.discriminator, **stats})

  theirs = torch_step.Trainer(config, np.zeros((8, 16, 16, 3), np.uint8), 3, 'cpu')
  params = _columns_by_channel(state.generator['params'], 16)
  _load(theirs.generator, {**state.generator, 'params': params})
  _load(theirs.discriminator, state.discriminator)
  _load(theirs.classifier, classifier)

  update = jax.jit(ours.update)
  for step in range(3):
    real_images, rng = np.tanh(_random(8, 16, 16, 3, seed=step)), jax.random.key(step)
    # The algorithm's own noise: one key for the discriminator step, one for the generator's.
    noises = map(lambda key: _nchw(jax.random.normal(key, (8, 128))), jax.random.split(rng))
    monkeypatch.setattr(theirs, 'draw', lambda images=real_images: _nchw(images))
    monkeypatch.setattr(theirs, 'noise', noises.__next__)
    batch = Batch(real_images, np.zeros(8, np.int32))
    state, metrics = update(state, batch, {'classifier': classifier}, rng)
    losses = [loss.item() for loss in theirs.step()]
    names = ('loss/discriminator', 'loss/generator', 'loss/regulariser')
    np.testing.assert_allclose([metrics[name] for name in names], losses, rtol=2e-3)
  np.testing.assert_array_equal(state.counts, theirs.counts)
  np.testing.assert_array_equal(state.cycle_counts, theirs.cycle_counts)
