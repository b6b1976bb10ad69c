"""Report on categorical codes: the paper's tables beside ours, merged over replicas."""

import json

import numpy as np
from PIL import Image
import pytest

from jaxgan.algorithms.infogan import VARIANTS
from jaxgan.errors import UserError
from jaxgan.families import codes
from jaxgan.report import collect, console_table, markdown_table, report
from tests.evaluations import CODES, UNLABELLED, save


def _save(folder, *changes, **fields):
  save(folder, CODES, *changes, **fields)


def _save_replicas(folder, nmi, **fields):
  for replica, value in enumerate(nmi):
    _save(
      folder / f'replica_{replica:02d}',
      {'nmi': value, 'nmi_geometric': value + 0.01, 'ent': 1 - value, 'knn1_accuracy': value},
      {
        'data': f'long_tail_mnist/split_{replica:02d}/1.0.0/train/{replica}',
        'images': 40000 + replica,
        'annotator': f'mnist_cnn-{replica}',
        'replica': replica,
        'seed': replica,
      },
      train_counts=[6300, 3000, replica],
      **fields,
    )


def _save_samples(folder, size=8, codes=3):
  shades = np.linspace(0, 250, codes).astype(np.uint8)[:, None, None, None, None]
  np.savez(folder / 'code_samples.npz', images=np.broadcast_to(shades, (codes, 4, size, size, 1)))


def _tables(text):
  """{first words of the title: {method: cells}, with the header under its 'method'}."""
  tables, rows = {}, None
  for line in text.splitlines():
    if line.startswith('**'):
      rows = tables.setdefault(line.strip('*').split(':')[0], {})
    elif line.startswith('|') and not line.startswith('| ---'):
      name, *cells = (cell.strip() for cell in line.strip('|').split('|'))
      rows[name] = cells
  return tables


def test_replicas_beside_the_published_numbers(tmp_path):
  _save_replicas(tmp_path / 'mnist_lt' / 'elastic_infogan', [0.7, 0.8, 0.9])
  (row,) = collect([tmp_path])
  assert len(row.evaluations) == 3
  text = markdown_table([row])
  assert text.startswith('## Categorical codes\n') and text.count('## ') == 1
  tables = _tables(text)
  assert list(tables) == ['Table 1', 'Table 2', 'Table 3', 'Table 4']
  assert tables['Table 1']['method'] == [
    'mnist_lt: NMI (ours, geometric)',
    'mnist_lt: NMI (published)',
    'mnist_lt: ENT (ours)',
    'mnist_lt: ENT (published)',
  ]
  assert tables['Table 1']['elastic_infogan'] == ['0.810', '**0.889**', '0.200', '**0.213**']
  assert tables['Table 2']['elastic_infogan'] == [
    '0.810 ± 0.100 (3)',
    '**0.889 ± 0.044**',
    '0.800 ± 0.100 (3)',
  ]
  assert tables['Table 3']['elastic_infogan'] == ['0.200 ± 0.100 (3)', '**0.213 ± 0.088**', '1.0']
  assert tables['Table 4']['elastic_infogan'] == ['80.00 ± 10.00 (3)', '**96.55 ± 0.70**']
  assert tables['Table 4']['random weights'] == ['**87.00 ± 0.00 (3)[^1]**', '48.65 ± 0.90']
  assert '[^1]: Random weights:' in text
  for part in (
    'geometric mean',
    'arithmetic mean',
    'Protocol of all rows: data: long_tail_mnist/split_00/1.0.0/train/0, ',
    'images per code: 1000; step: 2000',
    'replica: 0, 1, 2; replicas: 50',
    'Published: Elastic-InfoGAN, Tables 1-4 (mean, std); mnist: Tables 1-3 over 50 runs.',
  ):
    assert part in text


def test_methods_are_in_the_papers_order_and_those_not_run_have_no_value_of_ours(
  tmp_path, monkeypatch
):
  monkeypatch.setattr(codes, 'METHODS', (*codes.METHODS, 'mine'))
  for method, nmi in (('elastic_infogan', 0.9), ('joint_vae', 0.5), ('mine', 0.1)):
    _save(tmp_path / method, {'nmi': nmi, 'nmi_geometric': nmi}, method=method)
  tables = _tables(report([tmp_path]))
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
  assert tables['Table 4']['random weights'][0] == '87.00 ± 0.00 (3)[^1]'
  assert tables['Table 4']['uniform_infogan'] == ['-', '86.65 ± 1.40']


