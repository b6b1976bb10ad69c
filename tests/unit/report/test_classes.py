"""Report on class balance: KL, FID and class shares beside the published numbers."""

import json

import pytest

from jaxgan.errors import UserError
from jaxgan.evaluation import verdicts
from jaxgan.report import class_pictures as pictures
from jaxgan.report import console_table
from tests.support.evaluations import CLASS_BALANCE, collect, report, save


def _save(folder, *changes, **fields):
  save(folder, CLASS_BALANCE, *changes, **fields)


def _cells(text, line):
  table = [line for line in text.splitlines() if line.startswith('|')]
  return [cell.strip() for cell in table[line].strip('|').split('|')]


def test_one_run_beside_the_published_numbers(tmp_path):
  _save(tmp_path / 'run')
  text = report([tmp_path / 'run'])
  assert text.startswith('## Did it work?\n\nclass_balancing')
  assert '## Class balance\n\n**Scores**\n\n| experiment |' in text
  assert text.count('##') == 2
  assert _cells(text, 2) == [
    'cifar10_lt_ratio_100',
    'class_balancing',
    '100000',
    '50000',
    '0.100',
    '0.06',
    '33.00',
    '32.93 ± 0.11',
    '-',  # an evaluation from before there was a CAS
    '72.96',
    '1.250',
    '1',
    '[^1]',
  ]
  assert len(_cells(text, 0)) == len(_cells(text, 1)) == 13
  assert _cells(text, 5)[2:] == ['60.0 % / 30.0 % / 10.0 %', '-', '- / - / -', '- / - / -']
  assert 'precision' not in text
  assert 'against' not in text
  assert 'Published: Class Balancing GAN with a Classifier in the Loop, Tables 1-4.' in text
  footnote = text.splitlines()[-1]
  for part in (
    '[^1]: step: 100000; data: cifar10',
    'samples: 50000',
    'generator: ema',
    'seed: 0',
    'batch norm: average of the running statistics',
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
  assert _cells(text, 2)[6] == '-[^1]'
  assert _cells(text, 3)[6] == '-[^3]'
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
    'class_balancing against unconditional (1 shared seed): '
    'no verdict from one seed, train three (--config.replicas=3)',
  ]


def test_console_table_without_fid_and_with_many_classes(tmp_path):
  names = [f'class {k}' for k in range(12)]
  _save(
    tmp_path / 'run',
    {'fid': None, 'class_counts': [1] * 12},
    labels={'classes': {'names': names, 'counts': [1] * 12}},
    notes=['FID left out: no weights'],
  )
  assert console_table(collect([tmp_path])).splitlines()[1:] == [
    'method              KL  Fréchet (annotator)    head  medium    tail',
    'class_balancing  0.100                1.250  60.0 %  30.0 %  10.0 %',
    'FID left out: no weights',
  ]


COMPARED = {
  'kid': 0.02,
  'kid_std': 0.001,
  'precision': 0.7,
  'recall': 0.6,
  'density': 0.9,
  'coverage': None,
  'class_frechet': [1.0, 2.0, None],
  'thirds_frechet': [1.0, 2.0, None],
  'groups_frechet': [1.5, 2.5, 12.5],
  'class_covariance_trace': [1.0, 1.0, None],
  'class_covariance_trace_reference': [2.0, 2.0, 2.0],
}


def test_scores_by_features(tmp_path):
  features = {'annotator': COMPARED, 'inception': COMPARED | {'kid': 0.03}}
  compared = {f'{n}/{network}': v for network, own in features.items() for n, v in own.items()}
  _save(tmp_path / 'run', {'cas': 0.7012} | compared)
  text = report([tmp_path])
  assert _cells(text, 2)[8:10] == ['70.12', '72.96']
  assert _cells(text, 5)[3:] == ['inception', '1.000 / 2.000 / -', '1.500 / 2.500 / 12.50']
  assert _cells(text, 6)[3] == 'annotator'
  assert _cells(text, 9)[2:] == ['inception', '30.00', '0.700', '0.600', '0.900', '-']
  assert _cells(text, 10)[2:4] == ['annotator', '20.00']
  block = console_table(collect([tmp_path])).splitlines()
  assert block[1].split()[-4:] == ['(%)', 'airplane', 'automobile', 'bird']
  assert '70.12' in block[3]


def _save_seeds(folder, method, **results):
  for seed, values in enumerate(zip(*results.values(), strict=True)):
    values = dict(zip(results, values, strict=True))
    _save(folder / f'{method}_{seed}', values, {'seed': seed}, method=method, published=None)


