"""Report on categorical codes: what each method is in the terminal, the report and on its page."""

from collections import defaultdict
import itertools

import numpy as np

from jaxgan.evaluation.record import CODES_FILE, read_samples
from jaxgan.evaluation.verdicts import grouped
from jaxgan.report import code_pictures, code_tables, figures, tables
from jaxgan.report.published import not_published, published_values, sources
from jaxgan.system.names import escaped

TITLE = 'Categorical codes'
CONSOLE = (
  tables.Column('NMI', 'nmi'),
  tables.Column('ENT', 'ent'),
  tables.Column('1-NN (%)', 'knn1_accuracy', scale=100, digits=2),
  tables.Column('1-NN, features (%)', 'knn1_accuracy_features', scale=100, digits=2),
  tables.Column('k-means NMI', 'kmeans_nmi'),
  tables.Column('k-means ARI', 'kmeans_ari'),
  tables.Column('prior distance', 'prior_distance'),
)
EXPLANATION = (
  'Ours: mean ± sample standard deviation (number of runs), of a single run its value; in Table 1 '
  'and of the empty codes and classes only the mean. ddof 0: the population standard deviation, '
  'which NumPy computes by default and the official evaluation prints: it is the one to compare '
  'with the published ±. Bold: the best of a column. -: no value.',
  'NMI: normalised mutual information of the code of a generated image and the class that the '
  'annotator sees in it. Up to version 0.21, of the time of the paper, scikit-learn divided it by '
  'the geometric mean of the two entropies, since 0.22 it divides by the arithmetic mean. So our '
  'geometric values are those to compare with the published ones; the arithmetic ones, which are '
  'never larger, are for comparison with work of today.',
  'ENT: mean entropy, in nats, of the normalised rows (codes) and columns (classes) of the same '
  'counts. Empty codes and classes are left out of that mean: read it with their number in a run, '
  'which the paper does not give.',
  '1-NN accuracy: share of held-out real images whose nearest neighbour is of their class, among '
  'the k logits of the recognition network Q and among its features. The published values are '
  'taken for those of the logits: no released code computes them, but the published accuracy of '
  'random weights on MNIST is 48.65 %, where ours is about 51 % of logits and 93 % of features. '
  'Evaluations from before this was known have that of the features alone.',
  'Real images, clustered: normalised mutual information (arithmetic mean) and adjusted Rand index '
  'of the classes of real training images with the clusters that k-means finds in the features of '
  'the recognition network Q, and with argmax Q. The paper has no such numbers; ClusterGAN and '
  'SLOGAN print those of k-means on the outputs of their encoders for test images.',
  'Prior against truth: the prior of the code that is matched one to one with a class beside the '
  'frequency of the class in the training images; total variation distance 1/2 Σ|p - f| and '
  'KL(f ‖ p) = Σ f log(f / p) in nats, infinite (-) where a class has no code.',
  'False negatives: the share of the negative pairs of NT-Xent whose images are of one class, by '
  'expectation: Σ p² over the class frequencies p of the training images of each run.',
)
UNLABELLED = 'The probabilities of the codes from large to small, means over the runs.'


def published(record):
  """The paper's values on the data set and their source.

  Returns:
    ({measure: {method: [mean, std]}, TABLE_1: {method: {measure: mean}}}, source).
  """
  column = record.published
  if column is None:
    return {}, ''
  values, source = published_values('elastic_infogan')
  if column not in values['runs']:
    raise not_published(f'elastic_infogan, {column}')
  # Where Table 1 has other values than Tables 2 and 3, TABLE_1 has them.
  measures = {
    measure: {name: scores[column] for name, scores in values[measure].items() if column in scores}
    for measure in ('nmi', 'ent', 'knn1_accuracy', code_tables.TABLE_1)
  }
  return measures, f'{source}; {column}: Tables 1-3 over {values["runs"][column]} runs'


def section(rows, footnotes):
  """The rows as tables: the paper's four, clusters, priors, Eq. 5, and runs without labels.

  Args:
    rows: a list of `Row`.
    footnotes: {text: number}, which gets in what the rows differ.

  Returns:
    A list of blocks.
  """
  labelled, unlabelled = _by_labels(rows)
  parts = []
  if labelled:
    common, own = _protocols(labelled)
    found = code_tables.of_rows(labelled, own, footnotes)
    parts += [tables.Table(title, lines) for title, lines in found.items()]
    parts += filter(None, [*EXPLANATION, common, sources(labelled).strip()])
  if unlabelled:
    common, own = _protocols(unlabelled)
    lines = [('experiment', 'method', 'steps', 'codes', 'runs', 'prior')]
    for row, note in zip(unlabelled, own, strict=True):
      numbers = map(str, (row.records[0].step, row.settings['codes'], len(row.records)))
      prior = _prior(row) + tables.mark(footnotes, note)
      lines.append((escaped(row.experiment), row.method, *numbers, prior))
    parts += [tables.Table('Without labels: the prior', lines), UNLABELLED, common]
  return parts


