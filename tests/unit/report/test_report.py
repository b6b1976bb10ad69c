"""Report: evaluations of all families are found, checked and merged over seeds."""

import pytest

from jaxgan.errors import UserError
from jaxgan.report import console_table, markdown_table
from tests.support.evaluations import CLASS_BALANCE, CODES, collect, report, save


def _save(folder, *changes, **fields):
  save(folder, CLASS_BALANCE, *changes, **fields)


def _cells(text, line):
  table = [line for line in text.splitlines() if line.startswith('|')]
  return [cell.strip() for cell in table[line].strip('|').split('|')]


def test_seeds_are_merged(tmp_path):
  for seed, kl in enumerate([0.1, 0.2, 0.3]):
    _save(
      tmp_path / f'seed_{seed}' / 'class_balancing',
      {'kl_from_uniform': kl},
      {'seed': seed, 'hardware': f'machine {seed}', 'feature_network': f'resnet32-{seed}'},
    )
  (row,) = collect([tmp_path, tmp_path / 'seed_0'])  # a run found twice counts once
  text = markdown_table([row])
  assert _cells(text, 2)[4] == '0.200 ± 0.100 (3)'
  assert _cells(text, 2)[6] == '33.00 ± 0.000 (3)'
  assert _cells(text, 2)[11] == '3'
  assert 'seed: 0, 1, 2' in text
  assert 'hardware: machine 0, machine 1, machine 2' in text


def test_other_protocols_and_repeated_seeds_are_not_merged(tmp_path):
  _save(tmp_path / 'a')
  _save(tmp_path / 'b', fields={'seed': 1, 'samples': 10000})
  _save(tmp_path / 'c', {'kl_from_uniform': 0.5})
  _save(tmp_path / 'd', method='unconditional', published=None)
  rows = collect([tmp_path])
  assert [(row.method, len(row.records)) for row in rows] == [
    ('class_balancing', 1),
    ('class_balancing', 1),
    ('class_balancing', 1),
    ('unconditional', 1),
  ]
  assert rows[-1].published == {}


def test_many_seeds_are_told_by_their_ends(tmp_path):
  for seed in (10, 9, 0, 1, 2, 3):
    _save(tmp_path / str(seed), fields={'seed': seed, 'hardware': f'machine {seed}'})
  text = report([tmp_path])
  assert '; seed: 0 to 10 (6 values); hardware: machine 0 to machine 9 (6 values);' in text


def test_report_is_written(tmp_path):
  _save(tmp_path / 'run')
  text = report([tmp_path], tmp_path / 'tables' / 'report.md')
  assert (tmp_path / 'tables' / 'report.md').read_text() == text + '\n'
  names = {path.name for path in (tmp_path / 'tables').iterdir()}
  assert names == {'report.md', 'report_classes.png'}
  with pytest.raises(UserError, match='expected a Markdown or HTML file'):
    report([tmp_path], tmp_path)


def test_no_evaluation(tmp_path):
  _save(tmp_path / 'too' / 'far' / 'below' / 'the' / 'run')
  with pytest.raises(UserError, match=r'too: no evaluation\.json'):
    collect([tmp_path / 'too'])
  with pytest.raises(UserError, match='missing'):
    collect([tmp_path / 'missing'])


@pytest.mark.parametrize('method', ['stylegan', ''])
def test_a_method_of_no_family_is_a_damaged_evaluation(tmp_path, method):
  _save(tmp_path, method=method)
  with pytest.raises(UserError, match=rf"json is damaged .*unknown method '{method}'") as error:
    collect([tmp_path])
  assert '\n' not in str(error.value)


def test_a_record_is_read_without_a_part_that_is_missing_if_its_method_is_known(tmp_path, capsys):
  """Such as the loss of two experiment files that share its name."""
  (tmp_path / 'config.json').write_text('{"schema": 2, "modules": ["no_such_module"]}')
  _save(tmp_path)
  assert len(collect([tmp_path])) == 1
  told = capsys.readouterr().err
  assert f'{tmp_path}/config.json needs no_such_module' in told
  assert told.endswith('; the report leaves out what it registered\n')
  _save(tmp_path, method='stylegan')
  with pytest.raises(UserError, match='needs no_such_module, which registered a part of it'):
    collect([tmp_path])


def test_the_method_says_the_family_not_the_results(tmp_path):
  save(tmp_path / 'a', CLASS_BALANCE, {'nmi': 0.5})
  text = markdown_table(collect([tmp_path]))
  assert '## Class balance' in text
  assert '## Categorical codes' not in text


def test_both_families_in_one_report(tmp_path):
  save(tmp_path / 'runs' / 'mnist_lt' / 'elastic_infogan', CODES)
  save(tmp_path / 'runs' / 'cifar10' / 'class_balancing', CLASS_BALANCE)
  text = report([tmp_path])
  sections = [line for line in text.splitlines() if line.startswith('#')]
  assert sections == ['## Did it work?', '## Class balance', '## Categorical codes']
  balance, _, codes = text.partition('## Class balance')[2].partition('## Categorical codes')
  assert 'KL (ours)' in balance
  assert 'KL (ours)' not in codes
  assert 'elastic_infogan' not in balance
  assert 'class_balancing' not in codes.partition('[^1]')[0]
  marks = [line.split(':')[0] for line in text.splitlines() if line.startswith('[^')]
  assert marks == [f'[^{n}]' for n in range(1, 5)]
  assert '49.00[^4]' in text
  blocks = console_table(collect([tmp_path])).split('\n\n')
  assert [block.splitlines()[0] for block in blocks] == ['cifar10_lt_ratio_100', 'mnist_lt']
