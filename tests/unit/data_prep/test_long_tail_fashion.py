"""The embedded images: reproduced from Fashion-MNIST, counts, disjoint splits."""

import hashlib
from importlib import resources

import numpy as np
import pytest

from data_prep import build, long_tail_fashion, preparation, reduce_fashion_mnist
from data_prep.idx import read_idx


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
  return str(tmp_path_factory.mktemp('tfds'))


def test_blocks_are_averaged_and_padded():
  image = np.array([[[0, 1, 255, 255], [1, 0, 255, 254], [4, 4, 0, 0], [4, 4, 1, 0]]], np.uint8)
  expected = np.zeros((1, 4, 4), np.uint8)
  expected[0, 1:3, 1:3] = [[1, 255], [4, 0]]  # 2/4 and 1019/4 are rounded, halves up.
  np.testing.assert_array_equal(reduce_fashion_mnist.reduce_images(image), expected)


def test_the_images_are_reproduced_from_fashion_mnist(real_data):
  images, labels = long_tail_fashion.read_images()
  original = read_idx(real_data('fashion_mnist/t10k-images-idx3-ubyte.gz')).array
  np.testing.assert_array_equal(images[..., 0], reduce_fashion_mnist.reduce_images(original))
  original = read_idx(real_data('fashion_mnist/t10k-labels-idx1-ubyte.gz')).array
  np.testing.assert_array_equal(labels, original)


def test_the_images_are_pinned_and_their_licence_is_beside_them():
  images, labels = long_tail_fashion.read_images()
  assert images.shape == (10_000, 16, 16, 1)
  assert images.dtype == np.uint8
  assert np.bincount(labels).tolist() == [1000] * 10
  digest = hashlib.sha256(images.tobytes() + labels.astype('<i8').tobytes()).hexdigest()
  assert digest == '55fddfd31c739b8fb9bba590abd2a95d5711ad12569c06194b5b8f219f98fa67'
  licence = resources.files('data_prep') / 'fashion_mnist_16' / 'LICENSE'
  text = licence.read_text()
  assert 'Copyright (c) 2017 Zalando SE' in text
  assert 'Permission is hereby granted' in text


@pytest.mark.parametrize(
  ('config', 'counts', 'sha256'),
  [
    (
      'ratio_50',
      [900, 582, 377, 244, 158, 102, 66, 42, 27, 18],
      '3479e75454e7b9e1f2a27a3e3bc46f23f1b7b49990b336d6235d6045d1d5d0cb',
    ),
    (
      'ratio_100',
      [900, 539, 323, 193, 116, 69, 41, 25, 15, 9],
      'beb47c561dc23c72ba831a858f641a961449792707bfac4ad2175470bab23ae6',
    ),
    (
      'ratio_10',
      [900, 696, 539, 417, 323, 250, 193, 150, 116, 90],
      '367562f4367da80d3a5730024d1965668094b076690f59dd9791a8d80e0f372b',
    ),
    ('ratio_1', [900] * 10, 'dd89a57e9dc5f9b2e9eb70bdc2051935049381fe42458dd179cd2fe96c110f8c'),
  ],
)
def test_splits(config, counts, sha256, data_dir):
  train = build.load(f'long_tail_fashion/{config}', 'train', data_dir=data_dir)
  test = build.load(f'long_tail_fashion/{config}', 'test', data_dir=data_dir)
  assert np.bincount(train.labels).tolist() == counts
  assert np.bincount(test.labels).tolist() == [100] * 10
  assert train.images.shape[1:] == (16, 16, 1)
  assert train.images.dtype == np.uint8
  assert train.class_names[0] == 'T-shirt/top'
  assert train.class_names[9] == 'Ankle boot'
  assert train.metadata['train']['indices_sha256'] == sha256
  assert train.metadata['n_max'] == 900
  assert train.metadata['seed'] == 0
  assert train.key != test.key


def test_train_and_test_are_disjoint_and_come_from_the_source(data_dir):
  builder = preparation.prepare('long_tail_fashion/ratio_1', data_dir=data_dir)
  examples = {split: list(builder.as_data_source(split)) for split in ('train', 'test')}
  indices = {split: {int(e['index']) for e in examples[split]} for split in examples}
  assert not indices['train'] & indices['test']
  images, labels = long_tail_fashion.read_images()
  for example in examples['train'][::97]:
    np.testing.assert_array_equal(example['image'], images[example['index']])
    assert example['label'] == labels[example['index']]


def test_errors(data_dir):
  with pytest.raises(ValueError, match=r'long_tail_fashion/ratio_5 is unknown.*ratio_50'):
    preparation.prepare('long_tail_fashion/ratio_5', data_dir=data_dir)
  with pytest.raises(ValueError, match='leave it empty'):
    preparation.prepare('long_tail_fashion/ratio_1', source='/x', data_dir=data_dir)
