"""Elastic-InfoGAN and its baselines on 3D Cars (Tables 1-4 of the paper).

    jaxgan train --config=experiments/cars3d.py
    jaxgan train --config=experiments/cars3d.py:method=uniform_infogan,set=3,draw=1
    jaxgan train --config=experiments/cars3d.py:set=all             25 runs as replicas
    jaxgan train --config=experiments/cars3d.py:length=quick       narrow, few steps: a CPU

Ten identities of at most 96 views each: five sets of identities, each with five imbalances.

Networks, batch, epochs and positive pairs (rotation, mirror, a crop of 95 %) are the paper's (§4;
§4.2 of its supplement). Labels are for evaluation only: a ResNet-50, trained on 80 % of all views
of the same ten identities, labels the generated images. With `set=all`, all runs share
one, trained on the identities of all sets, which chooses among the ten identities of each run.

The paper does not say whether the crop preserves 95 % of each side or of the area:
`--config.algorithm.crop_of=area` keeps 95 % of the area. Nor does it mention the moving average of
the generator that the trainer of StackGAN-v2 evaluates: `--config.algorithm.ema_decay=0.999`. The
default is no average: after 1,500 steps of narrow networks on cars of TORCS, the NMI of the average
is 0.00 and the NMI of the generator 0.54 (one seed), because the initial weights still make up 22 %
of the average.

The latents of joint_vae reach their capacity in 100,000 steps (see `base_codes.with_stackgan`). A
run has 6,000 to 7,800, 6 to 8 % of that, and ends below 2.3 nats for the
continuous latents and 0.4 for the category; `--config.algorithm.capacity_steps=1000` reaches
30 and 2.3 nats.

Published NMI / ENT, 25 runs:

| joint_vae   | uniform_infogan | gumbel_softmax | gumbel_softmax_pos | elastic_infogan |
|-------------|-----------------|----------------|--------------------|-----------------|
| 0.39 / 1.08 | 0.50 / 1.11     | 0.40 / 1.32    | 0.58 / 0.92        | 0.85 / 0.30     |

Methods with the true class frequencies: ground_truth_infogan 0.45 / 1.19,
ground_truth_infogan_ntxent 0.78 / 0.44.
"""

from experiments import base, base_codes
from experiments.mnist_lt import METHODS
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs.experiment import Experiment


def objects_config(argument: str, name: str, every: int) -> Experiment:
  """Builds one of the 25 runs of a data set of rendered objects, or all of them as replicas.

  Args:
    argument: takes method=..., set=0..4|all, draw=0..4 and length=full|quick.
    name: the name of the experiment; the data set is `long_tail_<name>`.
    every: steps between evaluations, pictures and checkpoints.

  Returns:
    The Experiment.

  Raises:
    UserError: the argument is wrong.
  """
  five = tuple(range(5))
  chosen = base.parse_argument(
    argument, method=METHODS, set=(*five, 'all'), draw=five, length=('full', 'quick')
  )
  number, every_set = chosen.set, chosen.set == 'all'
  if every_set and chosen.draw:
    raise UserError(f'--config=...:{argument}: set=all has every draw: leave draw out')
  run = f'set_{0 if every_set else number}_draw_{chosen.draw}'
  views = f'long_tail_{name}/{"sets" if every_set else f"set_{number}"}_full'
  if chosen.length == 'quick':
    annotator = base.shortened_classifier(base.classifier_section(views, drw=False))
  else:
    annotator = base.resnet50_section(views)
  config = base_codes.codes_config(
    experiment=name, method=chosen.method, dataset=f'long_tail_{name}/{run}', annotator=annotator
  )
  config = changed(
    base_codes.with_stackgan(config),
    {
      **{f'train.{what}_every': every for what in ('evaluate', 'picture', 'checkpoint')},
      'published': name,
      'workdir': f'runs/{name}' if every_set else f'runs/{name}_{run}',
      'replicas': 25 if every_set else 1,
    },
  )
  return base_codes.shortened(config) if chosen.length == 'quick' else config


def get_config(argument: str = '') -> Experiment:
  """Builds the experiment; the argument: method=..., set=0..4|all, draw=0..4, length=full|quick."""
  return objects_config(argument, 'cars3d', every=1000)
