"""The InfoGAN family: a GAN whose categorical code is to mean object identity.

Three choices make its members: the prior of the code (uniform, fixed, or learned with
Gumbel-Softmax), a contrastive loss on real images (none, positives only, or NT-Xent), and whether
the trunk that discriminator D and recognition network Q share is trained by D alone or by both.
Learned prior and NT-Xent are Elastic-InfoGAN: see "Elastic-InfoGAN: Unsupervised Disentangled
Representation Learning in Class-Imbalanced Data", Ojha et al. 2020, Eq. 1-4. Labels are never read.

An update is a step on D and then a joint step on G, Q and prior (§4.4 of the supplement), both with
the same generated batch, as in the released code. The joint step sees the trunk as D's step left
it; the released code takes the features of real images for the contrastive loss from just before.

Networks may make an image in several stages (§4.3 of the supplement), each with a trunk and heads
of its own. Every loss is the sum of that loss over the stages: the adversarial and the
mutual-information losses of each stage's image, and the contrastive loss of each stage's Q, all on
the same real images and views. The last stage is the one that generates and classifies.

A learned prior gets its gradient through the codes of the generated batch: from the adversarial
loss and the mutual information through the images, from the latter also as its target unless
`hard_codes`. No variant's contrastive loss gives it any: neither the real images, their views nor
what Q says of them depends on a code, whoever trains the trunk; it changes the prior in later steps
only, by what Q and a trunk trained by both have learned. `prior_losses='adversarial'` keeps all of
the mutual information's gradient (that of continuous codes with it) from the logits, and from
nothing else. `prior_entropy_weight` adds the term + H(c) of Eq. 1 and 4, a gradient of the logits
alone that pushes the prior to the uniform one. The released code leaves it out, and so does the
default, 0.

Batch norm uses the statistics of each forward's own batch. Running statistics take in every
forward of an update, in this order: G on its codes; the trunk on real, generated, again generated
images and on the two views of the contrastive loss; Q's head on the last three of these. Without a
contrastive loss, Q's running statistics are therefore those of generated images.

With `ema_decay` the state has an exponential moving average of the generator, which `generate`
uses. It starts as the first generator and averages parameters and running statistics after each
update. The trainer of the released 64x64 networks (StackGAN-v2's) evaluates such an average of
decay 0.999; the paper does not mention it.
"""

import math
from typing import Any

from flax import struct
import jax
import jax.numpy as jnp
import optax

from jaxgan import augment, priors
from jaxgan.algorithms import Algorithm, adam, apply_train, check_choices, total
from jaxgan.losses import adversarial, contrastive, mutual_information
from jaxgan.networks import infogans
from jaxgan.parallel import along_batch

PRIORS = ('uniform', 'fixed', 'learnable')
CONTRASTIVE = ('none', 'positives', 'nt_xent')
TRUNKS = ('discriminator', 'both')
PRIOR_LOSSES = ('all', 'adversarial')
POSITIVE_LOSSES = ('agreement', 'cosine')
CROPS = ('side', 'area')
CHOICES = {
  'network': infogans.NETWORKS,
  'prior': PRIORS,
  'contrastive': CONTRASTIVE,
  'trunk': TRUNKS,
  'prior_losses': PRIOR_LOSSES,
  'positive_loss': POSITIVE_LOSSES,
  'crop_of': CROPS,
  'views': augment.VIEWS,
}
# The methods of the paper's Table 1: (prior, contrastive).
VARIANTS = {
  'uniform_infogan': ('uniform', 'none'),
  'ground_truth_infogan': ('fixed', 'none'),
  'ground_truth_infogan_ntxent': ('fixed', 'nt_xent'),
  'gumbel_softmax': ('learnable', 'none'),
  'gumbel_softmax_pos': ('learnable', 'positives'),
  'elastic_infogan': ('learnable', 'nt_xent'),
}


class InfoGanState(struct.PyTreeNode):
  """Everything that InfoGAN training changes.

  `generator`, `trunk` and `recognition` are Flax variables, parameters and as `batch_stats` the
  batch-norm statistics; `discriminator_head` are parameters. But for the generator they are those
  of all stages, see `jaxgan.networks.infogans.Stages`. `prior_logits` `[k]` are the prior
  p = softmax(prior_logits), a constant unless it is learned.
  """

  step: Any
  generator: Any
  trunk: Any
  discriminator_head: Any
  recognition: Any
  prior_logits: Any
  discriminator_optimizer: Any
  joint_optimizer: Any

  @property
  def variables(self):
    """What `classify` needs: the variables of the trunks and of Q's heads."""
    return {'trunk': self.trunk, 'recognition': self.recognition}


