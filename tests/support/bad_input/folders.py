"""The root of the repository, and the contents of folders."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]


def contents(folder):
  """{path in the folder: bytes (of huge files their number), where a link leads, or None}."""
  found = {}
  for top, folders, files in os.walk(folder):
    for path in (pathlib.Path(top) / name for name in folders + files):
      is_file = path.is_file() and not path.is_symlink()
      link = os.readlink(path) if path.is_symlink() else None
      name = path.relative_to(folder).as_posix()
      small = is_file and path.stat().st_size < 2**28
      found[name] = path.read_bytes() if small else path.stat().st_size if is_file else link
  return found
