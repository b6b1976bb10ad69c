"""Hashes every leaf of the state after a few steps of each method, to compare code bit by bit.

    python -m benchmarks.state_hashes --out=before.json
    python -m benchmarks.state_hashes --against=before.json

Trains every row of ROWS on random images with the trainer's own steps and prints a hash per row.
With --against it names the leaves that differ, and the exit status is then 1. Hashes depend on the
machine and on the version of jaxlib: compare two trees of the code on one machine.
"""

import hashlib
import json
import pathlib
import re
from typing import NamedTuple

from absl import app, flags
import jax
import numpy as np

from data_prep import build
from experiments import base, base_codes
from jaxgan.algorithms.classifier import classifier
from jaxgan.algorithms.gan import gan
from jaxgan.algorithms.gan_methods import METHODS
from jaxgan.algorithms.infogan import VARIANTS, infogan
from jaxgan.algorithms.joint_vae import joint_vae
from jaxgan.config.overrides import changed
from jaxgan.data import training_data
from jaxgan.runs.experiment import resolved
from jaxgan.system import parallel
from jaxgan.training.config import ClassifierJob
from jaxgan.training.job import TrainingJob
from jaxgan.training.replicas import replicas_of

_STEPS = flags.DEFINE_integer('steps', 20, 'Steps before the state is hashed.', 1)
_OUT = flags.DEFINE_string('out', None, 'JSON file for the hashes.')
_AGAINST = flags.DEFINE_string('against', None, 'JSON file of --out to compare with.')
_ROWS = flags.DEFINE_string('rows', '', 'Regular expression of the rows to run.')

_CLASSES = 3
_IMAGES = 48


class Row(NamedTuple):
  """A training to hash: family, method, changed fields of its `algorithm` section, and sizes."""

  family: str
  method: str
  changes: dict
  image_shape: tuple[int, int, int] = (8, 8, 1)
  batch_size: int = 8
  num_replicas: int = 1


# Averages and count cycles that matter within a few steps.
_SMALL = {
  'generator_width': 4, 'discriminator_width': 4, 'noise_dim': 8, 'ema_start': 3, 'count_cycle': 4,
}  # fmt: skip
_R1_R2 = {'r1_r2_weight': 2.0, 'r1_r2_end_weight': 0.2, 'r1_r2_steps': 10}
_GAN_CHANGES = {
  'hinge': ('class_balancing', {'loss': 'hinge', 'class_weighting': 'paper'}),
  'non_saturating': ('class_balancing', {'loss': 'non_saturating', 'dtype': 'bfloat16'}),
  'n_dis': ('acgan', {'discriminator_steps': 2, 'generator_spectral_norm': True}),
  'additive': ('class_balancing', {'count_update': 'additive', 'cycle_start': 16.0}),
  'held': ('class_balancing', {'count_update': 'held', 'count_start': (90.0, 9.0, 1.0)}),
  'both_steps': ('class_balancing_conditional', {'effective_labels': 'both_steps'}),
  'r1_r2': ('acgan', _R1_R2),
  'lecam': ('cgan', {'lecam_weight': 0.3, 'lecam_decay': 0.9}),
  'diff_augment': ('class_balancing', {'diff_augment': ('color', 'translation', 'cutout')}),
  'gsr': ('cgan', {'group_spectral_weight': 0.5}),
  'all_switches': (
    'acgan_pretrained',
    {**_R1_R2, 'lecam_weight': 0.3, 'diff_augment': ('color',), 'group_spectral_weight': 0.5},
  ),
  'snresgan': ('class_balancing', {'network': 'snresgan'}),
}
_INFOGAN_CHANGES = {
  'cosine': ('gumbel_softmax_pos', {'positive_loss': 'cosine', 'views': 'paper', 'flip': True}),
  'both': ('elastic_infogan', {'trunk': 'both', 'num_continuous': 2, 'hard_codes': False}),
  'adversarial': ('elastic_infogan', {'prior_losses': 'adversarial', 'prior_entropy_weight': 0.1}),
  'both_adversarial': ('gumbel_softmax', {'prior_losses': 'adversarial', 'trunk': 'both'}),
  'area': (
    'elastic_infogan',
    {'views': 'paper', 'crop_of': 'area', 'crop_keep': 0.9, 'gamma_range': (0.8, 1.2)},
  ),
  'ema': ('uniform_infogan', {'ema_decay': 0.9}),
  'start': ('gumbel_softmax', {'prior_start': (0.6, 0.3, 0.1)}),
  'prior_rate': ('elastic_infogan', {'prior_learning_rate': 1e-3}),
}
_GAN_32, _MNIST, _STACKGAN = (32, 32, 3), (28, 28, 1), (64, 64, 3)
ROWS = {
  **{f'gan/{method}': Row('gan', method, _SMALL) for method in METHODS},
  **{f'gan/{n}': Row('gan', m, _SMALL | changes) for n, (m, changes) in _GAN_CHANGES.items()},
  'gan/batched': Row('gan', 'class_balancing', _SMALL, num_replicas=2),
  'gan/published': Row('gan', 'class_balancing', {'count_cycle': 4}, _GAN_32, 4),
  'gan/published_acgan': Row('gan', 'acgan', {'discriminator_steps': 2}, _GAN_32, 4),
  **{f'infogan/{method}': Row('infogan', method, {}) for method in VARIANTS},
  **{f'infogan/{n}': Row('infogan', m, changes) for n, (m, changes) in _INFOGAN_CHANGES.items()},
  'infogan/batched': Row('infogan', 'elastic_infogan', {}, num_replicas=2),
  'infogan/published': Row('infogan', 'elastic_infogan', {}, _MNIST),
  'infogan/two_stages': Row(
    'infogan', 'elastic_infogan', {'network': 'stackgan_two_stage', 'width': 4}, _STACKGAN, 4
  ),
  'joint_vae': Row('joint_vae', 'joint_vae', {'capacity_steps': 10}),
  'joint_vae/published': Row('joint_vae', 'joint_vae', {}, _MNIST),
  'classifier': Row('classifier', '', {'depth': 8, 'width': 4, 'drw_epoch': 1}),
  'classifier/focal': Row('classifier', '', {'depth': 8, 'width': 4, 'loss': 'focal'}),
  'classifier/published': Row('classifier', '', {}, _GAN_32),
}  # fmt: skip


