"""Curves over the steps of a run: lines over common axes, as an SVG for pages or a PNG."""

from dataclasses import dataclass

import numpy as np

from jaxgan.report import figures
from jaxgan.report.blocks import Curves, Image
from jaxgan.system.names import shown
from jaxgan.training.logging import read_metrics

SIZE = (4.2, 2.6)  # inches, about the width of a phone
LISTED = 6  # lines in a legend below each other; more stand beside the axes
DOTTED = 30  # lines of fewer points have a dot at each


@dataclass(frozen=True)
class Line:
  """A series: [N] positions and [N] values, None where there is a gap."""

  name: str
  xs: list
  ys: list


def chart(title, lines, x_label='step', level=None, zeros='', last=True) -> Image | None:
  """Draws lines over common axes as an SVG; None where there is no value.

  Args:
    title: what the values are.
    lines: a list of `Line`, in an order that their colours follow.
    x_label: what the positions are.
    level: (name, value) of a level to compare with, or None.
    zeros: the axes that begin at 0: 'x', 'y', 'xy' or ''.
    last: whether the last values are told.
  """
  if not _has_values(lines):
    return None
  many = len(lines) + bool(level) > LISTED
  figure = figures.new_figure(*SIZE, layout='constrained' if many else None)
  # Without a layout, which takes as long again: a page has many charts of a line or two.
  axes = figure.add_subplot() if many else figure.add_axes((0.13, 0.17, 0.84, 0.7))
  names, told = [], [f'{title} over {x_label}']
  for line in lines:
    known = [y for y in line.ys if y is not None and np.isfinite(y)]
    value = f'{known[-1]:.3g}' if last and known else ''
    names.append(f'{shown(line.name)}: {value}' if value else shown(line.name))
    told.append(f'{line.name}, last value {value}' if value else line.name)
  _plot(axes, lines, names, level, zeros, beside=many, fontsize=8)
  axes.set_title(shown(title, 48), fontsize=10, loc='left')
  axes.set_xlabel(x_label, fontsize=9)
  return Image(figures.rendered(figure, 'svg'), '; '.join(told))


def save_chart(path, title, lines, level) -> None:
  """Draws lines over the steps as a PNG; without a value, nothing. See `chart`."""
  if not _has_values(lines):
    return
  figure = figures.new_figure(8.0, 4.0)
  axes = figure.add_subplot()
  _plot(axes, lines, [shown(line.name) for line in lines], level, 'y', beside=True)
  axes.set_title(title, fontsize=10, loc='left')
  axes.set_xlabel('step')
  figures.save_figure(path, figure)


def _has_values(lines):
  return any(np.isfinite(np.array(line.ys, np.float64)).any() for line in lines)


def _plot(axes, lines, names, level, zeros, beside, **options):
  """Draws lines, a level and their legend."""
  from matplotlib import colormaps

  colors, entries = colormaps['viridis'](np.linspace(0.1, 0.9, len(lines))), []
  for index, (line, name) in enumerate(zip(lines, names, strict=True)):
    style = {'color': colors[index], 'linestyle': '--' if index % 2 else '-', 'linewidth': 1.4}
    entries.append((name, plot(axes, line.xs, line.ys, **style)))
  if level:
    drawn = axes.axhline(level[1], color='black', linestyle=':', linewidth=1.2)
    entries.append((level[0], drawn))
  axes.set_xlim(left=0 if 'x' in zeros else None)
  axes.set_ylim(bottom=0 if 'y' in zeros else None)
  figures.plain_axes(axes)
  place = {'loc': 'center left', 'bbox_to_anchor': (1.0, 0.5)} if beside else {}
  figures.legend(axes, entries, **place, **options)


def plot(axes, xs, ys, **style):
  """Draws a line, with dots where there are few points; None and NaN are gaps."""
  marker = '.' if len(xs) < DOTTED else None
  return axes.plot(xs, np.array(ys, np.float64), marker=marker, **style)[0]


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


def loss_curves(rows, path):
  """Draws each loss and accuracy over the steps, see `curves`."""
  names = {name for row in rows for name, value in row.items() if not isinstance(value, list)}
  names = {name for name in names if not name.startswith('std/')}
  curves(rows, path, sorted(n for n in names if n.startswith('loss/') or 'accuracy' in n))


def curves(rows, path, names):
  """Draws series over the steps, one panel each, as mean ± std where rows have 'std/<name>'.

  Args:
    rows: what `jaxgan.training.logging.read_metrics` returns.
    path: the PNG; without names, nothing is drawn.
    names: each is a scalar of some row.
  """
  if not names:
    return
  columns = min(3, len(names))
  lines = -(-len(names) // columns)
  figure = figures.new_figure(4.0 * columns, 2.6 * lines)
  for index, name in enumerate(names):
    axes = figure.add_subplot(lines, columns, index + 1)
    points = [(row['step'], row[name], row.get(f'std/{name}')) for row in rows if name in row]
    steps, values, stds = np.array(points, np.float64).T
    plot(axes, steps, values, color='C0', linewidth=1.0)
    if not np.isnan(stds).all():
      axes.fill_between(steps, values - stds, values + stds, color='C0', alpha=0.2, linewidth=0)
    axes.set_title(name, fontsize=10)
    figures.plain_axes(axes)
    if index + columns >= len(names):
      axes.set_xlabel('step')
  figures.save_figure(path, figure)
