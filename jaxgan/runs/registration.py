"""Registration of methods, networks, losses, metrics and data sets by other packages.

The functions are `jaxgan.register_method` and so on. They check an entry, as far as it shows
mistakes without being used, and add it to its table. A module calls them when it is imported.
"""

from collections.abc import Callable, Iterable
import importlib.util
import inspect
import re
import sys
from typing import Any, Literal

from data_prep.preparation import DATASETS
from jaxgan.algorithms import classifier, gan_methods
from jaxgan.errors import UserError, first_line
from jaxgan.evaluation import metric as metric_lib
from jaxgan.losses import adversarial
from jaxgan.networks import gans, infogans
from jaxgan.runs.families import FAMILIES
from jaxgan.system.registry import Registry

_CALLER = 2  # The registering module calls a function that calls `Registry.register`.
# The parameters of the functions of networks.
_GAN_NETWORK = {
  'make': ('config', 'image_shape', 'conditional', 'head', 'num_classes'),
  'check': ('image_size',),
}
_INFOGAN_NETWORK = {
  'generator': ('config', 'image_shape', 'code_dim', 'activation'),
  'trunk': ('config',),
  'discriminator_head': (),
  'recognition_head': ('config', 'num_categories', 'num_continuous'),
  'check': ('image_size',),
}


def register_method(name: str, method: Any) -> None:
  """Adds a method to its family.

  Args:
    name: the name in `config.methods`, on the command line and in reports.
    method: a `jaxgan.algorithms.gan_methods.GanMethod`, or for a method with codes a
      `jaxgan.runs.families.codes.CodesMethod`.

  Raises:
    UserError: the name is taken, or the method is of another type or contradicts itself.
  """
  what = _checked('method', name)
  for family in FAMILIES.values():
    if type(method) in {type(known) for known in family.methods.values()} - {type(None)}:
      if isinstance(method, gan_methods.GanMethod):
        try:
          gan_methods.check(method)
        except UserError as error:
          raise UserError(f'{what}: {error}') from None
      family.methods.register(name, method, _CALLER)
      return
  raise UserError(f'{what}: expected a GanMethod or a CodesMethod, found {_shown(method)}')


def register_network(name: str, network: Any) -> None:
  """Adds a network.

  Args:
    name: the name in `config.algorithm.network` or `config.classifier.algorithm.network`.
    network: a `jaxgan.networks.gans.Network`, a `jaxgan.networks.infogans.Network`, or for a
      classifier a function `network(num_classes, config)` that returns a Flax module.

  Raises:
    UserError: the name is taken, or a function takes other arguments.
  """
  what = _checked('network', name)
  if isinstance(network, gans.Network):
    _check_functions(what, network, _GAN_NETWORK)
    gans.NETWORKS.register(name, network, _CALLER)
  elif isinstance(network, infogans.Network):
    _check_functions(what, network, _INFOGAN_NETWORK)
    infogans.NETWORKS.register(name, network, _CALLER)
  elif not callable(network):
    kinds = 'a Network of jaxgan.networks.gans or jaxgan.networks.infogans, or a function'
    raise UserError(f'{what}: expected {kinds}, found {_shown(network)}')
  else:
    _check_takes(what, network, ('num_classes', 'config'))
    table: Registry[Any] = classifier.NETWORKS
    table.register(name, network, _CALLER)


def register_loss(name: str, loss: Any) -> None:
  """Adds a loss.

  Args:
    name: the name in `config.algorithm.loss` or `config.classifier.algorithm.loss`.
    loss: for GANs a pair of functions of `(real_logits, fake_logits)`, for discriminator and
      generator; for classifiers a function of the `algorithm` section that returns `loss(logits,
      labels, class_weights)`. All losses return scalars.

  Raises:
    UserError: the name is taken, or a function takes other arguments.
  """
  what = _checked('loss', name)
  if isinstance(loss, tuple | list) and len(loss) == 2:
    for network, function in zip(('discriminator', 'generator'), loss, strict=True):
      _check_takes(f'{what} of the {network}', function, ('real_logits', 'fake_logits'))
    adversarial.LOSSES.register(name, tuple(loss), _CALLER)
  elif not callable(loss):
    pair = 'a pair (discriminator loss, generator loss) or the function of a classifier'
    raise UserError(f'{what}: expected {pair}, found {_shown(loss)}')
  else:
    _check_takes(what, loss, ('config',))
    table: Registry[Any] = classifier.LOSSES
    table.register(name, loss, _CALLER)


