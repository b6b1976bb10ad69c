"""The summary of a data set, also of prepared data whose source is not read again."""

import json
from pathlib import Path
import re

import numpy as np
from PIL import Image
import pytest

from data_prep import build, folders, preparation
from data_prep.summary import summarise
from tests.support.arrow_sets import shades, write_parquet


def lines(source, data_dir, **options):
  arrays = build.load('long_tail_folder', 'train', str(source), str(data_dir), **options)
  name, *rest = summarise(arrays.metadata['full_name'], arrays.metadata, arrays.images.shape[1:])
  assert re.fullmatch(r'dataset long_tail_folder/[a-z0-9_-]+/1\.0\.0', name)
  return rest


@pytest.fixture
def sprites(make_folder):
  """Two classes of images of many sizes; two have transparent pixels, one file is not an image."""
  pictures = {f'cat/{i}.png': ((6 + i, 8), 'RGB', (i, 0, 0)) for i in range(10)}
  pictures |= {f'dog/{i}.png': ((40, 20), 'RGBA', (0, 0, 0, 0)) for i in range(2)}
  pictures['dog/2.png'] = (40, 20), 'LA', (50, 255)
  root = make_folder(pictures)
  (root / 'dog' / 'notes.txt').write_text('')
  (root / 'dog' / '.DS_Store').write_text('')
  return root


def expected(background):
  return [
    'train   11 images 8x8x3: cat 9, dog 2',
    'test    2 images 8x8x3: cat 1, dog 1',
    'sizes   6x8 to 40x20',
    'colour  RGB; 1 of 13 images are grey',
    'changed 2 of 13 images are smaller than 8 and are enlarged',
    f'changed 2 images with transparent pixels were laid on {background}',
    'leaked  test images that are training images, too (equal files): 1 of 2, '
    'dog/1.png = dog/0.png',
    'passed over  files that Pillow does not decode (.txt): 1; hidden files: 1',
  ]


def test_own_images_and_a_second_start(sprites, tmp_path, monkeypatch):
  assert lines(sprites, tmp_path / 'tfds', image_size=8) == expected('white')
  monkeypatch.setattr(folders, 'look_at', lambda *a: pytest.fail('read again'))
  assert lines(sprites, tmp_path / 'tfds', image_size=8) == expected('white')


def test_other_files_at_a_second_start(sprites, tmp_path, monkeypatch):
  lines(sprites, tmp_path / 'tfds', image_size=8)
  for i in range(5):
    (sprites / 'cat' / f'{i}.heic').write_bytes(b'')
  (sprites / 'dog' / 'notes.txt').unlink()
  listed = []
  list_images = folders.list_images
  monkeypatch.setattr(folders, 'list_images', lambda t: listed.append(t) or list_images(t))
  monkeypatch.setattr(folders, 'look_at', lambda *a: pytest.fail('read again'))
  *same, passed_over = lines(sprites, tmp_path / 'tfds', image_size=8)
  assert same == expected('white')[:-1]
  assert len(listed) == 1
  assert passed_over == 'passed over  files that Pillow does not decode (.heic): 5; hidden files: 1'


def test_other_splits_at_a_second_start(tmp_path):
  first, other = (tmp_path / name for name in ('first', 'other'))
  train, test = shades(10), shades(4, 100)
  write_parquet(first, {'train.parquet': train, 'test.parquet': test})
  before = lines(first, tmp_path / 'tfds')
  assert before[-1] == 'passed over  nothing'
  write_parquet(other, {'train.parquet': train, 'validation.parquet': test})
  said = 'changed validation is the test split, as there is no test'
  assert lines(other, tmp_path / 'tfds') == [*before[:-1], said, before[-1]]
  write_parquet(first, {'validation.parquet': shades(12)})
  after = lines(first, tmp_path / 'tfds')
  assert after == [*before[:-1], 'passed over  rows of split validation: 12']
  assert len(list((tmp_path / 'tfds' / 'long_tail_folder').iterdir())) == 1


