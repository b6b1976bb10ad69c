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


def objects_config(argument: str, name: str, capacity_steps: int, every: int):
  """The configuration of one of the 25 runs of a data set of rendered objects.

  Args:
    argument: takes method=..., set=0..4 and draw=0..4.
    name: of the experiment; the data set is `long_tail_<name>`.
    capacity_steps: of joint_vae, see `base.use_stackgan`.
    every: steps between evaluations, pictures and checkpoints.
  """
  chosen = base.parse_argument(argument, method=METHODS, set=tuple(range(5)), draw=tuple(range(5)))
  identities = chosen['set']
  run = f'set_{identities}_draw_{chosen.draw}'
  config = base.codes_config(
    experiment=name,
    method=chosen.method,
    dataset=f'long_tail_{name}/{run}',
    annotator=base.resnet50_section(f'long_tail_{name}/set_{identities}_full'),
  )
  base.use_stackgan(config, capacity_steps=capacity_steps)
  config.train.update(evaluate_every=every, picture_every=every, checkpoint_every=every)
  config.published = name
  config.workdir = f'runs/{name}_{run}'
  return config


def get_config(argument: str = ''):
  """The configuration; the argument takes method=..., set=0..4 and draw=0..4."""
  return objects_config(argument, 'cars3d', capacity_steps=1600, every=1000)
