"""Report on categorical codes: texts for the terminal, tables and pictures."""

from collections import defaultdict
from collections.abc import Sequence
import itertools
from pathlib import Path
from typing import Any

import numpy as np

from jaxgan.evaluation.record import CODES_FILE, EvaluationRecord, read_samples
from jaxgan.evaluation.verdicts import grouped
from jaxgan.report import code_pictures, code_tables, figures, tables
from jaxgan.report.published import not_published, published_values, sources
from jaxgan.report.rows import Row
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
  'Ours: mean ± sample standard deviation (number of runs), or the value of a single run; Table 1 '
  'and the empty codes and classes have the mean only. ddof 0: the population standard deviation, '
  "NumPy's default, which the official evaluation prints: compare it with the published ±. "
  'Bold: the best of a column. -: no value.',
  'NMI: normalised mutual information of the code of a generated image and its class by the '
  'annotator. Up to version 0.21, current at the time of the paper, scikit-learn divided by the '
  'geometric mean of the two entropies; since 0.22 it divides by the arithmetic mean. Compare our '
  'geometric values with the published values, and our arithmetic values, which are never larger, '
  'with recent work.',
  'ENT: mean entropy, in nats, of the normalised rows (codes) and columns (classes) of the same '
  'counts. The mean excludes empty codes and classes: read it with their number per run, which the '
  'paper does not give.',
  '1-NN accuracy: share of held-out real images whose nearest neighbour has their class, by the '
  'k logits of the recognition network Q and by its features. We compare the published values with '
  'the logits: no released code computes them, but the published accuracy of random weights on '
  'MNIST is 48.65 %, and ours is about 51 % with logits and 93 % with features. Older evaluations '
  'have the accuracy of the features only.',
  'Real images, clustered: normalised mutual information (arithmetic mean) and adjusted Rand index '
  'of the classes of real training images with the k-means clusters of the features of the '
  'recognition network Q, and with argmax Q. The paper has no such numbers; ClusterGAN and '
  'SLOGAN cluster the outputs of their encoders for test images by k-means.',
  'Prior against truth: the prior of the code that is matched one to one with a class, beside the '
  'frequency of the class in the training images; total variation distance 1/2 Σ|p - f| and '
  'KL(f ‖ p) = Σ f log(f / p) in nats, infinite (-) if a class has no code.',
  'False negatives: the expected share of negative pairs of NT-Xent whose images have the same '
  'class, Σ p² over the class frequencies p of the training images of each run.',
)
UNLABELLED = 'Prior: the probabilities of the codes from large to small, averaged over the runs.'


def published(record: EvaluationRecord) -> tuple[dict[str, Any], str]:
  """Looks up the paper's values for the data set of a record.

  Args:
    record: the record.

  Returns:
    ({measure: {method: [mean, std]}, TABLE_1: {method: {measure: mean}}}, source).
  """
  column = record.published
  if column is None:
    return {}, ''
  values, source = published_values('elastic_infogan')
  if column not in values['runs']:
    raise not_published(f'elastic_infogan, {column}')
  # TABLE_1 has the values of Table 1 that differ from Tables 2 and 3.
  measures = {
    measure: {name: scores[column] for name, scores in values[measure].items() if column in scores}
    for measure in ('nmi', 'ent', 'knn1_accuracy', code_tables.TABLE_1)
  }
  return measures, f'{source}; {column}: Tables 1-3 over {values["runs"][column]} runs'


def section(rows: Sequence[Row], footnotes: dict[str, int]) -> list:
  """Tabulates rows: the paper's four tables, clusters, priors, Eq. 5, and runs without labels.

  Args:
    rows: the rows.
    footnotes: {text: number}, extended by the protocols in which the rows differ.

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
    lines: list[tuple] = [('experiment', 'method', 'steps', 'codes', 'runs', 'prior')]
    for row, note in zip(unlabelled, own, strict=True):
      numbers = map(str, (row.records[0].step, row.settings['codes'], len(row.records)))
      prior = _prior(row) + tables.mark(footnotes, note)
      lines.append((escaped(row.experiment), row.method, *numbers, prior))
    parts += [tables.Table('Without labels: the prior', lines), UNLABELLED, common]
  return parts


def console(rows: Sequence[Row]) -> list[str]:
  """Aligns rows as plain text: the scores of CONSOLE of each method.

  Runs without labels have the most and the least probable code, and the path of the code grid.

  Args:
    rows: the rows.

  Returns:
    One text for each experiment, with and without labels.
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
  """Splits rows into rows with and without labels, sorted by data set in the paper's order."""
  columns = list(published_values('elastic_infogan')[0]['runs'])
  column_of = {row.experiment: row.records[0].published for row in rows if row.published}

  def place(row):
    # Experiments without published numbers come last.
    column = column_of.get(row.experiment)
    of_experiment = columns.index(column) if column else len(columns)
    return of_experiment, row.experiment, code_tables.place(row.method), row.method

  groups = grouped(sorted(rows, key=place), lambda row: 'classes' in row.records[0].labels)
  return groups.get(True, []), groups.get(False, [])


def _protocols(rows):
  """Describes the common protocol of the rows, and the deviations of each row."""
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
  """The probability at `find(prior)` over the runs; for a single run also the code."""
  priors = row.results('prior')
  words = tables.mean_std([prior[find(prior)] for prior in priors])
  if len(priors) > 1:  # Codes of different runs are unrelated.
    return words
  (prior,) = priors
  return f'{words} (every code)' if min(prior) == max(prior) else f'{words} (code {find(prior)})'


def _grids(rows):
  """Names the file with the code grid of each row's first run."""
  lines = []
  for row in rows:
    path, runs = row.folders[0] / code_pictures.GRID_FILE, len(row.folders)
    if path.exists():
      of_runs = f', the first of {runs} runs' if runs > 1 else ''
      lines.append(f'code grid of {row.method}{of_runs}: {path}')
  return lines


def pictures(rows: Sequence[Row], out: Path) -> None:
  """Draws the code grids of the methods of each experiment beside a report.

  A grid shows the samples of the first run of a row; rows without samples have no grid.

  Args:
    rows: the rows.
    out: the report FILE.md. The pictures are FILE_codes.png, FILE_codes_2.png, ..., one for each
      experiment and image size.

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
