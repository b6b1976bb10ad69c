"""Stored command lines resolve to the stored values."""

import pytest

from experiments import fashion_lt
from jaxgan import main
from jaxgan.runs import experiment_file
from jaxgan.runs.experiment import resolved
from tests.support.config import stored


def _stored():
  """{command line: flat configuration}."""
  lines = stored.load('command_lines.json')
  found = {lines['first']['command']: lines['first']['resolved']}
  for entry in lines['others']:
    found[entry['command']] = stored.changed(found[entry['like']], entry)
  return found


STORED = _stored()


def _resolved(command):
  _, config, *_ = main.parse(['jaxgan', *f'--config=experiments/{command}'.split()])
  return stored.flat(config.model_dump(mode='json'))


@pytest.mark.parametrize('command', STORED)
def test_a_stored_command_line_resolves_to_its_stored_values(command):
  resolved, expected = _resolved(command), stored.named_as_today(STORED[command])
  for name in expected:  # Older versions kept `epochs`, which `steps` overrode.
    if name.endswith('train.steps') and expected[name] is not None:
      expected[name.replace('steps', 'epochs')] = None
    if name.endswith('train.preview'):  # Quick settings have a page of progress since.
      expected[name] = resolved[name]
  assert {name: resolved.get(name) for name in expected} == expected
  added = {name: value for name, value in resolved.items() if name not in expected}
  assert {name: value for name, value in added.items() if not stored.is_added(name, value)} == {}


def test_an_experiment_file_may_return_a_dictionary_of_fields(tmp_path):
  """Older files return a ConfigDict, whose `to_dict()` is read."""
  fields = stored.nested(STORED['fashion_lt.py'] | {'train.preview': True})
  (tmp_path / 'older.py').write_text(
    f'class Config:\n  def to_dict(self):\n    return {fields!r}\n\n\n'
    'def get_config():\n  return Config()\n'
  )
  assert experiment_file.read(f'{tmp_path}/older.py') == resolved(fashion_lt.get_config())
