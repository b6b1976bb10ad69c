"""Records as runs of both families leave them, for the tests of reports."""

import copy
import json

from jaxgan import report as reports
from jaxgan.runs import families

CLASS_BALANCE = {
  'format': 2,
  'experiment': 'cifar10_lt_ratio_100',
  'method': 'class_balancing',
  'published': 'class_balancing_gan.cifar10.class_balancing.100',
  'step': 100000,
  'settings': {
    'data': 'cifar10',
    'reference': 'cifar10/test',
    'reference_images': 10000,
    'samples': 50000,
    'generator': 'ema',
    'batch_norm': 'average of the running statistics',
    'resize': 'none',
  },
  'run': {
    'feature_network': 'resnet32-1',
    'annotator_accuracy': 0.93,
    'classifier_accuracy': None,
    'seed': 0,
    'hardware': '2 CPU cores',
    'jax': '0.10.2',
  },
  'labels': {
    'classes': {'names': ['airplane', 'automobile', 'bird'], 'counts': [5000, 500, 50]},
  },
  'results': {
    'kl_from_uniform': 0.1,
    'fid': 33.0,
    'frechet_annotator': 1.25,
    'class_counts': [60, 30, 10],
    'head_medium_tail': [0.6, 0.3, 0.1],
  },
  'notes': [],
}
CODES = {
  'format': 2,
  'experiment': 'mnist_lt',
  'method': 'elastic_infogan',
  'published': 'mnist',
  'step': 2000,
  'settings': {
    'data': 'long_tail_mnist/split_NN',
    'classes': 3,
    'codes': 3,
    'images_per_code': 1000,
    'batch_size': 64,
    'generator': 'raw',
    'batch_norm': 'running statistics',
    'nearest_neighbours': '1-NN, Euclidean, 80/20 seeded split',
    'knn1': 'logits',
    'clustering': 'k-means of 10,000 images; argmax Q',
    'nmi': 'arithmetic mean (scikit-learn >= 0.22); geometric beside it',
  },
  'run': {
    'split': 'long_tail_mnist/split_00/1.0.0/train/0123abcd',
    'images': 42794,
    'annotator': 'mnist_cnn-0123456789ab',
    'annotator_accuracy': 0.99,
    'replica': 0,
    'replicas': 50,
    'seed': 0,
    'hardware': '2 CPU cores',
    'jax': '0.10.2',
  },
  'labels': {
    'classes': {'names': ['0', '1', '2'], 'counts': [6300, 3000, 100]},
    'codes': {'names': ['code_0', 'code_1', 'code_2'], 'counts': []},
  },
  'results': {
    'nmi': 0.7,
    'nmi_geometric': 0.71,
    'ent': 0.6,
    'empty_codes_and_classes': 1,
    'counts': [[900, 100, 0], [0, 1000, 0], [0, 0, 1000]],
    'prior': [0.2, 0.5, 0.3],
    'matched_classes': [2, 0, 1],
    'matched_frequencies': [0.01, 0.67, 0.32],
    'prior_distance': 0.05,
    'prior_kl': 0.125,
    'false_negative_share': 0.38,
    'knn1_accuracy': 0.95,
    'knn1_accuracy_features': 0.97,
    'knn1_accuracy_random_weights': 0.49,
    'knn1_accuracy_features_random_weights': 0.87,
    'kmeans_nmi': 0.52,
    'kmeans_ari': 0.42,
    'argmax_nmi': 0.62,
    'argmax_ari': 0.57,
  },
  'notes': [],
}
# What replaces fields of the latter where the images have no labels.
UNLABELLED = {
  'published': None,
  'labels': {'codes': CODES['labels']['codes']},
  'results': {name: None for name in CODES['results']} | {'prior': [0.2, 0.5, 0.3]},
}
_RUN = {*CLASS_BALANCE['run'], *CODES['run'], 'recogniser', 'annotator_step'}


def labels(*names_and_counts, codes=3):
  """The labels of a record: names and training images of classes, and a number of codes."""
  names, counts = names_and_counts
  own = {'classes': {'names': list(names), 'counts': list(counts)}}
  return own | {'codes': {'names': [f'code_{k}' for k in range(codes)], 'counts': []}}


def save(folder, record, results=(), fields=(), **changes):
  """Writes a record with some results, some settings or fields of its run, and others changed."""
  record, fields = copy.deepcopy(record | changes), dict(fields)
  record['step'] = fields.pop('step', record['step'])
  record['results'] |= dict(results)
  for name, value in fields.items():
    record['run' if name in _RUN else 'settings'][name] = value
  folder.mkdir(parents=True, exist_ok=True)
  (folder / 'evaluation.json').write_text(json.dumps(record))


def save_codes(folder, *changes, **fields):
  save(folder, CODES, *changes, **fields)


def save_code_replicas(folder, nmi, **fields):
  for replica, value in enumerate(nmi):
    save_codes(
      folder / f'replica_{replica:02d}',
      {'nmi': value, 'nmi_geometric': value + 0.01, 'ent': 1 - value, 'knn1_accuracy': value},
      {
        'split': f'long_tail_mnist/split_{replica:02d}/1.0.0/train/{replica}',
        'images': 40000 + replica,
        'annotator': f'mnist_cnn-{replica}',
        'replica': replica,
        'seed': replica,
      },
      labels=labels('012', [6300, 3000, replica]),
      **fields,
    )


def tables_in(text):
  """{first words of the title: {method: cells}, with the header under its 'method'}."""
  tables, rows = {}, None
  for line in text.splitlines():
    if line.startswith('**'):
      rows = tables.setdefault(line.strip('*').split(':')[0], {})
    elif line.startswith('|') and not line.startswith('| ---'):
      name, *cells = (cell.strip() for cell in line.strip('|').split('|'))
      rows[name] = cells
  return tables


def collect(work_dirs):
  """The rows of evaluations of all families."""
  return reports.collect(work_dirs, families.FAMILIES)


def report(work_dirs, out=None):
  """The report on evaluations of all families."""
  return reports.report(work_dirs, families.FAMILIES, out)
