"""Losses and updates against PyTorch with the same weights."""

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
from jaxgan.networks import resnet, sndcgan

torch = pytest.importorskip('torch')
from benchmarks import torch_step  # noqa: E402
from tests.support.torch_networks import (  # noqa: E402
  columns_by_channel,
  init_shaken,
  load,
  nchw,
  parameters,
  random,
)

pytestmark = pytest.mark.slow
F = torch.nn.functional


def test_relativistic_losses():
  real, fake = 3.0 * random(16), 3.0 * random(16, seed=1)
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
  logits, weights = 2.0 * random(16, 5), np.abs(random(5, seed=1)) + 0.1
  labels = np.arange(16) % 5
  expected = F.cross_entropy(torch.tensor(logits), torch.tensor(labels), torch.tensor(weights))
  value = classification.cross_entropy(logits, labels, weights)
  np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_five_adam_steps_of_the_gan():
  config = base.gan_config('x', 'class_balancing', 'x', 'x', flip=True).algorithm
  optimizer = adam(config)
  params = jnp.asarray(random(40))
  state = optimizer.init(params)
  tensor = torch.tensor(random(40), requires_grad=True)
  theirs = torch.optim.Adam([tensor], 2e-4, (0.5, 0.999), 1e-6)
  for step in range(5):
    # From 1 down to 1e-9: for the small gradients ε dominates.
    gradient = random(40, seed=step + 1) * np.logspace(0, -9, 40, dtype=np.float32)
    updates, state = optimizer.update(jnp.asarray(gradient), state, params)
    params = optax.apply_updates(params, updates)
    tensor.grad = torch.tensor(gradient)
    theirs.step()
  assert np.abs(params - random(40)).max() > 1e-4
  np.testing.assert_allclose(params, tensor.detach(), atol=1e-6)


def test_five_updates_of_the_classifier():
  # Momentum, weight decay, warm-up, class weights and batch norm together.
  counts, steps_per_epoch = [5000, 300, 50], 2
  config = base.classifier_section('x', drw=True).algorithm
  config = changed(config, {'depth': 8, 'width': 4, 'drw_epoch': 1})
  algorithm = classifier_algorithm.classifier(config, (16, 16, 3), len(counts), steps_per_epoch)
  state = algorithm.init(jax.random.key(0))
  state = state.replace(variables=init_shaken(resnet.ResNet(3, 8, 4), np.zeros((2, 16, 16, 3))))
  theirs = torch_step.ResNet(3, 8, 4).train()
  load(theirs, state.variables)
  optimizer = torch.optim.SGD(theirs.parameters(), 0.1, momentum=0.9, weight_decay=2e-4)
  schedule = classifier_algorithm.learning_rate_schedule(config, steps_per_epoch)
  drw = torch.tensor(np.asarray(classification.effective_number_weights(counts, 0.9999)))

  update = jax.jit(algorithm.update)
  for step in range(5):
    images = np.tanh(random(12, 16, 16, 3, seed=step))
    labels = np.random.default_rng(step).integers(0, 3, 12)
    batch = Batch(images, labels, np.asarray(counts, np.int32))
    state, metrics = update(state, batch, {}, jax.random.key(0))

    weights = drw if step >= steps_per_epoch else torch.ones(3)
    loss = F.cross_entropy(theirs(nchw(images)), torch.tensor(labels), weights)
    optimizer.param_groups[0]['lr'] = float(schedule(step))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    np.testing.assert_allclose(metrics['loss/classifier'], loss.item(), rtol=1e-3)
  for name, parameter, expected in parameters(theirs, state.variables['params']):
    np.testing.assert_allclose(parameter.detach(), expected, rtol=1e-2, atol=2e-4, err_msg=name)


def test_steps_of_the_class_balancing_gan(monkeypatch):
  """Losses in three updates of the step that the benchmark times."""
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
  classifier = init_shaken(network, np.zeros((2, 16, 16, 3)))
  ours = gan_algorithm.gan(
    config.algorithm,
    METHODS['class_balancing'],
    (16, 16, 3),
    3,
    lambda variables, images: network.apply(variables, images, train=False),
  )
  state = ours.init(jax.random.key(0))
  # Converged power iterations, because PyTorch makes four per step and JAX one.
  discriminator, images = sndcgan.Discriminator(4), np.zeros((2, 16, 16, 3), np.float32)
  for _ in range(30):
    _, stats = discriminator.apply(state.discriminator, images, train=True, mutable=['batch_stats'])
    state = state.replace(discriminator={**state.discriminator, **stats})

  theirs = torch_step.Trainer(config, np.zeros((8, 16, 16, 3), np.uint8), 3, 'cpu')
  params = columns_by_channel(state.generator['params'], 16)
  load(theirs.generator, {**state.generator, 'params': params})
  load(theirs.discriminator, state.discriminator)
  load(theirs.classifier, classifier)

  update = jax.jit(ours.update)
  for step in range(3):
    real_images, rng = np.tanh(random(8, 16, 16, 3, seed=step)), jax.random.key(step)
    # The noise of `ours`: one key for the discriminator step, one for the generator step.
    noises = map(lambda key: nchw(jax.random.normal(key, (8, 128))), jax.random.split(rng))
    monkeypatch.setattr(theirs, 'draw', lambda images=real_images: nchw(images))
    monkeypatch.setattr(theirs, 'noise', noises.__next__)
    batch = Batch(real_images, np.zeros(8, np.int32))
    state, metrics = update(state, batch, {'classifier': classifier}, rng)
    losses = [loss.item() for loss in theirs.step()]
    names = ('loss/discriminator', 'loss/generator', 'loss/regulariser')
    np.testing.assert_allclose([metrics[name] for name in names], losses, rtol=2e-3)
  np.testing.assert_array_equal(state.counts, theirs.counts)
  np.testing.assert_array_equal(state.cycle_counts, theirs.cycle_counts)
