"""Classifiers in protocols, and their accuracies beside the published ones."""

import pytest

from jaxgan.evaluation.record import ONE_NETWORK
from jaxgan.metrics import wilson_interval
from jaxgan.report import classifiers
from jaxgan.system.names import escaped
from tests.support.evaluations import CLASS_BALANCE, report, save


@pytest.mark.parametrize(
  ('row', 'classifier', 'annotator'),
  [
    ('cifar10.class_balancing.100', 76.67, 92.29),
    ('cifar10.sndcgan.10', 87.7, 92.29),
    ('cifar10.acgan.1', 92.29, 92.29),
    ('lsun5.snresgan.100', 82.4, 90.53),
    ('semi_supervised.cifar10.10', 84.96, 92.29),
    ('semi_supervised.lsun5.100', 82.4, 90.53),
    ('cifar100.cgan', 57.63, 70.99),
    ('inaturalist2019.class_balancing', 46.9, 46.9),
  ],
)
def test_published_accuracies(row, classifier, annotator):
  """The values are from §4 of the paper and its tables."""
  found = classifiers.classifier_accuracies(f'class_balancing_gan.{row}')
  assert found == {'classifier': classifier, 'annotator': annotator}


@pytest.mark.parametrize('row', [None, 'elastic_infogan.nmi'])
def test_other_rows_have_none(row):
  assert classifiers.classifier_accuracies(row) == {}


def _save(folder, seed, accuracies, run=(), **fields):
  protocol = {'seed': seed}
  protocol |= {f'{role}_accuracy': value for role, value in accuracies.items()}
  own = CLASS_BALANCE | {'run': CLASS_BALANCE['run'] | dict(run)}
  save(folder, own, (), protocol, **fields)


def _table(text):
  lines = text[text.index('**Classifiers**') :].splitlines()
  return [line for line in lines if line.startswith('|')]


def test_accuracies_of_an_experiment_stand_once_beside_the_papers(tmp_path):
  for seed, (classifier, annotator) in enumerate(((0.75, 0.92), (0.77, 0.93))):
    both = {'classifier': classifier, 'annotator': annotator}
    _save(tmp_path / f'a{seed}', seed, both)
    # Another method of the same work directory: the same annotator, no classifier.
    row = 'class_balancing_gan.cifar10.sndcgan.100'
    alone = {'annotator': annotator}
    _save(tmp_path / f'b{seed}', seed, alone, method='unconditional', published=row)
  _save(tmp_path / 'c', 0, {'annotator': 0.5}, experiment='own', published=None)
  assert _table(report([tmp_path]))[2:] == [
    '| cifar10_lt_ratio_100 | classifier | 76.00 ± 1.41 (2) | 76.67 |',
    '| cifar10_lt_ratio_100 | annotator | 92.50 ± 0.71 (2) | 92.29 |',
    '| own | annotator | 50.00 | - |',
  ]


def test_intervals_and_agreement_stand_beside_the_accuracies(tmp_path):
  measured = {
    'annotator_test_images': 100,
    'classifier_test_images': 100,
    'annotator_agreement': 0.875,
    'annotator_kappa': 0.8,
  }
  for seed, classifier in enumerate((0.75, 0.77)):
    own = {'classifier': classifier, 'annotator': 0.92}
    _save(tmp_path / f'{seed}', seed, own, measured, published=None)
  _save(tmp_path / 'older', 0, {'annotator': 0.5}, experiment='own', published=None)
  header, _, *found = _table(report([tmp_path]))
  assert header.endswith(
    "| test images | 95 % interval | same class as the classifier % | Cohen's kappa |"
  )
  # The interval of the mean, on the test images that the seeds share.
  low, high = (100 * end for end in wilson_interval(76, 100))
  assert found == [
    f'| cifar10_lt_ratio_100 | classifier | 76.00 ± 1.41 (2) | 100 | {low:.2f} to {high:.2f} '
    '| - | - |',
    '| cifar10_lt_ratio_100 | annotator | 92.00 ± 0.00 (2) | 100 | 85.00 to 95.89 '
    '| 87.50 ± 0.00 (2) | 0.80 ± 0.00 (2) |',
    '| own | annotator | 50.00 | - | - | - | - |',
  ]


def test_a_report_begins_with_the_methods_that_one_network_steers_and_judges(tmp_path):
  _save(tmp_path / 'a', 0, {'annotator': 0.9}, notes=[ONE_NETWORK], published=None)
  _save(tmp_path / 'b', 0, {'annotator': 0.9}, method='unconditional', published=None)
  text = report([tmp_path])
  said = f'cifar10_lt_ratio_100 class_balancing: {ONE_NETWORK}.'
  assert escaped(said) in text[: text.index('**Scores**')]
  assert text.count(ONE_NETWORK) == 1
