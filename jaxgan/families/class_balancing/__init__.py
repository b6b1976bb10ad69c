"""Class Balancing GAN and its baselines: classes of the generated images, Fréchet distances."""

import math

from jaxgan import data as data_lib
from jaxgan.algorithms import gan, gan_methods, stability
from jaxgan.algorithms.ema_statistics import EMA_STATISTICS
from jaxgan.errors import UserError
from jaxgan.evaluation import features, metric
from jaxgan.families.class_balancing import differences
from jaxgan.networks.gans import NETWORKS
from jaxgan.report import class_page, classes

METHODS = tuple(gan_methods.METHODS)
METRICS = metric.METRICS['generated']
DIFFERENCES = differences.TABLE
REPORT, PAGE = classes, class_page
_NO_RECOGNISER = 'one of label_free_folder.py or mnist_lt_balanced.py, which have a recogniser'


def labels_of(method: str, labelled: bool) -> str:
  """See `jaxgan.families`: without labels, and in a loop without them, a recogniser's codes."""
  return 'classes' if labelled and gan_methods.METHODS[method].classes == 'labels' else 'codes'


def upgraded(algorithm: dict, methods) -> dict:
  """An older `algorithm` section with the fields of today; see `jaxgan.families`.

  A field that none of the methods reads has today's default: the run would be refused else.
  """
  choices = [gan_methods.METHODS[method] for method in methods]
  effective = any(choice.labels == 'effective' for choice in choices)
  agreement = any(choice.guidance == 'cross_entropy' for choice in choices)
  added = {
    'generator_spectral_norm': False,
    'count_update': 'convex',
    'cycle_start': 0.0,
    'effective_labels': 'both_steps' if effective else 'generator_step',
    # One weight was that of both losses.
    'classifier_loss_weight': algorithm['class_loss_weight'] if agreement else 1.0,
    **stability.OFF,
    'diff_augment': [],  # An empty tuple as JSON has it.
  }
  algorithm = added | algorithm
  if not isinstance(algorithm['count_start'], list):  # One number for all classes.
    algorithm['count_start'] = [algorithm['count_start']]
  if algorithm.get('class_balanced_batches') is False:  # Now a choice of the method.
    del algorithm['class_balanced_batches']
  return algorithm


def validate(config, require, require_positive) -> None:
  """Checks the sections `algorithm` and `evaluation`; see `jaxgan.config.validate`."""
  algorithm = config.algorithm
  require_positive('algorithm', 'learning_rate', 'epsilon', 'noise_dim', 'discriminator_steps')
  require_positive('algorithm', 'count_cycle')
  counts = algorithm.count_start
  positive = all(isinstance(n, (int, float)) and 0 < n < math.inf for n in counts)
  require(counts and positive, 'algorithm.count_start', tuple(counts), 'positive numbers')
  require_positive('algorithm', 'generator_width', 'discriminator_width')
  codes = [method for method in config.methods if gan_methods.METHODS[method].classes == 'codes']
  require('recogniser' in config or not codes, 'methods', tuple(config.methods), _NO_RECOGNISER)
  for field in ('samples', 'periodic_samples'):  # One alone has no covariance.
    value = config.evaluation[field]
    require(value >= 2, f'evaluation.{field}', value, '2 or more')
  _validate_evaluation(config, require)
  for field in ('beta1', 'beta2', 'ema_decay', 'count_decay'):
    value = algorithm[field]
    require(0 <= value < 1, f'algorithm.{field}', value, 'a number in [0, 1)')
  for field, allowed in gan.CHOICES.items():
    value = algorithm[field]
    require(value in allowed, f'algorithm.{field}', value, f'one of {", ".join(allowed)}')
  weights = 'regulariser_weight', 'class_loss_weight', 'classifier_loss_weight'
  for field in (*weights, 'cycle_start', 'ema_start'):
    value = algorithm[field]
    require(0 <= value < math.inf, f'algorithm.{field}', value, '0 or more')
  stability.validate(algorithm, require)


def _validate_evaluation(config, require) -> None:
  """Checks what older configurations lack in their `evaluation` section."""
  times, which, images = resamplings(config), reference(config), cas_images(config)
  require(times >= 1, 'evaluation.resamplings', times, '1 or more')
  known = ' or '.join(data_lib.REFERENCES)
  require(which in data_lib.REFERENCES, 'evaluation.reference', which, known)
  if images is not None and has_cas(config, labelled=True):
    batch = config.cas.train.batch_size
    allowed = f'{batch} or more, as config.cas.train.batch_size is {batch}'
    require(images >= batch, 'evaluation.cas_images', images, allowed)
  statistics, known = ema_statistics(config), ', '.join(EMA_STATISTICS)
  require(statistics in EMA_STATISTICS, 'evaluation.ema_statistics', statistics, f'one of {known}')


def ema_statistics(config) -> str:
  """Which batch-norm statistics the EMA generator has; older runs have no such field."""
  return config.evaluation.get('ema_statistics', 'average')


def has_cas(config, labelled: bool) -> bool:
  """Whether the last evaluation has a classification accuracy score; older runs have no switch."""
  return labelled and config.evaluation.get('cas', False)


def cas_images(config) -> int | None:
  """How many images the score is of; None for as many as there are for training."""
  return config.evaluation.get('cas_images')


def resamplings(config) -> int:
  """How often the last evaluation draws its images from the one checkpoint."""
  return config.evaluation.get('resamplings', 1)


