"""Report on class balance: the scores of each method, and their differences from the baseline."""

from collections import defaultdict
from collections.abc import Sequence
import dataclasses
import functools
from pathlib import Path
import statistics

import numpy as np

from jaxgan.evaluation import verdicts
from jaxgan.evaluation.record import ONE_NETWORK, LabelSet
from jaxgan.metrics.class_distribution import GROUPS, THIRDS
from jaxgan.report import assessments, class_pictures, classifiers, figures, tables
from jaxgan.report.published import sources
from jaxgan.report.rows import Row
from jaxgan.system.names import escaped, shown

TITLE = 'Class balance'
NETWORKS = ('inception', 'annotator', 'recogniser')
_FID, _PUBLISHED_FID = (
  tables.Column('FID (ours)', 'fid'),
  tables.Column('FID (published)', 'fid', published=True, digits=2),
)
_SCORES = (
  tables.Column('KL (ours)', 'kl_from_uniform'),
  tables.Column('KL (published)', 'kl', published=True, digits=2),
  _FID,
  _PUBLISHED_FID,
  tables.Column('CAS % (ours)', 'cas', scale=100, digits=2),
  tables.Column('CAS % (published)', 'cas', published=True, digits=2),
  tables.Column('Fréchet, annotator', 'frechet_annotator'),
)
_CODE_SCORES = (
  tables.Column('KL of codes', 'code_kl_from_uniform'),
  tables.Column('Fréchet, recogniser', 'frechet_recogniser'),
)
# In the features of each network, as <name>/<network>.
_QUALITY = (
  tables.Column('KID x 1000', 'kid', scale=1000),
  *(tables.Column(name, name) for name in ('precision', 'recall', 'density', 'coverage')),
)
_THIRDS, _GROUPS = ' / '.join(THIRDS), ' / '.join(GROUPS)
_RESAMPLED = ('kl_from_uniform', 'fid', 'frechet_annotator')
# The scores of the terminal's table, for images counted by class or by code.
_CONSOLE = {
  'class': (
    tables.Column('KL', 'kl_from_uniform'),
    tables.Column('FID', 'fid'),
    tables.Column('Fréchet (annotator)', 'frechet_annotator'),
    tables.Column('CAS (%)', 'cas', scale=100, digits=2),
  ),
  'code': (
    tables.Column('KL (codes)', 'code_kl_from_uniform'),
    tables.Column('FID', 'fid'),
    tables.Column('Fréchet (recogniser)', 'frechet_recogniser'),
    tables.Column('CAS (%)', 'cas', scale=100, digits=2),
  ),
}
# The headings of a table after 'experiment' and 'method'.
_ABOVE = {
  'Scores': ('steps', 'samples', *tables.headings(_SCORES), 'seeds', 'protocol'),
  '± of re-samplings': (
    'seed', 'samplings', 'KL', 'FID', 'FID (published)', 'Fréchet, annotator'
  ),
  'By frequency': (_THIRDS, 'features', f'Fréchet {_THIRDS}', f'Fréchet {_GROUPS}'),
  'Codes': ('codes', *tables.headings(_CODE_SCORES), 'seeds'),
  'Quality and diversity': ('features', *tables.headings(_QUALITY)),
}  # fmt: skip
# The text below a table.
EXPLANATIONS = {
  'Scores': (
    "KL: KL divergence of the annotator's label histogram from uniform, in nats. CAS: "
    'classification accuracy score, the accuracy on real test images of a classifier trained on '
    "generated images. Fréchet, annotator: Fréchet distance in the annotator's features, not "
    'comparable with FID. Ours: mean ± sample standard deviation (number of seeds).'
  ),
  '± of re-samplings': (
    'Mean ± population standard deviation (ddof 0, as in NumPy and the '
    "authors' code) over samplings of one checkpoint, like the published ±. The ± over seeds in "
    'other tables is the sample standard deviation (ddof 1).'
  ),
  'By frequency': (
    'head / medium / tail: shares of the generated images in the thirds of the classes by training '
    'frequency, and Fréchet distance of these images from the real images, in the features of '
    'the named network. many / medium / few: the same for equal groups, where the rare group takes '
    'the remaining classes. Distances of few images are large: compare methods, not groups.'
  ),
  'Codes': (
    "KL of codes: KL divergence of the recogniser's histogram of codes from uniform, in nats. It "
    'does not measure classes, because codes are learned without labels. Fréchet, recogniser: '
    'Fréchet distance in its features. A generator with the recogniser in its loop was trained to '
    'agree with it.'
  ),
  'Quality and diversity': (
    'KID: kernel inception distance. Precision and density measure how realistic the generated '
    'images are, recall and coverage how much of the real images they cover.'
  ),
  'Beside the baseline': (
    'Better and worse: the 95 % bootstrap interval of the mean difference over the shared seeds, '
    'in brackets, excludes 0. With three seeds this only means that all three differ in the same '
    'direction, which happens by chance once in four times.'
  ),
  'Classifiers': classifiers.EXPLANATION,
}


