"""Registries: tables of methods, networks, data sets and more that other packages extend.

config.json names the modules that registered the entries of a run; `import_again` imports them in
another process.
"""

from collections.abc import Iterable, Iterator, Mapping
import importlib
import os
import runpy
import sys
from typing import Any, Generic, TypeVar

from jaxgan.errors import UserError, first_line

V = TypeVar('V')
_REGISTERED: set[str] = set()  # Modules and files that have added an entry in this process.


class Registry(Mapping[str, V], Generic[V]):
  """A mapping from names to entries that only `register` changes.

  Attributes:
    what: an entry in the singular, such as 'method'.
    modules: {name: module or file} of the entries that other packages registered.
  """

  def __init__(self, what: str, entries: Mapping[str, V]):
    """Starts with the entries of jaxgan."""
    self.what, self._entries = what, dict(entries)
    self.modules: dict[str, str] = {}

  # Compared by identity, so that field types that contain a registry are hashable.
  def __eq__(self, other: object) -> bool:
    """Returns whether both are the same registry."""
    return self is other

  def __hash__(self) -> int:
    """Hashes the identity."""
    return object.__hash__(self)

  def register(self, name: str, entry: V) -> V:
    """Adds an entry on behalf of the calling module.

    Args:
      name: of the entry.
      entry: the entry.

    Returns:
      The entry.

    Raises:
      UserError: the name is taken.
    """
    if name in self._entries:
      of = self.modules.get(name, 'jaxgan')
      raise UserError(f'{self.what} {name!r} is registered already, by {of}: choose another name')
    caller = sys._getframe(1).f_globals
    module = caller['__name__']  # In a notebook '__main__', which cannot be imported again.
    if caller.get('__spec__'):
      module = caller['__spec__'].name
    elif '__file__' in caller:  # The file was run, not imported.
      module = os.path.abspath(caller['__file__'])
    _REGISTERED.add(module)
    self.modules[name], self._entries[name] = module, entry
    return entry

  def registered_by(self, *names: str) -> set[str]:
    """Returns the modules and files that registered these names."""
    return {self.modules[name] for name in names if name in self.modules}

  def __getitem__(self, name: str) -> V:
    """Returns an entry."""
    return self._entries[name]

  def __iter__(self) -> Iterator[str]:
    """Iterates over the names."""
    return iter(self._entries)

  def __len__(self) -> int:
    """Returns the number of entries."""
    return len(self._entries)


def import_again(modules: Iterable[str], user: Any) -> None:
  """Imports the modules, or runs the files, that registered the entries of a run.

  Args:
    modules: names of modules and paths of files.
    user: the file that needs them, for messages.

  Raises:
    UserError: a module is missing, fails, or registers nothing.
  """
  for module in modules:
    if module in _REGISTERED:
      continue
    try:
      (runpy.run_path if os.path.isabs(module) else importlib.import_module)(module)
      reason = 'it registers nothing'
    except (Exception, SystemExit) as error:  # Any type: it is foreign code.
      reason = first_line(error)
    if module not in _REGISTERED:
      raise UserError(
        f'{user} needs {module}, which registered a part of it ({reason}): install it or add its '
        'folder to PYTHONPATH'
      )


def registered() -> set[str]:
  """Returns the modules that have registered an entry; files by their names without .py."""
  return {
    os.path.basename(name).removesuffix('.py') if os.path.isabs(name) else name
    for name in _REGISTERED
  }
