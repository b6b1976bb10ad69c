"""Curves over the steps of a run: lines on common axes, as an SVG for pages or as a PNG."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression

from jaxgan.report import figures
from jaxgan.report.blocks import Image, Images
from jaxgan.system.names import shown
from jaxgan.training.logging import read_metrics

SIZE = (4.2, 2.6)  # inches, about the width of a phone
LISTED = 6  # most lines of a legend; more lines have their names at their ends
LABEL = 0.14  # inches, height of a name at the end of a line
DOTTED = 30  # lines with fewer points have dots


@dataclass(frozen=True)
class Line:
  """A series of `[N]` positions and `[N]` values; None is a gap."""

  name: str
  xs: Sequence[float]
  ys: Sequence[float | None]


def columns(
  rows: Sequence[Mapping[str, Any]], names: Sequence[str], values: Iterable[Sequence[float]]
) -> list[Line]:
  """Makes a line for each name from values `[N, names]` at the steps of `[N]` rows of the log."""
  steps = [row['step'] for row in rows]
  return [Line(n, steps, own) for n, own in zip(names, zip(*values, strict=True), strict=True)]


def chart(title: str, lines: Sequence[Line], last: bool = True, **options: Any) -> Image | None:
  """Draws lines on common axes as an SVG.

  Args:
    title: title of the chart.
    lines: the lines.
    last: whether to write the last values.
    **options: options of `draw`.

  Returns:
    The image, or None without any finite value.
  """
  if not _has_values(lines):
    return None
  many = len(lines) > LISTED
  figure = figures.new_figure(*SIZE, layout='constrained' if many else None)
  # A layout doubles the time, and a page has many charts with one or two lines.
  axes = figure.add_subplot() if many else figure.add_axes((0.13, 0.17, 0.84, 0.7))
  names, told = [], [f'{title} over {options.get("x_label", "step")}']
  for line in lines:
    value = _last_value(line) if last else ''
    names.append(shown(line.name) + (f': {value}' if value else ''))
    told.append(line.name + (f', last value {value}' if value else ''))
  draw(axes, title, lines, names, ends=many, **options)
  return Image(figures.rendered(figure, 'svg'), '; '.join(told))


def save_chart(
  path: Path,
  title: str,
  lines: Sequence[Line],
  levels: Mapping[int, float] | None = None,
  **options: Any,
) -> None:
  """Draws lines over the steps as a PNG; draws nothing without any finite value.

  Args:
    path: the PNG.
    title: title of the chart.
    lines: the lines, with their names at their ends.
    levels: {index of a line: a value to compare it with, dashed in its colour}.
    **options: options of `draw`.
  """
  if _has_values(lines):
    figure = figures.new_figure(layout=None)
    axes = figure.add_axes((0, 0, 5.6, max(3.4, LABEL * len(lines))))
    colors = draw(axes, title, lines, [line.name for line in lines], **options)
    for index, level in (levels or {}).items():
      axes.axhline(level, color=colors[index], linestyle='--', linewidth=1.0, zorder=0)
    figures.save_figure(path, figure)


def _has_values(lines):
  return np.isfinite([y for line in lines for y in np.array(line.ys, np.float64)]).any()


def draw(
  axes: Any,
  title: str,
  lines: Sequence[Line],
  names: Sequence[str],
  x_label: str = 'step',
  level: tuple[str, float] | None = None,
  zeros: str = '',
  ordered: bool = True,
  ends: bool = True,
) -> Sequence[Any]:
  """Draws lines on common axes.

  Args:
    axes: the axes.
    title: title of the chart.
    lines: the lines.
    names: the names of the lines.
    x_label: label of the positions.
    level: (name, value) of a level to compare with, or None.
    zeros: the axes that start at 0: 'x', 'y', 'xy' or ''.
    ordered: whether the colours follow the order of the lines.
    ends: whether the names are at the ends of the lines, or else in a legend.

  Returns:
    The colours of the lines.
  """
  from matplotlib import colormaps

  entries = []
  colors = [f'C{index % 10}' for index in range(len(lines))]
  if ordered:
    colors = colormaps['viridis'](np.linspace(0.05, 0.85, len(lines)))
  for index, (line, name) in enumerate(zip(lines, names, strict=True)):
    style = '--' if index % 2 and not ends else '-'
    drawn = plot(axes, line.xs, line.ys, color=colors[index], linestyle=style, linewidth=1.4)
    entries.append((name, drawn))
  if level:
    drawn = axes.axhline(level[1], color='black', linestyle=':', linewidth=1.2)
    entries.append((level[0], drawn))
  axes.margins(x=0 if ends else 0.05)  # Names start at the edge.
  axes.set_xlim(left=0 if 'x' in zeros else None)
  axes.set_ylim(bottom=0 if 'y' in zeros else None)
  axes.set_title(shown(title, 48), fontsize=10, loc='left')
  axes.set_xlabel(x_label, fontsize=9)
  figures.plain_axes(axes)
  if ends:
    _label_ends(axes, entries)
  else:
    figures.legend(axes, entries, fontsize=8)
  return list(colors)


def _last_value(line):
  known = [y for y in line.ys if y is not None and np.isfinite(y)]
  return f'{known[-1]:.3g}' if known else ''


def _label_ends(axes, entries):
  """Writes names at the ends of lines without overlap, each connected with its line."""
  low, high = axes.get_ylim()
  entries = [(name, line) for name, line in entries if np.isfinite(line.get_ydata()[-1])]
  ends = np.array([(line.get_ydata()[-1] - low) / (high - low) for _, line in entries])
  x = 1 + np.array([0.01, 0.04 + 0.002 * len(entries), 0.05 + 0.002 * len(entries)])
  distance = LABEL * figures.DPI / axes.bbox.height
  for (name, line), end, y in zip(entries, ends, _spread(ends, distance), strict=True):
    outside = {'transform': axes.transAxes, 'color': line.get_color(), 'clip_on': False}
    axes.plot(x[:2], [end, y], linewidth=0.7, **outside)
    axes.text(x[2], y, name, va='center', fontsize=8, **outside)


def _spread(positions, distance):
  """Returns the nearest positions in [0, 1] that are at least a distance apart, in order."""
  order = np.argsort(positions, kind='stable')
  steps = distance * np.arange(len(positions))
  shifts = isotonic_regression(positions[order] - steps).x
  out = np.empty(len(positions))
  out[order] = np.clip(shifts, 0, max(0, 1 - steps[-1])) + steps
  return out


def plot(
  axes: Any, xs: Sequence[float] | np.ndarray, ys: Sequence[float | None] | np.ndarray, **style: Any
) -> Any:
  """Draws a line, with dots if it has few points; None and NaN are gaps."""
  marker = '.' if len(xs) < DOTTED else None
  return axes.plot(xs, np.array(ys, np.float64), marker=marker, **style)[0]


def training(
  folder: Path, title: str, shares: Callable[[list[dict]], Image | None]
) -> list[Images]:
  """Charts a run's log: its losses, its scores, and the shares of classes or codes.

  Args:
    folder: the folder of the run or replica.
    title: title of the scores.
    shares: `shares(rows)` returns the chart of the shares of classes or codes, or None.

  Returns:
    The blocks.
  """
  rows = read_metrics(folder)
  losses = scalars(rows, lambda name: name.startswith('loss/'))
  scores = [shares(rows), *scalars(rows, lambda name: name.startswith('evaluation/'))]
  parts = {'Losses': losses, title: list(filter(None, scores))}
  return [Images(title, charts) for title, charts in parts.items() if charts]


def scalars(rows: Sequence[Mapping[str, Any]], is_shown: Callable[[str], bool]) -> list[Image]:
  """Charts the scalars of a log, losses first.

  Args:
    rows: the result of `jaxgan.training.logging.read_metrics`.
    is_shown: `is_shown(name)` returns whether to chart a scalar.

  Returns:
    The charts.
  """
  names = {n for row in rows for n, value in row.items() if isinstance(value, (int, float))}
  names, charts = [name for name in names if name != 'step' and is_shown(name)], []
  for name in sorted(names, key=lambda name: (not name.startswith('loss/'), name)):
    own = [row for row in rows if name in row]
    charts.append(chart(name, [Line(name, [r['step'] for r in own], [r[name] for r in own])]))
  return [one for one in charts if one]


def kept_evaluations(records: Sequence[Any], metrics: Mapping[str, Any]) -> list[Images]:
  """Charts the single numbers of several evaluations over the steps; [] for fewer than two.

  Args:
    records: the `jaxgan.evaluation.record.EvaluationRecord`s of a run, one per step.
    metrics: the table of metrics of the run's family.
  """
  charts = []
  for name in (m.name for m in metrics.values() if m.better and not (m.axes or m.per_network)):
    known = [own for own in records if own.results.get(name) is not None]
    steps, values = [own.step for own in known], [own.results[name] for own in known]
    charts += [chart(name, [Line(name, steps, values)])] if len(known) > 1 else []
  found = [one for one in charts if one]
  return [Images('Kept evaluations', found)] if found else []


def loss_curves(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
  """Draws each loss and accuracy over the steps; see `curves`."""
  names = {name for row in rows for name, value in row.items() if not isinstance(value, list)}
  shown_names = (n for n in names if n.startswith('loss/') or 'accuracy' in n)
  curves(rows, path, sorted(name for name in shown_names if not name.startswith('std/')))


def curves(rows: Sequence[Mapping[str, Any]], path: Path, names: Sequence[str]) -> None:
  """Draws each series over the steps in a panel, as mean ± std if rows have 'std/<name>'.

  Args:
    rows: the result of `jaxgan.training.logging.read_metrics`.
    path: the PNG; without names, nothing is drawn.
    names: names of scalars in the rows.
  """
  if not names:
    return
  columns, lines = min(3, len(names)), -(-len(names) // 3)
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
