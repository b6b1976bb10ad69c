"""Does the learned prior find the truth? Two digits of MNIST, 0 and 4, at nine ratios.

    jaxgan train --config=experiments/mnist_pair.py                      zeros to fours 9:1
    jaxgan train --config=experiments/mnist_pair.py:ratio=3_7
    jaxgan train --config=experiments/mnist_pair.py --config.replicas=9  9:1, 8:2 ... 1:9
    jaxgan train --config=experiments/mnist_pair.py:length=quick         minutes on a CPU

Not in the paper. Every ratio has 7,000 images. The settings are as in `mnist_lt` with two codes,
except that the prior's logits learn ten times as fast: at Adam's steps of 0.0002 they need
thousands of steps for a ratio of 9:1.

An ablation: `--config.algorithm.prior_losses=adversarial` keeps the gradient of the mutual
information from the prior (in SLOGAN, ICLR 2022, the mixture's weights learn from the adversarial
loss alone). In evaluation.json, `prior` is the learned prior and `matched_frequencies` the truth.
"""

from experiments import base, base_codes
from experiments.mnist_lt import METHODS
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment

RATIOS = tuple(f'{zeros}_{10 - zeros}' for zeros in range(9, 0, -1))


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes method=..., ratio=9_1..1_9 and length=full|quick."""
  chosen = base.parse_argument(argument, method=METHODS, ratio=RATIOS, length=('full', 'quick'))
  config = base_codes.codes_config(
    experiment='mnist_pair',
    method=chosen.method,
    dataset=f'long_tail_mnist/zero_four_{chosen.ratio}',
    annotator=base.evaluation_classifier_section('long_tail_mnist/zero_four_full'),
  )
  faster = {} if chosen.method == 'joint_vae' else {'algorithm.prior_learning_rate': 0.002}
  config = changed(config, {'workdir': f'runs/mnist_pair_{chosen.ratio}', **faster})
  return base_codes.shortened(config) if chosen.length == 'quick' else config
