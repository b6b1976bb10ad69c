"""Runs a command: parses its flags, calls it, and turns bad input into one line.

python -m jaxgan.main --config=experiments/fashion_lt.py
python -m jaxgan.main --mode=sample --workdir=runs/fashion_lt --num_images=100 --balanced

do the same as `jaxgan train` and `jaxgan sample`, see `jaxgan.runs.commands`.
"""

from collections.abc import Callable
import io
import logging
import math
import sys
import types
from typing import TYPE_CHECKING, Any, NamedTuple

from absl import flags
from absl import logging as absl_logging

from jaxgan.errors import StorageError, UserError
from jaxgan.runs import commands, experiment_file
from jaxgan.system import files, messages, stopping, streams

if TYPE_CHECKING:
  from jaxgan.runs.experiment import Experiment


class Parsed(NamedTuple):
  """A command line.

  Attributes:
    name: the command.
    config: the Experiment, or None without `--config`.
    positional: the arguments without dashes.
    options: the values of all flags; flags that the command lacks have their defaults. `given` are
      the fields that `--config.FIELD=VALUE` set.
  """

  name: str
  config: 'Experiment | None'
  positional: list[str]
  options: types.SimpleNamespace


class _RefusedError(Exception):
  """A plan that training would refuse; its text is the output of the command."""


def _definer(flag: commands.Flag) -> tuple[Callable, dict[str, Any]]:
  """(function of absl that defines the flag, the limits of its values)."""
  if flag.choices:
    return flags.DEFINE_enum, {'enum_values': list(flag.choices)}
  if flag.kind in (int, float):
    define = flags.DEFINE_integer if flag.kind is int else flags.DEFINE_float
    return define, {'lower_bound': flag.lower, 'upper_bound': flag.upper}
  return flags.DEFINE_bool if flag.kind is bool else flags.DEFINE_string, {}


def parse(argv: list[str], name: str | None = None) -> Parsed:
  """Parses the flags of a command, which `--mode` names if `name` is None.

  Raises:
    UserError: an unknown mode, flag or field, a value of another type, or an experiment file that
      cannot be used.
  """
  by_mode = name is None
  argv = experiment_file.with_flagfiles(argv)
  if name is None:
    name, argv = _without_mode(argv)
  values = flags.FlagValues()
  for flag, own in commands.flags_of(name).items():
    define, limits = _definer(own)
    define(flag, default=own.default, help=own.meaning, flag_values=values, **limits)
  try:
    config, positional = experiment_file.parse_flags(argv, values=values)
  except experiment_file.UnknownFlagError as error:
    unknown = error

    def fields():
      has_fields = 'config' in values
      return experiment_file.meant_fields(argv, unknown.name, unknown.value) if has_fields else ''

    raise UserError(commands.unknown_flag(name, unknown.name, fields, by_mode)) from error
  options = {flag: own.default for flag, own in commands.flags_of(None).items()}
  options |= values.flag_values_dict()
  given = experiment_file.given_fields(argv) if config else ()
  return Parsed(name, config, positional, types.SimpleNamespace(**options, given=given))


def _without_mode(argv: list[str]) -> tuple[str, list[str]]:
  """The command that `--mode` names, by default train, and the command line without `--mode`."""
  name, rest, arguments = 'train', [], iter(argv)
  for argument in arguments:
    flag, equals, value = argument.partition('=')
    if argument == '--':
      rest += [argument, *arguments]
    elif flag in ('--mode', '-mode'):
      name = value if equals else next(arguments, '')
    else:
      rest.append(argument)
  if name not in commands.COMMANDS:
    raise UserError(commands.unknown_command(name, by_mode=True))
  return name, rest


def _workdir(config, options):
  """The work directory that the flags name; what follows may compile."""
  from jaxgan.runs.experiment import work_directory
  from jaxgan.system import compilation, distributed

  workdir = options.workdir or (config and work_directory(config))
  if not workdir:
    raise UserError('--workdir is missing: name a work directory, such as runs/fashion_lt')
  distributed.join(options.coordinator, options.num_processes, options.process_id)
  if options.compilation_cache:
    compilation.use_cache()
  return files.expanded(workdir)


def _plan(config, options) -> str:
  from jaxgan.runs import costs, plan

  workdir = _workdir(config, options)
  planned = plan.planned(config, workdir, config.methods, options.given)
  text = '\n'.join(costs.lines(*planned))
  if planned[-1].refusals:
    raise _RefusedError(text)
  return text


def _train(config, options) -> str:
  from jaxgan.runs import execute

  return execute.run(config, _workdir(config, options), options.profile, options.given)


def _run(config, options):
  """The run that the flags name."""
  import jaxgan

  workdir = _workdir(config, options)
  return jaxgan.load(workdir, options.method, options.checkpoint, options.replica, config)


def _evaluate(config, options) -> str:
  from jaxgan.runs import execute

  run = _run(config, options)
  execute.evaluate_method(run.inputs, run.method, run.checkpoint)
  execute.measure_real_images(run.inputs)
  return execute.summarise(run.workdir) if files.is_writer() else ''


