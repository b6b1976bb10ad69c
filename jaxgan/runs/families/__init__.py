"""Families of methods: what their experiments train, measure and draw.

A family is a package that imports the core and no other family, with

  METHODS                                   names of its methods
  labels_of(method, labelled)               what the labels of generated images are, where the real
                                            ones are labelled or not: 'classes' of the data, 'codes'
  ALGORITHMS, EVALUATION                    the classes of the sections `algorithm`, by method, and
                                            `evaluation`
  validate(config)                          refuses sections that do not go together
  roles(config, methods, labelled)          the sections of the classifiers it needs: an experiment
                                            has 'classifier' and 'annotator', trained with labels,
                                            and 'recogniser', found without, before its methods
  RULES                                     what the data of an experiment must satisfy, each a Rule
  build(config, method, data, classifiers)  -> (Algorithm, its frozen arrays); of {role: Classifier}
                                            or, before they are there, one whose `init` alone can
                                            be asked
  recognised(config, data)                  the names of what the `classify` of its algorithms tells
                                            apart without labels, () where that is nothing
  METRICS                                   its table of `jaxgan.evaluation.metric`
  DIFFERENCES                               what differs from the authors' code
  evaluation(setup, method, algorithm)      -> a `jaxgan.evaluation.evaluate.Evaluation`
  compare(workdir, folders)                 draws the evaluated methods {method: folder} beside
                                            each other; returns the paths
  REPORT, PICTURES                          its tables, and its pictures in files and on pages, see
                                            `jaxgan.report`

Importing it brings neither drawing nor checkpoints, so that configurations and results are read
quickly. A new family is one such package and its line in `FAMILIES`; the core asks for it here
and never imports it.
"""

from collections.abc import Callable, Mapping
import functools
import importlib
import pathlib
from typing import NamedTuple

from jaxgan.config import identity
from jaxgan.config import section as section_lib
from jaxgan.errors import UserError
from jaxgan.runs.experiment import Experiment, MethodJob

FAMILIES = ('jaxgan.runs.families.class_balancing', 'jaxgan.runs.families.codes')


class Rule(NamedTuple):
  """A rule about the data of an experiment, checked before hours are spent.

  `check(config, data)` raises a UserError where it is broken. `of_images` says whether it asks for
  more than the shape of the images and the names of their classes.
  """

  check: Callable
  of_images: bool = True


@functools.cache
def all_families():
  """The packages of all families."""
  # Imported when asked for: a family brings the networks of its methods.
  return [importlib.import_module(name) for name in FAMILIES]


def all_methods() -> tuple[str, ...]:
  """The names of all methods."""
  return tuple(method for family in all_families() for method in family.METHODS)


def family_of(methods):
  """The family that all of some methods belong to.

  Raises:
    UserError: an unknown method, none, or methods of several families.
  """
  for family in all_families():
    if methods and set(methods) <= set(family.METHODS):
      return family
  known = '; '.join(', '.join(family.METHODS) for family in all_families())
  raise UserError(f'config.methods={tuple(methods)!r} is not possible: use some of {known}')


def experiment(content, kind=Experiment, name: str = 'config'):
  """The experiment of some values.

  Args:
    content: {field: value}; sections are sections or mappings.
    kind: Experiment, or MethodJob.
    name: what messages call it.

  Raises:
    UserError: unknown methods, or a value that is not allowed.
  """
  methods = content.get('methods')
  if not isinstance(methods, list | tuple) or not all(isinstance(m, str) for m in methods):
    raise UserError(f'{name}.methods={methods!r} is not possible: use names of methods')
  return section_lib.checked(_class_of(content, kind), content, name)


def remembered(folder: pathlib.Path) -> MethodJob:
  """What the folder of a method remembers.

  Raises:
    UserError: it is not the folder of a method, or what it remembers cannot be read.
  """
  content, path = identity.content(folder), pathlib.Path(folder) / identity.NAME
  if 'methods' not in content:
    raise UserError(f'{folder} is not the folder of a method: name one that holds a run')
  return experiment(content, MethodJob, str(path))


def _class_of(content, kind):
  methods = content.get('methods', ())
  family, own = family_of(methods), content.get('recogniser')
  if isinstance(own, Mapping):
    own = _class_of(own, Experiment)
  return kind[
    family.ALGORITHMS[methods[0]], family.EVALUATION, own if isinstance(own, type) else type(own)
  ]
