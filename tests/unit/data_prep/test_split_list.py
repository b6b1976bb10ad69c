"""The list of a split: what is written, given back, and refused."""

import csv
import hashlib
from pathlib import Path
import shutil

import numpy as np
from PIL import Image
import pytest

from data_prep import build, split_list
from data_prep.summary import summarise
from tests.support.arrow_sets import shades, write_parquet

NAMES = ('straße', 'office')


@pytest.fixture
def pets(tmp_path):
  """Twelve images of two classes, two of them equal, in nested folders."""
  for k, name in enumerate(NAMES):
    for i in range(6):
      file = tmp_path / 'pets' / name / ('a/b' if i % 2 else '') / f'{i}.png'
      file.parent.mkdir(parents=True, exist_ok=True)
      Image.new('RGB', (8, 8), (100 * k + i, 0, 0)).save(file)
  return tmp_path / 'pets'


def listed(arrays):
  """The rows beside prepared images."""
  folder = Path(arrays.metadata['data_dir'])
  with open(folder / split_list.NAME, encoding='utf-8', newline='') as file:
    return list(csv.DictReader(file))


def rewritten(path, rows, columns=('file', 'split')):
  with open(path, 'w', encoding='utf-8', newline='') as file:
    table = csv.DictWriter(file, columns, extrasaction='ignore')
    table.writeheader()
    table.writerows(rows)
  return str(path)


def shades_of(arrays):
  return sorted(int(image[0, 0, 0]) for image in arrays.images)


def test_a_row_for_each_file(pets, load):
  train, test = load(pets, seed=3), load(pets, 'test', seed=3)
  rows = listed(train)
  assert [row['file'] for row in rows[:2]] == ['office/0.png', 'office/2.png']
  assert {row['class'] for row in rows} == set(NAMES)
  for row in rows:
    assert row['hash'] == hashlib.sha256((pets / row['file']).read_bytes()).hexdigest()
    shade = np.asarray(Image.open(pets / row['file']))[0, 0, 0]
    assert shade in shades_of({'train': train, 'test': test}[row['split']])
  # Records come in the order of the rows.
  files = split_list.files_of(Path(train.metadata['data_dir']), 'train')
  colours = [np.asarray(Image.open(pets / file))[0, 0, 0] for file in files]
  assert colours == train.images[:, 0, 0, 0].tolist()


@pytest.mark.parametrize('columns', [split_list.COLUMNS, ('file', 'split')])
def test_a_split_given_back_prepares_the_same_images(pets, load, tmp_path, columns):
  options = {'imbalance_ratio': 2, 'test_share': 0.3}
  first = load(pets, **options)
  path = rewritten(tmp_path / 'own.csv', listed(first)[::-1], columns)
  again = load(pets, imbalance_ratio=2, split=path)
  np.testing.assert_array_equal(again.images, first.images)
  assert again.key.rpartition('/')[2] == first.key.rpartition('/')[2]  # Of pixels and labels.
  assert again.key != first.key
  assert listed(again) == listed(first)
  assert {row['split'] for row in listed(first)} == {'train', 'test', 'unused'}


def test_a_users_own_split(pets, load, tmp_path):
  rows = [{'file': row['file'], 'split': 'test'} for row in listed(load(pets))]
  rows[0]['split'] = rows[6]['split'] = 'Train'
  rows[1]['split'] = 'unused'
  rows[7]['file'] = rows[7]['file'].replace('/', '\\')
  path = rewritten(tmp_path / 'own.csv', rows)
  train, test = load(pets, split=path), load(pets, 'test', split=path)
  assert (shades_of(train), len(test.labels)) == ([0, 100], 9)
  rows[1]['split'] = 'train'
  assert load(pets, split=rewritten(tmp_path / 'own.csv', rows)).key != train.key


def test_a_list_that_is_gone(pets, load, tmp_path):
  """A run knows its prepared data; another command needs the list."""
  path = rewritten(tmp_path / 'own.csv', listed(load(pets, seed=1)))
  first = load(pets, split=path)
  Path(path).unlink()
  prepared = first.metadata['full_name'].rpartition('/')[0]
  again = load(pets, split=path, prepared=prepared)
  np.testing.assert_array_equal(again.images, first.images)
  with pytest.raises(build.UserError, match=r'own\.csv cannot be read .*No such file'):
    load(pets, split=path)


def test_a_source_with_a_test_folder_is_split_anew(pets, load, tmp_path):
  for name in NAMES:
    (pets / 'test').mkdir(exist_ok=True)
    shutil.copytree(pets / name, pets / 'test' / name)
    (pets / 'train').mkdir(exist_ok=True)
    shutil.move(pets / name, pets / 'train' / name)
  train = load(pets)
  assert len(train.metadata['leaked']) == 12  # Copies.
  rows = listed(train)
  assert [row['split'] for row in rows] == ['train'] * 12 + ['test'] * 12
  swapped = [{**row, 'split': 'test' if row['split'] == 'train' else 'train'} for row in rows]
  again = load(pets, split=rewritten(tmp_path / 'own.csv', swapped))
  assert len(again.labels) == 12
  assert [row['split'] for row in listed(again)] == ['test'] * 12 + ['train'] * 12


