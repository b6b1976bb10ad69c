"""Unreadable images: all are listed, or left out and counted."""

import os
import zipfile

import numpy as np
from PIL import Image
import pytest

from data_prep import build, pictures, split_list
from data_prep.summary import summarise

NAMES = ('cat', 'dog')
DAMAGED = ('cat/empty.png', 'cat/text.jpg', 'dog/cut.png', 'dog/deep.png')


@pytest.fixture
def pets(tmp_path):
  """Twenty images and four damaged files: empty, text, cut behind its header, of 16 bits."""
  root = tmp_path / 'pets'
  rng = np.random.default_rng(0)
  for name in NAMES:
    (root / name).mkdir(parents=True)
    for i in range(10):
      Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(root / name / f'{i}.png')
  (root / DAMAGED[0]).write_bytes(b'')
  (root / DAMAGED[1]).write_text('text')
  content = (root / 'dog' / '0.png').read_bytes()
  (root / DAMAGED[2]).write_bytes(content[: len(content) // 2])
  Image.fromarray(np.zeros((8, 8), np.uint16)).save(root / DAMAGED[3])
  return root


def zipped(root):
  path = root.with_suffix('.zip')
  with zipfile.ZipFile(path, 'w') as archive:
    for file in sorted(root.rglob('*.*')):
      archive.write(file, file.relative_to(root))
  return path


@pytest.mark.parametrize('form', ['folder', 'zip'])
def test_all_are_listed(form, pets, load, tmp_path):
  source = pets if form == 'folder' else zipped(pets)
  with pytest.raises(build.UserError) as raised:
    load(source)
  line = str(raised.value)
  assert line.startswith('4 of 24 image files cannot be read: ')
  assert all(f'{source}/{file} (' in line for file in DAMAGED)
  assert (
    'deep.png (more than 8 bits per channel: convert it to 8 bits); repair or remove these' in line
  )
  assert line.endswith('leave them out: --config.data.options.skip_unreadable=True')
  assert not (tmp_path / 'tfds').exists()


@pytest.mark.parametrize('damaged', DAMAGED)
def test_a_single_one_behind_the_header_or_not(damaged, pets, load):
  for file in set(DAMAGED) - {damaged}:
    (pets / file).unlink()
  with pytest.raises(build.UserError, match=rf'^image file {pets}/{damaged} (cannot be|has more)'):
    load(pets)


def test_many_are_cut(pets, load):
  for i in range(30):
    (pets / 'cat' / f'bad_{i}.png').write_bytes(b'bad')
  with pytest.raises(build.UserError, match=r'^34 of 54 image .* and 14 more; repair'):
    load(pets)


@pytest.mark.parametrize('form', ['folder', 'zip'])
def test_skipped_and_counted(form, pets, load, tmp_path):
  source = pets if form == 'folder' else zipped(pets)
  train, test = (load(source, split, skip_unreadable=True) for split in ('train', 'test'))
  assert (len(train.labels), len(test.labels)) == (18, 2)
  assert sorted(file for file, _ in train.metadata['unreadable']) == sorted(DAMAGED)
  (line,) = [line for line in summarise('', train.metadata, (8, 8, 3)) if 'skipped' in line]
  assert line.startswith('skipped 4 unreadable images (cat/empty.png, ')
  rows = split_list.read_user_split(
    next(tmp_path.glob(f'tfds/*/*/*/{split_list.NAME}')).resolve()
  ).rows
  assert sorted(row.file for row in rows if row.split == 'unreadable') == sorted(DAMAGED)
  assert len(rows) == 24
  for file in DAMAGED:
    os.unlink(pets / file)
  clean = load(pets)
  np.testing.assert_array_equal(clean.images, train.images)


def test_a_split_that_wants_an_unreadable_image(pets, load, tmp_path):
  load(pets, skip_unreadable=True)
  path = next(tmp_path.glob(f'tfds/*/*/*/{split_list.NAME}'))
  own = tmp_path / 'own.csv'
  own.write_text(path.read_text())
  assert len(load(pets, skip_unreadable=True, split=str(own)).labels) == 18
  own.write_text(path.read_text().replace('cat/text.jpg,cat,unreadable', 'cat/text.jpg,cat,train'))
  with pytest.raises(build.UserError, match=r'1 file unreadable: cat/text.jpg'):
    load(pets, skip_unreadable=True, split=str(own))


def test_nothing_left(pets, load):
  for name in NAMES:
    for file in (pets / name).iterdir():
      file.write_bytes(b'bad')
  with pytest.raises(build.UserError, match=r'^24 of 24 image files cannot be read'):
    load(pets, skip_unreadable=True)
  Image.new('RGB', (8, 8)).save(pets / 'dog' / '0.png')
  with pytest.raises(build.UserError, match='class cat has 0 images, at least 2 are needed'):
    load(pets, skip_unreadable=True)


def test_each_image_is_decoded_once(pets, load, monkeypatch):
  """Only an error, or skipping, decodes images a second time."""
  for file in DAMAGED:
    (pets / file).unlink()
  decoded, read_image = [], pictures.read_image
  monkeypatch.setattr(
    pictures, 'read_image', lambda *given: decoded.append(given) or read_image(*given)
  )
  load(pets)
  assert len(decoded) == 20
