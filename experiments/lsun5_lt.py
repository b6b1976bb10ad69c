"""Five long-tailed LSUN scenes with Class Balancing GAN and its SNResGAN baselines (Tables 1, 3).

    jaxgan train --config=experiments/lsun5_lt.py --config.data.source=PATH
    jaxgan train --config=experiments/lsun5_lt.py:method=cgan --config.data.source=PATH
    jaxgan train --config=experiments/lsun5_lt.py:ratio=10 --config.data.source=PATH
    jaxgan train --config=experiments/lsun5_lt.py:weights=released \
        --config.data.source=PATH
    jaxgan train --config=experiments/lsun5_lt.py:classifier=few_labels \
        --config.data.source=PATH --config.classifier.algorithm.weights=BiT-M-R50x1.npz

PATH is a folder with LSUN's LMDB folders of bedroom, conference room, dining room, kitchen and
living room. Published (FID / KL of the annotator's labels from uniform):

| imbalance ratio | unconditional | acgan        | cgan         | class_balancing | λ (released) |
|-----------------|---------------|--------------|--------------|-----------------|--------------|
| 100             | 37.70 / 0.68  | 43.76 / 0.39 | 75.39 / 0.01 | 35.04 / 0.06    | 20 (10)      |
| 10              | 33.28 / 0.29  | 31.98 / 0.05 | 30.68 / 0.00 | 28.78 / 0.01    | 7.5 (7.5)    |
| 1               | 28.99 / -     | 26.43 / -    | 27.59 / -    | 28.15 / -       | 5 (2.5)      |

SNResGAN for 64x64 images (Tables 8 and 9), Adam's β1 = 0 (Table 10). Its activations are ReLU, as
the tables say; the authors' released code has leaky ReLU with slope 0.1. λ is the paper's;
`weights=released` uses λ of the released configurations, in another work directory. The first cycle
of the counts starts at 512 (`algorithm.cycle_start`), as in the released code. Mirroring,
re-samplings and the number of images of the CAS are as in `cifar10_lt`.

As in the released code, pictures are squashed to 64x64 as a whole;
`--config.data.options.picture=centre_crop` keeps their centre square, for the GAN and all
classifiers. FID compares with 2,000 images of each scene that no ratio is trained on.
`--config.evaluation.reference=released` takes the first 2,000 training images of each scene, as
the released code does: it trains on some of them, at ratio 100 on all 2,000 of the first three
scenes and on 1,581 and 500 of the last two.

Classifier and annotator have the focal loss, and the best epoch by validation accuracy is used, as
in the authors' released code; the paper names only the re-weighting of the classifier. Published
accuracies: 82.40, 88.07 and 90.53 % for ratio 100, 10 and 1; the annotator has ratio 1.

Semi-supervised (§4.3), `classifier=few_labels`: BiT-M R50x1, fine-tuned on 50 labelled images per
class, λ 10 and 7.5, batches of 128 (§6.4.3). Published: 35.95 / 0.15 and 30.96 / 0.06, accuracy of
the classifier 82.40 %.
"""

from experiments import base
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs.experiment import Experiment

METHODS = {  # and their published names
  'class_balancing': 'class_balancing',
  'unconditional': 'snresgan',
  'acgan': 'acgan',
  'cgan': 'cgan',
}
ARGUMENTS = {
  'ratio': (100, 10, 1),
  'method': tuple(METHODS),
  'classifier': ('long_tailed', 'few_labels'),
  'weights': ('paper', 'released'),
}
_REGULARISER_WEIGHT = {
  'paper': {100: 20.0, 10: 7.5, 1: 5.0},
  'released': {100: 10.0, 10: 7.5, 1: 2.5},
}


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes ratio=100|10|1, method=, classifier=, weights=..."""
  chosen = base.parse_argument(argument, **ARGUMENTS)
  name = f'lsun5_lt_ratio_{chosen.ratio}'
  few_labels = chosen.classifier == 'few_labels'
  if few_labels:
    base.check_few_labels(argument, chosen.ratio)
    if chosen.weights != ARGUMENTS['weights'][0]:
      raise UserError(
        f'--config=...:{argument}: expected no weights=, which classifier=few_labels sets.'
      )
    name = f'{name}_few_labels'
  elif chosen.weights == 'released':
    name = f'{name}_released_weights'
  config = base.gan_config(
    experiment=name,
    method=chosen.method,
    classifier_data=f'long_tail_lsun/ratio_{chosen.ratio}',
    annotator_data='long_tail_lsun/ratio_1',
    flip=True,
    classifier=_few_labels_classifier() if few_labels else None,
  )
  changes = {
    **base.EVALUATED_AS_PUBLISHED,
    'data.options.picture': 'squash',
    'algorithm.network': 'snresgan',
    'algorithm.beta1': 0.0,
    'algorithm.regulariser_weight': _REGULARISER_WEIGHT[chosen.weights][chosen.ratio],
    'algorithm.cycle_start': base.PUBLISHED_CYCLE_START,
    'annotator': base.with_focal_loss(config.annotator),
  }
  if few_labels:
    row = f'class_balancing_gan.semi_supervised.lsun5.{chosen.ratio}'
    return changed(
      config,
      {
        **changes,
        'algorithm.regulariser_weight': base.FEW_LABELS_REGULARISER_WEIGHT[chosen.ratio],
        'train.batch_size': 128,
        'published': {'class_balancing': row},
      },
    )
  changes['classifier'] = base.with_focal_loss(config.classifier)
  changes['published'] = {
    method: f'class_balancing_gan.lsun5.{row}.{chosen.ratio}' for method, row in METHODS.items()
  }
  return changed(config, changes)


def _few_labels_classifier():
  return base.few_labels_classifier_section('long_tail_lsun/labelled_50', num_labels=250)
