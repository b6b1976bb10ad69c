"""Generative adversarial training, unconditional or class-balancing.

One update is n_dis discriminator steps and one generator step. With the class-balancing method a
frozen classifier labels the generator's batch: its mean prediction enters the weighted-entropy
regulariser, its argmax the class counts. See "Class Balancing GAN with a Classifier in the Loop".
"""

from collections.abc import Callable
from typing import Any

from flax import struct
import jax
import jax.numpy as jnp
import optax

from jaxgan.algorithms import Algorithm, adam, apply_train
from jaxgan.losses import adversarial, class_balance
from jaxgan.networks import sndcgan
from jaxgan.parallel import along_batch

METHODS = ('unconditional', 'class_balancing')
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


class GanState(struct.PyTreeNode):
  """Everything that GAN training changes.

  `generator`, `discriminator` and `ema` are Flax variables: parameters, and as `batch_stats` the
  batch-norm statistics (generator) and spectral-norm vectors (discriminator). `counts` are the
  effective class counts N and `cycle_counts` the c of the running cycle, both `[K]`, or None for
  the unconditional method.
  """

  step: Any
  generator: Any
  discriminator: Any
  ema: Any
  generator_optimizer: Any
  discriminator_optimizer: Any
  counts: Any
  cycle_counts: Any


def gan(
  config,
  method: str,
  image_shape: tuple[int, int, int],
  num_classes: int,
  classify: Callable | None = None,
) -> Algorithm:
  """Builds the GAN algorithm.

  Args:
    config: the `algorithm` section of an experiment.
    method: one of METHODS.
    image_shape: (H, W, C) of the training images.
    num_classes: K of the classifier in the loop.
    classify: `classify(variables, images) -> (logits, features)` of the frozen classifier, whose
      variables come with each batch as `batch['frozen']['classifier']`. Class-balancing only.

  Returns:
    The Algorithm; its state is a GanState.
  """
  balancing = method == 'class_balancing'
  height, _, channels = image_shape
  dtype = jnp.dtype(config.dtype)
  generator = sndcgan.Generator(height, channels, config.generator_width, dtype)
  discriminator = sndcgan.Discriminator(config.discriminator_width, dtype)
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
      counts=start_counts if balancing else None,
      cycle_counts=jnp.zeros_like(start_counts) if balancing else None,
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
      if not balancing:
        return loss, (stats, None, metrics)
      class_logits, _ = classify(classifier, images)
      mean_probs = jax.nn.softmax(class_logits).mean(axis=0)
      regulariser = class_balance.weighted_entropy(mean_probs, weights(state.counts))
      labels = jnp.argmax(class_logits, axis=-1)
      histogram = jax.nn.one_hot(labels, num_classes).sum(axis=0)
      metrics |= {'loss/regulariser': regulariser, 'class_share': histogram / histogram.sum()}
      return loss + config.regulariser_weight * regulariser, (stats, histogram, metrics)

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
    if balancing:
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
