"""Rows of a report: records of all families, merged over seeds, splits and replicas."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import json
import os
from pathlib import Path
from typing import Any

from jaxgan.config import identity
from jaxgan.errors import UserError
from jaxgan.evaluation import metric
from jaxgan.evaluation import record as record_lib
from jaxgan.system import messages
from jaxgan.system.registry import MissingPartError

MAX_LISTED = 5  # with more values, a field shows the first and the last


@dataclass(frozen=True)
class Row:
  """The records of a method in an experiment that differ in their runs only.

  Attributes:
    family: the `jaxgan.runs.family.Family` of the method.
    experiment: the name of the experiment.
    method: the name of the method.
    records: one record per run.
    folders: the folder of each record.
    published: the paper's values in the form of the family's report, or {}.
    source: the paper of the published values, or ''.
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
    """The settings of all runs."""
    return self.records[0].settings

  def results(self, name: str) -> list:
    """Returns the runs' results with a name, without None and unmeasured results."""
    values = [record.results.get(name) for record in self.records]
    return [value for value in values if value is not None]

  def notes(self) -> list[str]:
    """Returns the distinct notes of the runs."""
    return list(dict.fromkeys(note for record in self.records for note in record.notes))

  def protocol(self) -> dict[str, str]:
    """Returns {field: text}; a field that differs between runs lists its values or their range."""
    runs = [{'step': record.step, **record.settings, **record.run} for record in self.records]
    fields = {}
    for name in dict.fromkeys(name for run in runs for name in run):
      values: list[Any] = [run.get(name) for run in runs]
      if all(isinstance(value, (int, float)) for value in values):
        values.sort()
      texts = list(dict.fromkeys(map(_text, values)))
      if len(texts) > MAX_LISTED:
        texts = [f'{texts[0]} to {texts[-1]} ({len(texts)} values)']
      fields[name] = ', '.join(texts)
    return fields


def collect(work_dirs: Iterable[str | os.PathLike[str]], families: Mapping[str, Any]) -> list[Row]:
  """Reads every evaluation.json in some folders, up to three levels below.

  Runs of the same experiment, method and step with equal settings become one row. A second record
  of the same split and seed starts another row, because it is not an independent run.

  Args:
    work_dirs: the folders.
    families: {name: family}; reading a folder may register further families.

  Returns:
    The rows, sorted by family, experiment and method.

  Raises:
    UserError: a folder has no evaluation, an evaluation is damaged, or its published values do not
      exist.
  """
  paths = {}
  for folder in work_dirs:
    found = [
      path
      for below in ('', '*/', '*/*/', '*/*/*/')
      for path in sorted(Path(folder).glob(below + record_lib.NAME))
    ]
    if not found and not Path(folder).exists():
      raise UserError(
        f'{folder}: no such folder; expected a work directory, such as runs/fashion_lt'
      )
    if not found:
      raise UserError(
        f'{folder}: no {record_lib.NAME} there or up to three levels below: '
        'train to the end, or run jaxgan evaluate'
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
  """Reads a record, checks it with the metrics of its family, and returns (record, family)."""
  record, missing = record_lib.read(path), None
  for folder in (path.parent, path.parent.parent):  # The configuration is above a replica's folder.
    if (folder / identity.NAME).exists():
      try:
        identity.content(folder)  # Imports what registered the method and its metrics.
      except MissingPartError as error:  # A record of a known method is readable without it.
        missing = error
  found = [family for family in families.values() if record.method in family.methods]
  if missing:
    if not found:
      raise missing
    messages.message(f'{missing}; the report leaves out what it registered')
  try:
    if not found:
      raise ValueError(f'unknown method {record.method!r}')
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
