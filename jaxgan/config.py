"""What a configuration must satisfy, and how a work directory remembers its own."""

import contextlib
import itertools
import json
import math
import pathlib

import ml_collections

from data_prep import prepared_names
from jaxgan import families, files
from jaxgan.errors import UserError
from jaxgan.parallel import check_batch_size

DTYPES = ('float32', 'bfloat16')  # of computation; parameters are always float32
# Logging, checkpoints, the place of the data and the length of a run may change between starts.
_FREE_FIELDS = (
  'train.steps',
  'train.epochs',
  'train.log_every',
  'train.picture_every',
  'train.evaluate_every',
  'train.checkpoint_every',
  'train.preview',
  'train.keep',
  'train.resume',
  'data.source',
  'data.data_dir',
  'data.prepared',
  'data.streaming',
)
CLASSIFIERS = ('classifier', 'annotator', 'cas')  # Sections of networks trained with labels.
# Sections of a GAN's configuration that only its evaluation reads.
_FREE_SECTIONS = ('experiment', 'methods', 'published', 'evaluation', 'annotator', 'cas')


def _is_free(name: str) -> bool:
  name = name.removeprefix('recogniser.')  # An experiment's configuration itself.
  return name.endswith(_FREE_FIELDS) or name.split('.')[0] in _FREE_SECTIONS


def _require(condition: bool, field: str, value, allowed: str) -> None:
  if not condition:
    raise UserError(f'config.{field}={value!r} is not possible: use {allowed}')


def _validate_positive(config, prefix: str, fields) -> None:
  for field in fields:
    value = config[field]
    possible = value is not None and 0 < value < math.inf
    _require(possible, f'{prefix}{field}', value, 'a number above 0')


def _validate_training(config, prefix: str, num_devices: int) -> None:
  """Checks a job's `data` and `train` sections; `prefix` is where the job sits in the config."""
  train, data = config.train, config.data
  fields = ('batch_size', 'log_every', 'evaluate_every', 'checkpoint_every')
  _validate_positive(train, f'{prefix}train.', (*fields, 'picture_every'))
  keep = '2 or more: a damaged checkpoint is replaced by the previous one'
  _require(train.keep >= 2, f'{prefix}train.keep', train.keep, keep)
  _require(
    (train.steps, train.epochs) != (None, None),
    f'{prefix}train.steps',
    train.steps,
    f'a number of steps, or {prefix}train.epochs',
  )
  length = 'epochs' if train.steps is None else 'steps'
  _validate_positive(train, f'{prefix}train.', (length,))
  check_batch_size(train.batch_size, num_devices, f'config.{prefix}train.batch_size')
  for field in ('dataset', 'source', 'data_dir'):
    value = data[field]
    _require(isinstance(value, str), f'{prefix}data.{field}', value, 'a text')
  _require(
    data.crop_padding >= 0, f'{prefix}data.crop_padding', data.crop_padding, 'a number of pixels'
  )
  ratio = data.options.get('imbalance_ratio')
  _require(ratio is None or ratio >= 1, f'{prefix}data.options.imbalance_ratio', ratio, '1 or more')


def validate_classifier(config, role: str, num_devices: int) -> None:
  """Checks the section of a classifier, or what its folder remembers; see `validate`."""
  # Imports the networks: only when a config is there to be checked.
  from jaxgan.algorithms.classifier import FIELDS, INPUT_MULTIPLES, LOSSES, NETWORKS

  _validate_training(config, f'{role}.', num_devices)
  algorithm, prefix = config.algorithm, f'{role}.algorithm.'
  network = algorithm.network
  _require(network in NETWORKS, f'{prefix}network', network, f'one of {", ".join(NETWORKS)}')
  missing = [field for field in FIELDS[network] if field not in algorithm]
  _require(not missing, f'{prefix}network', network, f'it with its own {" and ".join(missing)}')
  _validate_positive(algorithm, prefix, ('learning_rate',))
  momentum = algorithm.momentum
  _require(0 <= momentum < 1, f'{prefix}momentum', momentum, 'a number in [0, 1)')
  for field in ('weight_decay', 'warmup_epochs', 'drw_epoch'):
    value = algorithm[field]
    possible = 0 <= value < math.inf if value is not None else field == 'drw_epoch'
    _require(possible, f'{prefix}{field}', value, '0 or more')
  epochs = algorithm.decay_epochs
  in_numbers = all(isinstance(epoch, (int, float)) and epoch > 0 for epoch in epochs)
  _require(in_numbers, f'{prefix}decay_epochs', epochs, 'numbers above 0')
  factor = algorithm.get('decay_factor', 1.0)
  _require(0 < factor <= 1, f'{prefix}decay_factor', factor, 'a number in (0, 1]')
  _require(algorithm.loss in LOSSES, f'{prefix}loss', algorithm.loss, f'one of {", ".join(LOSSES)}')
  gamma = algorithm.focal_gamma
  _require(0 <= gamma < math.inf, f'{prefix}focal_gamma', gamma, '0 or more')
  which = config.get('checkpoint', 'latest')  # Only the section of an experiment says.
  _require(which in ('latest', 'best'), f'{role}.checkpoint', which, 'latest or best')
  _validate_input(algorithm, prefix, INPUT_MULTIPLES.get(network))
  if network == 'resnet':
    _validate_positive(algorithm, prefix, ('width',))
    depth = algorithm.depth
    _require(depth >= 8 and depth % 6 == 2, f'{prefix}depth', depth, '6n + 2: 8, 14, 20, 32, ...')
  dtype = algorithm.dtype
  _require(dtype in DTYPES, f'{prefix}dtype', dtype, f'one of {", ".join(DTYPES)}')
  beta = algorithm.drw_beta
  _require(0 <= beta < 1, f'{prefix}drw_beta', beta, 'a number in [0, 1)')


