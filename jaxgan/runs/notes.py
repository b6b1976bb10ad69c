"""Fields of an experiment that cannot matter: `jaxgan plan` lists them, `train` prints them.

A note is harmless, such as a field of a regulariser that is off. An error would cost a run, such as
a checkpoint behind the last step; it is a refusal of the plan. Rules about the fields of a family
are in its record (`jaxgan.runs.family.Unused`), rules about lengths are below.
"""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from jaxgan.algorithms.classifier import PRETRAINED
from jaxgan.config.section import Section
from jaxgan.runs import families, schedules
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.facts import Facts, trained_by
from jaxgan.runs.family import Unused

_EVENTS = {
  'log_every': 'logged', 'evaluate_every': 'evaluated', 'picture_every': 'drawn',
  'checkpoint_every': 'saved',
}  # fmt: skip
_TRAINING = ('data', 'train', 'algorithm')  # Sections of a classifier that a given one ignores.


class Note(NamedTuple):
  """A line about fields that cannot matter; `is_error` makes it a refusal."""

  line: str
  is_error: bool = False


def notes(
  config: Experiment, facts: Facts | None = None, given: Collection[str] = ()
) -> tuple[Note, ...]:
  """Lists the fields of an experiment that cannot matter.

  Args:
    config: the experiment, as `schedules.fixed` returns it.
    facts: its facts; None for an experiment without images and folders.
    given: the fields that the user set, such as 'algorithm.lecam_decay'. Rules about settings that
      methods share, and about sections that are not read, ask for these only.

  Returns:
    The notes, errors first.
  """
  found = [*_of_the_experiment(config, facts), *_of_unread_sections(config, facts, given)]
  found += _unused(config, '', families.family_of(config.methods).unused, given)
  found += _of_lengths(config, facts, given)
  found += _of_classifiers(config, facts, given)
  return tuple(sorted(dict.fromkeys(found), key=lambda note: not note.is_error))


def _of_the_experiment(config, facts) -> Iterator[Note]:
  if config.folder:
    yield Note(
      f"config.folder={config.folder!r}: expected '', only config.recogniser reads a folder; "
      '--workdir names the work directory.',
      is_error=True,
    )
  steps, asked = schedules.steps(config, facts), config.evaluation.checkpoint
  if asked.isdigit() and steps is not None and int(asked) > steps:
    yield Note(
      f'config.evaluation.checkpoint={asked}: expected latest, best or a step up to {steps}, the '
      'end of the run.',
      is_error=True,
    )


def _of_unread_sections(config, facts, given) -> Iterator[Note]:
  """Fields of sections that the methods do not need, and of classifiers that are not trained."""
  if facts is None:
    return
  for path in given:
    role, _, field = path.partition('.')
    if role in ('classifier', 'annotator', 'cas', 'recogniser') and getattr(config, role):
      if role not in facts.roles:
        yield Note(f'config.{path} has no effect: {", ".join(facts.methods)} needs no {role}')
      elif trained_by(config, role, facts.workdir) is None and field.partition('.')[0] in _TRAINING:
        folder = getattr(config, role).folder
        yield Note(f'config.{path} has no effect: the {role} is read from {folder}')


def _of_lengths(config, facts, given) -> Iterator[Note]:
  """Spans and events that the run does not reach."""
  steps = schedules.steps(config, facts)
  if steps is None:
    return
  yield from _events(config.train, steps, 'train', given)
  for name, consequence in families.family_of(config.methods).reached.items():
    value = getattr(config.algorithm, name, None)
    if value is not None and value >= steps and (line := consequence(config)):
      yield Note(f'config.algorithm.{name}={value}, but the run has {steps:,} steps: {line}')


def _events(train, steps, path, given) -> Iterator[Note]:
  """Events of the section `train` at a path, such as 'classifier.train', after its last step."""
  periods = {event: getattr(train, event) for event in _EVENTS}
  late = {event: every for event, every in periods.items() if every is not None and every > steps}
  if late and (path == 'train' or any(f'{path}.{event}' in given for event in late)):
    fields = ', '.join(f'{event}={every}' for event, every in late.items())
    done = ', '.join(_EVENTS[event] for event in late)
    yield Note(f'config.{path}: {fields}, but the run has {steps:,} steps: only its end is {done}')


def _of_classifiers(config, facts, given) -> Iterator[Note]:
  """Fields of the sections of classifiers that are trained."""
  for role in ('classifier', 'annotator', 'cas'):
    section = getattr(config, role)
    if section is None or getattr(section, 'folder', '') or (facts and role not in facts.roles):
      continue
    own, name = section.algorithm, f'config.{role}.algorithm'
    if own.weights and own.network not in PRETRAINED:
      networks = ' and '.join(PRETRAINED)
      yield Note(
        f"{name}.weights={own.weights!r}: expected '' for network={own.network}; {networks} start "
        'from weights.',
        is_error=True,
      )
    yield from _unused(section, f'{role}.', _CLASSIFIER, given)
    if (steps := schedules.steps(config, facts, role)) is not None:
      yield from _events(section.train, steps, f'{role}.train', given)
    if (epochs := schedules.epochs(config, facts, role)) is None:
      continue
    for field, consequence in _UNREACHED_EPOCHS.items():
      value: Any = getattr(own, field)
      late = [e for e in (value if isinstance(value, tuple) else (value,)) if (e or 0) >= epochs]
      if late and not (field == 'warmup_epochs' and value == epochs):
        length = f'{epochs:.4g} epoch{"s" * (epochs != 1)}'
        yield Note(f'{name}.{field}={value}, but the run has {length}: {consequence}')


_UNREACHED_EPOCHS = {
  'warmup_epochs': 'the learning rate does not reach its value',
  'decay_epochs': 'the learning rate does not fall at the later ones',
  'drw_epoch': 'classes are not re-weighted',
}
_CLASSIFIER = (
  Unused(('algorithm.depth', 'algorithm.width'), lambda c: c.algorithm.network != 'resnet',
         'only the network resnet reads it'),
  Unused(('algorithm.focal_gamma',), lambda c: c.algorithm.loss != 'focal', 'loss is not focal'),
  Unused(('algorithm.drw_beta',), lambda c: c.algorithm.drw_epoch is None, 'drw_epoch is None'),
  Unused(('algorithm.decay_factor',), lambda c: not c.algorithm.decay_epochs,
         'decay_epochs is empty', shared=True),
)  # fmt: skip


def _unused(config, prefix, rules, given) -> Iterator[Note]:
  for rule in rules:
    for path in rule.fields:
      section, _, field = path.rpartition('.')
      own: Any = getattr(config, section) if section else config
      default = type(own).model_fields[field].default if field in type(own).model_fields else None
      value = getattr(own, field, default)
      asked = f'{prefix}{path}' in given or (not rule.shared and value != default)
      if isinstance(own, Section) and asked and rule.when(config):
        yield Note(f'config.{prefix}{path}={value!r} has no effect: {rule.because}')
