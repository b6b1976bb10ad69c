"""Class Balancing GAN and its baselines: classes of the generated images, Fréchet distances."""

from typing import Annotated

from jaxgan.algorithms import gan, gan_methods
from jaxgan.algorithms.ema_statistics import EMA_STATISTICS
from jaxgan.config.section import Count, OneOf, Section, Several, field
from jaxgan.data import loading, order, training_data
from jaxgan.errors import UserError
from jaxgan.evaluation import features, metric
from jaxgan.networks.gans import NETWORKS
from jaxgan.report import class_differences, class_pictures, classes
from jaxgan.report.published import published_values
from jaxgan.runs.experiment import Checkpoint
from jaxgan.runs.family import Family, Rule

_NO_RECOGNISER = 'one of label_free_folder.py or mnist_lt_balanced.py, which have a recogniser'


def labels_of(method: str, labelled: bool) -> str:
  """Without labels, and in a loop without them, a recogniser's codes; see `Family`."""
  return 'classes' if labelled and gan_methods.METHODS[method].classes == 'labels' else 'codes'


class GanEvaluation(Section):
  """What is measured of a GAN."""

  samples: Several = field(50_000, 'images of the last evaluation')
  periodic_samples: Several = field(10_000, 'images of the evaluations of a run')
  batch_size: Count = field(256, 'images at once')
  checkpoint: Checkpoint = field('best', 'which checkpoint the last evaluation is of')
  ema_statistics: Annotated[str, OneOf(EMA_STATISTICS)] = field(
    'recomputed', "where the EMA generator's batch-norm statistics are from"
  )
  inception_weights: str = field('', 'the file of Inception-V3, or its folder')
  download_inception: bool = field(False, 'download that file where it is not there')
  reference: Annotated[str, OneOf(loading.REFERENCES)] = field(
    'held_out', "what generated images are compared with; 'released': of LSUN"
  )
  resamplings: Count = field(1, 'times that the last evaluation draws images from one checkpoint')
  cas: bool = field(True, 'train a classifier on generated images, in the last evaluation')
  cas_images: Count | None = field(None, 'how many; none: as many as for training')


def validate(config) -> None:
  """Refuses sections that do not go together; see `jaxgan.runs.rules`."""
  if config.recogniser is None:
    codes = [method for method in config.methods if gan_methods.METHODS[method].classes == 'codes']
    if codes:
      raise UserError(f'config.methods={config.methods} is not possible: use {_NO_RECOGNISER}')
    if (codes := config.algorithm.num_categories) is not None:
      raise UserError(
        f'config.algorithm.num_categories={codes} is not possible: use it in {_NO_RECOGNISER}'
      )
  images, batch = config.evaluation.cas_images, config.cas.train.batch_size
  if images is not None and images < batch and config.evaluation.cas:
    raise UserError(
      f'config.evaluation.cas_images={images} is not possible: use {batch} or more, as '
      f'config.cas.train.batch_size is {batch}'
    )


def roles(config, methods, labelled: bool):
  """The classifiers in the loop, and what measures.

  With labels that is the annotator, and the classifier where it labels the images of a CAS; without
  it is the recogniser.
  """
  choices = [gan_methods.METHODS[method] for method in methods]
  scored = labelled and config.evaluation.cas
  in_the_loop = {choice.classifier for choice in choices}
  unlabelled = scored and not all(choice.class_conditional for choice in choices)
  needed = {
    'classifier': 'classifier' in in_the_loop or unlabelled,
    'annotator': labelled,
    'recogniser': 'recogniser' in in_the_loop or (not labelled and config.recogniser is not None),
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


def _check_labels(config, data):
  if data.labelled:
    return
  needed = any(map(_reads_labels, config.methods))
  if needed or config.recogniser is None:
    by = 'the classifier and the annotator need' if needed else 'the annotator needs'
    raise UserError(
      f'config.data.source={config.data.source} has no labels, which {by}: give class folders or '
      'an npz with labels, or use label_free_folder.py'
    )


def _check_classes(config, data):
  if data.labelled and data.num_classes < 2:
    raise UserError(
      f'config.data.source={config.data.source} has a single class, '
      f'{data.class_names(0)[0]!r}: there is nothing to balance'
    )
  if any(data.class_names(replica) != data.class_names(0) for replica in range(config.replicas)):
    raise UserError(
      f'config.replicas={config.replicas}: those of {config.data.dataset} have different classes, '
      'one classifier needs the same: use fewer'
    )


def _check_batches(config, data):
  images_per_step = config.train.batch_size * config.algorithm.discriminator_steps
  for indices in data.indices:
    order.steps_per_epoch(len(indices), images_per_step)
    if data.labelled and config.evaluation.cas and config.evaluation.cas_images is None:
      order.steps_per_epoch(len(indices), config.cas.train.batch_size)  # It generates as many.


def _check_balanced_batches(config, data):
  balanced = [m for m in config.methods if gan_methods.BATCHES[gan_methods.METHODS[m].batches]]
  for replica in range(config.replicas if balanced else 0):
    if not (counts := data.share_counts(replica)).all():
      absent = data.class_names(replica)[counts.argmin()]
      raise UserError(
        f'config.methods={balanced[0]} is not possible with {config.data.dataset}, which has no '
        f'image of class {absent!r} for its class-balanced batches: use another method'
      )


def _check_size(config, data):
  NETWORKS[config.algorithm.network].check(data.image_shape[0])


def build(config, method: str, data: training_data.TrainingData, classifiers):
  """The GAN algorithm of an experiment and the frozen arrays its batches carry.

  Raises:
    UserError: numbers of classes or codes that do not go together.
  """
  choices = gan_methods.METHODS[method]
  classifier = classifiers.get(choices.classifier)
  if choices.classes == 'codes':
    num_classes, what = len(classifier.class_names), 'codes'
    asked = config.algorithm.num_categories
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
  algorithm = gan.gan(
    config.algorithm,
    choices,
    data.image_shape,
    num_classes,
    classifier.classify if classifier else None,
    config.evaluation.ema_statistics,
  )
  return algorithm, {'classifier': classifier.variables} if classifier else {}


def evaluate(inputs, method: str, algorithm):
  """What measures and draws the states of a method."""
  from jaxgan.evaluation import evaluate as evaluate_lib
  from jaxgan.evaluation import generated

  needed = roles(inputs.config, [method], inputs.data.labelled)
  observer = generated.Observer(inputs, method, algorithm, needed)
  differing = class_differences.lines(inputs.config, method)
  return evaluate_lib.Evaluation(
    inputs, method, observer, metric.GENERATED, class_pictures, differing
  )


FAMILY = Family(
  title=classes.TITLE,
  methods=gan_methods.METHODS,
  algorithm=lambda method: gan_methods.GanConfig,
  evaluation=GanEvaluation,
  metrics=metric.GENERATED,
  build=build,
  evaluate=evaluate,
  validate=validate,
  roles=roles,
  rules=(
    Rule(_check_labels, of_images=False),
    Rule(_check_classes, of_images=False),
    Rule(_check_balanced_batches),
    Rule(_check_batches),
    Rule(lambda config, data: loading.check_reference(config.data, config.evaluation.reference)),
    Rule(_check_size, of_images=False),
    Rule(lambda config, data: features.inception_network(config.evaluation), False),
  ),
  labels_of=labels_of,
  differences=class_differences.TABLE,
  published=lambda record: published_values(record.published),
  section=classes.section,
  console=classes.console,
  pictures=classes.pictures,
  trained=class_pictures.trained,
  evaluated=class_pictures.evaluated,
  compare=class_pictures.compare,
)
