"""Pictures of codes: the pixels of the grids."""

import itertools

import numpy as np
import pytest

from jaxgan.report import code_pictures as pictures
from jaxgan.report import grids
from tests.support import pixels


def _tiles_of(image, grey):
  """Counts the tiles of 48 x 48 pixels with a grey value."""
  return (image == grey).all(-1).sum() / 48**2


NOT_GRIDS = [
  np.zeros((2, 0, 8, 8, 1), np.uint8),
  np.zeros((0, 2, 8, 8, 1), np.uint8),
  np.zeros((2, 2, 8, 8, 1)),
  np.zeros((2, 8, 8, 1), np.uint8),
  np.zeros((2, 2, 8, 8, 4), np.uint8),
]


def _box(image, grey, size):
  """Returns the box of the tiles with a grey value: (top, left, bottom, right)."""
  mask = (image == grey).all(-1)  # Text has such greys, too, but no line of them.
  rows, columns = (np.flatnonzero(mask.sum(axis) >= size) for axis in (1, 0))
  return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


def test_code_grid_has_a_row_a_code():
  grid = grids.code_grid(pixels.flat([[10, 20, 30], [40, 50, 60]]))
  assert grid.shape == (98, 148, 3)
  assert grid.dtype == np.uint8
  assert (grid[:48, :48] == 10).all()
  assert (grid[:48, 100:] == 30).all()
  assert (grid[50:, 50:98] == 50).all()
  assert (grid[48:50] == 255).all()


@pytest.mark.parametrize(('codes', 'size'), [(50, 64), (3, 28), (7, 13)])
def test_a_named_grid_keeps_every_pixel_of_its_tiles(tmp_path, codes, size):
  images = np.random.default_rng(0).integers(0, 256, (codes, 2, size, size, 3)).astype(np.uint8)
  names = [f'code {code} → a rather long name' for code in range(codes)]
  path = tmp_path / 'grid.png'
  pictures.traversal(images, names, path)
  image, plain = pixels.image(path), grids.code_grid(images)
  height, width = plain.shape[:2]
  bottom, right = (end + 1 for end in np.argwhere(pixels.ink(image)).max(0))
  np.testing.assert_array_equal(image[bottom - height : bottom, right - width : right], plain)
  names_part = pixels.ink(image[bottom - height : bottom, : right - width])
  tile = (height + 2) // codes
  assert all(names_part[tile * row : tile * (row + 1)].any() for row in range(codes))
  pixels.assert_not_cut(path)


@pytest.mark.parametrize('images', NOT_GRIDS)
def test_grids_refuse_other_arrays(images, tmp_path):
  with pytest.raises(ValueError, match=r'(expected|must be|at least one)'):
    grids.code_grid(images)
  with pytest.raises(ValueError, match=r'(expected|must be|at least one)'):
    pictures.code_grids({'a': images}, tmp_path / 'grids.png')
  with pytest.raises(ValueError, match=r'(expected|must be|at least one)'):
    pictures.traversal(images, ['a'] * len(images), tmp_path / 'traversal.png')
  assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(('panels', 'shape'), [(2, (1, 2)), (4, (1, 4)), (5, (2, 3))])
def test_code_grids_wrap_and_keep_every_tile(tmp_path, panels, shape):
  names = ['a', 'a title that is wider than its grid', *'bcde']
  images = {names[i]: pixels.flat([[240 + i] * 3] * 10, 28) for i in range(panels)}
  pictures.code_grids(images, tmp_path / 'grids.png')
  image = pixels.image(tmp_path / 'grids.png')
  boxes = [_box(image, 240 + i, 28) for i in range(panels)]
  assert {(bottom - top, right - left) for top, left, bottom, right in boxes} == {(298, 88)}
  assert (len({box[0] for box in boxes}), len({box[1] for box in boxes})) == shape
  for row in range(shape[0]):
    for (*_, end), (_, start, *_) in itertools.pairwise(boxes[row * shape[1] :][: shape[1]]):
      assert end < start
  pixels.assert_not_cut(tmp_path / 'grids.png')


def test_traversal_draws_tiles_names_and_values(tmp_path):
  images, path = pixels.flat([[60, 61, 62], [63, 64, 65]]), tmp_path / 'traversal.png'
  pictures.traversal(images, ['', ''], path)
  bare = pixels.image(path)
  # Text is antialiased with a few pixels of any grey.
  assert [_tiles_of(bare, grey) for grey in range(60, 66)] == pytest.approx([1] * 6, abs=0.02)
  pixels.assert_not_cut(path)
  pictures.traversal(images, ['a', 'code 7'], path, [-2.0, 0.0, 2.0], 'a title of some length')
  assert all(np.array(pixels.image(path).shape[:2]) > bare.shape[:2])
  pixels.assert_not_cut(path)


