"""Elastic-InfoGAN and its baselines on 3D Cars (Tables 1-4 of the paper).

    python -m jaxgan.main --config=experiments/cars3d.py
    python -m jaxgan.main --config=experiments/cars3d.py:method=uniform_infogan,set=3,draw=1

Ten identities of at most 96 views each: five sets of identities, each with five imbalances.

Networks, batch, epochs and positive pairs (rotation, mirror, a crop of 95 %) are the paper's (§4;
§4.2 of its supplement). Labels are for evaluation only: a ResNet-50, trained on all views of the
same ten identities, labels the generated images.

Published NMI / ENT, 25 runs:

| joint_vae   | uniform_infogan | gumbel_softmax | gumbel_softmax_pos | elastic_infogan |
|-------------|-----------------|----------------|--------------------|-----------------|
| 0.39 / 1.08 | 0.50 / 1.11     | 0.40 / 1.32    | 0.58 / 0.92        | 0.85 / 0.30     |

Those that are told the true class frequencies: ground_truth_infogan 0.45 / 1.19,
ground_truth_infogan_ntxent 0.78 / 0.44.
"""

from experiments import base
from experiments.mnist_lt import METHODS


def get_config(argument: str = ''):
  """The configuration; the argument takes method=..., set=0..4 and draw=0..4."""
  chosen = base.parse_argument(argument, method=METHODS, set=tuple(range(5)), draw=tuple(range(5)))
  identities = chosen['set']
  run = f'set_{identities}_draw_{chosen.draw}'
  config = base.codes_config(
    experiment='cars3d',
    method=chosen.method,
    dataset=f'long_tail_cars3d/{run}',
    annotator=base.resnet50_section(f'long_tail_cars3d/set_{identities}_full'),
  )
  base.use_stackgan(config, capacity_steps=1600)
  config.train.update(evaluate_every=1000, picture_every=1000, checkpoint_every=1000)
  config.published = 'cars3d'
  config.workdir = f'runs/cars3d_{run}'
  return config
