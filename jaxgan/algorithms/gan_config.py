"""The `algorithm` section of a GAN: SNDCGAN of Class Balancing GAN (Table 10) by default."""

from typing import Annotated

import pydantic

from jaxgan.algorithms import gan
from jaxgan.algorithms.optimizers import AdamConfig
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

_NAMES = Where(
  lambda names: set(names) <= set(AUGMENTATIONS) and len(set(names)) == len(names),
  f'some of {", ".join(AUGMENTATIONS)}, each once',
)
_Counts = Annotated[tuple[Positive, ...], Where(len, 'numbers above 0')]


class GanConfig(AdamConfig):
  """What `jaxgan.algorithms.gan` trains; the methods differ in nothing of it."""

  network: Annotated[str, OneOf(gan.NETWORKS)] = field(
    'sndcgan', 'networks of generator and discriminator'
  )
  loss: Annotated[str, OneOf(gan.LOSSES)] = field('relativistic', 'adversarial loss')
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
  class_weighting: Annotated[str, OneOf(gan.CLASS_WEIGHTINGS)] = field(
    'released', "how effective counts weight classes; 'paper': 1 / (K N̂), without a bound"
  )
  class_loss_weight: NotNegative = field(1.0, "of the losses of acgan's class head")
  classifier_loss_weight: NotNegative = field(1.0, "of the classifier's loss in acgan_pretrained")
  effective_labels: Annotated[str, OneOf(gan.EFFECTIVE_LABELS)] = field(
    'generator_step', 'which steps draw labels by 1/N_k'
  )
  count_start: _Counts = field((50.0,), 'N at the start, of every class or one for each')
  cycle_start: NotNegative = field(0.0, 'c of every class in the first cycle; in later ones 0')
  count_update: Annotated[str, OneOf(gan.COUNT_UPDATES)] = field(
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
  diff_augment: Annotated[tuple[str, ...], _NAMES] = field(
    (), 'augmentations of real and generated images; empty: off'
  )
  group_spectral_weight: NotNegative = field(0.0, 'λ of gSR; 0: off')
  group_spectral_beta: Decay = field(0.999, 'of the effective number of images that weights gSR')

  @pydantic.model_validator(mode='after')
  def _together(self):
    if self.r1_r2_end_weight and not self.r1_r2_weight:
      refuse('r1_r2_end_weight', '0, as r1_r2_weight is 0')
    return self