class AveragedInfoGanState(InfoGanState):
  """The state of a run with `ema_decay`: `ema` is the average of `generator`.

  A class of its own, so that checkpoints of runs without it stay as they are.
  """

  ema: Any


def _logits(class_counts):
  """The logits of the frequencies of some counts; the floor keeps those of empty classes finite."""
  shares = class_counts / jnp.sum(class_counts)
  return jnp.log(jnp.maximum(shares, jnp.finfo(jnp.float32).tiny))


def _side_kept(config):
  """The share of each side that a crop of the positive pair keeps."""
  return math.sqrt(config.crop_keep) if config.crop_of == 'area' else config.crop_keep


def infogan(config, image_shape: tuple[int, int, int], num_categories: int) -> Algorithm:
  """Builds the InfoGAN algorithm.

  Args:
    config: the `algorithm` section of an experiment: `network` (of
      `jaxgan.networks.infogans.NETWORKS`) and its `width`, `prior` (of PRIORS), `contrastive` (of
      CONTRASTIVE), `trunk` (of TRUNKS), `noise_dim`, `num_continuous` (r), `temperature` (τ of the
      learned prior), `hard_codes` (the target of the mutual information: argmax c, or c itself),
      `mutual_information_weight` (λ1), `contrastive_weight` (λ2), `contrastive_temperature` (τ'),
      `positive_loss` (of POSITIVE_LOSSES, of contrastive='positives': `positive_agreement` or
      `positive_cosine` of Q(c|x), see `jaxgan.losses.contrastive`), `views` (of
      `jaxgan.augment.VIEWS`), `rotation_degrees`, `zoom_range`, `crop_keep`, `flip` and
      `gamma_range` (of the positive pair, see `jaxgan.augment.random_view`), `crop_of`
      (of CROPS: `crop_keep` is the share of each side or of the area; the paper's "preserving 95 %
      of the image" may mean either, 0.95 or 0.975 of each side), `prior_losses` (of PRIOR_LOSSES:
      whose gradients reach a learned prior), `prior_entropy_weight` (of H(c)), `prior_start`
      (frequencies `[k]` that a learned prior starts with; None for uniform ones), `ema_decay` (of
      the generator's average; 0 for none), `learning_rate`, `prior_learning_rate` (of a learned
      prior's logits), `beta1`, `beta2`, `epsilon` (of Adam), `dtype`.
    image_shape: (S, S, C) of the training images.
    num_categories: k. The fixed prior is that of the batch's `class_counts` `[k]`.

  Returns:
    The Algorithm; its state is an InfoGanState, with `ema_decay` an AveragedInfoGanState; without
    it `generate` ignores `ema`. `generate` takes `codes` `[num_images, k + r]`, category and
    continuous codes; those it draws itself have a one-hot category from the state's prior.
    `classify` is Q: the categorical logits `[N, k]` and the contrastive features `[N, D]`.
  """
  check_choices(config, CHOICES, 'algorithm.')
  learnable = config.prior == 'learnable'
  train_trunk = config.trunk == 'both'
  network = infogans.NETWORKS[config.network]
  generator = network.generator(
    config, image_shape, num_categories + config.num_continuous, jnp.tanh
  )

  def for_each_stage(make, *arguments):
    return infogans.Stages(tuple(make(*arguments) for _ in range(network.num_stages)))

  trunk = for_each_stage(network.trunk, config)
  discriminator_head = for_each_stage(network.discriminator_head)
  recognition_head = for_each_stage(
    network.recognition_head, config, num_categories, config.num_continuous
  )
  optimizer = adam(config)

  def to_stages(images):
    """The same images for every stage."""
    return (images,) * network.num_stages

  def discriminate(params, features):
    return discriminator_head.apply({'params': params}, features)

  def discriminator_group(state):
    """What the first step trains."""
    return {'trunk': state.trunk['params'], 'head': state.discriminator_head}

  def joint_group(state):
    """What the second step trains."""
    group = {'generator': state.generator['params'], 'recognition': state.recognition['params']}
    if learnable:
      group['prior_logits'] = state.prior_logits
    if train_trunk:
      group['trunk'] = state.trunk['params']
    return group

  def draw_noise(rng, num):
    return along_batch(jax.random.normal(rng, (num, config.noise_dim)))

  def draw_codes(rng, prior_logits, num, soft):
    category_rng, continuous_rng = jax.random.split(rng)
    if soft:
      category = priors.gumbel_softmax(category_rng, prior_logits, config.temperature, num)
    else:
      category = priors.categorical(category_rng, jax.nn.softmax(prior_logits), num)
    continuous = priors.continuous_uniform(continuous_rng, config.num_continuous, num)
    return along_batch(jnp.concatenate([category, continuous], axis=-1))

  def make_batch(params, state, rng, num):
    """A training batch of the generator: (codes, images) and its running statistics."""
    noise_rng, code_rng = jax.random.split(rng)
    prior_logits = params.get('prior_logits', state.prior_logits)
    codes = draw_codes(code_rng, prior_logits, num, soft=learnable)
    inputs = jnp.concatenate([draw_noise(noise_rng, num), codes], axis=-1)
    images, stats = apply_train(
      generator, params['generator'], state.generator['batch_stats'], inputs
    )
    return (codes, images), stats

  def init(rng):
    generator_rng, trunk_rng, discriminator_rng, recognition_rng = jax.random.split(rng, 4)
    codes = jnp.zeros((2, config.noise_dim + num_categories + config.num_continuous))
    features, trunk_variables = trunk.init_with_output(
      trunk_rng, to_stages(jnp.zeros((2, *image_shape))), train=False
    )
    generator_variables = generator.init(generator_rng, codes, train=False)
    average = {'ema': jax.tree.map(jnp.copy, generator_variables)} if config.ema_decay else {}
    start = config.prior_start
    state = (AveragedInfoGanState if average else InfoGanState)(
      step=jnp.zeros((), jnp.int32),
      generator=generator_variables,
      trunk=trunk_variables,
      discriminator_head=discriminator_head.init(discriminator_rng, features)['params'],
      recognition=recognition_head.init(recognition_rng, features, train=False),
      prior_logits=jnp.zeros(num_categories) if start is None else _logits(jnp.array(start)),
      discriminator_optimizer=None,
      joint_optimizer=None,
      **average,
    )
    return state.replace(
      discriminator_optimizer=optimizer.init(discriminator_group(state)),
      joint_optimizer=optimizer.init(joint_group(state)),
    )

  def discriminator_step(state, real_images, fake_images):
    def loss_fn(params):
      stats = state.trunk['batch_stats']
      real_features, stats = apply_train(trunk, params['trunk'], stats, to_stages(real_images))
      fake_features, stats = apply_train(trunk, params['trunk'], stats, fake_images)
      real_logits = discriminate(params['head'], real_features)
      fake_logits = discriminate(params['head'], fake_features)
      losses = map(adversarial.non_saturating_discriminator, real_logits, fake_logits)
      return total(losses), stats

    params = discriminator_group(state)
    (loss, stats), gradients = jax.value_and_grad(loss_fn, has_aux=True)(params)
    updates, optimizer_state = optimizer.update(gradients, state.discriminator_optimizer, params)
    params = optax.apply_updates(params, updates)
    state = state.replace(
      trunk={'params': params['trunk'], 'batch_stats': stats},
      discriminator_head=params['head'],
      discriminator_optimizer=optimizer_state,
    )
    return state, {'loss/discriminator': loss}

  def agree(outputs_a, outputs_b):
    """The contrastive loss of a stage, of what Q says of two views."""
    (logits_a, _, features_a), (logits_b, _, features_b) = outputs_a, outputs_b
    if config.contrastive == 'positives' and config.positive_loss == 'cosine':
      probabilities = jax.nn.softmax(logits_a), jax.nn.softmax(logits_b)
      return contrastive.positive_cosine(*probabilities, config.contrastive_temperature)
    if config.contrastive == 'positives':
      return contrastive.positive_agreement(logits_a, logits_b)
    return contrastive.nt_xent(features_a, features_b, config.contrastive_temperature)

  def joint_step(state, real_images, generated, pullback, view_rngs):
    weight = config.mutual_information_weight

    def features_of(images):
      """With constant parameters: the adversarial loss would teach the trunk to be fooled."""
      return apply_train(trunk, state.trunk['params'], state.trunk['batch_stats'], images)[0]

    def adversarial_loss(features):
      fake_logits = discriminate(state.discriminator_head, features)
      return total(adversarial.non_saturating_generator(None, logits) for logits in fake_logits)

    def loss_fn(params, codes, images):
      trunk_params = params.get('trunk', state.trunk['params'])

      def recognise(images, trunk_stats, head_stats):
        features, trunk_stats = apply_train(trunk, trunk_params, trunk_stats, images)
        outputs, head_stats = apply_train(
          recognition_head, params['recognition'], head_stats, features
        )
        return features, outputs, (trunk_stats, head_stats)

      stats = state.trunk['batch_stats'], state.recognition['batch_stats']
      features, outputs, stats = recognise(images, *stats)

      loss = adversarial_loss(features_of(images) if train_trunk else features)
      metrics = {'loss/generator': loss}

      category, continuous = codes[:, :num_categories], codes[:, num_categories:]
      information = total(
        mutual_information.categorical(logits, category, config.hard_codes)
        for logits, _, _ in outputs
      )
      loss += weight * information
      metrics['loss/mutual_information'] = information
      if config.num_continuous:
        prediction_loss = total(
          mutual_information.continuous(prediction, continuous) for _, prediction, _ in outputs
        )
        loss += weight * prediction_loss
        metrics['loss/continuous'] = prediction_loss

      if config.contrastive != 'none':
        views = augment.random_view(
          view_rngs,
          real_images,
          config.rotation_degrees,
          config.zoom_range,
          _side_kept(config),
          config.flip,
          config.gamma_range,
          config.views,
        )
        _, outputs_a, stats = recognise(to_stages(real_images), *stats)
        _, outputs_b, stats = recognise(to_stages(views), *stats)
        agreement = total(map(agree, outputs_a, outputs_b))
        loss += config.contrastive_weight * agreement
        metrics['loss/contrastive'] = agreement

      if learnable and config.prior_entropy_weight:
        negative_entropy = -mutual_information.entropy(params['prior_logits'])
        loss += config.prior_entropy_weight * negative_entropy
        metrics['loss/prior_entropy'] = negative_entropy
      return loss, (stats, metrics)

    params = joint_group(state)
    (_, (stats, metrics)), (gradients, *generated_gradients) = jax.value_and_grad(
      loss_fn, argnums=(0, 1, 2), has_aux=True
    )(params, *generated)
    (through_generator,) = pullback(tuple(generated_gradients))
    if learnable and config.prior_losses == 'adversarial':
      codes, images = generated
      from_images = jax.grad(lambda images: adversarial_loss(features_of(images)))(images)
      (from_adversarial,) = pullback((jnp.zeros_like(codes), from_images))
      through_generator['prior_logits'] = from_adversarial['prior_logits']
    gradients = jax.tree.map(jnp.add, gradients, through_generator)
    trunk_stats, head_stats = stats
    updates, optimizer_state = optimizer.update(gradients, state.joint_optimizer, params)
    if learnable and config.prior_learning_rate != config.learning_rate:
      # Adam's step is proportional to its rate.
      updates['prior_logits'] *= config.prior_learning_rate / config.learning_rate
    params = optax.apply_updates(params, updates)
    state = state.replace(
      generator={**state.generator, 'params': params['generator']},
      trunk={'params': params.get('trunk', state.trunk['params']), 'batch_stats': trunk_stats},
      recognition={'params': params['recognition'], 'batch_stats': head_stats},
      prior_logits=params.get('prior_logits', state.prior_logits),
      joint_optimizer=optimizer_state,
    )
    return state, metrics | {'prior': jax.nn.softmax(state.prior_logits)}

  def update(state, batch, frozen, rng):
    del frozen
    draw_rng, *view_rngs = jax.random.split(rng, 4)
    real_images = batch.images
    if config.prior == 'fixed':
      state = state.replace(prior_logits=_logits(batch.class_counts))
    # The generator runs once; its gradient waits for the losses of the second step.
    generated, pullback, generator_stats = jax.vjp(
      lambda params: make_batch(params, state, draw_rng, real_images.shape[0]),
      joint_group(state),
      has_aux=True,
    )
    generator_variables = {**state.generator, 'batch_stats': generator_stats}
    state, metrics = discriminator_step(state, real_images, generated[1])
    state = state.replace(step=state.step + 1, generator=generator_variables)
    state, joint_metrics = joint_step(state, real_images, generated, pullback, view_rngs)
    if config.ema_decay:
      ema = optax.incremental_update(state.generator, state.ema, 1.0 - config.ema_decay)
      state = state.replace(ema=ema)
    return state, metrics | joint_metrics

  def generate(state, rng, num_images, ema=True, codes=None):
    variables = state.ema if ema and config.ema_decay else state.generator
    noise_rng, code_rng = jax.random.split(rng)
    if codes is None:
      codes = draw_codes(code_rng, state.prior_logits, num_images, soft=False)
    inputs = jnp.concatenate([draw_noise(noise_rng, num_images), codes], axis=-1)
    return generator.apply(variables, inputs, train=False)[-1]

  def classify(variables, images):
    features = trunk.apply(variables['trunk'], to_stages(images), train=False)
    outputs = recognition_head.apply(variables['recognition'], features, train=False)
    logits, _, features = outputs[-1]
    return logits, features

  return Algorithm(init, update, generate, classify)
