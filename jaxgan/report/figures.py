"""Figures: size, look and file format of everything that matplotlib draws."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import io
import itertools
from pathlib import Path
import re
from typing import TYPE_CHECKING, Any, Literal
import warnings

import numpy as np

from jaxgan.report import fonts
from jaxgan.system import files, names
from jaxgan.training import optional

if TYPE_CHECKING:
  from matplotlib.figure import Figure

DPI = 100
MARGIN = 12  # pixels around a picture, and between its panels
LONGEST = 64  # characters of a line in a legend
_CHARACTER = 0.085  # inches, the width of most characters at 10 points
# Invisible parts of the tags of an SVG: digits beyond tenths of a point, blanks, unused names,
# rotations by 0 degrees, and the common font of all texts.
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
    folder: the folder for the pictures.
    pictures: {file name: `draw(path)`, which may draw nothing}.

  Returns:
    Paths of the drawn pictures.
  """
  drawn = []
  for name, draw_at in pictures.items():
    path = folder / name
    with optional.output(str(path)):
      draw_at(path)
      drawn += [path] if path.exists() else []
  return drawn


def numbered(out: Path, what: str) -> Iterator[Path]:
  """Yields paths of pictures beside a report FILE.md: FILE_<what>.png, FILE_<what>_2.png, ..."""
  suffixes = itertools.chain([''], (f'_{number}' for number in itertools.count(2)))
  return (out.with_name(f'{out.stem}_{what}{suffix}.png') for suffix in suffixes)


def new_figure(
  width: float = 1, height: float = 1, layout: Literal['constrained'] | None = 'constrained'
) -> 'Figure':
  """Makes a matplotlib figure with a size in inches.

  Without a size and a layout, `add_axes((left, bottom, width, height))` places axes in inches, and
  the file is as large as its content.
  """
  # pyplot keeps a global list of figures and may look for a display.
  from matplotlib.figure import Figure

  return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def plain_axes(axes: Any) -> None:
  """Gives axes the common look: a light grid, no frame, few ticks."""
  axes.spines[['top', 'right']].set_visible(False)
  axes.grid(color='0.9', linewidth=0.8)
  axes.set_axisbelow(True)
  axes.tick_params(labelsize=9)
  axes.locator_params(axis='x', nbins=5)


def legend(axes: Any, entries: Sequence[tuple[str, Any]], **options: Any) -> None:
  """Draws a legend without a frame from entries (name, artist).

  matplotlib ignores labels with a leading underscore, so that the names are set afterwards.
  """
  handles = [handle for _, handle in entries]
  drawn = axes.legend(
    handles, [str(index) for index in range(len(entries))], frameon=False, **options
  )
  for text, (name, _) in zip(drawn.get_texts(), entries, strict=True):
    text.set_text(names.shown(name, LONGEST))


def bars(
  values: Mapping[str, Any],
  labels: Sequence[str],
  what: str,
  palette: Sequence[str],
  slot: float = 0.8,
) -> tuple['Figure', Any, list[tuple[str, Any]]]:
  """Draws groups of bars, with a bar for each kind in each group.

  Args:
    values: {kind: height of its bar in each group}.
    labels: names of the groups.
    what: label of the heights.
    palette: colours of the kinds.
    slot: inches per group, if the groups exceed the least width.

  Returns:
    (figure, axes, entries of its legend).
  """
  figure = new_figure(layout=None)
  width = max(5.2, slot * len(labels))
  axes = figure.add_axes((0, 0, width, 3.2))
  share, entries = 0.84 / len(values), []
  for index, (kind, heights) in enumerate(values.items()):
    positions = np.arange(len(labels)) + (index - (len(values) - 1) / 2) * share
    entries.append((kind, axes.bar(positions, heights, share * 0.94, color=palette[index])))
  axes.set_ylabel(what)
  plain_axes(axes)
  axes.grid(axis='x', visible=False)
  axes.set_xlim(-0.6, len(labels) - 0.4)
  name_columns(axes, labels, width / len(labels))
  return figure, axes, entries


def name_columns(axes: Any, labels: Sequence[str], slot: float) -> None:
  """Writes names below columns of `slot` inches: horizontal, slanted or vertical."""
  widest = _CHARACTER * max(map(names.width, labels))
  style = {'rotation': 90}
  if widest < 0.9 * slot:
    style = {}
  elif slot > 0.4:
    style = {'rotation': 30, 'ha': 'right', 'rotation_mode': 'anchor'}
  axes.set_xticks(range(len(labels)), labels, fontsize=9, **style)


def save_figure(path: Path, figure: 'Figure', columns: int = 0) -> None:
  """Writes a figure as a PNG atomically; its texts are drawn literally, not as mathematics.

  Args:
    path: the PNG.
    figure: a figure of `new_figure`.
    columns: the number of axes side by side, to arrange the axes; 0 leaves them in place.
  """
  files.replace(path, rendered(figure, 'png', columns))


def rendered(figure: 'Figure', kind: str, columns: int = 0) -> bytes:
  """Renders a figure as a 'png' or 'svg', always with the same bytes; see `save_figure`."""
  import matplotlib
  from matplotlib.text import Text

  buffer, options = io.BytesIO(), {}
  # Settings for texts that are made during drawing; the user's global style is unchanged.
  literal: dict[Any, Any] = {
    'text.parse_math': False,
    'text.usetex': False,
    'font.family': [fonts.FAMILY],
  }
  if kind == 'svg':
    # Simplify bends of curves below half a point.
    literal |= {'svg.fonttype': 'none', 'svg.hashsalt': 'jaxgan', 'path.simplify_threshold': 0.5}
    options['metadata'] = dict.fromkeys(('Date', 'Creator', 'Format', 'Type'))
  with matplotlib.rc_context(literal), warnings.catch_warnings():
    warnings.filterwarnings('ignore', message='.*Glyph .* missing')  # `fonts` logs these.
    for axes in figure.axes:  # These calls create the tick labels.
      axes.get_xticklabels()
      axes.get_yticklabels()
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
  """Arranges axes in rows and columns so that no texts overlap."""
  outer = np.array([axes.get_tightbbox().extents for axes in figure.axes])
  inner = np.array([axes.bbox.extents for axes in figure.axes])
  number = np.arange(len(inner))
  left = _starts(inner[:, 0] - outer[:, 0], outer[:, 2] - inner[:, 0], number % columns)
  # From the top: align the upper ends of the axes in a row.
  top = _starts(outer[:, 3] - inner[:, 3], inner[:, 3] - outer[:, 1], number // columns)
  for axes, x, y in zip(figure.axes, left, -top, strict=True):
    width, height = axes.bbox.size
    axes.set_position(np.array([x, y - height, width, height]) / DPI)


def _starts(before, after, places):
  """Returns the starts of axes, given the extents of their texts before and after."""
  number = range(places.max() + 1)
  before = np.array([np.ceil(before[places == place].max()) for place in number])
  after = np.array([np.ceil(after[places == place].max()) + 2 * MARGIN for place in number])
  return (np.cumsum(before) + np.cumsum(after) - after)[places]


def _drawn(figure):
  """Returns the bounding box of the content with a margin, in whole pixels."""
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
