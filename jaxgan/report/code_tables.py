"""Tables of methods in data sets: Elastic-InfoGAN's Tables 1-4, ours beside the published, more."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
import statistics

import numpy as np

from jaxgan.report import formatting
from jaxgan.report.published import published_values
from jaxgan.system.names import escaped

RANDOM = 'random_init'  # name of the untrained network in published_results.json
TABLE_1 = 'table_1'  # key of what Table 1 prints where it differs from Tables 2 and 3
TABLE_1_NOTE = (
  "Published: the means of Tables 2 and 3, with which the gains in the paper's text agree. "
  'Its Table 1 prints '
)
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
    population: whether the population standard deviation (ddof 0) is shown as well: the published
      one beside it is NumPy's.
    table_1: whether a footnote says what the paper's Table 1 prints instead.
    scale: factor of the values.
    digits: how many after the point.
  """

  heading: str
  name: str
  best: Callable | None = None
  published: bool = False
  spread: bool = True
  population: bool = False
  table_1: bool = False
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
    text = formatting.mean_std(values if self.spread else [mean], self.digits, self.population)
    return mean, text


@dataclass(frozen=True)
class Entry:
  """One method in one data set.

  Attributes:
    ours: {name of a result: list of the runs' values}.
    published: {measure: [mean, std], TABLE_1: {measure: mean}}.
    footnote: about our values, or empty.
  """

  ours: dict
  published: dict
  footnote: str = ''


TABLES = {
  'Table 1: NMI ↑ and ENT ↓, means': (
    Column('NMI (ours, geometric)', 'nmi_geometric', max, spread=False),
    Column('NMI (published)', 'nmi', max, published=True, spread=False, table_1=True),
    Column('ENT (ours)', 'ent', min, spread=False),
    Column('ENT (published)', 'ent', min, published=True, spread=False, table_1=True),
  ),
  'Table 2: NMI ↑': (
    Column('geometric (ours)', 'nmi_geometric', max, population=True),
    Column('published', 'nmi', max, published=True),
    Column('arithmetic (ours)', 'nmi', max),
  ),
  'Table 3: ENT ↓': (
    Column('ours', 'ent', min, population=True),
    Column('published', 'ent', min, published=True),
    Column('empty codes and classes (ours)', 'empty_codes_and_classes', spread=False, digits=1),
  ),
  'Table 4: 1-NN accuracy (%) ↑': (
    Column('logits (ours)', 'knn1_accuracy', max, scale=100, digits=2, population=True),
    Column('published', 'knn1_accuracy', max, published=True, scale=100, digits=2),
    Column('features (ours)', 'knn1_accuracy_features', max, scale=100, digits=2),
  ),
  'Real images, clustered (not in the paper) ↑': (
    Column('k-means NMI', 'kmeans_nmi', max),
    Column('k-means ARI', 'kmeans_ari', max),
    Column('argmax Q NMI', 'argmax_nmi', max),
    Column('argmax Q ARI', 'argmax_ari', max),
  ),
}
PRIOR = (
  Column('total variation ↓', 'prior_distance'),
  Column('KL(true ‖ prior) ↓', 'prior_kl'),
)
FALSE_NEGATIVES = 'Expected share of false negatives, Σ p² (Eq. 5)'
WIDEST = 8  # columns of a table; further data sets have a further table
CLASSES = 10  # most classes that the tables of the prior have a column for


