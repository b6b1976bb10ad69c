"""What the methods of the GAN are made of: labels, head, and what a classifier in the loop adds.

A published method is an entry of METHODS; `jaxgan.algorithms.gan` trains every combination. The
batches of real images are a choice of a method, too: class-balanced ones are a control for what a
classifier in the loop adds to exposure alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxgan.algorithms import check_choices
from jaxgan.errors import UserError
from jaxgan.losses import auxiliary, class_balance
from jaxgan.networks.conditional import HEADS
from jaxgan.parallel import along_batch


def _no_labels(rng, num_images, num_classes, counts):
  del num_images, num_classes, counts
  return None, rng


def _uniform_labels(rng, num_images, num_classes, counts):
  del counts
  rng, label_rng = jax.random.split(rng)
  return along_batch(jax.random.randint(label_rng, (num_images,), 0, num_classes)), rng


def _effective_labels(rng, num_images, num_classes, counts):
  """Labels of probability ∝ 1/N_k (§6.5.2 of the paper), the more often the rarer the class is."""
  del num_classes
  rng, label_rng = jax.random.split(rng)
  labels = jax.random.categorical(label_rng, -jnp.log(counts), shape=(num_images,))
  return along_batch(labels.astype(jnp.int32)), rng


# The labels of a training batch of the generator:
#   draw(rng, num_images, num_classes, effective counts) -> (labels [N] or None, key of the noise)
LABELS = {'none': _no_labels, 'uniform': _uniform_labels, 'effective': _effective_labels}


class Guidance(NamedTuple):
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


def _balance(class_logits, labels, class_weights):
  del labels
  mean_probs = jax.nn.softmax(class_logits).mean(axis=0)
  return class_balance.weighted_entropy(mean_probs, class_weights)


def _agreement(class_logits, labels, class_weights):
  del class_weights
  return auxiliary.auxiliary_generator(class_logits, labels)


# Where the classes of a classifier in the loop come from -> the role of that classifier.
CLASSES = {'labels': 'classifier', 'codes': 'recogniser'}
GUIDANCE = {
  'none': None,  # no classifier in the loop
  'weighted_entropy': Guidance(_balance, 'regulariser_weight', 'loss/regulariser', False),
  'cross_entropy': Guidance(_agreement, 'classifier_loss_weight', 'loss/class', True),
}
# How often a real image is drawn -> whether batches are balanced, see `data.balanced_positions`.
BATCHES = {'instance_balanced': False, 'class_balanced': True}


class Choices(NamedTuple):
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
  def class_conditional(self) -> bool:
    """Whether something holds the generator to make images of the class of their label."""
    guidance = GUIDANCE[self.guidance]
    return self.head != 'none' or bool(guidance and guidance.reads_labels)


METHODS = {
  'unconditional': Choices(),
  # The control for exposure alone: every class is seen equally often, nothing watches the images.
  'balanced_batches': Choices(batches='class_balanced'),
  # The baseline of class_balancing_conditional (§6.5.2): labels that nothing reads but the norms.
  'random_labels': Choices(labels='uniform'),
  'class_balancing': Choices(guidance='weighted_entropy'),
  'class_balancing_balanced_batches': Choices(
    guidance='weighted_entropy', batches='class_balanced'
  ),
  # Class balancing without labels: K codes in the place of the classes.
  'code_balancing': Choices(guidance='weighted_entropy', classes='codes'),
  # Its labels are one more random input (iNaturalist, §6.5.2): only the classifier says a class.
  'class_balancing_conditional': Choices(labels='effective', guidance='weighted_entropy'),
  'acgan': Choices(labels='uniform', head='auxiliary'),
  'acgan_pretrained': Choices(labels='uniform', guidance='cross_entropy'),
  'cgan': Choices(labels='uniform', head='projection'),
}


def check(choices: Choices) -> None:
  """Raises a UserError for an unknown choice, or choices that do not go together."""
  tables = {'labels': LABELS, 'head': HEADS, 'guidance': GUIDANCE, 'classes': CLASSES}
  tables['batches'] = BATCHES
  check_choices(choices, tables)
  if choices.class_conditional and choices.labels == 'none':
    raise UserError(
      f"labels='none' is not possible with head={choices.head!r} and "
      f'guidance={choices.guidance!r}, which read them: use uniform'
    )
  if choices.classes == 'codes' and choices.head != 'none':
    raise UserError(
      f"classes='codes' is not possible with head={choices.head!r}, which reads the labels of real "
      'images: use none'
    )
  if choices.classes == 'codes' and BATCHES[choices.batches]:
    raise UserError(
      f"classes='codes' is not possible with batches={choices.batches!r}, which reads the labels "
      'of real images: use instance_balanced'
    )
  if choices.labels == 'effective' and not choices.classifier:
    raise UserError(
      "labels='effective' is not possible with guidance='none': a classifier in the loop makes the "
      'effective counts; use uniform'
    )
