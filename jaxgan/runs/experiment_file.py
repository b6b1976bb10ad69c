"""Experiment files: finds and runs them, and changes their experiments by command-line flags."""

from collections.abc import Callable
import difflib
import itertools
import os
import pathlib
import traceback
from typing import TYPE_CHECKING, Any

from absl import app, flags

from jaxgan.errors import UserError
from jaxgan.system import registry

if TYPE_CHECKING:
  from jaxgan.runs.experiment import Experiment

_ANY = 'experiments/fashion_lt.py'  # An experiment with every section of a GAN.
_PACKAGE = pathlib.Path(__file__).resolve().parents[2]
# How absl begins to say that a value is of another type, and what a person can do about it.
_OTHER_TYPES = {
  'invalid literal for int()': 'use a whole number',
  "('Non-boolean argument": 'use true or false',
}


class UnknownFlagError(UserError):
  """A flag, of some `name` and perhaps with a `value`, that the command does not have."""

  def __init__(self, error: flags.UnrecognizedFlagError):
    """Takes the message, the name and the value from absl's error."""
    super().__init__(str(error))
    self.name = error.flagname
    _, equals, value = str(error.flagvalue).partition('=')
    self.value = value if equals else None


def read(path: str, given: str = '--config') -> 'Experiment':
  """Reads the Experiment of `file.py` or `file.py:argument` from its get_config.

  Args:
    path: the file and its argument.
    given: the flag or argument that names it, for messages.

  Raises:
    UserError: no such file, or the file raises an error or returns something else.
  """
  name, colon, argument = path.partition(':')
  file, source = _find(name, given), f'{given}={path}'
  registry.load_plugins()
  try:
    get_config = registry.run_file(file).get('get_config')
    if not callable(get_config):
      raise UserError(f'{source}: the file has no function get_config(argument)')
    return _as_experiment(get_config(argument) if colon else get_config(), source)
  except UserError:
    raise
  except (Exception, SystemExit) as error:  # The file is a program: it may raise anything.
    raise UserError(f'{source}: the file fails with {_where(error, file)}') from error


def _as_experiment(config, source) -> 'Experiment':
  # With the classes of sections come JAX and the networks, which --help does not need.
  from jaxgan.config import identity
  from jaxgan.runs import families
  from jaxgan.runs.experiment import Experiment

  if hasattr(config, 'to_dict'):  # A ConfigDict of ml_collections, of older experiment files.
    config = families.experiment(identity.upgraded(config.to_dict()))
  if not isinstance(config, Experiment):
    returned = type(config).__name__
    raise UserError(f'{source}: get_config returns a {returned}, not an Experiment')
  return config


def _where(error, file) -> str:
  """An exception and the line of the file that led to it, without line ends."""
  reason = ' '.join(''.join(traceback.format_exception_only(error)).split())
  path, trace = os.path.abspath(file), traceback.extract_tb(error.__traceback__)
  lines = [frame.lineno for frame in trace if frame.filename == path]
  return f'{reason} (line {lines[-1]})' if lines else reason


def _find(name: str, given: str) -> pathlib.Path:
  """Finds a file in the working directory or else in the package."""
  found = next((path for path in (pathlib.Path(name), _PACKAGE / name) if path.is_file()), None)
  if found is None:
    files = sorted((_PACKAGE / 'experiments').glob('*.py'))
    known = {
      p.stem: f'experiments/{p.name}' for p in files if 'def get_config' in p.read_text('utf-8')
    }
    near = [known[stem] for stem in difflib.get_close_matches(pathlib.Path(name).stem, known)]
    come = f'experiments that come with jaxgan: {", ".join(known.values())}'
    hint = f'did you mean {" or ".join(near)}?' if near else come
    raise UserError(f'{given}={name}: no such file; {hint}')
  return found


def meant_fields(argv: list[str], name: str, value: str | None) -> str:
  """Says which fields of the experiment a command line's unknown flag may mean.

  Args:
    argv: the command line; without a readable `--config`, the fields of a class-balancing GAN.
    name: the unknown flag.
    value: its value, if given.

  Returns:
    The end of a message, '' if no field is near.
  """
  from jaxgan.config import suggestions

  named = [text.partition('=')[2] for text in argv if text.lstrip('-').startswith('config=')]
  named += [after for text, after in itertools.pairwise(argv) if text in ('--config', '-config')]
  try:
    experiment = read(named[-1] if named else _ANY)
  except UserError:
    experiment = read(_ANY)
  found = suggestions.nearest(name, experiment)
  needs = '' if named else ' A field needs --config=FILE.'
  return f'{suggestions.sentence(found, value)}{needs}' if found else ''


def given_fields(argv: list[str]) -> tuple[str, ...]:
  """The fields that a command line sets by `--config.FIELD=VALUE`."""
  return tuple(_without_fields(argv)[1])


def with_flagfiles(argv: list[str]) -> list[str]:
  """A command line with the flags in the files of its `--flagfile`.

  Raises:
    UserError: a file cannot be read.
  """
  try:
    return flags.FlagValues().read_flags_from_files(argv)
  except flags.Error as error:
    raise UserError(' '.join(str(error).split())) from error


def parse_flags(
  argv: list[str],
  prepare: Callable[[Any], Any] = lambda experiment: experiment,
  values: flags.FlagValues = flags.FLAGS,
) -> 'tuple[Experiment | None, list[str]]':
  """Parses the flags of a command, which may have a flag `config`, a text.

  Args:
    argv: the command line.
    prepare: changes what the file returns, before the fields given on the command line do.
    values: the flags; parsing sets them.

  Returns:
    (the Experiment with the fields that are given as `--config.FIELD=VALUE`, or None without
    `--config`; the positional arguments).

  Raises:
    UnknownFlagError: an unknown flag.
    UserError: an unknown field, a value of another type, or a file that cannot be used.
  """
  app.define_help_flags()
  try:
    arguments, fields = values.read_flags_from_files(argv), {}
    if 'config' in values:
      arguments, fields = _without_fields(arguments)
    positional = values(arguments)[1:]
  except flags.UnrecognizedFlagError as error:
    raise UnknownFlagError(error) from error
  except flags.IllegalFlagValueError as error:
    message = ' '.join(str(error).split())
    for start, allowed in _OTHER_TYPES.items():
      if start in message:
        message = message[: message.index(start)] + allowed
    raise UserError(message) from error
  except (TypeError, ValueError, flags.Error) as error:
    raise UserError(' '.join(str(error).split())) from error
  path = values['config'].value if 'config' in values else None
  if path is None:
    if fields:
      raise UserError(f'--config.{next(iter(fields))} needs --config=FILE')
    return None, positional
  from jaxgan.config import overrides
  from jaxgan.runs.experiment import resolved

  return resolved(overrides.override(prepare(read(path)), fields)), positional


def _without_fields(argv: list[str]) -> tuple[list[str], dict[str, str]]:
  """A command line without its `--config.FIELD=VALUE`, and {FIELD: VALUE}."""
  rest, fields, arguments = [], {}, iter(argv)
  for argument in arguments:
    name, equals, value = argument.lstrip('-').partition('=')
    if argument == '--':
      return [*rest, argument, *arguments], fields
    if argument.startswith('-') and name.startswith('config.'):
      value = value if equals else next(arguments, None)
      if value is None:
        raise UserError(f'Missing value for flag --{name}')
      fields[name.removeprefix('config.')] = value
    else:
      rest.append(argument)
  return rest, fields