def _validate_input(algorithm, prefix: str, multiple: int | None) -> None:
  """Checks what a classifier's network reads; a multiple is of a network that needs a size."""
  size, mean, std = (algorithm[f'input_{name}'] for name in ('size', 'mean', 'std'))
  if multiple:
    possible = size is not None and size > 0 and size % multiple == 0
    _require(possible, f'{prefix}input_size', size, f'a multiple of {multiple}')
  _require(size is None or size > 0, f'{prefix}input_size', size, 'a number of pixels, or none')
  both = (mean is None) == (std is None)
  _require(both, f'{prefix}input_std', std, 'it together with input_mean')
  if std is not None:
    positive = len(std) > 0 and all(0 < value < math.inf for value in std)
    _require(positive, f'{prefix}input_std', tuple(std), 'numbers above 0')
    finite = len(mean) > 0 and all(map(math.isfinite, mean))
    _require(finite, f'{prefix}input_mean', tuple(mean), 'finite numbers')


@contextlib.contextmanager
def fields_are_there(what: str = 'the configuration'):
  """Turns the error of a missing field, or of a field of another type, into a UserError."""
  try:
    yield
  except UserError:
    raise
  except (AttributeError, KeyError, TypeError, ValueError) as error:
    raise UserError(
      f'{what} lacks a field or has one of another type ({reason(error)}): '
      'experiments/base*.py have them all'
    ) from error


def reason(error: Exception) -> str:
  """The message of an error in one line, without the quotes that errors of fields put around it."""
  while error.args and isinstance(error.args[0], Exception):  # AttributeError(KeyError(message))
    error = error.args[0]
  return ' '.join(str(error.args[0] if error.args else type(error).__name__).split())


@fields_are_there()
def validate(config, num_devices: int) -> None:
  """Checks an experiment's configuration before anything is read or written.

  Raises:
    UserError: a value that cannot be; names the field, the value and what is allowed.
  """
  methods = config.methods
  family = families.family_of(methods)
  _require(len(set(methods)) == len(methods), 'methods', tuple(methods), 'each method once')
  _validate_positive(config, '', ('replicas',))
  last = 2**32 - config.replicas  # Each replica has the next seed.
  _require(0 <= config.seed <= last, 'seed', config.seed, f'a whole number in 0..{last}')
  # Devices that have replicas of their own do not share batches.
  num_devices //= math.gcd(config.replicas, num_devices)
  _validate_training(config, '', num_devices)

  def positive(section, *fields):
    _validate_positive(config[section], f'{section}.', fields)

  family.validate(config, _require, positive)
  dtype = config.algorithm.dtype
  _require(dtype in DTYPES, 'algorithm.dtype', dtype, f'one of {", ".join(DTYPES)}')
  roles = (family.roles(config, methods, labelled) for labelled in (True, False))
  for role in dict.fromkeys(itertools.chain(*roles)):
    if not config[role].get('folder'):
      _validate_role(config[role], role, num_devices)
  evaluation = config.evaluation
  _validate_positive(evaluation, 'evaluation.', ('batch_size',))
  check_batch_size(evaluation.batch_size, num_devices, 'config.evaluation.batch_size')
  which = evaluation.checkpoint
  known = which in ('latest', 'best') or which.isdigit()
  _require(known, 'evaluation.checkpoint', which, 'latest, best or a step')


def _validate_role(section, role: str, num_devices: int) -> None:
  """Checks the section of a classifier: one that is trained, or an experiment that finds one."""
  if 'methods' not in section:
    validate_classifier(section, role, num_devices)
    return
  try:
    validate(section, num_devices)
  except UserError as error:
    raise UserError(str(error).replace('config.', f'config.{role}.', 1)) from error


