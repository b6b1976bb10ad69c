"""The plan of an experiment: its jobs in order, their progress, and every refusal."""

from collections.abc import Collection, Sequence
import enum
import pathlib
from typing import NamedTuple

import jax

from jaxgan.data import sources
from jaxgan.errors import UserError
from jaxgan.evaluation import cas, record, yardsticks
from jaxgan.runs import families, inputs, notes, recogniser, rules, schedules
from jaxgan.runs.experiment import Experiment, resolved
from jaxgan.runs.facts import OWN, Facts, classifier_folder, read_facts, trained_by
from jaxgan.training import logging
from jaxgan.training.job import total_steps


class Kind(enum.StrEnum):
  """The kinds of jobs, in the order of their execution for each method."""

  PREPARE = 'prepare'
  TRAIN = 'train'
  EVALUATE = 'evaluate'
  MEASURE = 'measure'
  COMPARE = 'compare'


class Job(NamedTuple):
  """A job of an experiment.

  Attributes:
    name: the job's folder in the work directory; for PREPARE, the name of the data set.
    kind: what the job does.
    folder: where the job writes.
    step: for TRAIN, the newest checkpoint or None; for other kinds, 0 once the job is done.
    steps: for TRAIN, the number of steps, or None if unknown before the images are prepared.
  """

  name: str
  kind: Kind
  folder: pathlib.Path
  step: int | None = None
  steps: int | None = 0

  @property
  def is_done(self) -> bool:
    """Whether the job is complete."""
    return self.step is not None and self.steps is not None and self.step >= self.steps


class Plan(NamedTuple):
  """The jobs that a command will run; with any refusal it runs none."""

  jobs: tuple[Job, ...]
  refusals: tuple[str, ...]
  notes: tuple[str, ...] = ()


def make_plan(config: Experiment, facts: Facts, given: Collection[str] = ()) -> Plan:
  """Makes the plan of an experiment; reads neither disk nor device.

  Args:
    config: the experiment, which `rules.check_sections` accepted.
    facts: its facts.
    given: the fields that the user set, see `notes.notes`.

  Returns:
    The Plan.
  """
  noted = notes.notes(config, facts, given)
  lines = (*rules.refusals(config, facts), *(note.line for note in noted if note.is_error))
  if OWN not in facts.images:
    return Plan((), lines)
  jobs = [
    Job(
      (getattr(config, role) if role else config).data.dataset or '', Kind.PREPARE, images.missing
    )
    for role, images in facts.images.items()
    if images.missing is not None
  ]
  for role in inputs.roles(facts):
    jobs += _role_jobs(config, facts, role)
  for method in facts.methods:
    jobs += _method_jobs(config, facts, method)
  jobs += _yardstick_jobs(config, facts)
  jobs.append(Job('methods', Kind.COMPARE, facts.workdir))
  told = tuple(note.line for note in noted if not note.is_error)
  return Plan(tuple({job.folder / job.kind: job for job in jobs}.values()), lines, told)


def planned(
  config: Experiment,
  workdir: pathlib.Path,
  methods: Sequence[str],
  given: Collection[str] = (),
) -> tuple[Experiment, Facts, Plan]:
  """Reads the facts of an experiment and plans it; prepares no images.

  Args:
    config: the experiment.
    workdir: its work directory.
    methods: the selected methods of the experiment.
    given: the fields that the user set, see `notes.notes`.

  Returns:
    (the experiment, with the prepared images in place of sources that are gone; Facts; Plan).

  Raises:
    UserError: a field has a wrong value.
  """
  config = _checked(config, workdir)
  facts = read_facts(config, workdir, methods, prepare=False)
  config = schedules.fixed(config, facts)
  return config, facts, make_plan(config, facts, given)


def _checked(config, workdir) -> Experiment:
  """The experiment with all fields, after the checks that need no facts."""
  config = resolved(config)
  rules.check_sections(config, jax.device_count())
  return sources.with_prepared(config, workdir)


