"""Rows of a report: records merged over seeds, splits and replicas, whatever their family."""

from dataclasses import dataclass
import json

from jaxgan.evaluation.record import EvaluationRecord

MAX_LISTED = 5  # more values of a field are given by their ends


@dataclass(frozen=True)
class Row:
  """The records of one method in one experiment that differ by their run alone.

  Attributes:
    experiment: its name.
    method: its name.
    records: one a run.
    folders: where they lie, one `Path` a run.
    published: the paper's values, as the report of the family has them, or empty.
    source: where the published values are from; empty when there are none.
  """

  experiment: str
  method: str
  records: tuple[EvaluationRecord, ...]
  folders: tuple
  published: dict
  source: str

  @property
  def settings(self) -> dict:
    """What all runs have in common."""
    return self.records[0].settings

  def results(self, name):
    """The runs' results of that name, without those that are None or were not measured."""
    values = [record.results.get(name) for record in self.records]
    return [value for value in values if value is not None]

  def notes(self):
    """The runs' notes, each once."""
    return list(dict.fromkeys(note for record in self.records for note in record.notes))

  def protocol(self):
    """{field: text}; of a field that differs between the runs, the values or their ends."""
    runs = [{'step': record.step, **record.settings, **record.run} for record in self.records]
    fields = {}
    for name in dict.fromkeys(name for run in runs for name in run):
      values = [run.get(name) for run in runs]
      if all(isinstance(value, (int, float)) for value in values):
        values.sort()
      texts = list(dict.fromkeys(map(_text, values)))
      if len(texts) > MAX_LISTED:
        texts = [f'{texts[0]} to {texts[-1]} ({len(texts)} values)']
      fields[name] = ', '.join(texts)
    return fields


def merge(records, published):
  """Merges the records that differ by nothing but their run.

  A run that comes up again starts a row of its own: it is no independent run.

  Args:
    records: [(EvaluationRecord, folder)].
    published: record -> (the paper's values, their source).

  Returns:
    A list of `Row`, sorted by experiment and method.

  Raises:
    UserError: a record names published values that are not there.
  """
  groups = {}
  for record, folder in records:
    same = [record.experiment, record.method, record.published, record.step, record.settings]
    run, repeat = (record.run.get('split'), record.run.get('seed')), 0
    while run in groups.get(key := json.dumps([*same, repeat], sort_keys=True), {}):
      repeat += 1
    groups.setdefault(key, {})[run] = (record, folder)

  rows = []
  for runs in groups.values():
    members, folders = zip(*runs.values(), strict=True)
    first = members[0]
    rows.append(Row(first.experiment, first.method, members, folders, *published(first)))
  return sorted(rows, key=lambda row: (row.experiment, row.method))


def _text(value):
  if value is None:
    return '-'
  if isinstance(value, list):
    return ' '.join(map(_text, value))
  return f'{value:.4g}' if isinstance(value, float) else str(value)
