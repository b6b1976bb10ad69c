"""The files of a folder or a .zip: names first, contents on demand.

A .zip is not extracted to disk.
"""

import abc
from collections import Counter
import io
import os
from pathlib import Path, PurePosixPath
import stat
from typing import IO, Any, NamedTuple
import zipfile

from data_prep.picture_formats import SUFFIXES
from jaxgan.errors import UserError, first_line

TABLES = ('dataset.json', 'metadata.csv', 'metadata.jsonl')  # Files that may hold labels.
# System folders of Synology and Windows, which are hidden there.
_SYSTEM = ('@eadir', '$recycle.bin', 'system volume information')
_LARGEST = 2**29  # Most bytes of a file in a .zip, which is decoded in memory.


class Folder(NamedTuple):
  """The sorted names in a folder: of folders, images and `TABLES`."""

  folders: list[str]
  images: list[str]
  tables: list[str]


class File(NamedTuple):
  """A file of a tree."""

  tree: 'Tree'
  path: str  # Inside the tree, with slashes.

  def __str__(self) -> str:
    """Returns its name in messages."""
    return f'{self.tree.root}/{self.path}'

  @property
  def name(self) -> str:
    """The last part of the path."""
    return self.path.rpartition('/')[2]

  def open(self, mode: str = 'rb') -> IO[bytes]:
    """Opens the file for reading bytes."""
    assert mode == 'rb'
    return self.tree.open(self.path)

  def openable(self) -> Any:
    """What Pillow can open: a path or an open file."""
    return self.tree.openable(self.path)


class Tree(abc.ABC):
  """The visible files of a folder or a .zip.

  Attributes:
    root: the path of the folder or .zip.
    folders: the Folder of each path inside the tree; '' is the root.
    passed_over: number of unread files or folders, by reason.
  """

  def __init__(self, root: Path):
    """Lists nothing yet."""
    self.root, self.folders, self.passed_over = root, {}, Counter()
    self._others = {}  # {path of a folder: Counter of the suffixes of its unread files}.

  @abc.abstractmethod
  def open(self, path: str) -> IO[bytes]:
    """Opens a file for reading."""

  @abc.abstractmethod
  def openable(self, path: str) -> Any:
    """What Pillow can open: a path or an open file."""

  def images(self, top: str) -> list[str]:
    """Lists all images below a folder: the images of each folder before its folders."""
    paths, waiting = [], [top]
    while waiting:
      path = waiting.pop()
      folder = self.folders[path]
      paths += [join(path, name) for name in folder.images]
      waiting += [join(path, name) for name in reversed(folder.folders)]
    return paths

  def shown(self, path: str) -> str:
    """Returns the name in messages of a path inside the tree."""
    return os.fspath(self.root / path)

  def read(self, path: str) -> bytes:
    """Reads a file.

    Raises:
      UserError: the file is unreadable.
    """
    try:
      with self.open(path) as stream:
        return stream.read()
    except Exception as error:  # Errors of files, zipfile and zlib.
      raise UserError(f'{self.shown(path)} cannot be read ({first_line(error)})') from error

  def others(self, *tops: str) -> str:
    """Returns the unread files below folders for messages, such as ' (passed over: 3 .heic)'."""
    waiting, counts = list(tops), Counter()
    while waiting:
      path = waiting.pop()
      counts += self._others.get(path, Counter())
      waiting += [join(path, name) for name in self.folders[path].folders]
    shown = ', '.join(f'{count} {suffix}' for suffix, count in counts.most_common(3))
    shown += ', ...' if len(counts) > 3 else ''
    return f' (passed over: {shown})' if shown else ''

  def _add_file(self, path: str, name: str) -> None:
    folder = self.folders[path]
    if name in TABLES:
      folder.tables.append(name)
    elif os.path.splitext(name)[1].lower() in SUFFIXES:
      folder.images.append(name)
    else:
      suffix = shown_suffix(name)
      self._others.setdefault(path, Counter())[suffix] += 1
      self.passed_over[f'files that Pillow does not decode ({suffix})'] += 1


def open_tree(source: Path) -> Tree:
  """Opens a folder or a .zip; see `FolderTree` and `ZipTree`."""
  return FolderTree(source) if source.is_dir() else ZipTree(source)


def join(folder: str, name: str) -> str:
  """Joins the path of a folder in a tree and a name."""
  return f'{folder}/{name}' if folder else name


