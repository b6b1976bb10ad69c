"""Where published rows differ from the authors' released code of Class Balancing GAN, and why.

The code is github.com/val-iisc/class-balancing-gan; facts about it were read, nothing is copied.
"""

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
    'A class keeps the first n_k images of a seeded shuffle of ours (released: of a shuffle by '
    "NumPy's global generator on CIFAR; the first of each LMDB on LSUN).",
    'Other images of the rare classes; no systematic effect.',
    of(_CIFAR10, _CIFAR100, _LSUN),
  ),
  Difference(
    'The images of the GAN are mirrored at random (released: not).',
    'A lower FID where few images are the problem.',
    lambda config, method: config.data.flip,
  ),
  Difference(
    'LSUN keeps the centre square of each picture (released: the whole picture, squashed).',
    'Another data set: FIDs do not compare.',
    every(of(_LSUN), lambda config, method: config.data.options.picture != 'squash'),
  ),
  Difference(
    'iNaturalist is resized to 64x64 by Lanczos (released: bilinear).',
    'Slightly sharper real images; small.',
    of(_INATURALIST),
  ),
  Difference(
    'FID compares with 2,000 images of each LSUN scene that no ratio is trained on (released: the '
    'first 2,000 training images).',
    'A higher FID: a GAN comes nearer to images that it was trained on.',
    every(of(_LSUN), lambda config, method: config.evaluation.reference == 'held_out'),
  ),
  Difference(
    'Classifiers read images in [-1, 1], as they were trained to (released: trained on images '
    "normalised by CIFAR's mean and deviation, then given the GAN's [-1, 1]).",
    'Better labels: of the regulariser, the KL and the CAS.',
    of(_CIFAR10, _LSUN),
  ),
  Difference(
    'Classifier and annotator are trained by cross-entropy and their last checkpoint is used '
    '(released: focal loss, γ = 1, and the checkpoint of the best validation accuracy).',
    'Slightly other labels; the size is unknown.',
    every(
      of(_CIFAR10, _LSUN),
      lambda config, method: not _few_labels(config, method),
      # As all annotators were trained before there was a choice.
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
    'Another classifier: its KL, labels and regulariser do not compare.',
    every(of(_INATURALIST), lambda config, method: not _resizes(config, method)),
  ),
  Difference(
    'The classifier is trained on 64x64 images that are resized to 224x224 (which images the '
    "authors' classifier was trained on is not known; classifier=large takes 224x224 ones).",
    'A less accurate classifier: the report has its accuracy beside the published 46.90 %.',
    every(
      of(_INATURALIST),
      _resizes,
      lambda config, method: config.classifier.data.dataset == config.data.dataset,
    ),
  ),
  Difference(
    "BiT is fine-tuned on each labelled image once a step (BiT's notebook: 512 draws a step; what "
    'the authors did is not known).',
    'Small: the accuracy of the classifier is in the protocol.',
    _few_labels,
  ),
  Difference(
    'Training is in float32 (released commands: mixed precision, -mpc, in nearly all).',
    'None expected beyond noise.',
    lambda config, method: config.algorithm.dtype == 'float32',
  ),
  Difference(
    "Spectral norm stores one power iteration a step (released: four, of the step's forwards).",
    'None expected: weights change little in a step.',
    every(),
  ),
  Difference(
    'ReLU in SNResGAN, as Tables 8 and 9 of the paper have it (released: leaky ReLU, slope 0.1).',
    'Unknown, probably small.',
    of(_LSUN),
  ),
  Difference(
    'Every batch norm of a conditional generator is conditional, as the paper says (released: the '
    'last one is not).',
    'Unknown, probably small.',
    lambda config, method: gan_methods.METHODS[method].labels != 'none',
  ),
  Difference(
    'The discriminator of cgan has the projection term throughout (released: at one time it was '
    'hard-coded to be unconditional).',
    'Unknown: which of the two the printed rows had is not known.',
    lambda config, method: method == 'cgan',
  ),
  Difference(
    'The batch statistics of the averaged generator come from the generator that is trained '
    '(released: the average runs in training mode for pictures every 100 steps, so that they are '
    'mostly its own).',
    'Unknown; none where the statistics of both networks agree.',
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
    'The counts of the first cycle start at 0 (released: at 512 a class).',
    'A class that is absent at first weighs more after it: N is 25 instead of 281.',
    every(
      of(_CIFAR10, _LSUN), _in_the_loop, lambda config, method: not config.algorithm.cycle_start
    ),
  ),
  Difference(
    'The class counts are updated every 2,000 steps, as the paper says (released: update_every is '
    '4,000, but each evaluation, every 2,000 steps, resets the counts).',
    'None expected: about the same cycle.',
    every(of(_CIFAR100), _in_the_loop),
  ),
  Difference(
    'Class counts are summed (released: averaged, at least 1 a class).',
    'Stronger weights of the rare classes.',
    every(
      of(_INATURALIST),
      _in_the_loop,
      lambda config, method: config.algorithm.count_update == 'additive',
    ),
  ),
  Difference(
    'Labels of weight 1 / N_k are drawn for the steps of both networks (released: for the '
    "generator's alone).",
    'The discriminator sees more images of rare labels.',
    lambda config, method: (
      gan_methods.METHODS[method].labels == 'effective'
      and config.algorithm.effective_labels == 'both_steps'
    ),
  ),
  Difference(
    'The last checkpoint is evaluated (released: the one of the lowest FID).',
    'A higher FID.',
    lambda config, method: config.evaluation.checkpoint != 'best',
  ),
  Difference(
    'KL and FID are of one sampling (published: means of three re-samplings of one checkpoint).',
    'None in the mean.',
    lambda config, method: config.evaluation.resamplings == 1,
  ),
  Difference(
    "The KL is of the annotator's labels, as the paper says (released: of the classifier in the "
    "loop, as the annotator's loading is commented out).",
    'A higher KL of class_balancing, which is trained to please the classifier in the loop.',
    of(_CIFAR10, _CIFAR100, _LSUN),
  ),
  Difference(
    'The CAS is of 100,000 images (released: of 100,096, whole batches).',
    'None.',
    every(_scored, lambda config, method: config.evaluation.cas_images == 100_000),
  ),
  Difference(
    'The CAS is of another number of images than 100,000 (released: 100,096).',
    'A lower CAS of fewer images.',
    every(_scored, lambda config, method: config.evaluation.cas_images != 100_000),
  ),
  Difference(
    'The classifier of the CAS is trained by cross-entropy and tested at its last checkpoint '
    '(authors: as the classifier in the loop; the best checkpoint would be chosen by the test '
    'images).',
    'A slightly lower CAS.',
    _scored,
  ),
)


def lines(config, method: str) -> list[str]:
  """Returns the differences of a method from the authors' code; [] without a published row."""
  published = (config.published or {}).get(method)
  return applying(TABLE, config, method) if published else []
