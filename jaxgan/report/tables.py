"""Tables: columns of scores, footnotes, and numbers as text, for the report and the terminal."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
import itertools
import shutil
import statistics
from typing import Any

import numpy as np

from jaxgan.evaluation import metric, verdicts
from jaxgan.system.names import escaped, width
from jaxgan.system.registry import Registry

_UNKNOWN_WIDTH = 1000  # Columns of a log, whose lines are not folded.


@dataclass(frozen=True)
class Table:
  """Lines of cells under a title, the header first.

  A cell may have **bold** text and marks of footnotes, such as [^1]; a backslash escapes
  punctuation, see `jaxgan.system.names.escaped`. All other text is plain.
  """

  title: str
  lines: list


@dataclass(frozen=True)
class Column:
  """A column of scores.

  Attributes:
    heading: heading of the column.
    name: name of our result or of the published measure.
    best: max or min, to print the best score in bold; None for no bold score.
    published: whether the column has the paper's values.
    spread: whether to show the standard deviation.
    population: whether to show the population standard deviation (ddof 0), too, to compare with
      published values.
    scale: factor of the values.
    digits: decimal places; by default 3 for numbers below 10 and otherwise 2.
  """

  heading: str
  name: str
  best: Callable | None = None
  published: bool = False
  spread: bool = True
  population: bool = False
  scale: int = 1
  digits: int | None = None

  def score(self, entry: Any) -> tuple[float | None, str]:
    """Returns (mean or None, text of the cell) of an `Entry` or a `report.rows.Row`."""
    values = entry.results(self.name)
    if self.published:  # A value, or its mean and standard deviation.
      values = np.ravel(entry.published.get(self.name, ())).tolist()[: 2 if self.spread else 1]
    values = [self.scale * value for value in values]
    if not values:
      return None, '-'
    if self.published:
      return values[0], with_spread(values, self.digits)
    mean = statistics.fmean(values)
    return mean, mean_std(values if self.spread else [mean], self.digits, self.population)


@dataclass(frozen=True)
class Entry:
  """A method in a data set, with the interface of a `report.rows.Row`.

  Attributes:
    results: `results(name)` returns the runs' values of a result, or [].
    published: {measure: value, or [mean, std]}.
    footnote: footnote of our values, or ''.
  """

  results: Callable = lambda name: []
  published: Mapping = field(default_factory=dict)
  footnote: str = ''


def cells(columns: Iterable[Column], entry: Any) -> list[str]:
  """Returns the texts of an entry's scores."""
  return [column.score(entry)[1] for column in columns]


def headings(columns: Iterable[Column]) -> list[str]:
  """Returns the headings of columns."""
  return [column.heading for column in columns]


def lines(
  above: Sequence[str], rows: Sequence[Any], cells_of: Callable[[Any], Iterable[Sequence[str]]]
) -> list:
  """Makes the lines of a table of rows.

  Args:
    above: the headings after 'experiment' and 'method'.
    rows: `report.rows.Row`s.
    cells_of: `cells_of(row)` returns the cells of each line of a row.

  Returns:
    The lines, the header first.
  """
  below = [(*names(row), *own) for row in rows for own in cells_of(row)]
  return [('experiment', 'method', *above), *below]


def bold_best(best: Callable | None, scores: Sequence[tuple[float | None, str]]) -> list[str]:
  """Returns the texts of a column of (mean, text), with the best in bold."""
  means = [mean for mean, _ in scores if mean is not None]
  first = best(means) if best and len(means) > 1 else None
  return [words if mean is None or mean != first else f'**{words}**' for mean, words in scores]


def names(row: Any) -> tuple[str, str]:
  """Returns the first cells of a row: its experiment and its method."""
  return escaped(row.experiment), verdicts.label(row)


