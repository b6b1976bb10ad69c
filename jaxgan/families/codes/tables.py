"""Tables of methods in data sets, ours beside the published: Elastic-InfoGAN's Tables 1-4."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
import statistics

from jaxgan.report import formatting
from jaxgan.report.published import published_values

RANDOM = 'random_init'  # name of the untrained network in published_results.json
RANDOM_NOTE = (
  'Random weights: the same network untrained. It does not depend on the method, so the mean is '
  'over the runs of all methods on the data set, and the number in brackets counts them all.'
)


@dataclass(frozen=True)
class Column:
  """One column of a table in each data set.

  Attributes:
    heading: what stands above.
    name: of our result or of the published measure.
    best: max or min, which score is bold; None for none.
    published: whether it holds the paper's values.
    spread: whether the standard deviation is shown.
    scale: factor of the values.
    digits: how many after the point.
  """

  heading: str
  name: str
  best: Callable | None = None
  published: bool = False
  spread: bool = True
  scale: int = 1
  digits: int = 3

  def score(self, entry):
    """The mean, or None, and the text of a cell."""
    if self.published:
      value = entry.published.get(self.name)
      if value is None:
        return None, '-'
      mean, std = (self.scale * part for part in value)
      return mean, formatting.published_value([mean, std] if self.spread else mean, self.digits)
    values = [self.scale * value for value in entry.ours.get(self.name, ())]
    if not values:
      return None, '-'
    mean = statistics.fmean(values)
    return mean, formatting.mean_std(values if self.spread else [mean], self.digits)


@dataclass(frozen=True)
class Entry:
  """One method in one data set.

  Attributes:
    ours: {name of a result: list of the runs' values}.
    published: {measure: [mean, std]}.
    footnote: about our values, or empty.
  """

  ours: dict
  published: dict
  footnote: str = ''


TABLES = {
  'Table 1: NMI ↑ and ENT ↓, means': (
    Column('NMI (ours, geometric)', 'nmi_geometric', max, spread=False),
    Column('NMI (published)', 'nmi', max, published=True, spread=False),
    Column('ENT (ours)', 'ent', min, spread=False),
    Column('ENT (published)', 'ent', min, published=True, spread=False),
  ),
  'Table 2: NMI ↑': (
    Column('geometric (ours)', 'nmi_geometric', max),
    Column('published', 'nmi', max, published=True),
    Column('arithmetic (ours)', 'nmi', max),
  ),
  'Table 3: ENT ↓': (
    Column('ours', 'ent', min),
    Column('published', 'ent', min, published=True),
    Column('empty codes and classes (ours)', 'empty_codes_and_classes', spread=False, digits=1),
  ),
  'Table 4: 1-NN accuracy (%) ↑': (
    Column('ours', 'knn1_accuracy', max, scale=100, digits=2),
    Column('published', 'knn1_accuracy', max, published=True, scale=100, digits=2),
  ),
}


def tables(rows, row_footnotes, footnotes):
  """The paper's four tables; methods that only the paper has are there, too.

  Args:
    rows: a list of `Row` with labels, at least one.
    row_footnotes: what is to be said about each row, or empty.
    footnotes: `Footnotes`, which gets it.

  Returns:
    {title: lines of cells, the first one the header}.
  """
  entries = {}  # {(method, how many of its rows came before): {experiment: Entry}}
  own = by_experiment(rows)
  for experiment, rows_of in own.items():
    paper = next((row.published for row in rows_of if row.published), {})
    for method in (method for scores in paper.values() for method in scores):
      entries.setdefault((method, 0), {})[experiment] = Entry({}, _of_method(paper, method))
    random = [value for row in rows_of for value in row.results('knn1_accuracy_random_weights')]
    if random:
      entry = Entry({'knn1_accuracy': random}, _of_method(paper, RANDOM), RANDOM_NOTE)
      entries.setdefault((RANDOM, 0), {})[experiment] = entry
  repeats = Counter()
  for row, footnote in zip(rows, row_footnotes, strict=True):
    key = (row.method, repeats[row.experiment, row.method])
    repeats[row.experiment, row.method] += 1
    results = {name: row.results(name) for name in row.evaluations[0]['results']}
    entry = Entry(results, _of_method(row.published, row.method), footnote)
    entries.setdefault(key, {})[row.experiment] = entry

  order = sorted(entries, key=lambda key: (place(key[0]), key))
  ordered = [(method, entries[method, index]) for method, index in order]
  return {
    title: _lines(columns, list(own), ordered, footnotes) for title, columns in TABLES.items()
  }


def _lines(columns, experiments, entries, footnotes):
  """The header and the methods that have a score."""
  header = ['method', *(f'{name}: {column.heading}' for name in experiments for column in columns)]
  methods, lines = [], []
  for method, in_experiment in entries:
    line = []
    for experiment in experiments:
      entry = in_experiment.get(experiment, Entry({}, {}))
      (mean, text), *others = [column.score(entry) for column in columns]
      if entry.footnote and mean is not None:
        text += footnotes.mark(entry.footnote)
      line += [(mean, text), *others]
    if any(mean is not None for mean, _ in line):
      methods.append('random weights' if method == RANDOM else method)
      lines.append(line)
  cells = [
    _bold_best(column.best, scores)
    for column, scores in zip(columns * len(experiments), zip(*lines, strict=True), strict=True)
  ]
  return [header, *map(list, zip(methods, *cells, strict=True))]


def _bold_best(best, scores):
  """The texts of a column of (mean, text), the best one bold."""
  means = [mean for mean, _ in scores if mean is not None]
  first = best(means) if best and len(means) > 1 else None
  return [text if mean is None or mean != first else f'**{text}**' for mean, text in scores]


def _of_method(paper, method):
  return {measure: scores[method] for measure, scores in paper.items() if method in scores}


def by_experiment(rows):
  """{experiment: its rows}."""
  experiments = {}
  for row in rows:
    experiments.setdefault(row.experiment, []).append(row)
  return experiments


def place(method):
  """The place of a method in the paper's tables; behind them for others."""
  order = [RANDOM, *published_values('elastic_infogan')[0]['methods']]
  return order.index(method) if method in order else len(order)
