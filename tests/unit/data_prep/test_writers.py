"""Written files are read by ImageFolder, NumPy, TFDS and the readers of this package."""

import csv
from urllib.parse import unquote

import numpy as np
from PIL import Image
import pytest
import tensorflow_datasets as tfds

from data_prep import folders, npz, writers

NAMES = ('AC/DC', 'Ångström 東京', '.hidden', 'cat', 'Cat', '100% sure?', 'ends. ')
SAFE = ['AC%2FDC', 'Ångström 東京', '%2Ehidden', 'cat', 'Cat~4', '100%25 sure%3F', 'ends.%20']


def labelled_images(names=NAMES, channels=3):
  """Makes three images per class, two of them generated; the first is the test image, too."""
  rng = np.random.default_rng(0)
  labels = np.repeat(np.arange(len(names)), 3)
  images = rng.integers(0, 256, (len(labels), 8, 8, channels), np.uint8)
  indices = np.where(np.arange(len(labels)) % 3 == 0, np.arange(len(labels)) * 7, -1)
  generated, shape = indices < 0, (8, 8, channels)
  origins = writers.Origins(
    ['' if g else f'a, "b"/{i}.png' for i, g in enumerate(generated)],
    np.where(generated, np.arange(len(labels)), -1),
    np.where(generated, 0.75, np.nan).astype(np.float32),
  )
  own, real = np.arange(len(names)), np.zeros(len(names), bool)
  held_out = writers.of_real([f'{k}.png' for k in own])
  test = writers.LabelledImages(iter(images[::3]), own, own, real, names, shape, held_out)
  data = writers.LabelledImages(
    iter(images), labels, indices, generated, names, shape, origins, test
  )
  return images, data


def test_folders_match_image_folder(tmp_path):
  images, data = labelled_images()
  facts = writers.write_folders(tmp_path, data)
  # As ImageFolder: the folders of `train` sorted by name are the classes, their files the images.
  classes = sorted(path.name for path in (tmp_path / 'train').iterdir())
  assert sorted(SAFE) == classes
  assert [facts['class_folders'][name] for name in SAFE] == list(NAMES)
  for label, name in enumerate(SAFE):
    files = sorted((tmp_path / 'train' / name).iterdir())
    assert [file.name for file in files] == ['000000.png', '000001.png', '000002.png']
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    np.testing.assert_array_equal(pixels, images[3 * label : 3 * label + 3])
  with open(tmp_path / 'images.csv', newline='', encoding='utf-8') as file:
    rows = list(csv.DictReader(file))
  rows, test = rows[: len(images)], rows[len(images) :]
  assert [row['class_name'] for row in rows] == [NAMES[k] for k in data.labels]
  assert [int(row['generated']) for row in rows] == [0, 1, 1] * len(NAMES)
  assert rows[3] == {
    'file': 'train/Ångström 東京/000000.png', 'label': '1', 'class_name': 'Ångström 東京',
    'generated': '0', 'index': '21', 'source_file': 'a, "b"/3.png', 'draw': '', 'confidence': '',
  }  # fmt: skip
  assert [rows[1][column] for column in ('source_file', 'draw', 'confidence')] == [
    '',
    '1',
    '0.7500',
  ]
  assert [row['source_file'] for row in test] == [f'{k}.png' for k in range(len(NAMES))]
  assert test[0]['file'] == 'test/AC%2FDC/000000.png'
  source = folders.read_folder(tmp_path)
  assert list(source.class_names) == classes
  assert source.test is not None
  by_folder = np.argsort(SAFE)
  np.testing.assert_array_equal(list(source.test.images), images[::3][by_folder])


def test_class_names_survive_folders():
  names = writers.folder_names(NAMES)
  assert names == SAFE
  assert [unquote(name) for name in names if '~' not in name] == [n for n in NAMES if n != 'Cat']
  long, line = writers.folder_names(['東' * 200, 'a\tb'])
  assert len(long.encode()) < 255
  assert long.endswith('~0')
  assert line == 'a%09b'
  # A composed and a separate accent are one name on some systems.
  assert len(set(writers.folder_names(['\u00e9', 'e\u0301']))) == 2


@pytest.mark.parametrize('channels', [1, 3])
def test_an_npz_that_is_read_again(tmp_path, channels):
  images, data = labelled_images(NAMES[:-1], channels)  # Readers refuse the last.
  writers.write_npz(tmp_path, data)
  with np.load(tmp_path / writers.NPZ, allow_pickle=False) as arrays:
    np.testing.assert_array_equal(arrays['images'], images)
    np.testing.assert_array_equal(arrays['generated'], data.generated)
    np.testing.assert_array_equal(arrays['index'], data.indices)
    assert arrays['source_file'].tolist() == list(data.origins.files)
    assert arrays['test_source_file'].tolist() == [f'{k}.png' for k in range(len(NAMES) - 1)]
    np.testing.assert_array_equal(arrays['confidence'], data.origins.confidences)
  source = npz.read_npz(tmp_path / writers.NPZ)
  assert source.class_names == NAMES[:-1]
  assert source.labelled
  np.testing.assert_array_equal(source.train.images, images)
  np.testing.assert_array_equal(source.train.labels, data.labels)
  assert source.test is not None
  np.testing.assert_array_equal(source.test.images, images[::3])


def test_a_tfds_directory(tmp_path):
  images, data = labelled_images(NAMES[:-1], channels=1)  # TFDS strips names.
  writers.write_tfds(tmp_path, data)
  builder = tfds.builder_from_directory(tmp_path)
  assert builder.info.features['label'].names == list(NAMES[:-1])
  examples = list(builder.as_data_source('train'))
  np.testing.assert_array_equal(np.stack([e['image'] for e in examples]), images)
  assert [e['label'] for e in examples] == data.labels.tolist()
  assert [e['index'] for e in examples] == data.indices.tolist()
  assert [e['generated'] for e in examples] == data.generated.tolist()
  assert [e['draw'] for e in examples] == data.origins.draws.tolist()
  assert examples[1]['confidence'] == 0.75
  test = list(builder.as_data_source('test'))
  np.testing.assert_array_equal(np.stack([e['image'] for e in test]), images[::3])
  assert not any(e['generated'] for e in test)
  assert not [path for path in tmp_path.rglob('*') if path.is_dir()]


@pytest.mark.parametrize('write', writers.FORMATS.values())
def test_equal_images_give_equal_bytes(write, tmp_path):
  contents = []
  for name in ('a', 'b'):
    (tmp_path / name).mkdir()
    write(tmp_path / name, labelled_images()[1])
    files = [path for path in (tmp_path / name).rglob('*') if path.is_file()]
    contents.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
  assert contents[0] == contents[1]
  assert contents[0]
