"""The examples in docstrings of public functions say what the functions return."""

import doctest
import importlib
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROOMS = ('losses', 'metrics', 'augmentation')
PATHS = [path for room in ROOMS for path in sorted((ROOT / 'jaxgan' / room).glob('[a-z]*.py'))]
NAMES = ['.'.join(path.relative_to(ROOT).with_suffix('').parts) for path in PATHS]
MODULES = [*NAMES, 'jaxgan.algorithms.priors']


@pytest.mark.parametrize('module', MODULES)
def test_examples_are_true(module):
  results = doctest.testmod(importlib.import_module(module))
  assert results.failed == 0


@pytest.mark.parametrize('room', ['losses', 'metrics'])
def test_public_functions_have_an_example(room):
  package = importlib.import_module(f'jaxgan.{room}')
  functions = [getattr(package, name) for name in package.__all__]
  without = {f.__name__ for f in functions if callable(f) and '>>> ' not in f.__doc__}
  tuples = {
    'losses': {'ClassBalancer', 'Counts'},
    'metrics': {'Moments', 'moments_statistics', 'by_frequency'},
  }
  assert without == tuples[room]  # And what the examples of others show.
