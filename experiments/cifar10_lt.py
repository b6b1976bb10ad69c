"""Long-tailed CIFAR-10 with Class Balancing GAN and its SNDCGAN baselines (Table 1 of the paper).

    python -m jaxgan.main --config=experiments/cifar10_lt.py
    python -m jaxgan.main --config=experiments/cifar10_lt.py:method=unconditional
    python -m jaxgan.main --config=experiments/cifar10_lt.py:ratio=10,method=class_balancing
    python -m jaxgan.main --config=experiments/cifar10_lt.py:ratio=10,method=cgan
    python -m jaxgan.main --config=experiments/cifar10_lt.py:classifier=few_labels \
        --config.classifier.algorithm.weights=BiT-M-R50x1.npz

Published (FID / KL of the annotator's labels from uniform):

| imbalance ratio | unconditional | acgan        | cgan         | class_balancing | λ   |
|-----------------|---------------|--------------|--------------|-----------------|-----|
| 100             | 36.97 / 0.31  | 44.10 / 0.33 | 48.13 / 0.02 | 32.93 / 0.06    | 10  |
| 10              | 32.53 / 0.14  | 38.33 / 0.12 | 26.09 / 0.01 | 30.48 / 0.01    | 7.5 |
| 1               | 27.03 / -     | 24.21 / -    | 18.99 / -    | 25.68 / -       | 5   |

The methods of a ratio share their work directory, classifier and annotator, and differ in nothing
but their choices (`jaxgan.algorithms.gan.METHODS`).

Semi-supervised (§4.3 of the paper), `classifier=few_labels`: the GAN's images are unlabelled, the
classifier in the loop is BiT-M R50x1 of ImageNet-21k, fine-tuned on five labelled images a class.
Published, ratio 100: 33.32 / 0.14, ratio 10: 30.37 / 0.04, accuracy of the classifier 84.96 %.
"""

from experiments import base
from jaxgan.errors import UserError

_BASELINES = {'unconditional': 'sndcgan', 'acgan': 'acgan', 'cgan': 'cgan'}  # published names
_REGULARISER_WEIGHT = {100: 10.0, 10: 7.5, 1: 5.0}


def get_config(argument: str = ''):
  """The configuration; the argument takes ratio=100|10|1, method=... and classifier=..."""
  chosen = base.parse_argument(
    argument,
    ratio=(100, 10, 1),
    method=('class_balancing', *_BASELINES),
    classifier=('long_tailed', 'few_labels'),
  )
  few_labels = chosen.classifier == 'few_labels'
  if few_labels and chosen.ratio == 1:
    raise UserError(f'--config=...:{argument}: classifier=few_labels needs ratio=100 or ratio=10')
  config = base.gan_config(
    experiment=f'cifar10_lt_ratio_{chosen.ratio}{"_few_labels" if few_labels else ""}',
    method=chosen.method,
    classifier_data=f'long_tail_cifar10/ratio_{chosen.ratio}',
    annotator_data='long_tail_cifar10/ratio_1',
    flip=True,
    classifier=_few_labels_classifier() if few_labels else None,
  )
  config.algorithm.regulariser_weight = _REGULARISER_WEIGHT[chosen.ratio]
  table = 'semi_supervised.cifar10' if few_labels else 'cifar10.class_balancing'
  config.published.class_balancing = f'class_balancing_gan.{table}.{chosen.ratio}'
  for method, name in _BASELINES.items():
    config.published[method] = f'class_balancing_gan.cifar10.{name}.{chosen.ratio}'
  return config


def _few_labels_classifier():
  return base.few_labels_classifier_section('long_tail_cifar10/labelled_5', num_labels=50)
