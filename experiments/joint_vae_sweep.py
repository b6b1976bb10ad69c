"""Searches the best weights β_z, β_c of JointVAE, as the paper, in {10, 20, 30, 40, 50}².

    python -m experiments.joint_vae_sweep --out=runs/joint_vae_sweep
    python -m experiments.joint_vae_sweep --out=runs/joint_vae_sweep_cars \
        --config=experiments/cars3d.py:method=joint_vae --config.train.steps=5000

Trains JointVAE with every pair of weights and otherwise equal settings, in short runs of 300 steps
whose capacities rise during the first 150. The paper reports the best pair without naming it (§4.4
of the supplement of "Elastic-InfoGAN", Ojha et al. 2020). The best pair has the largest NMI of
1,000 generated images per code, which needs labels: as in the paper, the measure that selects the
pair is also reported. All pairs share an annotator. The same command resumes a stopped run.
joint_vae_sweep.json holds the numbers and their protocol.
"""

from collections.abc import Sequence
import itertools
import json
import os
import pathlib
import sys

import numpy as np

from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.evaluation import record
from jaxgan.runs import execute, experiment_file
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.families import codes
from jaxgan.system import files, lock
from jaxgan.training import logging

NAME = 'joint_vae_sweep.json'
WEIGHTS = (10.0, 20.0, 30.0, 40.0, 50.0)
EXPERIMENT = 'experiments/mnist_lt.py:method=joint_vae'
STEPS = 300
_SCORES = ('evaluation/nmi', 'evaluation/ent', 'loss/kl_continuous', 'loss/kl_categorical')


def measure(
  config: Experiment, out: str | os.PathLike[str], weights: Sequence[float] = WEIGHTS
) -> dict:
  """Trains and measures JointVAE with every pair of weights.

  Args:
    config: an experiment with the method joint_vae and labels; its two weights are replaced.
    out: a folder for the runs, their annotator and joint_vae_sweep.json.
    weights: values of β_z and of β_c.

  Returns:
    The content of joint_vae_sweep.json: 'protocol', 'results' (one row per pair, averaged over
    replicas) and the 'best' row.

  Raises:
    UserError: another method, images without labels, or a folder with other runs.
  """
  out = pathlib.Path(out).expanduser()
  if tuple(config.methods) != (codes.JOINT_VAE,):
    raise UserError(f"config.methods={tuple(config.methods)}: expected ('joint_vae',).")
  with lock.held(out):
    first = execute.start(config, out, config.methods, show_data=True)
    if first.annotator is None:
      raise UserError(
        f'config.data.dataset={config.data.dataset}: expected images with labels, to measure NMI.'
      )
    results = [_result(config, out, *pair) for pair in itertools.product(weights, repeat=2)]
    weighted = {'beta_continuous', 'beta_discrete'}
    algorithm = config.algorithm.model_dump(mode='json', exclude=weighted)
    arrays = first.data.replica_arrays(0)
    measured = {
      'protocol': {
        'experiment': config.experiment,
        'data': arrays.key,
        'images': len(arrays.labels),
        'steps': config.train.steps,
        'batch_size': config.train.batch_size,
        'algorithm': algorithm,
        'images_per_code': config.evaluation.periodic_images_per_code,
        'nmi': 'arithmetic mean (scikit-learn from 0.22 on), running statistics of batch norm',
        'best': 'the largest NMI',
        'annotator': first.annotator.key,
        'annotator_accuracy': first.annotator.accuracy,
        'seed': config.seed,
        'replicas': config.replicas,
        **record.machine(),
      },
      'results': results,
      'best': max(results, key=lambda row: row['nmi']),
    }
    files.replace(out / NAME, (json.dumps(measured, indent=2) + '\n').encode())
  return measured


def shortened(config: Experiment) -> Experiment:
  """Shortens JointVAE to 300 steps with capacities rising in the first half; other methods stay."""
  if config.methods != (codes.JOINT_VAE,):
    return config
  return changed(
    config,
    {
      'train.steps': STEPS,
      'algorithm.capacity_steps': STEPS // 2,
      'evaluation.periodic_images_per_code': 1000,
    },
  )


def _result(config, out, beta_continuous, beta_discrete) -> dict:
  """Trains the run of a pair unless it is finished; returns the scores of its last step."""
  steps = config.train.steps  # Only the last step is measured.
  own = changed(
    config,
    {
      'algorithm.beta_continuous': beta_continuous,
      'algorithm.beta_discrete': beta_discrete,
      **{f'train.{what}_every': steps for what in ('evaluate', 'picture', 'checkpoint')},
      'annotator.folder': config.annotator.folder or str(out / 'annotator'),
    },
  )
  folder = out / f'continuous_{beta_continuous:g}_discrete_{beta_discrete:g}'
  made = execute.start(own, folder, own.methods)
  execute.train_method(made, codes.JOINT_VAE)
  rows = [logging.read_metrics(path)[-1] for path in made.folders(codes.JOINT_VAE)]
  scores = {name.split('/')[1]: float(np.mean([row[name] for row in rows])) for name in _SCORES}
  return {'beta_continuous': beta_continuous, 'beta_discrete': beta_discrete, **scores}


def table(measured: dict) -> str:
  """Writes the NMI of every pair as Markdown, the best in bold, and a line about the best pair."""
  rows, best = measured['results'], measured['best']
  discrete = list(dict.fromkeys(row['beta_discrete'] for row in rows))
  header = ' | '.join(f'β_c {weight:g}' for weight in discrete)
  lines = [f'| NMI | {header} |', f'|{"---|" * (len(discrete) + 1)}']
  for weight, of_weight in itertools.groupby(rows, lambda row: row['beta_continuous']):
    cells = (f'**{r["nmi"]:.3f}**' if r == best else f'{r["nmi"]:.3f}' for r in of_weight)
    lines.append(f'| β_z {weight:g} | {" | ".join(cells)} |')
  lines += ['', 'best: β_z {beta_continuous:g}, β_c {beta_discrete:g}'.format(**best)]
  return '\n'.join(lines) + f', NMI {best["nmi"]:.3f}, ENT {best["ent"]:.3f}'


def _main(argv: list[str]) -> int:
  from jaxgan.system import compilation

  values = flags.FLAGS
  absl_logging.set_verbosity(absl_logging.FATAL)  # Orbax says much.
  try:
    if not any(argument.lstrip('-').split('=')[0] == 'config' for argument in argv):
      argv = [argv[0], f'--config={EXPERIMENT}', *argv[1:]]
    config, arguments = experiment_file.parse_flags(argv, shortened)
    if arguments:
      raise UserError(f'unknown argument {arguments[0]!r}: flags begin with --, see --help')
    if not values.out:
      raise UserError('name a folder for the results: --out')
    compilation.use_cache()
    assert config is not None  # The command has --config.
    print(table(measure(config, values.out)))
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2
  return 0


if __name__ == '__main__':
  from absl import flags
  from absl import logging as absl_logging

  # Defined here, not on import: `jaxgan.main` has flags of these names.
  flags.DEFINE_string('config', None, f'Default: {EXPERIMENT}')
  flags.DEFINE_string('out', '', 'A folder for the runs and joint_vae_sweep.json.')
  sys.exit(_main(sys.argv))
