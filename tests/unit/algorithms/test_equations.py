"""The table equation -> function in the docstring of each algorithm names functions that it has."""

import re

import pytest

from jaxgan.algorithms import classifier, gan, infogan, infogan_joint, joint_vae


def functions(docstring: str) -> list[str]:
  """The second column of a docstring's table."""
  return re.findall(r'^\| .* \| `(\w+)` *\|$', docstring, re.MULTILINE)


@pytest.mark.parametrize(
  'module', [classifier, gan, infogan, infogan_joint, joint_vae], ids=lambda module: module.__name__
)
def test_every_equation_has_its_function(module):
  """With a docstring that says it."""
  names = functions(module.__doc__)
  assert len(names) >= 3
  assert all(getattr(module, name).__doc__ for name in names)
