"""ShapeNet renderings in class and instance folders: ratio, choice, ground, damaged sources."""

import numpy as np
from PIL import Image
import pytest

from data_prep import build
from data_prep.shapenet5 import Layout
from jaxgan.errors import UserError

INSTANCES = {'car': 11, '02691156': 9, 'bowl': 6, 'can': 15, 'rifle': 16}
VIEWS = 3


@pytest.fixture
def source(tmp_path, use_edition):
  """Renderings on transparent ground, beside maps: three, or four of the first instances.

  The middle's red is the class, its green the instance, its blue the view.
  """
  use_edition('shapenet5', layout=Layout(VIEWS))
  for k, (name, instances) in enumerate(INSTANCES.items()):
    for i in range(instances):
      folder = tmp_path / 'renders' / name / f'{i:032x}'
      folder.mkdir(parents=True)
      for view in range(VIEWS + (i == 0)):
        pixels = np.zeros((128, 128, 4), np.uint8)
        pixels[32:96, 32:96] = 50 * k, 10 * i, 60 * view, 255
        Image.fromarray(pixels).save(folder / f'{i:032x}_r_{12 * view:03}.png', compress_level=1)
        (folder / f'{i:032x}_r_{12 * view:03}_depth0001.png').touch()
        (folder / f'{i:032x}_r_{12 * view:03}.png_normal.png').touch()
  return tmp_path / 'renders'


@pytest.fixture
def load(tmp_path):
  def load(config='', split='train', source=''):
    return build.load(f'shapenet5{config}', split, str(source), str(tmp_path / 'tfds'))

  return load


def _instances(arrays):
  """Decodes (class, instance) of each image from its pixels."""
  middle = arrays.images[:, 32, 32]
  np.testing.assert_array_equal(middle[:, 0] // 50, arrays.labels)
  return [(int(k), int(i)) for k, i in zip(arrays.labels, middle[:, 1] // 10, strict=True)]


def test_splits(source, load):
  arrays = load(source=source)
  assert arrays.class_names == ('car', 'airplane', 'bowl', 'can', 'rifle')
  # Of 11, 9, 6, 15 and 16 instances, two for every share of 5, 4, 3, 7 and 8.
  assert arrays.metadata['instances'] == [10, 8, 6, 14, 16]
  assert arrays.metadata['train']['class_counts'] == [30, 24, 18, 42, 48]
  instances = _instances(arrays)
  assert len(set(instances)) == 54
  views = arrays.images[:, 32, 32, 2].reshape(-1, VIEWS) // 60
  assert all(len(set(row)) == VIEWS for row in views.tolist())
  assert (arrays.images[:, 4, 4] == 255).all()  # Transparent pixels.
  train, test = load('/full', source=source), load('/full', 'test')
  parts = [set(_instances(part)) for part in (train, test)]
  assert not parts[0] & parts[1]
  assert parts[0] | parts[1] == set(instances)
  assert test.metadata['test']['class_counts'] == [6, 6, 3, 9, 9]
  assert load('', 'test').metadata['test'] == test.metadata['test']


def test_preparing_again_gives_the_same(source, tmp_path):
  first, again = (build.load('shapenet5', 'train', str(source), str(tmp_path / n)) for n in 'ab')
  assert first.key == again.key


def test_renderings_may_be_one_folder_deeper(source, tmp_path):
  """The renderer adds a folder `models` for models of ShapeNetCore.v2."""
  first = build.load('shapenet5', 'train', str(source), str(tmp_path / 'a'))
  for instance in (source / 'can').iterdir():
    files = list(instance.iterdir())
    (instance / 'models').mkdir()
    for file in files:
      file.rename(instance / 'models' / file.name)
  assert build.load('shapenet5', 'train', str(source), str(tmp_path / 'b')).key == first.key


def test_missing_and_damaged_files(source, tmp_path, load):
  def error(source, config=''):
    with pytest.raises(UserError) as raised:
      load(config, source=source)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'tfds').exists()
    return str(raised.value)

  assert 'shapenet5 needs --config.data.source' in error('')
  assert 'shapenet5/x is unknown; allowed: shapenet5 and shapenet5/full' in error('', '/x')
  line = error(tmp_path)
  assert 'has no folder car or 02958343: name a folder with <class>/<instance>/*.png' in line
  image = source / 'can' / f'{3:032x}' / f'{3:032x}_r_012.png'
  data = image.read_bytes()
  image.write_bytes(data[:60])
  assert f'image file {image} cannot be read' in error(source)
  image.unlink()
  assert f'{image.parent} has 2 renderings, at least 3 are needed' in error(source)
  image.write_bytes(data)
  for folder in sorted((source / 'bowl').iterdir())[2:]:
    folder.rename(tmp_path / folder.name)
  assert 'has 2 of bowl, 3 instances are needed at least' in error(source)
