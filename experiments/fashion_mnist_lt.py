"""All of Fashion-MNIST at 28x28, long-tailed: Class Balancing GAN and every baseline.

    jaxgan train --config=experiments/fashion_mnist_lt.py
    jaxgan train --config=experiments/fashion_mnist_lt.py:method=cgan
    jaxgan train --config=experiments/fashion_mnist_lt.py:length=quick
    jaxgan train --config=experiments/fashion_mnist_lt.py:ratio=10,method=unconditional \
        --config.data.source=PATH

The data set is downloaded (31 MB), or PATH is a folder with its four IDX files. Imbalance ratio
100: 6,000 T-shirts ... 60 ankle boots; the annotator is trained on all 60,000 training images, and
the 10,000 test images are the reference of all distances.

No paper has this data set in its tables. The settings are as for long-tailed CIFAR-10
(`cifar10_lt`), except that the classifiers have the cross-entropy and the last checkpoint, and that
the first count c_k starts at 0. The methods differ only in their choices, and share their work
directory, classifier and annotator. SNDCGAN has two stages, 7x7 to 28x28, and no image is mirrored,
because nearly all shoes point to the left.

Expected time, as an estimate: 100,000 steps take about 16 minutes on an NVIDIA H200, where a step
of CIFAR-10's larger networks takes 9.6 ms, without the classifiers and evaluations. `length=quick`
is a first look in half an hour on two busy CPU cores, the classifiers included: small networks of
the same families and 2,000 steps, in its own work directory. With seed 0 its class_balancing had,
on 5,000 images, KL 0.063, Fréchet distance (annotator) 2.40 and CAS 74.7 %.
"""

from experiments import base, folder_lt
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment

METHODS = (
  'class_balancing',
  'unconditional',
  'acgan',
  'cgan',
  'acgan_pretrained',
  'random_labels',
  'balanced_batches',
  'class_balancing_balanced_batches',
)
ARGUMENTS = {'method': METHODS, 'ratio': (100, 10, 1), 'length': ('full', 'quick')}
_REGULARISER_WEIGHT = {100: 10.0, 10: 7.5, 1: 5.0}  # Of CIFAR-10.


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes method=..., ratio=100|10|1 and length=full|quick."""
  chosen = base.parse_argument(argument, **ARGUMENTS)
  config = base.gan_config(
    experiment=f'fashion_mnist_lt_ratio_{chosen.ratio}',
    method=chosen.method,
    classifier_data=f'long_tail_fashion_mnist/ratio_{chosen.ratio}',
    annotator_data='long_tail_fashion_mnist/ratio_1',
    flip=False,
  )
  config = changed(config, {'algorithm.regulariser_weight': _REGULARISER_WEIGHT[chosen.ratio]})
  return _shortened(config) if chosen.length == 'quick' else config


def _shortened(config):
  """Small networks, 2,000 steps, and classifiers of a few epochs: these are longer than usual."""

  def short(section, epochs=5):
    train = base.train_section(batch_size=64, epochs=epochs, every=1000)
    changes = {'algorithm.decay_epochs': (0.8,), 'train': train}
    return changed(base.shortened_classifier(section), changes)

  return changed(
    folder_lt.shortened(config),
    {
      **base.for_each_role(config, short),
      'annotator': short(config.annotator, epochs=3),
    },
  )
