"""Report on categorical codes: the paper's tables beside ours, merged over replicas."""

import json
import re

import numpy as np
import pytest

from jaxgan.algorithms.infogan import VARIANTS
from jaxgan.errors import UserError
from jaxgan.evaluation.codes import data_set
from jaxgan.report import console_table, markdown_table
from jaxgan.runs.families import codes
from tests.support.evaluations import (
  CODES,
  UNLABELLED,
  collect,
  labels,
  report,
  save_code_replicas,
  save_codes,
  tables_in,
)
from tests.support.registered import put


def test_replicas_beside_the_published_numbers(tmp_path):
  save_code_replicas(tmp_path / 'mnist_lt' / 'elastic_infogan', [0.7, 0.8, 0.9])
  (row,) = collect([tmp_path])
  assert len(row.records) == 3
  text = markdown_table([row])
  assert text.startswith('## Categorical codes\n')
  tables = tables_in(text)
  assert list(tables) == [
    'Table 1',
    'Table 2',
    'Table 3',
    'Table 4',
    'Real images, clustered (not in the paper) ↑',
    'Prior against truth',
    'Expected share of false negatives, Σ p² (Eq. 5)',
  ]
  assert tables['Table 1']['method'] == [
    'mnist_lt: NMI (ours, geometric)',
    'mnist_lt: NMI (published)',
    'mnist_lt: ENT (ours)',
    'mnist_lt: ENT (published)',
  ]
  assert tables['Table 1']['elastic_infogan'] == ['0.810', '**0.889**', '0.200', '**0.213**']
  # Deviations of 0.1, 0 and 0.1: √(0.02 / 2) of the sample, √(0.02 / 3) of the population.
  assert tables['Table 2']['elastic_infogan'] == [
    '0.810 ± 0.100 (3; ddof 0: 0.082)',
    '**0.889 ± 0.044**',
    '0.800 ± 0.100 (3)',
  ]
  assert tables['Table 3']['elastic_infogan'] == [
    '0.200 ± 0.100 (3; ddof 0: 0.082)',
    '**0.213 ± 0.088**',
    '1.0',
  ]
  assert tables['Table 4']['method'] == [
    f'mnist_lt: {heading}' for heading in ('logits (ours)', 'published', 'features (ours)')
  ]
  assert tables['Table 4']['elastic_infogan'] == [
    '**80.00 ± 10.00 (3; ddof 0: 8.16)**',
    '**96.55 ± 0.70**',
    '**97.00 ± 0.00 (3)**',
  ]
  assert tables['Table 4']['random weights'] == [
    '49.00 ± 0.00 (3; ddof 0: 0.00)[^3]',
    '48.65 ± 0.90',
    '87.00 ± 0.00 (3)',
  ]
  assert '[^3]: Random weights:' in text
  for part in (
    'geometric mean',
    'arithmetic mean',
    'Protocol of all rows: step: 2000; data: long_tail_mnist/split_NN; ',
    'split: long_tail_mnist/split_00/1.0.0/train/0, ',
    'images per code: 1000; ',
    'replica: 0, 1, 2; replicas: 50',
    'Published: Elastic-InfoGAN, Tables 1-4 (mean, std); mnist: Tables 1-3 over 50 runs.',
  ):
    assert part in text


def test_methods_are_in_the_papers_order_and_those_not_run_have_no_value_of_ours(
  tmp_path, monkeypatch
):
  put(monkeypatch, codes.METHODS, {'mine': codes.METHODS['elastic_infogan']})
  for method, nmi in (('elastic_infogan', 0.9), ('joint_vae', 0.5), ('mine', 0.1)):
    save_codes(tmp_path / method, {'nmi': nmi, 'nmi_geometric': nmi}, method=method)
  tables = tables_in(report([tmp_path]))
  order = [
    'joint_vae',
    'uniform_infogan',
    'gumbel_softmax',
    'gumbel_softmax_pos',
    'elastic_infogan',
    'ground_truth_infogan',
    'ground_truth_infogan_ntxent',
  ]
  assert set(VARIANTS) < set(order)
  for number in (1, 2, 3):
    assert list(tables[f'Table {number}']) == ['method', *order, 'mine']
  assert tables['Table 2']['gumbel_softmax'] == ['-', '0.836 ± 0.048', '-']
  assert tables['Table 2']['joint_vae'] == ['0.500', '0.680 ± 0.081', '0.500']
  assert tables['Table 2']['elastic_infogan'] == ['**0.900**', '**0.889 ± 0.044**', '**0.900**']
  assert tables['Table 2']['mine'] == ['0.100', '-', '0.100']
  assert list(tables['Table 4']) == [
    'method',
    'random weights',
    'joint_vae',
    'uniform_infogan',
    'gumbel_softmax',
    'elastic_infogan',
    'mine',
  ]
  assert tables['Table 4']['random weights'][0] == '49.00 ± 0.00 (3; ddof 0: 0.00)[^3]'
  assert tables['Table 4']['uniform_infogan'] == ['-', '86.65 ± 1.40', '-']


