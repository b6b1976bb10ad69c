"""Tables of codes: Elastic-InfoGAN's Tables 1-4 beside the published values, and further tables."""

from collections import Counter, defaultdict
from collections.abc import Sequence
import functools

import numpy as np

from jaxgan.evaluation.verdicts import grouped
from jaxgan.metrics.class_distribution import by_frequency
from jaxgan.report import tables
from jaxgan.report.published import published_values
from jaxgan.report.rows import Row
from jaxgan.system.names import escaped

RANDOM = 'random_init'  # name of the untrained network in published_results.json
TABLE_1 = 'table_1'  # key of the values of Table 1 that differ from Tables 2 and 3
TABLE_1_NOTE = (
  "Published: the means of Tables 2 and 3, which agree with the gains in the paper's text. "
  'Its Table 1 prints '
)
RANDOM_NOTE = (
  'Random weights: the same network, untrained. It does not depend on the method: the mean and the '
  'number in brackets include the runs of all methods on the data set.'
)
TABLES = {
  'Table 1: NMI ↑ and ENT ↓, means': (
    tables.Column('NMI (ours, geometric)', 'nmi_geometric', max, spread=False),
    tables.Column('NMI (published)', 'nmi', max, published=True, spread=False),
    tables.Column('ENT (ours)', 'ent', min, spread=False),
    tables.Column('ENT (published)', 'ent', min, published=True, spread=False),
  ),
  'Table 2: NMI ↑': (
    tables.Column('geometric (ours)', 'nmi_geometric', max, population=True),
    tables.Column('published', 'nmi', max, published=True),
    tables.Column('arithmetic (ours)', 'nmi', max),
  ),
  'Table 3: ENT ↓': (
    tables.Column('ours', 'ent', min, population=True),
    tables.Column('published', 'ent', min, published=True),
    tables.Column(
      'empty codes and classes (ours)', 'empty_codes_and_classes', spread=False, digits=1
    ),
  ),
  'Table 4: 1-NN accuracy (%) ↑': (
    tables.Column('logits (ours)', 'knn1_accuracy', max, scale=100, digits=2, population=True),
    tables.Column('published', 'knn1_accuracy', max, published=True, scale=100, digits=2),
    tables.Column('features (ours)', 'knn1_accuracy_features', max, scale=100, digits=2),
  ),
  'Real images, clustered (not in the paper) ↑': (
    tables.Column('k-means NMI', 'kmeans_nmi', max),
    tables.Column('k-means ARI', 'kmeans_ari', max),
    tables.Column('argmax Q NMI', 'argmax_nmi', max),
    tables.Column('argmax Q ARI', 'argmax_ari', max),
  ),
}
# Columns with a footnote about the paper's Table 1.
_TABLE_1 = tuple(c for c in next(iter(TABLES.values())) if c.published)
PRIOR = (
  tables.Column('total variation ↓', 'prior_distance'),
  tables.Column('KL(true ‖ prior) ↓', 'prior_kl'),
)
FALSE_NEGATIVES = 'Expected share of false negatives, Σ p² (Eq. 5)'
_NEAREST = ('knn1_accuracy', 'knn1_accuracy_features')  # also measured with random weights
WIDEST = 8  # columns of a table; further data sets go to another table
CLASSES = 10  # with more classes, tables of the prior have no columns of classes


def of_rows(
  rows: Sequence[Row], row_footnotes: Sequence[str], footnotes: dict[str, int]
) -> dict[str, list]:
  """Builds the paper's four tables, tables of clusters and priors, and Eq. 5.

  The paper's tables include methods with published values only.

  Args:
    rows: rows with labels, at least one.
    row_footnotes: the footnote of each row, or ''.
    footnotes: {text: number}, extended by the footnotes.

  Returns:
    {title: lines of cells, the header first}.
  """
  entries, found = _entries(rows, row_footnotes), {}
  names = list(dict.fromkeys(row.experiment for row in rows))
  for title, columns in TABLES.items():
    number = WIDEST // len(columns)
    parts = [names[i : i + number] for i in range(0, len(names), number)]
    for part, experiments in enumerate(parts, start=1):
      lines = _lines(columns, experiments, entries, footnotes)
      if len(lines) > 1:
        found[f'{title} ({part} of {len(parts)})' if len(parts) > 1 else title] = lines
  return found | _priors(rows, row_footnotes, footnotes) | _false_negatives(rows)


def _entries(rows, row_footnotes):
  """[(method, {experiment: Entry})] in the paper's order; further rows of a method follow it."""
  entries = defaultdict(dict)  # {(method, number of the row among its rows): {experiment: Entry}}
  for experiment, own in grouped(rows, lambda row: row.experiment).items():
    paper = next((row.published for row in own if row.published), {})
    for method in (method for scores in paper.values() for method in scores):
      entries[method, 0][experiment] = tables.Entry(published=_of_method(paper, method))
    random = functools.partial(_of_random_weights, own)
    if any(map(random, _NEAREST)):
      entries[RANDOM, 0][experiment] = tables.Entry(random, _of_method(paper, RANDOM), RANDOM_NOTE)
  noted = grouped(
    zip(rows, row_footnotes, strict=True), lambda pair: (pair[0].experiment, pair[0].method)
  )
  for (experiment, method), own in noted.items():
    for number, (row, note) in enumerate(own):
      published = _of_method(row.published, method)
      entries[method, number][experiment] = tables.Entry(row.results, published, note)
  order = sorted(entries, key=lambda key: (place(key[0]), key))
  return [(key[0], entries[key]) for key in order]


