"""Rows of a report: evaluations read, checked and merged over seeds, whatever their family."""

from dataclasses import dataclass
import json

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
    published: the paper's values, as the report of the family has them, or empty.
    source: where the published values are from; empty when there are none.
  """

  experiment: str
  method: str
  evaluations: tuple
  folders: tuple
  published: dict
  source: str

  def results(self, name):
    """The runs' results of that name, without those left out: null, or not measured at the time."""
    values = [evaluation['results'].get(name) for evaluation in self.evaluations]
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


def read(path, report_of):
  """The evaluation in a file, checked.

  Args:
    path: the file.
    report_of: evaluation -> its family's report, whose `check` raises where a field is wrong.

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
    report_of(evaluation).check(evaluation)
  except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
    raise UserError(
      f'{path} is damaged ({type(error).__name__}: {error}); run --mode=evaluate again'
    ) from error
  return evaluation


def check_numbers(values):
  """Raises ValueError unless all are numbers."""
  if not all(isinstance(value, (int, float)) for value in values):
    raise ValueError('a result is not a number')


def merge(evaluations, report_of):
  """Merges the evaluations that differ by nothing but their seed or replica.

  A run that comes up again starts a row of its own: it is no independent run.

  Args:
    evaluations: [(evaluation, folder)].
    report_of: evaluation -> the report of its family: `settings(evaluation)` must agree in the
      runs of a row, and `run(evaluation)` must differ; `published(evaluation)` are the paper's
      values.

  Returns:
    A list of `Row`, sorted by experiment and method.

  Raises:
    UserError: an evaluation names published values that are not there.
  """
  groups = {}
  for evaluation, folder in evaluations:
    family_report = report_of(evaluation)
    same = [
      *(evaluation[name] for name in ('experiment', 'method', 'published')),
      family_report.settings(evaluation),
    ]
    run, repeat = json.dumps(family_report.run(evaluation)), 0
    while run in groups.get(key := json.dumps([*same, repeat], sort_keys=True), {}):
      repeat += 1
    groups.setdefault(key, {})[run] = (evaluation, folder)

  rows = []
  for runs in groups.values():
    members, folders = zip(*runs.values(), strict=True)
    first = members[0]
    published, source = report_of(first).published(first)
    rows.append(Row(first['experiment'], first['method'], members, folders, published, source))
  return sorted(rows, key=lambda row: (row.experiment, row.method))


def _text(value):
  if value is None:
    return '-'
  if isinstance(value, list):
    return ' '.join(map(_text, value))
  return f'{value:.4g}' if isinstance(value, float) else str(value)
