"""The InfoGAN family: a GAN whose categorical code should represent object identity.

Its methods differ in three choices: the prior of the code (uniform, fixed, or learned with
Gumbel-Softmax), a contrastive loss on real images (none, positives only, or NT-Xent), and whether
the trunk that discriminator D and recognition network Q share is trained by D alone or by both.
Elastic-InfoGAN combines learned prior and NT-Xent: see "Elastic-InfoGAN: Unsupervised Disentangled
Representation Learning in Class-Imbalanced Data", Ojha et al. 2020, Eq. 1-4. Labels are never read.

An update is a step on D and then a joint step on G, Q and prior (§4.4 of the supplement), both with
the same generated batch, as in the released code. The joint step uses the trunk after D's step; the
released code takes the real features of the contrastive loss from the trunk before D's step.

Networks may generate an image in several stages (§4.3 of the supplement), with one trunk and one
set of heads per stage. Every loss is summed over the stages: the adversarial and the
mutual-information losses of each stage's image, and the contrastive loss of each stage's Q, all on
the same real images and views. The last stage generates and classifies.

A learned prior gets its gradient through the codes of the generated batch. The adversarial loss and
the mutual information reach it through the images; without `hard_codes` the mutual information also
reaches it as its target. The contrastive loss reaches it in no variant, because the real images,
their views and Q's outputs for them do not depend on a code: it influences the prior only in later
steps, through Q and a trunk trained by both. `prior_losses='adversarial'` removes the gradient of
both mutual-information terms (categorical and continuous codes) from the prior's logits alone.
`prior_entropy_weight` adds the term + H(c) of Eq. 1 and 4. Its gradient reaches only the logits and
pushes the prior towards the uniform prior. The released code leaves it out, as does the default, 0.

| equation                                                     | function             |
|--------------------------------------------------------------|----------------------|
| c ~ Cat(p), or softmax((log p + g) / τ) (Eq. 2), r ~ U(-1, 1) | `draw_codes`         |
| x = G(z, c)                                                  | `generate_batch`     |
| L_D = -E log D(x) - E log(1 - D(G(z, c)))                     | `discriminator_loss` |
| the losses of the joint step: `infogan_joint`                | `joint_step`         |

Batch norm in training uses the statistics of its batch. Every forward pass of an update updates the
running statistics, in this order: G on its codes; the trunk on real, generated, again generated
images and on the two views of the contrastive loss; Q's head on the last three of these. Without a
contrastive loss, Q's running statistics therefore come from generated images only.

With `ema_decay` the state has an exponential moving average of the generator, which `generate`
uses. It starts as the initial generator and averages parameters and running statistics after each
update. The trainer of the released 64x64 networks (from StackGAN-v2) evaluates such an average with
decay 0.999; the paper does not mention it.
"""

from collections.abc import Callable
import functools
from typing import Any, NamedTuple, cast

from flax import struct
import jax
import jax.numpy as jnp
import optax

from jaxgan.algorithms import (
  Algorithm,
  Batch,
  adam,
  apply_gradients,
  apply_train,
  priors,
  total,
  with_statistics,
)
from jaxgan.algorithms.infogan_joint import joint_adam, joint_group, joint_step
from jaxgan.algorithms.infogan_methods import InfoGanConfig
from jaxgan.losses import adversarial
from jaxgan.networks import infogans
from jaxgan.system.parallel import along_batch

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

  `generator`, `trunk` and `recognition` are Flax variables: parameters, and as `batch_stats` the
  batch-norm statistics; `discriminator_head` are parameters. Trunk and heads hold the variables of
  all stages, see `jaxgan.networks.infogans.Stages`. `prior_logits` `[k]` define the prior
  p = softmax(prior_logits), which is constant unless it is learned.
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
  def variables(self) -> dict:
    """The variables that `classify` reads: the trunks and Q's heads."""
    return {'trunk': self.trunk, 'recognition': self.recognition}


class AveragedInfoGanState(InfoGanState):
  """The state of a run with `ema_decay`: `ema` is the average of `generator`.

  A separate class, so that checkpoints without an average keep their tree.
  """

  ema: Any


class Parts(NamedTuple):
  """Constants of training, which the functions of this module read; see `infogan`."""

  config: InfoGanConfig
  network: infogans.Network
  generator: Any
  trunk: Any
  discriminator_head: Any
  recognition_head: Any
  optimizer: optax.GradientTransformation
  joint_optimizer: optax.GradientTransformation
  image_shape: tuple[int, int, int]
  num_categories: int

  def to_stages(self, images: jax.Array) -> tuple[jax.Array, ...]:
    """Repeats the images for every stage."""
    return (images,) * self.network.num_stages