def test_table_1_says_where_the_papers_own_has_other_values(tmp_path):
  """The values are from the paper: JointVAE in all five data sets, and two others."""
  found = {}
  for name, experiment in (
    ('mnist', 'mnist_lt'), ('youtube_faces', 'youtube_faces'), ('cars3d', 'cars3d'),
    ('chairs3d', 'chairs3d'), ('shapenet', 'shapenet'),
  ):  # fmt: skip
    save_codes(tmp_path / name, experiment=experiment, published=name)
    text = report([tmp_path / name])
    tables = tables_in(text)
    notes = dict(re.findall(r'^\[\^(\d+)\]: .*Its Table 1 prints (.*)\.$', text, re.MULTILINE))
    for method, cells in tables['Table 1'].items():
      marks = [re.findall(r'\[\^(\d+)\]', cell) for cell in cells]
      found |= {(name, method, i): notes[m] for i, (m,) in enumerate(filter(None, marks))}
      assert not marks[0]
      assert not marks[2]
    assert '[^' not in str(tables['Table 2']['joint_vae'] + tables['Table 3']['joint_vae'])
  values = {key: text for key, text in found.items() if key[2] == 0}
  assert len(found) == 11
  assert values == {
    ('mnist', 'joint_vae', 0): 'NMI 0.704 and ENT 0.661',
    ('youtube_faces', 'joint_vae', 0): 'NMI 0.485 and ENT 1.554',
    ('cars3d', 'joint_vae', 0): 'NMI 0.458 and ENT 1.024',
    ('chairs3d', 'joint_vae', 0): 'NMI 0.480 and ENT 1.817',
    ('shapenet', 'joint_vae', 0): 'ENT 1.101',
    ('shapenet', 'uniform_infogan', 0): 'ENT 0.531',
    ('mnist', 'ground_truth_infogan', 0): 'ENT 0.412',
  }


def test_a_column_group_a_data_set(tmp_path):
  save_codes(tmp_path / 'a')
  save_codes(tmp_path / 'b', experiment='cars3d', published='cars3d')
  save_codes(tmp_path / 'c', experiment='shapes', published=None, method='gumbel_softmax')
  table, rest = re.findall(r'\*\*Table 4.*?(?=\n\*\*)', report([tmp_path]), re.DOTALL)
  (first,), (second,) = (list(tables_in(part).values()) for part in (table, rest))
  names = [name.split(':')[0] for name in (*first['method'], *second['method'])]
  # In the paper's order, others behind.
  assert names == ['mnist_lt'] * 3 + ['cars3d'] * 3 + ['shapes'] * 3
  assert first['elastic_infogan'] == [
    '**95.00**',
    '**96.55 ± 0.70**',
    '**97.00**',
    '**95.00**',
    '**98.52 ± 0.50**',
    '**97.00**',
  ]
  assert second['gumbel_softmax'] == ['**95.00**', '-', '**97.00**']


PAPER = {  # column: (classes, configurations of two draws of its data)
  'chairs3d': (3, 'long_tail_chairs3d/set_0_draw_1', 'long_tail_chairs3d/set_3_draw_0'),
  'mnist': (3, 'long_tail_mnist/split_00', 'long_tail_mnist/split_01'),
  'shapenet': (3, 'shapenet5', 'shapenet5'),
  'cars3d': (3, 'long_tail_cars3d/set_0_draw_1', 'long_tail_cars3d/set_3_draw_0'),
  'youtube_faces': (11, 'youtube_faces40', 'youtube_faces40'),
}


@pytest.fixture
def five_data_sets(tmp_path):
  """Two runs of Elastic-InfoGAN on each of the paper's data sets; objects have two draws."""
  for column, (k, *configs) in PAPER.items():
    prior = np.arange(1, k + 1) / sum(range(1, k + 1))
    for draw, config in enumerate(configs):
      save_codes(
        tmp_path / column / str(draw),
        {
          'nmi_geometric': 0.7 + draw / 5,
          'prior': np.roll(prior, draw).tolist(),
          'matched_classes': np.roll(np.arange(k), 2 * draw).tolist(),
          'counts': None,
          'matched_frequencies': None,
        },
        {'data': data_set(config), 'split': config, 'codes': k, 'seed': draw},
        experiment=f'{column}_lt',
        published=column,
        labels=labels(
          [f'{draw if "3d" in column else ""}{c}' for c in range(k)],
          [10 * (c + 1) for c in range(k)],
          codes=k,
        ),
      )
  return tmp_path


