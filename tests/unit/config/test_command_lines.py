"""Stored command lines resolve to the stored values."""

import pytest

from experiments import fashion_lt
from jaxgan import main
from jaxgan.runs import experiment_file, schedules
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

_SHORT = ('.algorithm.warmup_epochs', 1), ('.algorithm.decay_epochs', [1, 1])
# Spans of other lengths than the file's: they were whole numbers when the lines were stored.
RESCALED = {
  'fashion_lt.py --config.train.steps=60 --config.train.evaluate_every=20 '
  '--config.classifier.train.steps=70': {
    'algorithm.count_cycle': 2,
    'algorithm.ema_start': 10,
    # Epochs are known once the images are counted.
    'classifier.algorithm.warmup_epochs': 1,
    'classifier.algorithm.decay_epochs': [1, 1],
    'classifier.algorithm.drw_epoch': 1,
  },
  'fashion_lt.py --config.classifier.train.epochs=2 --config.annotator.train.epochs=1 '
  '--config.cas.train.epochs=1': {
    'classifier.algorithm.warmup_epochs': 1,
    'classifier.algorithm.decay_epochs': [1, 1],
    'classifier.algorithm.drw_epoch': 1,
    **{f'{role}{field}': value for role in ('annotator', 'cas') for field, value in _SHORT},
  },
}


def _resolved(command):
  _, config, *_ = main.parse(['jaxgan', *f'--config=experiments/{command}'.split()])
  fields = schedules.fixed(config).model_dump(mode='json')
  flat = stored.flat(fields)  # The numbers of fractions were stored.
  return {name: value for name, value in flat.items() if 'fractions.' not in name}


@pytest.mark.parametrize('command', STORED)
def test_a_stored_command_line_resolves_to_its_stored_values(command):
  resolved, expected = _resolved(command), stored.named_as_today(STORED[command])
  expected |= RESCALED.get(command, {})
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
  whole = schedules.fixed(resolved(fashion_lt.get_config())).model_copy(update={'fractions': {}})
  assert experiment_file.read(f'{tmp_path}/older.py') == whole
