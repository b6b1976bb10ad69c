"""The tables of equations and functions in the algorithms' docstrings name existing functions."""

import re

import pytest

from jaxgan.algorithms import classifier, gan, infogan, infogan_joint, joint_vae


def functions(docstring: str) -> list[str]:
  """Names in the second column of a docstring's table."""
  return re.findall(r'^\| .* \| `(\w+)` *\|$', docstring, re.MULTILINE)


@pytest.mark.parametrize(
  'module', [classifier, gan, infogan, infogan_joint, joint_vae], ids=lambda module: module.__name__
)
def test_every_equation_has_a_documented_function(module):
  names = functions(module.__doc__)
  assert len(names) >= 3
  assert all(getattr(module, name).__doc__ for name in names)
