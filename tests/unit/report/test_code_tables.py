"""Tables of codes beside the paper's four: Eq. 5, clusters, priors."""

from tests.support.evaluations import labels, report, save_codes, tables_in


def test_false_negatives_depend_on_the_images(tmp_path):
  """Methods with the same splits count each split once."""
  for split, share in enumerate((0.11, 0.13)):
    for method in ('elastic_infogan', 'uniform_infogan'):
      save_codes(
        tmp_path / method / str(split),
        {'false_negative_share': share},
        {'split': f'long_tail_mnist/split_0{split}/1.0.0/train/01', 'seed': split},
        method=method,
        labels=labels('012', [300, 200, 100 + split]),
      )
  save_codes(
    tmp_path / 'faces', experiment='youtube_faces', published='youtube_faces', method='joint_vae',
    fields={'data': 'youtube_faces40'},
  )  # fmt: skip
  save_codes(
    tmp_path / 'own', {'false_negative_share': None}, experiment='own', published=None,
    fields={'data': 'own'},
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
  two = {'published': None, 'experiment': 'mnist_pair'}
  results = {'prior': [0.25, 0.75], 'matched_classes': [1, 0], 'matched_frequencies': [0.3, 0.7]}
  results |= {'counts': [[0, 9], [9, 0]]}
  for name, counts in (('7_3', [70, 30]), ('9_1', [90, 10])):
    data = f'long_tail_mnist/zero_four_{name}/1.0.0/train/{name}'
    own = labels(['0', '4'], counts, codes=2)
    save_codes(tmp_path / name, results, {'data': data, 'codes': 2}, labels=own, **two)
  text = report([tmp_path])
  for name, true in (('7_3', '0.700 | 0.300'), ('9_1', '0.900 | 0.100')):
    assert f'mnist_pair (long_tail_mnist/zero_four_{name}/1.0.0/train/{name})' in text
    assert f'| true frequency |  |  | {true} |' in text
  assert text.count('| 0.750 | 0.250 |') == 2