def test_the_papers_five_data_sets(five_data_sets):
  rows = collect([five_data_sets])
  assert [len(row.records) for row in rows] == [2] * 5
  lines = markdown_table(rows).splitlines()
  headers = {}  # {title: the data sets in its header}
  for title, _, header in zip(lines, lines[1:], lines[2:], strict=False):
    if title.startswith('**Table'):
      names = (cell.split(': ')[0].strip() for cell in header.split('|')[2:-1])
      headers[title.strip('*')] = list(dict.fromkeys(names))
  in_order = ['mnist_lt', 'youtube_faces_lt', 'cars3d_lt', 'chairs3d_lt', 'shapenet_lt']
  for table, number in ((f'Table {number}', 3) for number in (1, 2, 3, 4)):
    parts = [names for title, names in headers.items() if title.startswith(table)]
    assert len(parts) == number
    assert [name for names in parts for name in names] == in_order


def test_published_values_of_the_five_data_sets(five_data_sets):
  lines = report([five_data_sets]).splitlines()
  start = [i for i, line in enumerate(lines) if line.startswith('**Table 2')]
  assert 'Table 2: NMI ↑ (2 of 3)' in lines[start[1]]
  found = {}
  for i in start:
    names = [cell.split(':')[0].strip() for cell in lines[i + 2].split('|')[2:-1:3]]
    for line in lines[i + 4 :]:
      if not line.startswith('|'):
        break
      method, *cells = (cell.strip(' *') for cell in line.strip('|').split('|'))
      found |= {(name, method): cells[3 * n : 3 * n + 2] for n, name in enumerate(names)}
  expected = {
    'mnist': '0.889 ± 0.044', 'youtube_faces': '0.792 ± 0.004', 'cars3d': '0.850 ± 0.068',
    'chairs3d': '0.650 ± 0.082', 'shapenet': '0.790 ± 0.077',
  }  # fmt: skip
  for column, published in expected.items():
    ours, paper = found[f'{column}_lt', 'elastic_infogan']
    assert ours.startswith('0.800 ± 0.141 (2; ddof 0: 0.100)')
    assert paper == published
  # What has not been run has the paper's values alone.
  assert found['cars3d_lt', 'joint_vae'] == ['-', '0.392 ± 0.236']
  assert len(found) == 5 * 7


def test_prior_beside_the_true_frequencies(five_data_sets):
  tables = {}
  for part in report([five_data_sets]).split('**Prior against truth: ')[1:]:
    title, _, header, _, *body = part.splitlines()
    lines = [line.strip('| ').split(' | ') for line in (header, *body) if line.startswith('|')]
    tables[title.strip('*')] = {line[0]: line[1:] for line in lines}
  # The same classes in both draws: the columns are these, from the frequent to the rare one.
  assert tables['mnist_lt'] == {
    'method': ['total variation ↓', 'KL(true ‖ prior) ↓', '2', '1', '0'],
    'true frequency': ['', '', '0.500', '0.333', '0.167'],
    # Codes 0, 1, 2 are classes 0, 1, 2, then 1, 2, 0, with the priors 1/6, 2/6, 3/6, then 3, 1, 2.
    'elastic_infogan': [
      '0.050 ± 0.000 (2)[^3]',
      '0.125 ± 0.000 (2)',
      '0.333 ± 0.236',
      '0.417 ± 0.118',
      '0.250 ± 0.118',
    ],
  }
  # Other objects: the ranks of their frequencies.
  assert tables['cars3d_lt']['method'][2:] == ['rank 1', 'rank 2', 'rank 3']
  assert tables['cars3d_lt']['elastic_infogan'][2:] == tables['mnist_lt']['elastic_infogan'][2:]
  # Too many classes for columns.
  assert len(tables['youtube_faces_lt']['method']) == 2
  assert 'true frequency' not in tables['youtube_faces_lt']


def test_results_of_before_a_measure_have_no_value(tmp_path):
  save_code_replicas(tmp_path / 'new', [0.7])
  newer = ('matched_classes', 'prior_kl', 'kmeans_nmi', 'kmeans_ari', 'argmax_nmi', 'argmax_ari')
  results = {name: value for name, value in CODES['results'].items() if name not in newer}
  settings = {name: value for name, value in CODES['settings'].items() if name != 'clustering'}
  folder = tmp_path / 'old'
  folder.mkdir()
  old = CODES | {'results': results, 'settings': settings}
  (folder / 'evaluation.json').write_text(json.dumps(old))
  assert console_table(collect([folder])).splitlines()[-1].split() == [
    'elastic_infogan', '0.700', '0.600', '95.00', '97.00', '-', '-', '0.050',
  ]  # fmt: skip
  tables = tables_in(report([folder]))
  assert list(tables)[:-1] == ['Table 1', 'Table 2', 'Table 3', 'Table 4']
  both = report([tmp_path])
  assert both.count('**Prior against truth') == 1
  table = tables_in(both)['Real images, clustered (not in the paper) ↑']
  assert table['elastic_infogan'][0].startswith('0.520[^')
  assert len(table) == 2


