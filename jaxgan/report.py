"""Report: the evaluations of many runs in one table, beside the published numbers."""

from dataclasses import dataclass
from importlib import resources
import json
from pathlib import Path
import statistics

from jaxgan.errors import UserError
from jaxgan.logging import replace_file
from jaxgan.metrics.class_distribution import THIRDS

EVALUATION_FILE = 'evaluation.json'
MAX_CLASSES = 10  # console_table shows more as head, medium and tail
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


@dataclass(frozen=True)
class Row:
  """The evaluations of one method in one experiment that differ by their seed.

  Attributes:
    experiment: its name.
    method: its name.
    evaluations: what the runs' evaluation.json hold, one dict a seed.
    published: the paper's values ({"fid": [mean, std], "kl": value, ...}), or empty.
    source: where the published values are from; empty when there are none.
  """

  experiment: str
  method: str
  evaluations: tuple
  published: dict
  source: str

  def results(self, name):
    """The runs' results of that name, without those that were left out (null)."""
    values = [evaluation['results'][name] for evaluation in self.evaluations]
    return [value for value in values if value is not None]


def report(work_dirs, out=None):
  """The Markdown table of all evaluations under some folders.

  Args:
    work_dirs: folders that hold evaluation.json, or whose folders do.
    out: a file that also gets the table, or None.

  Returns:
    The text.

  Raises:
    UserError: a folder has no evaluation, an evaluation is damaged, or `out`
      cannot be written.
  """
  text = markdown_table(collect(work_dirs))
  if out is not None:
    try:
      replace_file(out, (text + '\n').encode())
    except OSError as error:
      raise UserError(f'cannot write the report to {out}: {error.strerror}') from error
  return text


def collect(work_dirs):
  """Reads every evaluation.json in the folders and up to two levels below.

  Runs of the same experiment and method become one row when their protocols
  agree in all but seed, hardware, JAX version and trained classifiers. A seed
  that comes up again starts a row of its own: it is no independent run.

  Args:
    work_dirs: folders.

  Returns:
    A list of `Row`, sorted by experiment and method.

  Raises:
    UserError: a folder has no evaluation, or an evaluation is damaged.
  """
  paths = {}
  for folder in work_dirs:
    found = [
      path
      for below in ('', '*/', '*/*/')
      for path in sorted(Path(folder).glob(below + EVALUATION_FILE))
    ]
    if not found:
      raise UserError(
        f'{folder}: no {EVALUATION_FILE} there or up to two levels below; run --mode=evaluate'
      )
    paths |= {path.resolve(): path for path in found}

  groups, values = {}, {}
  for path in paths.values():
    evaluation = _read(path)
    protocol = evaluation['protocol']
    settings = {name: value for name, value in protocol.items() if name not in VARIES_WITH_SEED}
    same = [
      evaluation['experiment'],
      evaluation['method'],
      evaluation['published'],
      settings,
      evaluation['class_names'],
      evaluation['train_counts'],
    ]
    repeat = 0
    while protocol.get('seed') in groups.get(key := json.dumps([*same, repeat]), {}):
      repeat += 1
    groups.setdefault(key, {})[protocol.get('seed')] = evaluation
    values[key] = published_values(evaluation['published'])

  rows = [
    Row(*json.loads(key)[:2], tuple(runs.values()), *values[key]) for key, runs in groups.items()
  ]
  return sorted(rows, key=lambda row: (row.experiment, row.method))


def published_values(dotted):
  """The values of a row of published_results.json and the paper they are from.

  Args:
    dotted: the row, such as 'class_balancing_gan.cifar10.class_balancing.100'; None for no row.

  Returns:
    ({'fid': [mean, std], 'kl': value, ...}, source); ({}, '') for no row.

  Raises:
    UserError: there is no such row.
  """
  if dotted is None:
    return {}, ''
  published = json.loads(resources.files('jaxgan').joinpath('published_results.json').read_text())
  values = published
  for name in dotted.split('.'):
    values = values.get(name) if isinstance(values, dict) else None
  if not isinstance(values, dict):
    raise UserError(f"'{dotted}' is not in published_results.json: correct config.published")
  return values, published[dotted.split('.')[0]]['source']


