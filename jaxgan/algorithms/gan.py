"""Generative adversarial training, with or without labels and a frozen classifier in the loop.

One update is n_dis discriminator steps and one generator step. The configuration names the networks
and the adversarial loss, for all methods alike. A `gan_methods.GanMethod` names the labels of the
generator, the head of the discriminator that reads them, and the loss term of a frozen classifier.

A classifier in the loop classifies every batch of the generator step; its argmax gives the
effective class counts. See "Class Balancing GAN with a Classifier in the Loop". Its classes may be
codes instead of labels: a recogniser, such as the Q of an InfoGAN of the same images, predicts the
code of an image. Every method accepts the switches of `jaxgan.algorithms.regularisers`.

| equation                                                        | function             |
|-----------------------------------------------------------------|----------------------|
| z ~ N(0, I), y uniform or ∝ 1/N_k (§6.5.2)                      | `draw_inputs`        |
| x = G(z, y)                                                     | `generate_batch`     |
| L_D (Eq. 2), ACGAN's class loss, the terms of `regularisers`    | `discriminator_loss` |
| λ Σ_k w_k(N) p̂_k log p̂_k (Eq. 7) or the classifier's class loss | `classifier_term`    |
| L_G (Eq. 3), ACGAN's class loss, gSR, the classifier's term     | `generator_loss`     |
| N_k <- α N_k + (1 - α) c_k after a cycle (Eq. 5)                | `update_counts`      |
| θ_EMA <- β θ_EMA + (1 - β) θ_G                                  | `update_average`     |

The factory `gan` builds the Parts, which no step changes, and binds them as first arguments.
"""

from collections.abc import Callable
import functools
from typing import Any

import jax
import jax.numpy as jnp
import optax

from jaxgan.algorithms import (
  BATCHES,
  Algorithm,
  Batch,
  adam,
  apply_gradients,
  apply_train,
  gan_methods,
  regularisers,
  with_statistics,
)
from jaxgan.algorithms.ema_statistics import EMA_STATISTICS
from jaxgan.algorithms.gan_state import GanState, Parts
from jaxgan.losses import auxiliary, class_balance
from jaxgan.losses.adversarial import LOSSES
from jaxgan.losses.class_balance import CLASS_WEIGHTINGS, COUNT_UPDATES
from jaxgan.networks.gans import NETWORKS
from jaxgan.system.parallel import along_batch


def gan(
  config: gan_methods.GanConfig,
  method: gan_methods.GanMethod,
  image_shape: tuple[int, int, int],
  num_classes: int,
  classify: Callable | None = None,
  ema_statistics: str = 'average',
) -> Algorithm:
  """Builds the GAN algorithm.

  Args:
    config: the `algorithm` section of an experiment.
    method: a method of `gan_methods.METHODS`, or another combination.
    image_shape: (H, W, C) of the training images.
    num_classes: K of the classifier in the loop and of the labels.
    classify: `classify(variables, images) -> (logits, features)` of the frozen classifier; an
      update reads its variables as `frozen['classifier']`. Not used without guidance.
    ema_statistics: key of EMA_STATISTICS, the statistics that `settled` gives the averaged
      generator.

  Returns:
    The Algorithm; its state is a GanState.

  Raises:
    UserError: a choice of the method is unknown, or choices exclude each other.
  """
  gan_methods.check(method)
  conditional = method.labels != 'none'
  generator, discriminator = NETWORKS[config.network].make(
    config, image_shape, conditional, method.head, num_classes
  )
  regularisers.check(config, conditional, discriminator, image_shape)
  parts = Parts(
    config, method, generator, discriminator, adam(config), image_shape, num_classes, classify
  )
  return Algorithm(
    functools.partial(init, parts),
    functools.partial(update, parts),
    functools.partial(generate, parts),
    images_per_update=config.discriminator_steps,
    class_conditional=method.class_conditional,
    class_balanced=BATCHES[method.batches],
    settled=functools.partial(settled, parts, ema_statistics),
    draw=lambda state, rng, num: draw_inputs(parts, '', rng, num),
    decode=lambda state, *inputs: generator.apply(state.ema, *inputs, train=False),
  )


