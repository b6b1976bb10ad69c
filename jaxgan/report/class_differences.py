"""Differences from the authors' released code of Class Balancing GAN in published rows.

The released code is github.com/val-iisc/class-balancing-gan: facts were read from it, no code was
copied.
"""

from typing import Any

from jaxgan.algorithms import gan_methods
from jaxgan.report.differences import Difference, applying, every, of

_CIFAR10, _CIFAR100 = 'long_tail_cifar10', 'long_tail_cifar100'
_LSUN, _INATURALIST = 'long_tail_lsun', 'inaturalist2019'


def _in_the_loop(config, method):
  return gan_methods.METHODS[method].classifier is not None


def _few_labels(config, method):
  return _in_the_loop(config, method) and config.classifier.algorithm.network == 'bit_r50x1'


def _resizes(config, method):
  return config.classifier.algorithm.input_size is not None


def _scored(config, method):
  return config.evaluation.cas


TABLE = (
  Difference(
    'A class keeps the first n_k images of our seeded shuffle (released: CIFAR is shuffled by '
    "NumPy's global generator, LSUN keeps the first images of each LMDB).",
    'Other images of the rare classes; no systematic effect.',
    of(_CIFAR10, _CIFAR100, _LSUN),
  ),
  Difference(
    'The training images of the GAN are mirrored at random (released: they are not).',
    'A lower FID if the training images are few.',
    lambda config, method: config.data.flip,
  ),
  Difference(
    'LSUN keeps the centre square of each picture (released: squashes the whole picture).',
    'Another data set: FIDs are not comparable.',
    every(of(_LSUN), lambda config, method: config.data.options.picture != 'squash'),
  ),
  Difference(
    'iNaturalist is resized to 64x64 by Lanczos (released: bilinear).',
    'Small: slightly sharper real images.',
    of(_INATURALIST),
  ),
  Difference(
    'FID compares with 2,000 images of each LSUN scene that no ratio is trained on (released: with '
    'the first 2,000 training images).',
    'A higher FID: generated images are nearer to training images.',
    every(of(_LSUN), lambda config, method: config.evaluation.reference == 'held_out'),
  ),
  Difference(
    'Classifiers are trained and used on images in [-1, 1] (released: trained on images '
    "normalised by CIFAR's mean and deviation, used on the GAN's images in [-1, 1]).",
    'Better labels for the regulariser, the KL and the CAS.',
    of(_CIFAR10, _LSUN),
  ),
  Difference(
    'Classifier and annotator are trained by cross-entropy, and the last checkpoint is used '
    '(released: focal loss, γ = 1, and the checkpoint of the best validation accuracy).',
    'Slightly different labels; the size of the effect is unknown.',
    every(
      of(_CIFAR10, _LSUN),
      lambda config, method: not _few_labels(config, method),
      # Older versions trained every annotator by cross-entropy.
      lambda config, method: config.annotator.algorithm.loss == 'cross_entropy',
    ),
  ),
  Difference(
    "The classifiers of CIFAR-100 are trained by cross-entropy (the authors' loss is not known).",
    'Unknown.',
    of(_CIFAR100),
  ),
  Difference(
    'The classifier reads 64x64 images (released: resized to 224x224).',
    'Another classifier: KL, labels and regulariser are not comparable.',
    every(of(_INATURALIST), lambda config, method: not _resizes(config, method)),
  ),
  Difference(
    'The classifier is trained on 64x64 images that are resized to 224x224 (the training images of '
    "the authors' classifier are not known; classifier=large reads 224x224 images).",
    'A less accurate classifier: the report compares its accuracy with the published 46.90 %.',
    every(
      of(_INATURALIST),
      _resizes,
      lambda config, method: config.classifier.data.dataset == config.data.dataset,
    ),
  ),
  Difference(
    "BiT is fine-tuned on every labelled image in each step (BiT's notebook: 512 draws per step; "
    "the authors' procedure is not known).",
    'Small: the protocol has the accuracy of the classifier.',
    _few_labels,
  ),
  Difference(
    'Training uses float32 (nearly all released commands: mixed precision, -mpc).',
    'None expected beyond noise.',
    lambda config, method: config.algorithm.dtype == 'float32',
  ),
  Difference(
    'Spectral norm stores one power iteration per step (released: four, one per forward pass).',
    'None expected: weights change little in a step.',
    every(),
  ),
  Difference(
    'SNResGAN uses ReLU, as Tables 8 and 9 of the paper (released: leaky ReLU, slope 0.1).',
    'Unknown, probably small.',
    of(_LSUN),
  ),
  Difference(
    'Every batch norm of a conditional generator is conditional, as the paper says (released: all '
    'but the last).',
    'Unknown, probably small.',
    lambda config, method: gan_methods.METHODS[method].labels != 'none',
  ),
  Difference(
    'The discriminator of cgan always has the projection term (released: one version was '
    'unconditional).',
    'Unknown: the version behind the published rows is not known.',
    lambda config, method: method == 'cgan',
  ),
  Difference(
    'The batch statistics of the averaged generator come from the trained generator (released: the '
    'averaged generator runs in training mode every 100 steps for pictures, which updates its own '
    'statistics).',
    'Unknown; none if the statistics of both networks agree.',
    lambda config, method: config.evaluation.ema_statistics != 'recomputed',
  ),
  Difference(
    "λ is the paper's, 20 and 5 at ratios 100 and 1 (released configurations: 10 and 2.5).",
    'More even classes, perhaps a higher FID.',
    every(
      of(_LSUN),
      _in_the_loop,
      lambda config, method: config.algorithm.regulariser_weight in (20.0, 5.0),
    ),
  ),
  Difference(
    'The counts of the first cycle start at 0 (released: at 512 per class).',
    'A class that is absent in the first cycle gets more weight after it: N is 25 instead of 281.',
    every(
      of(_CIFAR10, _LSUN), _in_the_loop, lambda config, method: not config.algorithm.cycle_start
    ),
  ),
  Difference(
    'The class counts are updated every 2,000 steps, as the paper says (released: update_every is '
    '4,000, but each evaluation, every 2,000 steps, resets the counts).',
    'None expected: the cycle is about the same.',
    every(of(_CIFAR100), _in_the_loop),
  ),
  Difference(
    'Class counts are summed (released: averaged, at least 1 per class).',
    'Larger weights of the rare classes.',
    every(
      of(_INATURALIST),
      _in_the_loop,
      lambda config, method: config.algorithm.count_update == 'additive',
    ),
  ),
  Difference(
    'Labels with weights 1 / N_k are drawn for the steps of both networks (released: only for the '
    "generator's steps).",
    'The discriminator sees more images with rare labels.',
    lambda config, method: (
      gan_methods.METHODS[method].labels == 'effective'
      and config.algorithm.effective_labels == 'both_steps'
    ),
  ),
  Difference(
    'The last checkpoint is evaluated (released: the checkpoint with the lowest FID).',
    'A higher FID.',
    lambda config, method: config.evaluation.checkpoint != 'best',
  ),
  Difference(
    'KL and FID come from one sampling (published: means of three re-samplings of one checkpoint).',
    'None in the mean.',
    lambda config, method: config.evaluation.resamplings == 1,
  ),
  Difference(
    "The KL is of the annotator's labels, as the paper says (released: of the labels by the "
    'classifier in the loop, because the code that loads the annotator is commented out).',
    'A higher KL of class_balancing, which is trained to agree with the classifier in the loop.',
    of(_CIFAR10, _CIFAR100, _LSUN),
  ),
  Difference(
    'The CAS uses 100,000 images (released: 100,096, whole batches).',
    'None.',
    every(_scored, lambda config, method: config.evaluation.cas_images == 100_000),
  ),
  Difference(
    'The CAS uses another number of images than 100,000 (released: 100,096).',
    'A lower CAS with fewer images.',
    every(_scored, lambda config, method: config.evaluation.cas_images != 100_000),
  ),
  Difference(
    'The classifier of the CAS is trained by cross-entropy, and its last checkpoint is tested '
    '(authors: as the classifier in the loop, whose best checkpoint is selected by the test '
    'images).',
    'A slightly lower CAS.',
    _scored,
  ),
)


def lines(config: Any, method: str) -> list[str]:
  """Returns the differences of a method from the authors' code; [] without a published row."""
  published = (config.published or {}).get(method)
  return applying(TABLE, config, method) if published else []