def markdown_table(rows):
  """The rows as a Markdown table, with a footnote for each row's protocol and each gap.

  Args:
    rows: what `collect` returns.

  Returns:
    The text.
  """
  notes = []

  def mark(text):
    if text not in notes:
      notes.append(text)
    return f'[^{notes.index(text) + 1}]'

  lines = [HEADER, ['---'] * len(HEADER)]
  for row in rows:
    protocol = row.evaluations[0]['protocol']
    recorded = [note for evaluation in row.evaluations for note in evaluation['notes']]
    fid = _mean_std(row.results('fid'))
    if len(row.results('fid')) < len(row.evaluations):
      reasons = dict.fromkeys(note for note in recorded if note.startswith('FID'))
      fid += mark('; '.join(reasons) or 'FID left out: no reason was recorded.')
    others = dict.fromkeys(note for note in recorded if not note.startswith('FID'))
    thirds = row.results('head_medium_tail')
    lines.append(
      (
        row.experiment,
        row.method,
        str(protocol['step']),
        str(protocol['samples']),
        _mean_std(row.results('kl_from_uniform')),
        _published_value(row.published.get('kl')),
        fid,
        _published_value(row.published.get('fid')),
        _mean_std(row.results('frechet_annotator')),
        ' / '.join(f'{100 * statistics.fmean(t[name] for t in thirds):.1f} %' for name in THIRDS),
        str(len(row.evaluations)),
        mark('; '.join([_protocol(row), *others])),
      )
    )
  sources = dict.fromkeys(row.source for row in rows if row.source)
  explanation = EXPLANATION + ''.join(f' Published: {source}.' for source in sources)
  table = [f'| {" | ".join(line)} |' for line in lines]
  footnotes = [f'[^{number}]: {note}' for number, note in enumerate(notes, start=1)]
  return '\n'.join([*table, '', explanation, '', *footnotes])


def console_table(rows):
  """The rows as aligned plain text: method, KL, FID or Fréchet distance, images a class.

  Args:
    rows: what `collect` returns.

  Returns:
    The text, one block for each experiment and its set of classes.
  """
  blocks = {}
  for row in rows:
    first = row.evaluations[0]
    key = json.dumps([row.experiment, first['class_names'], first['train_counts']])
    blocks.setdefault(key, []).append(row)
  return '\n\n'.join(_console_block(*json.loads(key), block) for key, block in blocks.items())


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
      thirds = row.results('head_medium_tail')
      classes = [f'{100 * statistics.fmean(t[name] for t in thirds):.1f} %' for name in THIRDS]
    scores = ('kl_from_uniform', 'fid', 'frechet_annotator')
    lines.append([row.method, *(_mean_std(row.results(name)) for name in scores), *classes])
  # The Fréchet distance in the annotator's features stands in for a FID that nobody has.
  if all(line[2] in ('', '-') for line in lines[1:]):
    lines = [line[:2] + line[3:] for line in lines]
  widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
  text = [experiment]
  for method, *cells in lines:
    cells = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
    text.append('  '.join([method.ljust(widths[0]), *cells]))
  notes = (note for row in rows for evaluation in row.evaluations for note in evaluation['notes'])
  return '\n'.join([*text, *dict.fromkeys(notes)])


def _protocol(row):
  """The protocol in words; what differs between the seeds is listed for each."""
  protocols = [evaluation['protocol'] for evaluation in row.evaluations]
  parts = []
  for name in dict.fromkeys(name for protocol in protocols for name in protocol):
    values = dict.fromkeys(_text(protocol.get(name)) for protocol in protocols)
    parts.append(f'{name.replace("_", " ")}: {", ".join(values)}')
  return '; '.join(parts)


def _text(value):
  if value is None:
    return '-'
  return f'{value:.4g}' if isinstance(value, float) else str(value)


def _mean_std(values):
  if not values:
    return '-'
  text = _number(statistics.fmean(values))
  if len(values) > 1:
    text += f' ± {_number(statistics.stdev(values))} ({len(values)})'
  return text


def _published_value(value):
  if value is None:
    return '-'
  return ' ± '.join(f'{v:.2f}' for v in (value if isinstance(value, list) else [value]))


def _number(value):
  return f'{value:.3f}' if abs(value) < 10 else f'{value:.2f}'


def _read(path):
  """The evaluation in a file, checked."""
  try:
    evaluation = {'published': None, 'notes': []} | json.loads(path.read_text(encoding='utf-8'))
    _check(evaluation)
  except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
    raise UserError(
      f'{path} is damaged ({type(error).__name__}: {error}); run --mode=evaluate again'
    ) from error
  return evaluation


def _check(evaluation):
  results, protocol = evaluation['results'], evaluation['protocol']
  numbers = [results['kl_from_uniform'], *(results['head_medium_tail'][name] for name in THIRDS)]
  numbers += [*results['class_counts'], *evaluation['train_counts']]
  optional = [results['fid'], results.setdefault('frechet_annotator', None)]
  numbers += [value for value in optional if value is not None]
  if not all(isinstance(value, (int, float)) for value in numbers):
    raise ValueError('a result is not a number')
  texts = [evaluation['experiment'], evaluation['method'], *evaluation['class_names']]
  texts += [*evaluation['notes'], evaluation['published'] or '']
  if not all(isinstance(text, str) for text in texts):
    raise ValueError('a name is not a text')
  if not (
    len(evaluation['class_names'])
    == len(evaluation['train_counts'])
    == len(results['class_counts'])
  ):
    raise ValueError('class_names, train_counts and class_counts differ in length')
  for name in ('step', 'samples'):
    int(protocol[name])
