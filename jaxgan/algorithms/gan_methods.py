"""The choices that make a method of the GAN, and the `algorithm` section that all methods share.

A method chooses the labels of the generator, the head of the discriminator, the loss of a
classifier in the loop, and the batches of real images: class-balanced batches are the control for
what a classifier in the loop adds to exposure alone. A published method is an entry of METHODS;
`jaxgan.algorithms.gan` trains every combination.
"""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import pydantic

from jaxgan.algorithms import AdamConfig
from jaxgan.augmentation.diff_augment import AUGMENTATIONS
from jaxgan.config.section import (
  Count,
  Decay,
  NotNegative,
  OneOf,
  Positive,
  Several,
  Where,
  WholeNumber,
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
  """Labels of probability ∝ 1/N_k (§6.5.2 of the paper), the more often the rarer the class is."""
  rng, label_rng = jax.random.split(rng)
  labels = jax.random.categorical(label_rng, -jnp.log(counts), shape=(num_images,))
  return along_batch(labels.astype(jnp.int32)), rng


# The labels of a training batch of the generator:
#   draw(rng, num_images, num_classes, effective counts) -> (labels [N] or None, key of the noise)
LABELS = {'none': _no_labels, 'uniform': _uniform_labels, 'effective': _effective_labels}


class ClassifierLoss(NamedTuple):
  """What a classifier in the loop adds to the generator's loss.

  Attributes:
    loss: `loss(class_logits [N, K], labels [N] or None, class_weights [K]) -> scalar`, of a
      generated batch; the class weights are those of the effective counts.
    weight: the field of the `algorithm` section with its weight.
    metric: its name in the log.
    reads_labels: whether it holds the images to their labels.
  """

  loss: Callable
  weight: str
  metric: str
  reads_labels: bool


# Where the classes of a classifier in the loop come from -> the role of that classifier.
CLASSES = {'labels': 'classifier', 'codes': 'recogniser'}
GUIDANCE = {
  'none': None,  # no classifier in the loop
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
# Which steps draw the labels of a method whose labels are 'effective' by 1/N_k; others, uniformly.
EFFECTIVE_LABELS = {'generator_step': ('generator',), 'both_steps': ('discriminator', 'generator')}
# How often a real image is drawn -> whether batches are balanced, see `order.balanced_positions`.
BATCHES = {'instance_balanced': False, 'class_balanced': True}


class GanMethod(NamedTuple):
  """What a method is made of.

  Attributes:
    labels: of LABELS, what the generator is conditioned on.
    head: of HEADS, by which the discriminator judges images and labels.
    guidance: of GUIDANCE.
    classes: of CLASSES, what the classifier in the loop tells apart.
    batches: of BATCHES, the real images: each equally often, or each class.
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
    """What the classifier in the loop adds, or None without one."""
    return GUIDANCE[self.guidance]

  @property
  def class_conditional(self) -> bool:
    """Whether something holds the generator to make images of the class of their label."""
    return self.head != 'none' or bool(self.classifier_loss and self.classifier_loss.reads_labels)


METHODS = Registry(
  'method',
  {
    'unconditional': GanMethod(),
    # The control for exposure alone: every class is seen equally often, nothing watches the images.
    'balanced_batches': GanMethod(batches='class_balanced'),
    # The baseline of class_balancing_conditional (§6.5.2): labels that nothing reads but the norms.
    'random_labels': GanMethod(labels='uniform'),
    'class_balancing': GanMethod(guidance='weighted_entropy'),
    'class_balancing_balanced_batches': GanMethod(
      guidance='weighted_entropy', batches='class_balanced'
    ),
    # Class balancing without labels: K codes in the place of the classes.
    'code_balancing': GanMethod(guidance='weighted_entropy', classes='codes'),
    # Its labels are one more random input (iNaturalist, §6.5.2): only the classifier says a class.
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
  """Raises a UserError for an unknown choice, or choices that do not go together."""
  for name, allowed in _CHOICES.items():
    value = getattr(method, name)
    if value not in allowed:
      raise UserError(f'{name}={value!r} is unknown: use one of {", ".join(allowed)}')
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
      "labels='effective' is not possible with guidance='none': a classifier in the loop makes the "
      'effective counts; use uniform'
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
  """What `jaxgan.algorithms.gan` trains; the methods differ in nothing of it.

  By default SNDCGAN of Class Balancing GAN (Table 10).
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
  discriminator_steps: Count = field(1, 'steps of the discriminator for one of the generator')
  ema_decay: Decay = field(0.9999, 'of the average of the generator')
  ema_start: WholeNumber = field(20_000, 'step from which the generator is averaged')
  regulariser_weight: NotNegative = field(10.0, 'λ, weight of the class-balance regulariser')
  class_weighting: Annotated[str, OneOf(CLASS_WEIGHTINGS)] = field(
    'released', "how effective counts weight classes; 'paper': 1 / (K N̂), without a bound"
  )
  class_loss_weight: NotNegative = field(1.0, "of the losses of acgan's class head")
  classifier_loss_weight: NotNegative = field(1.0, "of the classifier's loss in acgan_pretrained")
  effective_labels: Annotated[str, OneOf(EFFECTIVE_LABELS)] = field(
    'generator_step', 'which steps draw labels by 1/N_k'
  )
  count_start: _Counts = field((50.0,), 'N at the start, of every class or one for each')
  cycle_start: NotNegative = field(0.0, 'c of every class in the first cycle; in later ones 0')
  count_update: Annotated[str, OneOf(COUNT_UPDATES)] = field(
    'convex', "the form of Eq. 5; 'held': none"
  )
  count_decay: Decay = field(0.5, 'α of Eq. 5')
  count_cycle: Count = field(2000, 'steps of a cycle of the counts')
  num_categories: Several | None = field(None, 'codes of the recogniser; none: as many as that has')
  r1_r2_weight: NotNegative = field(0.0, 'γ of R1 + R2 at the first step; 0: off')
  r1_r2_end_weight: NotNegative = field(0.0, 'γ after r1_r2_steps; a cosine leads there')
  r1_r2_steps: Count = field(100_000, 'steps until γ is r1_r2_end_weight')
  lecam_weight: NotNegative = field(0.0, 'λ of the LeCam regulariser; 0: off')
  lecam_decay: Decay = field(0.99, 'of its moving averages')
  diff_augment: _Augmentations = field((), 'augmentations of real and generated images; empty: off')
  group_spectral_weight: NotNegative = field(0.0, 'λ of gSR; 0: off')
  group_spectral_beta: Decay = field(0.999, 'of the effective number of images that weights gSR')

  @pydantic.model_validator(mode='after')
  def _together(self):
    if self.r1_r2_end_weight and not self.r1_r2_weight:
      refuse('r1_r2_end_weight', '0, as r1_r2_weight is 0')
    return self
