"""Report on class balance: the scores of each method, and which methods differ by their seeds."""

import itertools
import statistics

import numpy as np

from jaxgan.evaluation import verdicts
from jaxgan.metrics.class_distribution import GROUPS, THIRDS
from jaxgan.report import classifiers, formatting, resamplings
from jaxgan.report.blocks import Table, Text
from jaxgan.report.published import published_values, sources
from jaxgan.system.names import escaped, shown

TITLE = 'Class balance'
MAX_CLASSES = 10  # the terminal's table shows more as head, medium and tail
NETWORKS = ('inception', 'annotator', 'recogniser')
NEAREST = ('precision', 'recall', 'density', 'coverage')
HEADER = (
  'experiment',
  'method',
  'steps',
  'samples',
  'KL (ours)',
  'KL (published)',
  'FID (ours)',
  'FID (published)',
  'CAS % (ours)',
  'CAS % (published)',
  'Fréchet, annotator',
  'seeds',
  'protocol',
)
FREQUENCY_HEADER = (
  'experiment',
  'method',
  ' / '.join(THIRDS),
  'features',
  f'Fréchet {" / ".join(THIRDS)}',
  f'Fréchet {" / ".join(GROUPS)}',
)
# The scores of the terminal's table by what images are counted by.
_CONSOLE = {
  'class': {
    'KL': 'kl_from_uniform', 'FID': 'fid', 'Fréchet (annotator)': 'frechet_annotator'
  },
  'code': {
    'KL (codes)': 'code_kl_from_uniform',
    'FID': 'fid',
    'Fréchet (recogniser)': 'frechet_recogniser',
  },
}  # fmt: skip
EXPLANATION = (
  "KL: divergence of the annotator's label histogram from uniform, in nats. CAS: classification "
  'accuracy score, the accuracy on real test images of a classifier trained on generated ones. '
  "Fréchet, annotator: Fréchet distance in the annotator's features, not comparable with FID. "
  'Ours: mean ± sample standard deviation (number of seeds).'
)
FREQUENCY_EXPLANATION = (
  'head / medium / tail: shares of the generated images in the thirds of the classes by training '
  'frequency, and Fréchet distance of the images in them from the real ones, in the features of '
  'the network named; many / medium / few: the same, with the classes left over among the rare '
  'ones. Distances of few images are large: compare methods, not groups.'
)
CODES_EXPLANATION = (
  "KL of codes: divergence from uniform, in nats, of the recogniser's histogram of codes, which "
  'were found without labels; it says nothing of classes. Fréchet, recogniser: Fréchet distance in '
  'its features. Where the recogniser was in the loop, the generator was trained to please it.'
)
QUALITY_EXPLANATION = (
  'KID: kernel distance; precision and density say how real the generated images are, recall and '
  'coverage how many of the real ones they stand for.'
)
VERDICT_EXPLANATION = (
  'Better and worse: the 95 % bootstrap interval of the mean difference over the shared seeds, in '
  'brackets, leaves 0 out. Of three seeds this says no more than that all three differ in one '
  'direction, which happens by chance once in four times.'
)


def published(record):
  """The paper's values of the method and their source."""
  return published_values(record.published)


def counted(row):
  """What a row's images are counted by: ('class' or 'code', LabelSet)."""
  record = row.records[0]
  kind = {'classes': 'class', 'codes': 'code'}[record.counted_by]
  return kind, record.labels[record.counted_by]


def section(rows, footnotes):
  """The rows as tables, with a footnote for each row's protocol and each gap.

  Args:
    rows: a list of `Row`.
    footnotes: `Footnotes`, which gets them.

  Returns:
    A list of blocks.
  """
  tables = {
    'Scores': (_scores(rows, footnotes), f'{EXPLANATION}{sources(rows)}'),
    '± of re-samplings': (resamplings.resamplings(rows), resamplings.EXPLANATION),
    'By frequency': (_by_frequency(rows), FREQUENCY_EXPLANATION),
    'Codes': (_codes(rows), CODES_EXPLANATION),
    'Quality and variety': (_quality(rows), QUALITY_EXPLANATION),
    'Beside the baseline': (_comparisons(rows), VERDICT_EXPLANATION),
    'Classifiers': (classifiers.table(rows), classifiers.EXPLANATION),
  }
  return [
    block
    for title, (lines, explanation) in tables.items()
    if len(lines) > 1
    for block in (Table(title, lines), Text(explanation))
  ]


