"""Class Balancing GAN and its baseline: classes of the generated images, Fréchet distances."""

import jax
import numpy as np

from jaxgan import data as data_lib
from jaxgan import evaluate, jobs, logging, pictures
from jaxgan.algorithms import gan
from jaxgan.drawing import curves
from jaxgan.errors import UserError
from jaxgan.networks import sndcgan

METHODS = gan.METHODS


def validate(config, require, require_positive) -> None:
  """Checks the sections `algorithm` and `evaluation`; see `jaxgan.config.validate`."""
  algorithm = config.algorithm
  require_positive('algorithm', 'learning_rate', 'epsilon', 'noise_dim', 'discriminator_steps')
  require_positive('algorithm', 'count_cycle', 'count_start')
  require_positive('algorithm', 'generator_width', 'discriminator_width')
  require_positive('evaluation', 'samples', 'periodic_samples')
  for field in ('beta1', 'beta2', 'ema_decay', 'count_decay'):
    value = algorithm[field]
    require(0 <= value < 1, f'algorithm.{field}', value, 'a number in [0, 1)')
  for field, allowed in (('loss', gan.LOSSES), ('regulariser_weights', gan.WEIGHTS)):
    value = algorithm[field]
    require(value in allowed, f'algorithm.{field}', value, f'one of {", ".join(allowed)}')
  weight = algorithm.regulariser_weight
  require(weight >= 0, 'algorithm.regulariser_weight', weight, '0 or more')


def roles(methods, labelled: bool):
  """The annotator always, the classifier for the method that has it in the loop."""
  del labelled
  return ('classifier', 'annotator') if 'class_balancing' in methods else ('annotator',)


def check(config, data: data_lib.TrainingData) -> None:
  """Refuses data without labels, of another size than the networks' or smaller than a batch."""
  if not data.pool.metadata.get('labelled', True):
    raise UserError(
      f'config.data.source={config.data.source} has no labels, which the classifier and the '
      'annotator need: give class folders or an npz with labels'
    )
  images_per_step = config.train.batch_size * config.algorithm.discriminator_steps
  for indices in data.indices:
    data_lib.steps_per_epoch(len(indices), images_per_step)
  sndcgan.num_stages(data.pool.images.shape[1])
  evaluate.inception_network(config.evaluation)


def build(config, method: str, arrays, classifier: jobs.Classifier | None):
  """The GAN algorithm of an experiment and the frozen arrays its batches carry."""
  algorithm = gan.gan(
    config.algorithm,
    method,
    arrays.images.shape[1:],
    len(arrays.class_names),
    classifier.classify if classifier else None,
  )
  frozen = {'classifier': classifier.variables} if method == 'class_balancing' else {}
  return algorithm, frozen


class Evaluation:
  """Measures and draws the states of a GAN; see `jaxgan.families`."""

  def __init__(self, setup, algorithm):
    self._setup = setup
    self._algorithm = algorithm
    self._evaluators = {}
    self._grids = evaluate.sample_grids(algorithm)

  def _evaluator(self, replica):
    """One for each replica's class frequencies; they differ only where replicas have splits."""
    setup, key = self._setup, self._setup.data.keys[replica]
    if key not in self._evaluators:
      inception = evaluate.inception_network(setup.config.evaluation)
      arrays = setup.data.arrays(replica)
      self._evaluators[key] = evaluate.Evaluator(
        setup.config, self._algorithm, setup.annotator, inception, arrays, setup.workdir
      )
    return self._evaluators[key]

  def periodic(self, state, replica: int):
    return evaluate.periodic(
      self._evaluator(replica),
      state,
      self._setup.config.evaluation.periodic_samples,
      self._setup.evaluation_rng(replica),
    )

  def picture(self, folder, state, step: int, replica: int) -> None:
    self._grids(folder, state, step, self._setup.evaluation_rng(replica))
    rows, evaluator = logging.read_metrics(folder), self._evaluator(replica)
    curves.loss_curves(rows, folder / 'loss_curves.png')
    path = folder / 'class_histogram_over_time.png'
    pictures.class_histogram_over_time(
      rows, path, evaluator.class_names, train_counts=evaluator.train_counts
    )

  def write(self, folder, method: str, step: int, state, replica: int) -> dict:
    setup = self._setup
    run = {'annotator_accuracy': setup.annotator.accuracy}
    if method == 'class_balancing':
      run['classifier_accuracy'] = setup.classifier.accuracy
    run['seed'] = setup.config.seed + replica
    rng = jax.random.fold_in(setup.evaluation_rng(replica), 1)
    return evaluate.write_evaluation(
      folder, self._evaluator(replica), method, step, state, rng, run
    )

  def sampler(self, state, balanced: bool):
    del balanced  # Classes cannot be asked for, only kept or thrown away.
    labeller = self._setup.classifier or self._setup.annotator
    generate = jax.jit(self._algorithm.generate, static_argnums=2)
    classify = jobs.compile_classify(labeller.classify)

    def sample(rng, num_images):
      images = np.asarray(data_lib.to_uint8(generate(state, rng, num_images)))
      return images, classify(labeller.variables, images)[0]

    return sample, labeller.class_names, labeller.key


def compare(workdir, folders):
  """Draws methods beside each other: classes of their images, images sorted by class."""
  return evaluate.comparison_pictures(workdir, folders)