def infogan(
  config: InfoGanConfig, image_shape: tuple[int, int, int], num_categories: int
) -> Algorithm:
  """Builds the InfoGAN algorithm.

  Args:
    config: the `algorithm` section of an experiment.
    image_shape: (S, S, C) of the training images.
    num_categories: k. A fixed prior is proportional to a batch's `class_counts` `[k]`.

  Returns:
    The Algorithm; its state is an InfoGanState, or an AveragedInfoGanState with `ema_decay`;
    without `ema_decay`, `generate` ignores `ema`. `generate` accepts `codes` `[num_images, k + r]`,
    category and continuous codes; sampled codes have a one-hot category from the state's prior.
    `classify` is Q: the categorical logits `[N, k]` and the contrastive features `[N, D]`.
  """
  network, num_continuous = infogans.NETWORKS[config.network], config.num_continuous

  def for_each_stage(make: Callable, *arguments):
    return infogans.Stages(tuple(make(*arguments) for _ in range(network.num_stages)))

  parts = Parts(
    config,
    network,
    network.generator(config, image_shape, num_categories + num_continuous, jnp.tanh),
    for_each_stage(network.trunk, config),
    for_each_stage(network.discriminator_head),
    for_each_stage(network.recognition_head, config, num_categories, num_continuous),
    adam(config),
    joint_adam(config),
    image_shape,
    num_categories,
  )
  return Algorithm(
    functools.partial(init, parts),
    functools.partial(update, parts),
    functools.partial(generate, parts),
    functools.partial(classify, parts),
    draw=functools.partial(draw, parts),
    decode=functools.partial(decode, parts),
  )


def discriminator_group(state: InfoGanState) -> dict:
  """Selects the parameters that the discriminator step trains."""
  return {'trunk': state.trunk['params'], 'head': state.discriminator_head}


def init(parts: Parts, rng: jax.Array) -> InfoGanState:
  """Builds the state before the first update."""
  config, k = parts.config, parts.num_categories
  generator_rng, trunk_rng, discriminator_rng, recognition_rng = jax.random.split(rng, 4)
  codes = jnp.zeros((2, config.noise_dim + k + config.num_continuous))
  features, trunk = parts.trunk.init_with_output(
    trunk_rng, parts.to_stages(jnp.zeros((2, *parts.image_shape))), train=False
  )
  generator = with_statistics(parts.generator.init(generator_rng, codes, train=False))
  average = {'ema': jax.tree.map(jnp.copy, generator)} if config.ema_decay else {}
  start = config.prior_start
  state = (AveragedInfoGanState if average else InfoGanState)(
    step=jnp.zeros((), jnp.int32),
    generator=generator,
    trunk=with_statistics(trunk),
    discriminator_head=parts.discriminator_head.init(discriminator_rng, features)['params'],
    recognition=with_statistics(
      parts.recognition_head.init(recognition_rng, features, train=False)
    ),
    prior_logits=jnp.zeros(k) if start is None else priors.logits(jnp.array(start)),
    discriminator_optimizer=None,
    joint_optimizer=None,
    **average,
  )
  return state.replace(
    discriminator_optimizer=parts.optimizer.init(discriminator_group(state)),
    joint_optimizer=parts.joint_optimizer.init(joint_group(parts, state)),
  )


def draw_codes(
  parts: Parts, rng: jax.Array, prior_logits: jax.Array, num: int, soft: bool
) -> jax.Array:
  """Draws a category c ~ Cat(p), relaxed by Gumbel-Softmax if `soft` (Eq. 2), and r ~ U(-1, 1).

  Returns:
    `[N, k + r]`.
  """
  category_rng, continuous_rng = jax.random.split(rng)
  if soft:
    category = priors.gumbel_softmax(category_rng, prior_logits, parts.config.temperature, num)
  else:
    category = priors.categorical(category_rng, jax.nn.softmax(prior_logits), num)
  continuous = priors.continuous_uniform(continuous_rng, parts.config.num_continuous, num)
  return along_batch(jnp.concatenate([category, continuous], axis=-1))


def with_noise(parts: Parts, rng: jax.Array, codes: jax.Array) -> jax.Array:
  """Prepends noise z ~ N(0, I) to codes: inputs (z, c) `[N, Z + k + r]` of the generator."""
  noise = along_batch(jax.random.normal(rng, (len(codes), parts.config.noise_dim)))
  return jnp.concatenate([noise, codes], axis=-1)


def generate_batch(
  params: dict, parts: Parts, state: InfoGanState, rng: jax.Array, num: int
) -> tuple[tuple[jax.Array, Any], Any]:
  """Generates a training batch x = G(z, c) with the batch's statistics.

  Args:
    params: from `joint_group`; the codes are differentiable in a learned prior.
    parts: of the algorithm.
    state: before the update.
    rng: key.
    num: N.

  Returns:
    ((codes `[N, k + r]`, images of each stage `[N, H, W, C]`), the generator's new statistics).
  """
  noise_rng, code_rng = jax.random.split(rng)
  prior_logits = params.get('prior_logits', state.prior_logits)
  codes = draw_codes(parts, code_rng, prior_logits, num, soft=parts.config.prior == 'learnable')
  inputs, stats = with_noise(parts, noise_rng, codes), state.generator['batch_stats']
  images, stats = apply_train(parts.generator, params['generator'], stats, inputs)
  return (codes, images), stats


