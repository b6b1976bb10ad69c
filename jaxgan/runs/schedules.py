"""Schedules of an experiment: fractions of the run become steps and epochs.

The first start of a job stores the whole numbers in its config.json, and in the field `fractions`
which of them were fractions. A later start with more steps keeps these numbers, so that a continued
run is the same run. See `jaxgan.config.spans`.
"""

from collections.abc import Callable, Iterator, Mapping
import functools
from typing import Any, NamedTuple

from jaxgan.config import spans
from jaxgan.config.overrides import changed
from jaxgan.data import order
from jaxgan.errors import UserError
from jaxgan.evaluation import cas
from jaxgan.runs import families, recogniser, rules
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.facts import OWN, Facts, classifier_folder, trained_by
from jaxgan.training.job import total_steps

_CLASSIFIERS = ('classifier', 'annotator', 'cas')


class Schedule(NamedTuple):
  """The spans of a section that were given as fractions.

  Attributes:
    section: its name, such as 'classifier.algorithm'.
    numbers: {field: whole number or tuple of them}.
    fractions: {field: fraction or tuple of fractions and whole numbers}.
    units: {field: 'steps' or 'epochs'}.
    lengths: {unit: the length of the run, None if it is unknown}.
  """

  section: str
  numbers: Mapping[str, Any]
  fractions: Mapping[str, Any]
  units: Mapping[str, str]
  lengths: Mapping[str, float | None]


def fixed(config: Experiment, facts: Facts | None = None) -> Experiment:
  """Replaces the fractions of an experiment by whole numbers, kept from an earlier start if any.

  Args:
    config: the experiment.
    facts: its facts; None: of an experiment without images and folders. A length that needs images
      is unknown before they are prepared; its spans become 1, which suits plans only.

  Returns:
    The changed copy; its field `fractions` tells what was replaced.
  """
  return _fixed(config, facts, '')


def schedules(config: Experiment, facts: Facts | None = None) -> list[Schedule]:
  """Lists the sections of a `fixed` experiment whose spans were given as fractions."""
  found = _schedules(config, facts, '')
  if config.recogniser is not None:
    found += _schedules(config.recogniser, facts, f'{recogniser.ROLE}.')
  return found


def steps(config: Experiment, facts: Facts | None, role: str = '') -> int | None:
  """The length of the methods, or of the classifier of a role, in steps; None if unknown."""
  train = getattr(config, role).train if role else config.train
  if train.steps is not None:
    return train.steps
  epoch = _epoch_of_role(config, facts, role) if role else _epoch_of_methods(config, facts)
  return (train.epochs or 0) * epoch if epoch else None


def epochs(config: Experiment, facts: Facts | None, role: str) -> float | None:
  """The length of the training of a classifier in epochs; None if unknown."""
  train = getattr(config, role).train
  if train.epochs is not None:
    return train.epochs
  epoch = _epoch_of_role(config, facts, role)
  return train.steps / epoch if epoch else None


def lines(config: Experiment, facts: Facts) -> list[str]:
  """Describes the schedules of a `fixed` experiment for `jaxgan plan`, one line per section."""
  found = []
  for own in schedules(config, facts):
    known = {unit: length for unit, length in own.lengths.items() if length is not None}
    shown = [
      f'{name}{f"={value}" if own.units[name] in known else ""} ({_in_words(own.fractions[name])})'
      for name, value in own.numbers.items()
      if not _is_kept(own, name)
    ]
    of = ' and '.join(
      f'{_length(length)} {unit[:-1] if length == 1 else unit}' for unit, length in known.items()
    )
    of = of or 'the run, whose length is known once the images are prepared'
    found += [f'schedule of config.{own.section}: {", ".join(shown)} of {of}'] if shown else []
  return found


def kept(config: Experiment, facts: Facts) -> list[str]:
  """Describes the numbers of a `fixed` experiment that come from a start with another length."""
  found = []
  for own in schedules(config, facts):
    for name, value in own.numbers.items():
      unit, fraction = own.units[name], own.fractions[name]
      length = own.lengths[unit]
      if length is not None and _is_kept(own, name):
        found.append(
          f'config.{own.section}.{name} stays at {value}: {_in_words(fraction)} of the length '
          f'at the first start, not of {_length(length)} {unit}'
        )
  return found


def _is_kept(own: Schedule, name: str) -> bool:
  """Whether the number of a field comes from a start with another length."""
  length = own.lengths[own.units[name]]
  if length is None:
    return False
  return _as_json(spans.whole(own.fractions[name], length)) != _as_json(own.numbers[name])


def _length(value: float) -> str:
  return f'{value:,.0f}' if value >= 1000 else f'{value:.4g}'


def _in_words(value) -> str:
  """Fractions as '20 %', whole numbers as they are, tuples with 'and'."""
  if isinstance(value, tuple | list):
    return ' and '.join(_in_words(part) for part in value)
  return f'{100 * value:.3g} %' if 0 < value < 1 else f'{value}'


def _as_json(value):
  """A value as config.json stores it: tuples are lists."""
  return list(value) if isinstance(value, tuple) else value


