"""The family of the Class Balancing GAN and its baselines, measured by class and by FID."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from jaxgan.algorithms import BATCHES, Algorithm, gan, gan_methods
from jaxgan.algorithms.ema_statistics import EMA_STATISTICS
from jaxgan.config.section import Count, OneOf, Section, Several, field
from jaxgan.data import loading, order, training_data
from jaxgan.errors import UserError
from jaxgan.evaluation import assessment, features, metric
from jaxgan.networks.gans import NETWORKS
from jaxgan.report import class_differences, class_pictures, classes
from jaxgan.report.published import published_values
from jaxgan.runs.experiment import Checkpoint, Experiment
from jaxgan.runs.family import Family, Rule, Unused

if TYPE_CHECKING:
  from jaxgan.evaluation.cas import Score
  from jaxgan.evaluation.evaluate import Evaluation
  from jaxgan.evaluation.yardsticks import Yardsticks
  from jaxgan.runs.inputs import Inputs
  from jaxgan.training.classifiers import Classifier

_HAVE_RECOGNISERS = 'experiments/label_free_folder.py or experiments/mnist_lt_balanced.py'


def labels_of(method: str, labelled: bool) -> str:
  """Returns 'codes' for images without labels and for methods with a recogniser; see `Family`."""
  return 'classes' if labelled and gan_methods.METHODS[method].classes == 'labels' else 'codes'


class GanEvaluation(Section):
  """What is measured of a GAN."""

  samples: Several = field(50_000, 'images of the final evaluation')
  periodic_samples: Several = field(10_000, 'images of each evaluation during training')
  batch_size: Count = field(256, 'images per batch')
  checkpoint: Checkpoint = field('best', 'checkpoint of the final evaluation')
  ema_statistics: Annotated[str, OneOf(EMA_STATISTICS)] = field(
    'recomputed', "origin of the EMA generator's batch-norm statistics"
  )
  inception_weights: str = field('', 'file of the Inception-V3 weights, or its folder')
  download_inception: bool = field(False, 'download the Inception-V3 weights if they are missing')
  reference: Annotated[str, OneOf(loading.REFERENCES)] = field(
    'held_out', "real images that generated images are compared with; 'released': for LSUN only"
  )
  resamplings: Count = field(1, 'times that the final evaluation draws images from one checkpoint')
  cas: bool = field(True, 'train a classifier on generated images in the final evaluation')
  cas_images: Count | None = field(
    None, 'generated images for this classifier; none: as many as training images'
  )


def validate(config: Experiment) -> None:
  """Refuses sections that contradict each other; see `jaxgan.runs.rules`."""
  if config.recogniser is None:
    if any(gan_methods.METHODS[method].classes == 'codes' for method in config.methods):
      raise UserError(
        f'config.methods={config.methods}: expected an experiment with a recogniser, for example '
        f'{_HAVE_RECOGNISERS}.'
      )
    if (codes := config.algorithm.num_categories) is not None:
      raise UserError(
        f'config.algorithm.num_categories={codes}: expected none without a recogniser, as in '
        f'{_HAVE_RECOGNISERS}.'
      )
  if config.cas and BATCHES[config.cas.algorithm.batches]:
    raise UserError(
      f'config.cas.algorithm.batches={config.cas.algorithm.batches}: expected instance_balanced, '
      'because generated images may lack a class.'
    )
  images, section = config.evaluation.cas_images, config.cas
  if images is None or section is None or not config.evaluation.cas:
    return
  if images < section.train.batch_size:
    raise UserError(
      f'config.evaluation.cas_images={images}: expected {section.train.batch_size} or more, the '
      'value of config.cas.train.batch_size.'
    )


def roles(config: Experiment, methods: Sequence[str], labelled: bool) -> tuple[str, ...]:
  """Returns the roles of the classifiers in the loop and in the evaluation.

  With labels, the annotator evaluates, and the classifier labels the generated images for a
  classification accuracy score. Without labels, the recogniser evaluates.
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
    or BATCHES[choices.batches]
  )


