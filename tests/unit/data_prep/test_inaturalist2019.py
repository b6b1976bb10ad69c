"""iNaturalist-2019 in the competition's layout: splits, checks, damaged sources."""

import json
import re

import numpy as np
from PIL import Image
import pytest

from data_prep import build, long_tail, preparation
from data_prep.inaturalist2019 import Layout
from jaxgan.errors import UserError

CLASSES, TRAIN_COUNTS, TEST_PER_CLASS, REFERENCE = 3, (5, 3, 2), 1, 2
SMALL = Layout(sum(TRAIN_COUNTS), CLASSES * TEST_PER_CLASS, CLASSES, REFERENCE)
GROUPS = ('Plants', 'Birds', 'Fungi')


def _write(root, name, counts, first):
  """Writes a JSON file and its images, twice as high as wide; the colour is the id."""
  labels = np.random.default_rng(first).permutation(np.repeat(np.arange(CLASSES), counts))
  images, annotations = [], []
  for i, label in enumerate(labels.tolist()):
    file = f'train_val2019/{GROUPS[label]}/{label}/{first + i:08x}.jpg'
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', (70, 140), (first + i, first + i, first + i)).save(root / file, quality=95)
    images.append({'id': first + i, 'file_name': file, 'width': 70, 'height': 140})
    annotations.append({'id': first + i, 'image_id': first + i, 'category_id': label})
  content = {
    'info': {},
    'images': images,
    'annotations': annotations[::-1],  # They refer by id, not by position.
    'categories': [{'id': k, 'name': str(k), 'kingdom': GROUPS[k]} for k in range(CLASSES)],
  }
  (root / name).write_text(json.dumps(content))
  return labels


@pytest.fixture
def source(tmp_path, use_edition):
  use_edition('inaturalist2019', layout=SMALL)
  root = tmp_path / 'inat'
  root.mkdir()
  labels = _write(root, 'train2019.json', TRAIN_COUNTS, 100)
  _write(root, 'val2019.json', [TEST_PER_CLASS] * CLASSES, 200)
  return root, labels


def test_splits(source, tmp_path):
  root, labels = source

  def load(split):
    return build.load('inaturalist2019', split, str(root), str(tmp_path / 'tfds'))

  train, test, reference = load('train'), load('test'), load('reference')
  assert train.images.shape == (10, 64, 64, 3)
  np.testing.assert_array_equal(train.labels, labels)
  np.testing.assert_allclose(train.images[:, 32, 32, 0], 100 + np.arange(10), atol=1)
  assert train.metadata['train']['class_counts'] == list(TRAIN_COUNTS)
  np.testing.assert_allclose(test.images[:, 32, 32, 0], 200 + np.arange(CLASSES), atol=1)
  assert test.metadata['test']['class_counts'] == [1] * CLASSES
  chosen = long_tail.select_indices(labels, [REFERENCE] * CLASSES, 0)
  np.testing.assert_array_equal(reference.images, train.images[chosen])
  assert train.metadata['reference']['class_counts'] == [REFERENCE] * CLASSES


def test_the_centre_square_is_kept(source, tmp_path):
  """Rows 35 to 104 of 70x140 pixels: no white from above or below, half black."""
  root, _ = source
  pixels = np.full((140, 70, 3), 255, np.uint8)
  pixels[35:70], pixels[70:105] = 0, 120
  file = json.loads((root / 'train2019.json').read_text())['images'][0]['file_name']
  Image.fromarray(pixels).save(root / file, 'PNG')  # Decoders identify the content, not the name.
  image = build.load('inaturalist2019', 'train', str(root), str(tmp_path / 'tfds')).images[0]
  # Lanczos reaches three pixels beyond an edge.
  np.testing.assert_array_equal(image[:28], 0)
  np.testing.assert_array_equal(image[36:], 120)


