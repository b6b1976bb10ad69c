"""Figures: the size, look and file of everything that matplotlib draws."""

from collections.abc import Callable, Iterator, Mapping
import io
import itertools
from pathlib import Path
import re
import warnings

import numpy as np

from jaxgan.report import fonts
from jaxgan.system import files, names
from jaxgan.training import optional

DPI = 100
MARGIN = 12  # pixels around a picture, and between its panels
LONGEST = 64  # characters of a line of a legend
_CHARACTER = 0.085  # inches: the width of most characters of 10 points
# What nobody sees in the tags of an SVG: more than tenths of a point, blanks, names that nothing
# refers to, turns by 0 degrees, and the font of each text where it is that of all.
_FONT = f"font-family:'{fonts.FAMILY}'"
_SHORTER = (
  (r'(\.\d)\d+', r'\1'),
  (r'(?<=[:;]) |(?<=[ML]) (?=[-\d])| (?=\nL)|\n', ''),
  (r' id="\w*_\d+"| id="mat[^"]*"| transform="rotate\(-0 [^"]*"', ''),
  (f'{_FONT};', ''),
)


def draw(folder: Path, pictures: Mapping[str, Callable]) -> list[Path]:
  """Draws pictures, each of which may fail; see `jaxgan.training.optional`.

  Args:
    folder: where they are written.
    pictures: {file name: draws it at a path, or nothing where there is nothing to see}.

  Returns:
    Paths of the pictures that are there.
  """
  drawn = []
  for name, draw_at in pictures.items():
    with optional.output(path := folder / name):
      draw_at(path)
      drawn += [path] if path.exists() else []
  return drawn


def numbered(out: Path, what: str) -> Iterator[Path]:
  """Paths of pictures beside a report FILE.md: FILE_<what>.png, FILE_<what>_2.png, ..."""
  suffixes = itertools.chain([''], (f'_{number}' for number in itertools.count(2)))
  return (out.with_name(f'{out.stem}_{what}{suffix}.png') for suffix in suffixes)


def new_figure(width=1, height=1, layout='constrained'):
  """Makes a matplotlib figure, its size in inches.

  Without a size and a layout its axes are placed in inches, `add_axes((left, bottom, width,
  height))`, and the file is as large as what is drawn.
  """
  # Not by pyplot, which keeps a global list of figures and may look for a display.
  from matplotlib.figure import Figure

  return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def plain_axes(axes):
  """Gives axes the common look: a light grid, no frame, few ticks."""
  axes.spines[['top', 'right']].set_visible(False)
  axes.grid(color='0.9', linewidth=0.8)
  axes.set_axisbelow(True)
  axes.tick_params(labelsize=9)
  axes.locator_params(axis='x', nbins=5)


def legend(axes, entries, **options):
  """A legend without a frame and with a line for each of `entries`, [(name, what was drawn)].

  matplotlib takes a label with a leading underscore for none: it gets the names only afterwards.
  """
  handles = [handle for _, handle in entries]
  drawn = axes.legend(
    handles, [str(index) for index in range(len(entries))], frameon=False, **options
  )
  for text, (name, _) in zip(drawn.get_texts(), entries, strict=True):
    text.set_text(names.shown(name, LONGEST))


def bars(values, labels, what: str, colors, slot: float = 0.8):
  """Draws groups of bars, one bar per kind in each group.

  Args:
    values: {kind: heights, one a name}.
    labels: names.
    what: the heights are.
    colors: of the kinds.
    slot: inches of a name, where there are more than a few.

  Returns:
    (figure, axes, entries of its legend).
  """
  figure = new_figure(layout=None)
  width = max(5.2, slot * len(labels))
  axes = figure.add_axes((0, 0, width, 3.2))
  share, entries = 0.84 / len(values), []
  for index, (kind, heights) in enumerate(values.items()):
    positions = np.arange(len(labels)) + (index - (len(values) - 1) / 2) * share
    entries.append((kind, axes.bar(positions, heights, share * 0.94, color=colors[index])))
  axes.set_ylabel(what)
  plain_axes(axes)
  axes.grid(axis='x', visible=False)
  axes.set_xlim(-0.6, len(labels) - 0.4)
  name_columns(axes, labels, width / len(labels))
  return figure, axes, entries


