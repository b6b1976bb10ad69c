"""Differences from the authors' released code of Elastic-InfoGAN in published rows.

Only the MNIST experiment has public code, github.com/WisconsinAIVision/elastic-infogan: facts were
read from it, no code was copied. For the other data sets, the differences are choices that the
paper leaves open.
"""

from typing import Any

from jaxgan.report.differences import Difference, applying, every, of


def _contrasted(config, method):
  return getattr(config.algorithm, 'contrastive', 'none') != 'none'


def _info_gan(config, method):
  return method != 'joint_vae'


_mnist = of('long_tail_mnist')
_objects = of('long_tail_cars3d', 'long_tail_chairs3d')
_large = of('long_tail_cars3d', 'long_tail_chairs3d', 'shapenet5', 'youtube_faces40')

TABLE = (
  Difference(
    'The images of each class are drawn with a seed of ours (released: drawn without a seed).',
    'Other images of each class; no systematic effect.',
    _mnist,
  ),
  Difference(
    "The annotator is our CNN with the paper's layers (released: trained weights, which "
    'config.annotator.folder loads from an npz file).',
    'Small: both have about 99 % accuracy on the test digits.',
    every(_mnist, lambda config, method: not config.annotator.folder.endswith('.npz')),
  ),
  Difference(
    'All 200 epochs are trained (released: the last generator that is saved has 191).',
    'None expected.',
    every(_mnist, lambda config, method: config.train.epochs == 200),
  ),
  Difference(
    'The positive pair is rotated by up to 10 degrees without a crop, as the paper says (released: '
    "by up to 20 degrees, with Augmentor's crop).",
    'Unknown: other invariances.',
    every(_mnist, _contrasted, lambda config, method: config.algorithm.views == 'paper'),
  ),
  Difference(
    'The positive pair is one bilinear interpolation (released: three bicubic ones).',
    'None expected: slightly sharper views.',
    every(_mnist, _contrasted, lambda config, method: config.algorithm.views == 'released'),
  ),
  Difference(
    'The contrastive loss sees the trunk as the step of D has left it (released: the features of '
    'real images are those from before that step).',
    'None expected: the features differ by one step of D.',
    _contrasted,
  ),
  Difference(
    'The loss of positive pairs without negatives is the negative log-probability that codes drawn '
    'for both views agree (the paper has no formula; config.algorithm.positive_loss=cosine is half '
    'of NT-Xent).',
    'Unknown.',
    lambda config, method: (
      getattr(config.algorithm, 'contrastive', 'none') == 'positives'
      and config.algorithm.positive_loss == 'agreement'
    ),
  ),
  Difference(
    'Five of the ten class proportions of a draw are the proportions that the paper prints; the '
    'other five are drawn with our seed.',
    'Other imbalances of five classes; no systematic effect.',
    _objects,
  ),
  Difference(
    'A crop that preserves 95 % keeps 95 % of each side (the paper does not say side or area).',
    'Small.',
    lambda config, method: (
      _contrasted(config, method)
      and config.algorithm.crop_keep == 0.95
      and config.algorithm.crop_of == 'side'
    ),
  ),
  Difference(
    'The generator is evaluated, not an average of it (the trainer of StackGAN-v2 evaluates an '
    'average with decay 0.999; the paper does not say).',
    'Unknown; an average gives cleaner images.',
    every(_large, _info_gan, lambda config, method: not config.algorithm.ema_decay),
  ),
  Difference(
    'Network, batch size and epochs are as for 3D Cars (the paper prints none for ShapeNet).',
    'Unknown.',
    of('shapenet5'),
  ),
  Difference(
    'Training lasts 600 epochs (paper: until convergence).',
    'Unknown.',
    of('youtube_faces40'),
  ),
  Difference(
    'The annotator is a ResNet-50 trained from scratch (paper: pre-trained on VGGFace2).',
    'Less reliable labels of faces: lower NMI, higher ENT.',
    every(
      of('youtube_faces40'),
      lambda config, method: config.annotator.algorithm.network == 'resnet50',
    ),
  ),
  Difference(
    'Encoder and decoder are the trunk and generator of the GANs (no code of the baseline is '
    "public; Dupont's networks are smaller).",
    'Unknown.',
    lambda config, method: not _info_gan(config, method),
  ),
  Difference(
    'The weights of both divergences are fixed (paper: the best of 10, 20, 30, 40 and 50 for each; '
    'experiments/joint_vae_sweep.py searches).',
    'A lower NMI than with the best pair of weights.',
    lambda config, method: not _info_gan(config, method),
  ),
  Difference(
    '1-NN accuracy is of the k logits of Q; no code of it is public.',
    'None: the published accuracy of random weights matches logits, not features.',
    _info_gan,
  ),
)


def lines(config: Any, method: str) -> list[str]:
  """Returns the differences of a method from the authors' code."""
  return applying(TABLE, config, method)
