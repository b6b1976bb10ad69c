"""Elastic-InfoGAN's family and JointVAE: what their categorical codes and priors mean."""

import itertools
import math

from jaxgan import augment
from jaxgan import data as data_lib
from jaxgan.algorithms import infogan, joint_vae
from jaxgan.errors import UserError
from jaxgan.evaluation import metric
from jaxgan.families.codes import differences
from jaxgan.networks import infogans
from jaxgan.report import code_page, codes

JOINT_VAE = 'joint_vae'
METHODS = (*infogan.VARIANTS, JOINT_VAE)
METRICS = metric.METRICS['codes']
DIFFERENCES = differences.TABLE
REPORT, PAGE = codes, code_page
# Fields of JointVAE of older versions, and those that replaced them.
_FORMERLY_ONE = {
  'beta': ('beta_continuous', 'beta_discrete'),
  'capacity': ('continuous_capacity', 'discrete_capacity'),
}


def labels_of(method: str, labelled: bool) -> str:
  """See `jaxgan.families`."""
  del method, labelled
  return 'codes'


def upgraded(algorithm: dict, methods) -> dict:
  """An older `algorithm` section with the fields of today; see `jaxgan.families`."""
  del methods
  added = {'network': 'mnist', 'width': 64}
  algorithm = dict(algorithm)
  for old, today in _FORMERLY_ONE.items():
    if old in algorithm:  # One value for both latents.
      added |= dict.fromkeys(today, algorithm.pop(old))
  if 'prior' in algorithm:
    # Of digits whose pairs nothing contrasts the field has no effect: its value is today's.
    unread = algorithm['contrastive'] == 'none' and (added | algorithm)['network'] == 'mnist'
    added |= {
      'views': 'released' if unread else 'paper',
      'crop_keep': 1.0,
      'flip': False,
      'gamma_range': [1.0, 1.0],  # As JSON has it.
      'crop_of': 'side',
      'positive_loss': 'agreement',
      'prior_losses': 'all',
      'prior_entropy_weight': 0.0,
      'prior_start': None,
      'ema_decay': 0.0,
      'prior_learning_rate': algorithm['learning_rate'],
    }
  return added | algorithm


def validate(config, require, require_positive) -> None:
  """Checks the sections `algorithm` and `evaluation`; see `jaxgan.config.validate`."""
  algorithm, methods = config.algorithm, config.methods
  require(len(methods) == 1, 'methods', methods, 'one of these methods at a time')
  require_positive('algorithm', 'learning_rate', 'epsilon', 'temperature')
  require_positive('evaluation', 'images_per_code', 'periodic_images_per_code')
  decays = ('beta1', 'beta2') if methods[0] == JOINT_VAE else ('beta1', 'beta2', 'ema_decay')
  for field in decays:
    value = algorithm[field]
    require(0 <= value < 1, f'algorithm.{field}', value, 'a number in [0, 1)')
  choices = {'network': infogans.NETWORKS} if methods[0] == JOINT_VAE else infogan.CHOICES
  for field, allowed in choices.items():
    value = algorithm[field]
    require(value in allowed, f'algorithm.{field}', value, f'one of {", ".join(allowed)}')
  require_positive('algorithm', 'width')
  k = algorithm.num_categories
  require(k is None or k >= 2, 'algorithm.num_categories', k, '2 or more, or none: the classes')
  if methods[0] == JOINT_VAE:
    require_positive('algorithm', 'latent_dim', 'capacity_steps')
    for field in itertools.chain(*_FORMERLY_ONE.values()):
      require(0 <= algorithm[field] < math.inf, f'algorithm.{field}', algorithm[field], '0 or more')
    return
  require_positive('algorithm', 'noise_dim', 'contrastive_temperature', 'prior_learning_rate')
  not_negative = ('num_continuous', 'mutual_information_weight', 'contrastive_weight')
  for field in (*not_negative, 'rotation_degrees', 'prior_entropy_weight'):
    require(0 <= algorithm[field] < math.inf, f'algorithm.{field}', algorithm[field], '0 or more')
  keep = algorithm.crop_keep
  require(0 < keep <= 1, 'algorithm.crop_keep', keep, 'a number in (0, 1]')
  if algorithm.views == 'released':
    degrees, most = algorithm.rotation_degrees, augment.AUGMENTOR_MAX_DEGREES
    possible = degrees <= most and degrees == int(degrees)
    allowed = f'a whole number from 0 to {most} with algorithm.views=released'
    require(possible, 'algorithm.rotation_degrees', degrees, allowed)
    require(keep == 1, 'algorithm.crop_keep', keep, '1.0 with algorithm.views=released')
  for field in ('zoom_range', 'gamma_range'):
    ends = tuple(algorithm[field])
    in_order = len(ends) == 2 and 0 < ends[0] <= ends[1] < math.inf
    require(in_order, f'algorithm.{field}', ends, 'two numbers above 0, in order')
  loss, positives = algorithm.positive_loss, algorithm.contrastive == 'positives'
  only = 'agreement, or another with algorithm.contrastive=positives (gumbel_softmax_pos)'
  require(positives or loss == 'agreement', 'algorithm.positive_loss', loss, only)
  start, weight = algorithm.prior_start, algorithm.prior_entropy_weight
  learned = algorithm.prior == 'learnable'
  only = 'with algorithm.prior=learnable only'
  require(learned or not weight, 'algorithm.prior_entropy_weight', weight, f'it {only}')
  require(learned or start is None, 'algorithm.prior_start', start, f'it {only}')
  frequencies = start is None or all(
    isinstance(frequency, (int, float)) and 0 < frequency < math.inf for frequency in start
  )
  allowed = 'numbers above 0, one for each code, such as (0.6,0.3,0.1)'
  require(frequencies, 'algorithm.prior_start', start, allowed)


