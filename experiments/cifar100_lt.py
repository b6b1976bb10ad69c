"""Long-tailed CIFAR-100 with Class Balancing GAN and its SNResGAN baselines (Table 4 of the paper).

    jaxgan train --config=experiments/cifar100_lt.py
    jaxgan train --config=experiments/cifar100_lt.py:method=unconditional
    jaxgan train --config=experiments/cifar100_lt.py:ratio=100,method=cgan

Published for imbalance ratio 10 (FID / KL of the annotator's labels from uniform): unconditional
30.05 / 0.18, acgan 69.90 / 0.40, cgan 30.87 / 0.09, class_balancing 28.17 / 0.11; classifier
57.63 %, annotator 70.99 %. Ratio 100, the field's harder setting, is in no table of the paper.

The training of the released classifiers is not known. Here both use the cross-entropy and the last
checkpoint, the classifier with deferred re-weighting. Mirroring, re-samplings and the number of
images of the CAS are as in `cifar10_lt`.

SNResGAN has the networks of Miyato et al. 2018 for 32x32 images; λ is 0.5, and all other settings
are as for CIFAR-10 (§6.5.1, Table 12).
"""

from experiments import base
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment

METHODS = {  # and their published names
  'class_balancing': 'class_balancing',
  'unconditional': 'snresgan',
  'acgan': 'acgan',
  'cgan': 'cgan',
}
ARGUMENTS = {'ratio': (10, 100), 'method': tuple(METHODS)}


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes ratio=10|100 and method=..."""
  chosen = base.parse_argument(argument, **ARGUMENTS)
  config = base.gan_config(
    experiment=f'cifar100_lt_ratio_{chosen.ratio}',
    method=chosen.method,
    classifier_data=f'long_tail_cifar100/ratio_{chosen.ratio}',
    annotator_data='long_tail_cifar100/ratio_1',
    flip=True,
  )
  published = {m: f'class_balancing_gan.cifar100.{name}' for m, name in METHODS.items()}
  return changed(
    config,
    {
      **base.EVALUATED_AS_PUBLISHED,
      'algorithm.network': 'snresgan_cifar',
      'algorithm.generator_width': 256,
      'algorithm.discriminator_width': 128,
      'algorithm.regulariser_weight': 0.5,
      'published': published if chosen.ratio == 10 else {},
    },
  )
