"""The plan of an experiment: its jobs in their order, what is done of each, and every refusal."""

import enum
import pathlib
from typing import NamedTuple

import jax

from jaxgan.data import sources
from jaxgan.errors import UserError
from jaxgan.evaluation import cas, record
from jaxgan.runs import families, inputs, recogniser, rules
from jaxgan.runs.experiment import resolved
from jaxgan.runs.facts import OWN, Facts, classifier_folder, read_facts
from jaxgan.training import logging
from jaxgan.training.job import total_steps


class Kind(enum.StrEnum):
  """What a job does; a plan has them in this order, method by method."""

  PREPARE = 'prepare'
  TRAIN = 'train'
  EVALUATE = 'evaluate'
  COMPARE = 'compare'


class Job(NamedTuple):
  """One thing that an experiment does.

  Attributes:
    name: of the job, its folder in the work directory or, of images, their data set.
    kind: what it does.
    folder: where it writes.
    step: of TRAIN, the newest checkpoint or None; of the others, 0 once they are done.
    steps: of TRAIN, the length, or None if it is not known before the images are prepared.
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
  """What a command will do; with a refusal, it does nothing."""

  jobs: tuple[Job, ...]
  refusals: tuple[str, ...]


def make_plan(config, facts: Facts) -> Plan:
  """The plan of an experiment; reads neither disk nor device.

  Args:
    config: its configuration, valid in itself.
    facts: what was read.
  """
  lines = rules.refusals(config, facts)
  if OWN not in facts.images:
    return Plan((), lines)
  jobs = [
    Job((getattr(config, role) if role else config).data.dataset, Kind.PREPARE, images.missing)
    for role, images in facts.images.items()
    if images.missing is not None
  ]
  for role in inputs.roles(facts):
    jobs += _role_jobs(config, facts, role)
  for method in facts.methods:
    jobs += _method_jobs(config, facts, method)
  jobs.append(Job('methods', Kind.COMPARE, facts.workdir))
  return Plan(tuple({job.folder / job.kind: job for job in jobs}.values()), lines)


def planned(config, workdir: pathlib.Path, methods) -> tuple:
  """Reads what an experiment starts from and plans it; prepares no images.

  Args:
    config: its configuration.
    workdir: its work directory.
    methods: which of its methods.

  Returns:
    (the configuration, whose sources that are gone are named by their prepared data; the Facts; the
    Plan).

  Raises:
    UserError: a value that cannot be.
  """
  config = resolved(config)
  rules.check_sections(config, jax.device_count())
  config = sources.with_prepared(config, workdir)
  facts = read_facts(config, workdir, methods, prepare=False)
  return config, facts, make_plan(config, facts)


def prepared(config, workdir: pathlib.Path, methods) -> tuple:
  """As `planned`, of an experiment that is about to run: prepares the images that are missing.

  Returns:
    (the configuration, the Facts).

  Raises:
    UserError: a value that cannot be, or the first refusal of the plan.
  """
  config, facts, plan = planned(config, workdir, methods)
  refuse(plan)
  if not facts.are_prepared:
    facts = read_facts(config, workdir, methods, prepare=True)
    refuse(make_plan(config, facts))
  return config, facts


def refuse(plan: Plan) -> None:
  """Raises a UserError for the first refusal of a plan, which says how many more there are."""
  if plan.refusals:
    first, *more = plan.refusals
    also = f' (and {len(more)} more: jaxgan plan)' if more else ''
    raise UserError(f'{first}{also}')


def _role_jobs(config, facts, role):
  """The training of a classifier; of a recogniser, its own experiment."""
  if role not in facts.images:  # It is given, or its images cannot be read.
    return []
  section = getattr(config, role)
  if role == recogniser.ROLE:
    (method,) = section.methods
    return _method_jobs(section, facts, method, f'{role}/')
  folder = classifier_folder(config, role, facts.workdir)
  steps = _steps(section, facts.images[role], lambda: 1)
  return [Job(folder.name, Kind.TRAIN, folder, _newest(facts, [folder]), steps)]


def _method_jobs(config, facts, method, within=''):
  """The jobs of a method: its training, the training of its score, and its evaluation."""
  name, images = f'{within}{method}', facts.images[OWN]
  folder = facts.workdir / name
  steps = _steps(config, images, lambda: rules.untrained(config, facts, method).images_per_update)
  jobs = [Job(name, Kind.TRAIN, folder, _newest(facts, [folder]), steps)]
  if cas.FOLDER in families.family_of([method]).roles(config, [method], facts.data.labelled):
    own = [at / cas.FOLDER for at in logging.replica_folders(folder, config.replicas)]
    # Further training of the method replaces the checkpoint that the score is measured on.
    newest = _newest(facts, own) if jobs[0].is_done else None
    steps = _score_steps(config, images)
    jobs.append(Job(f'{name}/{cas.FOLDER}', Kind.TRAIN, folder / cas.FOLDER, newest, steps))
  return [*jobs, Job(name, Kind.EVALUATE, folder / record.NAME)]


def _newest(facts, of_replicas) -> int | None:
  """The newest checkpoint that all replicas of a job have, None where one has none."""
  names = [folder.relative_to(facts.workdir).as_posix() for folder in of_replicas]
  steps = [facts.folders[name].step if name in facts.folders else None for name in names]
  return None if None in steps else min(steps)


def _score_steps(config, images):
  """The length of a score's classifier, which is trained on generated images."""
  train = config.cas.train
  if train.steps is not None or config.evaluation.cas_images is None:
    return _steps(config.cas, images, lambda: 1)
  return train.epochs * (config.evaluation.cas_images // train.batch_size)


def _steps(config, images, images_per_update):
  """The length of a job, None of one whose images are not counted yet."""
  if config.train.steps is not None:
    return config.train.steps
  if images.missing is not None:
    return None
  try:
    return total_steps(config, images.training, images_per_update())
  except (UserError, KeyError):  # It is refused, or its recogniser cannot be read.
    return None