def counted(row: Row) -> tuple[str, LabelSet]:
  """Returns ('class' or 'code', LabelSet) of the labels that a row's images are counted by."""
  record = row.records[0]
  counted_by = record.counted_by or ''
  return class_pictures.KINDS[counted_by], record.labels[counted_by]


def section(rows: Sequence[Row], footnotes: dict[str, int]) -> list:
  """Tabulates rows, with a footnote for each protocol and each missing score.

  Args:
    rows: the rows.
    footnotes: {text: number}, extended by the footnotes.

  Returns:
    A list of blocks.
  """
  cells_of = {
    'Scores': functools.partial(_scores, footnotes),
    '± of re-samplings': _resamplings,
    'By frequency': _by_frequency,
    'Codes': _codes,
    'Quality and diversity': _quality,
  }
  found = {title: tables.lines(_ABOVE[title], rows, own) for title, own in cells_of.items()}
  found['Scores'] += _real_scores(rows, footnotes)
  found |= {'Beside the baseline': _comparisons(rows), 'Classifiers': classifiers.lines(rows)}
  if not any(row.published for row in rows):
    found = {title: _unpublished(lines) for title, lines in found.items()}
  below = EXPLANATIONS | {'Scores': EXPLANATIONS['Scores'] + sources(rows)}
  shown_tables = (tables.Table(title, own) for title, own in found.items() if len(own) > 1)
  blocks = [block for table in shown_tables for block in (table, below[table.title])]
  return [*classifiers.warnings(rows), *blocks]


def _scores(footnotes, row):
  """A method's scores beside the published scores."""
  scores = tables.cells(_SCORES, row)
  about_fid = [note for note in row.notes() if note.startswith('FID')]
  if len(row.results('fid')) < len(row.records):
    reason = '; '.join(about_fid) or 'FID left out: no reason was recorded.'
    scores[_SCORES.index(_FID)] += tables.mark(footnotes, reason)
  others = [n for n in row.notes() if n not in about_fid and n != ONE_NETWORK]
  protocol = tables.mark(footnotes, '; '.join([tables.in_words(row.protocol()), *others]))
  step, samples = row.records[0].step, row.settings['samples']
  return [(str(step), str(samples), *scores, str(len(row.records)), protocol)]


def _real_scores(rows, footnotes):
  """The scores of the real images of each experiment; a footnote has their protocol."""
  found = []
  for experiment, own in verdicts.grouped(rows, lambda row: row.experiment).items():
    mark = tables.mark(footnotes, assessments.protocol(own))
    for name, entry in assessments.entries(own).items():
      cells = [cell for _, cell in (column.score(entry) for column in _SCORES)]
      found.append((escaped(experiment), name, '', '', *cells, '', mark))
  return found


def _unpublished(lines):
  """Leaves out the columns of published values, and '(ours)' in the other headings."""
  kept = [place for place, heading in enumerate(lines[0]) if not heading.endswith('(published)')]
  header, *below = ([line[place] for place in kept] for line in lines)
  return [[heading.removesuffix(' (ours)') for heading in header], *below]


def _resamplings(row):
  """The spread of the scores over samplings of one checkpoint, of each run."""
  found, published_fid = [], _PUBLISHED_FID.score(row)[1]
  for record in row.records:
    values = [record.results.get(f'{score}_resamplings', ()) for score in _RESAMPLED]
    if any(values):
      kl, fid, distance = map(_resampled, values)
      run = str(record.run.get('seed', '-')), str(max(map(len, values)))
      found.append((*run, kl, fid, published_fid, distance))
  return found


def _resampled(values):
  """Mean ± population standard deviation."""
  return (
    tables.with_spread([statistics.fmean(values), statistics.pstdev(values)]) if values else '-'
  )


def _by_frequency(row):
  """Shares of head, medium and tail classes, and Fréchet distances in these groups."""
  if not row.results('head_medium_tail'):
    return []
  networks, shares = _networks(row) or ['-'], ' / '.join(_thirds(row))
  return [
    (
      shares,
      n,
      _parts(row.results(f'thirds_frechet/{n}')),
      _parts(row.results(f'groups_frechet/{n}')),
    )
    for n in networks
  ]


def _parts(values):
  """Averages the defined distances of three groups over the runs."""
  if not values:
    return '- / - / -'
  columns = [[value for value in own if value is not None] for own in zip(*values, strict=True)]
  return ' / '.join(tables.number(statistics.fmean(own)) if own else '-' for own in columns)


def _codes(row):
  """KL and Fréchet distance of the codes, for runs with a recogniser."""
  values = row.results('code_kl_from_uniform')
  own = row.protocol().get('codes'), *tables.cells(_CODE_SCORES, row), str(len(values))
  return [own] if values else []


