"""Curves on pages: lines over common axes, as an SVG."""

from dataclasses import dataclass

import numpy as np

from jaxgan.report.blocks import Curves, Image
from jaxgan.system.names import shown
from jaxgan.training.logging import read_metrics

SIZE = (4.2, 2.6)  # inches, about the width of a phone
LISTED = 6  # lines in a legend below each other; more stand beside the axes


@dataclass(frozen=True)
class Line:
  """A series: [N] positions and [N] values, None where there is a gap."""

  name: str
  xs: list
  ys: list


def chart(title, lines, x_label='step', level=None, zeros='', last=True) -> Image | None:
  """Draws lines over common axes; None where there is no value.

  Args:
    title: what the values are.
    lines: a list of `Line`, in an order that their colours follow.
    x_label: what the positions are.
    level: (name, value) of a level to compare with, or None.
    zeros: the axes that begin at 0: 'x', 'y', 'xy' or ''.
    last: whether the last values are told.
  """
  values = [np.array(line.ys, np.float64) for line in lines]
  if not any(np.isfinite(ys).any() for ys in values):
    return None
  from matplotlib import colormaps

  from jaxgan.drawing import figures

  many = len(lines) + bool(level) > LISTED
  figure = figures.new_figure(*SIZE, layout='constrained' if many else None)
  # Without a layout, which takes as long again: a page has many charts of a line or two.
  axes = figure.add_subplot() if many else figure.add_axes((0.13, 0.17, 0.84, 0.7))
  entries, told = [], [f'{title} over {x_label}']
  colors = colormaps['viridis'](np.linspace(0.1, 0.9, len(lines)))
  for line, ys, color, style in zip(lines, values, colors, ['-', '--'] * len(lines), strict=False):
    marker = '.' if len(ys) < 30 else None
    (drawn,) = axes.plot(line.xs, ys, color=color, linestyle=style, linewidth=1.4, marker=marker)
    known = ys[np.isfinite(ys)]
    value = f': {known[-1]:.3g}' if last and len(known) else ''
    entries.append((f'{shown(line.name)}{value}', drawn))
    told.append(f'{line.name}, last value{value[1:]}' if value else line.name)
  if level:
    entries.append((level[0], axes.axhline(level[1], color='black', linestyle=':', linewidth=1.2)))
  axes.set_xlim(left=0 if 'x' in zeros else None)
  axes.set_ylim(bottom=0 if 'y' in zeros else None)
  axes.set_title(shown(title, 48), fontsize=10, loc='left')
  axes.set_xlabel(x_label, fontsize=9)
  figures.plain_axes(axes)
  beside = {'loc': 'center left', 'bbox_to_anchor': (1.0, 0.5)} if many else {}
  figures.legend(axes, entries, fontsize=8, frameon=False, **beside)
  return Image(figures.rendered(figure, 'svg'), '; '.join(told))


def training(folder, title: str, shares) -> list[Curves]:
  """Blocks of the log of a run: its losses; its scores and shares of classes or codes.

  Args:
    folder: of the run or replica.
    title: of the scores.
    shares: rows of the log -> the chart of what images are shared among, or None.
  """
  rows = read_metrics(folder)
  losses = scalars(rows, lambda name: name.startswith('loss/'))
  drawn, scores = shares(rows), scalars(rows, lambda name: name.startswith('evaluation/'))
  parts = ('Losses', losses), (title, [drawn, *scores] if drawn else scores)
  return [Curves(title, charts) for title, charts in parts if charts]


def scalars(rows, is_shown) -> list[Image]:
  """A chart of each scalar in rows of metrics, losses first.

  Args:
    rows: what `jaxgan.training.logging.read_metrics` returns.
    is_shown: name -> whether it is.
  """
  names = {n for row in rows for n, value in row.items() if isinstance(value, (int, float))}
  names = sorted(name for name in names if name != 'step' and is_shown(name))
  charts = []
  for name in sorted(names, key=lambda name: not name.startswith('loss/')):
    own = [row for row in rows if name in row]
    charts.append(chart(name, [Line(name, [r['step'] for r in own], [r[name] for r in own])]))
  return [one for one in charts if one]