def prepared(
  config: Experiment, workdir: pathlib.Path, methods: Sequence[str]
) -> tuple[Experiment, Facts]:
  """Plans an experiment, refuses a bad one, and prepares missing images.

  Args:
    config: the experiment.
    workdir: its work directory.
    methods: the selected methods of the experiment.

  Returns:
    (the experiment as returned by `planned`, its Facts).

  Raises:
    UserError: a field has a wrong value, or the plan has a refusal.
  """
  as_given = config
  config, facts, plan = planned(as_given, workdir, methods)
  refuse(plan)
  if not facts.are_prepared:
    config = _checked(as_given, workdir)
    facts = read_facts(config, workdir, methods, prepare=True)
    config = schedules.fixed(config, facts)  # The lengths in epochs are known now.
    refuse(make_plan(config, facts))
  return config, facts


def refuse(plan: Plan) -> None:
  """Raises a UserError with the first refusal of a plan and the number of further ones."""
  if plan.refusals:
    first, *more = plan.refusals
    also = f' (and {len(more)} more: jaxgan plan)' if more else ''
    raise UserError(f'{first}{also}')


def _role_jobs(config, facts, role):
  """The training job of a classifier; for a recogniser, the jobs of its experiment."""
  if role not in facts.images:  # The classifier is given, or its images are unreadable.
    return []
  section = getattr(config, trained_by(config, role, facts.workdir) or role)
  if role == recogniser.ROLE:
    (method,) = section.methods
    return _method_jobs(section, facts, method, f'{role}/')
  folder = classifier_folder(config, role, facts.workdir)
  steps = _steps(section, facts.images[role], lambda: 1)
  return [Job(folder.name, Kind.TRAIN, folder, _newest(facts, [folder]), steps)]


def _method_jobs(config, facts, method, within=''):
  """The jobs of a method: training, training of the score's classifier, evaluation."""
  name, images = f'{within}{method}', facts.images[OWN]
  folder = facts.workdir / name
  steps = _steps(config, images, lambda: rules.untrained(config, facts, method).images_per_update)
  jobs = [Job(name, Kind.TRAIN, folder, _newest(facts, [folder]), steps)]
  if cas.FOLDER in families.family_of([method]).roles(config, [method], facts.data.labelled):
    own = [at / cas.FOLDER for at in logging.replica_folders(folder, config.replicas)]
    # A score belongs to the final checkpoint of the method: an unfinished method has none.
    newest = _newest(facts, own) if jobs[0].is_done else None
    steps = _score_steps(config, images)
    jobs.append(Job(f'{name}/{cas.FOLDER}', Kind.TRAIN, folder / cas.FOLDER, newest, steps))
  return [*jobs, Job(name, Kind.EVALUATE, folder / record.NAME)]


def _yardstick_jobs(config, facts):
  """The jobs that measure the real images: training of the score's classifier, measurement."""
  family, images = families.family_of(facts.methods), facts.images[OWN]
  if family.yardsticks is None:
    return []
  jobs, name = [], yardsticks.FOLDER
  folders = dict.fromkeys(yardsticks.folders(facts.workdir, images.training.keys))
  if cas.FOLDER in family.roles(config, facts.methods, facts.data.labelled):
    newest = _newest(facts, [folder / cas.FOLDER for folder in folders])
    steps = _steps(config.cas, images, lambda: 1)
    folder = facts.workdir / name / cas.FOLDER
    jobs.append(Job(f'{name}/{cas.FOLDER}', Kind.TRAIN, folder, newest, steps))
  done = 0 if facts.measured.issuperset(folders) else None
  return [*jobs, Job(name, Kind.MEASURE, facts.workdir / name, done)]


def _newest(facts, of_replicas) -> int | None:
  """The newest checkpoint that all replicas of a job have, or None."""
  names = [folder.relative_to(facts.workdir).as_posix() for folder in of_replicas]
  steps = [facts.folders[name].step if name in facts.folders else None for name in names]
  return None if None in steps else min(step for step in steps if step is not None)


def _score_steps(config, images):
  """The number of steps of the score's classifier, which is trained on generated images."""
  train = config.cas.train
  if train.steps is not None or config.evaluation.cas_images is None:
    return _steps(config.cas, images, lambda: 1)
  return train.epochs * (config.evaluation.cas_images // train.batch_size)


def _steps(config, images, images_per_update):
  """The number of steps of a job, or None before its images are counted."""
  if config.train.steps is not None:
    return config.train.steps
  if images.missing is not None:
    return None
  try:
    return total_steps(config, images.training, images_per_update())
  except (UserError, KeyError):  # A rule refuses the job, or its recogniser is unreadable.
    return None
