"""Execution of an experiment: trains and evaluates the unfinished jobs in the order of the plan."""

from collections.abc import Collection, Sequence
import contextlib
import pathlib

import jax

from data_prep import split_list
from jaxgan import report
from jaxgan.algorithms import replicate
from jaxgan.config.overrides import changed
from jaxgan.data import sources
from jaxgan.errors import UserError
from jaxgan.evaluation import agreement, cas, real_images, record, yardsticks
from jaxgan.report import assessments, fonts
from jaxgan.runs import durations, families, inputs, notes, outputs, recogniser, sampling, schedules
from jaxgan.runs.experiment import Experiment, resolved
from jaxgan.runs.facts import classifier_folder, trained_by
from jaxgan.runs.inputs import Inputs
from jaxgan.runs.plan import Kind, make_plan, prepared
from jaxgan.system import distributed, files, lock, messages
from jaxgan.training import classifiers as classifiers_lib
from jaxgan.training import loop, optional
from jaxgan.training.job import TrainingJob

# A file in the folder of a method while it is evaluated: a killed evaluation is repeated.
_OWED = 'evaluation_owed'


def run(
  config: Experiment, workdir: pathlib.Path, profile: bool = False, given: Collection[str] = ()
) -> str:
  """Trains and evaluates every method of an experiment.

  Args:
    config: the experiment.
    workdir: its work directory.
    profile: write a trace of a few steps for a profiler.
    given: the fields that the user set, see `jaxgan.runs.notes`.

  Returns:
    The table of results for the terminal.

  Raises:
    UserError: another process uses the work directory, the work directory lies in the folder of the
      images, or the plan has a refusal.
  """
  config = resolved(config)
  sources.check_apart(config, workdir)
  with lock.held(workdir):
    made = start(config, workdir, config.methods, show_data=True, given=given)
    for method in config.methods:
      train_method(made, method, profile)
      evaluate_method(made, method, config.evaluation.checkpoint)
    measure_real_images(made)
    with made.timed.measured(Kind.COMPARE, 'methods'):
      return summarise(made.workdir) if files.is_writer() else ''


def start(
  config: Experiment,
  workdir: pathlib.Path,
  methods: Sequence[str],
  show_data: bool = False,
  timed: durations.Durations | None = None,
  given: Collection[str] = (),
) -> Inputs:
  """Prepares the inputs of an experiment's methods; trains untrained classifiers.

  Classifiers whose folder the configuration names are loaded first: a damaged one fails before any
  training.

  Args:
    config: the experiment.
    workdir: its work directory.
    methods: the methods to prepare for.
    show_data: print a summary of the training data, and of fields that cannot matter, before any
      training.
    timed: the durations of the experiment around this one, if any.
    given: see `run`.

  Returns:
    The Inputs.

  Raises:
    UserError: the plan has a refusal, or a classifier cannot be loaded.
  """
  config, facts = prepared(config, workdir, methods)
  timed = timed or durations.Durations(config, facts, make_plan(config, facts).jobs)
  roles = inputs.roles(facts)
  trainers = {role: trained_by(config, role, facts.workdir) for role in roles}
  with messages.stage('loading the given classifiers', after=1.0):
    classifiers = {
      role: inputs.load_role(config, facts, role) for role in roles if trainers[role] is None
    }
  if show_data and files.is_writer():
    told = [f'note: {note.line}' for note in notes.notes(config, facts, given)]
    print('\n'.join([*facts.data.summary(), *schedules.kept(config, facts), *told]), flush=True)
    with optional.output(split_list.NAME):
      split_list.copy(facts.data.arrays.metadata, facts.workdir)
  trained = set()
  for role, trainer in trainers.items():
    if trainer is not None and trainer not in trained:
      _train_role(config, facts, trainer, timed)
      trained.add(trainer)
    if trainer is not None:
      with messages.stage(f'{role}: loading the trained network', after=1.0):
        classifiers[role] = inputs.load_role(config, facts, role)
  with optional.output('check of fonts'):
    fonts.tell_missing(facts.data.arrays.class_names)
  made = Inputs(config, facts, classifiers, timed)
  if show_data:
    _show_judges(made)
  return made


