"""Measures how well classifiers learn from exported images.

    python -m experiments.downstream --workdir=runs/fashion_lt --out=runs/fashion_lt_downstream

Trains the work directory's ResNet (its section `cas`) on

    long_tail               the real training images
    long_tail_drw           the same images, re-weighted from the first learning-rate decay
    METHOD_synthetic        equally many generated images of every class, no real images
    METHOD_topped_up        the real images, and generated images of the smaller classes

and tests it on the real test images. All trainings have the same settings, schedule and number of
updates, as the section has for the real training images. `--stretch` multiplies the updates and
stretches the schedule, because a larger set needs more updates. Results are compared by seed:
exports of seed s have sample seed s and, for a run with replicas, come from replica s. The same
command resumes a stopped run. downstream.json holds the numbers and their protocol.
"""

from collections.abc import Sequence
import functools
import json
import os
import pathlib
import sys
import tempfile

import numpy as np

import jaxgan
from jaxgan.config.overrides import changed
from jaxgan.config.section import Count, field
from jaxgan.data import loading, order, training_data
from jaxgan.errors import UserError
from jaxgan.evaluation import record
from jaxgan.metrics import bootstrap, class_distribution
from jaxgan.runs import families, outputs
from jaxgan.runs.exporting import CONTENTS
from jaxgan.system import files
from jaxgan.training import classifiers, logging, loop
from jaxgan.training.config import ClassifierJob
from jaxgan.training.job import total_steps

Folder = str | os.PathLike[str]
NAME = 'downstream.json'
BASELINES = ('long_tail', 'long_tail_drw')


class DownstreamJob(ClassifierJob):
  """The configuration that the folder of a classifier stores."""

  steps_per_epoch: Count = field(..., 'steps per epoch of the schedule, as for the real images')


def measure(
  workdir: Folder, out: Folder, methods: Sequence[str] = (), seeds: int = 3, stretch: int = 1
) -> dict:
  """Trains and tests all classifiers.

  Args:
    workdir: the work directory of a finished experiment with classes.
    out: a folder for the classifiers and downstream.json.
    methods: methods of the work directory; by default all.
    seeds: the number of seeds, from 0.
    stretch: factor of the number of updates.

  Returns:
    The content of downstream.json: 'protocol', 'results' {images: {score: [number per seed]}} and
    'comparisons' with the two classifiers of real images.

  Raises:
    UserError: the run is missing or has codes, or a generator hardly ever draws a class.
  """
  _check_positive(seeds=seeds, stretch=stretch)
  out = pathlib.Path(out).expanduser()
  load, methods = _runs(pathlib.Path(workdir).expanduser(), methods)
  first = load(*methods[:1])
  section = first.config.cas
  assert section is not None
  test = loading.load(section.data, 'test')
  results, exports, real, training = {}, {}, None, None
  for seed in range(seeds):
    replica = seed % first.config.replicas
    real = first.inputs.data.replica_arrays(replica)
    training = _Training(section, stretch, real, test, out, first.inputs.mesh)
    for name in BASELINES:
      results.setdefault(name, []).append(training(name, real, seed))
    for run in (load(method, replica=replica) for method in methods):
      for contents in CONTENTS:
        images, written = _exported(run, real, contents, seed)
        exports.setdefault(name := f'{run.method}_{contents}', []).append(written)
        results.setdefault(name, []).append(training(name, images, seed))
  assert real is not None and training is not None
  groups = _groups(real.labels)
  scores = {name: _scores(rows, groups) for name, rows in results.items()}
  protocol = {
    'experiment': first.config.experiment,
    **_data_protocol(real, test, groups),
    'network': classifiers.network_name(section.algorithm),
    'updates': training.updates,
    'stretch': stretch,
    'batch_size': section.train.batch_size,
    'drw_epoch': training.drw_epoch,
    'section': section.model_dump(mode='json'),
    'seeds': list(range(seeds)),
    'exports': exports,
    'group_accuracy': 'mean of the accuracies of its classes',
    'intervals': '95 % paired bootstrap over the seeds, see jaxgan.metrics.bootstrap',
    **record.machine(),
  }
  measured = {'protocol': protocol, 'results': scores, 'comparisons': _comparisons(scores)}
  files.replace(out / NAME, (json.dumps(measured, indent=2) + '\n').encode())
  return measured


def _groups(labels):
  groups = class_distribution.class_groups(np.bincount(labels))
  return {name: classes for name, classes in groups.items() if len(classes)}


def _check_positive(**values):
  for name, value in values.items():
    if value < 1:
      raise UserError(f'{name}={value}: expected a positive integer, for example 3.')


def _runs(workdir, methods):
  """Returns (function that loads a method, the requested methods or all of the work directory)."""
  methods = list(methods) or [
    m for m in families.all_methods() if (workdir / m / 'config.json').exists()
  ]
  load = functools.cache(functools.partial(jaxgan.load, workdir))
  load(*methods[:1])  # Raises a UserError without any method.
  for method in methods:
    if families.family_of([method]).labels_of(method, labelled=True) != 'classes':
      raise UserError(f'{workdir}/{method}: expected a method with classes, not codes.')
  return load, methods


def _data_protocol(real, test, groups):
  """What downstream.json says of the images."""
  return {
    'data': real.key,
    'train_counts': np.bincount(real.labels).tolist(),
    'class_names': list(real.class_names),
    'groups': {name: classes.tolist() for name, classes in groups.items()},
    'test_images': len(test.labels),
  }


