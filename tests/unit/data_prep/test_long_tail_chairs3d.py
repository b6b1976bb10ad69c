"""3D Chairs from folders of renderings in the published layout."""

import shutil

import numpy as np
from PIL import Image
import pytest

from data_prep import build, long_tail_chairs3d, preparation
from data_prep.long_tail_chairs3d import COLLECTION
from data_prep.object_views import draw_counts, draw_indices, object_ids
from jaxgan.errors import UserError

IDS = object_ids(COLLECTION, 4)
VIEWS = [(p, t) for p in (20, 30) for t in range(31)]


@pytest.fixture(scope='module')
def published(tmp_path_factory):
  """rendered_chairs with 1,393 folders; the ten of set 4 have grey images of 60x60.

  The left half's shade is the class, the right half's the view.
  """
  root = tmp_path_factory.mktemp('chairs') / 'rendered_chairs'
  names = sorted(f'{k * 7919 % 65536:032x}' for k in range(1393))
  for name in names:
    (root / name / 'renders').mkdir(parents=True)
  for k, number in enumerate(IDS):
    for view, (p, t) in enumerate(VIEWS):
      pixels = np.full((60, 60), 4 * view, np.uint8)
      pixels[:, :30] = 20 * k
      folder = root / names[int(number)] / 'renders'
      Image.fromarray(pixels).save(folder / f'image_{view:03}_p{p:03}_t{11 * t:03}_r096.png')
  (root / 'all_chair_names.mat').touch()
  return root


@pytest.fixture
def load(tmp_path):
  def load(config, split='train', source=''):
    return build.load(f'long_tail_chairs3d/{config}', split, str(source), str(tmp_path / 'tfds'))

  return load


def test_published_layout(published, load):
  drawn = load('set_4_draw_2', source=published.parent)
  assert drawn.class_names == tuple(IDS)
  assert drawn.metadata['train']['class_counts'] == draw_counts(COLLECTION, 2)
  at = draw_indices(np.repeat(np.arange(10), 62), range(10), COLLECTION, 4, 2)
  np.testing.assert_array_equal(drawn.labels, at // 62)
  np.testing.assert_array_equal(
    drawn.images[:, 32, 8], np.repeat(20 * (at // 62), 3).reshape(-1, 3)
  )
  np.testing.assert_array_equal(drawn.images[:, 32, 56, 0], 4 * (at % 62))
  names = sorted(folder.name for folder in published.iterdir() if folder.is_dir())
  assert drawn.metadata['files'] == [names[int(number)] for number in IDS]
  test, train = load('set_4_full', 'test', published), load('set_4_full')
  assert test.metadata['test']['class_counts'] == [12] * 10
  assert train.metadata['train']['class_counts'] == [50] * 10


def test_replicas():
  splits = preparation.replica_splits('long_tail_chairs3d/set_0_draw_0', 5)
  assert splits.pool == 'long_tail_chairs3d/set_0_pool'
  assert len(splits.choices) == 5


def test_missing_and_damaged_files(published, tmp_path):
  def error(source):
    with pytest.raises(UserError) as raised:
      preparation.prepare('long_tail_chairs3d/set_4_draw_2', str(source), str(tmp_path / 'tfds'))
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'tfds').exists()
    return str(raised.value)

  assert 'long_tail_chairs3d needs --config.data.source' in error('')
  assert f'has no <chair>/renders: name the folder rendered_chairs of {long_tail_chairs3d.URL}' in (
    error(tmp_path)
  )
  root = tmp_path / 'copy'
  root.mkdir()
  names = sorted(folder.name for folder in published.iterdir() if folder.is_dir())
  for name in names:
    (root / name).symlink_to(published / name)
  (root / names[0]).unlink()
  assert f'{root} has 1392 folders <chair>/renders, 3D Chairs has 1393 to 1396' in error(root)
  (root / names[0]).symlink_to(published / names[0])
  chair = root / names[int(IDS[9])]
  chair.unlink()
  shutil.copytree(published / chair.name, chair)
  image = chair / 'renders' / 'image_030_p020_t330_r096.png'
  Image.new('L', (60, 50)).save(image)
  assert f'image file {image} is 60x50, the renderings are squares' in error(root)
  image.write_bytes(b'')
  assert f'image file {image} cannot be read' in error(root)
  image.unlink()
  assert f'{chair / "renders"} has 61 files image_*.png, 3D Chairs has 62' in error(root)