def _show_judges(made: Inputs) -> None:
  """Prints the accuracies of the classifiers and their agreement; every process must call it."""
  with messages.stage('measuring how often classifier and annotator agree', after=1.0):
    fields, seen = dict(made.agreement), {}
  for role, classifier in made.classifiers.items():
    fields |= agreement.accuracy_fields(role, classifier)
    if images := classifier.protocol.get('images'):
      seen.setdefault(images, []).append(role)
  told = [f'{" and ".join(own)}: trained on {images}' for images, own in seen.items()]
  if agreement.are_one(made.classifiers):
    told.append('classifier and annotator are one network')
  if files.is_writer():
    for line in (*report.judges_in_words([fields]), *told):
      print(line, flush=True)


def _train_role(config, facts, role, timed):
  if role == recogniser.ROLE:
    _train_recogniser(config, facts, timed)
    return
  folder = classifier_folder(config, role, facts.workdir)
  job = classifiers_lib.classifier_job(config, role, folder)
  job = job._replace(outputs=outputs.of_classifier(job), forecast=timed.forecast(folder.name))
  with timed.measured(Kind.TRAIN, folder.name):
    loop.train(job, facts.mesh)


def _train_recogniser(config, facts, timed):
  """Runs the experiment of the recogniser in its own work directory."""
  section = config.recogniser
  # Its annotator is the experiment's, which is trained before.
  annotator = section.annotator.folder or classifier_folder(config, 'annotator', facts.workdir)
  section = changed(section, {'annotator.folder': str(annotator)})
  workdir, (method,) = facts.workdir / recogniser.ROLE, section.methods
  made = start(section, workdir, section.methods, timed=timed.within(recogniser.ROLE))
  train_method(made, method)
  evaluated = (workdir / method / record.NAME).exists()
  owed = optional.is_owed(workdir / method / _OWED)
  if owed or not distributed.gather(evaluated).all():
    evaluate_method(made, method, section.evaluation.checkpoint)


def train_method(made: Inputs, method: str, profile: bool = False) -> None:
  """Trains a method to its last step; see `jaxgan.training.loop.train`."""
  with messages.stage(f'{method}: building networks and evaluation', after=1.0):
    algorithm, frozen = made.algorithm(method)
    evaluation, data = made.evaluation(method), made.data
  own, folder = families.method_config(made.config, method, data), made.workdir / method
  evaluates = f': {evaluation.observer.num_images(periodic=True):,} generated images'
  job = TrainingJob(method, folder, own, algorithm, data, frozen, evaluation.periodic, evaluates)
  drawn = outputs.of_method(job, evaluation, made.family.trained)
  job = job._replace(outputs=drawn, forecast=made.timed.forecast(method))
  with made.timed.measured(Kind.TRAIN, method):
    loop.train(job, made.mesh, profile)


def evaluate_method(made: Inputs, method: str, which: str) -> list[record.EvaluationRecord]:
  """Evaluates a checkpoint of every replica in full, with its classification accuracy score.

  Args:
    made: the inputs of the experiment.
    method: the method.
    which: the checkpoint: 'latest', 'best' or a step.

  Returns:
    One record per replica, as in its evaluation.json.
  """
  with messages.stage(f'{method}: restoring the {which} checkpoint', after=1.0):
    step, states = made.restore(method, which)
    evaluation = made.evaluation(method)
  with (
    optional.owed(made.workdir / method / _OWED),
    jax.set_mesh(made.mesh),
    made.timed.measured(Kind.EVALUATE, method),
  ):
    evaluations = []
    for replica, folder in enumerate(made.folders(method)):
      state = replicate.take(states, replica)
      score = _train_score(made, method, folder, step, state, replica)
      of = f' of replica {replica}' if len(made.folders(method)) > 1 else ''
      number = evaluation.observer.num_images(periodic=False)
      with messages.stage(f'{method}: evaluating step {step:,}{of}: {number:,} generated images'):
        evaluations.append(evaluation.write(folder, step, state, replica, score))
  return evaluations