def _of_random_weights(rows, name):
  """The results of the untrained networks of all rows."""
  return [value for row in rows for value in row.results(f'{name}_random_weights')]


def _of_method(paper, method):
  return {measure: scores[method] for measure, scores in paper.items() if method in scores}


def _lines(columns, experiments, entries, footnotes):
  """Returns the header and a line for each method that has a score."""
  headings = (f'{escaped(e)}: {column.heading}' for e in experiments for column in columns)
  methods, lines = [], []
  for method, of_method in entries:
    own = [of_method.get(experiment, tables.Entry()) for experiment in experiments]
    line = [score for entry in own for score in _scores(columns, entry, footnotes)]
    if any(mean is not None for mean, _ in line):
      methods.append('random weights' if method == RANDOM else method)
      lines.append(line)
  best = [column.best for column in columns] * len(experiments)
  cells = map(tables.bold_best, best, zip(*lines, strict=True))
  return [['method', *headings], *map(list, zip(methods, *cells, strict=True))]


def _scores(columns, entry, footnotes):
  """(mean, text) of each column; our first value has the entry's footnote."""
  found, footnote = [], entry.footnote
  for column in columns:
    mean, words = column.score(entry)
    if column in _TABLE_1:
      words += tables.mark(footnotes, _table_1_note(column, entry))
    elif mean is not None and not column.published:
      words, footnote = words + tables.mark(footnotes, footnote), ''
    found.append((mean, words))
  return found


def _table_1_note(column, entry):
  """Returns the footnote of a published value in Table 1, or ''."""
  others = entry.published.get(TABLE_1, {})
  values = ' and '.join(f'{measure.upper()} {value:.3f}' for measure, value in others.items())
  return f'{TABLE_1_NOTE}{values}.' if column.name in others else ''


def _false_negatives(rows):
  """The expected share of false negatives, Σ p², of each data set, over the images of its runs.

  Returns:
    {title: lines of cells}; {} if no row has the result.
  """
  shares = defaultdict(dict)
  for row in rows:
    for record in row.records:
      value = record.results.get('false_negative_share')
      if value is not None:  # Runs with the same images count once.
        key = row.experiment, row.settings['data'], record.published
        shares[key][record.labels['classes'].counts] = value
  paper = published_values('elastic_infogan')[0]['false_negative_share']
  lines = [['data set', 'ours', 'published', 'balanced classes (1/K)']]
  for (experiment, _, column), values in shares.items():
    ours = tables.mean_std(list(values.values()), 4, population=True)
    published = ' ± '.join(map(str, paper.get(column, ['-'])))
    lines.append([escaped(experiment), ours, published, f'{1 / len(next(iter(values))):.4f}'])
  return {FALSE_NEGATIVES: lines} if shares else {}


def _priors(rows, row_footnotes, footnotes):
  """The prior of each method beside the class frequencies, in a table for each data set.

  The prior of a class is the prior of its matched code, or 0. The columns are the classes from
  frequent to rare, or the ranks of their frequencies if the runs have different classes.
  """
  members = [pair for pair in zip(rows, row_footnotes, strict=True) if _matched_runs(pair[0])]
  groups = grouped(members, lambda pair: (pair[0].experiment, pair[0].settings['data']))
  experiments = Counter(experiment for experiment, _ in groups)
  found = {}
  for (experiment, data), members in groups.items():
    title = f'Prior against truth: {experiment}'
    title += f' ({data})' if experiments[experiment] > 1 else ''
    found[title] = _prior_lines(members, footnotes)
  return found


def _prior_lines(members, footnotes):
  """The header, the true frequencies and the prior of each (row, footnote)."""
  sets = [run.labels['classes'] for row, _ in members for run in _matched_runs(row)]
  names, counts = sets[0].names, sets[0].counts
  if len(set(sets)) == 1:
    classes = [escaped(names[c]) for c in by_frequency(counts)]
  else:
    classes = [f'rank {rank}' for rank in range(1, len(names) + 1)]
  classes = classes if len(classes) <= CLASSES else []
  truth = np.mean([np.sort(each.counts) / np.sum(each.counts) for each in sets], 0)
  lines = [['method', *tables.headings(PRIOR), *classes]]
  if classes:
    lines.append(['true frequency', *('' for _ in PRIOR), *map(tables.number, truth[::-1])])
  entries = [tables.Entry(row.results, {}, note) for row, note in members]
  scores = zip(*(_scores(PRIOR, entry, footnotes) for entry in entries), strict=True)
  cells = zip(*(tables.bold_best(min, column) for column in scores), strict=True)
  for (row, _), distances in zip(members, cells, strict=True):
    shares = np.transpose([_class_prior(run) for run in _matched_runs(row)])[: len(classes)]
    lines.append([row.method, *distances, *map(_mean_and_std, shares.tolist())])
  return lines


def _matched_runs(row):
  """The records of a row with codes matched with classes."""
  return [record for record in row.records if record.results.get('matched_classes')]


def _class_prior(run):
  """The prior `[K]` of the classes, from frequent to rare."""
  classes, prior = np.array(run.results['matched_classes']), np.array(run.results['prior'])
  of_class = np.zeros(len(run.labels['classes'].names))
  of_class[classes[classes >= 0]] = prior[classes >= 0]
  return of_class[by_frequency(run.labels['classes'].counts)]


def _mean_and_std(values):
  """`tables.mean_std` without the number of runs."""
  return tables.mean_std(values, 3).partition(' (')[0]


def place(method: str) -> int:
  """Returns the position of a method in the paper's tables; other methods come last."""
  order = [RANDOM, *published_values('elastic_infogan')[0]['methods']]
  return order.index(method) if method in order else len(order)
