"""Runs a command: parses its flags, calls it, and turns bad input into one line.

python -m jaxgan.main --config=experiments/fashion_lt.py
python -m jaxgan.main --mode=sample --workdir=runs/fashion_lt --num_images=100 --balanced

do the same as `jaxgan train` and `jaxgan sample`, see `jaxgan.runs.commands`.
"""

import logging
import sys
import types

from absl import flags
from absl import logging as absl_logging

from jaxgan.errors import StorageError, UserError
from jaxgan.runs import commands, experiment_file
from jaxgan.system import files, stopping

_DEFINE = {str: flags.DEFINE_string, bool: flags.DEFINE_bool}


def _define(values: flags.FlagValues, name: str, flag: commands.Flag) -> None:
  """Adds a flag of the table to some flags of absl."""
  if flag.choices:
    flags.DEFINE_enum(name, flag.default, flag.choices, flag.meaning, flag_values=values)
  elif flag.kind is int:
    bounds = {'lower_bound': flag.lower, 'upper_bound': flag.upper}
    flags.DEFINE_integer(name, flag.default, flag.meaning, **bounds, flag_values=values)
  else:
    _DEFINE[flag.kind](name, flag.default, flag.meaning, flag_values=values)


def parse(argv: list[str], name: str | None = None) -> tuple:
  """Parses the flags of a command, or of all commands and `--mode` for None.

  Returns:
    (name of the command, Experiment or None, positional arguments, values of the flags).
  """
  values = flags.FlagValues()
  for flag, own in commands.flags_of(name).items():
    _define(values, flag, own)
  if name is None:
    flags.DEFINE_enum('mode', 'train', list(commands.COMMANDS), 'The command.', flag_values=values)
  try:
    config, positional = experiment_file.parse_flags(argv, values=values)
  except experiment_file.UnknownFlagError as error:
    raise UserError(commands.unknown_flag(name, error.name)) from error
  # Some code is of several commands; the flags that this command lacks have their defaults.
  options = {flag: own.default for flag, own in commands.flags_of(None).items()}
  options |= values.flag_values_dict()
  return name or values.mode, config, positional, types.SimpleNamespace(**options)


def _workdir(config, options):
  """The work directory that the flags name; what follows may compile."""
  from jaxgan.runs.experiment import work_directory
  from jaxgan.system import compilation, distributed

  if config is None and not options.workdir:
    raise UserError(_NO_CONFIG)
  distributed.join(options.coordinator, options.num_processes, options.process_id)
  if options.compilation_cache:
    compilation.use_cache()
  return files.expanded(options.workdir or work_directory(config))


def _plan(config, options) -> str:
  from jaxgan.runs import costs, plan

  workdir = _workdir(config, options)
  return '\n'.join(costs.lines(*plan.planned(config, workdir, config.methods)))


def _train(config, options) -> str:
  from jaxgan.runs import execute

  return execute.run(config, _workdir(config, options), options.profile)


def _run(config, options):
  """The run that the flags name."""
  import jaxgan

  workdir = _workdir(config, options)
  return jaxgan.load(workdir, options.method, options.checkpoint, options.replica, config)


def _evaluate(config, options) -> str:
  from jaxgan.runs import execute

  run = _run(config, options)
  execute.evaluate_method(run.inputs, run.method, run.checkpoint)
  return execute.summarise(run.workdir) if files.is_writer() else ''


def _sample(config, options) -> str:
  from jaxgan.runs import sampling

  run = _run(config, options)
  out = files.expanded(options.out or run.workdir / run.method / 'sampled')
  sampling.check_new(out)
  images, labels = run.sample(options.num_images, options.balanced, options.sample_seed)
  if files.is_writer():
    sampling.save(out, images, labels, run.label_names)
  return f'{len(images)} images of step {run.step}, labelled by {run.labelled_by}: {out}'


def _export(config, options) -> str:
  from jaxgan.runs import exporting

  run = _run(config, options)
  out = files.expanded(options.out or run.workdir / run.method / 'exported')
  written = run.export(
    out, options.contents, options.format, options.images_per_class, options.sample_seed
  )
  return exporting.describe(out, written)


def _report(work_dirs: list[str], options) -> str:
  from jaxgan import report
  from jaxgan.runs import families

  if not work_dirs:
    raise UserError('report needs work directories, such as runs/fashion_lt')
  out = files.expanded(options.out) if options.out else None
  folders = [files.expanded(folder) for folder in work_dirs]
  return report.report(folders, families.FAMILIES, out)


_NO_CONFIG = '--config is missing: name an experiment, such as experiments/fashion_lt.py'
_RUNS = {
  'train': _train,
  'plan': _plan,
  'evaluate': _evaluate,
  'sample': _sample,
  'export': _export,
}


def _execute(argv: list[str], name: str | None) -> str:
  """Parses and runs a command; returns its output."""
  name, config, positional, options = parse(argv, name)
  with stopping.at_once():
    if commands.COMMANDS[name].positional:
      return _report(positional, options)
    if positional:
      raise UserError(f'unknown argument {positional[0]!r}: flags begin with --, see --help')
    if config is None and name in ('train', 'plan'):
      raise UserError(_NO_CONFIG)
    return _RUNS[name](config, options)


def _unraisable(unraisable):
  """Prints an exception of a callback, unless Orbax has given up on the write that calls back."""
  if str(unraisable.exc_value) != 'Event loop is closed':
    sys.__unraisablehook__(unraisable)


def main(argv: list[str], name: str | None = None) -> int:
  """Runs one command; returns the exit status.

  Args:
    argv: the command line.
    name: the command, whose flags alone are known; None reads it from `--mode`.
  """
  if name is None and commands.wants_help(argv[1:]):
    print(commands.help_of_modes())
    return 0
  # Orbax warns of every unranked checkpoint, and shows each part of a write that fails.
  absl_logging.set_verbosity(absl_logging.FATAL)
  if hasattr(sys.stdout, 'reconfigure'):  # A name that the terminal cannot show ends no command.
    sys.stdout.reconfigure(errors='backslashreplace')
  logging.getLogger('asyncio').setLevel(logging.CRITICAL)
  sys.unraisablehook = _unraisable
  try:
    print(_execute(argv, name))
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