def _train_score(made, method, folder, step, state, replica) -> cas.Score | None:
  """Trains a classifier on generated images for the classification accuracy score."""
  config, data = made.config, made.data
  if 'cas' not in made.family.roles(config, [method], data.labelled):
    return None
  sample, labelled_by = made.evaluation(method).observer.score_sampler(state)
  arrays, seed = data.replica_arrays(replica), config.seed + replica
  number = cas.num_images(config, len(arrays.labels))
  with messages.stage(f'{method}: generating {number:,} images to train a classifier on (CAS)'):
    images, labels = sampling.draw(
      sample,
      arrays.class_names,
      number,
      balanced=False,
      seed=seed,
      batch_size=config.evaluation.batch_size,
    )
  job = cas.job(config, cas.generated(arrays, images, labels), step, seed, folder)
  name = f'{method}/{cas.FOLDER}'
  job = job._replace(name=name, forecast=made.timed.forecast(name))
  job = job._replace(outputs=outputs.of_classifier(job))
  with made.timed.measured(Kind.TRAIN, name):
    accuracy = cas.train(job, made.mesh)
  return cas.score(job, accuracy, labelled_by)


def measure_real_images(made: Inputs) -> None:
  """Measures the real images as yardsticks of the methods; does nothing if it was done before."""
  if made.family.yardsticks is None:
    return
  folders = yardsticks.folders(made.workdir, made.data.keys)
  with jax.set_mesh(made.mesh):
    for folder, replica in {folder: r for r, folder in reversed([*enumerate(folders)])}.items():
      job = _real_score_job(made, folder, replica)
      scored = cas.score(job, 0.0, '').settings if job else {}
      wanted = real_images.identity(made, replica) | scored
      is_done = False
      with contextlib.suppress(UserError):  # Damaged yardsticks are measured again.
        found = yardsticks.read(folder)
        is_done = found is not None and wanted.items() <= found.settings.items()
      if not distributed.gather(is_done).all():
        _measure_real_images(made, folder, replica, job)


def _measure_real_images(made, folder, replica, job):
  name, score = yardsticks.FOLDER, None
  if job:
    with made.timed.measured(Kind.TRAIN, f'{name}/{cas.FOLDER}'):
      score = cas.score(job, cas.train(job, made.mesh), 'the labels of the images')
  with (
    made.timed.measured(Kind.MEASURE, name),
    messages.stage(f'{name}: measuring the real training and test images, to compare with'),
  ):
    yardsticks.write(folder, made.family.yardsticks(made, replica, score))


def _real_score_job(made, folder, replica) -> TrainingJob | None:
  """The job of the score's classifier on the real training images, or None without a score."""
  config, data = made.config, made.data
  if 'cas' not in made.family.roles(config, config.methods, data.labelled):
    return None
  arrays, seed = data.replica_arrays(replica), config.seed + replica
  name = f'{yardsticks.FOLDER}/{cas.FOLDER}'
  job = cas.job(config, arrays, 0, seed, folder)
  job = job._replace(name=name, forecast=made.timed.forecast(name))
  return job._replace(outputs=outputs.of_classifier(job))


def summarise(workdir: pathlib.Path) -> str:
  """Draws the evaluated methods of a work directory; returns their table for the terminal."""
  found = {}
  for method in families.all_methods():
    # The pictures of several replicas show the first one.
    for folder in (workdir / method, workdir / method / 'replica_00'):
      if (folder / record.NAME).exists():
        found[method] = folder
  # Damaged records are refused before any drawing.
  rows = report.collect([workdir], families.FAMILIES)
  with messages.stage(f'drawing the pictures of {workdir}'):
    return _drawn(workdir, rows, found)


def _drawn(workdir, rows, found) -> str:
  table, paths = f'{report.console_table(rows)}\n\n{assessments.console(rows)}'.rstrip(), []
  for family in dict.fromkeys(families.family_of([method]) for method in found):
    own = {method: folder for method, folder in found.items() if method in family.methods}
    with optional.output(f'pictures of {workdir}'):
      paths += family.compare(workdir, own)
  return '\n'.join([table, '', *(f'picture: {path}' for path in paths)])