def _data(row: Row) -> training_data.TrainingData:
  """Random images of three classes, the second half as frequent as the first, and so on."""
  random = np.random.default_rng(0)
  images = random.integers(0, 256, (_IMAGES, *row.image_shape), np.uint8)
  labels = np.repeat(np.arange(_CLASSES, dtype=np.int32), (28, 14, 6))
  arrays = build.Arrays(images, labels, ('a', 'b', 'c'), {}, 'random')
  return training_data.whole(arrays, row.num_replicas)


def _classifier(section, row: Row):
  return classifier(section.algorithm, row.image_shape, _CLASSES, _IMAGES // row.batch_size)


def _job(row: Row) -> TrainingJob:
  """The job of a row; its classifier in the loop has initial weights."""
  changes = {f'algorithm.{field}': value for field, value in row.changes.items()}
  config, frozen = base.gan_config('hashes', 'class_balancing', 'random', 'random', False), {}
  if row.family == 'gan':
    small = {'classifier.algorithm.depth': 8, 'classifier.algorithm.width': 4}
    config = resolved(changed(config, {**changes, **small}))
    judge = _classifier(config.classifier, row)
    method = METHODS[row.method]
    if method.classifier:
      frozen = {'classifier': judge.init(jax.random.key(1)).variables}
    algorithm = gan(config.algorithm, method, row.image_shape, _CLASSES, judge.classify)
  elif row.family == 'classifier':
    assert config.classifier is not None
    section = changed(config.classifier, changes)
    config = ClassifierJob(data=section.data, algorithm=section.algorithm, train=section.train)
    algorithm = _classifier(config, row)
  else:
    annotator = base.classifier_section('random', drw=False)
    config = base_codes.codes_config('hashes', row.method, 'random', annotator)
    config = resolved(changed(config, changes))
    make = infogan if row.family == 'infogan' else joint_vae
    algorithm = make(config.algorithm, row.image_shape, _CLASSES)
  config = changed(config, {'train.batch_size': row.batch_size})
  return TrainingJob('hashes', pathlib.Path('hashes'), config, algorithm, _data(row), frozen)


def hashes(row: Row, steps: int) -> dict[str, str]:
  """Returns {path of a leaf: hash of its bytes} of the state after some steps."""
  mesh, batched = parallel.device_mesh(devices=jax.devices()[:1]), row.num_replicas > 1
  with jax.set_mesh(mesh):
    trainer = replicas_of(_job(row), mesh, batched)
    trainer.initialise()
    trainer.advance(steps, lambda: False)
    leaves = jax.tree_util.tree_leaves_with_path(trainer.states())
  return {
    jax.tree_util.keystr(path): hashlib.sha256(np.asarray(leaf).tobytes()).hexdigest()[:12]
    for path, leaf in leaves
  }


def differences(ours: dict, theirs: dict) -> list[str]:
  """Returns the leaves that differ or are missing on one side."""
  return [path for path in ours | theirs if ours.get(path) != theirs.get(path)]


def main(argv: list[str]) -> None:
  """Runs the benchmark."""
  if len(argv) > 1:
    raise app.UsageError(f'unexpected arguments: {argv[1:]}')
  against = json.loads(pathlib.Path(_AGAINST.value).read_text()) if _AGAINST.value else {}
  found, wrong = {}, []
  for name, row in ROWS.items():
    if not re.search(_ROWS.value, name):
      continue
    found[name] = hashes(row, _STEPS.value)
    whole = hashlib.sha256(json.dumps(found[name]).encode()).hexdigest()[:12]
    different = differences(found[name], against.get(name, found[name]))
    wrong += [name] if different else []
    end = f'  {len(different)} of {len(found[name])} differ: {different[:3]}' if different else ''
    print(f'{name:40}{whole}{end}', flush=True)
    if _OUT.value:
      pathlib.Path(_OUT.value).write_text(json.dumps(found, indent=1) + '\n')
    jax.clear_caches()
  if wrong:
    raise SystemExit(f'{len(wrong)} of {len(found)} rows differ: {", ".join(wrong)}')


if __name__ == '__main__':
  app.run(main)
