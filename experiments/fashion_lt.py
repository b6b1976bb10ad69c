"""The embedded example: scikit-learn's handwritten digits, long-tailed, on a CPU in minutes.

    python -m jaxgan.main --config=experiments/fashion_lt.py

Trains a classifier (on the long-tailed digits, imbalance ratio 10) and an annotator (on balanced
ones), then the unconditional GAN and Class Balancing GAN under identical settings, and compares
them. Small networks of the paper's families on 16x16 images; nothing is downloaded.

    python -m jaxgan.main --config=experiments/fashion_lt.py:method=all

compares the paper's baselines, too: ACGAN, cGAN, and ACGAN with the pre-trained classifier.

    python -m jaxgan.main --config=experiments/fashion_lt.py:method=cgan

trains one method, which then stands beside the others in the same work directory.
"""

from experiments import base
from jaxgan.algorithms import gan_methods

METHODS = ('unconditional', 'class_balancing')
# Those whose classes are those of the labels.
LABELLED = tuple(m for m, choices in gan_methods.METHODS.items() if choices.classes == 'labels')
ALL = ('unconditional', 'acgan', 'cgan', 'acgan_pretrained', 'class_balancing')


def get_config(argument: str = ''):
  """The configuration; the argument takes method=..., all or one instead of the two."""
  chosen = base.parse_argument(argument, method=('both', 'all', *LABELLED))
  config = base.gan_config(
    experiment='fashion_lt',
    method='class_balancing',
    classifier_data='long_tail_fashion/ratio_50',
    annotator_data='long_tail_fashion/ratio_1',
    flip=False,
  )
  config.methods = {'both': METHODS, 'all': ALL}.get(chosen.method, (chosen.method,))
  algorithm = config.algorithm
  algorithm.generator_width, algorithm.discriminator_width = 32, 16
  algorithm.noise_dim = 64
  algorithm.learning_rate = 1e-3
  algorithm.regulariser_weight = 7.5
  # Cycles and averages of the paper's proportions, for a run of 3,000 instead of 100,000 steps.
  algorithm.count_cycle = 100
  algorithm.ema_start, algorithm.ema_decay = 500, 0.99
  config.data.crop_padding = 1  # 562 images: shifts by a pixel keep the discriminator honest
  config.train = base.train_section(batch_size=64, steps=3000, every=500)
  config.evaluation.samples = 5000
  config.evaluation.periodic_samples = 1000
  config.evaluation.checkpoint = 'latest'
  for section in (config.classifier, config.annotator, config.cas):
    section.algorithm.depth, section.algorithm.width = 8, 8
    section.algorithm.warmup_epochs = 2
    section.algorithm.decay_epochs = (40, 45)
    section.data.crop_padding = 1
    section.train = base.train_section(batch_size=32, epochs=50, every=1000)
  config.classifier.algorithm.drw_epoch = 40
  config.annotator.train.epochs = 15  # of 9,000 images
  config.annotator.algorithm.decay_epochs = (12, 14)
  return config