def test_the_background_is_part_of_the_name(sprites, tmp_path):
  def load(background):
    return build.load(
      'long_tail_folder', 'train', str(sprites), str(tmp_path), image_size=8, background=background
    )

  white, black, red = load(None), load('#000'), load('red')
  assert load('white').key == white.key == load('#FFFFFF').key
  assert 'on_' not in white.key
  assert '-on_000000-' in black.key
  assert '-on_ff0000-' in red.key
  for arrays, ground in ((white, [255] * 3), (black, [0] * 3), (red, [255, 0, 0])):
    dogs = {tuple(image[0, 0].tolist()) for image in arrays.images[arrays.labels == 1]}
    assert tuple(ground) in dogs
  assert lines(sprites, tmp_path, image_size=8, background='red') == expected('red')
  with pytest.raises(build.UserError, match=r"background='rot': expected a colour, such as white"):
    load('rot')
  with pytest.raises(build.UserError, match=r'background=3: expected a colour'):
    load(3)


def test_older_prepared_data_loads(sprites, tmp_path):
  folder = Path(
    preparation.prepare('long_tail_folder', str(sprites), str(tmp_path), image_size=8).data_dir
  )
  metadata = json.loads((folder / 'metadata.json').read_text())
  for name in ('changes', 'passed_over', 'listed', 'sizes', 'colour', 'leaked', 'unreadable'):
    del metadata[name]
  (folder / 'metadata.json').write_text(json.dumps(metadata))
  assert lines(sprites, tmp_path, image_size=8) == [
    *expected('')[:2],
    'prepared by an older version, which did not note what it passed over',
  ]


def test_nothing_to_say(make_folder, tmp_path):
  root = make_folder({f'a/{i}.png': ((8, 8), 'L', i) for i in range(10)})
  assert lines(root, tmp_path / 'tfds') == [
    'train   9 images 8x8x1: a 9',
    'test    1 images 8x8x1: a 1',
    'sizes   8x8',
    'colour  grey',
    'passed over  nothing',
  ]


def test_a_thousand_classes_and_many_reasons_stay_short():
  counts = np.arange(1010, 0, -1)
  metadata = {
    'class_names': [f'c{k}' for k in range(1010)],
    'train': {'class_counts': counts.tolist()},
    'test': {'class_counts': [3] * 1010},
    'passed_over': [[f'reason {i}', i] for i in range(1, 10)],
  }
  assert summarise('long_tail_folder/a', metadata, (8, 8, 3))[1:] == [
    'train   510555 images 8x8x3: c0 1010, c1 1009, c2 1008, c3 1007, c4 1006, '
    '1000 more classes of 6 to 1005, c1005 5, c1006 4, c1007 3, c1008 2, c1009 1',
    'test    3030 images 8x8x3: c0 3, c1 3, c2 3, c3 3, c4 3, '
    '1000 more classes of 3, c1005 3, c1006 3, c1007 3, c1008 3, c1009 3',
    'sizes   8x8',
    'colour  RGB',
    'passed over  reason 9: 9; reason 8: 8; reason 7: 7; reason 6: 6; reason 5: 5; reason 4: 4; '
    '3 more reasons: 6',
  ]


def test_names_of_classes_are_shown_on_one_line():
  names = ['a\x1b[31m', 'b' * 99]
  metadata = {'class_names': names, 'train': {'class_counts': [5, 2]}}
  train = summarise('long_tail_folder/a', metadata, (8, 8, 3))[1]
  assert train == f'train   7 images 8x8x3: a�[31m 5, {"b" * 15}…{"b" * 16} 2'


def test_published_data_has_its_counts():
  metadata = {'class_names': ['a', 'b'], 'train': {'class_counts': [5, 2]}, 'order': 'original'}
  assert summarise('long_tail_fashion/ratio_50', metadata, (16, 16, 1)) == [
    'dataset long_tail_fashion/ratio_50',
    'train   7 images 16x16x1: a 5, b 2',
    'sizes   16x16',
    'colour  grey',
  ]


def test_gif_palettes(tmp_path):
  for i in range(3):
    (tmp_path / 'pets' / 'a').mkdir(parents=True, exist_ok=True)
    frame = Image.new('P', (8, 8), 0)
    frame.putpalette([9, 9, 9, 200, 0, 0])
    frame.save(tmp_path / 'pets' / 'a' / f'{i}.gif', transparency=0)
  assert 'changed 3 images with transparent pixels were laid on white' in lines(
    tmp_path / 'pets', tmp_path / 'tfds'
  )
