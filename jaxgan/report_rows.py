"""Rows of a report: evaluations read, merged over seeds and put into words, whatever their kind."""

from dataclasses import dataclass
from importlib import resources
import json
import statistics

from jaxgan.errors import UserError

MAX_LISTED = 5  # more values of a protocol's field are given by their ends


@dataclass(frozen=True)
class Row:
  """The evaluations of one method in one experiment that differ by their seed or replica.

  Attributes:
    experiment: its name.
    method: its name.
    evaluations: what the runs' evaluation.json hold, one dict a run.
    folders: where they lie, one `Path` a run.
    published: the paper's values, as the kind of the evaluation has them, or empty.
    source: where the published values are from; empty when there are none.
  """

  experiment: str
  method: str
  evaluations: tuple
  folders: tuple
  published: dict
  source: str

  def results(self, name):
    """The runs' results of that name, without those that were left out (null)."""
    values = [evaluation['results'][name] for evaluation in self.evaluations]
    return [value for value in values if value is not None]

  def notes(self):
    """The runs' notes, each once."""
    return list(dict.fromkeys(n for evaluation in self.evaluations for n in evaluation['notes']))

  def protocol(self):
    """{field: text}; of a field that differs between the runs, the values or their ends."""
    protocols = [evaluation['protocol'] for evaluation in self.evaluations]
    fields = {}
    for name in dict.fromkeys(name for protocol in protocols for name in protocol):
      values = [protocol.get(name) for protocol in protocols]
      if all(isinstance(value, (int, float)) for value in values):
        values.sort()
      texts = list(dict.fromkeys(map(_text, values)))
      if len(texts) > MAX_LISTED:
        texts = [f'{texts[0]} to {texts[-1]} ({len(texts)} values)']
      fields[name] = ', '.join(texts)
    return fields


class Footnotes:
  """Numbered footnotes, the same text once."""

  def __init__(self):
    """Starts without any."""
    self.texts = []

  def mark(self, text):
    """The mark of a footnote, such as [^1]."""
    if text not in self.texts:
      self.texts.append(text)
    return f'[^{self.texts.index(text) + 1}]'

  def lines(self):
    """The footnotes in Markdown."""
    return [f'[^{number}]: {text}' for number, text in enumerate(self.texts, start=1)]


def read(path, kind_of):
  """The evaluation in a file, checked.

  Args:
    path: the file.
    kind_of: evaluation -> its kind, whose `check` raises where a field of its own is wrong.

  Raises:
    UserError: the file is damaged.
  """
  try:
    evaluation = {'published': None, 'notes': []} | json.loads(path.read_text(encoding='utf-8'))
    texts = [evaluation['experiment'], evaluation['method'], *evaluation['class_names']]
    texts += [*evaluation['notes'], evaluation['published'] or '']
    if not all(isinstance(text, str) for text in texts):
      raise ValueError('a name is not a text')
    if len(evaluation['class_names']) != len(evaluation['train_counts']):
      raise ValueError('class_names and train_counts differ in length')
    check_numbers(evaluation['train_counts'])
    kind_of(evaluation).check(evaluation)
  except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
    raise UserError(
      f'{path} is damaged ({type(error).__name__}: {error}); run --mode=evaluate again'
    ) from error
  return evaluation


def in_words(protocol):
  """What `Row.protocol` returns, as text."""
  return '; '.join(f'{name.replace("_", " ")}: {text}' for name, text in protocol.items())


def check_numbers(values):
  """Raises ValueError unless all are numbers."""
  if not all(isinstance(value, (int, float)) for value in values):
    raise ValueError('a result is not a number')


def merge(evaluations, kind_of):
  """Merges the evaluations that differ by nothing but their seed or replica.

  A run that comes up again starts a row of its own: it is no independent run.

  Args:
    evaluations: [(evaluation, folder)].
    kind_of: evaluation -> its kind: `settings(evaluation)` must agree in the runs of a row, and
      `run(evaluation)` must differ; `published(evaluation)` are the paper's values.

  Returns:
    A list of `Row`, sorted by experiment and method.

  Raises:
    UserError: an evaluation names published values that are not there.
  """
  groups = {}
  for evaluation, folder in evaluations:
    kind = kind_of(evaluation)
    same = [
      *(evaluation[name] for name in ('experiment', 'method', 'published', 'class_names')),
      kind.settings(evaluation),
    ]
    run, repeat = json.dumps(kind.run(evaluation)), 0
    while run in groups.get(key := json.dumps([*same, repeat], sort_keys=True), {}):
      repeat += 1
    groups.setdefault(key, {})[run] = (evaluation, folder)

  rows = []
  for runs in groups.values():
    members, folders = zip(*runs.values(), strict=True)
    first = members[0]
    published, source = kind_of(first).published(first)
    rows.append(Row(first['experiment'], first['method'], members, folders, published, source))
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
    raise not_published(dotted)
  return values, published[dotted.split('.')[0]]['source']


def not_published(name):
  """The UserError for published values that are not there."""
  return UserError(f"'{name}' is not in published_results.json: correct config.published")


def sources(rows):
  """The papers that the rows' published values are from, as a sentence each."""
  return ''.join(f' Published: {s}.' for s in dict.fromkeys(row.source for row in rows) if s)


def mean_std(values, digits=None):
  """Mean ± sample standard deviation (n) as text; '-' for no value, one value as it is.

  Args:
    values: numbers.
    digits: how many after the point; by default 3 for numbers below 10 and otherwise 2.
  """
  if not values:
    return '-'
  text = number(statistics.fmean(values), digits)
  if len(values) > 1:
    text += f' ± {number(statistics.stdev(values), digits)} ({len(values)})'
  return text


def published_value(value, digits=2):
  """A published value, or mean and standard deviation, as text; '-' for None."""
  if value is None:
    return '-'
  return ' ± '.join(number(v, digits) for v in (value if isinstance(value, list) else [value]))


def number(value, digits=None):
  """A number as text, with so many digits after the point."""
  if digits is None:
    digits = 3 if abs(value) < 10 else 2
  return f'{value:.{digits}f}'


def markdown(lines):
  """Lines of cells, the first one the header, as a Markdown table."""
  lines = [lines[0], ['---'] * len(lines[0]), *lines[1:]]
  return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def aligned(title, lines, rows):
  """Lines of cells as aligned plain text, under a title and above the rows' notes."""
  widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
  text = [title]
  for first, *cells in lines:
    cells = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
    text.append('  '.join([first.ljust(widths[0]), *cells]).rstrip())
  return '\n'.join([*text, *dict.fromkeys(note for row in rows for note in row.notes())])


def _text(value):
  if value is None:
    return '-'
  return f'{value:.4g}' if isinstance(value, float) else str(value)