def _check_labels(config, data):
  if data.labelled:
    return
  needed = any(map(_reads_labels, config.methods))
  if needed or config.recogniser is None:
    by = 'classifier and annotator' if needed else 'the annotator'
    raise UserError(
      f'config.data.source={config.data.source}: expected images with labels for {by}, in class '
      'folders or in an npz file; for images without labels use experiments/label_free_folder.py.'
    )


def _check_classes(config, data):
  if data.labelled and data.num_classes < 2:
    raise UserError(
      f'config.data.source={config.data.source}: expected two or more classes, found '
      f'{data.class_names(0)[0]!r} only.'
    )
  if any(data.class_names(replica) != data.class_names(0) for replica in range(config.replicas)):
    raise UserError(
      f'config.replicas={config.replicas}: expected fewer, the replicas of {config.data.dataset} '
      'have different classes and share one classifier.'
    )


def _check_batches(config, data):
  images_per_step = config.train.batch_size * config.algorithm.discriminator_steps
  for indices in data.indices:
    order.steps_per_epoch(len(indices), images_per_step)
    if data.labelled and config.evaluation.cas and config.evaluation.cas_images is None:
      # The score's classifier trains on as many generated images.
      order.steps_per_epoch(len(indices), config.cas.train.batch_size, 'cas.train')


def _check_balanced_batches(config, data):
  balanced = [m for m in config.methods if BATCHES[gan_methods.METHODS[m].batches]]
  for replica in range(config.replicas if balanced else 0):
    if not (counts := data.share_counts(replica)).all():
      absent = data.class_names(replica)[counts.argmin()]
      raise UserError(
        f'config.methods={balanced[0]}: expected a method without class-balanced batches, '
        f'{config.data.dataset} has no image of class {absent!r}.'
      )


def _check_size(config, data):
  NETWORKS[config.algorithm.network].check(data.image_shape[0])