def added(rows: Sequence[Any], metrics: Registry[metric.Metric]) -> list:
  """Tabulates the metrics that other packages registered, with their meanings; [] without any."""
  own = [one for one in metric.added(metrics) if not one.axes]
  results = dict.fromkeys(name for row in rows for name in row.records[0].results)
  columns = [
    Column(escaped(name), name)
    for one in own
    for name in results
    if name.partition('/')[0] == one.name
  ]
  found = lines(headings(columns), rows, lambda row: [cells(columns, row)])
  meanings = '. '.join(f'{one.name}: {one.meaning}' for one in own)
  return [Table('Other metrics', found), f'{meanings}.'] if columns else []


def mark(footnotes: dict[str, int], text: str) -> str:
  """Returns the mark of a footnote, such as [^1]; '' without a text.

  Args:
    footnotes: {text: number} of all tables of a report, extended by the text.
    text: plain text of the footnote.

  Returns:
    The mark.
  """
  return f'[^{footnotes.setdefault(text, len(footnotes) + 1)}]' if text else ''


def mean_std(values: Sequence[float], digits: int | None = None, population: bool = False) -> str:
  """Writes mean ± sample standard deviation (n), or a single value.

  Args:
    values: numbers, at least one.
    digits: decimal places; by default 3 for numbers below 10 and otherwise 2.
    population: whether to write the population standard deviation (ddof 0) after n.

  Returns:
    The text.
  """
  text = number(statistics.fmean(values), digits)
  if len(values) > 1:
    beside = f'; ddof 0: {number(statistics.pstdev(values), digits)}' if population else ''
    text += f' ± {number(statistics.stdev(values), digits)} ({len(values)}{beside})'
  return text


def with_spread(values: Iterable[float], digits: int | None = None) -> str:
  """Writes a value, or mean ± standard deviation."""
  return ' ± '.join(number(value, digits) for value in values)


def number(value: float, digits: int | None = None) -> str:
  """Writes a number with some decimal places; see `mean_std`."""
  if digits is None:
    digits = 3 if abs(value) < 10 else 2
  return f'{value:.{digits}f}'


def untaken(title: str, taken: Container[str]) -> str:
  """Returns the first of 'title', 'title (2)', ... that is not taken."""
  others = (f'{title} ({number})' for number in itertools.count(2))
  return next(name for name in itertools.chain([title], others) if name not in taken)


def in_words(protocol: Mapping[str, str]) -> str:
  """Writes the result of `Row.protocol` as text."""
  return '; '.join(f'{name.replace("_", " ")}: {text}' for name, text in protocol.items())


def markdown(lines: Sequence[Sequence[str]]) -> str:
  """Writes lines of Markdown cells, the header first, as a Markdown table."""
  lines = [lines[0], ['---'] * len(lines[0]), *lines[1:]]
  return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def aligned(title: str, lines: Sequence[Sequence[str]], rows: Sequence[Any]) -> str:
  """Aligns lines of cells as plain text, with a title above and the rows' notes below.

  Columns beyond the width of the terminal go below, beside the first column once more.
  """
  widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
  most, text = shutil.get_terminal_size((_UNKNOWN_WIDTH, 0)).columns, [title]
  for columns in _folded(widths, most):
    for line in lines:
      gaps = [' ' * (widths[k] - width(line[k])) for k in columns]
      cells = [gap + line[k] for gap, k in zip(gaps[1:], columns[1:], strict=True)]
      text.append('  '.join([line[0] + gaps[0], *cells]).rstrip())
  return '\n'.join([*text, *dict.fromkeys(note for row in rows for note in row.notes())])


def _folded(widths, most) -> list[list[int]]:
  """The columns of each part of a table, the first column in all of them."""
  parts, used = [[0]], widths[0]
  for column, own in enumerate(widths[1:], start=1):
    if used + 2 + own > most and len(parts[-1]) > 1:
      parts.append([0])
      used = widths[0]
    parts[-1].append(column)
    used += 2 + own
  return parts
