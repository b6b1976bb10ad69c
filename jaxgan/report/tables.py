"""Tables: columns of scores, footnotes, and numbers as text, for the report and the terminal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import itertools
import statistics

import numpy as np

from jaxgan.evaluation import metric, verdicts
from jaxgan.system.names import escaped, width


@dataclass(frozen=True)
class Table:
  """Lines of cells under a title, the first one the header.

  A cell may hold **bold** text and the marks of footnotes, such as [^1]; a backslash escapes
  punctuation, see `jaxgan.system.names.escaped`. All other texts are plain.
  """

  title: str
  lines: list


@dataclass(frozen=True)
class Column:
  """One column of scores.

  Attributes:
    heading: what stands above.
    name: of our result or of the published measure.
    best: max or min, which score is bold; None for none.
    published: whether it holds the paper's values.
    spread: whether the standard deviation is shown.
    population: whether the population standard deviation (ddof 0) is shown as well: the published
      one beside it is NumPy's.
    scale: factor of the values.
    digits: how many after the point; by default 3 for numbers below 10 and otherwise 2.
  """

  heading: str
  name: str
  best: Callable | None = None
  published: bool = False
  spread: bool = True
  population: bool = False
  scale: int = 1
  digits: int | None = None

  def score(self, entry):
    """The mean, or None, and the text of a cell; see `Entry`."""
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
  """One method in one data set; a `report.rows.Row` is one, too.

  Attributes:
    results: name of a result -> list of the runs' values; of a method that was not run, none.
    published: {measure: value, or [mean, std]}.
    footnote: about our values, or empty.
  """

  results: Callable = lambda name: []
  published: Mapping = field(default_factory=dict)
  footnote: str = ''


def cells(columns, entry) -> list[str]:
  """The texts of an entry's scores."""
  return [column.score(entry)[1] for column in columns]


def headings(columns) -> list[str]:
  """Returns the headings of columns."""
  return [column.heading for column in columns]


def lines(above, rows, cells_of) -> list:
  """Lines of a table of rows, the first one the header.

  Args:
    above: what stands above the cells behind those of experiment and method.
    rows: a list of `report.rows.Row`.
    cells_of: row -> the cells of each of its lines.
  """
  below = [(*names(row), *own) for row in rows for own in cells_of(row)]
  return [('experiment', 'method', *above), *below]


def bold_best(best, scores) -> list[str]:
  """The texts of a column of (mean, text), the best one bold."""
  means = [mean for mean, _ in scores if mean is not None]
  first = best(means) if best and len(means) > 1 else None
  return [words if mean is None or mean != first else f'**{words}**' for mean, words in scores]


def names(row) -> tuple[str, str]:
  """The first cells of a row: its experiment and its method."""
  return escaped(row.experiment), verdicts.label(row)


def added(rows, metrics) -> list:
  """Tabulates the metrics that were registered from outside, with their meaning; [] without any.

  See `jaxgan.evaluation.metric`.
  """
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


def mark(footnotes, text):
  """Returns the mark of a footnote, such as [^1]; '' without a text.

  Args:
    footnotes: {text: number} of all tables of a report, which gets the text.
    text: plain.
  """
  return f'[^{footnotes.setdefault(text, len(footnotes) + 1)}]' if text else ''


def mean_std(values, digits=None, population=False):
  """Mean ± sample standard deviation (n) as text; one value as it is.

  Args:
    values: numbers, at least one.
    digits: how many after the point; by default 3 for numbers below 10 and otherwise 2.
    population: whether the population standard deviation, NumPy's (ddof 0), stands behind n.
  """
  text = number(statistics.fmean(values), digits)
  if len(values) > 1:
    beside = f'; ddof 0: {number(statistics.pstdev(values), digits)}' if population else ''
    text += f' ± {number(statistics.stdev(values), digits)} ({len(values)}{beside})'
  return text


def with_spread(values, digits=None):
  """A value, or mean and standard deviation, as text."""
  return ' ± '.join(number(value, digits) for value in values)


def number(value, digits=None):
  """A number as text, with so many digits after the point."""
  if digits is None:
    digits = 3 if abs(value) < 10 else 2
  return f'{value:.{digits}f}'


def untaken(title, taken) -> str:
  """A title, or 'title (2)' and so on where it is taken."""
  others = (f'{title} ({number})' for number in itertools.count(2))
  return next(name for name in itertools.chain([title], others) if name not in taken)


def in_words(protocol):
  """What `Row.protocol` returns, as text."""
  return '; '.join(f'{name.replace("_", " ")}: {text}' for name, text in protocol.items())


def markdown(lines):
  """Lines of cells, which are Markdown, the first one the header, as a table."""
  lines = [lines[0], ['---'] * len(lines[0]), *lines[1:]]
  return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def aligned(title, lines, rows):
  """Lines of cells as aligned plain text, under a title and above the rows' notes."""
  widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
  text = [title]
  for line in lines:
    gaps = [' ' * (most - width(cell)) for cell, most in zip(line, widths, strict=True)]
    cells = [gap + cell for gap, cell in zip(gaps[1:], line[1:], strict=True)]
    text.append('  '.join([line[0] + gaps[0], *cells]).rstrip())
  return '\n'.join([*text, *dict.fromkeys(note for row in rows for note in row.notes())])
