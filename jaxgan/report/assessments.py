"""Assessments of methods in reports: the evidence of a row, and its sentences."""

from collections.abc import Iterable, Mapping, Sequence
import pathlib
import statistics
import textwrap
from typing import Any

from jaxgan.config import identity
from jaxgan.errors import UserError
from jaxgan.evaluation import assessment, verdicts, yardsticks
from jaxgan.report import tables
from jaxgan.report.rows import Row
from jaxgan.training import logging

TITLE = 'Did it work?'
TRAINING, TEST, REFERENCE = 'real training images', 'real test images', 'real reference images'
MOST = 12  # Methods; a report on more compares results instead of explaining each.
_WIDTH = 80


def assessed(rows: Sequence[Row]) -> list[tuple[str, list[str]]]:
  """Assesses each method; returns [] for more than `MOST` methods.

  Args:
    rows: the rows.

  Returns:
    [(the method with its step, its sentences)].
  """
  if len(rows) > MOST:
    return []
  several, found = len({row.experiment for row in rows}) > 1, []
  for row in rows:
    name = ': '.join([row.experiment, verdicts.label(row)] if several else [verdicts.label(row)])
    if sentences := [one.text for one in row.family.assess(evidence(row))]:
      found.append((f'{name}, step {row.records[0].step:,}', sentences))
  return found


def texts(rows: Sequence[Row]) -> list[str]:
  """Writes the result of `assessed` as a paragraph for each method."""
  return [f'{name}. {" ".join(sentences)}' for name, sentences in assessed(rows)]


def console(rows: Sequence[Row]) -> str:
  """Writes the result of `assessed` for a terminal, a sentence a line; '' without any."""
  lines = []
  for name, sentences in assessed(rows):
    lines += [f'{TITLE} {name}', *map(_wrapped, sentences)]
  return '\n'.join(lines)


def _wrapped(sentence):
  # A command and a path stay in one piece, to be copied.
  wrapper = textwrap.TextWrapper(
    _WIDTH,
    initial_indent='  ',
    subsequent_indent='    ',
    break_on_hyphens=False,
    break_long_words=False,
  )
  return wrapper.fill(sentence)


def evidence(row: Row) -> assessment.Evidence:
  """Gathers the evidence of a row: means over its runs of results, yardsticks and logs."""
  found, folder = yardsticks_of([row]), pathlib.Path(row.folders[0])
  method = folder.parent if folder.name.startswith('replica_') else folder
  counted = row.records[0].counted_by or ''
  kind = {'classes': 'class', 'codes': 'code'}.get(counted, '')
  has_codes = 'prior' in row.records[0].results
  picture = method / 'code_grid.png' if has_codes else method.parent / f'samples_by_{kind}.png'
  return assessment.Evidence(
    results=_mean([record.results for record in row.records]),
    settings=row.settings,
    labels=row.records[0].labels,
    training=_mean([one.training for one in found]),
    test=_mean([one.test for one in found]),
    log=_mean_log([logging.read_metrics(folder) for folder in row.folders]),
    longer=_longer(method, row.records[0].step),
    evaluate=f'jaxgan evaluate --workdir={method.parent} --method={row.method}',
    export=f'jaxgan export --workdir={method.parent} --method={row.method}',
    pictures=str(picture),
  )


def yardsticks_of(rows: Iterable[Row]) -> list[yardsticks.Yardsticks]:
  """Reads the distinct yardsticks of rows; [] for work directories without them.

  Yardsticks of other images or networks than the record's are left out, and so is an accuracy score
  of another classifier.
  """
  found = {}
  for row in rows:
    for folder, record in zip(row.folders, row.records, strict=True):
      folder = pathlib.Path(folder)
      workdir = folder.parent.parent if folder.name.startswith('replica_') else folder.parent
      base = workdir / yardsticks.FOLDER
      for place in (base, base / folder.name):
        if place not in found and (own := yardsticks.read(place)) and _belongs(own, record):
          found[place] = own if _scored_alike(own, record) else _without_score(own)
  return list(found.values())


def _belongs(own, record) -> bool:
  settings = {name: own.settings.get(name) for name in ('data', 'reference', 'reference_weights')}
  theirs = {name: record.settings.get(name) for name in settings}
  networks = str(record.run.get('feature_network', '')).split(', ')
  keys = {network.partition(': ')[2] for network in networks}
  known = own.settings.get('networks')
  return settings == theirs and isinstance(known, list) and keys <= set(map(str, known))


def _scored_alike(own, record) -> bool:
  names = ('cas_network', 'cas_epochs')
  return all(own.settings.get(name) == record.settings.get(name) for name in names)


def _without_score(own):
  training = {name: value for name, value in own.training.items() if name != 'cas'}
  return own.model_copy(update={'training': training})


def entries(rows: Sequence[Row]) -> dict[str, tables.Entry]:
  """Returns {name of real images: Entry}, the rows of tables with their scores."""
  found = yardsticks_of(rows)
  if not found:
    return {}
  test = TEST if all(one.settings.get('reference_is_test') for one in found) else REFERENCE

  def results(sets):
    return lambda name: [own[name] for own in sets if own.get(name) is not None]

  return {
    TRAINING: tables.Entry(results([one.training for one in found])),
    test: tables.Entry(results([one.test for one in found])),
  }


def protocol(rows: Sequence[Row]) -> str:
  """Writes how the real images of rows were measured, as one sentence; '' without any."""
  found = yardsticks_of(rows)
  if not found:
    return ''
  settings = found[0].settings
  weighted = settings.get('reference_weights')
  parts = [
    f'{settings["training_images"]:,} real training images, compared with '
    f'{settings["reference_images"]:,} reference images',
    f'real test images: means over {settings["halvings"]} random halvings of the reference, '
    f'{settings["half_images"]:,} images against {settings["half_images"]:,}, Fréchet distances '
    f'{settings["distance_of_halves"]}',
    *([f'in distances {weighted}'] if weighted else []),
  ]
  return f'Real images: {"; ".join(parts)}.'


def _longer(method: pathlib.Path, step: int) -> str:
  """The flag that doubles the length of a run."""
  try:
    train = identity.content(method).get('train', {})
  except UserError:  # A record without its run, as in experiments/results.
    train = {}
  if epochs := train.get('epochs'):
    return f'--config.train.epochs={2 * epochs}'
  return f'--config.train.steps={2 * (train.get("steps") or step)}'


def _mean(sets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
  """The means over runs of each result; lists element by element."""
  return {
    n: _mean_value([own.get(n) for own in sets]) for n in dict.fromkeys(k for s in sets for k in s)
  }


def _mean_value(values):
  known = [value for value in values if value is not None]
  if not known:
    return None
  if not isinstance(known[0], list):
    return statistics.fmean(known)
  if len({len(value) for value in known}) > 1:
    return None
  return [_mean_value(column) for column in zip(*known, strict=True)]


def _mean_log(logs):
  """The rows of several logs with evaluations, means of their scalars by step."""
  by_step = {}
  for rows in logs:
    for row in rows:
      own = {
        n: v for n, v in row.items() if isinstance(v, int | float) and n.startswith('evaluation/')
      }
      if own:
        by_step.setdefault(row['step'], []).append(own)
  return [{'step': step, **_mean(own)} for step, own in sorted(by_step.items())]
