"""Charts of lines as geometry: numbers in, what an SVG of a fixed size is made of out."""

from dataclasses import dataclass
import math

WIDTH, HEIGHT = 360, 210  # of the SVG, about the width of a phone: text keeps its size there
TOP, RIGHT, BOTTOM = 10, 14, 24
CHARACTER = 6.6  # width of a digit in a tick label
FIRST_HUE, LAST_HUE = 255, 15  # of the lines, from blue to red


@dataclass(frozen=True)
class Line:
  """A series: [N] positions and [N] values, None where there is a gap."""

  name: str
  xs: list
  ys: list


@dataclass(frozen=True)
class Drawn:
  """A line of a chart: its name, last value as text, SVG path, hue and whether it is dashed."""

  name: str
  last: str
  path: str
  hue: int
  dashed: bool


@dataclass(frozen=True)
class Chart:
  """What a template draws.

  Attributes:
    title: what the values are.
    x_label: what the positions are.
    left: x of the vertical axis; the horizontal one is at HEIGHT - BOTTOM.
    x_ticks: [(x, text)].
    y_ticks: [(y, text)].
    lines: a list of `Drawn`.
    level: (name, y) of a dotted line, or None.
    width: of the SVG.
    height: of the SVG.
    right: x of the end of the horizontal axis.
    bottom: y of the horizontal axis.
  """

  title: str
  x_label: str
  left: float
  x_ticks: list
  y_ticks: list
  lines: list
  level: tuple | None
  width: int = WIDTH
  height: int = HEIGHT
  right: int = WIDTH - RIGHT
  bottom: int = HEIGHT - BOTTOM


def chart(title, lines, x_label='step', level=None, zeros='', last=True) -> Chart | None:
  """Lays out lines over common axes; None where there is no value.

  Args:
    title: what the values are.
    lines: a list of `Line`, in an order that their colours follow.
    x_label: what the positions are.
    level: (name, value) of a level to compare with, or None.
    zeros: the axes that begin at 0: 'x', 'y', 'xy' or ''.
    last: whether the last values are told.
  """
  values = [y for line in lines for y in line.ys if _is_number(y)]
  if not values:
    return None
  values += [level[1]] if level else []
  x_range = _range([x for line in lines for x in line.xs], 0.0, 'x' in zeros)
  y_range = _range(values, 0.05, 'y' in zeros)
  y_texts = [(y, _text(y)) for y in ticks(*y_range, 5)]
  left = 8 + CHARACTER * max(len(text) for _, text in y_texts)
  width = WIDTH - RIGHT - left

  def to_x(x):
    return round(left + width * (x - x_range[0]) / (x_range[1] - x_range[0]), 1)

  def to_y(y):
    share = (y - y_range[0]) / (y_range[1] - y_range[0])
    return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share, 1)

  drawn = []
  for index, line in enumerate(lines):
    turn = index / (len(lines) - 1) if len(lines) > 1 else 0.2
    known = [y for y in line.ys if _is_number(y)]
    drawn.append(
      Drawn(
        line.name,
        f'{known[-1]:.3g}' if last and known else '',
        _path(line, to_x, to_y),
        round(FIRST_HUE + turn * (LAST_HUE - FIRST_HUE)),
        index % 2 == 1,
      )
    )
  return Chart(
    title,
    x_label,
    round(left, 1),
    [(to_x(x), _text(x)) for x in ticks(*x_range, 4)],
    [(to_y(y), text) for y, text in y_texts],
    drawn,
    (level[0], to_y(level[1])) if level else None,
  )


def ticks(lowest, highest, most):
  """At most so many multiples of 1, 2 or 5 times a power of ten from lowest to highest.

  Example:
    >>> ticks(0, 3000, 4)
    [0, 1000, 2000, 3000]
  """
  exponent = math.floor(math.log10((highest - lowest) / most))
  for step in (factor * 10.0**e for e in (exponent, exponent + 1) for factor in (1, 2, 5)):
    first, last = math.ceil(lowest / step - 1e-9), math.floor(highest / step + 1e-9)
    if last - first < most:
      break
  found = [round(i * step, 12) for i in range(first, last + 1)]
  return [int(value) if value == int(value) else value for value in found]


def _range(values, margin, from_zero):
  """The ends of an axis; one from 0 is for values that are not negative."""
  lowest, highest = 0.0 if from_zero else min(values), max(values)
  if lowest == highest:
    lowest, highest = lowest - (0.0 if from_zero else 0.5), highest + 0.5
  margin *= highest - lowest
  return lowest if from_zero else lowest - margin, highest + margin


def _path(line, to_x, to_y):
  parts, runs = [], [[]]
  for x, y in zip(line.xs, line.ys, strict=True):
    if _is_number(y):
      runs[-1].append(f'{to_x(x)},{to_y(y)}')
    elif runs[-1]:
      runs.append([])
  for run in filter(None, runs):
    # A point of its own, with round ends, is a dot.
    parts.append(f'M{"L".join(run)}' if len(run) > 1 else f'M{run[0]}h0')
  return ''.join(parts)


def _is_number(value):
  return value is not None and math.isfinite(value)


def _text(value):
  if value and not 1e-3 <= abs(value) < 1e6:
    return f'{value:.3g}'
  return f'{value:,}' if isinstance(value, int) else f'{value:.6g}'


def scalars(rows, is_shown) -> list[Chart]:
  """A chart of each scalar in rows of metrics, losses first.

  Args:
    rows: what `jaxgan.logging.read_metrics` returns.
    is_shown: name -> whether it is.
  """
  names = {n for row in rows for n, value in row.items() if isinstance(value, (int, float))}
  names = sorted(name for name in names if name != 'step' and is_shown(name))
  charts = []
  for name in sorted(names, key=lambda name: not name.startswith('loss/')):
    own = [row for row in rows if name in row]
    charts.append(chart(name, [Line(name, *_columns(own, name))]))
  return [one for one in charts if one]


def _columns(rows, name):
  return [row['step'] for row in rows], [row[name] for row in rows]
