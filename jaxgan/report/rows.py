"""Rows of a report: records merged over seeds, splits and replicas, whatever their family."""

from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from jaxgan.config import identity
from jaxgan.errors import UserError
from jaxgan.evaluation import metric
from jaxgan.evaluation import record as record_lib

MAX_LISTED = 5  # more values of a field are given by their ends


@dataclass(frozen=True)
class Row:
  """The records of one method in one experiment that differ by their run alone.

  Attributes:
    family: of the method, a `jaxgan.runs.family.Family`.
    experiment: its name.
    method: its name.
    records: one a run.
    folders: where they lie, one `Path` a run.
    published: the paper's values, as the report of the family has them, or empty.
    source: where the published values are from; empty when there are none.
  """

  family: Any
  experiment: str
  method: str
  records: tuple[record_lib.EvaluationRecord, ...]
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


def collect(work_dirs, families):
  """Reads every evaluation.json in the folders and up to three levels below.

  Runs of the same experiment and method become one row when their protocols agree in all but what
  their family lets differ, such as the seed. A run that comes up again starts a row of its own: it
  is no independent run.

  Args:
    work_dirs: folders.
    families: {name: family}, where reading a folder may register more.

  Returns:
    A list of `Row`, sorted by family, experiment and method.

  Raises:
    UserError: a folder has no evaluation, an evaluation is damaged, or a record names published
      values that are not there.
  """
  paths = {}
  for folder in work_dirs:
    found = [
      path
      for below in ('', '*/', '*/*/', '*/*/*/')
      for path in sorted(Path(folder).glob(below + record_lib.NAME))
    ]
    if not found:
      raise UserError(
        f'{folder}: no {record_lib.NAME} there or up to three levels below; run jaxgan evaluate'
      )
    paths |= {path.resolve(): path for path in found}
  records, groups = [_read(path, families) for path in paths.values()], {}
  for (record, family), path in zip(records, paths.values(), strict=True):
    same = [record.experiment, record.method, record.published, record.step, record.settings]
    run, repeat = (record.run.get('split'), record.run.get('seed')), 0
    while run in groups.get(key := json.dumps([*same, repeat], sort_keys=True), {}):
      repeat += 1
    groups.setdefault(key, {})[run] = (record, path.parent, family)
  rows = []
  for runs in groups.values():
    members, folders, (family, *_) = zip(*runs.values(), strict=True)
    first, published = members[0], family.published(members[0])
    rows.append(Row(family, first.experiment, first.method, members, folders, *published))
  order = list(families.values())
  return sorted(rows, key=lambda row: (order.index(row.family), row.experiment, row.method))


def _read(path, families):
  """The record in a file, checked by the metrics of its family, and that family."""
  record = record_lib.read(path)
  for folder in (path.parent, path.parent.parent):  # That of a replica has no configuration.
    if (folder / identity.NAME).exists():
      identity.content(folder)  # Imports what registered the method and its metrics.
  try:
    found = [family for family in families.values() if record.method in family.methods]
    if not found:
      raise ValueError(f'there is no method {record.method!r}')
    metric.check(found[0].metrics, record)
  except ValueError as error:
    raise record_lib.damaged(path, error) from error
  return record, found[0]


def _text(value):
  if value is None:
    return '-'
  if isinstance(value, list):
    return ' '.join(map(_text, value))
  return f'{value:.4g}' if isinstance(value, float) else str(value)
