"""Editions of data sets for sources of another size than the published ones.

Each data set's `recipe` takes the expected sizes of its source, by default the published ones. An
edition replaces the data set in `data_prep.preparation.DATASETS` and passes other sizes.
"""

import functools
import importlib
import sys
import types

from data_prep import preparation


def edition(name, **sizes):
  """The module of a data set, with sizes: layout=... or copy=..."""
  module = importlib.import_module(preparation.DATASETS[name])
  own = types.ModuleType(f'tests.support.editions.{name}')
  own.OPTIONS = module.OPTIONS
  own.recipe = functools.partial(module.recipe, **sizes)
  if hasattr(module, 'replica_splits'):
    own.replica_splits = functools.partial(module.replica_splits, **sizes)
  return own


def use(name, put=setattr, **sizes):
  """Gives an edition to `preparation.prepare` and `build.load`.

  Args:
    name: of the data set.
    put: `put(module, name, value)` sets an attribute, such as `monkeypatch.setattr`.
    **sizes: see `edition`.
  """
  own = edition(name, **sizes)
  sys.modules[own.__name__] = own
  put(preparation.DATASETS, '_entries', {**preparation.DATASETS, name: own.__name__})