def name_columns(axes, labels, slot: float) -> None:
  """Sets names below columns that are `slot` inches wide: level, slanted or upright."""
  widest = _CHARACTER * max(map(names.width, labels))
  style = {'rotation': 90}
  if widest < 0.9 * slot:
    style = {}
  elif slot > 0.4:
    style = {'rotation': 30, 'ha': 'right', 'rotation_mode': 'anchor'}
  axes.set_xticks(range(len(labels)), labels, fontsize=9, **style)


def save_figure(path, figure, columns: int = 0):
  """Writes a figure as a PNG, whole or not at all; all of its texts are drawn as they are.

  Args:
    path: the file.
    figure: of `new_figure`.
    columns: how many axes stand beside each other, of a figure whose axes are to be arranged.
  """
  files.replace(path, rendered(figure, 'png', columns))


def rendered(figure, kind: str, columns: int = 0) -> bytes:
  """A figure as a 'png' or 'svg', always the same bytes; see `save_figure`."""
  import matplotlib
  from matplotlib.text import Text

  buffer, options = io.BytesIO(), {}
  # Of texts that come while it is drawn. A user's own style stays as it is.
  literal = {'text.parse_math': False, 'text.usetex': False, 'font.family': [fonts.FAMILY]}
  if kind == 'svg':
    # No curve bends that are smaller than half a point.
    literal |= {'svg.fonttype': 'none', 'svg.hashsalt': 'jaxgan', 'path.simplify_threshold': 0.5}
    options['metadata'] = dict.fromkeys(('Date', 'Creator', 'Format', 'Type'))
  with matplotlib.rc_context(literal), warnings.catch_warnings():
    warnings.filterwarnings('ignore', message='.*Glyph .* missing')  # `fonts` logs these.
    for axes in figure.axes:  # The names at the ticks are made when they are asked for.
      axes.get_xticklabels(), axes.get_yticklabels()
    texts = figure.findobj(Text)
    families = fonts.families(text.get_text() for text in texts)
    for text in texts:
      text.set(parse_math=False, usetex=False, fontfamily=families)
    if columns:
      _arrange(figure, columns)
    if kind == 'png' and figure.get_layout_engine() is None:
      options['bbox_inches'] = _drawn(figure)
    figure.savefig(buffer, format=kind, dpi=DPI, **options)
  data = buffer.getvalue()
  return data if kind == 'png' else _compact(data.decode()).encode()


def _arrange(figure, columns):
  """Moves axes beside and below each other so that no text of one is on another."""
  outer = np.array([axes.get_tightbbox().extents for axes in figure.axes])
  inner = np.array([axes.bbox.extents for axes in figure.axes])
  number = np.arange(len(inner))
  left = _starts(inner[:, 0] - outer[:, 0], outer[:, 2] - inner[:, 0], number % columns)
  # From the top: the axes of a line have their upper ends at one height.
  top = _starts(outer[:, 3] - inner[:, 3], inner[:, 3] - outer[:, 1], number // columns)
  for axes, x, y in zip(figure.axes, left, -top, strict=True):
    width, height = axes.bbox.size
    axes.set_position(np.array([x, y - height, width, height]) / DPI)


def _starts(before, after, places):
  """Returns where axes begin, given how far their texts reach before and after that."""
  number = range(places.max() + 1)
  before = np.array([np.ceil(before[places == place].max()) for place in number])
  after = np.array([np.ceil(after[places == place].max()) + 2 * MARGIN for place in number])
  return (np.cumsum(before) + np.cumsum(after) - after)[places]


def _drawn(figure):
  """Returns the box of what is drawn, with a margin, on whole pixels."""
  from matplotlib.transforms import Bbox

  box = DPI * figure.get_tightbbox().extents
  low, high = np.floor(box[:2]) - MARGIN, np.ceil(box[2:]) + MARGIN
  return Bbox([low / DPI, (high + 1e-6) / DPI])


def _compact(svg: str) -> str:
  """Shortens an SVG without a visible change."""
  parts = re.split('(<[^>]*>)', svg.replace('round;', f'round; {_FONT};', 1))
  for pattern, replacement in _SHORTER:
    parts[1::2] = (re.sub(pattern, replacement, tag) for tag in parts[1::2])
  return re.sub(r'(?<=>)\s+(?=<)', '', ''.join(parts))
