"""Elastic-InfoGAN and its baselines on the fifty class-imbalanced MNISTs (Tables 1-4 of the paper).

    jaxgan train --config=experiments/mnist_lt.py                       one split, in full
    jaxgan train --config=experiments/mnist_lt.py:length=quick          minutes on a CPU
    jaxgan train --config=experiments/mnist_lt.py:method=uniform_infogan,split=7
    jaxgan train --config=experiments/mnist_lt.py --config.replicas=50  all splits at once

Fig. 1 shows InfoGAN on balanced data and on imbalanced data, and Elastic-InfoGAN on the latter:

    jaxgan train --config=experiments/mnist_lt.py:method=uniform_infogan,split=balanced
    jaxgan train --config=experiments/mnist_lt.py:method=uniform_infogan
    jaxgan train --config=experiments/mnist_lt.py

`split=balanced` has the 60,000 training images of MNIST (5,421 to 6,742 per class; the paper does
not give the number of its figure), and no published numbers. The code grids of the three runs
(`code_grid.png`) are the figure.

The views of the positive pair follow the released code, which made the tables: rotations of up to
20 degrees with Augmentor's crop. The paper's text says 10 degrees and no crop: `views=paper`.

With replicas, replica r trains on the r-th split after the named split with the r-th seed, like a
run with `split=r` and `--config.seed=r`.

Labels are for evaluation only. The evaluation classifier is trained first, or loaded:
`--config.annotator.folder=mnist_cnn.npz` (the tensors of the authors' mnist_cnn.pth). For other
data in MNIST's format, such as Fashion-MNIST, give `--config.data.source=PATH` with its four IDX
files, and another `--workdir`. Continuous codes: `--config.algorithm.num_continuous=2`.

Other readings of the paper: `--config.algorithm.positive_loss=cosine` for gumbel_softmax_pos;
`--config.algorithm.prior_entropy_weight=1.0` for the + H(c) of Eq. 1, which the released code
leaves out; `--config.algorithm.prior_start=(0.3,...)`, one number for each code, for a learned
prior that does not start uniform.

Published NMI / ENT, 50 splits:

| joint_vae   | uniform_infogan | gumbel_softmax | gumbel_softmax_pos | elastic_infogan |
|-------------|-----------------|----------------|--------------------|-----------------|
| 0.68 / 0.70 | 0.78 / 0.46     | 0.84 / 0.33    | 0.88 / 0.23        | 0.89 / 0.21     |

Methods with the true class frequencies: ground_truth_infogan 0.78 / 0.42,
ground_truth_infogan_ntxent 0.80 / 0.37.
"""

from experiments import base, base_codes
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment

METHODS = (
  'elastic_infogan',
  'uniform_infogan',
  'ground_truth_infogan',
  'ground_truth_infogan_ntxent',
  'gumbel_softmax',
  'gumbel_softmax_pos',
  'joint_vae',
)


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument: method=, split=0..49|balanced, length= and views=..."""
  chosen = base.parse_argument(
    argument,
    method=METHODS,
    split=(*range(50), 'balanced'),
    length=('full', 'quick'),
    views=('released', 'paper'),
  )
  balanced = chosen.split == 'balanced'
  name = 'full' if balanced else f'split_{chosen.split:02}'
  config = base_codes.codes_config(
    experiment='mnist_full' if balanced else 'mnist_lt',
    method=chosen.method,
    dataset=f'long_tail_mnist/{name}',
    annotator=base.evaluation_classifier_section('long_tail_mnist/full'),
  )
  config = changed(config, base_codes.views(config, chosen.views))
  if not balanced:
    config = changed(config, {'published': 'mnist', 'workdir': f'runs/mnist_lt_{name}'})
  if chosen.length == 'quick':
    short = {'annotator.algorithm.decay_epochs': (0.5,), 'annotator.train.epochs': 2}
    config = changed(base_codes.shortened(config), short)
  return config
