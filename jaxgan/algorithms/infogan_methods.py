"""The `algorithm` section of an InfoGAN; the default is Elastic-InfoGAN on MNIST (§4)."""

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
  """The `algorithm` section of an InfoGAN."""

  network: Annotated[str, OneOf(NETWORKS)] = field('mnist', 'the networks')
  width: Count = field(64, 'channels of stackgan and stackgan_two_stage; mnist has a fixed width')
  num_categories: Several | None = field(
    None, 'k, number of codes; none: as many as there are classes'
  )
  prior: Annotated[str, OneOf(('uniform', 'fixed', 'learnable'))] = field(..., 'prior of the codes')
  contrastive: Annotated[str, OneOf(('none', 'positives', 'nt_xent'))] = field(
    ..., 'contrastive loss on real images'
  )
  trunk: Annotated[str, OneOf(('discriminator', 'both'))] = field(
    'discriminator', 'steps that train the shared trunk'
  )
  noise_dim: Count = field(62, 'length of the noise')
  num_continuous: WholeNumber = field(0, 'r, number of continuous codes')
  temperature: Positive = field(0.1, 'τ of Gumbel-Softmax')
  hard_codes: bool = field(True, 'target of the mutual information: argmax c, or c itself')
  mutual_information_weight: NotNegative = field(1.0, 'λ1')
  contrastive_weight: NotNegative = field(10.0, 'λ2')
  contrastive_temperature: Positive = field(1.0, "τ'")
  positive_loss: Annotated[str, OneOf(('agreement', 'cosine'))] = field(
    'agreement', "loss of gumbel_softmax_pos; 'cosine': the positive half of NT-Xent"
  )
  views: Annotated[str, OneOf(augment.VIEWS)] = field(
    'released', 'geometry of the positive pair, as in the released code or in the paper'
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
    'all', 'losses whose gradients reach a learned prior'
  )
  prior_entropy_weight: NotNegative = field(
    0.0, 'weight of + H(c): 1.0 in Eq. 1, 0.0 in the released code'
  )
  prior_start: _Frequencies | None = field(
    None, 'initial frequencies of the k codes; none: uniform'
  )
  prior_learning_rate: Positive | None = field(
    None, "learning rate of the prior's logits; none: learning_rate"
  )
  ema_decay: Decay = field(0.0, 'decay of the average of the generator; 0: no average')

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
      only = 'agreement, or cosine with algorithm.contrastive=positives (gumbel_softmax_pos)'
      refuse('positive_loss', only)
    if self.prior != 'learnable':
      if self.prior_entropy_weight:
        refuse('prior_entropy_weight', '0, or a positive number with algorithm.prior=learnable')
      if self.prior_start is not None:
        refuse('prior_start', 'none, or frequencies with algorithm.prior=learnable')
    return self
