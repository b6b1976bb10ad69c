"""Pictures of a folder: each is drawn for itself, and none ends a run."""

from collections.abc import Callable, Iterator, Mapping
import itertools
from pathlib import Path

from jaxgan.training import optional


def draw(folder: Path, pictures: Mapping[str, Callable]) -> list[Path]:
  """Draws pictures, each of which may fail.

  Args:
    folder: where they are written.
    pictures: {file name: draws it at a path}.

  Returns:
    Paths of the pictures that are there.
  """
  drawn = []
  for name, draw_at in pictures.items():
    with optional.output(path := folder / name):
      draw_at(path)
      drawn.append(path)
  return drawn


def numbered(out: Path, what: str) -> Iterator[Path]:
  """Paths of pictures beside a report FILE.md: FILE_<what>.png, FILE_<what>_2.png, ..."""
  yield out.with_name(f'{out.stem}_{what}.png')
  for number in itertools.count(2):
    yield out.with_name(f'{out.stem}_{what}_{number}.png')
