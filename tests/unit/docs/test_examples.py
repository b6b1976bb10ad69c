"""The examples in docstrings of public functions say what the functions return."""

import doctest
import importlib
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROOMS = ('losses', 'metrics', 'augmentation')
MODULES = sorted(
  '.'.join(path.relative_to(ROOT).with_suffix('').parts)
  for path in [*(p for room in ROOMS for p in (ROOT / 'jaxgan' / room).glob('*.py'))]
  if path.name != '__init__.py'
) + ['jaxgan.algorithms.priors']


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