def reference(config) -> str:
  """What generated images are compared with, see `jaxgan.data.load_reference`."""
  return config.evaluation.get('reference', 'held_out')


def roles(config, methods, labelled: bool):
  """The classifiers in the loop, and what measures.

  With labels that is the annotator, and the classifier where it labels the images of a CAS; without
  it is the recogniser.
  """
  choices, scored = [gan_methods.METHODS[method] for method in methods], has_cas(config, labelled)
  in_the_loop = {choice.classifier for choice in choices}
  unlabelled = scored and not all(choice.class_conditional for choice in choices)
  needed = {
    'classifier': 'classifier' in in_the_loop or unlabelled,
    'annotator': labelled,
    'recogniser': 'recogniser' in in_the_loop or (not labelled and 'recogniser' in config),
    'cas': scored,
  }
  return tuple(role for role, is_needed in needed.items() if is_needed)


def _reads_labels(method: str) -> bool:
  choices = gan_methods.METHODS[method]
  return (
    choices.classifier == 'classifier'
    or choices.head != 'none'
    or choices.labels != 'none'
    or gan_methods.BATCHES[choices.batches]
  )


def check(config, data: data_lib.TrainingData) -> None:
  """Refuses data without the labels that a method or its evaluation needs, or of another size.

  That is another one than the networks', or fewer images than a batch.
  """
  labelled = data.labelled
  if not labelled and any(map(_reads_labels, config.methods)):
    raise UserError(
      f'config.data.source={config.data.source} has no labels, which the classifier and the '
      'annotator need: give class folders or an npz with labels, or use label_free_folder.py'
    )
  if not labelled and 'recogniser' not in config:
    raise UserError(
      f'config.data.source={config.data.source} has no labels, which the annotator needs: give '
      'class folders or an npz with labels, or use label_free_folder.py'
    )
  if labelled and data.num_classes < 2:
    raise UserError(
      f'config.data.source={config.data.source} has a single class, '
      f'{data.class_names(0)[0]!r}: there is nothing to balance'
    )
  if any(data.class_names(replica) != data.class_names(0) for replica in range(config.replicas)):
    raise UserError(
      f'config.replicas={config.replicas}: those of {config.data.dataset} have different classes, '
      'one classifier needs the same: use fewer'
    )
  _check_balanced_batches(config, data)
  images_per_step = config.train.batch_size * config.algorithm.discriminator_steps
  for indices in data.indices:
    data_lib.steps_per_epoch(len(indices), images_per_step)
    if has_cas(config, labelled) and cas_images(config) is None:  # It generates as many images.
      data_lib.steps_per_epoch(len(indices), config.cas.train.batch_size)
  data_lib.check_reference(config.data, reference(config))
  NETWORKS[config.algorithm.network].check(data.image_shape[0])
  features.inception_network(config.evaluation)


def _check_balanced_batches(config, data):
  balanced = [m for m in config.methods if gan_methods.BATCHES[gan_methods.METHODS[m].batches]]
  for replica in range(config.replicas if balanced else 0):
    if not (counts := data.share_counts(replica)).all():
      absent = data.class_names(replica)[counts.argmin()]
      raise UserError(
        f'config.methods={balanced[0]} is not possible with {config.data.dataset}, which has no '
        f'image of class {absent!r} for its class-balanced batches: use another method'
      )


def build(config, method: str, data: data_lib.TrainingData, classifiers):
  """The GAN algorithm of an experiment and the frozen arrays its batches carry.

  Raises:
    UserError: numbers of classes or codes that do not go together.
  """
  choices = gan_methods.METHODS[method]
  classifier = classifiers.get(choices.classifier)
  if choices.classes == 'codes':
    num_classes, what = len(classifier.class_names), 'codes'
    asked = config.algorithm.get('num_categories')
    if asked not in (None, num_classes):
      raise UserError(
        f'config.algorithm.num_categories={asked}, but the run in config.recogniser.folder='
        f'{config.recogniser.folder} has {num_classes} codes: leave one of the two out'
      )
  else:
    num_classes, what = data.num_classes, 'classes'
  counts = len(config.algorithm.count_start)
  if counts not in (1, num_classes):
    raise UserError(
      f'config.algorithm.count_start has {counts} numbers, {config.data.dataset} has '
      f'{num_classes} {what}: give one, or one of each'
    )
  classify = classifier.classify if classifier else None
  algorithm = gan.gan(
    config.algorithm, choices, data.image_shape, num_classes, classify, ema_statistics(config)
  )
  return algorithm, {'classifier': classifier.variables} if classifier else {}


def recognised(config, data: data_lib.TrainingData) -> tuple[str, ...]:
  """Nothing: a GAN has no network that could tell images apart."""
  del config, data
  return ()


def evaluation(setup, method: str, algorithm):
  """What measures and draws the states of a method."""
  from jaxgan.evaluation import evaluate, generated
  from jaxgan.report import class_pictures  # It draws: not for those who only read.

  needed = roles(setup.config, [method], setup.data.labelled)
  observer = generated.Observer(setup, method, algorithm, needed)
  differing = differences.lines(setup.config, method)
  return evaluate.Evaluation(setup, method, observer, METRICS, class_pictures, differing)


def compare(workdir, folders):
  """Draws methods beside each other: classes of their images, images sorted by class."""
  from jaxgan.report import class_pictures

  return class_pictures.compare(workdir, folders)
