"""Report on class balance: KL divergence, FID and class shares of each method."""

import json
import statistics

from jaxgan.metrics.class_distribution import THIRDS
from jaxgan.report import formatting
from jaxgan.report.published import published_values, sources
from jaxgan.report.rows import check_numbers

TITLE = 'Class balance'
MAX_CLASSES = 10  # the terminal's table shows more as head, medium and tail
# What runs that are averaged may differ in (the annotator is trained with the run's seed);
# all else in the protocol must agree.
VARIES_WITH_SEED = (
  'seed',
  'hardware',
  'jax',
  'annotator_accuracy',
  'classifier_accuracy',
  'feature_network',
)
HEADER = (
  'experiment',
  'method',
  'steps',
  'samples',
  'KL (ours)',
  'KL (published)',
  'FID (ours)',
  'FID (published)',
  'Fréchet, annotator',
  'head / medium / tail',
  'seeds',
  'protocol',
)
EXPLANATION = (
  "KL: divergence of the annotator's label histogram from uniform, in nats. Fréchet, annotator: "
  "Fréchet distance in the annotator's features, not comparable with FID. head / medium / tail: "
  'shares of the generated images in the thirds of the classes by training frequency. '
  'Ours: mean ± sample standard deviation (number of seeds).'
)


def check(evaluation):
  """Raises where the results or the protocol are not as they should be."""
  results, protocol = evaluation['results'], evaluation['protocol']
  optional = [results['fid'], results.setdefault('frechet_annotator', None)]
  check_numbers(
    [
      results['kl_from_uniform'],
      *(results['head_medium_tail'][name] for name in THIRDS),
      *results['class_counts'],
      *(value for value in optional if value is not None),
    ]
  )
  if len(results['class_counts']) != len(evaluation['class_names']):
    raise ValueError('class_names and class_counts differ in length')
  for name in ('step', 'samples'):
    int(protocol[name])


def settings(evaluation):
  """What must agree in the runs of a row."""
  protocol = evaluation['protocol'].items()
  return [
    {name: value for name, value in protocol if name not in VARIES_WITH_SEED},
    evaluation['train_counts'],
  ]


def run(evaluation):
  """What tells the runs of a row apart: the seed."""
  return evaluation['protocol'].get('seed')


def published(evaluation):
  """The paper's values of the method and their source."""
  return published_values(evaluation['published'])


def section(rows, footnotes):
  """The rows as a Markdown table, with a footnote for each row's protocol and each gap.

  Args:
    rows: a list of `Row`.
    footnotes: `Footnotes`, which gets them.

  Returns:
    The text.
  """
  lines = [HEADER]
  for row in rows:
    fid = formatting.mean_std(row.results('fid'))
    if len(row.results('fid')) < len(row.evaluations):
      reasons = [note for note in row.notes() if note.startswith('FID')]
      fid += footnotes.mark('; '.join(reasons) or 'FID left out: no reason was recorded.')
    others = [note for note in row.notes() if not note.startswith('FID')]
    protocol = row.evaluations[0]['protocol']
    lines.append(
      (
        row.experiment,
        row.method,
        str(protocol['step']),
        str(protocol['samples']),
        formatting.mean_std(row.results('kl_from_uniform')),
        formatting.published_value(row.published.get('kl')),
        fid,
        formatting.published_value(row.published.get('fid')),
        formatting.mean_std(row.results('frechet_annotator')),
        ' / '.join(_thirds(row)),
        str(len(row.evaluations)),
        footnotes.mark('; '.join([formatting.in_words(row.protocol()), *others])),
      )
    )
  return f'{formatting.markdown(lines)}\n\n{EXPLANATION}{sources(rows)}'


def console(rows):
  """The rows as aligned plain text: method, KL, FID or Fréchet distance, images a class.

  Args:
    rows: a list of `Row`.

  Returns:
    A list of texts, one for each experiment and its set of classes.
  """
  blocks = {}
  for row in rows:
    first = row.evaluations[0]
    key = json.dumps([row.experiment, first['class_names'], first['train_counts']])
    blocks.setdefault(key, []).append(row)
  return [_console_block(*json.loads(key), block) for key, block in blocks.items()]


def pictures(rows, out):
  """Draws nothing: the pictures beside the evaluations show the methods side by side."""
  del rows, out


def _console_block(experiment, class_names, train_counts, rows):
  few = len(class_names) <= MAX_CLASSES
  lines = [['method', 'KL', 'FID', 'Fréchet (annotator)', *(class_names if few else THIRDS)]]
  if few:
    lines.append(['training data', '', '', '', *map(str, train_counts)])
  for row in rows:
    if few:
      counts = zip(*row.results('class_counts'), strict=True)
      classes = [f'{statistics.fmean(count):.0f}' for count in counts]
    else:
      classes = _thirds(row)
    scores = ('kl_from_uniform', 'fid', 'frechet_annotator')
    scores = [formatting.mean_std(row.results(name)) for name in scores]
    lines.append([row.method, *scores, *classes])
  # The Fréchet distance in the annotator's features stands in for a FID that nobody has.
  if all(line[2] in ('', '-') for line in lines[1:]):
    lines = [line[:2] + line[3:] for line in lines]
  return formatting.aligned(experiment, lines, rows)


def _thirds(row):
  thirds = row.results('head_medium_tail')
  return [f'{100 * statistics.fmean(t[name] for t in thirds):.1f} %' for name in THIRDS]