def init(parts: Parts, rng: jax.Array) -> GanState:
  """Builds the state before the first update."""
  config, conditional = parts.config, parts.method.labels != 'none'
  generator_rng, discriminator_rng = jax.random.split(rng)
  noise, images = jnp.zeros((2, config.noise_dim)), jnp.zeros((2, *parts.image_shape))
  labels = jnp.zeros(2, jnp.int32) if conditional else None
  generator = with_statistics(parts.generator.init(generator_rng, noise, labels, train=False))
  discriminator = parts.discriminator.init(discriminator_rng, images, labels, train=False)
  counts = cycle_counts = None
  if parts.method.classifier_loss:
    start = jnp.array(config.count_start, jnp.float32)
    counts = jnp.broadcast_to(start, (parts.num_classes,))
    cycle_counts = jnp.full_like(counts, config.cycle_start)
  return GanState(
    step=jnp.zeros((), jnp.int32),
    generator=generator,
    discriminator=with_statistics({**discriminator, **regularisers.first_memories(config)}),
    ema=jax.tree.map(jnp.copy, generator),
    generator_optimizer=parts.optimizer.init(generator['params']),
    discriminator_optimizer=parts.optimizer.init(discriminator['params']),
    counts=counts,
    cycle_counts=cycle_counts,
  )


def draw_inputs(
  parts: Parts, step: str, rng: jax.Array, num: int, counts: Any = None
) -> tuple[jax.Array, jax.Array | None]:
  """Draws noise z ~ N(0, I) and labels y from a distribution of `gan_methods.LABELS`.

  Args:
    parts: of the algorithm.
    step: 'discriminator' or 'generator'; '' for images outside training, with uniform labels.
    rng: key.
    num: N.
    counts: `[K]`, effective counts; only effective labels read them.

  Returns:
    (noise `[N, Z]`, labels `[N]`, or None for an unconditional generator).
  """
  labels = parts.method.labels
  if (
    labels == 'effective'
    and step not in gan_methods.EFFECTIVE_LABELS[parts.config.effective_labels]
  ):
    labels = 'uniform'
  labels, noise_rng = gan_methods.LABELS[labels](rng, num, parts.num_classes, counts)
  return along_batch(jax.random.normal(noise_rng, (num, parts.config.noise_dim))), labels


def generate_batch(
  params: Any, parts: Parts, state: GanState, step: str, rng: jax.Array, num: int
) -> tuple[jax.Array, Any, Any]:
  """Generates a training batch x = G(z, y) with the batch's statistics.

  Args:
    params: parameters of the generator.
    parts: of the algorithm.
    state: before the step.
    step: see `draw_inputs`.
    rng: key.
    num: N.

  Returns:
    (images `[N, H, W, C]`, labels `[N]` or None, new running statistics). Both steps keep these
    statistics, as in the authors' released code; the paper does not say.
  """
  noise, labels = draw_inputs(parts, step, rng, num, state.counts)
  stats = state.generator['batch_stats']
  images, stats = apply_train(parts.generator, params, stats, noise, labels)
  return images, labels, stats


def discriminator_loss(
  params: Any, parts: Parts, state: GanState, real: Batch, fake: Batch, rng: jax.Array
) -> tuple[jax.Array, tuple[dict, dict]]:
  """Discriminator loss: L_D of LOSSES, ACGAN's class loss and the terms of `regularisers`.

  Args:
    params: parameters of the discriminator.
    parts: of the algorithm.
    state: before the step.
    real: the Batch of training images.
    fake: the Batch of generated images, without gradients.
    rng: key of the step, for augmentations.

  Returns:
    (scalar, (the discriminator's other variables, metrics)).
  """
  config, apply = parts.config, parts.discriminator.apply
  view_real, view_fake = regularisers.views(config, rng)
  variables = {'params': params, 'batch_stats': state.discriminator['batch_stats']}
  (real_logits, real_classes), updated = apply(
    variables, view_real(real.images), real.labels, train=True, mutable=['batch_stats']
  )
  # Each step takes one power iteration, with the real batch, as its result is stored once.
  judge = functools.partial(apply, variables, train=False)
  fake_logits, fake_classes = judge(view_fake(fake.images), fake.labels)
  loss = LOSSES[config.loss][0](real_logits, fake_logits)
  metrics = {
    'loss/discriminator': loss,
    'logits/real': real_logits.mean(),
    'logits/fake': fake_logits.mean(),
  }
  if fake_classes is not None:
    class_loss = auxiliary.auxiliary_discriminator(
      real_classes, real.labels, fake_classes, fake.labels
    )
    loss += config.class_loss_weight * class_loss
    metrics['loss/discriminator_class'] = class_loss
  judged = (
    regularisers.Judged(
      lambda images, view=view, labels=batch.labels: judge(view(images), labels)[0],
      batch.images,
      logits,
    )
    for view, batch, logits in ((view_real, real, real_logits), (view_fake, fake, fake_logits))
  )
  loss, memories, penalties = regularisers.regularise(
    loss, config, state.step, state.discriminator, *judged
  )
  return loss, (with_statistics({**updated, **memories}), metrics | penalties)


