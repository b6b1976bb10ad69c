"""Registries: registration, and the modules that registered."""

import runpy

import pytest

from jaxgan.errors import UserError
from jaxgan.losses.adversarial import LOSSES
from jaxgan.system.registry import Registry, import_again
from tests.support import registered


def test_a_registry_is_a_mapping_that_only_register_changes():
  table = Registry('shape', {'circle': 0})
  assert table.register('square', 4) == 4
  assert dict(table) == {'circle': 0, 'square': 4}
  assert list(table) == ['circle', 'square']
  with pytest.raises(TypeError):
    table['triangle'] = 3
  with pytest.raises(KeyError):
    table['triangle']


def test_a_taken_name_is_refused_with_its_module():
  table = Registry('shape', {'circle': 0})
  with pytest.raises(UserError, match="shape 'circle' is registered already, by jaxgan: choose"):
    table.register('circle', 1)
  table.register('square', 4)
  with pytest.raises(UserError, match=f"shape 'square' is registered already, by {__name__}"):
    table.register('square', 5)
  assert dict(table) == {'circle': 0, 'square': 4}


def test_modules_has_the_module_or_file_that_registered_a_name(tmp_path):
  table = Registry('shape', {'circle': 0})
  table.register('square', 4)
  file = tmp_path / 'shapes.py'
  file.write_text("table.register('star', 5)\n")
  runpy.run_path(str(file), {'table': table})
  assert table.modules == {'square': __name__, 'star': str(file)}


def test_import_again_runs_a_file_once(tmp_path):
  file = tmp_path / 'losses.py'
  file.write_text(
    "from jaxgan.losses.adversarial import LOSSES\nLOSSES.register('mine', (None, None))\n"
  )
  with registered.imported():
    for _ in range(2):  # A second run of the file would fail: the name is taken.
      import_again([str(file)], 'a run')
    assert LOSSES.modules == {'mine': str(file)}
  assert 'mine' not in LOSSES
