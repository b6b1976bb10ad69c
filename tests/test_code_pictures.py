"""Pictures of the code: pixels of the grids, and that each figure draws what it is given."""

import numpy as np
import pytest

from jaxgan import code_pictures
from jaxgan.drawing import page
from tests import pixels


def _tiles_of(image, grey):
  """How many tiles of 48 x 48 pixels have the grey value."""
  return (image == grey).all(-1).sum() / 48**2


NOT_GRIDS = [
  np.zeros((2, 0, 8, 8, 1), np.uint8),
  np.zeros((0, 2, 8, 8, 1), np.uint8),
  np.zeros((2, 2, 8, 8, 1)),
  np.zeros((2, 8, 8, 1), np.uint8),
  np.zeros((2, 2, 8, 8, 4), np.uint8),
]


def test_code_grid_has_a_row_a_code():
  grid = code_pictures.code_grid(pixels.flat([[10, 20, 30], [40, 50, 60]]))
  assert grid.shape == (98, 148, 3) and grid.dtype == np.uint8
  assert (grid[:48, :48] == 10).all() and (grid[:48, 100:] == 30).all()
  assert (grid[50:, 50:98] == 50).all() and (grid[48:50] == 255).all()


def test_code_grid_keeps_tiles_beside_names():
  images = np.random.default_rng(0).integers(0, 256, (50, 2, 64, 64, 3)).astype(np.uint8)
  names = [f'code {code} → a rather long name' for code in range(50)]
  grid, plain = code_pictures.code_grid(images, names), code_pictures.code_grid(images)
  np.testing.assert_array_equal(grid[:, -plain.shape[1] :], plain)
  names_part = pixels.ink(grid[:, : -plain.shape[1]])
  assert all(names_part[66 * row : 66 * row + 64].any() for row in range(50))
  assert not names_part[:, :2].any() and not names_part[:, -2:].any()
  with pytest.raises(ValueError, match='50, got 3'):
    code_pictures.code_grid(images, names[:3])


@pytest.mark.parametrize('images', NOT_GRIDS)
def test_grids_refuse_other_arrays(images, tmp_path):
  with pytest.raises(ValueError):
    code_pictures.code_grid(images)
  with pytest.raises(ValueError):
    code_pictures.code_grids({'a': images}, tmp_path / 'grids.png')
  with pytest.raises(ValueError):
    code_pictures.traversal(images, tmp_path / 'traversal.png')
  assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(('panels', 'shape'), [(2, (1, 2)), (4, (1, 4)), (5, (2, 3))])
def test_code_grids_wrap_and_keep_every_tile(tmp_path, panels, shape):
  images = {f'method {i}': pixels.flat([[40 + i] * 3] * 10, 28) for i in range(panels)}
  code_pictures.code_grids(images, tmp_path / 'grids.png')
  image = pixels.image(tmp_path / 'grids.png')
  for i in range(panels):
    places = np.argwhere((image == 40 + i).all(-1))
    assert len(places) >= 30 * 28**2  # and a few pixels of the titles
  lines, columns = shape
  height, width = 10 * 30 - 2 + 16 + 24, max(88, page.text_width('method 0', 16)) + 24
  assert image.shape == (lines * height + 12, columns * width, 3)
  pixels.assert_not_cut(tmp_path / 'grids.png')


def test_code_grids_refuse_no_panel_and_two_sizes(tmp_path):
  with pytest.raises(ValueError, match='at least one panel'):
    code_pictures.code_grids({}, tmp_path / 'grids.png')
  with pytest.raises(ValueError, match='one size'):
    code_pictures.code_grids(
      {'a': pixels.flat([[1]]), 'b': pixels.flat([[1]], 9)}, tmp_path / 'grids.png'
    )


def test_traversal_draws_tiles_names_and_values(tmp_path):
  images, path = pixels.flat([[60, 61, 62], [63, 64, 65]]), tmp_path / 'traversal.png'
  code_pictures.traversal(images, path)
  bare = pixels.image(path)
  # Text is antialiased with a few pixels of any grey.
  assert [_tiles_of(bare, grey) for grey in range(60, 66)] == pytest.approx([1] * 6, abs=0.02)
  pixels.assert_not_cut(path)
  code_pictures.traversal(images, path, ['a', 'code 7'], [-2.0, 0.0, 2.0], 'a title of some length')
  assert all(np.array(pixels.image(path).shape[:2]) > bare.shape[:2])
  pixels.assert_not_cut(path)
  with pytest.raises(ValueError, match='a row'):
    code_pictures.traversal(images, path, names=['a'])
  with pytest.raises(ValueError, match='a column'):
    code_pictures.traversal(images, path, values=[-1, 1])


