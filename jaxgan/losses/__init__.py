"""Losses: pure functions from a batch to a scalar, for the algorithms here and for other loops.

    from jaxgan import losses
    balancer = losses.class_balancer(num_classes=10)

Call `losses.lecam.lecam`, `losses.group_spectral.group_spectral` and
`losses.mutual_information.entropy` through their modules.
"""

from jaxgan.losses import group_spectral, lecam, mutual_information
from jaxgan.losses.adversarial import (
  hinge_discriminator,
  hinge_generator,
  non_saturating_discriminator,
  non_saturating_generator,
  relativistic_discriminator,
  relativistic_generator,
)
from jaxgan.losses.auxiliary import auxiliary_discriminator, auxiliary_generator
from jaxgan.losses.class_balance import (
  ClassBalancer,
  Counts,
  additive_update,
  balance_loss,
  class_balancer,
  class_weights,
  convex_update,
  inverse_frequency_weights,
  weighted_entropy,
)
from jaxgan.losses.classification import cross_entropy, effective_number_weights, focal
from jaxgan.losses.contrastive import nt_xent, positive_agreement, positive_cosine
from jaxgan.losses.gradient_penalty import cosine_weight, zero_centred_gradient_penalty

__all__ = [
  'ClassBalancer',
  'Counts',
  'additive_update',
  'auxiliary_discriminator',
  'auxiliary_generator',
  'balance_loss',
  'class_balancer',
  'class_weights',
  'convex_update',
  'cosine_weight',
  'cross_entropy',
  'effective_number_weights',
  'focal',
  'group_spectral',
  'hinge_discriminator',
  'hinge_generator',
  'inverse_frequency_weights',
  'lecam',
  'mutual_information',
  'non_saturating_discriminator',
  'non_saturating_generator',
  'nt_xent',
  'positive_agreement',
  'positive_cosine',
  'relativistic_discriminator',
  'relativistic_generator',
  'weighted_entropy',
  'zero_centred_gradient_penalty',
]
