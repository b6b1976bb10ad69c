"""The long-tailed digits: counts, pixels by hand, disjoint splits, pinned selection."""

import numpy as np
import pytest

from data_prep import build
from data_prep.long_tail_digits import read_digits


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
  return str(tmp_path_factory.mktemp('tfds'))


def test_read_digits():
  from sklearn.datasets import load_digits

  images, labels = read_digits()
  digits = load_digits()
  assert images.shape == (1797, 16, 16, 1) and images.dtype == np.uint8
  np.testing.assert_array_equal(labels, digits.target)
  # Half-pixel bilinear: output 1 lies at 0.25 between inputs 0 and 1, output 0 is input 0.
  small = digits.images[3] * (255 / 16)
  assert images[3, 0, 0, 0] == round(small[0, 0])
  row = 0.75 * small[0, :2] + 0.25 * small[1, :2]
  assert images[3, 1, 1, 0] == pytest.approx(0.75 * row[0] + 0.25 * row[1], abs=0.51)
  assert images.max() == 255


@pytest.mark.parametrize(
  ('config', 'counts', 'sha256'),
  [
    (
      'ratio_10',
      [139, 107, 83, 64, 49, 38, 29, 23, 17, 13],
      '89debf2aaf03c960c75abdf91d9aa720794d0484056bacb7a12b1219e00e298e',
    ),
    ('ratio_1', [139] * 10, '5ff6353894d4f209b6d5d6e617223983af3e317c9750c5ae0e1589a2d0b80186'),
  ],
)
def test_splits(config, counts, sha256, data_dir):
  train = build.load(f'long_tail_digits/{config}', 'train', data_dir=data_dir)
  test = build.load(f'long_tail_digits/{config}', 'test', data_dir=data_dir)
  assert np.bincount(train.labels).tolist() == counts
  assert np.bincount(test.labels).tolist() == [35] * 10
  assert train.images.shape[1:] == (16, 16, 1) and train.images.dtype == np.uint8
  assert train.labels.dtype == np.int32
  assert train.class_names == tuple('0123456789')
  assert train.metadata['train']['indices_sha256'] == sha256
  assert train.metadata['n_max'] == 139 and train.metadata['seed'] == 0
  assert train.key != test.key


def test_train_and_test_are_disjoint_and_come_from_the_source(data_dir):
  builder = build.prepare('long_tail_digits/ratio_1', data_dir=data_dir)
  examples = {split: list(builder.as_data_source(split)) for split in ('train', 'test')}
  indices = {split: {int(e['index']) for e in examples[split]} for split in examples}
  assert not indices['train'] & indices['test']
  images, labels = read_digits()
  for example in examples['train'][::97]:
    np.testing.assert_array_equal(example['image'], images[example['index']])
    assert example['label'] == labels[example['index']]


def test_errors(data_dir):
  with pytest.raises(ValueError, match=r'long_tail_digits/ratio_5 is unknown.*ratio_10'):
    build.prepare('long_tail_digits/ratio_5', data_dir=data_dir)
  with pytest.raises(ValueError, match='leave it empty'):
    build.prepare('long_tail_digits/ratio_1', source='/x', data_dir=data_dir)