def test_retrieval_frames_other_classes_around_the_tile(tmp_path):
  queries, neighbours = pixels.flat([60, 61]), pixels.flat([[62, 63, 64], [65, 66, 67]])
  path = tmp_path / 'retrieval.png'
  code_pictures.retrieval(queries, neighbours, path)
  without = pixels.image(path)
  red = np.array([214, 39, 40])
  assert not (without == red).all(-1).any()
  code_pictures.retrieval(queries, neighbours, path, [3, 4], [[3, 3, 5], [4, 4, 4]])
  image = pixels.image(path)
  assert [_tiles_of(image, grey) for grey in range(60, 68)] == pytest.approx([1] * 8, abs=0.02)
  image = image[31:]  # without the heading
  top, left = np.argwhere((image == 64).all(-1))[0]
  framed = image[top - 3 : top + 51, left - 3 : left + 51]
  assert (framed[3:-3, 3:-3] == 64).all()
  assert (framed == red).all(-1).sum() == 54**2 - 48**2
  top, left = np.argwhere((image == 66).all(-1))[0]
  assert (image[top - 3 : top, left : left + 48] == 255).all()
  pixels.assert_not_cut(path)


@pytest.mark.parametrize(
  ('queries', 'neighbours', 'labels'),
  [
    (pixels.flat([1, 2]), pixels.flat([[1], [2], [3]]), {}),
    (pixels.flat([1]), pixels.flat([[1]], 9), {}),
    (pixels.flat([1])[0], pixels.flat([[1]])[0], {}),
    (pixels.flat([1]), np.zeros(3, np.uint8), {}),
    (pixels.flat([]), pixels.flat(np.zeros((0, 3))), {}),
    (pixels.flat([1]).astype(float), pixels.flat([[1]]), {}),
    (pixels.flat([1]), pixels.flat([[1]]), {'query_labels': [1]}),
    (pixels.flat([1]), pixels.flat([[1]]), {'query_labels': [1], 'neighbour_labels': [1]}),
  ],
)
def test_retrieval_refuses_other_arrays(tmp_path, queries, neighbours, labels):
  with pytest.raises(ValueError):
    code_pictures.retrieval(queries, neighbours, tmp_path / 'retrieval.png', **labels)
  assert not any(tmp_path.iterdir())


@pytest.mark.parametrize('k', [2, 10, 50])
def test_prior_over_time(tmp_path, k):
  path = tmp_path / 'prior.png'
  code_pictures.prior_over_time([{'step': 1, 'loss/generator': 1.0}], path)
  assert not path.exists()
  target = np.arange(1, k + 1) / sum(range(1, k + 1))
  rows = [{'step': 5, 'loss/generator': 1.0}]
  rows += [
    {'step': step, 'prior': ((1 - step / 9) / k + step / 9 * target).tolist()} for step in range(9)
  ]
  code_pictures.prior_over_time(rows, path)
  plain = pixels.image(path)
  names = [f'a class with a long name {c}' for c in range(k)]
  code_pictures.prior_over_time(rows, path, target, np.arange(k) - 1, names)
  assert pixels.image(path).shape[1] > plain.shape[1]  # room for the longer labels
  pixels.assert_not_cut(path)


def test_prior_over_time_of_one_row_and_of_values_that_are_not_finite(tmp_path):
  code_pictures.prior_over_time([{'step': 3, 'prior': [0.5, 0.5]}], tmp_path / 'prior.png')
  rows = [{'step': 1, 'prior': [0.5, 0.5]}, {'step': 2, 'prior': [None, None]}]
  code_pictures.prior_over_time(rows, tmp_path / 'prior.png')
  pixels.assert_not_cut(tmp_path / 'prior.png')


@pytest.mark.parametrize(
  ('prior', 'arguments'),
  [
    (0.5, {}),
    ([0.5, 0.5], {'true_frequencies': [0.5, 0.5]}),
    ([0.5, 0.5], {'class_of_code': [0]}),
    ([0.5, 0.5], {'class_of_code': [0, 2], 'class_names': ['a', 'b']}),
    ([0.5, 0.5], {'class_of_code': [0, 2], 'true_frequencies': [0.5, 0.5]}),
  ],
)
def test_prior_over_time_refuses_other_arrays(tmp_path, prior, arguments):
  with pytest.raises(ValueError):
    code_pictures.prior_over_time([{'step': 1, 'prior': prior}], tmp_path / 'a.png', **arguments)


