"""Report: evaluations found, merged over seeds and set beside the published numbers."""

import copy
import json

import pytest

from jaxgan.errors import UserError
from jaxgan.report import collect, console_table, markdown_table, report

EVALUATION = {
  'experiment': 'cifar10_lt_ratio_100',
  'method': 'class_balancing',
  'published': 'class_balancing_gan.cifar10.class_balancing.100',
  'protocol': {
    'data': 'cifar10',
    'reference_split': 'test',
    'reference_images': 10000,
    'samples': 50000,
    'step': 100000,
    'generator': 'ema',
    'batch_norm': 'running statistics',
    'feature_network': 'resnet32-1',
    'resize': 'none',
    'annotator_accuracy': 0.93,
    'classifier_accuracy': None,
    'seed': 0,
    'hardware': '2 CPU cores',
    'jax': '0.10.2',
  },
  'results': {
    'kl_from_uniform': 0.1,
    'fid': 33.0,
    'frechet_annotator': 1.25,
    'class_counts': [60, 30, 10],
    'head_medium_tail': {'head': 0.6, 'medium': 0.3, 'tail': 0.1},
  },
  'class_names': ['airplane', 'automobile', 'bird'],
  'train_counts': [5000, 500, 50],
  'notes': [],
}


def _save(folder, results=(), protocol=(), **fields):
  evaluation = copy.deepcopy(EVALUATION) | fields
  evaluation['results'] |= dict(results)
  evaluation['protocol'] |= dict(protocol)
  folder.mkdir(parents=True)
  (folder / 'evaluation.json').write_text(json.dumps(evaluation))


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
  assert _cells(text, 2)[10] == '3'
  assert 'seed: 0, 1, 2' in text and 'hardware: machine 0, machine 1, machine 2' in text


def test_other_protocols_and_repeated_seeds_are_not_merged(tmp_path):
  _save(tmp_path / 'a')
  _save(tmp_path / 'b', protocol={'seed': 1, 'samples': 10000})
  _save(tmp_path / 'c', {'kl_from_uniform': 0.5})
  _save(tmp_path / 'd', method='unconditional', published=None)
  rows = collect([tmp_path])
  assert [(row.method, len(row.evaluations)) for row in rows] == [
    ('class_balancing', 1),
    ('class_balancing', 1),
    ('class_balancing', 1),
    ('unconditional', 1),
  ]
  assert rows[-1].published == {}


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


def test_many_seeds_are_told_by_their_ends(tmp_path):
  for seed in (10, 9, 0, 1, 2, 3):
    _save(tmp_path / str(seed), protocol={'seed': seed, 'hardware': f'machine {seed}'})
  text = report([tmp_path])
  assert '; seed: 0 to 10 (6 values); hardware: machine 0 to machine 9 (6 values);' in text


def test_report_is_written(tmp_path):
  _save(tmp_path / 'run')
  text = report([tmp_path], tmp_path / 'tables' / 'report.md')
  assert (tmp_path / 'tables' / 'report.md').read_text() == text + '\n'
  assert len(list((tmp_path / 'tables').iterdir())) == 1  # pictures are of categorical codes
  with pytest.raises(UserError, match='cannot write'):
    report([tmp_path], tmp_path)


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


def test_no_evaluation(tmp_path):
  _save(tmp_path / 'too' / 'far' / 'below' / 'the' / 'run')
  with pytest.raises(UserError, match=r'too: no evaluation\.json'):
    collect([tmp_path / 'too'])
  with pytest.raises(UserError, match='missing'):
    collect([tmp_path / 'missing'])


@pytest.mark.parametrize(
  'damage',
  [
    '',
    '[]',
    '{',
    '{"experiment": "a"}',
    json.dumps(EVALUATION | {'class_names': ['one']}),
    json.dumps(EVALUATION | {'results': EVALUATION['results'] | {'kl_from_uniform': 'low'}}),
    json.dumps(EVALUATION | {'protocol': {}}),
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
