"""An experiment end to end: train what is missing, evaluate, draw, compare."""

import pathlib

import jax

from jaxgan import config as config_lib
from jaxgan import data as data_lib
from jaxgan import (
  distributed,
  families,
  files,
  jobs,
  lock,
  logging,
  optional,
  parallel,
  pretrained,
  recogniser,
  replicas,
  report,
  sources,
  train,
)
from jaxgan.drawing import curves, fonts
from jaxgan.errors import UserError
from jaxgan.evaluation import record
from jaxgan.report import page

_OWED = 'evaluation_owed'  # In the folder of a method, while it is evaluated and drawn.
_ROLES = ('classifier', 'annotator', recogniser.ROLE)  # in the order of their training


def method_config(config, method: str, data: data_lib.TrainingData):
  """What the job of a method depends on, its frozen networks and evaluation included."""
  own = jobs.job_config(config, config, data.pool)
  resolved = config.copy_and_resolve_references()
  sections = ('evaluation', *_ROLES, 'cas')
  for name in ('experiment', 'replicas', 'published', *sections):
    if name in resolved:
      own[name] = resolved[name]
  own.methods = (method,)
  return own


class Setup:
  """What the methods of an experiment share: mesh, data, classifiers by their roles."""

  def __init__(self, config, workdir: pathlib.Path, methods, show_data: bool = False):
    """Checks the configuration, then trains the classifiers that are missing.

    Args:
      config: the configuration.
      workdir: the work directory.
      methods: which of the methods.
      show_data: print what the training data is before anything is trained.
    """
    config_lib.validate(config, jax.device_count())
    config = sources.with_prepared(config, workdir)
    self.config, self.workdir = config, pathlib.Path(workdir)
    self.family = families.family_of(methods)
    pretrained.check(config, self.family.roles(config, methods, labelled=True), self.workdir)
    self.mesh = parallel.device_mesh(config.replicas)
    self.data = data_lib.load_training(config.data, config.replicas)
    # Refuse what cannot work before the classifiers are trained, which may take hours.
    padding, shape = config.data.crop_padding, self.data.image_shape
    data_lib.check_crop(padding, shape, 'config.data.crop_padding')
    self.family.check(config, self.data)
    labelled = self.data.labelled
    self._roles = self.family.roles(config, methods, labelled)
    expected = {}
    if recogniser.ROLE in self._roles:
      expected[recogniser.ROLE] = recogniser.expected(config, self.data)
    for method in methods:
      algorithm, _ = self.family.build(config, method, self.data, expected)
      train.check_memory(method, algorithm, config.replicas, self.mesh)
    self._check_others(methods)
    for method in methods:
      own = method_config(config, method, self.data)
      config_lib.check_unchanged(self.workdir / method, own)
    untrained = [role for role in self._roles if not config[role].get('folder')]
    for role in untrained:
      if role != recogniser.ROLE:
        jobs.check_untrained(config, role, self.workdir, self.data)
    # Load the classifiers named in the config first: a bad path fails before any training.
    roles = [role for role in _ROLES if role in self._roles]
    roles.sort(key=lambda role: role in untrained)
    given = {role: self._trained(role) for role in roles if role not in untrained}
    if show_data and files.is_writer():
      print('\n'.join(self.data.summary()), flush=True)
    self.classifiers = {role: given.get(role) or self._trained(role) for role in roles}
    self._evaluations = {}
    with optional.output('check of fonts'):
      fonts.tell_missing(self.data.pool.class_names)

  def _check_others(self, methods):
    """Refuses a folder where other methods saw other images: they are shown side by side."""
    images = self.data.pool.key
    for method in families.all_methods():
      folder = self.workdir / method
      if method not in methods and (folder / 'config.json').exists():
        theirs = config_lib.read(folder).get('images')
        if theirs != images:
          raise UserError(
            f'{folder} belongs to a run on other images (images was {theirs!r}, is {images!r}): '
            'choose another --workdir'
          )

  def _trained(self, role: str) -> jobs.Classifier:
    if role == recogniser.ROLE:
      folder = recogniser.given_folder(self.config) or self._train_recogniser()
      return recogniser.load(folder, self.data, self.mesh)
    return jobs.trained_classifier(self.config, role, self.workdir, self.data, self.mesh)

  def _train_recogniser(self) -> pathlib.Path:
    """Runs the experiment of the recogniser in its own work directory; returns its folder."""
    own = self.config[recogniser.ROLE].copy_and_resolve_references()
    own.annotator.folder = own.annotator.folder or str(self.workdir / 'annotator')
    setup, (method,) = Setup(own, self.workdir / recogniser.ROLE, own.methods), own.methods
    train_method(setup, method)
    evaluated = (setup.workdir / method / record.NAME).exists()
    owed = optional.Owed(setup.workdir / method / _OWED).step is not None
    if owed or not distributed.gather(evaluated).all():
      evaluate_method(setup, method, own.evaluation.checkpoint)
    return setup.workdir / method

  @property
  def classifier(self) -> jobs.Classifier | None:
    """The one that is trained on the long-tailed images and their labels."""
    return self.classifiers.get('classifier')

  @property
  def annotator(self) -> jobs.Classifier | None:
    """The one that is there for evaluation only."""
    return self.classifiers.get('annotator')

  def evaluation_rng(self, replica: int):
    """The key of a replica's evaluations; a run's own stream has others."""
    return jax.random.fold_in(jax.random.key(self.config.seed + replica), 1)

  def algorithm(self, method: str):
    """The algorithm of a method and its frozen arrays."""
    return self.family.build(self.config, method, self.data, self.classifiers)

  def evaluation(self, method: str):
    """What measures and draws the states of a method; it is compiled once."""
    if method not in self._evaluations:
      with jax.set_mesh(self.mesh):
        algorithm, _ = self.algorithm(method)
        self._evaluations[method] = self.family.evaluation(self, method, algorithm)
    return self._evaluations[method]

  def folders(self, method: str) -> list[pathlib.Path]:
    """The folder of each replica of a method."""
    return logging.replica_folders(self.workdir / method, self.config.replicas)

  def restore(self, method: str, which: str):
    """A checkpoint ('latest', 'best' or a step) of a method: (step, states of all replicas)."""
    algorithm, _ = self.algorithm(method)
    folder = self.workdir / method
    return jobs.restore(algorithm, folder, which, self.config.replicas, self.mesh)


