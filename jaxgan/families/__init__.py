"""Families of methods: what their experiments train, measure and draw.

A family is a package that imports the core and no other family, with

  METHODS                                   names of its methods
  labels_of(method, labelled)               what the labels of generated images are, where the real
                                            ones are labelled or not: 'classes' of the data, 'codes'
  upgraded(algorithm, methods)              -> a remembered `algorithm` section, a dict, with the
                                            fields of today: what older code ran without them
  validate(config, require, positive)       checks the sections that only it reads
  roles(config, methods, labelled)          the sections of the classifiers it needs: an experiment
                                            has 'classifier' and 'annotator', trained with labels,
                                            and 'recogniser', found without, before its methods
  check(config, data)                       refuses data that cannot work before hours are spent
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
  REPORT, PAGE                              its part of a report, and what a page shows of a run,
                                            see `jaxgan.report`

Importing it brings neither drawing nor checkpoints, so that configurations and results are read
quickly. A new family is one such package and its line in `FAMILIES`; the core asks for it here
and never imports it.
"""

import functools
import importlib

from jaxgan.errors import UserError

FAMILIES = ('jaxgan.families.class_balancing', 'jaxgan.families.codes')


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