def test_the_larger_config_has_the_same_images(source, tmp_path):
  """Bilinear from the centre square, without the split 'reference'."""
  root, labels = source
  pixels = np.zeros((400, 224, 3), np.uint8)
  pixels[88:312] = np.random.default_rng(0).integers(0, 256, (224, 224, 3))
  edges = np.zeros((140, 70, 3), np.uint8)
  edges[35:105, 35:] = 255
  files = [
    image['file_name'] for image in json.loads((root / 'train2019.json').read_text())['images']
  ]
  for file, picture in zip(files, (pixels, edges), strict=False):
    Image.fromarray(picture).save(root / file, 'PNG')
  data_dir = str(tmp_path / 'tfds')
  small = build.load('inaturalist2019', 'train', str(root), data_dir)
  large = build.load('inaturalist2019/224', 'train', str(root), data_dir)
  assert (small.images.shape, large.images.shape) == ((10, 64, 64, 3), (10, 224, 224, 3))
  np.testing.assert_array_equal(large.labels, labels)
  np.testing.assert_array_equal(large.images[0], pixels[88:312])  # It has the right size already.
  # Bilinear between the pixels 34 and 35 of 70, whose centres are at 110.4 and 113.6 of 224.
  row = np.interp(np.arange(224) + 0.5, [110.4, 113.6], [0, 255])
  np.testing.assert_allclose(large.images[1, 100, :, 0], row, atol=1.0)
  assert set(large.metadata) & {'train', 'test', 'reference'} == {'train', 'test'}
  assert 'reference' in small.metadata
  assert small.key != large.key
  # Read from disk, as for a classifier of 265,213 such images.
  stored = build.load('inaturalist2019/224', 'train', str(root), data_dir, limit=0)
  np.testing.assert_array_equal(stored.images[[3, 0]], large.images[[3, 0]])
  with pytest.raises(UserError, match='inaturalist2019/128 is unknown; allowed: inaturalist2019, '):
    build.load('inaturalist2019/128', 'train', str(root), data_dir)


def test_preparing_again_gives_the_same(source, tmp_path):
  for split in ('train', 'test', 'reference'):
    first, again = (
      build.load('inaturalist2019', split, str(source[0]), str(tmp_path / name)) for name in 'ab'
    )
    assert first.key == again.key


def _error(root, tmp_path):
  with pytest.raises(UserError) as raised:
    preparation.prepare('inaturalist2019', str(root) if root else '', str(tmp_path / 'prepared'))
  assert '\n' not in str(raised.value)
  assert not (tmp_path / 'prepared').exists()
  return str(raised.value)


def _change(path, change):
  content = json.loads(path.read_text())
  change(content)
  path.write_text(json.dumps(content))


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (lambda c: c['images'].pop(), 'train2019.json has 9 images, iNaturalist-2019 has 10'),
    (lambda c: c['categories'].pop(), 'has 2 categories, iNaturalist-2019 has 3'),
    (lambda c: c['annotations'].pop(), r'train2019.json is damaged \(KeyError'),
    (lambda c: c.pop('annotations'), r'train2019.json is damaged \(KeyError'),
    (lambda c: [a.update(category_id=0) for a in c['annotations']], 'not have every category'),
    (lambda c: c['images'][0].update(file_name='x.jpg'), 'has 1 of 10 images .* such as .*x.jpg'),
  ],
  ids=['image', 'category', 'annotation', 'field', 'classes', 'file'],
)
def test_damaged_json(source, tmp_path, change, message):
  _change(source[0] / 'train2019.json', change)
  assert re.search(message, _error(source[0], tmp_path))


def test_missing_and_damaged_files(source, tmp_path):
  root, _ = source
  assert 'needs --config.data.source' in _error('', tmp_path)
  for name in ('train2019.json', 'val2019.json'):
    image = root / json.loads((root / name).read_text())['images'][0]['file_name']
    content = image.read_bytes()
    image.write_bytes(content[:200])
    assert f'{image.relative_to(root)} cannot be read' in _error(root, tmp_path)
    image.write_bytes(content)
  (root / 'val2019.json').write_text('{')
  assert 'val2019.json is damaged' in _error(root, tmp_path)
  (root / 'val2019.json').unlink()
  assert 'has no val2019.json: name a folder with train2019.json' in _error(root, tmp_path)


def test_a_small_class_contributes_all_images_to_the_reference(source, use_edition, tmp_path):
  use_edition('inaturalist2019', layout=SMALL._replace(reference_per_class=4))
  reference = build.load('inaturalist2019', 'reference', str(source[0]), str(tmp_path / 'tfds'))
  assert reference.metadata['reference']['class_counts'] == [4, 3, 2]
