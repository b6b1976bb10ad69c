"""Generative adversarial training, with or without labels and a frozen classifier in the loop.

One update is n_dis discriminator steps and one generator step. What it trains and minimises are
independent choices: the networks and the adversarial loss, which the configuration names for all
methods alike, and what a method is made of (`gan_methods.Choices`): the labels that the generator
gets, the head by which the discriminator judges them, and what a frozen classifier adds to the
generator's loss.

A classifier in the loop sees every batch of the generator; its argmax gives the effective class
counts. See "Class Balancing GAN with a Classifier in the Loop". Its classes need not be those of
labels: a recogniser, such as the Q of an InfoGAN of the same images, says which of k codes an image
has, and the same regulariser balances the codes. What keeps training stable can be switched on for
every method, see `jaxgan.algorithms.stability`.
"""

from collections.abc import Callable
import functools
from typing import Any

from flax import struct
import jax
import jax.numpy as jnp
import optax

from jaxgan.algorithms import Algorithm, adam, apply_train, check_choices, gan_methods, stability
from jaxgan.algorithms.ema_statistics import EMA_STATISTICS
from jaxgan.losses import adversarial, auxiliary, class_balance
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
# update(N [K], c [K] of the cycle, α) -> N; 'held' keeps what training starts with (Fig. 3).
COUNT_UPDATES = {
  'convex': class_balance.convex_update,
  'additive': class_balance.additive_update,
  'held': lambda counts, cycle_counts, decay: counts,
}
# Which steps draw the labels of a method whose labels are 'effective' by 1/N_k; others, uniformly.
EFFECTIVE_LABELS = {'generator_step': ('generator',), 'both_steps': ('discriminator', 'generator')}
CHOICES = {
  'network': NETWORKS,
  'loss': LOSSES,
  'regulariser_weights': WEIGHTS,
  'count_update': COUNT_UPDATES,
  'effective_labels': EFFECTIVE_LABELS,
}


