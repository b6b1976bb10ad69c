"""Families of methods: what their experiments train, measure and draw.

A family is a module with

  METHODS                                   names of its methods
  validate(config, require, positive)       checks the sections that only it reads
  roles(methods, labelled)                  which of 'classifier' and 'annotator' it needs
  check(config, data)                       refuses data that cannot work before hours are spent
  build(config, method, arrays, classifier) -> (Algorithm, its frozen arrays)
  Evaluation(setup, algorithm)              measures states; never changes them
    .periodic(state, replica)               -> (values for the log, score that ranks checkpoints)
    .picture(folder, state, step, replica)  what a run draws while it trains
    .write(folder, method, step, state, replica) -> what evaluation.json holds
    .sampler(state, balanced)               -> (sample(rng, num) -> (images, labels), names, source)
  compare(workdir, folders)                 draws the evaluated methods {method: folder} beside
                                            each other; returns the paths

A new family is one such module and its line in `FAMILIES`.
"""

import functools
import importlib

from jaxgan.errors import UserError

FAMILIES = ('jaxgan.families.class_balancing', 'jaxgan.families.codes')


@functools.cache
def _families():
  # Imported when asked for: a family brings the networks of its methods.
  return [importlib.import_module(name) for name in FAMILIES]


def all_methods() -> tuple[str, ...]:
  """The names of all methods."""
  return tuple(method for family in _families() for method in family.METHODS)


def family_of(methods):
  """The family that all of some methods belong to.

  Raises:
    UserError: an unknown method, none, or methods of several families.
  """
  for family in _families():
    if methods and set(methods) <= set(family.METHODS):
      return family
  known = '; '.join(', '.join(family.METHODS) for family in _families())
  raise UserError(f'config.methods={tuple(methods)!r} is not possible: use some of {known}')