def register_metric(
  name: str,
  measure: Callable,
  meaning: str = '',
  *,
  of: Literal['images', 'codes'] = 'images',
  better: str = '',
  axes: Iterable[str] = (),
  periodic: bool = False,
  per_network: bool = False,
  needs: Iterable[str] = (),
) -> None:
  """Adds a metric to every evaluation of generated images, or of codes.

  Args:
    name: the name in records, logs and reports.
    measure: `measure(seen)` returns the value; `seen` is what the evaluation has seen, see
      `jaxgan.evaluation.judges.Judged` and `jaxgan.evaluation.code_results.Judged`.
    meaning: one line, for reports.
    of: 'images' for GANs, 'codes' for methods with codes.
    better: 'lower', 'higher' or ''.
    axes: the axes of a list, see `jaxgan.evaluation.metric.Metric`.
    periodic: whether training logs it, too.
    per_network: measure it in the features of each network, by `measure(seen, network)`.
    needs: what `measure` reads beyond images, such as 'classes', 'codes' or 'features'; the value
      is None where it is absent.

  Raises:
    UserError: the name is taken, or an argument has another value.
  """
  what = _checked('metric', name, pattern=r'[\w./-]+')
  _check_one_of(what, 'of', (of,), ('images', 'codes'))
  _check_one_of(what, 'better', (better,), ('', metric_lib.LOWER, metric_lib.HIGHER))
  _check_one_of(what, 'axes', axes := _tuple(axes), metric_lib.AXES)
  _check_one_of(what, 'needs', needs := _tuple(needs), metric_lib.NEEDS)
  _check_takes(what, measure, ('seen', 'network') if per_network else ('seen',))
  table = metric_lib.GENERATED if of == 'images' else metric_lib.CODES
  metric = metric_lib.Metric(
    name, measure, meaning, better, axes, periodic, per_network, frozenset(needs)
  )
  table.register(name, metric, _CALLER)


def register_dataset(name: str, module: str) -> None:
  """Adds a data set.

  Args:
    name: the name before the slash in `config.data.dataset`.
    module: the name of a module with `OPTIONS`, the names of its `data.options`, and
      `recipe(config, source, **options)`, see `data_prep.preparation`; `__name__` for the calling
      module. Another module is imported when the data set is asked for.

  Raises:
    UserError: the name is taken, or there is no such module.
  """
  what = _checked('data set', name)
  if not isinstance(module, str):
    raise UserError(f'{what}: expected the name of a module, found {_shown(module)}')
  try:
    found = module in sys.modules or importlib.util.find_spec(module) is not None
    reason = 'no such module'
  except (ImportError, ValueError) as error:
    found, reason = False, first_line(error)
  if not found:
    raise UserError(f'{what}: expected the name of a module, found {module!r} ({reason})')
  DATASETS.register(name, module, _CALLER)


def _checked(what: str, name, pattern: str = r'[\w.-]+') -> str:
  """Checks a name, which folders are named by; returns how messages name the entry."""
  if not (isinstance(name, str) and re.fullmatch(pattern, name)):
    raise UserError(f'{what} {name!r}: expected a name of letters, digits, _, - and dots')
  return f'{what} {name!r}'


def _shown(value) -> str:
  name = value.__name__ if inspect.isclass(value) else type(value).__name__
  return f'{"the class" if inspect.isclass(value) else "a value of type"} {name}'


def _tuple(values) -> tuple:
  """The values; a single text is one value, not its letters."""
  return (values,) if isinstance(values, str) else tuple(values)


def _check_one_of(what, name, values, allowed):
  for value in values:
    if value not in allowed:
      known = ', '.join(map(repr, allowed))
      raise UserError(f'{what}: {name}={value!r}: expected one of {known}')


def _check_functions(what, network, functions):
  for name, parameters in functions.items():
    _check_takes(f'{what}, {name}', getattr(network, name), parameters)


def _check_takes(what, function, parameters):
  """Raises a UserError if a function cannot be called with so many arguments."""
  expected = f'expected a function of ({", ".join(parameters)})'
  if not callable(function):
    raise UserError(f'{what}: {expected}, found {_shown(function)}')
  try:
    signature = inspect.signature(function)
  except (TypeError, ValueError):  # A builtin without a signature.
    return
  try:
    signature.bind(*parameters)
  except TypeError:
    raise UserError(f'{what}: {expected}, found one of {signature}') from None