def _scores(rows, footnotes):
  """Each method's scores beside the published ones."""
  lines = [HEADER]
  for row in rows:
    fid = formatting.mean_std(row.results('fid'))
    if len(row.results('fid')) < len(row.records):
      reasons = [note for note in row.notes() if note.startswith('FID')]
      fid += footnotes.mark('; '.join(reasons) or 'FID left out: no reason was recorded.')
    others = [note for note in row.notes() if not note.startswith('FID')]
    lines.append(
      (
        escaped(row.experiment),
        verdicts.label(row),
        str(row.records[0].step),
        str(row.settings['samples']),
        formatting.mean_std(row.results('kl_from_uniform')),
        formatting.published_value(row.published.get('kl')),
        fid,
        formatting.published_value(row.published.get('fid')),
        formatting.mean_std(_percent(row), digits=2),
        formatting.published_value(row.published.get('cas')),
        formatting.mean_std(row.results('frechet_annotator')),
        str(len(row.records)),
        footnotes.mark('; '.join([formatting.in_words(row.protocol()), *others])),
      )
    )
  return lines


def _by_frequency(rows):
  """Where each method's images are, and how far they are from the real ones there."""
  lines = [FREQUENCY_HEADER]
  for row in rows:
    if not row.results('head_medium_tail'):
      continue
    shares = ' / '.join(_thirds(row))
    for network in _networks(row) or ['-']:
      distances = (
        ' / '.join(map(_mean, zip(*values, strict=True))) if values else ' / '.join('---')
        for values in (row.results(f'{n}/{network}') for n in ('thirds_frechet', 'groups_frechet'))
      )
      lines.append((escaped(row.experiment), verdicts.label(row), shares, network, *distances))
  return lines


def _codes(rows):
  """How even the codes of the generated images are, of the runs with a recogniser."""
  lines = [('experiment', 'method', 'codes', 'KL of codes', 'Fréchet, recogniser', 'seeds')]
  for row in rows:
    values = row.results('code_kl_from_uniform')
    if values:
      distance = formatting.mean_std(row.results('frechet_recogniser'))
      codes = row.protocol()['codes']
      found = formatting.mean_std(values)
      lines.append((escaped(row.experiment), row.method, codes, found, distance, str(len(values))))
  return lines


def _quality(rows):
  """Kernel distance, precision, recall, density and coverage, where they were measured."""
  lines = [('experiment', 'method', 'features', 'KID x 1000', *NEAREST)]
  for row in rows:
    for network in _networks(row):
      values = [[1000 * kid for kid in row.results(f'kid/{network}')]]
      values += [row.results(f'{name}/{network}') for name in NEAREST]
      cells = [formatting.mean_std(column) for column in values]
      lines.append((escaped(row.experiment), verdicts.label(row), network, *cells))
  return lines


def _comparisons(rows):
  """Each method beside the baseline of its experiment."""
  compared = verdicts.compare(rows)
  every = {score for comparison in compared for score in comparison.verdicts}
  scores = [score for score in verdicts.scores() if score in every]
  names = map(verdicts.heading, scores)
  lines = [('experiment', 'method', 'against', *names, 'shared seeds')]
  for row, baseline, seeds, found in compared:
    cells = [_verdict(score, *found[score]) if score in found else '-' for score in scores]
    names = map(verdicts.label, (row, baseline))
    lines.append((escaped(row.experiment), *names, *cells, str(seeds)))
  return lines


