"""The ± of re-samplings and the differences from the authors' code, in a report."""

import pytest

from jaxgan.errors import UserError
from jaxgan.report import class_differences as differences
from tests.support.evaluations import CLASS_BALANCE, report, save

EXPERIMENT = CLASS_BALANCE['experiment']


def _table(text, title):
  """Returns the cells below the header of a table, by line."""
  lines = text.split(f'**{title}**')[1].strip().splitlines()
  table = [line for line in lines[: lines.index('')] if line.startswith('|')]
  return [[cell.strip() for cell in line.strip('|').split('|')] for line in table[2:]]


def test_the_spread_of_resamplings_stands_beside_the_published_one(tmp_path):
  """By hand, 30, 33 and 36 have mean 33 and population deviation √6 = 2.449."""
  for seed, shift in enumerate((0.0, 3.0)):
    save(
      tmp_path / f'{seed}',
      CLASS_BALANCE,
      {
        'fid': 33.0 + shift,
        'fid_resamplings': [30.0 + shift, 33.0 + shift, 36.0 + shift],
        'kl_from_uniform': 0.1,
        'kl_from_uniform_resamplings': [0.1, 0.1, 0.1],
      },
      {'resamplings': 3, 'seed': seed},
    )
  text = report([tmp_path])
  assert _table(text, '± of re-samplings') == [
    [EXPERIMENT, 'class_balancing', str(seed), '3', '0.100 ± 0.000', fid, '32.93 ± 0.11', '-']
    for seed, fid in enumerate(('33.00 ± 2.449', '36.00 ± 2.449'))
  ]
  # Seeds: the headline values, with the sample deviation of 33 and 36.
  assert '34.50 ± 2.121 (2)' in text
  assert 'ddof 0' in text
  assert 'ddof 1' in text


def test_one_sampling_has_no_such_table(tmp_path):
  save(tmp_path / 'run', CLASS_BALANCE)
  text = report([tmp_path])
  assert 're-samplings' not in text
  assert 'Differences' not in text


def test_the_report_lists_the_differences_with_their_effects(tmp_path):
  first, second = differences.TABLE[0], differences.TABLE[5]
  lines = [second.line, first.line]
  for method in ('class_balancing', 'acgan'):
    save(tmp_path / method, CLASS_BALANCE, fields={'differences': lines}, method=method)
  text = report([tmp_path])
  found = _table(text, "Differences from the authors' code")
  unescaped = [[cell.replace('\\', '') for cell in line] for line in found]
  assert unescaped == [[first.line, first.effect], [second.line, second.effect]]
  footnote = next(line for line in text.splitlines() if line.startswith('[^1]'))
  assert f'{second.line} {first.line}' in footnote.replace('\\', '')


def test_a_resampling_that_is_no_number_is_damage(tmp_path):
  save(tmp_path / 'run', CLASS_BALANCE, {'fid_resamplings': [33.0, 'low']})
  with pytest.raises(UserError, match='is damaged'):
    report([tmp_path])
