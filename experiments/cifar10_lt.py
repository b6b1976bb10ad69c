"""Long-tailed CIFAR-10 with Class Balancing GAN and its SNDCGAN baselines (Table 1 of the paper).

    python -m jaxgan.main --config=experiments/cifar10_lt.py
    python -m jaxgan.main --config=experiments/cifar10_lt.py:method=unconditional
    python -m jaxgan.main --config=experiments/cifar10_lt.py:ratio=10,method=class_balancing
    python -m jaxgan.main --config=experiments/cifar10_lt.py:ratio=10,method=cgan

Published (FID / KL of the annotator's labels from uniform):

| imbalance ratio | unconditional | acgan        | cgan         | class_balancing | λ   |
|-----------------|---------------|--------------|--------------|-----------------|-----|
| 100             | 36.97 / 0.31  | 44.10 / 0.33 | 48.13 / 0.02 | 32.93 / 0.06    | 10  |
| 10              | 32.53 / 0.14  | 38.33 / 0.12 | 26.09 / 0.01 | 30.48 / 0.01    | 7.5 |
| 1               | 27.03 / -     | 24.21 / -    | 18.99 / -    | 25.68 / -       | 5   |

The methods of a ratio share their work directory, classifier and annotator, and differ in nothing
but their choices (`jaxgan.algorithms.gan.METHODS`).
"""

from experiments import base

_BASELINES = {'unconditional': 'sndcgan', 'acgan': 'acgan', 'cgan': 'cgan'}  # published names
_REGULARISER_WEIGHT = {100: 10.0, 10: 7.5, 1: 5.0}


def get_config(argument: str = ''):
  """The configuration; the argument takes ratio=100|10|1 and method=..., separated by commas."""
  chosen = base.parse_argument(
    argument, ratio=(100, 10, 1), method=('class_balancing', *_BASELINES)
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
  for method, name in _BASELINES.items():
    config.published[method] = f'class_balancing_gan.cifar10.{name}.{chosen.ratio}'
  return config