def test_a_column_group_a_data_set(tmp_path):
  _save(tmp_path / 'a')
  _save(tmp_path / 'b', experiment='cars3d', published='cars3d')
  _save(tmp_path / 'c', experiment='shapes', published=None, method='gumbel_softmax')
  tables = _tables(report([tmp_path]))
  names = [name.split(':')[0] for name in tables['Table 4']['method']]
  assert names == ['cars3d'] * 2 + ['mnist_lt'] * 2 + ['shapes'] * 2
  assert tables['Table 4']['elastic_infogan'] == [
    '**95.00**',
    '**98.52 ± 0.50**',
    '**95.00**',
    '**96.55 ± 0.70**',
    '-',
    '-',
  ]
  assert tables['Table 4']['gumbel_softmax'][4:] == ['**95.00**', '-']


def test_other_protocols_and_repeated_runs_have_rows_of_their_own(tmp_path):
  _save_replicas(tmp_path / 'a', [0.7, 0.8])
  _save_replicas(tmp_path / 'b', [0.7])
  _save(tmp_path / 'c', protocol={'step': 100, 'seed': 7}, notes=['short run'])
  _save(tmp_path / 'd', protocol={'data': 'other_mnist/split_00/1.0.0/train/1', 'seed': 8})
  rows = collect([tmp_path])
  assert sorted(len(row.evaluations) for row in rows) == [1, 1, 1, 2]
  text = markdown_table(rows)
  table = [line for line in text.splitlines() if line.startswith('| elastic_infogan')]
  assert len(table) == 4 * 4
  notes = [line for line in text.splitlines() if line.startswith('[^')]
  assert sum('step: 2000' in note for note in notes) == 3
  (short,) = (note for note in notes if 'step: 100;' in note)
  assert short.endswith('short run') and f'0.710{short[:4]}' in text


def test_only_some_replicas_have_a_score(tmp_path):
  _save_replicas(tmp_path, [0.7, 0.8])
  path = tmp_path / 'replica_00' / 'evaluation.json'
  evaluation = json.loads(path.read_text())
  evaluation['results']['knn1_accuracy'] = None
  path.write_text(json.dumps(evaluation))
  tables = _tables(report([tmp_path]))
  assert tables['Table 4']['elastic_infogan'][0] == '80.00'
  assert tables['Table 3']['elastic_infogan'][0] == '0.250 ± 0.071 (2)'


def test_runs_without_labels(tmp_path):
  results = UNLABELLED['results'] | {'prior': [0.6, 0.3, 0.1]}
  _save(tmp_path / 'a', **UNLABELLED)
  _save(tmp_path / 'b', protocol={'seed': 1}, **UNLABELLED | {'results': results})
  rows = collect([tmp_path])
  text = markdown_table(rows)
  assert list(_tables(text)) == ['Without labels']
  assert '| mnist_lt | elastic_infogan | 2000 | 3 | 2 | 0.550 0.300 0.150 |' in text
  assert 'seed: 0, 1' in text and 'NMI' not in text


def test_console_without_labels_names_the_extremes_of_the_prior_and_the_picture(tmp_path):
  results = UNLABELLED['results'] | {'prior': [0.25, 0.25, 0.25, 0.25]}
  four = UNLABELLED | {'results': results, 'method': 'joint_vae'}
  _save(tmp_path / 'a', **UNLABELLED)
  _save(tmp_path / 'b', protocol={'codes': 4}, **four)
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
  _save(tmp_path / 'a', **UNLABELLED)
  _save(tmp_path / 'b', protocol={'seed': 1}, **UNLABELLED | {'results': results})
  for name in 'ab':
    (tmp_path / name / 'code_grid.png').touch()
  assert console_table(collect([tmp_path])).splitlines() == [
    'mnist_lt',
    'method               largest prior     smallest prior',
    'elastic_infogan  0.550 ± 0.071 (2)  0.150 ± 0.071 (2)',
    f'code grid of elastic_infogan, the first of 2 runs: {tmp_path}/a/code_grid.png',
  ]


def test_console_table(tmp_path):
  _save(tmp_path / 'b', {'knn1_accuracy': None}, method='uniform_infogan', notes=['a note'])
  _save_replicas(tmp_path / 'a', [0.7, 0.8], notes=['a note'])
  assert console_table(collect([tmp_path])).splitlines() == [
    'mnist_lt',
    'method                         NMI                ENT          1-NN (%)     prior distance',
    'uniform_infogan              0.700              0.600                 -              0.050',
    'elastic_infogan  0.750 ± 0.071 (2)  0.250 ± 0.071 (2)  75.00 ± 7.07 (2)  0.050 ± 0.000 (2)',
    'a note',
  ]