def test_equal_images_in_train_and_test_are_told(pets, load):
  for i in range(20):
    shutil.copy(pets / 'office' / '0.png', pets / 'office' / f'copy_{i}.png')
  train = load(pets)
  (line,) = [line for line in summarise('', train.metadata, (8, 8, 3)) if 'leaked' in line]
  test_files = [row['file'] for row in listed(train) if row['split'] == 'test']
  copies = sum('copy' in file or file == 'office/0.png' for file in test_files)
  assert copies > 0
  assert f'training images, too (equal files): {copies} of {len(test_files)}, office/' in line


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (lambda rows: rows[1:], '1 file without a row: office/0.png'),
    (
      lambda rows: [*rows, {**rows[0], 'file': 'gone.png'}, {**rows[0], 'file': 'x.png'}],
      '2 files not in the source: gone.png, x.png',
    ),
    (lambda rows: [*rows, rows[0]], '1 file named more than once: office/0.png'),
    (
      lambda rows: [{**rows[0], 'split': 'dev'}, {**rows[1], 'split': ''}, *rows[2:]],
      "2 files not one of the splits train, test, unused, unreadable: 'dev' of office/0.png, "
      "'' of office/2.png",
    ),
    (
      lambda rows: [{**rows[0], 'hash': 'ab'}, *rows[1:]],
      '1 file with other contents than their hash: office/0.png',
    ),
    (
      lambda rows: [{**rows[0], 'class': 'straße'}, *rows[1:]],
      '1 file of another class: office/0.png (straße, now office)',
    ),
    (
      lambda rows: [{**row, 'split': 'train'} for row in rows],
      '2 classes without test images: office, straße',
    ),
    (
      lambda rows: [{**row, 'split': 'test'} for row in rows],
      '2 classes without training images: office, straße',
    ),
    (lambda rows: [{**rows[0], 'file': 'x'}, *rows[1:]], '1 file not in the source: x; 1 file wi'),
  ],
)
def test_refused(change, message, pets, load, tmp_path):
  path = rewritten(tmp_path / 'own.csv', change(listed(load(pets))), split_list.COLUMNS)
  with pytest.raises(build.UserError) as raised:
    load(pets, split=path)
  assert str(raised.value).startswith(f'--config.data.options.split={path}: {message}')
  assert '\n' not in str(raised.value)


def test_lists_that_are_none(pets, load, tmp_path):
  path = tmp_path / 'own.csv'
  for text, message in (
    (None, r'cannot be read .*No such file'),
    ('', 'expected a .csv with the columns file and split, found nothing'),
    ('name;split\n', 'columns file and split, found name;split'),
  ):
    if text is not None:
      path.write_text(text)
    with pytest.raises(build.UserError, match=message):
      load(pets, split=str(path))
  with pytest.raises(build.UserError, match=r'test_share=0.2 was given beside split='):
    load(pets, split=str(path), test_share=0.2)


def test_many_names_are_cut(pets, load, tmp_path):
  rows = [{'file': f'{i}.png', 'split': 'test'} for i in range(50)]
  with pytest.raises(build.UserError, match=r'50 files not in .* 19\.png and 30 more; 12'):
    load(pets, split=rewritten(tmp_path / 'own.csv', rows))


def test_arrays_and_tables(load, tmp_path):
  images = (30 * np.arange(8, dtype=np.uint8)).repeat(64).reshape(8, 8, 8)
  np.savez(tmp_path / 'own.npz', images=images, labels=np.arange(8) % 2)
  rows = listed(load(tmp_path / 'own.npz'))
  assert rows[3]['file'] == 'images[3]'
  assert rows[3]['hash'] == hashlib.sha256(images[3].tobytes()).hexdigest()
  table = write_parquet(
    tmp_path / 'hub', {'train/0.parquet': shades(8), 'test/0.parquet': shades(8)}
  )
  rows = listed(load(table))
  assert len({row['file'] for row in rows}) == 16
  assert rows[8]['file'] == 'test/0.parquet row 0'
  for source in (tmp_path / 'own.npz', table):
    own = listed(load(source))
    path = rewritten(tmp_path / 'own.csv', own, split_list.COLUMNS)
    assert listed(load(source, split=path)) == own


def test_images_without_labels(load, tmp_path):
  for i in range(6):
    (tmp_path / 'flat').mkdir(exist_ok=True)
    Image.new('L', (8, 8), i).save(tmp_path / 'flat' / f'{i}.png')
  rows = listed(load(tmp_path / 'flat'))
  assert [row['class'] for row in rows] == [''] * 6
  path = rewritten(tmp_path / 'own.csv', rows, split_list.COLUMNS)
  assert listed(load(tmp_path / 'flat', split=path)) == rows
