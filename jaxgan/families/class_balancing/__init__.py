"""Class Balancing GAN and its baselines: classes of the generated images, Fréchet distances."""

import math

from jaxgan import data as data_lib
from jaxgan.algorithms import gan, stability
from jaxgan.errors import UserError
from jaxgan.families.class_balancing import features
from jaxgan.families.class_balancing import report as report  # part of the interface
from jaxgan.networks.gans import NETWORKS

METHODS = tuple(gan.METHODS)
LABELS = 'classes'


def added_fields(algorithm) -> dict:
  """The fields that older configurations lack; see `jaxgan.families`."""
  del algorithm
  added = {'generator_spectral_norm': False, 'count_update': 'convex', **stability.OFF}
  return added | {'diff_augment': []}  # As JSON has it.


def validate(config, require, require_positive) -> None:
  """Checks the sections `algorithm` and `evaluation`; see `jaxgan.config.validate`."""
  algorithm = config.algorithm
  require_positive('algorithm', 'learning_rate', 'epsilon', 'noise_dim', 'discriminator_steps')
  require_positive('algorithm', 'count_cycle')
  counts = _start_counts(config)
  require(min(counts) > 0, 'algorithm.count_start', algorithm.count_start, 'positive numbers')
  require_positive('algorithm', 'generator_width', 'discriminator_width')
  for field in ('samples', 'periodic_samples'):  # One alone has no covariance.
    value = config.evaluation[field]
    require(value >= 2, f'evaluation.{field}', value, '2 or more')
  for field in ('beta1', 'beta2', 'ema_decay', 'count_decay'):
    value = algorithm[field]
    require(0 <= value < 1, f'algorithm.{field}', value, 'a number in [0, 1)')
  for field, allowed in (
    ('network', NETWORKS),
    ('loss', gan.LOSSES),
    ('regulariser_weights', gan.WEIGHTS),
    ('count_update', gan.COUNT_UPDATES),
  ):
    value = algorithm[field]
    require(value in allowed, f'algorithm.{field}', value, f'one of {", ".join(allowed)}')
  for field in ('regulariser_weight', 'class_loss_weight', 'ema_start'):
    value = algorithm[field]
    require(0 <= value < math.inf, f'algorithm.{field}', value, '0 or more')
  stability.validate(algorithm, require)


def _start_counts(config) -> tuple[float, ...]:
  counts = config.algorithm.count_start
  return tuple(counts) if isinstance(counts, (tuple, list)) else (counts,)


def has_cas(config) -> bool:
  """Whether the last evaluation has a classification accuracy score; older runs have no switch."""
  return config.evaluation.get('cas', False)


def roles(config, methods, labelled: bool):
  """The annotator always; the classifier where it is in the loop or labels the images of a CAS."""
  del labelled
  choices, scored = [gan.METHODS[method] for method in methods], has_cas(config)
  needed = {
    'classifier': any(c.classifier or (scored and not c.class_conditional) for c in choices),
    'annotator': True,
    'cas': scored,
  }
  return tuple(role for role, is_needed in needed.items() if is_needed)


def check(config, data: data_lib.TrainingData) -> None:
  """Refuses data without labels, of another size than the networks' or smaller than a batch."""
  if not data.pool.metadata.get('labelled', True):
    raise UserError(
      f'config.data.source={config.data.source} has no labels, which the classifier and the '
      'annotator need: give class folders or an npz with labels'
    )
  if data.num_classes < 2:
    raise UserError(
      f'config.data.source={config.data.source} has a single class, '
      f'{data.class_names(0)[0]!r}: there is nothing to balance'
    )
  if any(data.class_names(replica) != data.class_names(0) for replica in range(config.replicas)):
    raise UserError(
      f'config.replicas={config.replicas}: those of {config.data.dataset} have different classes, '
      'one classifier needs the same: use fewer'
    )
  counts, num_classes = len(_start_counts(config)), data.num_classes
  if counts not in (1, num_classes):
    raise UserError(
      f'config.algorithm.count_start has {counts} numbers, {config.data.dataset} has '
      f'{num_classes} classes: give one, or one a class'
    )
  if config.algorithm.class_balanced_batches:
    for replica in range(config.replicas):
      if not (counts := data.share_counts(replica)).all():
        absent = data.class_names(replica)[counts.argmin()]
        raise UserError(
          'config.algorithm.class_balanced_batches=True is not possible with '
          f'{config.data.dataset}, which has no image of class {absent!r}: use False'
        )
  images_per_step = config.train.batch_size * config.algorithm.discriminator_steps
  for indices in data.indices:
    data_lib.steps_per_epoch(len(indices), images_per_step)
    if has_cas(config):  # It generates as many images.
      data_lib.steps_per_epoch(len(indices), config.cas.train.batch_size)
  NETWORKS[config.algorithm.network].check(data.image_shape[0])
  features.inception_network(config.evaluation)


def build(config, method: str, data: data_lib.TrainingData, classifier):
  """The GAN algorithm of an experiment and the frozen arrays its batches carry."""
  choices = gan.METHODS[method]
  algorithm = gan.gan(
    config.algorithm,
    choices,
    data.image_shape,
    data.num_classes,
    classifier.classify if classifier else None,
  )
  frozen = {'classifier': classifier.variables} if choices.classifier and classifier else {}
  return algorithm, frozen


def evaluation(setup, algorithm):
  """What measures and draws the states of a method."""
  from jaxgan.families.class_balancing import evaluate  # It draws: not for those who only read.

  return evaluate.Evaluation(setup, algorithm)


def compare(workdir, folders):
  """Draws methods beside each other: classes of their images, images sorted by class."""
  from jaxgan.families.class_balancing import pictures

  return pictures.compare(workdir, folders)