def test_other_protocols_and_repeated_runs_have_rows_of_their_own(tmp_path):
  save_code_replicas(tmp_path / 'a', [0.7, 0.8])
  save_code_replicas(tmp_path / 'b', [0.7])
  save_codes(tmp_path / 'c', fields={'step': 100, 'seed': 7}, notes=['short run'])
  save_codes(tmp_path / 'd', fields={'data': 'other_mnist/split_NN', 'seed': 8})
  rows = collect([tmp_path])
  assert sorted(len(row.records) for row in rows) == [1, 1, 1, 2]
  text = markdown_table(rows)
  table = [line for line in text.splitlines() if line.startswith('| elastic_infogan')]
  # In the paper's tables and the table of clusters; other data has another table of the prior.
  assert len(table) == 4 * 5 + 4
  notes = [line for line in text.splitlines() if line.startswith('[^')]
  assert sum('step: 2000' in note for note in notes) == 3
  (short,) = (note for note in notes if 'step: 100;' in note)
  assert short.endswith('short run')
  assert f'0.710{short[:4]}' in text


def test_only_some_replicas_have_a_score(tmp_path):
  save_code_replicas(tmp_path, [0.7, 0.8])
  path = tmp_path / 'replica_00' / 'evaluation.json'
  evaluation = json.loads(path.read_text())
  evaluation['results']['knn1_accuracy'] = None
  path.write_text(json.dumps(evaluation))
  tables = tables_in(report([tmp_path]))
  assert tables['Table 4']['elastic_infogan'][0] == '**80.00**'
  assert tables['Table 3']['elastic_infogan'][0] == '0.250 ± 0.071 (2; ddof 0: 0.050)'


def test_runs_without_labels(tmp_path):
  results = UNLABELLED['results'] | {'prior': [0.6, 0.3, 0.1]}
  save_codes(tmp_path / 'a', **UNLABELLED)
  save_codes(tmp_path / 'b', fields={'seed': 1}, **UNLABELLED | {'results': results})
  rows = collect([tmp_path])
  text = markdown_table(rows)
  assert list(tables_in(text)) == ['Without labels']
  assert '| mnist_lt | elastic_infogan | 2000 | 3 | 2 | 0.550 0.300 0.150 |' in text
  assert 'seed: 0, 1' in text
  assert 'NMI' not in text


@pytest.mark.parametrize(
  'damage',
  [
    json.dumps(CODES)[:-100],
    json.dumps(CODES | {'results': ['nmi']}),
    json.dumps(CODES | {'results': CODES['results'] | {'ent': 'low'}}),
    json.dumps(CODES | {'results': CODES['results'] | {'prior': [0.5, 0.5]}}),
    json.dumps(CODES | {'step': None}),
    json.dumps(CODES | {'run': None}),
    json.dumps(CODES | {'labels': labels(['0'], [1, 2])}),
    json.dumps(CODES | {'published': 3}),
    json.dumps(CODES | {'results': CODES['results'] | {'matched_classes': [0, 1]}}),
    json.dumps(CODES | {'results': CODES['results'] | {'matched_classes': [0, 1, 3]}}),
  ],
)
def test_damaged_evaluation(tmp_path, damage):
  (tmp_path / 'evaluation.json').write_text(damage)
  with pytest.raises(UserError, match=r'evaluation\.json is damaged') as error:
    report([tmp_path])
  assert '\n' not in str(error.value)


def test_unknown_published_data_set(tmp_path):
  save_codes(tmp_path / 'run', published='cifar10')
  with pytest.raises(UserError, match='cifar10'):
    collect([tmp_path])


def test_splits_are_averaged_but_not_different_data(tmp_path):
  """Splits and draws are averaged; each folder of images is a data set."""
  keys = (
    'long_tail_mnist/split_00/1.0.0/train/01',
    'long_tail_mnist/split_07 of long_tail_mnist/pool/1.0.0/train/02',
    'long_tail_mnist/split_00-0123456789/1.0.0/train/03',
    'long_tail_folder/a/1.0.0/train/04',
    'long_tail_folder/b/1.0.0/train/05',
    'long_tail_cars3d/set_0_draw_1/1.0.0/train/06',
    'long_tail_cars3d/set_2_draw_1 of long_tail_cars3d/set_2_pool/1.0.0/train/07',
    'long_tail_cars3d/set_2_draw_2-0123456789/1.0.0/train/08',
  )
  for seed, key in enumerate(keys):
    save_codes(tmp_path / str(seed), fields={'data': data_set(key), 'split': key, 'seed': seed})
  assert sorted(len(row.records) for row in collect([tmp_path])) == [1, 1, 1, 1, 2, 2]
