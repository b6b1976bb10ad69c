"""Charts of codes: each figure draws its data."""

import numpy as np
import pytest

from jaxgan.report import code_pictures as charts
from jaxgan.report import curves
from tests.support import pixels


@pytest.mark.parametrize('k', [2, 10, 50])
def test_prior_over_time(tmp_path, k):
  path = tmp_path / 'prior.png'
  charts.prior_over_time([{'step': 1, 'loss/generator': 1.0}], path)
  assert not path.exists()
  target = np.arange(1, k + 1) / sum(range(1, k + 1))
  rows = [{'step': 5, 'loss/generator': 1.0}]
  rows += [
    {'step': step, 'prior': ((1 - step / 9) / k + step / 9 * target).tolist()} for step in range(9)
  ]
  charts.prior_over_time(rows, path)
  plain = pixels.image(path)
  names = [f'a class with a long name {c}' for c in range(k)]
  charts.prior_over_time(rows, path, target, np.arange(k) - 1, names)
  assert pixels.image(path).shape[1] > plain.shape[1]  # room for the longer labels
  pixels.assert_not_cut(path)


def test_prior_over_time_of_one_row_and_of_values_that_are_not_finite(tmp_path):
  charts.prior_over_time([{'step': 3, 'prior': [0.5, 0.5]}], tmp_path / 'prior.png')
  rows = [{'step': 1, 'prior': [0.5, 0.5]}, {'step': 2, 'prior': [None, None]}]
  charts.prior_over_time(rows, tmp_path / 'prior.png')
  pixels.assert_not_cut(tmp_path / 'prior.png')


def test_labels_are_spread_in_order_within_the_axes():
  spread = curves._spread(np.array([0.5, 0.9, 0.52, 0.0, 1.0, 0.51]), 0.1)
  np.testing.assert_allclose(spread, [0.41, 0.9, 0.61, 0.0, 1.0, 0.51])
  full = curves._spread(np.full(50, 0.02), 1 / 49)
  np.testing.assert_allclose(full, np.linspace(0, 1, 50), atol=1e-12)


@pytest.mark.parametrize('k', [2, 10, 50])
def test_prior_against_truth(tmp_path, k):
  frequencies, names = np.arange(1, k + 1) / sum(range(1, k + 1)), [f'code {i}' for i in range(k)]
  charts.prior_against_truth(np.full(k, 1 / k), frequencies, names, tmp_path / 'a.png')
  image = pixels.image(tmp_path / 'a.png')
  charts.prior_against_truth(np.full(k, 1 / k), frequencies[::-1], names, tmp_path / 'b.png')
  # The same bars, which are sorted, over other names.
  np.testing.assert_array_equal(image[:300], pixels.image(tmp_path / 'b.png')[:300])
  assert (image != pixels.image(tmp_path / 'b.png')).any()
  pixels.assert_not_cut(tmp_path / 'a.png')


@pytest.mark.parametrize('k', [2, 10, 20, 50])
def test_confusion_has_the_matched_codes_on_the_diagonal(tmp_path, k):
  permutation = np.random.default_rng(0).permutation(k)
  names = [f'class {i}' for i in range(k)]
  path = tmp_path / 'confusion.png'
  charts.confusion(1000 * np.eye(k)[permutation], names, 1.0, 0.0, path)
  image = pixels.image(path)
  pixels.assert_not_cut(path)
  rows, columns = np.nonzero((image == [8, 48, 107]).all(-1))  # the colour of share 1
  columns, rows = columns[columns < 0.8 * columns.max()], rows[columns < 0.8 * columns.max()]
  assert np.corrcoef(rows, columns)[0, 1] > (0.9 if k > 2 else 0.0)
  charts.confusion(np.eye(k)[permutation] * (np.arange(k) > 0), names, 1.0, 0.0, path)
  assert (pixels.image(path) == 230).all(-1).sum() > 0.9 * 300 * 300 / k  # a grey row


def test_confusion_of_other_numbers_of_codes_and_classes(tmp_path):
  path = tmp_path / 'confusion.png'
  for k, num_classes in ((12, 5), (5, 12), (30, 10)):
    names = ['a class with a long name'] * num_classes
    charts.confusion(np.eye(k, num_classes) + 1, names, 0.5, None, path)
    pixels.assert_not_cut(path)


def test_confusion_refuses_other_arrays(tmp_path):
  for counts, names in ((np.zeros((2, 2)), 'ab'), (-np.eye(2), 'ab')):
    with pytest.raises(ValueError, match='expected 2 axes of finite numbers'):
      charts.confusion(counts, names, 1.0, 0.0, tmp_path / 'confusion.png')


def test_evaluation_curves_draw_keys_with_values(tmp_path):
  rows = [
    {'step': step, 'evaluation/nmi': 0.1 * step, 'evaluation/ent': None, 'loss/generator': 1.0}
    for step in range(1, 5)
  ]
  path = tmp_path / 'curves.png'
  charts.evaluation_curves([row | {'evaluation/nmi': None} for row in rows], path)
  assert not path.exists()
  charts.evaluation_curves(rows, path)
  plain = pixels.image(path)
  assert plain.shape[1] == 400  # one panel
  charts.evaluation_curves([row | {'std/evaluation/nmi': 0.1} for row in rows], path)
  band = (pixels.image(path) == [210, 227, 240]).all(-1)  # a fifth of the line's blue
  assert band.sum() > 1000
