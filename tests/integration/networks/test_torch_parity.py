"""Layers and networks against PyTorch with the same weights.

The PyTorch networks are the networks that `benchmarks/step_time.py` times, so these tests also show
that both sides of the benchmark compute the same. Separate tests show known differences.
"""

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.networks import layers, resnet, sndcgan

torch = pytest.importorskip('torch')
from benchmarks import torch_step  # noqa: E402
from tests.support.torch_networks import (  # noqa: E402
  check_gradients,
  columns_by_channel,
  init_shaken,
  load,
  named_layers,
  nchw,
  nhwc,
  random,
  torch_layout,
)

pytestmark = pytest.mark.slow

nn = torch.nn


def test_conv_transpose_and_its_gradients():
  images, kernel = random(3, 5, 5, 6), random(4, 4, 7, 6, seed=1)
  weights = random(3, 10, 10, 7, seed=2)
  ours, pullback = jax.vjp(lambda x, k: layers.conv_transpose(x, k, 2), images, kernel)
  image_gradient, kernel_gradient = pullback(weights)

  layer = nn.ConvTranspose2d(6, 7, 4, 2, 1, bias=False)
  layer.weight.data = torch.tensor(torch_layout(kernel).copy())
  inputs = nchw(images).requires_grad_()
  outputs = layer(inputs)
  outputs.backward(nchw(weights))
  np.testing.assert_allclose(ours, nhwc(outputs), atol=1e-4)
  np.testing.assert_allclose(image_gradient, nhwc(inputs.grad), atol=1e-4)
  np.testing.assert_allclose(torch_layout(kernel_gradient), layer.weight.grad, atol=1e-4)


def test_batch_norm_and_the_bessel_correction_of_its_running_variance():
  images = 3.0 + 2.0 * random(4, 3, 3, 5)
  norm = flax.linen.BatchNorm(use_running_average=False, momentum=0.9, epsilon=1e-5)
  variables = norm.init(jax.random.key(0), images)
  ours, updated = norm.apply(variables, images, mutable=['batch_stats'])
  layer, stats = nn.BatchNorm2d(5), updated['batch_stats']
  np.testing.assert_allclose(ours, nhwc(layer(nchw(images))), atol=1e-4)
  np.testing.assert_allclose(stats['mean'], layer.running_mean, rtol=1e-5)
  # Starting at 1, PyTorch averages the unbiased variance (n - 1), Flax the biased (n); n = 4·3·3.
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
  inputs, ours = random(*shape), flax.linen.SpectralNorm(layer, epsilon=1e-12)
  variables = ours.init(jax.random.key(0), inputs, update_stats=False)
  (params,), stats = variables['params'].values(), variables['batch_stats']
  (u,) = [name for name in stats if name.endswith('/u')]

  theirs = nn.utils.spectral_norm(theirs)
  theirs.weight_orig.data = torch.tensor(torch_layout(params['kernel']).copy())
  theirs.bias.data.zero_()
  theirs.weight_u.copy_(torch.tensor(np.asarray(stats[u])[0]))

  def loss(params):
    outputs, updated = ours.apply(
      {**variables, 'params': params}, inputs, update_stats=True, mutable=['batch_stats']
    )
    return jnp.sum(jnp.sin(outputs)), (outputs, updated['batch_stats'])

  (_, (outputs, stats)), gradients = jax.value_and_grad(loss, has_aux=True)(variables['params'])
  expected = theirs(nchw(inputs))
  expected.sin().sum().backward()
  np.testing.assert_allclose(outputs, nhwc(expected), rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(stats[u][0], theirs.weight_u, rtol=1e-4, atol=1e-5)
  (gradients,) = gradients.values()
  gradient, expected = torch_layout(gradients['kernel']), theirs.weight_orig.grad
  np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4)

  # In inference mode Flax takes one iteration more, without storing it; PyTorch reads its vectors.
  # Both agree after convergence.
  for _ in range(200):
    _, updated = ours.apply(variables, inputs, update_stats=True, mutable=['batch_stats'])
    variables = {**variables, **updated}
    theirs(nchw(inputs))
  outputs = ours.apply(variables, inputs, update_stats=False)
  expected = theirs.eval()(nchw(inputs))
  np.testing.assert_allclose(outputs, nhwc(expected), rtol=1e-3, atol=1e-4)


# -------------------------------------------------------------------------------- networks


@pytest.mark.parametrize('train', [True, False])
def test_generator(train):
  size, width, noise = 32, 8, random(6, 10)
  ours = sndcgan.Generator(size, 3, width)
  variables = init_shaken(ours, noise)
  theirs = torch_step.Generator(size, 3, width, noise_dim=10).train(train)
  features = width * 2 ** sndcgan.num_stages(size)
  load(theirs, {**variables, 'params': columns_by_channel(variables['params'], features)})

  def loss(params):
    images, updated = ours.apply(
      {**variables, 'params': params}, noise, train=train, mutable=['batch_stats']
    )
    return jnp.sum(images**2), (images, updated['batch_stats'])

  (_, (images, stats)), gradients = jax.value_and_grad(loss, has_aux=True)(variables['params'])
  expected = theirs(torch.tensor(noise))
  (expected**2).sum().backward()
  np.testing.assert_allclose(images, nhwc(expected), atol=1e-4)
  check_gradients(theirs, columns_by_channel(gradients, features), 2e-3)
  for name, layer in named_layers(theirs):
    if isinstance(layer, nn.BatchNorm2d):
      np.testing.assert_allclose(stats[name]['mean'], layer.running_mean, rtol=1e-3, atol=1e-4)


def test_discriminator():
  images = np.tanh(random(4, 32, 32, 3))
  ours = sndcgan.Discriminator(8)
  variables = init_shaken(ours, images)
  theirs = torch_step.Discriminator(32, 3, 8).train()
  load(theirs, variables)

  def loss(params, images):
    (logits, _), _ = ours.apply(
      {**variables, 'params': params}, images, train=True, mutable=['batch_stats']
    )
    return jnp.sum(jnp.sin(logits)), logits

  (gradients, image_gradient), logits = jax.grad(loss, argnums=(0, 1), has_aux=True)(
    variables['params'], images
  )
  inputs = nchw(images).requires_grad_()
  expected = theirs(inputs)
  expected.sin().sum().backward()
  np.testing.assert_allclose(logits, expected.detach(), rtol=1e-4, atol=1e-4)
  check_gradients(theirs, gradients, 2e-3)
  scale = np.abs(image_gradient).max()
  np.testing.assert_allclose(image_gradient, nhwc(inputs.grad), atol=1e-3 * scale)


@pytest.mark.parametrize('train', [True, False])
def test_resnet_32(train):
  images = np.tanh(random(8, 32, 32, 3))
  ours = resnet.ResNet(10)
  variables = init_shaken(ours, images)
  theirs = torch_step.ResNet(10).train(train)
  load(theirs, variables)
  (logits, _), updated = ours.apply(variables, images, train=train, mutable=['batch_stats'])
  expected = theirs(nchw(images)).detach().numpy()
  np.testing.assert_allclose(logits, expected, atol=1e-4 * np.abs(expected).max())
  last = list(named_layers(theirs))[-2]
  np.testing.assert_allclose(
    updated['batch_stats'][last[0]]['mean'], last[1].running_mean, rtol=1e-3, atol=1e-4
  )