def discriminator_step(
  parts: Parts, state: GanState, real: Batch, rng: jax.Array
) -> tuple[GanState, dict]:
  """Trains the discriminator on one Batch: (state, metrics)."""
  images, labels, stats = generate_batch(
    state.generator['params'], parts, state, 'discriminator', rng, len(real.images)
  )
  fake = Batch(jax.lax.stop_gradient(images), labels)
  params = state.discriminator['params']
  gradients, (variables, metrics) = jax.grad(discriminator_loss, has_aux=True)(
    params, parts, state, real, fake, rng
  )
  params, optimizer_state = apply_gradients(
    parts.optimizer, gradients, state.discriminator_optimizer, params
  )
  state = state.replace(
    generator={**state.generator, 'batch_stats': stats},
    discriminator={'params': params, **variables},
    discriminator_optimizer=optimizer_state,
  )
  return state, metrics


def classifier_term(
  parts: Parts, state: GanState, images: jax.Array, labels: jax.Array | None, variables: Any
) -> tuple[jax.Array, jax.Array, dict]:
  """Loss term of the classifier in the loop: λ Σ_k w_k(N) p̂_k log p̂_k (Eq. 7), or a class loss.

  Args:
    parts: of the algorithm, with a classifier in the loop.
    state: before the step.
    images: `[N, H, W, C]`, generated.
    labels: `[N]`, the classes that the images were generated for, or None.
    variables: Flax variables of the classifier.

  Returns:
    (scalar, c `[K]`: predicted images of each class, metrics).
  """
  classifier_loss = parts.method.classifier_loss
  weights = CLASS_WEIGHTINGS[parts.config.class_weighting]
  assert classifier_loss is not None
  assert parts.classify is not None
  class_logits, _ = parts.classify(variables, images)
  loss = classifier_loss.loss(class_logits, labels, weights(state.counts))
  histogram = class_balance.predicted_counts(class_logits)
  metrics = {classifier_loss.metric: loss, 'class_share': histogram / histogram.sum()}
  return getattr(parts.config, classifier_loss.weight) * loss, histogram, metrics


def generator_loss(
  params: Any, parts: Parts, state: GanState, real: Batch, frozen: dict, rng: jax.Array
) -> tuple[jax.Array, tuple[Any, jax.Array | None, dict]]:
  """Generator loss: L_G of LOSSES, ACGAN's class loss, gSR and the `classifier_term`.

  Args:
    params: parameters of the generator.
    parts: of the algorithm.
    state: before the step.
    real: the Batch of training images.
    frozen: {'classifier': Flax variables}; not read without guidance.
    rng: key of the step.

  Returns:
    (scalar, (the generator's running statistics, c `[K]` of `classifier_term` or None, metrics)).
  """
  config = parts.config
  view_real, view_fake = regularisers.views(config, rng)
  images, labels, stats = generate_batch(params, parts, state, 'generator', rng, len(real.images))
  judge = functools.partial(parts.discriminator.apply, state.discriminator, train=False)
  fake_logits, fake_classes = judge(view_fake(images), labels)
  real_logits, _ = judge(view_real(real.images), real.labels)
  loss = LOSSES[config.loss][1](real_logits, fake_logits)
  metrics = {'loss/generator': loss}
  if fake_classes is not None:
    class_loss = auxiliary.auxiliary_generator(fake_classes, labels)
    loss += config.class_loss_weight * class_loss
    metrics['loss/generator_class'] = class_loss
  loss, penalties = regularisers.regularise_generator(loss, config, params, real.class_counts)
  metrics |= penalties
  if not parts.method.classifier_loss:
    return loss, (stats, None, metrics)
  term, histogram, of_classifier = classifier_term(
    parts, state, images, labels, frozen['classifier']
  )
  return loss + term, (stats, histogram, metrics | of_classifier)


