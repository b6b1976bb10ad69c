"""Report on categorical codes: the console's tables and the pictures."""

import re

import numpy as np
from PIL import Image
import pytest

from jaxgan.errors import UserError
from jaxgan.report import console_table
from tests.support.evaluations import UNLABELLED, collect, report, save_code_replicas, save_codes


def _save_samples(folder, size=8, codes=3):
  shades = np.linspace(0, 250, codes).astype(np.uint8)[:, None, None, None, None]
  np.savez(folder / 'code_samples.npz', images=np.broadcast_to(shades, (codes, 4, size, size, 1)))


def test_console_without_labels_names_the_extremes_of_the_prior_and_the_picture(tmp_path):
  results = UNLABELLED['results'] | {'prior': [0.25, 0.25, 0.25, 0.25]}
  codes = {'names': list('abcd'), 'counts': []}
  four = UNLABELLED | {'results': results, 'method': 'joint_vae', 'labels': {'codes': codes}}
  save_codes(tmp_path / 'a', **UNLABELLED)
  save_codes(tmp_path / 'b', fields={'codes': 4}, **four)
  (tmp_path / 'a' / 'code_grid.png').touch()
  assert console_table(collect([tmp_path])).splitlines() == [
    'mnist_lt',
    'method                largest prior      smallest prior',
    'joint_vae        0.250 (every code)  0.250 (every code)',
    'elastic_infogan      0.500 (code 1)      0.200 (code 0)',
    f'code grid of elastic_infogan: {tmp_path}/a/code_grid.png',
  ]


def test_console_of_several_runs_without_labels(tmp_path):
  results = UNLABELLED['results'] | {'prior': [0.6, 0.3, 0.1]}
  save_codes(tmp_path / 'a', **UNLABELLED)
  save_codes(tmp_path / 'b', fields={'seed': 1}, **UNLABELLED | {'results': results})
  for name in 'ab':
    (tmp_path / name / 'code_grid.png').touch()
  assert console_table(collect([tmp_path])).splitlines() == [
    'mnist_lt',
    'method               largest prior     smallest prior',
    'elastic_infogan  0.550 ± 0.071 (2)  0.150 ± 0.071 (2)',
    f'code grid of elastic_infogan, the first of 2 runs: {tmp_path}/a/code_grid.png',
  ]


def test_console_table(tmp_path):
  save_codes(tmp_path / 'b', {'knn1_accuracy': None}, method='uniform_infogan', notes=['a note'])
  save_code_replicas(tmp_path / 'a', [0.7, 0.8], notes=['a note'])
  lines = console_table(collect([tmp_path])).splitlines()
  assert [re.split('  +', line) for line in lines] == [
    ['mnist_lt'],
    [
      'method', 'NMI', 'ENT', '1-NN (%)', '1-NN, features (%)', 'k-means NMI', 'k-means ARI',
      'prior distance',
    ],
    ['uniform_infogan', '0.700', '0.600', '-', '97.00', '0.520', '0.420', '0.050'],
    [
      'elastic_infogan', '0.750 ± 0.071 (2)', '0.250 ± 0.071 (2)', '75.00 ± 7.07 (2)',
      '97.00 ± 0.00 (2)', '0.520 ± 0.000 (2)', '0.420 ± 0.000 (2)', '0.050 ± 0.000 (2)',
    ],
    ['a note'],
  ]  # fmt: skip
  assert len({len(line) for line in lines[1:-1]}) == 1


def test_pictures_are_drawn_beside_the_report(tmp_path):
  for method in ('uniform_infogan', 'elastic_infogan'):
    save_code_replicas(tmp_path / 'runs' / method, [0.7, 0.8], method=method)
    _save_samples(tmp_path / 'runs' / method / 'replica_00')
  save_codes(tmp_path / 'runs' / 'short', fields={'step': 100})
  save_codes(tmp_path / 'runs' / 'joint_vae', method='joint_vae')  # it has no samples
  report([tmp_path / 'runs'])
  assert not list(tmp_path.rglob('*.png'))
  report([tmp_path / 'runs'], tmp_path / 'out' / 'codes.md')
  names = sorted(path.name for path in (tmp_path / 'out').iterdir())
  assert names == ['codes.md', 'codes_codes.png']
  with Image.open(tmp_path / 'out' / 'codes_codes.png') as two:
    width = two.width
  _save_samples(tmp_path / 'runs' / 'joint_vae')
  report([tmp_path / 'runs'], tmp_path / 'out' / 'codes.md')
  with Image.open(tmp_path / 'out' / 'codes_codes.png') as three:
    assert three.width > width


def test_pictures_of_samples_of_two_sizes_and_none_without_labels_and_samples(tmp_path):
  save_codes(tmp_path / 'a', **UNLABELLED)
  report([tmp_path], tmp_path / 'out' / 'report.md')
  assert [path.name for path in (tmp_path / 'out').iterdir()] == ['report.md']
  _save_samples(tmp_path / 'a')
  save_codes(tmp_path / 'b', **UNLABELLED | {'experiment': 'large'})
  _save_samples(tmp_path / 'b', size=32)
  report([tmp_path], tmp_path / 'out' / 'report.md')
  names = sorted(path.name for path in (tmp_path / 'out').iterdir())
  assert names == ['report.md', 'report_codes.png', 'report_codes_2.png']


@pytest.mark.parametrize('damage', ['zip', 'type', 'name'])
def test_damaged_samples(tmp_path, damage):
  save_codes(tmp_path / 'run')
  path = tmp_path / 'run' / 'code_samples.npz'
  if damage == 'zip':
    path.write_bytes(b'PK\x03\x04 cut')
  else:
    np.savez(path, **{'images' if damage == 'type' else 'other': np.zeros((3, 4, 8, 8, 1))})
  with pytest.raises(UserError, match=r'code_samples\.npz is damaged') as error:
    report([tmp_path], tmp_path / 'report.md')
  assert '\n' not in str(error.value)