def _flatten(tree: dict, prefix: str = '') -> dict:
  flat = {}
  for name, value in tree.items():
    nested = isinstance(value, dict)
    flat |= _flatten(value, f'{prefix}{name}.') if nested else {f'{prefix}{name}': value}
  return flat


@fields_are_there()
def work_directory(config) -> pathlib.Path:
  """Where an experiment writes unless told otherwise."""
  several = f'_x{config.replicas}' if config.replicas > 1 else ''
  return pathlib.Path(f'{config.workdir}{several}')


def read(folder: pathlib.Path) -> ml_collections.ConfigDict:
  """The configuration that a job's folder remembers, with the fields that there are today.

  Raises:
    UserError: there is none, or it cannot be read.
  """
  path = pathlib.Path(folder) / 'config.json'
  try:
    content = json.loads(path.read_text())
    if not isinstance(content, dict):
      raise ValueError('it holds no fields')
    config = ml_collections.ConfigDict(content)
  except FileNotFoundError:
    raise UserError(f'{folder} holds no run (no config.json): name the folder of a run') from None
  except (OSError, ValueError, RecursionError) as error:
    raise UserError(f'{path} cannot be read ({error}): restore it or use another folder') from error
  if isinstance(config.get('images'), str):  # Older versions have the name of the source in it.
    config.images = prepared_names.without_source(config.images)
  with fields_are_there(path):
    _name_older_pictures(config)
    for section in (config, config.get('recogniser')):
      if section:
        _upgrade(section)
  return config


def _upgrade(section) -> None:
  """Gives what a folder remembers the fields of today; a classifier's job has no methods."""
  from jaxgan.algorithms import classifier

  if 'methods' in section:
    family = families.family_of(section.methods)
    upgraded = family.upgraded(section.algorithm.to_dict(), section.methods)
    section.algorithm = ml_collections.ConfigDict(upgraded)
  own = [section] if 'methods' not in section else []
  for job in own + [section[role] for role in CLASSIFIERS if role in section]:
    if 'algorithm' in job:
      job.algorithm = ml_collections.ConfigDict(classifier.upgraded(job.algorithm.to_dict()))
    if 'folder' in job and 'checkpoint' not in job:
      job.checkpoint = 'latest'


def _name_older_pictures(config) -> None:
  """Says of LSUN what a configuration has from before `data.options.picture` was a choice."""
  for section in (config, *(config.get(role) for role in CLASSIFIERS)):
    data = section.get('data', {}) if section else {}
    if str(data.get('dataset')).startswith('long_tail_lsun/'):
      data.options.picture = data.options.get('picture') or 'centre_crop'


def changes(folder: pathlib.Path, config) -> list[tuple]:
  """Where a configuration differs from the one that its job's folder remembers, if it does.

  Returns:
    [(field, remembered value, new value)], without the fields that are free to change.

  Raises:
    UserError: what the folder remembers cannot be read.
  """
  if not (pathlib.Path(folder) / 'config.json').exists():
    return []
  old, new = _flatten(read(folder).to_dict()), _flatten(json.loads(_as_text(config)))
  fields = sorted(name for name in old.keys() | new.keys() if not _is_free(name))
  return [(n, old.get(n), new.get(n)) for n in fields if old.get(n) != new.get(n)]


def _as_text(config) -> str:
  return json.dumps(config.to_dict(), indent=2, sort_keys=True) + '\n'


def check_unchanged(folder: pathlib.Path, config) -> None:
  """Raises a UserError where a folder belongs to a run with another configuration."""
  changed = changes(folder, config)
  if [name for name, _, _ in changed] == ['images']:
    _, old, new = changed[0]
    raise UserError(
      f'{folder} belongs to a run on other images: the contents of config.data.source='
      f'{config.data.source!r} have changed (images was {old!r}, is {new!r}): choose another '
      '--workdir or give the old images'
    )
  if changed:
    shown = ', '.join(f'{n} was {old!r}, is {new!r}' for n, old, new in changed[:3])
    more = f' and {len(changed) - 3} more' if len(changed) > 3 else ''
    raise UserError(
      f'{folder} belongs to a run with another config ({shown}{more}): '
      'choose another --workdir or the old values'
    )


def remember(folder: pathlib.Path, config) -> None:
  """Writes a job's resolved configuration to its folder, unless another one is there.

  Raises:
    UserError: the folder belongs to a run with another configuration, or cannot be written.
  """
  folder = pathlib.Path(folder)
  path = folder / 'config.json'
  text = _as_text(config)
  if path.exists() and path.read_text() == text:
    return
  check_unchanged(folder, config)
  try:
    files.replace(path, text.encode())
  except OSError as error:
    raise UserError(
      f'cannot write to {folder} ({error.strerror}): choose another --workdir'
    ) from error
