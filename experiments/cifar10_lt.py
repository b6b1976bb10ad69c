"""Long-tailed CIFAR-10 with Class Balancing GAN (Table 1 of the paper) and its SNDCGAN baseline.

    python -m jaxgan.main --config=experiments/cifar10_lt.py
    python -m jaxgan.main --config=experiments/cifar10_lt.py:method=unconditional
    python -m jaxgan.main --config=experiments/cifar10_lt.py:ratio=10,method=class_balancing

Published (FID / KL of the annotator's labels from uniform):

| imbalance ratio | unconditional | class_balancing | λ   |
|-----------------|---------------|-----------------|-----|
| 100             | 36.97 / 0.31  | 32.93 / 0.06    | 10  |
| 10              | 32.53 / 0.14  | 30.48 / 0.01    | 7.5 |
| 1               | 27.03 / -     | 25.68 / -       | 5   |

The two methods of a ratio share their work directory, classifier and annotator, and differ in
nothing but the regulariser.
"""

from experiments import base

_REGULARISER_WEIGHT = {100: 10.0, 10: 7.5, 1: 5.0}


def get_config(argument: str = ''):
  """The configuration; the argument takes ratio=100|10|1 and method=..., separated by commas."""
  chosen = base.parse_argument(
    argument, ratio=(100, 10, 1), method=('class_balancing', 'unconditional')
  )
  config = base.gan_config(
    experiment=f'cifar10_lt_ratio_{chosen.ratio}',
    method=chosen.method,
    classifier_data=f'long_tail_cifar10/ratio_{chosen.ratio}',
    annotator_data='long_tail_cifar10/ratio_1',
    flip=True,
  )
  config.algorithm.regulariser_weight = _REGULARISER_WEIGHT[chosen.ratio]
  config.published.class_balancing = f'class_balancing_gan.cifar10.class_balancing.{chosen.ratio}'
  config.published.unconditional = f'class_balancing_gan.cifar10.sndcgan.{chosen.ratio}'
  return config
