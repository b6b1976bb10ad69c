"""Declared facts of data sets before they are prepared."""

import numpy as np
import pytest

from data_prep import build, preparation
from jaxgan.errors import UserError
from jaxgan.system.registry import Registry

FASHION = 'long_tail_fashion/ratio_50'


@pytest.mark.parametrize(
  ('dataset', 'shape', 'ends', 'number'),
  [
    (FASHION, (16, 16, 1), ('T-shirt/top', 'Ankle boot'), 10),
    ('long_tail_cifar10/ratio_100', (32, 32, 3), ('airplane', 'truck'), 10),
    ('long_tail_cifar100/ratio_100', (32, 32, 3), ('apple', 'worm'), 100),
    ('long_tail_mnist/split_00', (28, 28, 1), ('0', '9'), 10),
  ],
)
def test_downloads_are_declared_before_they_exist(dataset, shape, ends, number, tmp_path):
  declared = preparation.declared(dataset, data_dir=str(tmp_path / 'data'))
  names = declared.class_names
  assert declared.image_shape == shape
  assert ((names[0], names[-1]), len(names)) == (ends, number)
  assert not declared.is_prepared
  assert list(tmp_path.iterdir()) == []


def test_own_images_are_declared_before_and_after(tmp_path):
  images = np.zeros((8, 12, 12, 1), np.uint8)
  images += 30 * np.arange(8, dtype=np.uint8)[:, None, None, None]
  labels = np.repeat([0, 1], 4)
  source = tmp_path / 'pets.npz'
  np.savez(source, images=images, labels=labels, class_names=['cat', 'dog'])
  place = {'source': str(source), 'data_dir': str(tmp_path / 'data')}
  before = preparation.declared('long_tail_folder', **place)
  assert (before.image_shape, before.class_names) == ((12, 12, 1), ('cat', 'dog'))
  assert before.labelled
  assert not before.is_prepared
  assert not (tmp_path / 'data').exists()
  preparation.prepare('long_tail_folder', **place)
  after = preparation.declared('long_tail_folder', **place)
  assert after == before
  assert after.is_prepared
  source.unlink()
  name = f'long_tail_folder/{before.folder.parent.name}'
  assert preparation.declared('long_tail_folder', prepared=name, **place) == before


def test_images_without_labels_are_declared_unlabelled(tmp_path):
  images = 30 * np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((12, 12, 1), np.uint8)
  np.savez(tmp_path / 'plain.npz', images=images)
  place = {'source': str(tmp_path / 'plain.npz'), 'data_dir': str(tmp_path / 'data')}
  assert not preparation.declared('long_tail_folder', **place).labelled
  preparation.prepare('long_tail_folder', **place)
  assert not preparation.declared('long_tail_folder', **place).labelled


def test_bad_data_sets_are_refused(tmp_path):
  with pytest.raises(UserError, match=r"dataset 'letters' is unknown"):
    preparation.declared('letters')
  with pytest.raises(UserError, match='nowhere does not exist'):
    preparation.declared('long_tail_folder', source=str(tmp_path / 'nowhere'))


def test_a_data_set_of_another_package(tmp_path, monkeypatch):
  """It needs only its module and the line that registers it."""
  (tmp_path / 'stripes.py').write_text(
    '''
import numpy as np
import tensorflow_datasets as tfds
from data_prep.array_builder import ArrayBuilder, Recipe, Split

OPTIONS = ()


class Stripes(ArrayBuilder, skip_registration=True):
  """Horizontal and vertical stripes."""

  name, image_shape, class_names = 'stripes', (4, 4, 1), ('across', 'along')

  def read_splits(self, dl_manager):
    images = np.zeros((6, 4, 4, 1), np.uint8)
    images[:3, ::2] = images[3:, :, ::2] = 255
    split = Split(images, np.array([0, 0, 0, 1, 1, 1]), np.arange(6))
    return {'train': split, 'test': split}, {'changes': [], 'passed_over': []}


def recipe(config, source):
  return Recipe('all', make)


def make(data_dir):
  return Stripes(data_dir=data_dir, config=tfds.core.BuilderConfig(name='all'))
'''
  )
  monkeypatch.syspath_prepend(tmp_path)
  table = Registry('data set', preparation.DATASETS)
  monkeypatch.setattr(preparation, 'DATASETS', table)
  table.register('stripes', 'stripes')
  place = {'data_dir': str(tmp_path / 'data')}
  assert preparation.declared('stripes/all', **place).class_names == ('across', 'along')
  train = build.load('stripes/all', 'train', **place)
  assert train.images[0, :, 0, 0].tolist() == [255, 0, 255, 0]
  assert train.labels.tolist() == [0, 0, 0, 1, 1, 1]