def tables(rows, row_footnotes, footnotes):
  """The paper's four tables and that of clusters; also methods that only the paper has.

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
    random = {
      name: [v for row in rows_of for v in own_results(row).ours.get(f'{name}_random_weights', ())]
      for name in ('knn1_accuracy', 'knn1_accuracy_features')
    }
    if any(random.values()):
      entry = Entry(random, _of_method(paper, RANDOM), RANDOM_NOTE)
      entries.setdefault((RANDOM, 0), {})[experiment] = entry
  repeats = Counter()
  for row, footnote in zip(rows, row_footnotes, strict=True):
    key = (row.method, repeats[row.experiment, row.method])
    repeats[row.experiment, row.method] += 1
    entry = Entry(own_results(row).ours, _of_method(row.published, row.method), footnote)
    entries.setdefault(key, {})[row.experiment] = entry

  order = sorted(entries, key=lambda key: (place(key[0]), key))
  ordered = [(method, entries[method, index]) for method, index in order]
  found = {}
  for title, columns in TABLES.items():
    experiments, number = list(own), WIDEST // len(columns)
    parts = [experiments[i : i + number] for i in range(0, len(experiments), number)]
    for part, experiments in enumerate(parts, start=1):
      lines = _lines(columns, experiments, ordered, footnotes)
      if len(lines) > 1:
        found[f'{title} ({part} of {len(parts)})' if len(parts) > 1 else title] = lines
  return found


def false_negative_table(rows):
  """The expected share of false negatives Σ p² of each data set, over the images of all its runs.

  Args:
    rows: as for `tables`.

  Returns:
    {title: lines of cells, the first one the header}; empty where no row has it.
  """
  shares = {}
  for row in rows:
    for record in row.records:
      value = record.results.get('false_negative_share')
      if value is not None:  # Methods and seeds that share their images count once.
        key = row.experiment, row.settings['data'], record.published
        shares.setdefault(key, {})[record.labels['classes'].counts] = value
  paper = published_values('elastic_infogan')[0]['false_negative_share']
  lines = []
  for (experiment, _, column), values in shares.items():
    classes = len(next(iter(values)))
    ours = formatting.mean_std(list(values.values()), 4, population=True)
    published = ' ± '.join(map(str, paper.get(column, ['-'])))
    lines.append([escaped(experiment), ours, published, f'{1 / classes:.4f}'])
  header = ['data set', 'ours', 'published', 'balanced classes (1/K)']
  return {FALSE_NEGATIVES: [header, *lines]} if lines else {}


def prior_tables(rows, row_footnotes, footnotes):
  """The prior of each method beside the true frequencies of the classes, a table a data set.

  The prior of a class is that of the code matched with it, 0 without one. Where all runs have the
  same classes, these are the columns, from the frequent to the rare one, otherwise the ranks of
  their frequencies.

  Args:
    rows: as for `tables`.
    row_footnotes: as for `tables`.
    footnotes: as for `tables`.

  Returns:
    {title: lines of cells, the first one the header}.
  """
  groups = {}
  for row, note in zip(rows, row_footnotes, strict=True):
    if _matched_runs(row):
      groups.setdefault((row.experiment, row.settings['data']), []).append((row, note))
  experiments = Counter(experiment for experiment, _ in groups)
  found = {}
  for (experiment, data), members in groups.items():
    title = f'Prior against truth: {experiment}'
    title += f' ({data})' if experiments[experiment] > 1 else ''
    found[title] = _prior_lines(*zip(*members, strict=True), footnotes)
  return found


def _prior_lines(rows, row_footnotes, footnotes):
  """The header, the true frequencies and the prior of each row."""
  sets = [run.labels['classes'] for row in rows for run in _matched_runs(row)]
  names, counts = sets[0].names, sets[0].counts
  if len(set(sets)) == 1:
    classes = [escaped(names[c]) for c in _by_frequency(counts)]
  else:
    classes = [f'rank {rank}' for rank in range(1, len(names) + 1)]
  classes = classes if len(classes) <= CLASSES else []
  truth = np.mean([np.sort(each.counts) / np.sum(each.counts) for each in sets], 0)
  lines = [['method', *(column.heading for column in PRIOR), *classes]]
  if classes:
    lines.append(['true frequency', *('' for _ in PRIOR), *map(formatting.number, truth[::-1])])
  marks = [footnotes.mark(note) if note else '' for note in row_footnotes]
  scores = [[column.score(own_results(row)) for row in rows] for column in PRIOR]
  scores[0] = [(mean, text + mark) for (mean, text), mark in zip(scores[0], marks, strict=True)]
  cells = zip(*(_bold_best(min, column) for column in scores), strict=True)
  for row, distances in zip(rows, cells, strict=True):
    shares = np.transpose([_class_prior(run) for run in _matched_runs(row)])[: len(classes)]
    lines.append([row.method, *distances, *map(_mean_and_std, shares.tolist())])
  return lines


def _matched_runs(row):
  """The records of a row that have matched the codes with classes."""
  return [record for record in row.records if record.results.get('matched_classes')]


def _by_frequency(counts):
  return np.argsort(-np.asarray(counts), kind='stable')


def _class_prior(run):
  """The prior `[K]` of the classes, from the frequent to the rare one."""
  prior = np.zeros(len(run.labels['classes'].names))
  for code, matched in enumerate(run.results['matched_classes']):
    if matched >= 0:
      prior[matched] = run.results['prior'][code]
  return prior[_by_frequency(run.labels['classes'].counts)]


def _mean_and_std(values):
  """As `formatting.mean_std`, without the number of runs."""
  spread = [statistics.stdev(values)] if len(values) > 1 else []
  return formatting.published_value([statistics.fmean(values), *spread], 3)


def own_results(row):
  """The results of a row's runs, without published ones.

  Args:
    row: a `Row`.

  Returns:
    An Entry.
  """
  found = {}
  for record in row.records:
    for name, value in record.results.items():
      if value is not None:
        found.setdefault(name, []).append(value)
  return Entry(found, {})


def _lines(columns, experiments, entries, footnotes):
  """The header and the methods that have a score."""
  header = [
    'method',
    *(f'{escaped(e)}: {column.heading}' for e in experiments for column in columns),
  ]
  methods, lines = [], []
  for method, in_experiment in entries:
    line = []
    for experiment in experiments:
      entry = in_experiment.get(experiment, Entry({}, {}))
      scores = [column.score(entry) for column in columns]
      notes = [_table_1_note(column, entry) for column in columns]
      ours = [i for i, column in enumerate(columns) if not column.published]
      first = next((i for i in ours if scores[i][0] is not None), None)
      if first is not None:
        notes[first] = entry.footnote
      line += [
        (mean, text + footnotes.mark(note) if note else text)
        for (mean, text), note in zip(scores, notes, strict=True)
      ]
    if any(mean is not None for mean, _ in line):
      methods.append('random weights' if method == RANDOM else method)
      lines.append(line)
  cells = [
    _bold_best(columns[i % len(columns)].best, scores)
    for i, scores in enumerate(zip(*lines, strict=True))
  ]
  return [header, *map(list, zip(methods, *cells, strict=True))]


def _table_1_note(column, entry):
  """What is to be said about a published value in Table 1, or empty."""
  others = entry.published.get(TABLE_1, {})
  if not column.table_1 or column.name not in others:
    return ''
  values = ' and '.join(f'{measure.upper()} {value:.3f}' for measure, value in others.items())
  return f'{TABLE_1_NOTE}{values}.'


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
