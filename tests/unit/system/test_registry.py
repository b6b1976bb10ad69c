"""Registries: registration, and the modules that registered."""

import re
import runpy
import sys

import pytest

from jaxgan.errors import UserError
from jaxgan.losses.adversarial import LOSSES
from jaxgan.system import registry
from jaxgan.system.registry import (
  Registry,
  import_again,
  keep_copies,
  load_plugins,
  refuse_while_running,
  run_file,
)
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


def test_a_taken_name_is_refused_with_its_module(tmp_path):
  table = Registry('shape', {'circle': 0})
  with pytest.raises(UserError, match="shape 'circle' is registered already, by jaxgan: choose"):
    table.register('circle', 1)
  table.register('square', 4)
  file = tmp_path / 'shapes.py'
  file.write_text("table.register('square', 5)\n")
  with pytest.raises(UserError, match=f"shape 'square' is registered already, by {__name__}"):
    runpy.run_path(str(file), {'table': table})
  assert dict(table) == {'circle': 0, 'square': 4}


def test_a_module_that_runs_again_replaces_its_entry():
  """As a cell of a notebook does."""
  table = Registry('shape', {})
  for sides in (4, 5):
    table.register('square', sides)
  assert dict(table) == {'square': 5}


def test_modules_has_the_module_or_file_that_registered_a_name(tmp_path):
  table = Registry('shape', {'circle': 0})
  table.register('square', 4)
  file = tmp_path / 'shapes.py'
  file.write_text("table.register('star', 5)\n")
  runpy.run_path(str(file), {'table': table})
  assert table.modules == {'square': __name__, 'star': str(file)}


LOSS = """
from jaxgan.losses.adversarial import LOSSES
LOSSES.register('mine', {value})
"""


@pytest.fixture
def losses(tmp_path):
  """A file that registers a loss, in a process without other registrations."""
  file = tmp_path / 'losses.py'
  file.write_text(LOSS.format(value=1))
  with registered.imported():
    yield file
  assert 'mine' not in LOSSES


def test_import_again_runs_a_file_once(losses, tmp_path):
  for value in (1, 2):  # A second run would find the second value.
    losses.write_text(LOSS.format(value=value))
    import_again([str(losses)], tmp_path, 'a run')
  assert LOSSES.modules == {'mine': str(losses)}
  assert LOSSES['mine'] == 1


def test_a_file_that_is_gone_is_replaced_by_its_copy(losses, tmp_path):
  keep_copies([str(losses), 'a.module'], tmp_path / 'job')
  losses.unlink()
  keep_copies([str(losses)], tmp_path / 'job')  # The copy stays.
  import_again([str(losses)], tmp_path / 'job', 'a run')
  assert LOSSES.modules == {'mine': str(losses)}


def test_a_file_that_is_there_is_preferred_to_its_copy(losses, tmp_path):
  keep_copies([str(losses)], tmp_path / 'job')
  losses.write_text(LOSS.format(value=2))
  import_again([str(losses)], tmp_path / 'job', 'a run')
  assert LOSSES['mine'] == 2


def test_a_file_that_was_moved_is_not_run_twice(losses, tmp_path):
  keep_copies([str(losses)], tmp_path / 'job')
  moved = losses.rename(tmp_path / 'moved.py')
  run_file(moved)
  import_again([str(losses)], tmp_path / 'job', 'a run')
  assert LOSSES.modules == {'mine': str(moved)}


def test_a_file_that_is_gone_without_a_copy_is_named(losses, tmp_path):
  losses.unlink()
  message = f'a run needs {losses}, which registered a part of it (no such file): restore it'
  with pytest.raises(UserError, match=f'^{re.escape(message)}$'):
    import_again([str(losses)], tmp_path, 'a run')


def test_what_a_notebook_registered_is_asked_for(tmp_path):
  with registered.imported(), pytest.raises(UserError, match='needs what a notebook registered'):
    import_again(['__main__'], tmp_path, 'a run')


def test_a_file_runs_as_a_module_that_its_classes_can_look_up(tmp_path):
  file = tmp_path / 'a.py'
  file.write_text(
    'from __future__ import annotations\nimport dataclasses\n@dataclasses.dataclass\nclass A:\n'
    '  x: int = 1\n'
  )
  names = run_file(file)
  assert names['__name__'] == names['__file__'] == str(file)
  assert names['A']().x == 1
  assert sys.modules.pop(str(file)).A is names['A']


def test_a_file_that_trains_when_it_is_read_is_refused(tmp_path):
  file = tmp_path / 'train.py'
  file.write_text(
    'from jaxgan.system import registry\nregistry.refuse_while_running("jaxgan.train")\n'
  )
  with pytest.raises(UserError, match=r'train.py calls jaxgan.train when it is read: .*`if __name'):
    run_file(file)
  refuse_while_running('jaxgan.train')


def _install(folder, name, content):
  """A package of one module, which it names as a plug-in."""
  (folder / f'{name}.py').write_text(content)
  information = folder / f'{name}-1.2.dist-info'
  information.mkdir()
  (information / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n')
  (information / 'entry_points.txt').write_text(f'[jaxgan.plugins]\nmy_{name} = {name}\n')


def test_plugins_are_loaded_once_and_a_broken_one_is_named(tmp_path, monkeypatch, capsys):
  _install(tmp_path, 'broken_plugin', 'import no_such_module\n')
  _install(tmp_path, 'good_plugin', LOSS.format(value=3))
  monkeypatch.syspath_prepend(tmp_path)
  monkeypatch.setattr(registry, '_PLUGINS', set())
  with registered.imported():
    load_plugins()
    assert LOSSES['mine'] == 3
    assert LOSSES.modules == {'mine': 'good_plugin'}
    assert capsys.readouterr().err == (
      'plug-in my_broken_plugin (broken_plugin of broken_plugin 1.2) cannot be loaded: '
      "ModuleNotFoundError: No module named 'no_such_module'\n"
    )
    load_plugins()
    assert capsys.readouterr().err == ''
  del sys.modules['good_plugin']
