"""Command line: flags and modes. Parses, calls, and turns bad input into one line.

python -m jaxgan.main --config=experiments/fashion_lt.py
python -m jaxgan.main --config=experiments/cifar10_lt.py:ratio=10 --config.train.batch_size=128
python -m jaxgan.main --config=experiments/fashion_lt.py --mode=plan
python -m jaxgan.main --mode=evaluate --workdir=runs/fashion_lt --checkpoint=best
python -m jaxgan.main --mode=sample --workdir=runs/fashion_lt --num_images=100 --balanced
python -m jaxgan.main --mode=export --workdir=runs/fashion_lt --contents=topped_up --out=balanced
python -m jaxgan.main --mode=report runs/fashion_lt runs/cifar10_lt_ratio_100
"""

import logging
import sys

from absl import flags
from absl import logging as absl_logging

from jaxgan.errors import StorageError, UserError
from jaxgan.runs import experiment_file
from jaxgan.system import files, stopping

flags.DEFINE_string(
  'config',
  None,
  'Experiment file, with its argument after a colon. --config.FIELD=VALUE changes a field of it, '
  'see docs/configuration.md.',
)
_WORKDIR = flags.DEFINE_string('workdir', '', 'Work directory; default as the config says.')
_MODE = flags.DEFINE_enum(
  'mode',
  'train',
  ['train', 'plan', 'evaluate', 'sample', 'export', 'report'],
  'train: train what is missing, then evaluate. plan: what train would do, job by job, and all '
  'that it would refuse. evaluate: restore a checkpoint and evaluate it. '
  'sample: draw images. export: write a balanced data set. report: a table of the work directories '
  'given as arguments.',
)
_METHOD = flags.DEFINE_string(
  'method', '', 'evaluate, sample, export: which method of the work directory.'
)
_CHECKPOINT = flags.DEFINE_string(
  'checkpoint',
  '',
  "evaluate, sample, export: 'latest', 'best' or a step; default as the config says.",
)
_NUM_IMAGES = flags.DEFINE_integer('num_images', 100, 'sample: how many images.', lower_bound=1)
_OUT = flags.DEFINE_string(
  'out',
  '',
  'sample: a new folder for PNGs, or a new .npz file; export: a new folder; report: a Markdown or '
  'HTML file.',
)
_BALANCED = flags.DEFINE_bool('balanced', False, 'sample: as many of every class or code.')
_REPLICA = flags.DEFINE_integer('replica', 0, 'sample, export: which replica.', lower_bound=0)
_CONTENTS = flags.DEFINE_enum(
  'contents',
  'synthetic',
  ['synthetic', 'topped_up'],
  'export: generated images alone, or the training images and as many generated ones as their '
  'classes lack.',
)
_FORMAT = flags.DEFINE_enum(
  'format',
  'folders',
  ['folders', 'npz', 'tfds'],
  'export: class folders of PNGs, one npz, or a TFDS directory.',
)
_IMAGES_PER_CLASS = flags.DEFINE_integer(
  'images_per_class', None, 'export: by default those of the largest class.', lower_bound=1
)
_CACHE = flags.DEFINE_bool(
  'compilation_cache', True, 'Keep compiled programs in ~/.cache/jaxgan, for the next start.'
)
_PROFILE = flags.DEFINE_bool(
  'profile', False, 'train: write a trace of ten steps to METHOD/profile, for XProf or Perfetto.'
)
_COORDINATOR = flags.DEFINE_string(
  'coordinator', '', 'HOST:PORT of process 0, where several train together and it is not found.'
)
_NUM_PROCESSES = flags.DEFINE_integer('num_processes', None, 'With coordinator: how many.')
_PROCESS_ID = flags.DEFINE_integer('process_id', None, 'With coordinator: which this is, from 0.')
_SAMPLE_SEED = flags.DEFINE_integer(
  'sample_seed', 0, 'sample, export: seed of the noise.', lower_bound=0, upper_bound=2**32 - 1
)


def _workdir(config):
  """The work directory that the flags name; what follows may compile."""
  from jaxgan.runs.experiment import work_directory
  from jaxgan.system import compilation, distributed

  workdir = _WORKDIR.value
  if config is None and (_MODE.value in ('train', 'plan') or not workdir):
    raise UserError('--config is missing: name an experiment, such as experiments/fashion_lt.py')
  distributed.join(_COORDINATOR.value, _NUM_PROCESSES.value, _PROCESS_ID.value)
  if _CACHE.value:
    compilation.use_cache()
  return files.expanded(workdir or work_directory(config))


