"""Elastic-InfoGAN and its baselines on 3D Chairs (Tables 1-4 of the paper).

    python -m jaxgan.main --config=experiments/chairs3d.py
    python -m jaxgan.main --config=experiments/chairs3d.py:method=uniform_infogan,set=3,draw=1

Ten identities of at most 62 views each: five sets of identities, each with five imbalances.

Networks, batch, epochs and positive pairs (rotation, mirror, a crop of 95 %) are the paper's (§4;
§4.2 of its supplement). Labels are for evaluation only: a ResNet-50, trained on all views of the
same ten identities, labels the generated images.

Published NMI / ENT, 25 runs:

| joint_vae   | uniform_infogan | gumbel_softmax | gumbel_softmax_pos | elastic_infogan |
|-------------|-----------------|----------------|--------------------|-----------------|
| 0.45 / 1.91 | 0.25 / 1.66     | 0.24 / 1.70    | 0.45 / 1.21        | 0.65 / 0.77     |

Those that are told the true class frequencies: ground_truth_infogan 0.17 / 1.84,
ground_truth_infogan_ntxent 0.59 / 0.89.
"""

from experiments import base
from experiments.mnist_lt import METHODS


def get_config(argument: str = ''):
  """The configuration; the argument takes method=..., set=0..4 and draw=0..4."""
  chosen = base.parse_argument(argument, method=METHODS, set=tuple(range(5)), draw=tuple(range(5)))
  identities = chosen['set']
  run = f'set_{identities}_draw_{chosen.draw}'
  config = base.codes_config(
    experiment='chairs3d',
    method=chosen.method,
    dataset=f'long_tail_chairs3d/{run}',
    annotator=base.resnet50_section(f'long_tail_chairs3d/set_{identities}_full'),
  )
  base.use_stackgan(config, capacity_steps=800)
  config.train.update(evaluate_every=500, picture_every=500, checkpoint_every=500)
  config.published = 'chairs3d'
  config.workdir = f'runs/chairs3d_{run}'
  return config