def test_labels_are_spread_in_order_within_the_axes():
  spread = code_pictures._spread(np.array([0.5, 0.9, 0.52, 0.0, 1.0, 0.51]), 0.1)
  np.testing.assert_allclose(spread, [0.41, 0.9, 0.61, 0.0, 1.0, 0.51])
  full = code_pictures._spread(np.full(50, 0.02), 1 / 49)
  np.testing.assert_allclose(full, np.linspace(0, 1, 50), atol=1e-12)


@pytest.mark.parametrize('k', [2, 10, 50])
def test_prior_against_truth(tmp_path, k):
  frequencies, names = np.arange(1, k + 1) / sum(range(1, k + 1)), [f'code {i}' for i in range(k)]
  code_pictures.prior_against_truth(np.full(k, 1 / k), frequencies, names, tmp_path / 'a.png')
  image = pixels.image(tmp_path / 'a.png')
  code_pictures.prior_against_truth(np.full(k, 1 / k), frequencies[::-1], names, tmp_path / 'b.png')
  # The same bars, which are sorted, over other names.
  np.testing.assert_array_equal(image[:300], pixels.image(tmp_path / 'b.png')[:300])
  assert (image != pixels.image(tmp_path / 'b.png')).any()
  pixels.assert_not_cut(tmp_path / 'a.png')
  with pytest.raises(ValueError, match='names'):
    code_pictures.prior_against_truth(frequencies, frequencies, names[1:], tmp_path / 'a.png')


@pytest.mark.parametrize('k', [2, 10, 20, 50])
def test_confusion_has_the_matched_codes_on_the_diagonal(tmp_path, k):
  permutation = np.random.default_rng(0).permutation(k)
  names = [f'class {i}' for i in range(k)]
  path = tmp_path / 'confusion.png'
  code_pictures.confusion(1000 * np.eye(k)[permutation], names, path, nmi=1.0, ent=0.0)
  image = pixels.image(path)
  pixels.assert_not_cut(path)
  rows, columns = np.nonzero((image == [8, 48, 107]).all(-1))  # the colour of share 1
  columns, rows = columns[columns < 0.8 * columns.max()], rows[columns < 0.8 * columns.max()]
  assert np.corrcoef(rows, columns)[0, 1] > (0.9 if k > 2 else 0.0)
  code_pictures.confusion(np.eye(k)[permutation] * (np.arange(k) > 0), names, path)
  assert (pixels.image(path) == 230).all(-1).sum() > 0.9 * 300 * 300 / k  # a grey row


def test_confusion_of_other_numbers_of_codes_and_classes(tmp_path):
  path = tmp_path / 'confusion.png'
  for k, num_classes in ((12, 5), (5, 12), (30, 10)):
    names = ['a class with a long name'] * num_classes
    code_pictures.confusion(np.eye(k, num_classes) + 1, names, path, nmi=0.5)
    pixels.assert_not_cut(path)


def test_confusion_refuses_other_arrays(tmp_path):
  for counts, names in ((np.ones((2, 3)), 'ab'), (np.zeros((2, 2)), 'ab'), (np.eye(2), 'abc')):
    with pytest.raises(ValueError):
      code_pictures.confusion(counts, names, tmp_path / 'confusion.png')


def test_evaluation_curves_draw_keys_with_values(tmp_path):
  rows = [
    {'step': step, 'evaluation/nmi': 0.1 * step, 'evaluation/ent': None, 'loss/generator': 1.0}
    for step in range(1, 5)
  ]
  path = tmp_path / 'curves.png'
  code_pictures.evaluation_curves(rows, path, ['evaluation/ent', 'evaluation/knn'])
  assert not path.exists()
  keys = ['evaluation/nmi', 'evaluation/ent', 'evaluation/knn']
  code_pictures.evaluation_curves(rows, path, keys)
  plain = pixels.image(path)
  assert plain.shape[1] == 400  # one panel
  code_pictures.evaluation_curves([row | {'std/evaluation/nmi': 0.1} for row in rows], path, keys)
  band = (pixels.image(path) == [210, 227, 240]).all(-1)  # a fifth of the line's blue
  assert band.sum() > 1000
