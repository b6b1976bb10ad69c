"""Generative adversarial training, with or without a frozen classifier in the loop.

One update is n_dis discriminator steps and one generator step. What it trains and minimises are
independent choices: the networks and the adversarial loss, which the configuration names for all
methods alike, and what a method is made of (`Choices`): how the frozen classifier guides the
generator. A published method is an entry of METHODS.

A classifier in the loop sees every batch of the generator; its argmax gives the effective class
counts. See "Class Balancing GAN with a Classifier in the Loop".
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from flax import struct
import jax
import jax.numpy as jnp
import optax

from jaxgan.algorithms import Algorithm, adam, apply_train
from jaxgan.errors import UserError
from jaxgan.losses import adversarial, class_balance
from jaxgan.networks.gans import NETWORKS
from jaxgan.parallel import along_batch

LOSSES = {
  'relativistic': (adversarial.relativistic_discriminator, adversarial.relativistic_generator),
  'hinge': (adversarial.hinge_discriminator, adversarial.hinge_generator),
  'non_saturating': (
    adversarial.non_saturating_discriminator,
    adversarial.non_saturating_generator,
  ),
}
WEIGHTS = {
  'released': class_balance.class_weights,
  'paper': class_balance.inverse_frequency_weights,
}


class Guidance(NamedTuple):
  """What a classifier in the loop adds to the generator's loss.

  Attributes:
    loss: `loss(class_logits [N, K], class_weights [K]) -> scalar`, of a generated batch.
    weight: the field of the `algorithm` section with its weight.
    metric: its name in the log.
  """

  loss: Callable
  weight: str
  metric: str


def _balance(class_logits, class_weights):
  mean_probs = jax.nn.softmax(class_logits).mean(axis=0)
  return class_balance.weighted_entropy(mean_probs, class_weights)


# None: there is no classifier in the loop.
GUIDANCE = {
  'none': None,
  'weighted_entropy': Guidance(_balance, 'regulariser_weight', 'loss/regulariser'),
}


class Choices(NamedTuple):
  """What a method is made of.

  Attributes:
    guidance: of GUIDANCE.
  """

  guidance: str = 'none'

  @property
  def classifier(self) -> bool:
    """Whether there is a classifier in the loop."""
    return self.guidance != 'none'


METHODS = {
  'unconditional': Choices(),
  'class_balancing': Choices(guidance='weighted_entropy'),
}


class GanState(struct.PyTreeNode):
  """Everything that GAN training changes.

  `generator`, `discriminator` and `ema` are Flax variables: parameters, and as `batch_stats` the
  batch-norm statistics (generator) and spectral-norm vectors (discriminator). `counts` are the
  effective class counts N and `cycle_counts` the c of the running cycle, both `[K]`, or None
  without a classifier in the loop.
  """

  step: Any
  generator: Any
  discriminator: Any
  ema: Any
  generator_optimizer: Any
  discriminator_optimizer: Any
  counts: Any
  cycle_counts: Any


def _check(config, choices: Choices) -> None:
  choice = choices.guidance
  for field, value, allowed in (
    ('algorithm.network', config.network, NETWORKS),
    ('algorithm.loss', config.loss, LOSSES),
    ('algorithm.regulariser_weights', config.regulariser_weights, WEIGHTS),
    ('guidance', choice, GUIDANCE),
  ):
    if value not in allowed:
      raise UserError(f'{field}={value!r} is unknown: use one of {", ".join(allowed)}')


def gan(
  config,
  choices: Choices,
  image_shape: tuple[int, int, int],
  num_classes: int,
  classify: Callable | None = None,
) -> Algorithm:
  """Builds the GAN algorithm.

  Args:
    config: the `algorithm` section of an experiment: `network` (of NETWORKS), `loss` (of LOSSES),
      `generator_width`, `discriminator_width`, `noise_dim`, `learning_rate`, `beta1`, `beta2`,
      `epsilon` (of Adam), `discriminator_steps` (n_dis), `ema_decay`, `ema_start`,
      `regulariser_weight` (λ), `regulariser_weights` (of WEIGHTS), `count_start`, `count_decay`
      (α), `count_cycle`, `dtype`.
    choices: a method of METHODS, or other choices.
    image_shape: (H, W, C) of the training images.
    num_classes: K of the classifier in the loop.
    classify: `classify(variables, images) -> (logits, features)` of the frozen classifier, whose
      variables come with each batch as `batch['frozen']['classifier']`; not read without guidance.

  Returns:
    The Algorithm; its state is a GanState.

  Raises:
    UserError: an unknown choice, or an image size that the network cannot make.
  """
  _check(config, choices)
  generator, discriminator = NETWORKS[config.network].make(config, image_shape)
  guidance = GUIDANCE[choices.guidance]
  discriminator_loss, generator_loss = LOSSES[config.loss]
  weights = WEIGHTS[config.regulariser_weights]
  optimizer = adam(config)

  def draw_noise(rng, num):
    return along_batch(jax.random.normal(rng, (num, config.noise_dim)))

  def init(rng):
    generator_rng, discriminator_rng = jax.random.split(rng)
    noise = jnp.zeros((2, config.noise_dim))
    generator_variables = generator.init(generator_rng, noise, train=False)
    images = jnp.zeros((2, *image_shape))
    discriminator_variables = discriminator.init(discriminator_rng, images, train=False)
    start_counts = jnp.full((num_classes,), config.count_start, jnp.float32)
    return GanState(
      step=jnp.zeros((), jnp.int32),
      generator=generator_variables,
      discriminator=discriminator_variables,
      ema=jax.tree.map(jnp.copy, generator_variables),
      generator_optimizer=optimizer.init(generator_variables['params']),
      discriminator_optimizer=optimizer.init(discriminator_variables['params']),
      counts=start_counts if guidance else None,
      cycle_counts=jnp.zeros_like(start_counts) if guidance else None,
    )

  def discriminator_step(state, real_images, rng):
    noise = draw_noise(rng, real_images.shape[0])
    fake_images, _ = apply_train(
      generator, state.generator['params'], state.generator['batch_stats'], noise
    )
    fake_images = jax.lax.stop_gradient(fake_images)

    def loss_fn(params):
      variables = {'params': params, 'batch_stats': state.discriminator['batch_stats']}
      real_logits, updated = discriminator.apply(
        variables, real_images, train=True, mutable=['batch_stats']
      )
      # The same power iteration as for the real batch: one a step, stored once.
      fake_logits = discriminator.apply(variables, fake_images, train=False)
      loss = discriminator_loss(real_logits, fake_logits)
      return loss, (updated['batch_stats'], real_logits.mean(), fake_logits.mean())

    params = state.discriminator['params']
    (loss, (stats, real, fake)), gradients = jax.value_and_grad(loss_fn, has_aux=True)(params)
    updates, optimizer_state = optimizer.update(gradients, state.discriminator_optimizer, params)
    state = state.replace(
      discriminator={'params': optax.apply_updates(params, updates), 'batch_stats': stats},
      discriminator_optimizer=optimizer_state,
    )
    return state, {'loss/discriminator': loss, 'logits/real': real, 'logits/fake': fake}

  def generator_step(state, real_images, classifier, rng):
    noise = draw_noise(rng, real_images.shape[0])

    def loss_fn(params):
      images, stats = apply_train(generator, params, state.generator['batch_stats'], noise)
      fake_logits = discriminator.apply(state.discriminator, images, train=False)
      real_logits = discriminator.apply(state.discriminator, real_images, train=False)
      loss = generator_loss(real_logits, fake_logits)
      metrics = {'loss/generator': loss}
      if guidance is None:
        return loss, (stats, None, metrics)
      class_logits, _ = classify(classifier, images)
      guidance_loss = guidance.loss(class_logits, weights(state.counts))
      predictions = jnp.argmax(class_logits, axis=-1)
      histogram = jax.nn.one_hot(predictions, num_classes).sum(axis=0)
      metrics |= {guidance.metric: guidance_loss, 'class_share': histogram / histogram.sum()}
      return loss + config[guidance.weight] * guidance_loss, (stats, histogram, metrics)

    params = state.generator['params']
    (_, (stats, histogram, metrics)), gradients = jax.value_and_grad(loss_fn, has_aux=True)(params)
    updates, optimizer_state = optimizer.update(gradients, state.generator_optimizer, params)
    state = state.replace(
      generator={'params': optax.apply_updates(params, updates), 'batch_stats': stats},
      generator_optimizer=optimizer_state,
    )
    return state, histogram, metrics

  def update_statistics(state, histogram):
    """Counts one more batch; ends the cycle when its last step is done (Eq. 5)."""
    cycle_counts = state.cycle_counts + histogram
    ends = (state.step + 1) % config.count_cycle == 0
    counts = class_balance.update_counts(state.counts, cycle_counts, config.count_decay)
    return state.replace(
      counts=jnp.where(ends, counts, state.counts),
      cycle_counts=jnp.where(ends, 0.0, cycle_counts),
    )

  def update(state, batch, rng):
    n_dis = config.discriminator_steps
    *discriminator_rngs, generator_rng = jax.random.split(rng, n_dis + 1)
    # Every n_dis-th image, so that a batch split over devices stays where it is.
    groups = batch['images'].reshape(-1, n_dis, *image_shape)
    for i, step_rng in enumerate(discriminator_rngs):
      state, metrics = discriminator_step(state, groups[:, i], step_rng)
    state, histogram, generator_metrics = generator_step(
      state, groups[:, -1], batch['frozen'].get('classifier'), generator_rng
    )
    if guidance:
      state = update_statistics(state, histogram)
      generator_metrics['effective_counts'] = state.counts
    # Until its start step the average is the generator itself.
    decay = jnp.where(state.step < config.ema_start, 0.0, config.ema_decay)
    ema = optax.incremental_update(state.generator, state.ema, 1.0 - decay)
    state = state.replace(step=state.step + 1, ema=ema)
    return state, metrics | generator_metrics

  def generate(state, rng, num_images, ema=True):
    variables = state.ema if ema else state.generator
    return generator.apply(variables, draw_noise(rng, num_images), train=False)

  return Algorithm(init, update, generate, images_per_update=config.discriminator_steps)
