"""The family of Elastic-InfoGAN and JointVAE: methods with categorical codes, without labels."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxgan.algorithms import Algorithm, infogan, joint_vae
from jaxgan.algorithms.infogan_methods import InfoGanConfig
from jaxgan.algorithms.joint_vae import JointVaeConfig
from jaxgan.config.section import Count, Section, field
from jaxgan.data import order, training_data
from jaxgan.errors import UserError
from jaxgan.evaluation import assessment, metric
from jaxgan.networks import infogans
from jaxgan.report import code_differences, code_pictures, codes
from jaxgan.runs.experiment import Checkpoint, Experiment
from jaxgan.runs.family import Family, Rule, Unused
from jaxgan.system.registry import Registry

if TYPE_CHECKING:
  from jaxgan.evaluation.evaluate import Evaluation
  from jaxgan.runs.inputs import Inputs
  from jaxgan.training.classifiers import Classifier

JOINT_VAE = 'joint_vae'


class CodesMethod(NamedTuple):
  """The parts of a method.

  Attributes:
    section: the class of its section `algorithm`, with a field `num_categories`.
    make: `make(section, image_shape, num_categories)` returns the Algorithm.
    has_untrained: whether evaluations also measure the untrained network.
  """

  section: type[Section]
  make: Callable
  has_untrained: bool = True


METHODS = Registry(
  'method',
  {
    **dict.fromkeys(infogan.VARIANTS, CodesMethod(InfoGanConfig, infogan.infogan)),
    # The encoder is not an InfoGAN's Q, so that there is no untrained Q to compare with.
    JOINT_VAE: CodesMethod(JointVaeConfig, joint_vae.joint_vae, has_untrained=False),
  },
)


class CodesEvaluation(Section):
  """What is measured of codes."""

  images_per_code: Count = field(1000, 'images of each code in the final evaluation')
  periodic_images_per_code: Count = field(100, 'images of each code in evaluations during training')
  batch_size: Count = field(500, 'images per batch')
  checkpoint: Checkpoint = field('latest', 'checkpoint of the final evaluation')


def validate(config: Experiment) -> None:
  """Refuses sections that contradict each other; see `jaxgan.runs.rules`."""
  if len(config.methods) != 1:
    raise UserError(f'config.methods={config.methods}: expected a single method of this family.')


def roles(config: Experiment, methods: Sequence[str], labelled: bool) -> tuple[str, ...]:
  """Returns the annotator's role if there are labels to train it with."""
  return ('annotator',) if labelled else ()


def num_categories(config: Experiment, data: training_data.TrainingData) -> int:
  """Returns k, the number of codes: `num_categories`, or the number of classes if it is None."""
  k = config.algorithm.num_categories
  return data.num_classes if k is None else k


def _check_codes(config, data):
  classes, labelled = data.num_classes, data.labelled
  if config.algorithm.num_categories is None and (not labelled or classes < 2):
    has = 'a single class' if labelled else 'no labels'
    raise UserError(
      f'config.algorithm.num_categories=None: expected a number of codes, for example 10, because '
      f'config.data.source={config.data.source} has {has}.'
    )
  k = num_categories(config, data)
  start = getattr(config.algorithm, 'prior_start', None)
  if start is not None and len(start) != k:
    raise UserError(
      f'config.algorithm.prior_start: expected {k} numbers, one per code, found {len(start)}.'
    )
  if getattr(config.algorithm, 'prior', None) == 'fixed' and not (labelled and k == classes):
    raise UserError(
      f'config.algorithm.prior=fixed: expected {k} labelled classes, one per code: their '
      f'frequencies are the prior. The data has {classes if labelled else 0}; use another method.'
    )


def _check_batches(config, data):
  for indices in data.indices:
    order.steps_per_epoch(len(indices), config.train.batch_size)


def _check_size(config, data):
  infogans.NETWORKS[config.algorithm.network].check(data.image_shape[0])


def recognised(config: Experiment, data: training_data.TrainingData) -> tuple[str, ...]:
  """Returns the names of the codes."""
  return tuple(f'code_{code}' for code in range(num_categories(config, data)))


def build(
  config: Experiment,
  method: str,
  data: training_data.TrainingData,
  classifiers: Mapping[str, 'Classifier'],
) -> tuple[Algorithm, dict[str, Any]]:
  """Builds the algorithm of a method, which needs neither classifiers nor frozen arrays."""
  k = num_categories(config, data)
  return METHODS[method].make(config.algorithm, data.image_shape, k), {}


def evaluate(inputs: 'Inputs', method: str, algorithm: Algorithm) -> 'Evaluation':
  """Builds the evaluation of a method, which measures and draws its states."""
  from jaxgan.evaluation import codes as codes_lib
  from jaxgan.evaluation import evaluate as evaluate_lib

  names = recognised(inputs.config, inputs.data)
  observer = codes_lib.Observer(inputs, algorithm, names, METHODS[method].has_untrained)
  differing = code_differences.lines(inputs.config, method)
  return evaluate_lib.Evaluation(inputs, method, observer, metric.CODES, code_pictures, differing)


def _has_no(field: str, value: str) -> Callable:
  """Whether the algorithm is an InfoGAN whose field has another value."""
  return lambda c: getattr(c.algorithm, field, value) != value


_PAIR = (
  'contrastive_weight', 'views', 'rotation_degrees', 'zoom_range', 'crop_keep', 'crop_of', 'flip',
  'gamma_range',
)  # fmt: skip
_UNUSED = (
  Unused(
    ('algorithm.width',),
    lambda c: not infogans.NETWORKS[c.algorithm.network].has_width,
    'this network has a fixed width',
  ),
  Unused(
    tuple(f'algorithm.{name}' for name in _PAIR),
    lambda c: getattr(c.algorithm, 'contrastive', '') == 'none',
    'contrastive is none',
    shared=True,
  ),
  Unused(
    ('algorithm.contrastive_temperature',),
    _has_no('contrastive', 'nt_xent'),
    'contrastive is not nt_xent',
  ),
  Unused(('algorithm.prior_losses',), _has_no('prior', 'learnable'), 'the prior is not learned'),
  Unused(
    ('algorithm.prior_learning_rate', 'algorithm.temperature'),
    _has_no('prior', 'learnable'),
    'the prior is not learned',
    shared=True,
  ),
)
_REACHED = {
  'capacity_steps': lambda c: (
    'the capacities do not reach continuous_capacity and discrete_capacity'
  ),
}
FAMILY = Family(
  title=codes.TITLE,
  methods=METHODS,
  algorithm=lambda method: METHODS[method].section,
  evaluation=CodesEvaluation,
  metrics=metric.CODES,
  build=build,
  evaluate=evaluate,
  validate=validate,
  roles=roles,
  rules=(
    Rule(_check_codes, of_images=False),
    Rule(_check_batches),
    Rule(_check_size, of_images=False),
  ),
  unused=_UNUSED,
  reached=_REACHED,
  labels_of=lambda method, labelled: 'codes',
  recognised=recognised,
  differences=code_differences.TABLE,
  published=codes.published,
  section=codes.section,
  console=codes.console,
  pictures=codes.pictures,
  assess=assessment.codes,
  trained=code_pictures.trained,
  evaluated=code_pictures.evaluated,
  compare=code_pictures.compare,
)