def _quality(row):
  """Kernel inception distance, precision, recall, density and coverage in each network."""
  return [
    (
      network,
      *tables.cells([dataclasses.replace(c, name=f'{c.name}/{network}') for c in _QUALITY], row),
    )
    for network in _networks(row)
  ]


def _comparisons(rows):
  """Compares each method with the baseline of its experiment."""
  compared = verdicts.compare(rows)
  scores = [score for score in verdicts.scores() if any(score in own for *_, own in compared)]
  found = [('experiment', 'method', 'against', *map(verdicts.heading, scores), 'shared seeds')]
  for row, baseline, seeds, own in compared:
    words = [_verdict(score, own[score]) if score in own else '-' for score in scores]
    found.append((*tables.names(row), verdicts.label(baseline), *words, str(seeds)))
  return found


def _verdict(score, found):
  verdict, interval = found
  factor = 100 if score == 'cas' else 1
  ends = ', '.join(tables.number(factor * end) for end in interval or ())
  return f'{verdict} [{ends}]' if ends else 'no verdict from one seed'


def console(rows: Sequence[Row]) -> list[str]:
  """Aligns rows as plain text: method, KL, FID or Fréchet distance, CAS, images per class.

  Args:
    rows: the rows.

  Returns:
    One text for each experiment and its set of classes.
  """
  groups = verdicts.grouped(rows, lambda row: (row.experiment, *counted(row)))
  return [_console_block(*key, rows=own) for key, own in groups.items()]


def _console_block(experiment, kind, labels, rows):
  few, columns = len(labels.names) <= class_pictures.MAX_CLASSES, _CONSOLE[kind]
  # The Fréchet distance of the annotator or recogniser is always shown; FID and CAS may be missing.
  columns = [
    c for c in columns if c.name not in ('fid', 'cas') or any(row.results(c.name) for row in rows)
  ]
  thirds = THIRDS if kind == 'class' else ()
  table = [['method', *tables.headings(columns), *(map(shown, labels.names) if few else thirds)]]
  table += _real_lines(rows, kind, labels, columns)
  for row in rows:
    classes = _thirds(row) if thirds else []
    if few:
      counts = zip(*row.results(f'{kind}_counts'), strict=True)
      classes = [f'{statistics.fmean(count):.0f}' for count in counts]
    table.append([verdicts.label(row), *tables.cells(columns, row), *classes])
  words = tables.aligned(experiment, table, rows)
  judged = classifiers.in_words([record.run for row in rows for record in row.records])
  return '\n'.join([words, *judged, *map(verdicts.in_words, verdicts.compare(rows))])


def _real_lines(rows, kind, labels, columns):
  """The scores of the real images with the sizes of their classes, if all classes are shown."""
  few, entries = len(labels.names) <= class_pictures.MAX_CLASSES, assessments.entries(rows)
  blank = [''] * (len(labels.names) if few else len(THIRDS) if kind == 'class' else 0)
  if not entries:
    return [['training data', *[''] * len(columns), *map(str, labels.counts)]] if few else []
  lines = []
  for name, entry in entries.items():
    sizes = entry.results('class_images' if kind == 'class' else 'code_counts')
    counts = labels.counts if name == assessments.TRAINING else sizes[0] if sizes else blank
    lines.append([name, *tables.cells(columns, entry), *(map(str, counts) if few else blank)])
  return lines


def _networks(row):
  """The networks whose features compare the runs' images."""
  return [network for network in NETWORKS if row.results(f'kid/{network}')]


def _thirds(row):
  thirds = zip(*row.results('head_medium_tail'), strict=True)
  return [f'{100 * statistics.fmean(shares):.1f} %' for shares in thirds]


def pictures(rows: Sequence[Row], out: Path) -> None:
  """Draws the class distributions of all rows side by side.

  Args:
    rows: the rows.
    out: the report FILE.md. The pictures are FILE_classes.png, FILE_classes_2.png, ..., one for
      each set of classes and training frequencies.
  """
  groups = defaultdict(dict)
  for row in rows:
    kind, labels = counted(row)
    title = _title(row, rows, groups[labels])
    groups[labels][title] = np.mean(row.results(f'{kind}_counts'), axis=0)
  for path, (labels, counts) in zip(figures.numbered(out, 'classes'), groups.items(), strict=False):
    class_pictures.class_histogram(counts, labels, path)


def _title(row, rows, taken):
  """Names a row by its method, its experiment or both, whichever differ between the rows."""
  several = [len({r.experiment for r in rows}) > 1, len({verdicts.label(r) for r in rows}) > 1]
  parts = zip((row.experiment, verdicts.label(row)), several, strict=True)
  title = ': '.join(part for part, tells in parts if tells) or row.method
  return tables.untaken(title, taken)