def _verdict(score, verdict, interval):
  if interval is None:
    return verdict
  factor = 100 if score == 'cas' else 1
  return f'{verdict} [{", ".join(formatting.number(factor * end) for end in interval)}]'


def console(rows):
  """The rows as aligned plain text: method, KL, FID or Fréchet distance, CAS, images a class.

  Args:
    rows: a list of `Row`.

  Returns:
    A list of texts, one for each experiment and its set of classes.
  """
  blocks = {}
  for row in rows:
    blocks.setdefault((row.experiment, *counted(row)), []).append(row)
  return [_console_block(*key, block) for key, block in blocks.items()]


def pictures(rows, out):
  """Draws the classes of all rows beside each other, such as those of ablations.

  Args:
    rows: a list of `Row`.
    out: `Path` of the report, FILE.md; writes FILE_classes.png, and FILE_classes_2.png, ... of rows
      that were trained on images of other classes or frequencies.
  """
  from jaxgan.report.class_pictures import class_histogram

  groups = {}
  for row in rows:
    kind, labels = counted(row)
    counts = np.mean(row.results(f'{kind}_counts'), axis=0)
    groups.setdefault(labels, {})[_title(row, rows, groups.get(labels, ()))] = counts
  for number, (labels, counts) in enumerate(groups.items(), start=1):
    suffix = f'_{number}' if number > 1 else ''
    class_histogram(counts, labels, out.with_name(f'{out.stem}_classes{suffix}.png'))


def _title(row, rows, taken):
  """What tells a row from the others: its method, its experiment or both."""
  several = [len({r.experiment for r in rows}) > 1, len({verdicts.label(r) for r in rows}) > 1]
  names = zip((row.experiment, verdicts.label(row)), several, strict=True)
  title = ': '.join(name for name, tells in names if tells) or row.method
  numbered = (f'{title} ({number})' for number in itertools.count(2))
  return next(name for name in itertools.chain([title], numbered) if name not in taken)


def _console_block(experiment, kind, labels, rows):
  few = len(labels.names) <= MAX_CLASSES
  results = _CONSOLE[kind]
  scores = [*results, 'CAS (%)']
  thirds = THIRDS if kind == 'class' else ()
  lines = [['method', *scores, *(map(shown, labels.names) if few else thirds)]]
  if few:
    lines.append(['training data', *[''] * len(scores), *map(str, labels.counts)])
  for row in rows:
    if few:
      counts = zip(*row.results(f'{kind}_counts'), strict=True)
      classes = [f'{statistics.fmean(count):.0f}' for count in counts]
    else:
      classes = _thirds(row) if thirds else []
    values = [row.results(name) for name in results.values()]
    values = [formatting.mean_std(value) for value in values]
    values.append(formatting.mean_std(_percent(row), digits=2))
    lines.append([verdicts.label(row), *values, *classes])
  # Without a FID the Fréchet distance in the annotator's features stands in.
  measured = [any(line[i] not in ('', '-') for line in lines[1:]) for i in range(len(lines[0]))]
  optional = [lines[0].index(name) for name in ('FID', 'CAS (%)')]
  kept = [i for i in range(len(lines[0])) if measured[i] or i not in optional]
  table = formatting.aligned(experiment, [[line[i] for i in kept] for line in lines], rows)
  return '\n'.join([table, *map(verdicts.in_words, verdicts.compare(rows))])


def _mean(values):
  """The mean of those that are not None, as text."""
  values = [value for value in values if value is not None]
  return formatting.number(statistics.fmean(values)) if values else '-'


def _percent(row):
  """The classification accuracy scores, in the unit of the paper."""
  return [100 * value for value in row.results('cas')]


def _networks(row):
  """The networks in whose features the runs' images are compared."""
  return [network for network in NETWORKS if row.results(f'kid/{network}')]


def _thirds(row):
  thirds = zip(*row.results('head_medium_tail'), strict=True)
  return [f'{100 * statistics.fmean(shares):.1f} %' for shares in thirds]
