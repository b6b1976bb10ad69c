"""Families of methods: the registry of them, and the experiments of their methods.

A family is a wiring file in this folder that fills a `jaxgan.runs.family.Family`; it imports no
other family, and the core asks for it here. Importing it brings neither drawing nor checkpoints, so
that configurations and results are read quickly. Another package adds its own:

    FAMILIES.register('my_family', Family(...))
"""

from collections.abc import Mapping
import pathlib

from jaxgan.config import identity
from jaxgan.config import section as section_lib
from jaxgan.data import training_data
from jaxgan.errors import UserError
from jaxgan.runs.experiment import Experiment, MethodJob
from jaxgan.runs.families import class_balancing, codes
from jaxgan.runs.family import Family
from jaxgan.system.registry import Registry

FAMILIES: Registry[Family] = Registry(
  'family', {'class_balancing': class_balancing.FAMILY, 'codes': codes.FAMILY}
)


def all_methods() -> tuple[str, ...]:
  """The names of all methods."""
  return tuple(method for family in FAMILIES.values() for method in family.methods)


def family_of(methods) -> Family:
  """The family that all of some methods belong to.

  Raises:
    UserError: an unknown method, none, or methods of several families.
  """
  for family in FAMILIES.values():
    if methods and set(methods) <= set(family.methods):
      return family
  known = '; '.join(', '.join(family.methods) for family in FAMILIES.values())
  raise UserError(f'config.methods={tuple(methods)!r} is not possible: use some of {known}')


def registered_by(config) -> set[str]:
  """The modules outside of jaxgan that registered what an experiment uses."""
  family = family_of(config.methods)
  (name,) = (name for name, other in FAMILIES.items() if other is family)
  return (
    section_lib.registered_by(config)
    | FAMILIES.registered_by(name)
    | family.methods.registered_by(*config.methods)
    | family.metrics.registered_by(*family.metrics)
    | (registered_by(config.recogniser) if config.recogniser else set())
  )


def experiment(content, kind=Experiment, name: str = 'config'):
  """The experiment of some values.

  Args:
    content: {field: value}; sections are sections or mappings.
    kind: Experiment, or MethodJob.
    name: what messages call it.

  Raises:
    UserError: unknown methods, or a value that is not allowed.
  """
  return section_lib.checked(_class_of(content, kind, name), content, name)


def remembered(folder: pathlib.Path) -> MethodJob:
  """What the folder of a method remembers.

  Raises:
    UserError: it is not the folder of a method, or what it remembers cannot be read.
  """
  content, path = identity.content(folder), pathlib.Path(folder) / identity.NAME
  if 'methods' not in content:
    raise UserError(f'{folder} is not the folder of a method: name one that holds a run')
  return experiment(content, MethodJob, str(path))


def method_config(config, method: str, data: training_data.TrainingData) -> MethodJob:
  """What the folder of a method remembers: everything its job and its evaluation depend on."""
  own = config.model_copy(update={'methods': (method,)})
  fields = {'images': data.arrays.key, 'modules': sorted(registered_by(own))}
  return experiment(dict(own) | fields, MethodJob)


def _class_of(content, kind, name):
  """The class of an experiment whose sections are those of its methods' family."""
  methods, recogniser = content.get('methods'), content.get('recogniser')
  if not isinstance(methods, list | tuple) or not all(isinstance(m, str) for m in methods):
    raise UserError(f'{name}.methods={methods!r} is not possible: use names of methods')
  family, of_recogniser = family_of(methods), type(recogniser)
  if isinstance(recogniser, Mapping):
    of_recogniser = _class_of(recogniser, Experiment, f'{name}.recogniser')
  return kind[family.algorithm(methods[0]), family.evaluation, of_recogniser]