class FolderTree(Tree):
  """The files of a folder at any depth; links are followed, except to a folder around them.

  Raises:
    UserError: a folder is unreadable, or a link leads nowhere.
  """

  def __init__(self, root: Path):
    """Lists the files."""
    super().__init__(root)
    waiting = [('', ())]
    while waiting:
      path, above = waiting.pop()
      try:
        waiting += self._list(path, above)
      except OSError as error:
        raise UserError(f'{self.shown(path)} cannot be read ({error.strerror})') from error

  def open(self, path: str) -> IO[bytes]:
    """See `Tree.open`."""
    return open(self.openable(path), 'rb')

  def openable(self, path: str) -> Any:
    """See `Tree.openable`."""
    return os.path.join(self.root, path)

  def _list(self, path, above):
    """Lists a folder; returns its folders with the identities of the folders around them."""
    status = os.stat(self.openable(path))
    here = status.st_dev, status.st_ino
    folder = self.folders[path] = Folder([], [], [])
    if here in above:
      self.passed_over['links to a folder around them'] += 1
      return []
    with os.scandir(self.openable(path)) as entries:
      entries = sorted(entries, key=lambda entry: entry.name)
    for entry in entries:
      linked = entry.is_symlink()  # scandir raises for a circular link, os.path does not.
      is_folder = os.path.isdir(entry.path) if linked else entry.is_dir()
      if reason := why_hidden(entry.name, is_folder):
        self.passed_over[reason] += 1
      elif linked and not os.path.exists(entry.path):
        raise UserError(f'{entry.path} is a link that leads nowhere or in a circle: remove it')
      elif is_folder:
        folder.folders.append(entry.name)
      elif entry.is_file():
        self._add_file(path, entry.name)
      else:
        self.passed_over['pipes and devices'] += 1
    return [(join(path, name), (*above, here)) for name in folder.folders]


class ZipTree(Tree):
  """The files of a .zip.

  Raises:
    UserError: the .zip is unreadable, a name leads out of it or occurs twice, or a file is huge.
  """

  def __init__(self, root: Path):
    """Lists the files."""
    super().__init__(root)
    try:
      self._archive = _open_zip(root)
    except Exception as error:  # Errors of files, zipfile and struct.
      raise UserError(f'source {root} is not a readable .zip ({first_line(error)})') from error
    self.folders[''] = Folder([], [], [])
    self._members, hidden = {}, set()  # {path: member}: './cat/1.png' is at the path cat/1.png.
    for member in self._archive.infolist():
      self._add(member, hidden)
    for folder in self.folders.values():
      for names in folder:
        names.sort()

  def open(self, path: str) -> IO[bytes]:
    """See `Tree.open`."""
    return self._archive.open(self._members[path])

  def openable(self, path: str) -> Any:
    """See `Tree.openable`."""
    return io.BytesIO(self._archive.read(self._members[path]))

  def _add(self, member, hidden):
    name, parts = member.filename, PurePosixPath(member.filename).parts
    path, is_root = '/'.join(parts), not parts and member.is_dir()
    if name.startswith('/') or '..' in parts or '\\' in name or not (parts or is_root):
      raise UserError(f'source {self.root} names {name!r}, which is not a file inside it')
    if path in self._members:
      raise UserError(f'source {self.root} has two files called {path!r}: remove one')
    self._members[path] = member
    for i, part in enumerate(parts):
      is_folder = i + 1 < len(parts) or member.is_dir()
      if reason := why_hidden(part, is_folder):
        self.passed_over[reason] += not is_folder or parts[: i + 1] not in hidden
        hidden.add(parts[: i + 1])
        return
    if stat.S_ISLNK(member.external_attr >> 16):
      self.passed_over['links in the .zip'] += 1
      return
    self._folder(path if member.is_dir() else '/'.join(parts[:-1]))
    if member.is_dir():
      return
    if member.file_size > _LARGEST:
      raise UserError(f'{self.shown(path)} has {member.file_size} bytes, at most {_LARGEST} can be')
    self._add_file('/'.join(parts[:-1]), parts[-1])

  def _folder(self, path):
    if path not in self.folders:
      self.folders[path] = Folder([], [], [])
      above, _, name = path.rpartition('/')
      self._folder(above).folders.append(name)
    return self.folders[path]


def _open_zip(path):
  """Opens a .zip with names in UTF-8 if all names are valid UTF-8, even without the flag.

  The Finder of macOS omits the flag; its accents would be read in code page 437.
  """
  try:
    return zipfile.ZipFile(path, metadata_encoding='utf-8')
  except UnicodeDecodeError:
    return zipfile.ZipFile(path)


def shown_suffix(name: str) -> str:
  """Returns the suffix of a file's name in lower case, on one line."""
  suffix = os.path.splitext(name)[1].lower().encode(errors='replace').decode()
  return ' '.join(suffix.split()) or 'no suffix'


def why_hidden(name: str, is_folder: bool) -> str:
  """Returns the reason why a name is ignored, or ''."""
  if name == '__MACOSX' and is_folder:
    return 'folders called __MACOSX'
  if name.startswith('.') or (is_folder and name.casefold() in _SYSTEM):
    return 'hidden folders' if is_folder else 'hidden files'
  return ''
