"""Experiment files: where one is found, what its `get_config` makes, and flags that change it."""

import pathlib
import runpy
import traceback

from absl import app, flags
import ml_collections

from jaxgan.errors import UserError

_PACKAGE = pathlib.Path(__file__).resolve().parent.parent
# How absl begins to say that a value is of another type, and what a person can do about it.
_OTHER_TYPES = {
  'invalid literal for int()': 'use a whole number',
  'could not convert string to float': 'use a number',
  "('Non-boolean argument": 'use true or false',
}


class Parser(flags.ArgumentParser):
  """Parses `file.py` or `file.py:argument` to the ConfigDict of its get_config, locked.

  That of ml_collections turns what an experiment file raises into a traceback, and puts off what
  comes of a file that cannot be read.
  """

  def parse(self, path: str) -> ml_collections.ConfigDict:
    """Raises a UserError for whatever is wrong with the file."""
    name, colon, argument = path.partition(':')
    file = _find(name)
    try:
      get_config = runpy.run_path(str(file)).get('get_config')
      if not callable(get_config):
        raise UserError(f'--config={path}: the file has no function get_config(argument)')
      config = get_config(argument) if colon else get_config()
    except UserError:
      raise
    except (Exception, SystemExit) as error:  # The file is a program: it may raise anything.
      raise UserError(f'--config={path}: the file fails with {_where(error, file)}') from error
    if not isinstance(config, ml_collections.ConfigDict):
      returned = type(config).__name__
      raise UserError(f'--config={path}: get_config returns a {returned}, not a ConfigDict')
    config.lock()
    return config


def _where(error, file) -> str:
  """An exception and the line of the file that led to it, without line ends."""
  reason = ' '.join(''.join(traceback.format_exception_only(error)).split())
  lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
  return f'{reason} (line {lines[-1]})' if lines else reason


def _find(name: str) -> pathlib.Path:
  """The file, or that of the package where the working directory has none of that name."""
  found = next((path for path in (pathlib.Path(name), _PACKAGE / name) if path.is_file()), None)
  if found is None:
    files = sorted((_PACKAGE / 'experiments').glob('*.py'))
    known = [f'experiments/{p.name}' for p in files if 'def get_config' in p.read_text('utf-8')]
    raise UserError(
      f'--config={name}: no such file; experiments that come with jaxgan: {", ".join(known)}'
    )
  return found


def parse_flags(argv: list[str]) -> list[str]:
  """Parses the flags of a command whose flag `config` has a Parser.

  Returns:
    The positional arguments.

  Raises:
    UserError: an unknown flag or field, a value of another type, or a file that cannot be used.
  """
  app.define_help_flags()
  try:
    return flags.FLAGS(argv)[1:]
  except flags.IllegalFlagValueError as error:
    if isinstance(error.__context__, UserError):  # Of the experiment file.
      raise error.__context__ from None
    message = ' '.join(str(error).split())
    for start, allowed in _OTHER_TYPES.items():
      if start in message:
        message = message[: message.index(start)] + allowed
    raise UserError(message) from error
  except (AttributeError, KeyError) as error:  # ml_collections adds "Did you mean".
    from jaxgan import config as config_lib

    raise UserError(
      f'--config.FIELD: no such field: {config_lib.reason(error)}; '
      'experiments/base*.py have them all'
    ) from error
  except (TypeError, ValueError, flags.Error) as error:
    raise UserError(' '.join(str(error).split())) from error
