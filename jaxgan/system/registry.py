"""Registries: tables of methods, networks, data sets and more that other packages add to.

config.json names the modules that registered what a run uses; `import_again` imports them in
another process.
"""

from collections.abc import Iterable, Iterator, Mapping
import importlib
import os
import runpy
import sys
from typing import Generic, TypeVar

from jaxgan.errors import UserError, first_line

V = TypeVar('V')
_REGISTERED = set()  # Modules and files that have added an entry in this process.


class Registry(Mapping[str, V], Generic[V]):
  """Names and what they stand for: a mapping that changes through `register` alone.

  Attributes:
    what: its entries are, in the singular, such as 'method'.
    modules: of the names that other packages have added, the module or file that did.
  """

  # A table that grows is equal to itself alone; so the types of fields that name it have a hash.
  __eq__, __hash__ = object.__eq__, object.__hash__

  def __init__(self, what: str, entries: Mapping[str, V]):
    """Begins with the entries that come with jaxgan."""
    self.what, self.modules, self._entries = what, {}, dict(entries)

  def register(self, name: str, entry: V) -> V:
    """Adds an entry from the module that calls this.

    Args:
      name: of the entry.
      entry: what it stands for.

    Returns:
      The entry.

    Raises:
      UserError: the name is taken.
    """
    if name in self._entries:
      of = self.modules.get(name, 'jaxgan')
      raise UserError(f'{self.what} {name!r} is registered already, by {of}: choose another name')
    caller = sys._getframe(1).f_globals
    module = caller['__name__']  # A notebook has no other name and cannot be imported again.
    if caller.get('__spec__'):
      module = caller['__spec__'].name
    elif '__file__' in caller:  # A file that was run, not imported.
      module = os.path.abspath(caller['__file__'])
    _REGISTERED.add(module)
    self.modules[name], self._entries[name] = module, entry
    return entry

  def registered_by(self, *names: str) -> set[str]:
    """The modules and files that added these names."""
    return {self.modules[name] for name in names if name in self.modules}

  def __getitem__(self, name: str) -> V:
    return self._entries[name]

  def __iter__(self) -> Iterator[str]:
    return iter(self._entries)

  def __len__(self) -> int:
    return len(self._entries)


def import_again(modules: Iterable[str], user) -> None:
  """Imports the modules, or runs the files, that registered what a run uses.

  Args:
    modules: names of modules and paths of files.
    user: what needs them, for the error.

  Raises:
    UserError: one of them is missing, fails, or registers nothing.
  """
  for module in modules:
    if module in _REGISTERED:
      continue
    try:
      (runpy.run_path if os.path.isabs(module) else importlib.import_module)(module)
      reason = 'it registers nothing'
    except (Exception, SystemExit) as error:  # Code of other people.
      reason = first_line(error)
    if module not in _REGISTERED:
      raise UserError(
        f'{user} needs {module}, which registered a part of it ({reason}): install it or add its '
        'folder to PYTHONPATH'
      )
