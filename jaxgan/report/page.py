"""Pages: blocks as a self-contained HTML file, without other files and without network access."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
import functools
from importlib import resources
import os
from pathlib import Path
import re
import time

from jaxgan.report import blocks as blocks_lib
from jaxgan.system import files, names

PROGRESS_FILE = 'progress.html'  # in the folder of a run
RELOAD = 15  # seconds between reloads of the page
MAX_STEPS = 30  # pictures of the steps of a run
# Stars, the mark of a footnote, or the text up to the next star or mark.
_PIECE = re.compile(r'(\*\*)|\[\^(\d+)\]|((?:\\.|(?!\*\*|\[\^\d+\]).)+)', re.DOTALL)
MAX_BYTES = 12_000_000  # of all pictures of steps in a page


@dataclass(frozen=True)
class Section:
  """A part of a page: its heading, blocks, and the protocol {field: text} behind its numbers."""

  title: str
  blocks: list
  protocol: dict | None = None


def render(
  title: str,
  sections: Sequence[Section],
  notes: Iterable[str] = (),
  lead: str = '',
  live: bool = False,
) -> str:
  """Renders a page as HTML.

  Args:
    title: the heading.
    sections: the sections.
    notes: the texts of the footnotes, in the order of their numbers.
    lead: a line below the heading.
    live: whether the page reloads itself every `RELOAD` seconds.

  Returns:
    The HTML.

  Raises:
    UserError: a picture cannot be read.
  """
  return _template().render(
    title=title,
    sections=_with_pictures(sections),
    notes=notes,
    lead=lead,
    reload=RELOAD if live else 0,
  )


def is_due(folder: str | os.PathLike[str], step: int, last: int) -> bool:
  """Returns whether to write the progress page: at most every `RELOAD` seconds, and at the end."""
  path = Path(folder) / PROGRESS_FILE
  return step >= last or not path.exists() or time.time() - path.stat().st_mtime >= RELOAD


def write_progress(
  folder: str | os.PathLike[str], title: str, blocks: list, step: int, last: int
) -> None:
  """Writes the progress page of a run; it reloads itself until the last step.

  Args:
    folder: the folder of the run.
    title: the name of the run.
    blocks: the blocks of the page.
    step: the current step.
    last: the last step.
  """
  lead = time.strftime(f'step {step:,} of {last:,}, %Y-%m-%d %H:%M:%S %Z')
  text = render(title, [Section('Training', blocks)], lead=lead, live=step < last)
  files.replace(Path(folder) / PROGRESS_FILE, text.encode())


@functools.cache
def _template():
  import jinja2  # Only pages need it.

  environment = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
  )
  environment.filters['pieces'] = pieces
  source = resources.files('jaxgan.report').joinpath('page.html').read_text(encoding='utf-8')
  return environment.from_string(source)


def pieces(cell: str) -> list[tuple[str, str]]:
  """Splits the text of a cell into ('text' or 'bold', text) and ('mark', number of a footnote).

  Example:
    >>> pieces('**0.7[^1]**')
    [('bold', '0.7'), ('mark', '1')]
  """
  found, bold = [], False
  for stars, mark, text in _PIECE.findall(cell):
    bold ^= bool(stars)
    if mark or text:
      found.append(('mark' if mark else 'bold' if bold else 'text', mark or names.unescaped(text)))
  return found


def _with_pictures(sections):
  """Reads the pictures of steps in all sections, up to the limits of a page."""
  number = sum(isinstance(b, blocks_lib.Steps) for section in sections for b in section.blocks)
  most_bytes = MAX_BYTES // max(1, number)
  return [replace(s, blocks=[_read_steps(b, most_bytes) for b in s.blocks]) for s in sections]


def _read_steps(block, most_bytes):
  """Reads the pictures of a block of steps; returns other blocks unchanged."""
  if not isinstance(block, blocks_lib.Steps):
    return block
  largest = max(path.stat().st_size for _, path in block.paths)
  shown = blocks_lib.evenly(block.paths, min(MAX_STEPS, max(2, most_bytes // max(1, largest))))
  note = block.note
  if len(shown) < len(block.paths):
    note += f' Shown are {len(shown)} of {len(block.paths)} pictures; all are in samples/.'
  images = [(s, blocks_lib.read_image(path, f'{block.title}, step {s}')) for s, path in shown]
  return replace(block, paths=images, note=note.strip())
