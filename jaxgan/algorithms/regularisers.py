"""Regularisers that stabilise a GAN: switches for every method, in any combination.

| switch           | what it adds                                                               |
|------------------|----------------------------------------------------------------------------|
| `r1_r2`          | γ/2 (R1 + R2), gradient penalties of the discriminator (Huang et al. 2024) |
| `lecam`          | λ R_LC of the discriminator's predictions (Tseng et al. 2021)              |
| `diff_augment`   | augmented images, real and generated, in every step (Zhao et al. 2020)     |
| `gsr`            | λ R_gSR of the generator's conditional batch norm (Rangwani et al. 2022)   |

Their fields are in the `algorithm` section, zero or empty when a switch is off. With all switches
off, a step is the same program, and a state the same tree, as without this module.
"""

from collections.abc import Callable
import functools
from typing import Any, NamedTuple

from flax import linen as nn
import jax
import jax.numpy as jnp

from jaxgan.algorithms.gan_methods import GanConfig
from jaxgan.augmentation.diff_augment import diff_augment
from jaxgan.config import spans
from jaxgan.errors import UserError
from jaxgan.losses import classification, gradient_penalty, group_spectral, lecam
from jaxgan.networks import conditional

# Switch -> its fields. A switch is on if its first field is neither zero nor empty.
SWITCHES = {
  'r1_r2': ('r1_r2_weight', 'r1_r2_end_weight', 'r1_r2_steps'),
  'lecam': ('lecam_weight', 'lecam_decay'),
  'diff_augment': ('diff_augment',),
  'gsr': ('group_spectral_weight', 'group_spectral_beta'),
}


def switched_on(config: GanConfig) -> tuple[str, ...]:
  """Names of the switches that are on in an `algorithm` section."""
  return tuple(name for name, fields in SWITCHES.items() if getattr(config, fields[0]))


def protocol(config: GanConfig) -> dict:
  """Names and fields of the switches that are on, for the protocol of an evaluation."""
  names = switched_on(config)
  fields = {f: getattr(config, f) for name in names for f in SWITCHES[name]}
  fields = {f: ', '.join(v) if f == 'diff_augment' else v for f, v in fields.items()}
  return {'switches': ', '.join(names), **fields} if names else {}


def check(
  config: GanConfig,
  conditional_generator: bool,
  discriminator: nn.Module,
  image_shape: tuple[int, int, int],
) -> None:
  """Checks that the networks support the switches that are on, and that no fraction is left.

  Args:
    config: the `algorithm` section.
    conditional_generator: whether the generator has conditional batch norm.
    discriminator: the network.
    image_shape: (H, W, C).

  Raises:
    UserError: gSR without embeddings of classes or with spectral norm of the generator, or R1 + R2
      with batch norm in the discriminator.
  """
  spans.check_whole(config)
  on = switched_on(config)
  if 'gsr' in on and (not conditional_generator or config.generator_spectral_norm):
    what = 'a generator with spectral norm, which bounds its embeddings already'
    what = what if conditional_generator else 'a generator without labels, which has no embeddings'
    raise UserError(
      f'algorithm.group_spectral_weight={config.group_spectral_weight} is not possible with {what} '
      'of classes: use 0, or a method with labels and algorithm.generator_spectral_norm=False'
    )
  if 'r1_r2' in on and _has_batch_norm(discriminator, image_shape):
    raise UserError(
      f'algorithm.r1_r2_weight={config.r1_r2_weight} is not possible with algorithm.network='
      f'{config.network!r}, whose discriminator has batch norm, so that the gradient at an image '
      'depends on the others: use 0 or another network'
    )


def _has_batch_norm(discriminator, image_shape) -> bool:
  """Whether the network has running means; the statistics of spectral norm have other names."""
  images, labels = jnp.zeros((2, *image_shape)), jnp.zeros(2, jnp.int32)
  init = functools.partial(discriminator.init, train=False)
  statistics = jax.eval_shape(init, jax.random.key(0), images, labels).get('batch_stats', {})
  leaves = jax.tree_util.tree_leaves_with_path(statistics)
  return any(str(path[-1].key) == 'mean' for path, _ in leaves)


