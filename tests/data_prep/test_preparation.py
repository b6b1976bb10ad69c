"""What data sets say of themselves before they are prepared."""

import numpy as np
import pytest

from data_prep import preparation
from jaxgan.errors import UserError

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
def test_downloads_are_declared_before_they_are_there(dataset, shape, ends, number, tmp_path):
  declared = preparation.declared(dataset, data_dir=str(tmp_path / 'data'))
  names = declared.class_names
  assert declared.image_shape == shape
  assert ((names[0], names[-1]), len(names)) == (ends, number)
  assert not declared.is_prepared and list(tmp_path.iterdir()) == []


def test_own_images_are_declared_before_and_after(tmp_path):
  images = np.zeros((8, 12, 12, 1), np.uint8)
  images += 30 * np.arange(8, dtype=np.uint8)[:, None, None, None]
  labels = np.repeat([0, 1], 4)
  source = tmp_path / 'pets.npz'
  np.savez(source, images=images, labels=labels, class_names=['cat', 'dog'])
  place = {'source': str(source), 'data_dir': str(tmp_path / 'data')}
  before = preparation.declared('long_tail_folder', **place)
  assert (before.image_shape, before.class_names) == ((12, 12, 1), ('cat', 'dog'))
  assert before.labelled and not before.is_prepared and not (tmp_path / 'data').exists()
  preparation.prepare('long_tail_folder', **place)
  after = preparation.declared('long_tail_folder', **place)
  assert after == before and after.is_prepared
  source.unlink()
  name = f'long_tail_folder/{before.folder.parent.name}'
  assert preparation.declared('long_tail_folder', prepared=name, **place) == before


def test_images_without_labels_are_declared_so(tmp_path):
  images = 30 * np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((12, 12, 1), np.uint8)
  np.savez(tmp_path / 'plain.npz', images=images)
  place = {'source': str(tmp_path / 'plain.npz'), 'data_dir': str(tmp_path / 'data')}
  assert not preparation.declared('long_tail_folder', **place).labelled
  preparation.prepare('long_tail_folder', **place)
  assert not preparation.declared('long_tail_folder', **place).labelled


def test_what_cannot_be_prepared_is_refused(tmp_path):
  with pytest.raises(UserError, match=r"dataset 'letters' is unknown"):
    preparation.declared('letters')
  with pytest.raises(UserError, match='nowhere does not exist'):
    preparation.declared('long_tail_folder', source=str(tmp_path / 'nowhere'))
