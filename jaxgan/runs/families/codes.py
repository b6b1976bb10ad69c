"""Elastic-InfoGAN's family and JointVAE: what their categorical codes and priors mean."""

from collections.abc import Callable
from typing import NamedTuple

from jaxgan.algorithms import infogan, joint_vae
from jaxgan.algorithms.infogan_methods import InfoGanConfig
from jaxgan.algorithms.joint_vae import JointVaeConfig
from jaxgan.config.section import Count, Section, field
from jaxgan.data import order, training_data
from jaxgan.errors import UserError
from jaxgan.evaluation import metric
from jaxgan.networks import infogans
from jaxgan.report import code_differences, code_pictures, codes
from jaxgan.runs.experiment import Checkpoint
from jaxgan.runs.family import Family, Rule
from jaxgan.system.registry import Registry

JOINT_VAE = 'joint_vae'


class CodesMethod(NamedTuple):
  """What a method is made of.

  Attributes:
    section: the class of its section `algorithm`, with a field `num_categories`.
    make: `make(section, image_shape, num_categories) -> Algorithm`.
    has_untrained: whether its network is measured untrained, too.
  """

  section: type[Section]
  make: Callable
  has_untrained: bool = True


METHODS = Registry(
  'method',
  {
    **dict.fromkeys(infogan.VARIANTS, CodesMethod(InfoGanConfig, infogan.infogan)),
    # Its encoder is another network than Q.
    JOINT_VAE: CodesMethod(JointVaeConfig, joint_vae.joint_vae, has_untrained=False),
  },
)


class CodesEvaluation(Section):
  """What is measured of codes."""

  images_per_code: Count = field(1000, 'images of a code in the last evaluation')
  periodic_images_per_code: Count = field(100, 'images of a code in the evaluations of a run')
  batch_size: Count = field(500, 'images at once')
  checkpoint: Checkpoint = field('latest', 'which checkpoint the last evaluation is of')


def validate(config) -> None:
  """Refuses sections that do not go together; see `jaxgan.runs.rules`."""
  if len(config.methods) != 1:
    raise UserError(
      f'config.methods={config.methods} is not possible: use one of these methods at a time'
    )


def roles(config, methods, labelled: bool):
  """An annotator, where there are labels to train it with."""
  return ('annotator',) if labelled else ()


def num_categories(config, data: training_data.TrainingData) -> int:
  """k: how many codes an experiment has; the classes where the configuration does not say."""
  k = config.algorithm.num_categories
  return data.num_classes if k is None else k


def _check_codes(config, data):
  classes, labelled = data.num_classes, data.labelled
  if config.algorithm.num_categories is None and (not labelled or classes < 2):
    has = 'a single class' if labelled else 'no labels to count the classes by'
    raise UserError(
      f'config.data.source={config.data.source} has {has}: say how many codes there are to be, '
      '--config.algorithm.num_categories=10'
    )
  k = num_categories(config, data)
  start = getattr(config.algorithm, 'prior_start', None)
  if start is not None and len(start) != k:
    raise UserError(
      f'config.algorithm.prior_start has {len(start)} numbers for {k} codes: give one for each'
    )
  if getattr(config.algorithm, 'prior', None) == 'fixed' and not (labelled and k == classes):
    raise UserError(
      f'config.algorithm.prior=fixed is that of the labels: {k} categories need as many labelled '
      f'classes, the data has {classes if labelled else 0}; use another method'
    )


def _check_batches(config, data):
  for indices in data.indices:
    order.steps_per_epoch(len(indices), config.train.batch_size)


def _check_size(config, data):
  infogans.NETWORKS[config.algorithm.network].check(data.image_shape[0])


def recognised(config, data: training_data.TrainingData) -> tuple[str, ...]:
  """The names of the codes."""
  return tuple(f'code_{code}' for code in range(num_categories(config, data)))


def build(config, method: str, data: training_data.TrainingData, classifiers):
  """The algorithm of an experiment; it reads no classifiers and no frozen arrays."""
  k = num_categories(config, data)
  return METHODS[method].make(config.algorithm, data.image_shape, k), {}


def evaluate(inputs, method: str, algorithm):
  """What measures and draws the states of a method."""
  from jaxgan.evaluation import codes as codes_lib
  from jaxgan.evaluation import evaluate as evaluate_lib

  names = recognised(inputs.config, inputs.data)
  observer = codes_lib.Observer(inputs, algorithm, names, METHODS[method].has_untrained)
  differing = code_differences.lines(inputs.config, method)
  return evaluate_lib.Evaluation(inputs, method, observer, metric.CODES, code_pictures, differing)


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
  labels_of=lambda method, labelled: 'codes',
  recognised=recognised,
  differences=code_differences.TABLE,
  published=codes.published,
  section=codes.section,
  console=codes.console,
  pictures=codes.pictures,
  trained=code_pictures.trained,
  evaluated=code_pictures.evaluated,
  compare=code_pictures.compare,
)