def _unchanged(images):
  return images


def views(config: GanConfig, rng: jax.Array) -> tuple[Callable, Callable]:
  """Augmentations `view(images)` of a step, one for real and one for generated images.

  Args:
    config: the `algorithm` section.
    rng: key of the step. The augmentations fold a number in, so that they do not change the draws
      of labels and noise.

  Returns:
    Two functions; both are the identity when augmentation is off.
  """
  if not config.diff_augment:
    return _unchanged, _unchanged
  rngs = jax.random.split(jax.random.fold_in(rng, 1))
  real, fake = (functools.partial(diff_augment, r, names=config.diff_augment) for r in rngs)
  return real, fake


class Judged(NamedTuple):
  """Real or generated images with the discriminator's logits.

  Attributes:
    critic: `critic(images) -> logits [N]`, including augmentation.
    images: `[N, H, W, C]`.
    logits: `[N]`.
  """

  critic: Callable
  images: Any
  logits: Any


def r1_r2(real: Judged, fake: Judged) -> jax.Array:
  """Gradient penalties (R1 + R2) / 2 of real and generated images."""
  penalty = gradient_penalty.zero_centred_gradient_penalty
  return 0.5 * (penalty(real.critic, real.images) + penalty(fake.critic, fake.images))


def first_memories(config: GanConfig) -> dict:
  """Memories {switch: values} before the first batch, stored with the discriminator's variables."""
  return {'lecam': lecam.initial_averages()} if 'lecam' in switched_on(config) else {}


def regularise(
  loss: jax.Array, config: GanConfig, step: jax.Array, memories: dict, real: Judged, fake: Judged
) -> tuple[jax.Array, dict, dict]:
  """Adds γ (R1 + R2) / 2 and λ R_LC to the discriminator's loss if their switches are on.

  γ follows a cosine from `r1_r2_weight` to `r1_r2_end_weight`. The averages of R_LC include this
  batch.

  Args:
    loss: scalar.
    config: the `algorithm` section.
    step: updates before this one.
    memories: from `first_memories`, later from the previous step; may have other entries.
    real: the batch of real images.
    fake: the batch of generated images.

  Returns:
    (loss, new memories, metrics).
  """
  on, remembered, metrics = switched_on(config), {}, {}
  if 'r1_r2' in on:
    metrics['loss/r1_r2'] = r1_r2(real, fake)
    weights = config.r1_r2_weight, config.r1_r2_end_weight
    weight = gradient_penalty.cosine_weight(step, *weights, int(config.r1_r2_steps))
    loss += weight * metrics['loss/r1_r2']
  if 'lecam' in on:
    logits = real.logits, fake.logits
    remembered['lecam'] = lecam.update_averages(memories['lecam'], *logits, config.lecam_decay)
    metrics['loss/lecam'] = lecam.lecam(*logits, remembered['lecam'])
    loss += config.lecam_weight * metrics['loss/lecam']
  return loss, remembered, metrics


def regularise_generator(
  loss: jax.Array, config: GanConfig, params: Any, class_counts: jax.Array
) -> tuple[jax.Array, dict]:
  """Adds λ R_gSR to the generator's loss if its switch is on.

  Args:
    loss: scalar.
    config: the `algorithm` section.
    params: parameters of the generator.
    class_counts: `[K]`, training images of each class.

  Returns:
    (loss, metrics).
  """
  if 'gsr' not in switched_on(config):
    return loss, {}
  weights = classification.effective_number_weights(class_counts, config.group_spectral_beta)
  value = group_spectral.group_spectral(conditional.embeddings(params), weights)
  return loss + config.group_spectral_weight * value, {'loss/gsr': value}