def build(
  config: Experiment,
  method: str,
  data: training_data.TrainingData,
  classifiers: Mapping[str, 'Classifier'],
) -> tuple[Algorithm, dict[str, Any]]:
  """Builds the GAN algorithm of a method and its frozen arrays; see `Family`.

  Raises:
    UserError: the configuration contradicts the number of classes or codes.
  """
  choices = gan_methods.METHODS[method]
  classifier = classifiers.get(choices.classifier or '')
  if choices.classes == 'codes':
    classifier = classifiers[choices.classifier or '']
    num_classes, what = len(classifier.class_names), 'codes'
    asked, section = config.algorithm.num_categories, config.recogniser
    if asked not in (None, num_classes):
      raise UserError(
        f'config.algorithm.num_categories={asked}: expected none or {num_classes}, the number of '
        f'codes of the run in config.recogniser.folder={section.folder if section else ""}.'
      )
  else:
    num_classes, what = data.num_classes, 'classes'
  counts = len(config.algorithm.count_start)
  if counts not in (1, num_classes):
    raise UserError(
      f'config.algorithm.count_start: expected 1 or {num_classes} numbers, found {counts}; '
      f'{config.data.dataset} has {num_classes} {what}.'
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


def evaluate(inputs: 'Inputs', method: str, algorithm: Algorithm) -> 'Evaluation':
  """Builds the evaluation of a method, which measures and draws its states."""
  from jaxgan.evaluation import evaluate as evaluate_lib
  from jaxgan.evaluation import generated

  needed = roles(inputs.config, [method], inputs.data.labelled)
  observer = generated.Observer(inputs, method, algorithm, needed)
  differing = class_differences.lines(inputs.config, method)
  return evaluate_lib.Evaluation(
    inputs, method, observer, metric.GENERATED, class_pictures, differing
  )


def yardsticks(inputs: 'Inputs', replica: int, score: 'Score | None') -> 'Yardsticks':
  """Measures the real images of a replica as generated images are measured."""
  from jaxgan.evaluation import real_images

  return real_images.measure(inputs, replica, metric.GENERATED, score)


def _guided(config, guidance: str) -> bool:
  return any(gan_methods.METHODS[method].guidance == guidance for method in config.methods)


def _counted(config) -> bool:
  """Whether a method reads the effective counts."""
  labels = [gan_methods.METHODS[method].labels for method in config.methods]
  return _guided(config, 'weighted_entropy') or 'effective' in labels


def _fields(*names: str) -> tuple[str, ...]:
  return tuple(f'algorithm.{name}' for name in names)


_COUNTING = ('count_start', 'cycle_start', 'count_update', 'count_decay', 'count_cycle')
_UNUSED = (
  Unused(
    _fields('regulariser_weight', 'class_weighting'),
    lambda c: not _guided(c, 'weighted_entropy'),
    'no method has the class-balance regulariser',
    shared=True,
  ),
  Unused(_fields(*_COUNTING), lambda c: not _counted(c), 'no method counts classes', shared=True),
  Unused(
    _fields('count_decay', 'count_cycle', 'cycle_start'),
    lambda c: _counted(c) and c.algorithm.count_update == 'held',
    'count_update=held keeps the counts',
    shared=True,
  ),
  Unused(
    _fields('class_loss_weight'),
    lambda c: all(gan_methods.METHODS[m].head != 'auxiliary' for m in c.methods),
    'no method is acgan',
    shared=True,
  ),
  Unused(
    _fields('classifier_loss_weight'),
    lambda c: not _guided(c, 'cross_entropy'),
    'no method is acgan_pretrained',
    shared=True,
  ),
  Unused(
    _fields('effective_labels'),
    lambda c: all(gan_methods.METHODS[m].labels != 'effective' for m in c.methods),
    'no method is class_balancing_conditional',
    shared=True,
  ),
  Unused(
    _fields('r1_r2_steps'),
    lambda c: not c.algorithm.r1_r2_weight,
    'r1_r2_weight=0 switches R1 + R2 off',
  ),
  Unused(_fields('lecam_decay'), lambda c: not c.algorithm.lecam_weight, 'lecam_weight is 0'),
  Unused(
    _fields('group_spectral_beta'),
    lambda c: not c.algorithm.group_spectral_weight,
    'group_spectral_weight is 0',
  ),
  Unused(
    _fields('ema_start'),
    lambda c: not c.algorithm.ema_decay,
    'ema_decay=0: no average',
    shared=True,
  ),
  Unused(('evaluation.cas_images',), lambda c: not c.evaluation.cas, 'evaluation.cas is False'),
  Unused(
    ('evaluation.download_inception',),
    lambda c: bool(c.evaluation.inception_weights),
    'evaluation.inception_weights names a file',
  ),
)
_REACHED = {
  'ema_start': lambda c: (
    'averaging never starts, and the averaged generator is the last generator'
    if c.algorithm.ema_decay
    else ''
  ),
  'count_cycle': lambda c: (
    'the effective counts never change'
    if _counted(c) and c.algorithm.count_update != 'held'
    else ''
  ),
  'r1_r2_steps': lambda c: (
    'γ of R1 + R2 does not reach r1_r2_end_weight' if c.algorithm.r1_r2_weight else ''
  ),
}
FAMILY = Family(
  title=classes.TITLE,
  methods=gan_methods.METHODS,
  algorithm=lambda method: gan_methods.GanConfig,
  evaluation=GanEvaluation,
  metrics=metric.GENERATED,
  build=build,
  evaluate=evaluate,
  yardsticks=yardsticks,
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
  unused=_UNUSED,
  reached=_REACHED,
  labels_of=labels_of,
  differences=class_differences.TABLE,
  published=lambda record: published_values(record.published),
  section=classes.section,
  console=classes.console,
  pictures=classes.pictures,
  assess=assessment.images,
  trained=class_pictures.trained,
  evaluated=class_pictures.evaluated,
  compare=class_pictures.compare,
)
