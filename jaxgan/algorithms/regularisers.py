"""What keeps a GAN's training stable: switches that go with every method and each other.

| switch           | what it adds                                                               |
|------------------|----------------------------------------------------------------------------|
| `r1_r2`          | γ/2 (R1 + R2), gradient penalties of the discriminator (Huang et al. 2024) |
| `lecam`          | λ R_LC of the discriminator's predictions (Tseng et al. 2021)              |
| `diff_augment`   | augmented images, real and generated, in every step (Zhao et al. 2020)     |
| `gsr`            | λ R_gSR of the generator's conditional batch norm (Rangwani et al. 2022)   |

The fields of all of them are in the `algorithm` section, zero or empty when they are off.
A step is then the same program, and a state the same tree, as without this module.
"""

from collections.abc import Callable
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgan.augmentation.diff_augment import diff_augment
from jaxgan.errors import UserError
from jaxgan.losses import classification, gradient_penalty, group_spectral, lecam
from jaxgan.networks import conditional

# Switch -> its fields: it is on where the first one is neither zero nor empty.
SWITCHES = {
  'r1_r2': ('r1_r2_weight', 'r1_r2_end_weight', 'r1_r2_steps'),
  'lecam': ('lecam_weight', 'lecam_decay'),
  'diff_augment': ('diff_augment',),
  'gsr': ('group_spectral_weight', 'group_spectral_beta'),
}


def switched_on(config) -> tuple[str, ...]:
  """The names of the switches that are on in an `algorithm` section."""
  return tuple(name for name, fields in SWITCHES.items() if getattr(config, fields[0]))


def protocol(config) -> dict:
  """What an evaluation says of the switches that are on: their names and fields."""
  names = switched_on(config)
  fields = {f: getattr(config, f) for name in names for f in SWITCHES[name]}
  fields = {f: ', '.join(v) if f == 'diff_augment' else v for f, v in fields.items()}
  return {'switches': ', '.join(names), **fields} if names else {}


def check(config, conditional_generator: bool, discriminator, image_shape) -> None:
  """Raises a UserError where a switch that is on does not go with the networks."""
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
  """Whether there are running means: those of spectral norm have other names."""
  images, labels = jnp.zeros((2, *image_shape)), jnp.zeros(2, jnp.int32)
  init = functools.partial(discriminator.init, train=False)
  statistics = jax.eval_shape(init, jax.random.key(0), images, labels).get('batch_stats', {})
  leaves = jax.tree_util.tree_leaves_with_path(statistics)
  return any(str(path[-1].key) == 'mean' for path, _ in leaves)


def views(config, rng):
  """`view(images)`, what the discriminator sees of a step's images: (of real, of generated ones).

  Args:
    config: the `algorithm` section.
    rng: of the step. The keys of the augmentations are folded in, so that labels and noise are what
      they are without them.
  """
  if not config.diff_augment:
    return (lambda images: images,) * 2
  rngs = jax.random.split(jax.random.fold_in(rng, 1))
  return tuple(functools.partial(diff_augment, r, names=config.diff_augment) for r in rngs)


class Judged(NamedTuple):
  """A batch of real or generated images that the discriminator has judged.

  Attributes:
    critic: `critic(images) -> logits [N]`, with the augmentation that is on.
    images: `[N, H, W, C]`.
    logits: `[N]`.
  """

  critic: Callable
  images: Any
  logits: Any


def r1_r2(real: Judged, fake: Judged):
  """(R1 + R2) / 2, of real and of generated images."""
  penalty = gradient_penalty.zero_centred_gradient_penalty
  return 0.5 * (penalty(real.critic, real.images) + penalty(fake.critic, fake.images))


def first_memories(config) -> dict:
  """{switch: memory} before the first batch, kept among the discriminator's variables."""
  return {'lecam': lecam.initial_averages()} if 'lecam' in switched_on(config) else {}


def regularise(loss, config, step, memories, real: Judged, fake: Judged):
  """Adds γ (R1 + R2) / 2 and λ R_LC to the discriminator's loss, as far as they are on.

  γ follows a cosine from `r1_r2_weight` to `r1_r2_end_weight`. The averages of R_LC count this
  batch first.

  Args:
    loss: scalar.
    config: the `algorithm` section.
    step: of the state.
    memories: of `first_memories` and later of the previous step; may hold other entries.
    real: the batch of real images.
    fake: the batch of generated images.

  Returns:
    (loss, new memories, metrics).
  """
  on, remembered, metrics = switched_on(config), {}, {}
  if 'r1_r2' in on:
    metrics['loss/r1_r2'] = r1_r2(real, fake)
    weights = config.r1_r2_weight, config.r1_r2_end_weight
    weight = gradient_penalty.cosine_weight(step, *weights, config.r1_r2_steps)
    loss += weight * metrics['loss/r1_r2']
  if 'lecam' in on:
    logits = real.logits, fake.logits
    remembered['lecam'] = lecam.update_averages(memories['lecam'], *logits, config.lecam_decay)
    metrics['loss/lecam'] = lecam.lecam(*logits, remembered['lecam'])
    loss += config.lecam_weight * metrics['loss/lecam']
  return loss, remembered, metrics


def regularise_generator(loss, config, params, class_counts):
  """Adds λ R_gSR to the generator's loss where it is on.

  Args:
    loss: scalar.
    config: the `algorithm` section.
    params: of the generator.
    class_counts: `[K]`, training images of each class.

  Returns:
    (loss, metrics).
  """
  if 'gsr' not in switched_on(config):
    return loss, {}
  weights = classification.effective_number_weights(class_counts, config.group_spectral_beta)
  value = group_spectral.group_spectral(conditional.embeddings(params), weights)
  return loss + config.group_spectral_weight * value, {'loss/gsr': value}