def discriminator_loss(
  params: dict, parts: Parts, state: InfoGanState, real_images: Any, fake_images: Any
) -> tuple[jax.Array, Any]:
  """Discriminator loss -E log D(x) - E log(1 - D(G(z, c))), summed over the stages.

  Returns:
    (scalar, new trunk statistics).
  """
  stats = state.trunk['batch_stats']
  real_images = parts.to_stages(real_images)
  real_features, stats = apply_train(parts.trunk, params['trunk'], stats, real_images)
  fake_features, stats = apply_train(parts.trunk, params['trunk'], stats, fake_images)
  judge = functools.partial(parts.discriminator_head.apply, {'params': params['head']})
  logits = judge(real_features), judge(fake_features)
  return total(map(adversarial.non_saturating_discriminator, *logits)), stats


def discriminator_step(
  parts: Parts, state: InfoGanState, real_images: Any, fake_images: Any
) -> tuple[InfoGanState, dict]:
  """Trains the trunk and the discriminator's head: (state, metrics)."""
  params = discriminator_group(state)
  (loss, stats), gradients = jax.value_and_grad(discriminator_loss, has_aux=True)(
    params, parts, state, real_images, fake_images
  )
  params, optimizer_state = apply_gradients(
    parts.optimizer, gradients, state.discriminator_optimizer, params
  )
  state = state.replace(
    trunk={'params': params['trunk'], 'batch_stats': stats},
    discriminator_head=params['head'],
    discriminator_optimizer=optimizer_state,
  )
  return state, {'loss/discriminator': loss}


def update(
  parts: Parts, state: InfoGanState, batch: Batch, frozen: dict, rng: jax.Array
) -> tuple[InfoGanState, dict]:
  """Takes a step on D, then a joint step on G, Q and prior; see `Algorithm.update`.

  `frozen` is not read.
  """
  config, real_images = parts.config, batch.images
  draw_rng, *view_rngs = jax.random.split(rng, 4)
  if config.prior == 'fixed':
    state = state.replace(prior_logits=priors.logits(batch.class_counts))
  # The generator runs once; the joint step pulls its gradients back through this pass.
  generated, pullback, stats = jax.vjp(
    lambda params: generate_batch(params, parts, state, draw_rng, len(real_images)),
    joint_group(parts, state),
    has_aux=True,
  )
  generator = {**state.generator, 'batch_stats': stats}
  state, metrics = discriminator_step(parts, state, real_images, generated[1])
  state = state.replace(step=state.step + 1, generator=generator)
  state, joint_metrics = joint_step(parts, state, real_images, generated, pullback, view_rngs)
  if config.ema_decay:
    average = cast(AveragedInfoGanState, state).ema
    ema = optax.incremental_update(state.generator, average, 1.0 - config.ema_decay)
    state = state.replace(ema=ema)
  return state, metrics | joint_metrics


def generate(
  parts: Parts,
  state: InfoGanState,
  rng: jax.Array,
  num_images: int,
  ema: bool = True,
  codes: jax.Array | None = None,
) -> jax.Array:
  """Generates images of the last stage in inference mode; see `Algorithm.generate`."""
  if ema and parts.config.ema_decay:
    variables = cast(AveragedInfoGanState, state).ema
  else:
    variables = state.generator
  noise_rng, code_rng = jax.random.split(rng)
  if codes is None:
    codes = draw_codes(parts, code_rng, state.prior_logits, num_images, soft=False)
  inputs = with_noise(parts, noise_rng, codes)
  return parts.generator.apply(variables, inputs, train=False)[-1]


def draw(
  parts: Parts, state: InfoGanState, rng: jax.Array, num_images: int
) -> tuple[jax.Array, jax.Array]:
  """Draws noise `[N, Z]` and codes `[N, k + r]` as `generate` does; see `Algorithm.draw`."""
  noise_rng, code_rng = jax.random.split(rng)
  codes = draw_codes(parts, code_rng, state.prior_logits, num_images, soft=False)
  inputs = with_noise(parts, noise_rng, codes)
  return inputs[:, : parts.config.noise_dim], codes


def decode(parts: Parts, state: InfoGanState, noise: jax.Array, codes: jax.Array) -> jax.Array:
  """Generates images of the last stage from given inputs; see `Algorithm.decode`."""
  averaged = isinstance(state, AveragedInfoGanState)
  inputs = jnp.concatenate([noise, codes], axis=-1)
  return parts.generator.apply(state.ema if averaged else state.generator, inputs, train=False)[-1]


def classify(parts: Parts, variables: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Q of the last stage in inference mode: logits `[N, k]`, contrastive features `[N, D]`."""
  features = parts.trunk.apply(variables['trunk'], parts.to_stages(images), train=False)
  outputs = parts.recognition_head.apply(variables['recognition'], features, train=False)
  logits, _, features = outputs[-1]
  return logits, features
