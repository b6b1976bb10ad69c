"""Evaluations of fixed states reproduce stored numbers."""

import json
import numbers

import pytest

from tests.support import fixed_states

MACHINE = {'hardware', 'jax'}


def differences(found, stored, place=''):
  """Lists differences of two JSON trees beyond rounding, as 'place: found, stored'."""
  if isinstance(stored, dict) and isinstance(found, dict):
    names = found.keys() | stored.keys()
    missing = object()
    pairs = [(f'{place}/{n}', found.get(n, missing), stored.get(n, missing)) for n in names]
  elif isinstance(stored, list) and isinstance(found, list) and len(found) == len(stored):
    pairs = [(f'{place}/{i}', *pair) for i, pair in enumerate(zip(found, stored, strict=True))]
  else:
    number = isinstance(stored, numbers.Number) and isinstance(found, numbers.Number)
    expected = pytest.approx(stored, rel=1e-5, abs=1e-9) if number else stored
    return [] if found == expected else [f'{place}: {found}, {stored}']
  return [line for where, *pair in pairs for line in differences(*pair, where)]


@pytest.mark.parametrize('name', fixed_states.CASES)
def test_the_evaluation_of_a_fixed_state_is_what_it_was(name, tmp_path):
  stored = json.loads(fixed_states.STORED.read_text())[name]
  values, score, evaluation = fixed_states.evaluate(name, tmp_path)
  for field in MACHINE:
    assert evaluation['run'].pop(field)
  assert differences(values, stored['logged']) == []
  assert score == pytest.approx(stored['score'], rel=1e-5)
  assert differences(evaluation, stored['evaluation']) == []


def test_another_number_is_seen():
  assert differences({'a': [1.0, 2.0]}, {'a': [1.0, 2.1]}) == ['/a/1: 2.0, 2.1']
  assert differences({'a': None}, {})
  assert differences([1], [1, 2])
  assert not differences(1, 1 + 1e-9)