def console(rows):
  """The rows as aligned plain text: the scores of CONSOLE of each method.

  Without labels: the most and the least probable code, and where the picture of the codes is.

  Args:
    rows: a list of `Row`.

  Returns:
    A list of texts, one for each experiment and whether it has labels.
  """
  labelled, unlabelled = _by_labels(rows)
  texts = []
  for experiment, own in grouped(labelled, lambda row: row.experiment).items():
    lines = [['method', *tables.headings(CONSOLE)]]
    lines += [[row.method, *tables.cells(CONSOLE, row)] for row in own]
    texts.append(tables.aligned(experiment, lines, own))
  for experiment, own in grouped(unlabelled, lambda row: row.experiment).items():
    lines = [['method', 'largest prior', 'smallest prior']]
    lines += [[row.method, _extreme(row, np.argmax), _extreme(row, np.argmin)] for row in own]
    texts.append('\n'.join([tables.aligned(experiment, lines, own), *_grids(own)]))
  return texts


def _by_labels(rows):
  """The rows with labels and those without, each by data set and in the paper's order."""
  columns = list(published_values('elastic_infogan')[0]['runs'])
  column_of = {row.experiment: row.records[0].published for row in rows if row.published}

  def place(row):
    # An experiment is where its published numbers are, behind them without any.
    column = column_of.get(row.experiment)
    of_experiment = columns.index(column) if column else len(columns)
    return of_experiment, row.experiment, code_tables.place(row.method), row.method

  groups = grouped(sorted(rows, key=place), lambda row: 'classes' in row.records[0].labels)
  return groups.get(True, []), groups.get(False, [])


def _protocols(rows):
  """Describes the common protocol of the rows, and what differs in each row."""
  protocols = [row.protocol() for row in rows]
  common = {n: t for n, t in protocols[0].items() if all(p.get(n) == t for p in protocols)}
  own = []
  for row, protocol in zip(rows, protocols, strict=True):
    words = tables.in_words({name: t for name, t in protocol.items() if name not in common})
    own.append('; '.join(part for part in (words, *row.notes()) if part))
  return f'Protocol of all rows: {tables.in_words(common)}.', own


def _prior(row):
  """The mean prior, sorted in each run: codes of different runs have no common order."""
  priors = np.mean([np.sort(prior)[::-1] for prior in row.results('prior')], axis=0)
  return ' '.join(f'{probability:.3f}' for probability in priors)


def _extreme(row, find):
  """The probability at `find(prior)`, over the runs; for a single run with its code."""
  priors = row.results('prior')
  words = tables.mean_std([prior[find(prior)] for prior in priors])
  if len(priors) > 1:  # The codes of different runs have nothing in common.
    return words
  (prior,) = priors
  return f'{words} (every code)' if min(prior) == max(prior) else f'{words} (code {find(prior)})'


def _grids(rows):
  """Says where the code grid of each row's first run is."""
  lines = []
  for row in rows:
    path, runs = row.folders[0] / code_pictures.GRID_FILE, len(row.folders)
    if path.exists():
      of_runs = f', the first of {runs} runs' if runs > 1 else ''
      lines.append(f'code grid of {row.method}{of_runs}: {path}')
  return lines


def pictures(rows, out):
  """Draws the code grids of the methods beside a report, those of an experiment together.

  Of each row, the samples of its first run; without any, no grids.

  Args:
    rows: a list of `Row`.
    out: `Path` of the report, FILE.md; writes FILE_codes.png, and FILE_codes_2.png, ... of other
      experiments or sizes.

  Raises:
    UserError: samples are damaged.
  """
  panels = defaultdict(dict)  # {(experiment, (height, width)): {title: images}}
  for row in itertools.chain(*_by_labels(rows)):
    path = row.folders[0] / CODES_FILE
    if path.exists():
      (images,) = read_samples(path, 5, 'images')
      own = panels[row.experiment, images.shape[2:4]]
      own[tables.untaken(row.method, own)] = images
  for path, own in zip(figures.numbered(out, 'codes'), panels.values(), strict=False):
    code_pictures.code_grids(own, path)
