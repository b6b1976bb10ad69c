"""How messages spell the options of data sets: each command has its own flags for them.

Options are fields of jaxgan's experiments (`--config.data.source`), and flags of the commands in
this package (`--source`), which call `use_own`.
"""

import contextvars

_PREFIXES = {'source': '--config.data.', 'data_dir': '--config.data.', 'dataset': '--config.data.'}
_OWN: contextvars.ContextVar[bool] = contextvars.ContextVar('own', default=False)


def use_own() -> None:
  """Makes messages name the flags of this package's commands."""
  _OWN.set(True)


def flag(option: str) -> str:
  """Returns the flag of an option, such as '--config.data.options.image_size'."""
  return f'{"--" if _OWN.get() else _PREFIXES.get(option, "--config.data.options.")}{option}'
