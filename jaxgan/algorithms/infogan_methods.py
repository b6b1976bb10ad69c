"""The `algorithm` section of an InfoGAN: Elastic-InfoGAN on MNIST by default (§4 of its paper)."""

from typing import Annotated

import pydantic

from jaxgan.algorithms import AdamConfig
from jaxgan.augmentation import augment
from jaxgan.config.section import (
  Count,
  Decay,
  Fraction,
  NotNegative,
  OneOf,
  Positive,
  Several,
  Where,
  WholeNumber,
  field,
  refuse,
)  # fmt: skip
from jaxgan.networks.infogans import NETWORKS

_Range = Annotated[
  tuple[Positive, ...],
  Where(lambda ends: len(ends) == 2 and ends[0] <= ends[1], 'two numbers above 0, in order'),
]
_Frequencies = Annotated[
  tuple[Positive, ...], Where(len, 'numbers above 0, one for each code, such as (0.6,0.3,0.1)')
]


class InfoGanConfig(AdamConfig):
  """What `jaxgan.algorithms.infogan` trains."""

  network: Annotated[str, OneOf(NETWORKS)] = field('mnist', 'the networks')
  width: Count = field(64, 'channels of stackgan and stackgan_two_stage; that of mnist is fixed')
  num_categories: Several | None = field(
    None, 'k, number of codes; none: as many as there are classes'
  )
  prior: Annotated[str, OneOf(('uniform', 'fixed', 'learnable'))] = field(..., 'prior of the codes')
  contrastive: Annotated[str, OneOf(('none', 'positives', 'nt_xent'))] = field(
    ..., 'contrastive loss on real images'
  )
  trunk: Annotated[str, OneOf(('discriminator', 'both'))] = field(
    'discriminator', 'whose step trains the shared trunk'
  )
  noise_dim: Count = field(62, 'length of the noise')
  num_continuous: WholeNumber = field(0, 'r, continuous codes beside the category')
  temperature: Positive = field(0.1, 'τ of Gumbel-Softmax')
  hard_codes: bool = field(True, 'target of the mutual information: argmax c, or c itself')
  mutual_information_weight: NotNegative = field(1.0, 'λ1')
  contrastive_weight: NotNegative = field(10.0, 'λ2')
  contrastive_temperature: Positive = field(1.0, "τ'")
  positive_loss: Annotated[str, OneOf(('agreement', 'cosine'))] = field(
    'agreement', "of gumbel_softmax_pos; 'cosine': half of NT-Xent"
  )
  views: Annotated[str, OneOf(augment.VIEWS)] = field(
    'released', 'geometry of the positive pair: of the released code or the paper'
  )
  rotation_degrees: NotNegative = field(20.0, 'largest rotation of the positive pair')
  zoom_range: _Range = field((0.9, 1.1), 'zoom of the positive pair')
  crop_keep: Fraction = field(1.0, 'share of the image that a crop of the positive pair keeps')
  crop_of: Annotated[str, OneOf(('side', 'area'))] = field(
    'side', 'crop_keep is a share of each side, or of the area'
  )
  flip: bool = field(False, 'mirror the positive pair at random')
  gamma_range: _Range = field((1.0, 1.0), 'gamma contrast of the positive pair')
  prior_losses: Annotated[str, OneOf(('all', 'adversarial'))] = field(
    'all', 'whose gradients reach a learned prior'
  )
  prior_entropy_weight: NotNegative = field(
    0.0, 'of + H(c); 1.0 is that of Eq. 1, which the released code leaves out'
  )
  prior_start: _Frequencies | None = field(None, 'k frequencies at the start; none: uniform')
  prior_learning_rate: Positive | None = field(
    None, "of the prior's logits; none: that of the networks"
  )
  ema_decay: Decay = field(0.0, 'of the average of the evaluated generator; 0: none')

  @pydantic.model_validator(mode='after')
  def _together(self):
    if self.views == 'released':
      degrees, most = self.rotation_degrees, augment.AUGMENTOR_MAX_DEGREES
      if degrees > most or degrees != int(degrees):
        allowed = f'a whole number from 0 to {most} with algorithm.views=released'
        refuse('rotation_degrees', allowed)
      if self.crop_keep != 1:
        refuse('crop_keep', '1.0 with algorithm.views=released')
    if self.positive_loss != 'agreement' and self.contrastive != 'positives':
      only = 'agreement, or another with algorithm.contrastive=positives (gumbel_softmax_pos)'
      refuse('positive_loss', only)
    if self.prior != 'learnable':
      if self.prior_entropy_weight:
        refuse('prior_entropy_weight', '0, or another with algorithm.prior=learnable')
      if self.prior_start is not None:
        refuse('prior_start', 'none, or others with algorithm.prior=learnable')
    return self