def _fixed(config, facts, within) -> Experiment:
  """See `fixed`; `within` is the folder of the experiment in the work directory, with a slash."""
  changes: dict[str, Any] = {}
  given = {}
  for name, section, lengths in _sections(config, facts, bool(within)):
    stored = {} if facts is None else _stored(config, facts, within, name, section)
    own, fractions = spans.resolved(section, lengths, stored)
    if fractions:
      changes[name] = own
      given |= {f'{name}.{field}': value for field, value in fractions.items()}
  if config.recogniser is not None:
    own = _fixed(config.recogniser, facts, f'{recogniser.ROLE}/')
    changes |= {recogniser.ROLE: own} if own is not config.recogniser else {}
  if given:
    changes['fractions'] = {**config.fractions, **given}
  return changed(config, changes) if changes else config


def _schedules(config, facts, prefix) -> list[Schedule]:
  found = []
  for name, section, lengths in _sections(config, facts, bool(prefix)):
    units = {field: span.unit for field, span in spans.spans(section).items()}
    given = {field: config.fractions.get(f'{name}.{field}') for field in units}
    if fractions := {field: value for field, value in given.items() if value is not None}:
      numbers = {field: getattr(section, field) for field in fractions}
      units = {field: units[field] for field in fractions}
      found.append(Schedule(f'{prefix}{name}', numbers, fractions, units, lengths))
  return found


def _sections(config, facts, is_nested: bool) -> Iterator[tuple[str, Any, dict]]:
  """Yields (name, section, lengths) of the sections `algorithm` of an experiment.

  The facts have the images of the classifiers of the outer experiment: in a nested one, a
  recogniser's, lengths that need the images of a classifier are unknown.
  """
  own = config.algorithm
  yield 'algorithm', own, _lengths(config.train, own, lambda: _epoch_of_methods(config, facts))
  for role in _CLASSIFIERS:
    if section := getattr(config, role):
      own = section.algorithm
      epoch = functools.partial(_epoch_of_role, config, None if is_nested else facts, role)
      yield f'{role}.algorithm', own, _lengths(section.train, own, epoch)


def _lengths(train, section, epoch: Callable[[], int | None]) -> dict[str, float | None]:
  """{unit: length of a run} of the units in a section; `epoch()` returns the steps of an epoch."""
  lengths: dict[str, float | None] = {'steps': train.steps, 'epochs': train.epochs}
  units = {span.unit for span in spans.spans(section).values()}
  for unit in units:
    if lengths[unit] is None and (steps := epoch()):
      lengths[unit] = train.epochs * steps if unit == 'steps' else train.steps / steps
  return {unit: lengths[unit] for unit in units}


def _epoch_of_methods(config, facts) -> int | None:
  """Steps of an epoch of the methods; None before the images are prepared."""
  if facts is None or OWN not in facts.images or facts.images[OWN].missing is not None:
    return None
  section, _ = spans.resolved(config.algorithm, {})
  one = changed(config, {'algorithm': section, 'train.epochs': 1})
  try:
    images_per_update = rules.untrained(one, facts, config.methods[0]).images_per_update
    return total_steps(one, facts.data, images_per_update)
  except (UserError, KeyError):  # A rule refuses the experiment.
    return None


def _epoch_of_role(config, facts, role) -> int | None:
  """Steps of an epoch of a classifier; None before the images are prepared."""
  key = OWN if role == 'cas' else role
  if facts is None or key not in facts.images or facts.images[key].missing is not None:
    return None
  number = len(facts.images[key].training.indices[0])
  if role == 'cas':
    number = cas.num_images(config, number)
  try:
    return order.steps_per_epoch(number, getattr(config, role).train.batch_size)
  except UserError:
    return None


def _stored(config, facts, within, name, section) -> dict[str, Any]:
  """{field: number} of an earlier start with the same fraction, or before fractions existed."""
  role, _, _ = name.partition('.')
  folders = []
  if role == 'cas':  # Each score trains a new classifier.
    return {}
  if role in _CLASSIFIERS and not within and trained_by(config, role, facts.workdir):
    folders.append((classifier_folder(config, role, facts.workdir).name, 'algorithm'))
  if role != 'annotator':
    methods = dict.fromkeys([*config.methods, *families.family_of(config.methods).methods])
    folders += [(f'{within}{method}', name) for method in methods]
    if within:  # The experiment's own methods store the section, too.
      folders += [(method, f'{recogniser.ROLE}.{name}') for method in facts.methods]
  found = {}
  for field, fraction in spans.fractions(section).items():
    for folder, path in folders:
      fields = facts.folders[folder].fields if folder in facts.folders else {}
      if (number := _number(fields, f'{path}.{field}', fraction)) is not None:
        found[field] = tuple(number) if isinstance(number, list) else number
        break
  return found


def _number(fields: Mapping[str, Any], path: str, fraction) -> Any:
  """The number that stands for a fraction in a config.json; None if there is none."""
  *sections, name = path.split('.')
  own: Any = fields
  for section in sections:
    own = own.get(section) if isinstance(own, Mapping) else None
  if not isinstance(own, Mapping) or name not in own:
    return None
  nested = fields
  if path.startswith(f'{recogniser.ROLE}.'):
    nested, path = fields[recogniser.ROLE], path.removeprefix(f'{recogniser.ROLE}.')
  if 'fractions' in nested and _as_json(nested['fractions'].get(path)) != _as_json(fraction):
    return None
  return own[name]
