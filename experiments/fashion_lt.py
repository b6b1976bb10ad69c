"""The embedded example: Fashion-MNIST at 16x16, long-tailed, on a CPU in minutes.

    jaxgan train --config=experiments/fashion_lt.py

Trains a classifier (on the long-tailed images, 900 T-shirts to 18 ankle boots, imbalance ratio 50)
and an annotator (on 900 images of every class), then the unconditional GAN and Class Balancing GAN
under identical settings, and compares them. Small networks of the paper's families; nothing is
downloaded.

    jaxgan train --config=experiments/fashion_lt.py:method=all

also trains the paper's baselines, ACGAN, cGAN and ACGAN with the pre-trained classifier, and a
control: the unconditional GAN on class-balanced batches.

    jaxgan train --config=experiments/fashion_lt.py:ratio=100,method=cgan

trains one method, in the work directory of the other methods of that ratio.
"""

from experiments import base
from jaxgan.algorithms import gan_methods
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment

RATIOS = (50, 100, 10, 1)
METHODS = ('unconditional', 'class_balancing')
# The methods whose classes are the classes of the labels.
LABELLED = tuple(m for m, choices in gan_methods.METHODS.items() if choices.classes == 'labels')
ALL = (
  'unconditional', 'balanced_batches', 'acgan', 'cgan', 'acgan_pretrained', 'class_balancing'
)  # fmt: skip


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes ratio=50|100|10|1 and method=both|all|..."""
  chosen = base.parse_argument(argument, ratio=RATIOS, method=('both', 'all', *LABELLED))
  config = base.gan_config(
    experiment='fashion_lt' if chosen.ratio == RATIOS[0] else f'fashion_lt_ratio_{chosen.ratio}',
    method='class_balancing',
    classifier_data=f'long_tail_fashion/ratio_{chosen.ratio}',
    annotator_data='long_tail_fashion/ratio_1',
    flip=False,
  )

  def small(section):
    changes = {
      'algorithm.depth': 8,
      'algorithm.width': 8,
      'algorithm.warmup_epochs': 0.04,
      'algorithm.decay_epochs': (0.8, 0.9),
      'data.crop_padding': 1,
      'train': base.train_section(batch_size=32, epochs=50, every=1000),
    }
    return changed(section, changes)

  return changed(
    config,
    {
      'methods': {'both': METHODS, 'all': ALL}.get(chosen.method, (chosen.method,)),
      'algorithm.generator_width': 32,
      'algorithm.discriminator_width': 16,
      'algorithm.noise_dim': 64,
      'algorithm.learning_rate': 1e-3,
      'algorithm.regulariser_weight': 7.5,
      # Of 3,000 steps: cycles of 100, and averages from step 500.
      'algorithm.count_cycle': 1 / 30,
      'algorithm.ema_start': 1 / 6,
      'algorithm.ema_decay': 0.99,
      'data.crop_padding': 1,  # a few thousand images: shifts by a pixel keep D honest
      'train': base.train_section(batch_size=32, steps=3000, every=500, preview=True),
      'evaluation.samples': 5000,
      'evaluation.periodic_samples': 1000,
      'evaluation.checkpoint': 'latest',
      **base.for_each_role(config, small),
      'classifier.algorithm.drw_epoch': 0.8,
      'annotator.train.epochs': 15,  # of 9,000 images
      'annotator.algorithm.warmup_epochs': 2 / 15,
    },
  )
