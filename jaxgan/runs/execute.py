"""Executing an experiment: what its plan says is missing, in order."""

import pathlib

import jax

from jaxgan import report
from jaxgan.algorithms import replicate
from jaxgan.config.overrides import changed
from jaxgan.data import sources
from jaxgan.evaluation import record
from jaxgan.report import curves, fonts, page
from jaxgan.runs import families, folders, inputs, recogniser
from jaxgan.runs.experiment import resolved
from jaxgan.runs.facts import is_trained
from jaxgan.runs.inputs import Inputs
from jaxgan.runs.plan import planned, refuse
from jaxgan.system import distributed, files, lock
from jaxgan.training import jobs, logging, loop, optional

_OWED = 'evaluation_owed'  # In the folder of a method, while it is evaluated and drawn.


def run(config, workdir: pathlib.Path, profile: bool = False) -> str:
  """Trains and evaluates every method of an experiment; returns the closing table.

  Raises:
    UserError: another process is at work in the work directory, it lies in the folder of the
      images, or the plan has a refusal.
  """
  config = resolved(config)
  sources.check_apart(config, workdir)
  with lock.held(workdir):
    made = start(config, workdir, config.methods, show_data=True)
    for method in config.methods:
      train_method(made, method, profile)
      evaluate_method(made, method, config.evaluation.checkpoint)
    return summarise(made.workdir) if files.is_writer() else ''


def start(config, workdir: pathlib.Path, methods, show_data: bool = False) -> Inputs:
  """What the methods of an experiment begin with; trains the classifiers that are missing.

  Those that are given are loaded first: a bad one fails before any training.

  Args:
    config: its configuration.
    workdir: its work directory.
    methods: which of its methods.
    show_data: print what the training data is before anything is trained.

  Raises:
    UserError: the plan has a refusal, or a classifier cannot be loaded.
  """
  config, facts, plan = planned(config, workdir, methods, prepare=True)
  refuse(plan)
  roles = inputs.roles(config, facts)
  given = [role for role in roles if not is_trained(config, role)]
  classifiers = {role: inputs.load_role(config, facts, role) for role in given}
  if show_data and files.is_writer():
    print('\n'.join(facts.data.summary()), flush=True)
  for role in (role for role in roles if role not in given):
    _train_role(config, facts, role)
    classifiers[role] = inputs.load_role(config, facts, role)
  with optional.output('check of fonts'):
    fonts.tell_missing(facts.data.pool.class_names)
  return Inputs(config, facts, classifiers)


def _train_role(config, facts, role):
  if role == recogniser.ROLE:
    _train_recogniser(config, facts)
    return
  folder = folders.of_classifier(config, role, facts.workdir)
  loop.run(jobs.classifier_job(config, role, folder), facts.mesh)


def _train_recogniser(config, facts):
  """Runs the experiment of the recogniser in its own work directory."""
  section = config.recogniser
  annotator = section.annotator.folder or str(facts.workdir / 'annotator')
  section = changed(section, {'annotator.folder': annotator})
  workdir, (method,) = facts.workdir / recogniser.ROLE, section.methods
  made = start(section, workdir, section.methods)
  train_method(made, method)
  evaluated = (workdir / method / record.NAME).exists()
  owed = optional.Owed(workdir / method / _OWED).step is not None
  if owed or not distributed.gather(evaluated).all():
    evaluate_method(made, method, section.evaluation.checkpoint)


def train_method(made: Inputs, method: str, profile: bool = False) -> None:
  """Trains a method to its last step; see `jaxgan.training.loop.run`."""
  algorithm, frozen = made.algorithm(method)
  evaluation = made.evaluation(method)
  whole, replica_folders = made.workdir / method, made.folders(method)

  def picture(state, step, replica):
    evaluation.picture(replica_folders[replica], state, step, replica)
    if replica_folders[replica] == replica_folders[-1] != whole:
      with optional.output(path := whole / 'loss_curves.png'):
        curves.loss_curves(logging.read_metrics(whole), path)

  def preview(step, last_step):
    if not page.is_due(whole, step, last_step):
      return
    shown = made.family.trained(
      replica_folders[0], made.data.class_names(0), made.data.share_counts(0)
    )
    several = len(replica_folders)
    of_replicas = f', the first of {several} replicas' if several > 1 else ''
    page.write_progress(whole, f'{method}{of_replicas}', shown, step, last_step)

  job = loop.Job(
    name=method,
    folder=whole,
    config=folders.method_config(made.config, method, made.data),
    algorithm=algorithm,
    data=made.data,
    frozen=frozen,
    evaluate=evaluation.periodic,
    picture=picture,
    preview=preview,
  )
  loop.run(job, made.mesh, profile)


def evaluate_method(made: Inputs, method: str, which: str) -> list[record.EvaluationRecord]:
  """Restores a checkpoint ('latest', 'best' or a step) and evaluates every replica in full."""
  return evaluate_states(made, method, *made.restore(method, which))


def evaluate_states(made: Inputs, method: str, step: int, states) -> list[record.EvaluationRecord]:
  """Evaluates every replica in full; returns the record that each evaluation.json holds."""
  evaluation = made.evaluation(method)
  owed = optional.Owed(made.workdir / method / _OWED)
  owed.mark(step)
  with jax.set_mesh(made.mesh):
    evaluations = [
      evaluation.write(folder, step, replicate.take(states, replica), replica)
      for replica, folder in enumerate(made.folders(method))
    ]
  owed.clear()
  return evaluations


def summarise(workdir: pathlib.Path) -> str:
  """Draws every evaluated method of a work directory; returns their table for the terminal."""
  found = {}
  for method in families.all_methods():
    # Of several replicas, pictures show the first.
    for folder in (workdir / method, workdir / method / 'replica_00'):
      if (folder / record.NAME).exists():
        found[method] = folder
  # Refuses what is damaged before it is drawn.
  rows = report.collect([workdir], families.FAMILIES)
  table, paths = report.console_table(rows), []
  for family in dict.fromkeys(families.family_of([method]) for method in found):
    own = {method: folder for method, folder in found.items() if method in family.methods}
    with optional.output(f'pictures of {workdir}'):
      paths += family.compare(workdir, own)
  return '\n'.join([table, '', *(f'picture: {path}' for path in paths)])