def test_retrieval_frames_other_classes_around_the_tile(tmp_path):
  queries, neighbours = pixels.flat([60, 61]), pixels.flat([[62, 63, 64], [65, 66, 67]])
  path = tmp_path / 'retrieval.png'
  arrays = {'queries': queries, 'neighbours': neighbours}
  pictures.retrievals({'': arrays}, path)
  without = pixels.image(path)
  red = np.array([214, 39, 40])
  assert not (without == red).all(-1).any()
  labels = {'query_labels': [3, 4], 'labels': np.array([[3, 3, 5], [4, 4, 4]])}
  pictures.retrievals({'': arrays | labels}, path)
  image = pixels.image(path)
  assert [_tiles_of(image, grey) for grey in range(60, 68)] == pytest.approx([1] * 8, abs=0.02)
  top, left, *_ = _box(image, 64, 48)
  framed = image[top - 3 : top + 51, left - 3 : left + 51]
  assert (framed[3:-3, 3:-3] == 64).all()
  assert (framed == red).all(-1).sum() == 54**2 - 48**2
  top, left, *_ = _box(image, 66, 48)
  assert (image[top - 3 : top, left : left + 48] == 255).all()
  pixels.assert_not_cut(path)


@pytest.mark.parametrize(
  ('queries', 'neighbours'),
  [
    (pixels.flat([1, 2]), pixels.flat([[1], [2], [3]])),
    (pixels.flat([1]), pixels.flat([[1]], 9)),
    (pixels.flat([1])[0], pixels.flat([[1]])[0]),
    (pixels.flat([]), pixels.flat(np.zeros((0, 3)))),
    (pixels.flat([1]).astype(float), pixels.flat([[1]])),
  ],
)
def test_retrieval_refuses_other_arrays(tmp_path, queries, neighbours):
  arrays = {'queries': queries, 'neighbours': neighbours}
  with pytest.raises(ValueError, match=r'(expected|must be|at least one|must match|broadcast)'):
    pictures.retrievals({'': arrays}, tmp_path / 'retrieval.png')
  assert not any(tmp_path.iterdir())


def _retrieved(folder, queries, first, **labels):
  """Writes an evaluation's file of retrieved images, with grey values from `first`."""
  neighbours = pixels.flat(first + np.arange(3 * len(queries)).reshape(-1, 3))
  folder.mkdir(parents=True)
  found = {'queries': pixels.flat(queries), 'neighbours': neighbours, **labels}
  np.savez(folder / pictures.RETRIEVAL_FILE, **found)
  return folder


def test_two_methods_retrieve_for_the_same_queries(tmp_path):
  """As in Fig. 9, each method has its queries and neighbours."""
  labels = {'query_labels': np.array([1, 2]), 'labels': np.array([[1, 1, 2], [2, 2, 2]])}
  folders = {
    'uniform_infogan': _retrieved(tmp_path / 'a', [60, 61], 70, **labels),
    'elastic_infogan': _retrieved(tmp_path / 'b', [60, 61], 80, **labels),
    'gumbel_softmax': tmp_path,  # It has no such file, as evaluations of older versions.
    'joint_vae': _retrieved(tmp_path / 'c', [62, 61], 90, **labels),  # other queries
  }
  assert tmp_path / 'retrieval.png' in pictures.compare(tmp_path, folders)
  image = pixels.image(tmp_path / 'retrieval.png')
  pixels.assert_not_cut(tmp_path / 'retrieval.png')
  number = {grey: round(_tiles_of(image, grey)) for grey in range(60, 99)}
  expected = dict.fromkeys(range(60, 99), 0) | {60: 2, 61: 2}
  expected |= dict.fromkeys([*range(70, 76), *range(80, 86)], 1)
  assert number == expected
  places = {g: np.median(np.argwhere((image == g).all(-1)), axis=0) for g in (70, 75, 80, 85)}
  assert places[75][1] < image.shape[1] / 2 < places[80][1]
  assert places[70][0] == places[80][0] < places[75][0] == places[85][0]


def test_one_method_alone_has_nothing_to_stand_beside(tmp_path):
  _retrieved(tmp_path / 'a', [60], 70)
  pictures.compare(tmp_path, {'elastic_infogan': tmp_path / 'a'})
  assert not (tmp_path / 'retrieval.png').exists()