def test_a_method_is_better_only_where_its_seeds_show_it(tmp_path):
  _save_seeds(
    tmp_path,
    'unconditional',
    kl_from_uniform=[0.5, 0.4, 0.6],
    fid=[40.0, 41.0, 42.0],
    cas=[0.6, 0.5, 0.55],
    frechet_annotator=[1.0, 1.0, 1.0],
  )
  _save_seeds(
    tmp_path,
    'class_balancing',
    kl_from_uniform=[0.1, 0.2, 0.1],
    fid=[39.0, 43.0, 41.0],  # once worse
    cas=[0.71, 0.62, 0.7],
    frechet_annotator=[2.0, 3.0, 2.5],
  )
  _save_seeds(tmp_path, 'cgan', kl_from_uniform=[0.1], fid=[20.0])
  text = report([tmp_path])
  comparisons = text.splitlines()[text.splitlines().index(_line(text, 'against')) + 2 :][:2]
  assert comparisons == [
    '| cifar10_lt_ratio_100 | cgan | unconditional | no verdict from one seed '
    '| no verdict from one seed | no verdict from one seed | - | 1 |',
    '| cifar10_lt_ratio_100 | class_balancing | unconditional | better [-0.500, -0.200] '
    '| no difference shown [-1.000, 2.000] | worse [1.000, 2.000] | better [11.00, 15.00] | 3 |',
  ]
  lines = console_table(collect([tmp_path])).splitlines()
  assert lines[-1] == (
    'class_balancing against unconditional (3 shared seeds): better in KL, CAS; '
    'worse in Fréchet (annotator); no difference shown in FID'
  )


def _line(text, word):
  return next(line for line in text.splitlines() if word in line)


def test_only_comparable_runs_are_compared(tmp_path):
  _save_seeds(tmp_path, 'unconditional', kl_from_uniform=[0.5, 0.4], fid=[40.0, 41.0])
  for seed in (0, 1):  # judged by another annotator
    _save(
      tmp_path / f'other_{seed}',
      {'kl_from_uniform': 0.1},
      {'seed': seed, 'annotator_accuracy': 0.91 + 0.02 * (seed == 1)},
      method='cgan',
    )
  _save(tmp_path / 'fewer', fields={'samples': 10_000}, method='acgan')
  (line,) = console_table(collect([tmp_path])).splitlines()[-1:]
  assert line.startswith('cgan against unconditional (1 shared seed): no verdict from one seed')


@pytest.mark.parametrize(
  'damage',
  [
    '',
    '[]',
    '{',
    '{"experiment": "a"}',
    json.dumps(CLASS_BALANCE | {'labels': {'classes': {'names': ['one'], 'counts': [1]}}}),
    json.dumps(CLASS_BALANCE | {'labels': {'classes': {'names': ['one'], 'counts': [1, 2]}}}),
    json.dumps(CLASS_BALANCE | {'results': CLASS_BALANCE['results'] | {'kl_from_uniform': 'low'}}),
    json.dumps(CLASS_BALANCE | {'settings': []}),
    json.dumps(CLASS_BALANCE | {'settings': {}}),
    json.dumps(CLASS_BALANCE | {'results': CLASS_BALANCE['results'] | {'cas': 'high'}}),
    json.dumps(CLASS_BALANCE | {'results': CLASS_BALANCE['results'] | {'class_frechet/a': [1.0]}}),
  ],
)
def test_damaged_evaluation(tmp_path, damage):
  (tmp_path / 'evaluation.json').write_text(damage)
  with pytest.raises(UserError, match=r'evaluation\.json is damaged') as error:
    report([tmp_path])
  assert '\n' not in str(error.value)


@pytest.mark.parametrize('switches', ['magic', ['lecam']])
def test_switches_that_no_run_has_are_damage(tmp_path, switches):
  _save(tmp_path, fields={'switches': switches})
  for show in (report, lambda folders: console_table(collect(folders))):
    with pytest.raises(UserError, match=r'json is damaged .*; run jaxgan evaluate again'):
      show([tmp_path])


def test_unknown_published_path(tmp_path):
  _save(tmp_path / 'run', published='class_balancing_gan.cifar10.gan.100')
  with pytest.raises(UserError, match=r'cifar10\.gan\.100'):
    collect([tmp_path])


