"""3D Cars from .mat files in the published layout and other cars from an .npz; sets and draws."""

import re

import jax
import numpy as np
import pytest
from scipy.io import savemat

from data_prep import build, long_tail_cars3d, object_views, preparation
from data_prep.long_tail_cars3d import COLLECTION
from data_prep.object_views import draw_counts, draw_indices, object_ids
from jaxgan.data import loading, order, training_data
from jaxgan.data.config import DataConfig
from jaxgan.errors import UserError

SET_3 = ['038', '111', '104', '159', '035', '037', '086', '043', '173', '196']


def _im(car):
  """Encodes the car in red, azimuth in green, elevation in blue; a quarter is black."""
  im = np.empty((128, 128, 3, 24, 4), np.uint8)
  im[:, :, 0], im[:, :, 1] = car, 10 * np.arange(24)[:, None]
  im[:, :, 2] = 60 * np.arange(4)
  im[:64, :64] = 0
  return im


@pytest.fixture(scope='module')
def published(tmp_path_factory):
  """The extracted archive: 183 files, of which the ten of set 3 hold images."""
  root = tmp_path_factory.mktemp('archive')
  folder = root / 'data' / 'cars'
  folder.mkdir(parents=True)
  others = [f'{k:03}' for k in range(1, 200) if f'{k:03}' not in SET_3][:173]
  for name in others:
    (folder / f'car_{name}_mesh.mat').touch()
  for name in SET_3:
    mask = np.zeros((128, 128, 24, 4), np.uint8)
    path = folder / f'car_{name}_mesh.mat'
    savemat(path, {'im': _im(int(name)), 'mask': mask}, do_compression=True)
  (folder / 'list.txt').write_text('\n'.join(f'car_{name}_mesh' for name in SET_3))
  return root


@pytest.fixture
def load(tmp_path):
  def load(config, split='train', source=''):
    return build.load(f'long_tail_cars3d/{config}', split, str(source), str(tmp_path / 'tfds'))

  return load


@pytest.fixture
def error(load, tmp_path):
  """error(source, config) -> the one-line error; checks that no files remain."""

  def error(source, config='set_3_draw_1'):
    with pytest.raises(UserError) as raised:
      load(config, source=source)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'tfds').exists()
    return str(raised.value)

  return error


# Sets and draws --------------------------------------------------------------------------------


