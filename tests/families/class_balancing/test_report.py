"""Report on class balance: KL, FID and class shares beside the published numbers."""

import json

import pytest

from jaxgan.errors import UserError
from jaxgan.report import collect, console_table, report
from tests.evaluations import CLASS_BALANCE, save


def _save(folder, *changes, **fields):
  save(folder, CLASS_BALANCE, *changes, **fields)


def _cells(text, line):
  table = [line for line in text.splitlines() if line.startswith('|')]
  return [cell.strip() for cell in table[line].strip('|').split('|')]


def test_one_run_beside_the_published_numbers(tmp_path):
  _save(tmp_path / 'run')
  text = report([tmp_path / 'run'])
  assert text.startswith('## Class balance\n\n| experiment |') and text.count('##') == 1
  assert _cells(text, 2) == [
    'cifar10_lt_ratio_100',
    'class_balancing',
    '100000',
    '50000',
    '0.100',
    '0.06',
    '33.00',
    '32.93 ± 0.11',
    '1.250',
    '60.0 % / 30.0 % / 10.0 %',
    '1',
    '[^1]',
  ]
  assert len(_cells(text, 0)) == len(_cells(text, 1)) == 12
  assert 'Published: Class Balancing GAN with a Classifier in the Loop, Tables 1-4.' in text
  footnote = text.splitlines()[-1]
  for part in (
    '[^1]: data: cifar10',
    'samples: 50000',
    'generator: ema',
    'seed: 0',
    'batch norm: running statistics',
    'hardware: 2 CPU cores',
    'annotator accuracy: 0.93',
    'classifier accuracy: -',
  ):
    assert part in footnote


def test_fid_left_out_has_its_reason_in_a_footnote(tmp_path):
  _save(tmp_path / 'a', {'fid': None}, notes=['FID left out: no weights', 'short run'])
  _save(
    tmp_path / 'b',
    {'fid': None},
    method='unconditional',
    published='class_balancing_gan.cifar10.sndcgan.1',
  )
  text = report([tmp_path])
  assert _cells(text, 2)[6] == '-[^1]' and _cells(text, 3)[6] == '-[^3]'
  assert _cells(text, 3)[5] == '-'  # the paper has no KL for balanced data
  assert '[^1]: FID left out: no weights\n' in text
  assert '[^3]: FID left out: no reason was recorded.' in text
  assert text.splitlines()[-3].endswith('short run')


def test_console_table(tmp_path):
  _save(tmp_path / 'a' / 'class_balancing')
  _save(tmp_path / 'a' / 'unconditional', {'fid': None}, method='unconditional')
  assert console_table(collect([tmp_path / 'a'])).splitlines() == [
    'cifar10_lt_ratio_100',
    'method              KL    FID  Fréchet (annotator)  airplane  automobile  bird',
    'training data                                           5000         500    50',
    'class_balancing  0.100  33.00                1.250        60          30    10',
    'unconditional    0.100      -                1.250        60          30    10',
  ]


def test_console_table_without_fid_and_with_many_classes(tmp_path):
  names = [f'class {k}' for k in range(12)]
  _save(
    tmp_path / 'run',
    {'fid': None, 'class_counts': [1] * 12},
    class_names=names,
    train_counts=[1] * 12,
    notes=['FID left out: no weights'],
  )
  assert console_table(collect([tmp_path])).splitlines()[1:] == [
    'method              KL  Fréchet (annotator)    head  medium    tail',
    'class_balancing  0.100                1.250  60.0 %  30.0 %  10.0 %',
    'FID left out: no weights',
  ]


@pytest.mark.parametrize(
  'damage',
  [
    '',
    '[]',
    '{',
    '{"experiment": "a"}',
    json.dumps(CLASS_BALANCE | {'class_names': ['one']}),
    json.dumps(CLASS_BALANCE | {'results': CLASS_BALANCE['results'] | {'kl_from_uniform': 'low'}}),
    json.dumps(CLASS_BALANCE | {'protocol': {}}),
  ],
)
def test_damaged_evaluation(tmp_path, damage):
  (tmp_path / 'evaluation.json').write_text(damage)
  with pytest.raises(UserError, match=r'evaluation\.json is damaged') as error:
    collect([tmp_path])
  assert '\n' not in str(error.value)


def test_unknown_published_path(tmp_path):
  _save(tmp_path / 'run', published='class_balancing_gan.cifar10.gan.100')
  with pytest.raises(UserError, match=r'cifar10\.gan\.100'):
    collect([tmp_path])
