"""Long-tailed CIFAR-10 with Class Balancing GAN and its SNDCGAN baselines (Table 1 of the paper).

    jaxgan train --config=experiments/cifar10_lt.py
    jaxgan train --config=experiments/cifar10_lt.py:method=unconditional
    jaxgan train --config=experiments/cifar10_lt.py:ratio=10,method=class_balancing
    jaxgan train --config=experiments/cifar10_lt.py:ratio=10,method=cgan
    jaxgan train --config=experiments/cifar10_lt.py:classifier=few_labels \
        --config.classifier.algorithm.weights=BiT-M-R50x1.npz

Published (FID / KL of the annotator's labels from uniform):

| imbalance ratio | unconditional | acgan        | cgan         | class_balancing | λ   |
|-----------------|---------------|--------------|--------------|-----------------|-----|
| 100             | 36.97 / 0.31  | 44.10 / 0.33 | 48.13 / 0.02 | 32.93 / 0.06    | 10  |
| 10              | 32.53 / 0.14  | 38.33 / 0.12 | 26.09 / 0.01 | 30.48 / 0.01    | 7.5 |
| 1               | 27.03 / -     | 24.21 / -    | 18.99 / -    | 25.68 / -       | 5   |

The methods of a ratio share their work directory, classifier and annotator, and differ only in
their choices (`jaxgan.algorithms.gan_methods.METHODS`).

Classifier and annotator have the focal loss, and the best epoch by validation accuracy is used, as
in the authors' released code; the paper names only the re-weighting of the classifier. Both read
images in [-1, 1], in training and in the loop. The released classifier was trained on images
normalised by CIFAR's means and deviations but read the GAN's images in [-1, 1]; we do not copy
this. Published accuracies: 76.67, 87.70 and 92.29 % for ratio 100, 10 and 1; the annotator has
ratio 1. As in the authors' released code, the GAN's images are not mirrored (the classifiers' are),
FID and KL are means over three re-samplings of the checkpoint, and the CAS uses 100,000 images.
`python -m experiments.rows --differences` lists the differences from that code.

Semi-supervised (§4.3 of the paper), `classifier=few_labels`: the GAN's images are unlabelled, the
classifier in the loop is BiT-M R50x1 of ImageNet-21k, fine-tuned on five labelled images per class.
Published, ratio 100: 33.32 / 0.14, ratio 10: 30.37 / 0.04, accuracy of the classifier 84.96 %.

The count c_k of the first cycle starts at 512 (`algorithm.cycle_start`), as in the authors'
released code; later ones start at 0. Batch x cycle / K is 51,200 here: scale it for other lengths.
A nearly absent class then has N_k = 281 after the first cycle instead of 25.

Ablations, each in its own work directory: `classifier=ratio_1|ratio_10|ratio_100|ratio_200|
ratio_1000` has a classifier of that imbalance ratio in the loop (Fig. 5; its loss is not known:
here cross-entropy with re-weighting, the last checkpoint), and
`--config.algorithm.count_update=additive --workdir=...` has Eq. 5's other form. Fig. 6, the period
of the counts, at ratio 10 (2,000 is the default):

    jaxgan train --config=experiments/cifar10_lt.py:ratio=10 \
        --config.algorithm.count_cycle=1000 --workdir=runs/cifar10_lt_ratio_10_cycle_1000
    jaxgan train --config=experiments/cifar10_lt.py:ratio=10 \
        --config.algorithm.count_cycle=4000 --workdir=runs/cifar10_lt_ratio_10_cycle_4000

The authors' scripts of 1,000 and 4,000 vary `save_every`, perhaps with the period of the FID check
(`train.evaluate_every` and `train.checkpoint_every`), which stays at 2,000 here.

Fig. 3, the two extreme cases of the regulariser: N of one class is held at 1e8 or at 1.

    jaxgan train --config=experiments/cifar10_lt.py:ratio=1,counts=huge
    jaxgan train --config=experiments/cifar10_lt.py:ratio=1,counts=tiny

Neither the paper nor the code names the class or the other N. Here it is class 4, deer, and the
other N are held at 50, where N starts. Other numbers, one per class:

    jaxgan train --config=experiments/cifar10_lt.py:ratio=1,counts=huge \
        '--config.algorithm.count_start=(1,1,1e8,1,1,1,1,1,1,1)' --workdir=runs/cifar10_lt_bird
"""

from experiments import base
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs.experiment import Experiment

METHODS = {  # and their published names
  'class_balancing': 'class_balancing',
  'unconditional': 'sndcgan',
  'acgan': 'acgan',
  'cgan': 'cgan',
  'acgan_pretrained': None,
}
RATIOS = ('ratio_1', 'ratio_10', 'ratio_100', 'ratio_200', 'ratio_1000')
ARGUMENTS = {
  'ratio': (100, 10, 1),
  'method': tuple(METHODS),
  'classifier': ('long_tailed', 'few_labels', *RATIOS),
  'counts': ('learned', 'huge', 'tiny'),
}
_REGULARISER_WEIGHT = {100: 10.0, 10: 7.5, 1: 5.0}
_HELD_CLASS, _HELD_COUNTS = 4, {'huge': 1e8, 'tiny': 1.0}  # Fig. 3


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes ratio=100|10|1, method=, classifier=, counts=..."""
  chosen = base.parse_argument(argument, **ARGUMENTS)
  name, data = f'cifar10_lt_ratio_{chosen.ratio}', f'long_tail_cifar10/ratio_{chosen.ratio}'
  classifier, rows = None, {}
  if chosen.classifier == 'few_labels':
    base.check_few_labels(argument, chosen.ratio)
    name = f'{name}_few_labels'
    classifier = base.few_labels_classifier_section('long_tail_cifar10/labelled_5', num_labels=50)
    rows = {'class_balancing': f'class_balancing_gan.semi_supervised.cifar10.{chosen.ratio}'}
  elif chosen.classifier in RATIOS:
    name = f'{name}_classifier_{chosen.classifier}'
    classifier = base.classifier_section(f'long_tail_cifar10/{chosen.classifier}', drw=True)
  else:
    rows = {
      method: f'class_balancing_gan.cifar10.{published}.{chosen.ratio}'
      for method, published in METHODS.items()
      if published
    }
  config = base.gan_config(
    experiment=name,
    method=chosen.method,
    classifier_data=data,
    annotator_data='long_tail_cifar10/ratio_1',
    flip=True,
    classifier=classifier,
  )
  changes = {
    **base.EVALUATED_AS_PUBLISHED,
    'published': rows,
    'algorithm.regulariser_weight': _REGULARISER_WEIGHT[chosen.ratio],
    'algorithm.cycle_start': base.PUBLISHED_CYCLE_START,
    'annotator': base.with_focal_loss(config.annotator),
  }
  if chosen.classifier == 'long_tailed':
    changes['classifier'] = base.with_focal_loss(config.classifier)
  if chosen.counts in _HELD_COUNTS:
    if chosen.method != 'class_balancing':
      raise UserError(
        f'--config=...:{argument}: expected method=class_balancing, because '
        f'{chosen.method} has no counts.'
      )
    counts = list(config.algorithm.count_start) * 10
    counts[_HELD_CLASS] = _HELD_COUNTS[chosen.counts]
    changes |= {
      'experiment': f'{name}_counts_{chosen.counts}',
      'workdir': f'runs/{name}_counts_{chosen.counts}',
      'published': {},  # Fig. 3 has no numbers.
      'algorithm.count_start': tuple(counts),
      'algorithm.count_update': 'held',
      'evaluation.cas': False,  # With held counts, the images are not balanced.
    }
  return changed(config, changes)
