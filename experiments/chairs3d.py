"""Elastic-InfoGAN and its baselines on 3D Chairs (Tables 1-4 of the paper).

    jaxgan train --config=experiments/chairs3d.py
    jaxgan train --config=experiments/chairs3d.py:method=uniform_infogan,set=3,draw=1
    jaxgan train --config=experiments/chairs3d.py:set=all           25 runs as replicas
    jaxgan train --config=experiments/chairs3d.py:length=quick     narrow, few steps: a CPU

Ten identities of at most 62 views each: five sets of identities, each with five imbalances.

Networks, batch, epochs and positive pairs (rotation, mirror, a crop of 95 %) are the paper's (§4;
§4.2 of its supplement). Labels are for evaluation only: a ResNet-50, trained on 80 % of all views
of the same ten identities, labels the generated images. With `set=all`, all runs share
one, trained on the identities of all sets, which chooses among the ten identities of each run.

The latents of joint_vae reach their capacity in 100,000 steps (see `base_codes.with_stackgan`). A
run has 3,000 to 3,600, 3 to 4 % of that, and ends below 1.1 nats for the
continuous latents and 0.2 for the category; `--config.algorithm.capacity_steps=1000` reaches
30 and 2.3 nats.

Published NMI / ENT, 25 runs:

| joint_vae   | uniform_infogan | gumbel_softmax | gumbel_softmax_pos | elastic_infogan |
|-------------|-----------------|----------------|--------------------|-----------------|
| 0.45 / 1.91 | 0.25 / 1.66     | 0.24 / 1.70    | 0.45 / 1.21        | 0.65 / 0.77     |

Methods with the true class frequencies: ground_truth_infogan 0.17 / 1.84,
ground_truth_infogan_ntxent 0.59 / 0.89.
"""

from experiments.cars3d import METHODS as METHODS  # part of the interface
from experiments.cars3d import objects_config
from jaxgan.runs.experiment import Experiment


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument: method=..., set=0..4|all, draw=0..4, length=full|quick."""
  return objects_config(argument, 'chairs3d', every=500)
