"""Families of methods: their registry, and the experiments of their methods.

A family is a module in this folder that fills a `jaxgan.runs.family.Family`. It imports no other
family; other modules look it up here. Importing it loads neither drawing nor checkpoint libraries,
so that configurations and results are read quickly. Another package registers a family with:

    FAMILIES.register('my_family', Family(...))
"""

from collections.abc import Mapping, Sequence
import pathlib
from typing import Any

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
  """Returns the names of the methods of all families."""
  return tuple(method for family in FAMILIES.values() for method in family.methods)


def family_of(methods: Sequence[str]) -> Family:
  """Returns the family of some methods.

  Raises:
    UserError: no method, an unknown method, or methods of several families.
  """
  for family in FAMILIES.values():
    if methods and set(methods) <= set(family.methods):
      return family
  known = '; '.join(', '.join(family.methods) for family in FAMILIES.values())
  raise UserError(f'config.methods={tuple(methods)!r}: expected methods of one family: {known}.')


def registered_by(config: Experiment) -> set[str]:
  """Returns the modules of other packages that registered entries used by an experiment."""
  family = family_of(config.methods)
  (name,) = (name for name, other in FAMILIES.items() if other is family)
  return (
    section_lib.registered_by(config)
    | FAMILIES.registered_by(name)
    | family.methods.registered_by(*config.methods)
    | family.metrics.registered_by(*family.metrics)
    | (registered_by(config.recogniser) if config.recogniser else set())
  )


def experiment(
  content: Mapping[str, Any], kind: type[Experiment] = Experiment, name: str = 'config'
) -> Any:
  """Builds an experiment from values.

  Args:
    content: {field: value}; a section is a Section or a mapping.
    kind: Experiment or MethodJob.
    name: the name of the experiment in messages.

  Returns:
    An experiment of class `kind`.

  Raises:
    UserError: an unknown method, or a value that is not allowed.
  """
  return section_lib.checked(_class_of(content, kind, name), content, name)


def remembered(folder: pathlib.Path) -> MethodJob:
  """Reads the configuration that the folder of a method stores.

  Raises:
    UserError: the folder is not the folder of a method, or its configuration is unreadable.
  """
  content, path = identity.content(folder), pathlib.Path(folder) / identity.NAME
  if 'methods' not in content:
    raise UserError(f'{folder}: expected a folder of a method, such as runs/fashion_lt/acgan.')
  return experiment(content, MethodJob, str(path))


def method_config(config: Experiment, method: str, data: training_data.TrainingData) -> MethodJob:
  """Builds the configuration that the folder of a method stores, for its job and evaluation."""
  own = config.model_copy(update={'methods': (method,)})
  fields = {'images': data.arrays.key, 'modules': sorted(registered_by(own))}
  return experiment(dict(own) | fields, MethodJob)


def _class_of(content, kind, name):
  """The experiment class with the sections of the family of its methods."""
  methods, recogniser = content.get('methods'), content.get('recogniser')
  if not isinstance(methods, list | tuple) or not all(isinstance(m, str) for m in methods):
    raise UserError(f"{name}.methods={methods!r}: expected names, for example ('acgan',).")
  family, of_recogniser = family_of(methods), type(recogniser)
  if isinstance(recogniser, Mapping):
    of_recogniser = _class_of(recogniser, Experiment, f'{name}.recogniser')
  return kind[family.algorithm(methods[0]), family.evaluation, of_recogniser]