def _sample(config, options) -> str:
  from jaxgan.runs import sampling

  run = _run(config, options)
  out = files.expanded(options.out or run.workdir / run.method / 'sampled')
  sampling.check_new(out, can_be_npz=True)
  chosen = run.positions(options.classes, '--classes') if options.classes else ()
  label = [run.label_names[at] for at in chosen] or None
  images, labels = run.sample(options.num_images, options.balanced, options.sample_seed, label)
  if files.is_writer():
    sampling.save(out, images, labels, run.label_names)
  return f'{len(images)} images of step {run.step}, labelled by {run.labeller}: {out}'


def _export(config, options) -> str:
  from jaxgan.runs import exporting

  run = _run(config, options)
  out = files.expanded(options.out or run.workdir / run.method / 'exported')
  written = run.export(
    out,
    options.contents,
    options.format,
    options.images_per_class,
    options.sample_seed,
    options.min_confidence,
  )
  return exporting.describe(out, written)


def _save(config, options) -> str:
  from jaxgan.runs import generator_saving

  run = _run(config, options)
  out = files.expanded(options.out or run.workdir / run.method / 'generator')
  return generator_saving.describe(out, generator_saving.save(run, out, options.license))


def _report(work_dirs: list[str], options) -> str:
  if not work_dirs:
    raise UserError('report needs work directories, such as runs/fashion_lt')
  from jaxgan import report
  from jaxgan.runs import families

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
  'save': _save,
}


def _stray(name: str, argument: str, config, options) -> str:
  """The line about an argument without dashes."""
  hint = 'flags begin with --, see --help'
  folder = files.expanded(argument)
  if '.py' in argument and config is None:
    hint = f'did you mean --config={argument}?'
  elif name in ('train', 'plan') and folder.is_dir() and not any(folder.glob('*/config.json')):
    hint = f'did you mean --config.data.source={argument}?'
  elif not options.workdir and (name not in ('train', 'plan') or folder.is_dir()):
    hint = f'did you mean --workdir={argument}?'
  return f'unknown argument {argument!r}: {hint}'


def _execute(argv: list[str], name: str | None) -> str:
  """Parses and runs a command; returns its output."""
  with messages.stage('loading JAX', after=1.0):
    name, config, positional, options = parse(argv, name)
  with stopping.at_once(), messages.stage(f'jaxgan {name}', after=math.inf):
    if commands.COMMANDS[name].positional:
      return _report([*filter(None, [options.workdir]), *positional], options)
    if positional:
      raise UserError(_stray(name, positional[0], config, options))
    if config is None and name in ('train', 'plan'):
      raise UserError(_NO_CONFIG)
    return _RUNS[name](config, options)


def _explained(error: Exception) -> tuple[str, int] | None:
  """(line, exit status) of an error that is not a defect of jaxgan, else None."""
  if isinstance(error, UserError):
    return ' '.join(str(error).splitlines()), 2  # A quoted name may have line ends.
  if isinstance(error, FloatingPointError | StorageError):
    return str(error), 1
  if isinstance(error, OSError):
    return f'{error.strerror or error}: {error.filename}', 1
  if isinstance(error, MemoryError):
    return f'out of memory ({error}): use less or smaller images', 1
  # What XLA says when an allocation fails.
  if isinstance(error, RuntimeError) and 'RESOURCE_EXHAUSTED' in str(error):
    fields = 'config.train.batch_size or config.evaluation.batch_size'
    return f'out of device memory: lower {fields}', 1
  return None


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
  streams.open_closed()
  if name is None and commands.wants_help(argv[1:]):
    named = [text.partition('=')[2] for text in argv if text.startswith(('--mode=', '-mode='))]
    known = named and named[-1] in commands.COMMANDS
    return streams.show(commands.help_of(named[-1]) if known else commands.help_of_modes())
  # Orbax warns of every unranked checkpoint, and shows each part of a write that fails.
  absl_logging.set_verbosity(absl_logging.FATAL)
  if isinstance(sys.stdout, io.TextIOWrapper):  # A terminal may lack letters of class names.
    sys.stdout.reconfigure(errors='backslashreplace')
  logging.getLogger('asyncio').setLevel(logging.CRITICAL)
  sys.unraisablehook = _unraisable
  try:
    print(_execute(argv, name), flush=True)
  except _RefusedError as refused:
    return streams.show(str(refused), status=2)
  except BrokenPipeError:  # The reader of the output, such as `head`, has enough.
    return streams.reader_left()
  except stopping.Stopped as stopped:
    return stopped.exit_status
  except KeyboardInterrupt:
    return 130
  except Exception as error:
    explained = _explained(error)
    if explained is None:
      raise
    line, status = explained
    print(f'error: {line}', file=sys.stderr)
    return status
  return 0


if __name__ == '__main__':
  sys.exit(main(sys.argv))
