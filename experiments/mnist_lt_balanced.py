"""Class balancing with and without labels, on the class-imbalanced MNISTs of Elastic-InfoGAN.

    jaxgan train --config=experiments/mnist_lt_balanced.py               without labels
    jaxgan train --config=experiments/mnist_lt_balanced.py:loop=labels   the paper's method
    jaxgan train --config=experiments/mnist_lt_balanced.py:loop=none     unconditional
    jaxgan train --config=experiments/mnist_lt_balanced.py:split=7,length=quick

Not in either paper. The class-balancing GAN has one of these frozen networks in its loop:

  codes   Elastic-InfoGAN's Q, trained first on the same images without their labels: the GAN
          balances codes, and the evaluation tells whether the classes are balanced, too
  labels  a classifier trained on the same images and their labels
  none    no network

All other settings are equal; the three share their work directory, and `jaxgan report` compares
them. `--config.recogniser.folder=runs/mnist_lt_split_00/elastic_infogan` uses a run of `mnist_lt`
on the same split instead of training one.

In all three, labels are also used for evaluation: the annotator, a CNN trained on MNIST, counts the
classes, and the classifier of the long-tailed images labels the generated images for the
classification accuracy score, because codes are not classes. The last checkpoint is evaluated,
because labels must not select a checkpoint. The splits are drawn from all 70,000 images
and overlap the 10,000 test images, which are the reference of all distances and of that score.

The networks are SNDCGANs of two stages, 7x7 to 28x28; λ is the paper's for a ratio of 10, as the
splits have ratios of 2.3 to 9.2. With `length=quick`, widths of 32 and 16 and 3,000 steps.
"""

from experiments import base, base_codes, folder_lt
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment

LOOPS = {'codes': 'code_balancing', 'labels': 'class_balancing', 'none': 'unconditional'}


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes split=0..49, loop=... and length=full|quick."""
  chosen = base.parse_argument(
    argument, split=tuple(range(50)), loop=tuple(LOOPS), length=('full', 'quick')
  )
  split = f'split_{chosen.split:02}'
  config = base.gan_config(
    experiment='mnist_lt_balanced',
    method=LOOPS[chosen.loop],
    classifier_data=f'long_tail_mnist/{split}',
    annotator_data='long_tail_mnist/full',
    flip=False,
  )

  def small(section):
    cnn = base.evaluation_classifier_section('')
    return changed(
      section, {'algorithm': cnn.algorithm, 'train': cnn.train, 'data.crop_padding': 0}
    )

  config = changed(
    config,
    {
      'workdir': f'runs/mnist_lt_balanced_{split}',
      'algorithm.regulariser_weight': 7.5,
      'evaluation.samples': 10_000,
      'evaluation.checkpoint': 'latest',
      **base.for_each_role(config, small),
      'classifier.algorithm.drw_epoch': 2,
    },
  )
  config = base_codes.with_recogniser(config)
  return _shortened(config) if chosen.length == 'quick' else config


def _shortened(config):
  return changed(
    folder_lt.shortened(config),
    {
      'algorithm.noise_dim': 64,
      'train': base.train_section(batch_size=64, steps=3000, every=500, preview=True),
      'recogniser': base_codes.shortened(config.recogniser),
    },
  )