def train_method(setup: Setup, method: str, profile: bool = False) -> None:
  """Trains a method to its last step; see `jaxgan.train.run`."""
  algorithm, frozen = setup.algorithm(method)
  evaluation = setup.evaluation(method)
  whole, folders = setup.workdir / method, setup.folders(method)

  def picture(state, step, replica):
    evaluation.picture(folders[replica], state, step, replica)
    if folders[replica] == folders[-1] != whole:
      with optional.output(path := whole / 'loss_curves.png'):
        curves.loss_curves(logging.read_metrics(whole), path)

  def preview(step, last_step):
    if not page.is_due(whole, step, last_step):
      return
    shown = setup.family.PAGE.trained(
      folders[0], setup.data.class_names(0), setup.data.share_counts(0)
    )
    of_replicas = f', the first of {len(folders)} replicas' if len(folders) > 1 else ''
    page.write_progress(whole, f'{method}{of_replicas}', shown, step, last_step)

  train.run(
    train.Job(
      name=method,
      folder=whole,
      config=method_config(setup.config, method, setup.data),
      algorithm=algorithm,
      data=setup.data,
      frozen=frozen,
      evaluate=evaluation.periodic,
      picture=picture,
      preview=preview,
    ),
    setup.mesh,
    profile,
  )


def evaluate_method(setup: Setup, method: str, which: str) -> list[record.EvaluationRecord]:
  """Restores a checkpoint ('latest', 'best' or a step) and evaluates every replica in full."""
  return evaluate_states(setup, method, *setup.restore(method, which))


def evaluate_states(setup: Setup, method: str, step: int, states) -> list[record.EvaluationRecord]:
  """Evaluates every replica in full; returns the record that each evaluation.json holds."""
  evaluation = setup.evaluation(method)
  owed = optional.Owed(setup.workdir / method / _OWED)
  owed.mark(step)
  with jax.set_mesh(setup.mesh):
    evaluations = [
      evaluation.write(folder, step, replicas.take(states, replica), replica)
      for replica, folder in enumerate(setup.folders(method))
    ]
  owed.clear()
  return evaluations


def summarise(workdir: pathlib.Path) -> str:
  """Draws every evaluated method of a work directory; returns their table for the terminal."""
  folders = {}
  for method in families.all_methods():
    # Of several replicas, pictures show the first.
    for folder in (workdir / method, workdir / method / 'replica_00'):
      if (folder / record.NAME).exists():
        folders[method] = folder
  rows = report.collect([workdir])  # Refuses what is damaged before it is drawn.
  table, paths = report.console_table(rows), []
  for family in dict.fromkeys(families.family_of([method]) for method in folders):
    own = {method: folder for method, folder in folders.items() if method in family.METHODS}
    with optional.output(f'pictures of {workdir}'):
      paths += family.compare(workdir, own)
  return '\n'.join([table, '', *(f'picture: {path}' for path in paths)])


def run(config, workdir: pathlib.Path, profile: bool = False) -> str:
  """Trains and evaluates every method of an experiment; returns the closing table.

  Raises:
    UserError: another process is at work in the work directory, it lies in the folder of the
      images, or see `Setup`.
  """
  sources.check_apart(config, workdir)
  with lock.held(workdir):
    setup = Setup(config, workdir, config.methods, show_data=True)
    for method in config.methods:
      train_method(setup, method, profile)
      evaluate_method(setup, method, config.evaluation.checkpoint)
    return summarise(setup.workdir) if files.is_writer() else ''