@pytest.mark.parametrize('name', ['long_tail_cars3d', 'long_tail_chairs3d'])
def test_proportions(name):
  views = {'long_tail_cars3d': 96, 'long_tail_chairs3d': 62}[name]
  collection = object_views.Collection(name, views)
  rows = [object_views.proportions(collection, draw) for draw in range(5)]
  printed = object_views.published(name)['proportions']
  for draw, row in enumerate(rows):
    assert sum(row) == 1000
    assert min(row) > 0
    assert row[:5] == [round(1000 * p) for p in printed[draw]]
    counts = draw_counts(collection, draw)
    assert counts[np.argmax(row)] == max(counts) == views
    assert min(counts) >= 2
    assert counts == [views * p // max(row) for p in row]
  assert len({tuple(row[5:]) for row in rows}) == 5


def test_the_drawn_proportions_are_pinned():
  assert object_views.proportions(COLLECTION, 0)[5:] == [82, 48, 47, 135, 122]
  chairs = object_views.Collection('long_tail_chairs3d', 62)
  assert object_views.proportions(chairs, 4)[5:] == [186, 66, 161, 46, 124]
  assert draw_counts(COLLECTION, 1) == [17, 69, 13, 34, 89, 96, 26, 26, 90, 46]


def test_the_sets_match_the_paper():
  sets = [object_ids(COLLECTION, k) for k in range(5)]
  assert sets[3] == SET_3
  assert sets[0][0] == '009'
  assert all(len(set(ids)) == 10 for ids in sets)


def test_every_run_draws_independently():
  labels = np.repeat(np.arange(10), 96)
  draws = [draw_indices(labels, range(10), COLLECTION, s, d) for s in range(5) for d in range(5)]
  assert len({draw.tobytes() for draw in draws}) == 25
  # In a draw, the sets have equal counts but different views.
  assert [len(draw) for draw in draws[:5]] == [len(draw) for draw in draws[20:]]


# 3D Cars ---------------------------------------------------------------------------------------


def test_published_layout(published, load, tmp_path, monkeypatch):
  monkeypatch.setattr(object_views, 'hold_out', lambda labels, seed: np.arange(0, 960, 5))
  for source in (published, published / 'data', published / 'data' / 'cars'):
    pool = load('set_3_pool', source=source)
  assert pool.class_names == tuple(SET_3)
  assert pool.images.shape == (960, 64, 64, 3)
  np.testing.assert_array_equal(pool.labels, np.repeat(np.arange(10), 96))
  view = np.tile(np.arange(96), 10)
  colours = np.stack([np.repeat([int(k) for k in SET_3], 96), 10 * (view % 24), 60 * (view // 24)])
  np.testing.assert_array_equal(pool.images[:, 48, 48], colours.T)
  np.testing.assert_array_equal(pool.images[:, 16, 48], colours.T)
  assert not pool.images[:, :28, :28].any()
  drawn = load('set_3_draw_1', source=published)
  at = draw_indices(pool.labels, range(10), COLLECTION, 3, 1)
  np.testing.assert_array_equal(drawn.images, pool.images[at])
  np.testing.assert_array_equal(drawn.labels, pool.labels[at])
  facts = drawn.metadata
  assert facts['train']['class_counts'] == draw_counts(COLLECTION, 1)
  assert facts['proportions'] == object_views.proportions(COLLECTION, 1)
  assert facts['files'][0] == 'car_038_mesh.mat'
  assert (facts['set'], facts['draw']) == (3, 1)
  assert facts['pixels'] == 'resized from the published images'
  assert drawn.key.startswith('long_tail_cars3d/set_3_draw_1/1.0.0/train/')
  test = load('set_3_draw_1', 'test')
  np.testing.assert_array_equal(test.images, pool.images[::5])
  # An index counts through the views of all cars, in the order of their ids.
  builder = preparation.prepare('long_tail_cars3d/set_3_draw_1', data_dir=str(tmp_path / 'tfds'))
  last = builder.as_data_source('train')[len(drawn.labels) - 1]
  assert last['index'] // 96 == 196
  assert last['image'][48, 48, 1] == last['index'] % 24 * 10


def test_the_evaluation_classifier_has_the_other_views(published, load):
  train, test = load('set_3_full', source=published), load('set_3_full', 'test')
  assert train.metadata['train']['class_counts'] == [77] * 10
  assert test.metadata['test']['class_counts'] == [19] * 10
  seen = [set(map(tuple, part.images[:, 48, 48].tolist())) for part in (train, test)]
  assert not seen[0] & seen[1]
  assert len(seen[0] | seen[1]) == 960


def test_missing_and_damaged_files(published, error, tmp_path):
  assert 'long_tail_cars3d needs --config.data.source' in error('')
  line = error(tmp_path)
  assert f'source {tmp_path} has no car_<id>_mesh.mat: name the folder with the 183 files' in line
  assert long_tail_cars3d.URL in line
  folder = tmp_path / 'cars'
  folder.mkdir()
  for file in (published / 'data' / 'cars').glob('*.mat'):
    (folder / file.name).symlink_to(file)
  (folder / 'car_001_mesh.mat').unlink()
  assert f'{folder} has 182 files car_<id>_mesh.mat, 3D Cars has 183' in error(tmp_path)
  (folder / 'car_001_mesh.mat').touch()
  file = folder / 'car_035_mesh.mat'
  file.rename(folder / 'car_300_mesh.mat')
  assert f'{file} is missing' in error(tmp_path)
  savemat(file, {'im': np.zeros((128, 128, 3, 24, 3), np.uint8)}, do_compression=True)
  (folder / 'car_300_mesh.mat').unlink()
  assert f'{file} has as im uint8 (128, 128, 3, 24, 3), 3D Cars has uint8' in error(tmp_path)
  file.write_bytes((published / 'data' / 'cars' / file.name).read_bytes()[:200])
  assert f'{file} cannot be read' in error(tmp_path)


@pytest.mark.parametrize(
  'config', ['', 'set_5_full', 'set_0_draw_5', 'set_0', 'pool', 'set_0_pool-1']
)
def test_unknown_configs(config, error):
  line = error('', config)
  assert f'long_tail_cars3d/{config} is unknown; allowed: long_tail_cars3d/set_S_draw_D' in line


# Other cars ------------------------------------------------------------------------------------


@pytest.fixture
def make_cars(tmp_path):
  """make_cars(**arrays) -> an .npz of 12 cars; red is the car, green the view."""

  def make(name='other.npz', **arrays):
    images = np.zeros((12, 96, 64, 64, 3), np.uint8)
    images[..., 0] = np.arange(12)[:, None, None, None]
    images[..., 1] = np.arange(96)[:, None, None]
    contents = {
      'images': images,
      'names': np.array([f'car {k}' for k in range(12)]),
      'azimuths': np.tile(15.0 * np.arange(24), 4),
      'elevations': np.repeat(6.0 * np.arange(1, 5), 24),
    }
    contents = {key: value for key, value in {**contents, **arrays}.items() if value is not None}
    np.savez(tmp_path / name, **contents)
    return tmp_path / name

  return make


def test_other_cars_replace_the_published(make_cars, load):
  source = make_cars()
  drawn, pool = load('set_2_draw_4', source=source), load('set_2_pool', source=source)
  hashed = re.fullmatch(r'long_tail_cars3d/set_2_draw_4-([0-9a-f]{10})/.*', drawn.key)[1]
  at = draw_indices(pool.labels, range(10), COLLECTION, 2, 4)
  np.testing.assert_array_equal(drawn.images, pool.images[at])
  assert drawn.metadata['train']['class_counts'] == draw_counts(COLLECTION, 4)
  assert drawn.metadata['pixels'] == 'unverified'
  cars = pool.images[::96, 0, 0, 0]
  assert pool.class_names == tuple(f'car {k}' for k in cars)
  assert len(set(cars.tolist())) == 10
  np.testing.assert_array_equal(pool.images[:, 0, 0, 0], np.repeat(cars, 96))
  np.testing.assert_array_equal(pool.images[:, 0, 0, 1], np.tile(np.arange(96), 10))
  other = load('set_1_pool', source=source)
  assert set(other.class_names) != set(pool.class_names)
  # Prepared data has a separate name and needs no source.
  assert load(f'set_2_draw_4-{hashed}').key == drawn.key
  with pytest.raises(UserError, match=r'source .* makes set_2_draw_4-'):
    load(f'set_2_draw_4-{"0" * 10}', source=source)
  with pytest.raises(UserError, match=r'is not prepared in .*: give its source'):
    load(f'set_2_draw_4-{"0" * 10}')


@pytest.mark.parametrize(
  ('arrays', 'message'),
  [
    ({'azimuths': None}, 'needs the arrays images, names, azimuths and elevations, it has'),
    ({'images': np.zeros((12, 96, 64, 64, 3))}, 'images must be uint8 .*, got float64'),
    ({'images': np.zeros((12, 95, 64, 64, 3), np.uint8)}, r'got uint8 \(12, 95, 64, 64, 3\)'),
    ({'names': np.array(['a'] * 12)}, "called 'a': each class needs a different name"),
    ({'elevations': np.zeros(96)}, 'must describe 96 different views, got 24'),
  ],
  ids=['field', 'type', 'views', 'names', 'angles'],
)
def test_bad_npz(arrays, message, make_cars, error):
  assert re.search(message, error(make_cars(**arrays)))


def test_no_npz(error, tmp_path):
  assert 'is not a readable .npz file' in error(tmp_path / 'none.npz')


@pytest.mark.slow
def test_torcs_cars(real_data, load):
  pool = load('set_0_pool', source=real_data('cars/torcs_cars_64.npz'))
  assert pool.images.shape == (960, 64, 64, 3)
  assert pool.images[:, 0, 0].min() == 255  # A white ground.


# Replicas --------------------------------------------------------------------------------------


def test_replicas_have_the_draws_of_the_set(make_cars, load):
  splits = preparation.replica_splits('long_tail_cars3d/set_2_draw_1', 4)
  assert splits.pool == 'long_tail_cars3d/set_2_pool'
  assert splits.names == tuple(f'long_tail_cars3d/set_2_draw_{draw}' for draw in range(1, 5))
  hashed = preparation.replica_splits('long_tail_cars3d/set_0_draw_0-0123456789', 2)
  assert hashed.pool == 'long_tail_cars3d/set_0_pool-0123456789'
  assert hashed.names[1] == 'long_tail_cars3d/set_0_draw_1-0123456789'
  assert preparation.replica_splits('long_tail_cars3d/set_2_full', 9) is None
  assert preparation.replica_splits('long_tail_cars3d/sets_full', 9) is None


def test_replicas_of_several_sets_have_different_classes(make_cars, load, tmp_path):
  source = make_cars()
  place = {'source': str(source), 'data_dir': str(tmp_path / 'tfds')}
  section = DataConfig(dataset='long_tail_cars3d/set_0_draw_0', **place)
  data = loading.load_training(section, 25)
  assert len(data.arrays.class_names) == len(set(data.arrays.class_names)) == 12
  assert len(data.arrays.labels) == 12 * 96
  assert data.num_classes == 10
  for replica, (number, draw) in ((0, (0, 0)), (11, (2, 1)), (24, (4, 4))):
    alone, part = load(f'set_{number}_draw_{draw}', source=source), data.replica_arrays(replica)
    assert part.class_names == data.class_names(replica) == alone.class_names
    np.testing.assert_array_equal(part.labels, alone.labels)
    np.testing.assert_array_equal(part.images, alone.images)
    assert data.share_counts(replica).tolist() == draw_counts(COLLECTION, draw)
    assert data.keys[replica].startswith(f'long_tail_cars3d/set_{number}_draw_{draw} of ')
    # Its batches and labels equal a run of the split alone.
    batches = [
      order.draw(d.replica_data(r, 3), d.dataset, 7, batch_size=8, flip=True, crop_padding=0)[0]
      for d, r in ((data, replica), (training_data.whole(alone), 0))
    ]
    jax.tree.map(np.testing.assert_array_equal, *batches)
  full, test = (load('sets_full', split, source) for split in ('train', 'test'))
  assert full.class_names == data.arrays.class_names
  assert test.metadata['test']['class_counts'] == [19] * 12
  assert len(full.labels) == 12 * 77


def test_replicas_beyond_the_last_draw_are_refused():
  with pytest.raises(
    UserError, match=r'set_4_draw_4: 3 replicas from set_4_draw_3 on are too many'
  ):
    preparation.replica_splits('long_tail_cars3d/set_4_draw_3', 3)