def test_the_classes_of_all_rows_are_drawn_beside_each_other(tmp_path, monkeypatch):
  drawn = []
  monkeypatch.setattr(
    pictures, 'class_histogram', lambda counts, labels, path: drawn.append((counts, path))
  )
  _save(tmp_path / 'a' / '0', {'class_counts': [6, 3, 1]}, {'seed': 0})
  _save(tmp_path / 'a' / '1', {'class_counts': [4, 5, 1]}, {'seed': 1})
  _save(tmp_path / 'b', {'class_counts': [1, 1, 8]}, experiment='tiny')
  other = {'classes': CLASS_BALANCE['labels']['classes'] | {'counts': [9, 9, 9]}}
  _save(tmp_path / 'c', {'class_counts': [1, 1, 8]}, experiment='tiny', labels=other)
  report([tmp_path], tmp_path / 'out.md')
  (counts, path), (others, other_path) = drawn
  assert {name: list(values) for name, values in counts.items()} == {
    'cifar10_lt_ratio_100': [5, 4, 1],
    'tiny': [1, 1, 8],
  }
  assert list(others) == ['tiny']
  assert (path.name, other_path.name) == ('out_classes.png', 'out_classes_2.png')


def test_rows_of_one_name_are_numbered(tmp_path, monkeypatch):
  """Brackets in the name of an experiment are part of the name."""
  drawn = []
  monkeypatch.setattr(pictures, 'class_histogram', lambda counts, *_: drawn.extend(counts))
  for step in (100, 200, 300):
    for experiment in ('a (b)', 'c'):
      _save(tmp_path / f'{experiment}{step}', fields={'step': step}, experiment=experiment)
  report([tmp_path], tmp_path / 'out.md')
  assert drawn == ['a (b)', 'a (b) (2)', 'a (b) (3)', 'c', 'c (2)', 'c (3)']


def test_a_switch_is_compared_with_its_own_method_without_it(tmp_path):
  for seed in (0, 1):
    for method in ('cgan', 'class_balancing'):
      for switches, kl in (('', 0.3 + seed), ('lecam', 0.2 + seed), ('r1_r2, lecam', 0.4 + seed)):
        protocol = {'seed': seed} | ({'switches': switches} if switches else {})
        folder = tmp_path / f'{method}_{switches}_{seed}'
        _save(folder, {'kl_from_uniform': kl}, protocol, method=method)
  lines = console_table(collect([tmp_path])).splitlines()
  # Without an unconditional one, the first method is what the others are compared with.
  assert [line.split(' in KL')[0] for line in lines if ' against ' in line] == [
    f'{row} against {baseline} (2 shared seeds): {verdict}'
    for row, baseline, verdict in (
      ('cgan + lecam', 'cgan', 'better'),
      ('cgan + r1_r2, lecam', 'cgan', 'worse'),
      ('class_balancing', 'cgan', 'no difference shown'),
      ('class_balancing + lecam', 'class_balancing', 'better'),
      ('class_balancing + r1_r2, lecam', 'class_balancing', 'worse'),
    )
  ]
  assert [line.split('  ')[0] for line in lines[3:6]] == [
    'cgan',
    'cgan + lecam',
    'cgan + r1_r2, lecam',
  ]


def test_switches_of_two_weights_have_two_names(tmp_path):
  for weight in (0.1, 0.05):
    fields = {'switches': 'r1_r2, diff_augment', 'r1_r2_weight': weight, 'diff_augment': 'color'}
    _save(tmp_path / f'{weight}', {}, fields, method='cgan')
  assert {verdicts.label(row) for row in collect([tmp_path])} == {
    'cgan + r1_r2 0.1, diff_augment', 'cgan + r1_r2 0.05, diff_augment',
  }  # fmt: skip


def test_scores_of_classifiers_trained_on_other_numbers_of_images_are_not_compared(tmp_path):
  for seed in (0, 1):
    for method, cas, images in (
      ('unconditional', 0.5, 5550),
      ('acgan', 0.6, 5550),
      ('cgan', 0.7, 100_000),
    ):
      results = {'cas': cas + 0.01 * seed, 'kl_from_uniform': cas}
      protocol = {'seed': seed, 'cas_images': images}
      _save(tmp_path / f'{method}_{seed}', results, protocol, method=method)
  lines = console_table(collect([tmp_path])).splitlines()
  compared = {line.split(' ')[0]: line for line in lines if ' against unconditional' in line}
  assert 'better in CAS; worse in KL' in compared['acgan']
  assert 'CAS' not in compared['cgan']
  assert 'worse in KL' in compared['cgan']


def test_a_record_of_an_earlier_version_is_to_be_measured_again(tmp_path):
  older = {'experiment': 'a', 'method': 'cgan', 'protocol': {}, 'results': {}, 'class_names': []}
  (tmp_path / 'evaluation.json').write_text(json.dumps(older))
  with pytest.raises(UserError, match=r'has an older format: run jaxgan evaluate again$'):
    collect([tmp_path])