def generator_step(
  parts: Parts, state: GanState, real: Batch, frozen: dict, rng: jax.Array
) -> tuple[GanState, jax.Array | None, dict]:
  """Trains the generator on one Batch: (state, c `[K]` of `classifier_term` or None, metrics)."""
  params = state.generator['params']
  gradients, (stats, histogram, metrics) = jax.grad(generator_loss, has_aux=True)(
    params, parts, state, real, frozen, rng
  )
  params, optimizer_state = apply_gradients(
    parts.optimizer, gradients, state.generator_optimizer, params
  )
  state = state.replace(
    generator={'params': params, 'batch_stats': stats}, generator_optimizer=optimizer_state
  )
  return state, histogram, metrics


def update_counts(parts: Parts, state: GanState, histogram: jax.Array) -> GanState:
  """Adds the predicted images `[K]` of a batch to c; the last step of a cycle updates N (Eq. 5)."""
  config = parts.config
  counts = class_balance.count_batch(
    class_balance.Counts(state.step, state.counts, state.cycle_counts),
    histogram,
    int(config.count_cycle),
    config.count_decay,
    COUNT_UPDATES[config.count_update],
  )
  return state.replace(counts=counts.effective, cycle_counts=counts.of_cycle)


def update_average(parts: Parts, state: GanState) -> GanState:
  """Averages the generator, θ_EMA <- β θ_EMA + (1 - β) θ_G; before `ema_start` with β = 0."""
  decay = jnp.where(state.step < parts.config.ema_start, 0.0, parts.config.ema_decay)
  return state.replace(ema=optax.incremental_update(state.generator, state.ema, 1.0 - decay))


def update(
  parts: Parts, state: GanState, batch: Batch, frozen: dict, rng: jax.Array
) -> tuple[GanState, dict]:
  """Takes n_dis discriminator steps and one generator step; see `Algorithm.update`."""
  n_dis = parts.config.discriminator_steps
  *discriminator_rngs, generator_rng = jax.random.split(rng, n_dis + 1)
  # A step reads every n_dis-th image, so that a batch split over devices is not moved.
  images = batch.images.reshape(-1, n_dis, *parts.image_shape)
  labels = batch.labels.reshape(-1, n_dis)

  def real(step):
    return Batch(images[:, step], labels[:, step], batch.class_counts)

  metrics = {}
  for step, step_rng in enumerate(discriminator_rngs):
    state, metrics = discriminator_step(parts, state, real(step), step_rng)
  state, histogram, generator_metrics = generator_step(
    parts, state, real(-1), frozen, generator_rng
  )
  metrics |= generator_metrics
  if histogram is not None:
    state = update_counts(parts, state, histogram)
    metrics['effective_counts'] = state.counts
  state = update_average(parts, state)
  return state.replace(step=state.step + 1), metrics


def generate(
  parts: Parts,
  state: GanState,
  rng: jax.Array,
  num_images: int,
  ema: bool = True,
  labels: jax.Array | None = None,
) -> jax.Array:
  """Generates images in inference mode; see `Algorithm.generate`."""
  noise, drawn = draw_inputs(parts, '', rng, num_images)
  labels = drawn if labels is None else labels
  variables = state.ema if ema else state.generator
  return parts.generator.apply(variables, noise, labels, train=False)


def settled(parts: Parts, ema_statistics: str, state: GanState) -> GanState:
  """Gives the averaged generator the statistics of an entry of EMA_STATISTICS."""

  def pass_batch(params, batch_stats, rng, num_images):
    noise, labels = draw_inputs(parts, '', rng, num_images)
    return apply_train(parts.generator, params, batch_stats, noise, labels)[1]

  stats = EMA_STATISTICS[ema_statistics](state.ema, state.generator, pass_batch)
  return state.replace(ema={**state.ema, 'batch_stats': stats})