def _plan(config) -> str:
  from jaxgan.runs import costs, plan

  workdir = _workdir(config)
  return '\n'.join(costs.lines(*plan.planned(config, workdir, config.methods)))


def _train(config) -> str:
  from jaxgan.runs import execute

  return execute.run(config, _workdir(config), _PROFILE.value)


def _run(config):
  """The run that the flags name."""
  import jaxgan

  return jaxgan.load(_workdir(config), _METHOD.value, _CHECKPOINT.value, _REPLICA.value, config)


def _evaluate(config) -> str:
  from jaxgan.runs import execute

  run = _run(config)
  execute.evaluate_method(run.inputs, run.method, run.checkpoint)
  return execute.summarise(run.workdir) if files.is_writer() else ''


def _sample(config) -> str:
  from jaxgan.runs import sampling

  run = _run(config)
  out = files.expanded(_OUT.value or run.workdir / run.method / 'sampled')
  sampling.check_new(out)
  images, labels = run.sample(_NUM_IMAGES.value, _BALANCED.value, _SAMPLE_SEED.value)
  if files.is_writer():
    sampling.save(out, images, labels, run.label_names)
  return f'{len(images)} images of step {run.step}, labelled by {run.labelled_by}: {out}'


def _export(config) -> str:
  from jaxgan.runs import exporting

  run = _run(config)
  out = files.expanded(_OUT.value or run.workdir / run.method / 'exported')
  written = run.export(
    out, _CONTENTS.value, _FORMAT.value, _IMAGES_PER_CLASS.value, _SAMPLE_SEED.value
  )
  return exporting.describe(out, written)


def _report(work_dirs: list[str]) -> str:
  from jaxgan import report
  from jaxgan.runs import families

  if not work_dirs:
    raise UserError('--mode=report needs work directories, such as runs/fashion_lt')
  out = files.expanded(_OUT.value) if _OUT.value else None
  folders = [files.expanded(folder) for folder in work_dirs]
  return report.report(folders, families.FAMILIES, out)


_COMMANDS = {
  'train': _train,
  'plan': _plan,
  'evaluate': _evaluate,
  'sample': _sample,
  'export': _export,
  'report': _report,
}


def _unraisable(unraisable):
  """Prints an exception of a callback, unless Orbax has given up on the write that calls back."""
  if str(unraisable.exc_value) != 'Event loop is closed':
    sys.__unraisablehook__(unraisable)


def main(argv: list[str]) -> int:
  """Runs one command; returns the exit status."""
  # Orbax warns of every unranked checkpoint, and shows each part of a write that fails.
  absl_logging.set_verbosity(absl_logging.FATAL)
  if hasattr(sys.stdout, 'reconfigure'):  # A name that the terminal cannot show ends no command.
    sys.stdout.reconfigure(errors='backslashreplace')
  logging.getLogger('asyncio').setLevel(logging.CRITICAL)
  sys.unraisablehook = _unraisable
  try:
    config, arguments = experiment_file.parse_flags(argv)
    mode = _MODE.value
    if arguments and mode != 'report':
      raise UserError(f'unknown argument {arguments[0]!r}: flags begin with --, see --help')
    with stopping.at_once():
      print(_COMMANDS[mode](arguments if mode == 'report' else config))
  except UserError as error:
    # Of names with line ends, too, one line.
    print('error:', ' '.join(str(error).splitlines()), file=sys.stderr)
    return 2
  except (FloatingPointError, StorageError) as error:
    print(f'error: {error}', file=sys.stderr)
    return 1
  except OSError as error:
    print(f'error: {error.strerror or error}: {error.filename}', file=sys.stderr)
    return 1
  except MemoryError as error:
    print(f'error: out of memory ({error}): use less or smaller images', file=sys.stderr)
    return 1
  except RuntimeError as error:
    if 'RESOURCE_EXHAUSTED' not in str(error):  # What XLA says when an allocation fails.
      raise
    print(
      'error: out of device memory: lower config.train.batch_size or config.evaluation.batch_size',
      file=sys.stderr,
    )
    return 1
  except stopping.Stopped as stopped:
    return stopped.exit_status
  except KeyboardInterrupt:
    return 130
  return 0


if __name__ == '__main__':
  sys.exit(main(sys.argv))
