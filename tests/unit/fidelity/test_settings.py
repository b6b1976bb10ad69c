"""The resolved configuration of every published row against papers and released code.

`settings.json` gives the value of a field for methods and data sets, with its source; if several
lines apply, the last one counts. It was written from the papers and the authors' code, not from the
configurations: to change a setting of a published row, change this file and give a source.
"""

import fnmatch
from importlib import resources
import json
import pathlib

import pytest

from experiments import rows
from jaxgan.runs import rules
from jaxgan.runs.experiment import resolved

SETTINGS = json.loads((pathlib.Path(__file__).parent / 'settings.json').read_text(encoding='utf-8'))
# Fields of storage and logging, and fields that change neither training nor measurements.
FREE = (
  'experiment', 'workdir', 'methods', 'published*', 'seed', 'replicas', '*folder', '*source',
  '*data_dir', '*data.prepared', '*streaming', '*data.options.*', '*log_every', '*picture_every',
  '*checkpoint_every', '*evaluate_every', '*.preview', '*.tracker', '*.keep', '*.resume',
  '*.weights', 'evaluation.batch_size',
  'evaluation.inception_weights', 'evaluation.download_inception', '*periodic_images_per_code',
)  # fmt: skip
# Fields of switches that are off in all published rows, or of other networks.
SWITCHED_OFF = (
  'algorithm.r1_r2_*', 'algorithm.lecam_*', 'algorithm.group_spectral_*', '*.focal_gamma',
  'algorithm.num_categories', '*.algorithm.depth', '*.algorithm.width',
)  # fmt: skip


def _matches(name, patterns):
  return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _flat(section, prefix=''):
  for name, value in section.items():
    if value is None and name in ('classifier', 'cas', 'recogniser'):
      continue  # The section is absent.
    if isinstance(value, dict):
      yield from _flat(value, f'{prefix}{name}.')
    else:
      yield f'{prefix}{name}', value


def _resolved(command):
  config = resolved(rows.config_of(command))
  rules.check_sections(config, num_devices=1)
  return dict(_flat(config.model_dump(mode='json')))


def _expected(method, data):
  lines = [s for s in SETTINGS if _matches(method, s['method']) and _matches(data, s['data'])]
  return {line['field']: line['value'] for line in lines}


def _cases():
  """(method, data set, command) of the 36 + 35 published rows."""
  cases = []
  for row, command in rows.published_rows().items():
    names = row.split('.')[1:]
    few_labels = names[0] == 'semi_supervised'
    if few_labels:  # Only class_balancing has rows with few labels.
      data, method = f'{names[1]}/{names[2]}/few_labels', 'class_balancing'
    else:
      data, method = '/'.join([names[0], *names[2:]]), names[1]
    cases.append((method, data, command))
  for data, method, command in rows.published_codes():
    cases.append((method, data, command))
  return cases


CASES = _cases()


def test_every_published_row_has_a_case():
  published = json.loads(resources.files('jaxgan').joinpath('published_results.json').read_text())
  codes = published['elastic_infogan']['nmi']
  expected = {(method, data) for method in codes for data in codes[method]}
  found = {(method, data) for method, data, _ in CASES}
  assert expected <= found
  assert len(CASES) == 36 + 35 == len(found)


@pytest.mark.parametrize(('method', 'data', 'command'), CASES)
def test_settings_of_a_published_row(method, data, command):
  resolved, expected = _resolved(command), _expected(method, data)
  wrong = {
    field: (resolved.get(field, 'is missing'), value)
    for field, value in expected.items()
    if resolved.get(field, 'is missing') != value
  }
  assert not wrong, f'{command}: {{field: (ours, settings.json)}}'
  unknown = [f for f in resolved if f not in expected and not _matches(f, FREE + SWITCHED_OFF)]
  assert not unknown, f'{command}: settings.json has no value of these fields'


def test_every_line_is_about_a_published_row():
  for line in SETTINGS:
    assert line['source'], line
    of = [case for case in CASES if _matches(case[0], line['method'])]
    for pattern in line['data']:
      assert any(fnmatch.fnmatchcase(data, pattern) for _, data, _ in of), line
