"""The choices that define a GAN method, and the `algorithm` section that all methods share.

A method chooses the labels of the generator, the head of the discriminator, the loss of a
classifier in the loop, and the batches of real images. Class-balanced batches are the control that
separates the effect of a classifier in the loop from equal exposure to all classes. Each published
method is an entry of METHODS; `jaxgan.algorithms.gan` trains every combination.
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import pydantic

from jaxgan.algorithms import BATCHES, AdamConfig
from jaxgan.augmentation.diff_augment import AUGMENTATIONS
from jaxgan.config.section import (
  Count,
  Decay,
  NotNegative,
  OneOf,
  Positive,
  PositiveSteps,
  Several,
  Steps,
  Where,
  field,
  refuse,
)  # fmt: skip
from jaxgan.errors import UserError
from jaxgan.losses import auxiliary, class_balance
from jaxgan.losses.adversarial import LOSSES
from jaxgan.losses.class_balance import CLASS_WEIGHTINGS, COUNT_UPDATES
from jaxgan.networks.conditional import HEADS
from jaxgan.networks.gans import NETWORKS
from jaxgan.system.parallel import along_batch
from jaxgan.system.registry import Registry


def _no_labels(rng, num_images, num_classes, counts):
  return None, rng


def _uniform_labels(rng, num_images, num_classes, counts):
  rng, label_rng = jax.random.split(rng)
  return along_batch(jax.random.randint(label_rng, (num_images,), 0, num_classes)), rng


def _effective_labels(rng, num_images, num_classes, counts):
  """Labels with probability ∝ 1/N_k (§6.5.2 of the paper): rare classes more often."""
  rng, label_rng = jax.random.split(rng)
  labels = jax.random.categorical(label_rng, -jnp.log(counts), shape=(num_images,))
  return along_batch(labels.astype(jnp.int32)), rng


# Distribution of the generator's labels in training:
#   draw(rng, num_images, num_classes, effective counts) -> (labels [N] or None, key of the noise)
LABELS = {'none': _no_labels, 'uniform': _uniform_labels, 'effective': _effective_labels}


class ClassifierLoss(NamedTuple):
  """Loss term of a classifier in the loop, which is added to the generator's loss.

  Attributes:
    loss: `loss(class_logits [N, K], labels [N] or None, class_weights [K]) -> scalar` of a
      generated batch; the class weights follow from the effective counts.
    weight: the field of the `algorithm` section with its weight.
    metric: its name in the log.
    reads_labels: whether the loss depends on the labels of the images.
  """

  loss: Callable
  weight: str
  metric: str
  reads_labels: bool


# Classes of a classifier in the loop -> its role.
CLASSES = {'labels': 'classifier', 'codes': 'recogniser'}
GUIDANCE = {
  'none': None,  # No classifier in the loop.
  'weighted_entropy': ClassifierLoss(
    lambda logits, labels, weights: class_balance.balance_loss(logits, weights),
    'regulariser_weight',
    'loss/regulariser',
    reads_labels=False,
  ),
  'cross_entropy': ClassifierLoss(
    lambda logits, labels, weights: auxiliary.auxiliary_generator(logits, labels),
    'classifier_loss_weight',
    'loss/class',
    reads_labels=True,
  ),
}
# Steps in which a method with 'effective' labels draws them by 1/N_k; in other steps, uniformly.
EFFECTIVE_LABELS = {'generator_step': ('generator',), 'both_steps': ('discriminator', 'generator')}


class GanMethod(NamedTuple):
  """The choices of a method.

  Attributes:
    labels: key of LABELS, the labels that condition the generator.
    head: key of HEADS, the discriminator's head.
    guidance: key of GUIDANCE, the loss of the classifier in the loop.
    classes: key of CLASSES, the classes of the classifier in the loop.
    batches: key of BATCHES: real images are drawn equally often, or classes are.
  """

  labels: str = 'none'
  head: str = 'none'
  guidance: str = 'none'
  classes: str = 'labels'
  batches: str = 'instance_balanced'

  @property
  def classifier(self) -> str | None:
    """The role of the classifier in the loop, or None without one."""
    return CLASSES[self.classes] if self.guidance != 'none' else None

  @property
  def classifier_loss(self) -> ClassifierLoss | None:
    """The loss of the classifier in the loop, or None without one."""
    return GUIDANCE[self.guidance]

  @property
  def class_conditional(self) -> bool:
    """Whether training makes the generated images match their labels."""
    return self.head != 'none' or bool(self.classifier_loss and self.classifier_loss.reads_labels)


METHODS = Registry(
  'method',
  {
    'unconditional': GanMethod(),
    # The control for exposure: all classes equally often, without a classifier in the loop.
    'balanced_batches': GanMethod(batches='class_balanced'),
    # The baseline of class_balancing_conditional (§6.5.2): only the generator's norms read labels.
    'random_labels': GanMethod(labels='uniform'),
    'class_balancing': GanMethod(guidance='weighted_entropy'),
    'class_balancing_balanced_batches': GanMethod(
      guidance='weighted_entropy', batches='class_balanced'
    ),
    # Class balancing without labels: K codes replace the classes.
    'code_balancing': GanMethod(guidance='weighted_entropy', classes='codes'),
    # The labels are an additional random input (iNaturalist, §6.5.2): no loss reads them.
    'class_balancing_conditional': GanMethod(labels='effective', guidance='weighted_entropy'),
    'acgan': GanMethod(labels='uniform', head='auxiliary'),
    'acgan_pretrained': GanMethod(labels='uniform', guidance='cross_entropy'),
    'cgan': GanMethod(labels='uniform', head='projection'),
  },
)
_CHOICES = {
  'labels': LABELS, 'head': HEADS, 'guidance': GUIDANCE, 'classes': CLASSES, 'batches': BATCHES
}  # fmt: skip


def check(method: GanMethod) -> None:
  """Checks the choices of a method.

  Raises:
    UserError: a choice is unknown, or choices exclude each other.
  """
  for name, allowed in _CHOICES.items():
    value = getattr(method, name)
    if value not in allowed:
      raise UserError(f'{name}={value!r}: expected one of {", ".join(allowed)}')
  if method.class_conditional and method.labels == 'none':
    raise UserError(
      f"labels='none' is not possible with head={method.head!r} and "
      f'guidance={method.guidance!r}, which read them: use uniform'
    )
  if method.classes == 'codes' and method.head != 'none':
    raise UserError(
      f"classes='codes' is not possible with head={method.head!r}, which reads the labels of real "
      'images: use none'
    )
  if method.classes == 'codes' and BATCHES[method.batches]:
    raise UserError(
      f"classes='codes' is not possible with batches={method.batches!r}, which reads the labels "
      'of real images: use instance_balanced'
    )
  if method.labels == 'effective' and not method.classifier:
    raise UserError(
      "labels='effective' is not possible with guidance='none', as effective counts need a "
      'classifier in the loop: use uniform'
    )


_Augmentations = Annotated[
  tuple[str, ...],
  Where(
    lambda names: set(names) <= set(AUGMENTATIONS) and len(set(names)) == len(names),
    f'some of {", ".join(AUGMENTATIONS)}, each once',
  ),
]
_Counts = Annotated[tuple[Positive, ...], Where(len, 'numbers above 0')]


class GanConfig(AdamConfig):
  """The `algorithm` section of a GAN, which all methods share.

  The default is SNDCGAN of Class Balancing GAN (Table 10).
  """

  network: Annotated[str, OneOf(NETWORKS)] = field(
    'sndcgan', 'networks of generator and discriminator'
  )
  loss: Annotated[str, OneOf(LOSSES)] = field('relativistic', 'adversarial loss')
  generator_width: Count = field(64, 'channels of the generator')
  discriminator_width: Count = field(64, 'channels of the discriminator')
  generator_spectral_norm: bool = field(
    False, 'spectral norm of the generator; the discriminator always has it'
  )
  noise_dim: Count = field(128, 'length of the noise')
  epsilon: Positive = field(1e-6, 'added to the root of the mean square')
  discriminator_steps: Count = field(1, 'discriminator steps per generator step')
  ema_decay: Decay = field(0.9999, 'decay of the average of the generator')
  ema_start: Steps = field(20_000, 'step from which the generator is averaged')
  regulariser_weight: NotNegative = field(10.0, 'λ, weight of the class-balance regulariser')
  class_weighting: Annotated[str, OneOf(CLASS_WEIGHTINGS)] = field(
    'released', "class weights by effective counts; 'paper': 1 / (K N̂), without a bound"
  )
  class_loss_weight: NotNegative = field(1.0, "weight of the losses of acgan's class head")
  classifier_loss_weight: NotNegative = field(
    1.0, "weight of the classifier's loss in acgan_pretrained"
  )
  effective_labels: Annotated[str, OneOf(EFFECTIVE_LABELS)] = field(
    'generator_step', 'steps that draw labels by 1/N_k'
  )
  count_start: _Counts = field((50.0,), 'initial N: one number for all classes, or one per class')
  cycle_start: NotNegative = field(0.0, 'initial c of every class in the first cycle; later 0')
  count_update: Annotated[str, OneOf(COUNT_UPDATES)] = field(
    'convex', "form of Eq. 5; 'held': N is constant"
  )
  count_decay: Decay = field(0.5, 'α of Eq. 5')
  count_cycle: PositiveSteps = field(2000, 'steps of a cycle of the counts')
  num_categories: Several | None = field(
    None, "number of the recogniser's codes; none: as in its run"
  )
  r1_r2_weight: NotNegative = field(0.0, 'γ of R1 + R2 at the first step; 0: off')
  r1_r2_end_weight: NotNegative = field(0.0, 'γ from r1_r2_steps on, after half a cosine')
  r1_r2_steps: PositiveSteps = field(100_000, 'steps until γ is r1_r2_end_weight')
  lecam_weight: NotNegative = field(0.0, 'λ of the LeCam regulariser; 0: off')
  lecam_decay: Decay = field(0.99, "decay of the LeCam regulariser's moving averages")
  diff_augment: _Augmentations = field((), 'augmentations of real and generated images; empty: off')
  group_spectral_weight: NotNegative = field(0.0, 'λ of gSR; 0: off')
  group_spectral_beta: Decay = field(0.999, 'β of the effective numbers that weight gSR')

  @pydantic.model_validator(mode='after')
  def _together(self):
    if self.r1_r2_end_weight and not self.r1_r2_weight:
      refuse('r1_r2_end_weight', '0, as r1_r2_weight is 0')
    return self
