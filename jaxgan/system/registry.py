"""Registries: tables of methods, networks, data sets and more that other packages may add to."""

from collections.abc import Iterator, Mapping
import sys
from typing import Generic, TypeVar

from jaxgan.errors import UserError

V = TypeVar('V')


class Registry(Mapping[str, V], Generic[V]):
  """Names and what they stand for: a mapping that changes through `register` alone.

  Attributes:
    what: its entries are, in the singular, such as 'method'.
    modules: of the names that other packages have added, the module or file that did.
  """

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
    # A file that was run and not imported has no module to import again.
    is_module = caller.get('__spec__') is not None and caller['__name__'] != '__main__'
    self.modules[name] = caller['__name__'] if is_module else caller['__file__']
    self._entries[name] = entry
    return entry

  def __getitem__(self, name: str) -> V:
    return self._entries[name]

  def __iter__(self) -> Iterator[str]:
    return iter(self._entries)

  def __len__(self) -> int:
    return len(self._entries)

  def __repr__(self):
    return f'<registry of a {self.what}: {", ".join(self._entries)}>'
