"""Elastic-InfoGAN and its baselines on five classes of ShapeNet (Tables 1-3 of the paper).

    jaxgan train --config=experiments/shapenet.py
    jaxgan train --config=experiments/shapenet.py:method=uniform_infogan
    jaxgan train --config=experiments/shapenet.py --config.replicas=5     its five runs

Cars, airplanes, bowls, cans and rifles, 30 views of each instance.

Networks, batch, epochs and positive pairs (rotation, mirror, a crop of 95 %) are the paper's (§4;
§4.2 of its supplement). Labels are for evaluation only: a ResNet-50, trained on the same images,
labels the generated ones.

Published NMI / ENT, 5 runs:

| joint_vae   | uniform_infogan | gumbel_softmax | gumbel_softmax_pos | elastic_infogan |
|-------------|-----------------|----------------|--------------------|-----------------|
| 0.19 / 1.01 | 0.64 / 0.53     | 0.60 / 0.62    | 0.72 / 0.40        | 0.79 / 0.30     |

Methods with the true class frequencies: ground_truth_infogan 0.55 / 0.67,
ground_truth_infogan_ntxent 0.53 / 0.72.
"""

from experiments import base, base_codes
from experiments.mnist_lt import METHODS
from jaxgan.config.overrides import changed
from jaxgan.runs.experiment import Experiment


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument takes method=...."""
  chosen = base.parse_argument(argument, method=METHODS)
  config = base_codes.codes_config(
    experiment='shapenet',
    method=chosen.method,
    dataset='shapenet5',
    annotator=base.resnet50_section('shapenet5/full'),
  )
  return changed(base_codes.with_stackgan(config), {'published': 'shapenet'})
