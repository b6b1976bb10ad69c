"""Tables of scores: what a column holds, the same in the report and in the terminal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import statistics
from types import MappingProxyType

import numpy as np

from jaxgan.evaluation import metric, verdicts
from jaxgan.report import text
from jaxgan.report.blocks import Table
from jaxgan.system.names import escaped


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
      return values[0], text.with_spread(values, self.digits)
    mean = statistics.fmean(values)
    return mean, text.mean_std(values if self.spread else [mean], self.digits, self.population)


@dataclass(frozen=True)
class Entry:
  """One method in one data set; a `report.rows.Row` is one, too.

  Attributes:
    results: name of a result -> list of the runs' values; of a method that was not run, none.
    published: {measure: value, or [mean, std]}.
    footnote: about our values, or empty.
  """

  results: Callable = lambda name: []
  published: Mapping = MappingProxyType({})
  footnote: str = ''


def cells(columns, entry) -> list[str]:
  """The texts of an entry's scores."""
  return [column.score(entry)[1] for column in columns]


def headings(columns) -> list[str]:
  """What stands above columns."""
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
  """A table of the numbers that were added from outside, and what they mean; [] without any.

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