def roles(config, methods, labelled: bool):
  """An annotator, where there are labels to train it with."""
  del config, methods
  return ('annotator',) if labelled else ()


def num_categories(config, data: data_lib.TrainingData) -> int:
  """k: how many codes an experiment has; the classes where the configuration does not say."""
  k = config.algorithm.num_categories
  return data.num_classes if k is None else k


def check(config, data: data_lib.TrainingData) -> None:
  """Refuses what needs labels where there are none, and images the networks cannot take."""
  classes = data.num_classes
  labelled = data.labelled
  if config.algorithm.num_categories is None and (not labelled or classes < 2):
    has = 'a single class' if labelled else 'no labels to count the classes by'
    raise UserError(
      f'config.data.source={config.data.source} has {has}: say how many codes there are to be, '
      '--config.algorithm.num_categories=10'
    )
  k = num_categories(config, data)
  start = config.algorithm.get('prior_start')
  if start is not None and len(start) != k:
    raise UserError(
      f'config.algorithm.prior_start has {len(start)} numbers for {k} codes: give one for each'
    )
  if config.algorithm.get('prior') == 'fixed' and not (labelled and k == classes):
    raise UserError(
      f'config.algorithm.prior=fixed is that of the labels: {k} categories need as many labelled '
      f'classes, the data has {classes if labelled else 0}; use another method'
    )
  for indices in data.indices:
    data_lib.steps_per_epoch(len(indices), config.train.batch_size)
  infogans.NETWORKS[config.algorithm.network].check(data.image_shape[0])


def recognised(config, data: data_lib.TrainingData) -> tuple[str, ...]:
  """The names of the codes."""
  return tuple(f'code_{code}' for code in range(num_categories(config, data)))


def build(config, method: str, data: data_lib.TrainingData, classifiers):
  """The algorithm of an experiment; it reads no frozen arrays."""
  del classifiers
  make = joint_vae.joint_vae if method == JOINT_VAE else infogan.infogan
  return make(config.algorithm, data.image_shape, num_categories(config, data)), {}


def evaluation(setup, method: str, algorithm):
  """What measures and draws the states of a method."""
  from jaxgan.evaluation import codes as codes_lib
  from jaxgan.evaluation import evaluate
  from jaxgan.report import code_pictures  # It draws: not for those who only read.

  names = recognised(setup.config, setup.data)
  # The encoder of JointVAE is another network than Q.
  observer = codes_lib.Observer(setup, algorithm, names, has_untrained=method != JOINT_VAE)
  differing = differences.lines(setup.config, method)
  return evaluate.Evaluation(setup, method, observer, METRICS, code_pictures, differing)


def compare(workdir, folders):
  """Draws the code grids of the evaluated methods side by side."""
  from jaxgan.report import code_pictures

  return code_pictures.compare(workdir, folders)
