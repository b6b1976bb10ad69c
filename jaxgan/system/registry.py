"""Registries: tables of methods, networks, data sets and more that other packages extend.

config.json names the modules and files that registered the entries of a run; `import_again` imports
them in another process. A file is copied beside config.json, for the time when it is gone.
Installed packages name modules to import in the entry point group `jaxgan.plugins`.
"""

from collections.abc import Iterable, Iterator, Mapping
import contextlib
import importlib
import importlib.metadata
import os
import pathlib
import sys
import types
from typing import Any, Generic, TypeVar

from jaxgan.errors import UserError, first_line
from jaxgan.system import files, messages

V = TypeVar('V')
GROUP = 'jaxgan.plugins'
COPIES = 'modules'  # A folder beside config.json with copies of the files that registered entries.
_INTERACTIVE = '__main__'  # A notebook, which another process cannot import.
_REGISTERED: set[str] = set()  # Modules and files that have added an entry in this process.
_PLUGINS: set[tuple[str, str]] = set()  # Entry points that this process has loaded.
_RUNNING: list[str] = []  # Files that are being run.


class MissingPartError(UserError):
  """A module that registered a part of a run cannot be imported again."""


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

  def register(self, name: str, entry: V, stacklevel: int = 1) -> V:
    """Adds an entry on behalf of the calling module.

    A module may register a name again, as a cell of a notebook that runs twice does: the new entry
    replaces its old one.

    Args:
      name: of the entry.
      entry: the entry.
      stacklevel: 1 for the caller, 2 for the caller's caller, and so on.

    Returns:
      The entry.

    Raises:
      UserError: the name is taken by jaxgan or by another module.
    """
    caller = sys._getframe(stacklevel).f_globals
    module = caller['__name__']
    if caller.get('__spec__'):
      module = caller['__spec__'].name
    elif '__file__' in caller:  # The file was run, not imported.
      module = os.path.abspath(caller['__file__'])
    if name in self._entries and self.modules.get(name) != module:
      of = self.modules.get(name, 'jaxgan')
      raise UserError(f'{self.what} {name!r} is registered already, by {of}: choose another name')
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


def run_file(path: str | os.PathLike, content: bytes | None = None) -> dict[str, Any]:
  """Runs a file as a module whose name is its path; returns the module's names.

  Args:
    path: the file.
    content: replaces the content of the file.
  """
  path = os.path.abspath(path)
  content = pathlib.Path(path).read_bytes() if content is None else content
  module = types.ModuleType(path)
  module.__file__ = path
  sys.modules[path] = module  # Dataclasses look up the module of their class.
  _RUNNING.append(path)
  try:
    exec(compile(content, path, 'exec'), module.__dict__)
  finally:
    _RUNNING.remove(path)
  return module.__dict__


def refuse_while_running(call: str) -> None:
  """Raises a UserError if a file is being run for its names only, which should not `call`."""
  if _RUNNING:
    raise UserError(
      f'{_RUNNING[-1]} calls {call} when it is read: write the call below '
      "`if __name__ == '__main__':`"
    )


def load_plugins() -> None:
  """Imports the modules that installed packages name in `jaxgan.plugins`, once per process.

  A module that fails is named in a line on stderr; commands that do not need it continue.
  """
  for point in sorted(importlib.metadata.entry_points(group=GROUP)):
    if (point.name, point.value) in _PLUGINS:
      continue
    _PLUGINS.add((point.name, point.value))
    try:
      point.load()
    except (Exception, SystemExit) as error:  # Any type: it is foreign code.
      of = f' of {point.dist.name} {point.dist.version}' if point.dist else ''
      messages.message(
        f'plug-in {point.name} ({point.value}{of}) cannot be loaded: '
        f'{type(error).__name__}: {first_line(error)}'
      )


def keep_copies(modules: Iterable[str], folder: pathlib.Path) -> None:
  """Copies the files among some modules to the folder of a job."""
  for module in filter(os.path.isabs, modules):
    copy, content = _copy(module, folder), b''
    with contextlib.suppress(FileNotFoundError):  # The copy of an earlier start stays.
      content = pathlib.Path(module).read_bytes()
    if content and not (copy.exists() and copy.read_bytes() == content):
      files.replace(copy, content)


def _copy(file: str, folder: pathlib.Path) -> pathlib.Path:
  """The place of a file's copy; the whole path tells files of the same name apart."""
  path = pathlib.Path(file)
  return folder / COPIES / path.relative_to(path.anchor)


def import_again(modules: Iterable[str], folder: pathlib.Path, user: Any) -> None:
  """Imports the modules, or runs the files, that registered the entries of a run.

  A file that is gone is replaced by its copy.

  Args:
    modules: names of modules and paths of files.
    folder: of the job, with the copies of files.
    user: the file that needs them, for messages.

  Raises:
    MissingPartError: a module is missing, fails, or registers nothing.
  """
  for module in modules:
    if module in _REGISTERED:
      continue
    if module == _INTERACTIVE:
      raise MissingPartError(
        f'{user} needs what a notebook registered: register it in this process first, or train '
        'with the registration in a file'
      )
    reason, advice = 'it registers nothing', 'install it or add its folder to PYTHONPATH'
    try:
      if not os.path.isabs(module):
        importlib.import_module(module)
      elif _run_again(module, _copy(module, folder)):
        continue
    except (Exception, SystemExit) as error:  # Any type: it is foreign code.
      reason = first_line(error)
      if isinstance(error, FileNotFoundError) and error.filename == module:
        reason, advice = 'no such file', 'restore it'
      elif os.path.isabs(module) and not isinstance(error, ImportError):
        advice = 'correct it'
    if module not in _REGISTERED:
      raise MissingPartError(
        f'{user} needs {module}, which registered a part of it ({reason}): {advice}'
      )


def registered() -> set[str]:
  """Returns the modules that have registered an entry, see `portable`."""
  return set(map(portable, _REGISTERED))


def portable(module: str) -> str:
  """Returns the name of a module; of a file its name without folder and .py."""
  return os.path.basename(module).removesuffix('.py') if os.path.isabs(module) else module


def _run_again(file: str, copy: pathlib.Path) -> bool:
  """Runs a file, or its copy if it is gone; returns whether it has run under another path."""
  if os.path.exists(file) or not copy.exists():
    run_file(file)
    return False
  content = copy.read_bytes()
  others = [pathlib.Path(other) for other in _REGISTERED if os.path.isfile(other)]
  if any(other.read_bytes() == content for other in others):  # The file was moved.
    return True
  run_file(file, content)
  return False