class _Training:
  """Trains the classifier of a section on some images, with the schedule of the real ones."""

  def __init__(self, section, stretch, real, test, out, mesh):
    self._section, self._test, self._out, self._mesh = section, test, out, mesh
    batch_size = section.train.batch_size
    self._steps_per_epoch = stretch * order.steps_per_epoch(len(real.labels), batch_size)
    self.updates = stretch * total_steps(section, training_data.whole(real))
    self.drw_epoch = section.algorithm.decay_epochs[0]

  def __call__(self, name: str, images, seed: int) -> dict:
    """The last row of its metrics."""
    data = training_data.whole(images)
    drw_epoch = self.drw_epoch if name.endswith('drw') else None
    changes = {'train.steps': self.updates, 'algorithm.drw_epoch': drw_epoch}
    own = classifiers.job_config(
      seed,
      changed(self._section, changes),
      images,
      DownstreamJob,
      steps_per_epoch=self._steps_per_epoch,
    )
    folder = self._out / f'{name}_seed_{seed}'
    job = classifiers.training_job(
      f'{name}, seed {seed}', folder, own, data, self._test, self._steps_per_epoch
    )
    loop.train(job._replace(outputs=outputs.of_classifier(job)), self._mesh)
    return logging.read_metrics(folder)[-1]


def _exported(run, real, contents, seed):
  """Arrays of an export, through the file that it would be for anybody, and its provenance."""
  from data_prep import npz, writers

  with tempfile.TemporaryDirectory() as folder:
    written = run.export(pathlib.Path(folder) / 'set', contents, 'npz', seed=seed)
    images, labels = npz.read_npz(pathlib.Path(folder) / 'set' / writers.NPZ).train
  key = f'export/{written["images_sha256"][:16]}'
  fields = ('checkpoint', 'replica', 'sample_seed', 'labeller', 'labeller_accuracy')
  counts = ('real_images', 'generated_images', 'images_sha256')
  provenance = {field: written[field] for field in fields + counts}
  return real._replace(images=images, labels=labels.astype(np.int32), key=key), provenance


def _scores(rows, groups):
  classes = [row['evaluation/class_accuracy'] for row in rows]
  means = {name: np.mean(np.array(classes)[:, group], axis=1) for name, group in groups.items()}
  return {
    'accuracy': [row['evaluation/accuracy'] for row in rows],
    **{name: mean.tolist() for name, mean in means.items()},
    'class_accuracy': classes,
  }


def _comparisons(scores):
  """{images: {baseline: {score: difference, interval, verdict}}}."""
  compared = {}
  for name in scores:
    for baseline in BASELINES:
      if name in (baseline, BASELINES[0]):
        continue
      compared.setdefault(name, {})[baseline] = {
        score: _comparison(values, scores[baseline][score])
        for score, values in scores[name].items()
        if score != 'class_accuracy'
      }
  return compared


def _comparison(ours, theirs):
  interval = bootstrap.paired_interval(ours, theirs) if len(ours) > 1 else None
  return {
    'difference': float(np.mean(np.subtract(ours, theirs))),
    'interval': interval,
    'verdict': bootstrap.verdict(ours, theirs, lower_is_better=False),
  }


def table(measured: dict) -> str:
  """Writes the numbers as Markdown, for the terminal."""
  columns = ('accuracy', *measured['protocol']['groups'])
  lines = [f'| trained on | {" | ".join(columns)} |', f'|{"---|" * (len(columns) + 1)}']
  for name, scores in measured['results'].items():
    lines.append(f'| {name} | {" | ".join(_percent(scores[column]) for column in columns)} |')
  lines.append('')
  for name, baselines in measured['comparisons'].items():
    for baseline, compared in baselines.items():
      verdicts = (f'{score} {compared[score]["verdict"]}' for score in ('accuracy', 'few'))
      lines.append(f'{name} against {baseline}: {", ".join(verdicts)}')
  return '\n'.join(lines)


def _percent(shares) -> str:
  """The mean over the seeds ± the sample standard deviation of several seeds."""
  spread = f' ± {100 * np.std(shares, ddof=1):.1f}' if len(shares) > 1 else ''
  return f'{100 * np.mean(shares):.1f}{spread} %'


def _main(argv) -> int:
  from jaxgan.system import compilation

  values = flags.FLAGS
  absl_logging.set_verbosity(absl_logging.FATAL)  # Orbax says much.
  try:
    if len(argv) > 1 or not values.workdir or not values.out:
      raise UserError('name the work directory and a folder for the results: --workdir, --out')
    compilation.use_cache()
    print(table(measure(values.workdir, values.out, values.methods, values.seeds, values.stretch)))
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2
  return 0


if __name__ == '__main__':
  from absl import app, flags
  from absl import logging as absl_logging

  # Defined here, not on import: `jaxgan.main` has flags of these names.
  flags.DEFINE_string('workdir', '', 'Of a finished experiment.')
  flags.DEFINE_string('out', '', 'A folder for classifiers and downstream.json.')
  flags.DEFINE_list('methods', [], 'Of the work directory; by default all that it has.')
  flags.DEFINE_integer('seeds', 3, 'How many.', lower_bound=1)
  flags.DEFINE_integer('stretch', 1, 'Times the usual number of updates.', lower_bound=1)
  app.run(_main)
