"""An experiment end to end: train what is missing, evaluate, draw, compare."""

import pathlib

import jax

from jaxgan import checkpoint, evaluate, jobs, logging, parallel, pictures, report, train
from jaxgan import config as config_lib
from jaxgan import data as data_lib
from jaxgan.algorithms.gan import METHODS
from jaxgan.errors import UserError
from jaxgan.networks import sndcgan


def gan_config(config, method: str, arrays):
  """What the GAN job of a method depends on, its frozen networks and evaluation included."""
  own = jobs.job_config(config, config, arrays)
  resolved = config.copy_and_resolve_references()
  for name in ('experiment', 'published', 'evaluation', 'classifier', 'annotator'):
    own[name] = resolved[name]
  own.methods = (method,)
  return own


class Setup:
  """What the GAN jobs of an experiment share: mesh, data, classifier and annotator."""

  def __init__(self, config, workdir: pathlib.Path, methods):
    """Checks the configuration, then trains the classifier and annotator that are missing."""
    config_lib.validate(config, jax.device_count())
    self.config, self.workdir = config, pathlib.Path(workdir)
    self.mesh = parallel.data_mesh()
    self.inception = evaluate.inception_network(config.evaluation)
    self.arrays = data_lib.load(config.data, 'train')
    if not self.arrays.metadata.get('labelled', True):
      raise UserError(
        f'config.data.source={config.data.source} has no labels, which the classifier and the '
        'annotator need: give class folders or an npz with labels'
      )
    # What cannot work is refused before hours go into the classifiers.
    images_per_step = config.train.batch_size * config.algorithm.discriminator_steps
    data_lib.steps_per_epoch(len(self.arrays.labels), images_per_step)
    sndcgan.num_stages(self.arrays.images.shape[1])
    for method in methods:
      config_lib.remember(self.workdir / method, gan_config(config, method, self.arrays))
    needs_classifier = 'class_balancing' in methods
    self.classifier = self._trained('classifier') if needs_classifier else None
    self.annotator = self._trained('annotator')
    # The job's own stream has three keys; evaluation draws from a fourth.
    self.evaluation_rng = jax.random.fold_in(jax.random.key(config.seed), 1)

  def _trained(self, role: str) -> jobs.Classifier:
    return jobs.trained_classifier(self.config, role, self.workdir, self.mesh)

  def algorithm(self, method: str):
    """The GAN algorithm of a method and its frozen arrays."""
    return jobs.build_gan(self.config, method, self.arrays, self.classifier)

  def evaluator(self, algorithm) -> evaluate.Evaluator:
    """The evaluator of an algorithm's states."""
    with jax.set_mesh(self.mesh):
      return evaluate.Evaluator(
        self.config, algorithm, self.annotator, self.inception, self.arrays, self.workdir
      )

  def restore(self, method: str, which: str):
    """The algorithm of a method and a checkpoint of it: (algorithm, step, state)."""
    algorithm, _ = self.algorithm(method)
    with checkpoint.Checkpoints(self.workdir / method / 'checkpoints') as checkpoints:
      step = checkpoints.resolve(which)
      abstract = checkpoint.abstract_state(algorithm.init, parallel.replicated(self.mesh))
      return algorithm, step, checkpoints.restore(step, abstract)


def train_gan(setup: Setup, method: str) -> None:
  """Trains a method to its last step."""
  config, folder = setup.config, setup.workdir / method
  algorithm, frozen = setup.algorithm(method)
  evaluator = setup.evaluator(algorithm)
  grids = evaluate.sample_grids(algorithm, folder, setup.evaluation_rng)

  def picture(state, step):
    grids(state, step)
    rows = logging.read_metrics(folder)
    pictures.loss_curves(rows, folder / 'loss_curves.png')
    path = folder / 'class_histogram_over_time.png'
    pictures.class_histogram_over_time(
      rows, path, evaluator.class_names, train_counts=evaluator.train_counts
    )

  arrays = setup.arrays
  train.run(
    train.Job(
      name=method,
      folder=folder,
      config=gan_config(config, method, arrays),
      algorithm=algorithm,
      dataset=data_lib.Dataset(arrays.images, arrays.labels),
      frozen=frozen,
      evaluate=evaluate.periodic(
        evaluator, config.evaluation.periodic_samples, setup.evaluation_rng
      ),
      picture=picture,
    ),
    setup.mesh,
  )


def evaluate_gan(setup: Setup, method: str, which: str) -> dict:
  """Restores a checkpoint ('latest', 'best' or a step) and evaluates it in full."""
  algorithm, step, state = setup.restore(method, which)
  accuracies = {'annotator_accuracy': setup.annotator.accuracy}
  if method == 'class_balancing':
    accuracies['classifier_accuracy'] = setup.classifier.accuracy
  with jax.set_mesh(setup.mesh):
    return evaluate.write_evaluation(
      setup.workdir / method,
      setup.evaluator(algorithm),
      method,
      step,
      state,
      jax.random.fold_in(setup.evaluation_rng, 1),
      accuracies,
    )


def summarise(workdir: pathlib.Path) -> str:
  """Draws every evaluated method of a work directory; returns their table for the terminal."""
  evaluated = [m for m in METHODS if (workdir / m / 'evaluation.json').exists()]
  paths = evaluate.comparison_pictures(workdir, evaluated)
  table = report.console_table(report.collect([workdir]))
  return '\n'.join([table, '', *(f'picture: {path}' for path in paths)])


def run(config, workdir: pathlib.Path) -> str:
  """Trains and evaluates every method of an experiment; returns the closing table."""
  setup = Setup(config, workdir, config.methods)
  for method in config.methods:
    train_gan(setup, method)
    evaluate_gan(setup, method, config.evaluation.checkpoint)
  return summarise(setup.workdir)
