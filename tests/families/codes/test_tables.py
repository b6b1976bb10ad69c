"""Tables of codes beside the paper's four: 1-NN of older evaluations, Eq. 5, clusters, priors."""

import json

from jaxgan.report import collect, console_table, report
from tests.evaluations import CODES, save_code_replicas, save_codes, tables_in


def _table_4(folders):
  return tables_in(report(folders))['Table 4']


def test_1nn_of_before_the_logits_is_that_of_the_features(tmp_path):
  """The protocol of those evaluations has no field `knn1`."""
  folder = tmp_path / 'old'
  folder.mkdir()
  newer = ('knn1_accuracy_features', 'knn1_accuracy_features_random_weights')
  results = {name: value for name, value in CODES['results'].items() if name not in newer}
  protocol = {name: value for name, value in CODES['protocol'].items() if name != 'knn1'}
  results |= {'knn1_accuracy': 0.961, 'knn1_accuracy_random_weights': 0.88}
  old = CODES | {'results': results, 'protocol': protocol}
  (folder / 'evaluation.json').write_text(json.dumps(old))
  table = _table_4([folder])
  assert table['elastic_infogan'] == ['-', '**96.55 ± 0.70**', '**96.10**']
  assert table['random weights'] == ['-', '48.65 ± 0.90', '88.00[^3]']
  assert console_table(collect([folder])).splitlines()[-1].split()[3:5] == ['-', '96.10']
  # The recorded ones have the names of the features.
  results['knn1_accuracy_features'] = results.pop('knn1_accuracy') + 0.01
  results['knn1_accuracy_features_random_weights'] = results.pop('knn1_accuracy_random_weights')
  (tmp_path / 'recorded').mkdir()
  recorded = old | {'results': results, 'protocol': protocol | {'seed': 1}}
  (tmp_path / 'recorded' / 'evaluation.json').write_text(json.dumps(recorded))
  table = _table_4([folder, tmp_path / 'recorded'])
  assert table['elastic_infogan'][2] == '**96.60 ± 0.71 (2)**'
  save_code_replicas(tmp_path / 'new', [0.7])
  text = report([folder, tmp_path / 'new'])
  table = tables_in(text)['Table 4']
  assert '| - | **96.55 ± 0.70** | 96.10[^' in text  # The first number of ours has the footnote.
  # Features of either name, the logits of the new run alone.
  cells = [cell.partition('[^')[0] for cell in table['random weights']]
  assert cells == ['49.00', '48.65 ± 0.90', '87.50 ± 0.71 (2)']


def test_false_negatives_are_those_of_the_images(tmp_path):
  """Methods that share their splits count each split once."""
  for split, share in enumerate((0.11, 0.13)):
    for method in ('elastic_infogan', 'uniform_infogan'):
      save_codes(
        tmp_path / method / str(split),
        {'false_negative_share': share},
        {'data': f'long_tail_mnist/split_0{split}/1.0.0/train/01', 'seed': split},
        method=method,
        train_counts=[300, 200, 100 + split],
      )
  save_codes(
    tmp_path / 'faces', experiment='youtube_faces', published='youtube_faces', method='joint_vae',
    protocol={'data': 'youtube_faces40/1.0.0/train/01'},
  )  # fmt: skip
  save_codes(
    tmp_path / 'own', {'false_negative_share': None}, experiment='own', published=None,
    protocol={'data': 'own'},
  )  # fmt: skip
  table = tables_in(report([tmp_path]))['Expected share of false negatives, Σ p² (Eq. 5)']
  assert table == {
    'data set': ['ours', 'published', 'balanced classes (1/K)'],
    'mnist_lt': ['0.1200 ± 0.0141 (2; ddof 0: 0.0100)', '0.119 ± 0.008', '0.3333'],
    'youtube_faces': ['0.3800', '0.0363', '0.3333'],
  }


def test_the_clustering_of_real_images(tmp_path):
  save_codes(tmp_path / 'a', {'kmeans_ari': 0.61, 'argmax_nmi': 0.12})
  save_codes(tmp_path / 'b', method='uniform_infogan')
  text = report([tmp_path])
  table = tables_in(text)['Real images, clustered (not in the paper) ↑']
  assert table == {
    'method': [f'mnist_lt: {name}' for name in (
      'k-means NMI', 'k-means ARI', 'argmax Q NMI', 'argmax Q ARI'
    )],
    'uniform_infogan': ['**0.520**', '0.420', '**0.620**', '**0.570**'],
    'elastic_infogan': ['**0.520**', '**0.610**', '0.120', '**0.570**'],
  }  # fmt: skip
  assert 'clustering: k-means of 10,000 images; argmax Q;' in text


def test_two_classes_and_other_data_under_one_name(tmp_path):
  two = {'class_names': ['0', '4'], 'published': None, 'experiment': 'mnist_pair'}
  results = {'prior': [0.25, 0.75], 'matched_classes': [1, 0]}
  for name, counts in (('7_3', [70, 30]), ('9_1', [90, 10])):
    data = f'long_tail_mnist/zero_four_{name}/1.0.0/train/{name}'
    save_codes(tmp_path / name, results, {'data': data, 'codes': 2}, train_counts=counts, **two)
  text = report([tmp_path])
  for name, true in (('7_3', '0.700 | 0.300'), ('9_1', '0.900 | 0.100')):
    assert f'mnist_pair (long_tail_mnist/zero_four_{name}/1.0.0/train/{name})' in text
    assert f'| true frequency |  |  | {true} |' in text
  assert text.count('| 0.750 | 0.250 |') == 2