def test_pictures_are_drawn_beside_the_report(tmp_path):
  for method in ('uniform_infogan', 'elastic_infogan'):
    _save_replicas(tmp_path / 'runs' / method, [0.7, 0.8], method=method)
    _save_samples(tmp_path / 'runs' / method / 'replica_00')
  _save(tmp_path / 'runs' / 'short', protocol={'step': 100})
  _save(tmp_path / 'runs' / 'joint_vae', method='joint_vae')  # it has no samples
  report([tmp_path / 'runs'])
  assert not list(tmp_path.rglob('*.png'))
  report([tmp_path / 'runs'], tmp_path / 'out' / 'codes.md')
  names = sorted(path.name for path in (tmp_path / 'out').iterdir())
  assert names == ['codes.md', 'codes_codes.png', 'codes_tables.png']
  with Image.open(tmp_path / 'out' / 'codes_tables.png') as tables:
    assert tables.height > 400 and tables.width > 400
    assert np.ptp(np.asarray(tables.convert('L'))) == 255
  with Image.open(tmp_path / 'out' / 'codes_codes.png') as two:
    width = two.width
  _save_samples(tmp_path / 'runs' / 'joint_vae')
  report([tmp_path / 'runs'], tmp_path / 'out' / 'codes.md')
  with Image.open(tmp_path / 'out' / 'codes_codes.png') as three:
    assert three.width > width


def test_pictures_of_samples_of_two_sizes_and_none_without_labels_and_samples(tmp_path):
  _save(tmp_path / 'a', **UNLABELLED)
  report([tmp_path], tmp_path / 'out' / 'report.md')
  assert [path.name for path in (tmp_path / 'out').iterdir()] == ['report.md']
  _save_samples(tmp_path / 'a')
  _save(tmp_path / 'b', **UNLABELLED | {'experiment': 'large'})
  _save_samples(tmp_path / 'b', size=32)
  report([tmp_path], tmp_path / 'out' / 'report.md')
  assert (tmp_path / 'out' / 'report_codes.png').exists()
  assert not (tmp_path / 'out' / 'report_tables.png').exists()


@pytest.mark.parametrize('damage', ['zip', 'type', 'name'])
def test_damaged_samples(tmp_path, damage):
  _save(tmp_path / 'run')
  path = tmp_path / 'run' / 'code_samples.npz'
  if damage == 'zip':
    path.write_bytes(b'PK\x03\x04 cut')
  else:
    np.savez(path, **{'images' if damage == 'type' else 'other': np.zeros((3, 4, 8, 8, 1))})
  with pytest.raises(UserError, match=r'code_samples\.npz is damaged') as error:
    report([tmp_path], tmp_path / 'report.md')
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
  'damage',
  [
    json.dumps(CODES)[:-100],
    json.dumps(CODES | {'results': {'nmi': 0.5}}),
    json.dumps(CODES | {'results': ['nmi']}),
    json.dumps(CODES | {'results': CODES['results'] | {'ent': 'low'}}),
    json.dumps(CODES | {'results': CODES['results'] | {'prior': [0.5, 0.5]}}),
    json.dumps(CODES | {'results': CODES['results'] | {'prior': None}}),
    json.dumps(CODES | {'protocol': {'step': 1, 'codes': 3}}),
    json.dumps(CODES | {'protocol': CODES['protocol'] | {'data': None}}),
    json.dumps(CODES | {'class_names': []}),
    json.dumps(CODES | {'published': 3}),
  ],
)
def test_damaged_evaluation(tmp_path, damage):
  (tmp_path / 'evaluation.json').write_text(damage)
  with pytest.raises(UserError, match=r'evaluation\.json is damaged') as error:
    collect([tmp_path])
  assert '\n' not in str(error.value)


def test_unknown_published_data_set(tmp_path):
  _save(tmp_path / 'run', published='cifar10')
  with pytest.raises(UserError, match='cifar10'):
    collect([tmp_path])


def test_splits_are_averaged_but_not_different_data(tmp_path):
  """A split in a pool is a split; folders of images are each their own."""
  keys = (
    'long_tail_mnist/split_00/1.0.0/train/01',
    'long_tail_mnist/split_07 of long_tail_mnist/pool/1.0.0/train/02',
    'long_tail_mnist/split_00-0123456789/1.0.0/train/03',
    'long_tail_folder/a/1.0.0/train/04',
    'long_tail_folder/b/1.0.0/train/05',
  )
  for seed, key in enumerate(keys):
    _save(tmp_path / str(seed), protocol={'data': key, 'seed': seed})
  assert sorted(len(row.evaluations) for row in collect([tmp_path])) == [1, 1, 1, 2]
