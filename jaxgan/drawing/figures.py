"""Figures: the size, look and file of everything that matplotlib draws."""

import io
import warnings

from jaxgan.drawing import fonts
from jaxgan.system import files, names

DPI = 100
LONGEST = 64  # characters of a line of a legend


def new_figure(width, height, layout='constrained'):
  """A matplotlib figure of so many inches."""
  # Not by pyplot, which keeps a global list of figures and may look for a display.
  from matplotlib.figure import Figure

  return Figure(figsize=(width, height), dpi=DPI, layout=layout)


def plain_axes(axes):
  """The look of all axes: a light grid, no frame, few steps."""
  axes.spines[['top', 'right']].set_visible(False)
  axes.grid(color='0.9', linewidth=0.8)
  axes.set_axisbelow(True)
  axes.tick_params(labelsize=9)
  axes.locator_params(axis='x', nbins=5)


def legend(axes, entries, **options):
  """A legend with a line for each of `entries`, [(name, what `axes.plot` or `axes.bar` returned)].

  matplotlib takes a label with a leading underscore for none: it gets the names only afterwards.
  """
  handles = [handle for _, handle in entries]
  drawn = axes.legend(handles, [str(index) for index in range(len(entries))], **options)
  for text, (name, _) in zip(drawn.get_texts(), entries, strict=True):
    text.set_text(names.shown(name, LONGEST))


def save_figure(path, figure):
  """Writes a figure as a PNG, whole or not at all; all of its texts are drawn as they are."""
  files.replace(path, rendered(figure, 'png'))


def rendered(figure, kind: str) -> bytes:
  """A figure as a 'png' or 'svg', always the same bytes; all of its texts are as they are."""
  import matplotlib
  from matplotlib.text import Text

  buffer = io.BytesIO()
  # Of texts that come while it is drawn. A user's own style stays as it is.
  literal = {'text.parse_math': False, 'text.usetex': False, 'font.family': [fonts.FAMILY]}
  literal |= {'svg.fonttype': 'none', 'svg.hashsalt': 'jaxgan'}
  with matplotlib.rc_context(literal), warnings.catch_warnings():
    warnings.filterwarnings('ignore', message='.*Glyph .* missing')  # `fonts` logs these.
    for axes in figure.axes:  # The names at the ticks are made when they are asked for.
      axes.get_xticklabels(), axes.get_yticklabels()
    texts = figure.findobj(Text)
    families = fonts.families(text.get_text() for text in texts)
    for text in texts:
      text.set_parse_math(False)
      text.set_usetex(False)
      text.set_fontfamily(families)
    undated = {'metadata': {'Date': None}} if kind == 'svg' else {}
    figure.savefig(buffer, format=kind, dpi=DPI, **undated)
  return buffer.getvalue()
