"""Full names in docstrings and documents exist."""

import importlib.util
import pathlib
import re

import pytest

from jaxgan.system import registry

ROOT = pathlib.Path(__file__).parents[1]
FILES = [
  *(
    path for room in ('jaxgan', 'data_prep', 'experiments') for path in ROOT.glob(f'{room}/**/*.py')
  ),
  *ROOT.glob('benchmarks/*.py'),
  *ROOT.glob('docs/*.md'),
  ROOT / 'README.md',
]
NAME = re.compile(r'`((?:jaxgan|data_prep|experiments|benchmarks)(?:\.\w+)+)`')


def is_there(name: str) -> bool:
  """Returns whether a name is a module or an attribute of a module."""
  module, _, attribute = name.rpartition('.')
  if not module:
    return importlib.util.find_spec(name) is not None
  try:
    found = importlib.import_module(module)
  except ImportError:
    outer, _, owner = module.rpartition('.')
    found = getattr(importlib.import_module(outer), owner, None)
  fields = {*getattr(found, 'model_fields', ()), *getattr(found, '__annotations__', ())}
  if hasattr(found, attribute) or attribute in fields:
    return True
  return hasattr(found, '__path__') and importlib.util.find_spec(name) is not None


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_full_names_lead_somewhere(path):
  named = set(NAME.findall(path.read_text())) - {registry.GROUP}  # Entry points, not a module.
  assert [name for name in named if not is_there(name)] == []