class GanState(struct.PyTreeNode):
  """Everything that GAN training changes.

  `generator`, `discriminator` and `ema` are Flax variables: parameters, and as `batch_stats` the
  batch-norm statistics (generator) and spectral-norm vectors; the discriminator's also hold what
  its regularisers remember. `counts` are the effective class counts N and `cycle_counts` the c of
  the running cycle, both `[K]`, or None without a classifier in the loop.
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
  choices: gan_methods.Choices,
  image_shape: tuple[int, int, int],
  num_classes: int,
  classify: Callable | None = None,
  ema_statistics: str = 'average',
) -> Algorithm:
  """Builds the GAN algorithm.

  Args:
    config: the `algorithm` section of an experiment: `network` (of NETWORKS), `loss` (of LOSSES),
      `generator_width`, `discriminator_width`, `generator_spectral_norm` (the discriminator always
      has it), `noise_dim`, `learning_rate`, `beta1`, `beta2`, `epsilon` (of Adam),
      `discriminator_steps` (n_dis), `ema_decay`, `ema_start`, `regulariser_weight` (λ),
      `regulariser_weights` (of WEIGHTS), `class_loss_weight` (of the losses of head 'auxiliary'),
      `classifier_loss_weight` (of guidance 'cross_entropy'), `effective_labels` (of
      EFFECTIVE_LABELS), `count_start` (N at the start, one number for all classes or one for each),
      `cycle_start` (c_k at the start of the first cycle, for all classes), `count_update` (of
      COUNT_UPDATES), `count_decay` (α), `count_cycle` (steps), `dtype`, and those of
      `stability.SWITCHES`.
    choices: a method of `gan_methods.METHODS`, or other choices.
    image_shape: (H, W, C) of the training images.
    num_classes: K of the classifier in the loop, and of the labels where there are any.
    classify: `classify(variables, images) -> (logits, features)` of the frozen classifier, whose
      variables come with each batch as `batch['frozen']['classifier']`; not read without guidance.
    ema_statistics: of EMA_STATISTICS, what `settled` gives the average of the generator.

  Returns:
    The Algorithm; its state is a GanState.

  Raises:
    UserError: an unknown choice, or choices that do not go together.
  """
  check_choices(config, CHOICES, 'algorithm.')
  gan_methods.check(choices)
  generator, discriminator = NETWORKS[config.network].make(
    config, image_shape, choices.labels != 'none', choices.head, num_classes
  )
  draw_uniform = gan_methods.LABELS['none' if choices.labels == 'none' else 'uniform']
  draw_labels = dict.fromkeys(('discriminator', 'generator'), draw_uniform)
  if choices.labels == 'effective':
    effective = EFFECTIVE_LABELS[config.effective_labels]
    draw_labels |= dict.fromkeys(effective, gan_methods.LABELS['effective'])
  guidance = gan_methods.GUIDANCE[choices.guidance]
  discriminator_loss, generator_loss = LOSSES[config.loss]
  weights = WEIGHTS[config.regulariser_weights]
  update_counts = COUNT_UPDATES[config.count_update]
  optimizer = adam(config)
  stability.check(config, choices.labels != 'none', discriminator, image_shape)
  discriminator_regularisers = stability.of_discriminator(config)
  generator_regularisers = stability.of_generator(config)

  def draw_noise(rng, num):
    return along_batch(jax.random.normal(rng, (num, config.noise_dim)))

  def generate_train(step, params, state, rng, num):
    """A training batch: images, their labels, and the generator's running statistics.

    `step` is 'discriminator' or 'generator'. The statistics of both are kept, as in the authors'
    released code; the paper is silent.
    """
    labels, noise_rng = draw_labels[step](rng, num, num_classes, state.counts)
    noise = draw_noise(noise_rng, num)
    images, stats = apply_train(generator, params, state.generator['batch_stats'], noise, labels)
    return images, labels, stats

  def init(rng):
    generator_rng, discriminator_rng = jax.random.split(rng)
    noise, images = jnp.zeros((2, config.noise_dim)), jnp.zeros((2, *image_shape))
    labels = None if choices.labels == 'none' else jnp.zeros(2, jnp.int32)
    generator_variables = generator.init(generator_rng, noise, labels, train=False)
    discriminator_variables = discriminator.init(discriminator_rng, images, labels, train=False)
    start_counts = jnp.broadcast_to(jnp.array(config.count_start, jnp.float32), (num_classes,))
    memories = stability.first_memories(discriminator_regularisers)
    return GanState(
      step=jnp.zeros((), jnp.int32),
      generator=generator_variables,
      discriminator={**discriminator_variables, **memories},
      ema=jax.tree.map(jnp.copy, generator_variables),
      generator_optimizer=optimizer.init(generator_variables['params']),
      discriminator_optimizer=optimizer.init(discriminator_variables['params']),
      counts=start_counts if guidance else None,
      cycle_counts=jnp.full_like(start_counts, config.cycle_start) if guidance else None,
    )

  def discriminator_step(state, real_images, real_labels, rng):
    fake_images, fake_labels, stats = generate_train(
      'discriminator', state.generator['params'], state, rng, real_images.shape[0]
    )
    fake_images = jax.lax.stop_gradient(fake_images)
    view_real, view_fake = stability.views(config, rng)

    def loss_fn(params):
      variables = {'params': params, 'batch_stats': state.discriminator['batch_stats']}
      (real_logits, real_classes), updated = discriminator.apply(
        variables, view_real(real_images), real_labels, train=True, mutable=['batch_stats']
      )
      # The same power iteration as for the real batch: one a step, stored once.
      fake_logits, fake_classes = discriminator.apply(
        variables, view_fake(fake_images), fake_labels, train=False
      )
      loss = discriminator_loss(real_logits, fake_logits)
      metrics = {
        'loss/discriminator': loss,
        'logits/real': real_logits.mean(),
        'logits/fake': fake_logits.mean(),
      }
      if fake_classes is not None:
        class_loss = auxiliary.auxiliary_discriminator(
          real_classes, real_labels, fake_classes, fake_labels
        )
        loss += config.class_loss_weight * class_loss
        metrics['loss/discriminator_class'] = class_loss

      def seen(view, images, labels, logits):
        judge = functools.partial(discriminator.apply, variables, train=False)
        return stability.Seen(lambda images: judge(view(images), labels)[0], images, logits)

      loss, memories, penalties = stability.regularise(
        loss,
        discriminator_regularisers,
        state.step,
        state.discriminator,
        seen(view_real, real_images, real_labels, real_logits),
        seen(view_fake, fake_images, fake_labels, fake_logits),
      )
      return loss, ({**updated, **memories}, metrics | penalties)

    params = state.discriminator['params']
    (_, (updated, metrics)), gradients = jax.value_and_grad(loss_fn, has_aux=True)(params)
    updates, optimizer_state = optimizer.update(gradients, state.discriminator_optimizer, params)
    state = state.replace(
      generator={**state.generator, 'batch_stats': stats},
      discriminator={'params': optax.apply_updates(params, updates), **updated},
      discriminator_optimizer=optimizer_state,
    )
    return state, metrics

  def generator_step(state, real_images, real_labels, batch, rng):
    view_real, view_fake = stability.views(config, rng)

    def loss_fn(params):
      images, labels, stats = generate_train('generator', params, state, rng, real_images.shape[0])
      judge = functools.partial(discriminator.apply, state.discriminator, train=False)
      fake_logits, fake_classes = judge(view_fake(images), labels)
      real_logits, _ = judge(view_real(real_images), real_labels)
      loss = generator_loss(real_logits, fake_logits)
      metrics = {'loss/generator': loss}
      if fake_classes is not None:
        class_loss = auxiliary.auxiliary_generator(fake_classes, labels)
        loss += config.class_loss_weight * class_loss
        metrics['loss/generator_class'] = class_loss
      for name, (weight, regulariser) in generator_regularisers.items():
        metrics[name] = regulariser(params, batch['class_counts'])
        loss += weight * metrics[name]
      if guidance is None:
        return loss, (stats, None, metrics)
      class_logits, _ = classify(batch['frozen']['classifier'], images)
      guidance_loss = guidance.loss(class_logits, labels, weights(state.counts))
      predictions = jnp.argmax(class_logits, axis=-1)
      histogram = jax.nn.one_hot(predictions, num_classes).sum(axis=0)
      metrics |= {guidance.metric: guidance_loss, 'class_share': histogram / histogram.sum()}
      return loss + getattr(config, guidance.weight) * guidance_loss, (stats, histogram, metrics)

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
    counts = update_counts(state.counts, cycle_counts, config.count_decay)
    return state.replace(
      counts=jnp.where(ends, counts, state.counts),
      cycle_counts=jnp.where(ends, 0.0, cycle_counts),
    )

  def update(state, batch, rng):
    n_dis = config.discriminator_steps
    *discriminator_rngs, generator_rng = jax.random.split(rng, n_dis + 1)
    # Every n_dis-th image, so that a batch split over devices stays where it is.
    images = batch['images'].reshape(-1, n_dis, *image_shape)
    labels = batch['labels'].reshape(-1, n_dis)
    for i, step_rng in enumerate(discriminator_rngs):
      state, metrics = discriminator_step(state, images[:, i], labels[:, i], step_rng)
    state, histogram, generator_metrics = generator_step(
      state, images[:, -1], labels[:, -1], batch, generator_rng
    )
    if guidance:
      state = update_statistics(state, histogram)
      generator_metrics['effective_counts'] = state.counts
    # Until its start step the average is the generator itself.
    decay = jnp.where(state.step < config.ema_start, 0.0, config.ema_decay)
    ema = optax.incremental_update(state.generator, state.ema, 1.0 - decay)
    state = state.replace(step=state.step + 1, ema=ema)
    return state, metrics | generator_metrics

  def generate(state, rng, num_images, ema=True, labels=None):
    drawn, noise_rng = draw_uniform(rng, num_images, num_classes, None)
    labels = drawn if labels is None else labels
    variables = state.ema if ema else state.generator
    return generator.apply(variables, draw_noise(noise_rng, num_images), labels, train=False)

  def pass_batch(params, batch_stats, rng, num_images):
    labels, noise_rng = draw_uniform(rng, num_images, num_classes, None)
    noise = draw_noise(noise_rng, num_images)
    return apply_train(generator, params, batch_stats, noise, labels)[1]

  def settled(state):
    stats = EMA_STATISTICS[ema_statistics](state.ema, state.generator, pass_batch)
    return state.replace(ema={**state.ema, 'batch_stats': stats})

  return Algorithm(
    init,
    update,
    generate,
    images_per_update=config.discriminator_steps,
    class_conditional=choices.class_conditional,
    class_balanced=gan_methods.BATCHES[choices.batches],
    settled=settled,
  )
