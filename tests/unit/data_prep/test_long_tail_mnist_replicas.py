"""Replicas on MNIST: one split or one ratio of zeros and fours per replica."""

import re
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from data_prep import build, preparation
from data_prep.long_tail import indices_sha256
from data_prep.long_tail_mnist import split_counts, split_indices
from jaxgan.data import loading, order
from jaxgan.data.config import DataConfig
from tests.support.data_prep.real_splits import REAL_SHA256


@pytest.fixture
def training(tmp_path):
  """training(config, num_replicas, source) -> the TrainingData of the replicas."""

  def training(config, num_replicas=1, source=''):
    place = {'source': str(source), 'data_dir': str(tmp_path / 'tfds')}
    section = DataConfig(dataset=f'long_tail_mnist/{config}', **place)
    return loading.load_training(section, num_replicas)

  return training


def _load(config, source, tmp_path):
  """Loads the training images of a config alone."""
  return build.load(f'long_tail_mnist/{config}', 'train', str(source), str(tmp_path / 'tfds'))


def test_replicas_have_consecutive_splits():
  splits = preparation.replica_splits('long_tail_mnist/split_00', 50)
  assert splits.pool == 'long_tail_mnist/pool'
  assert splits.names == tuple(f'long_tail_mnist/split_{split:02}' for split in range(50))
  assert len(splits.choices) == 50
  last = preparation.replica_splits('long_tail_mnist/split_48', 2)
  assert last.names == ('long_tail_mnist/split_48', 'long_tail_mnist/split_49')


def test_replicas_of_other_contents_keep_them():
  splits = preparation.replica_splits('long_tail_mnist/split_07-0123456789', 2)
  assert splits.pool == 'long_tail_mnist/pool-0123456789'
  assert splits.names == tuple(f'long_tail_mnist/split_0{k}-0123456789' for k in (7, 8))


def test_replicas_beyond_the_last_split_are_refused():
  with pytest.raises(build.UserError) as error:
    preparation.replica_splits('long_tail_mnist/split_48', 3)
  assert str(error.value) == (
    'long_tail_mnist has the splits split_00 .. split_49: 3 replicas from split_48 on are too many '
    '(replicas)'
  )


@pytest.mark.parametrize('config', ['split_7', 'split_x', 'split_50', 'split_-1'])
def test_an_unknown_split_is_refused_for_replicas_too(config):
  with pytest.raises(build.UserError, match=r'is unknown; allowed: long_tail_mnist/split_00'):
    preparation.replica_splits(f'long_tail_mnist/{config}', 2)


@pytest.mark.parametrize(
  'dataset',
  ['long_tail_mnist/full', 'long_tail_mnist/pool-0123456789', 'long_tail_fashion/ratio_1'],
)
def test_replicas_of_data_without_splits_share_it(dataset):
  assert preparation.replica_splits(dataset, 60) is None


def test_replicas_of_unknown_data_are_refused():
  with pytest.raises(build.UserError, match="dataset 'mnist/split_00' is unknown; allowed: inat"):
    preparation.replica_splits('mnist/split_00', 2)


def test_choices_are_positions_in_the_pool(fake_mnist, mnist_layout):
  splits = preparation.replica_splits('long_tail_mnist/split_03', 3)
  pool = SimpleNamespace(labels=fake_mnist.labels, class_names=tuple('0123456789'))
  for split, choose in zip((3, 4, 5), splits.choices, strict=True):
    part = choose(pool)
    chosen = split_indices(fake_mnist.labels, split, layout=mnist_layout)
    np.testing.assert_array_equal(part.indices, chosen)
    np.testing.assert_array_equal(part.classes, np.arange(10))


def test_a_replica_trains_on_the_images_of_its_split(fake_mnist, mnist_layout, training, tmp_path):
  """Images, order and batches equal a run of the split alone."""
  source = fake_mnist.write(tmp_path / 'mnist')
  data = training('split_11', 3, source)
  assert len(data.arrays.labels) == 140
  assert len(data.dataset.images) == 140
  for replica, split in enumerate((11, 12, 13)):
    single = _load(f'split_{split}', source, tmp_path)
    counts = single.metadata['train']['class_counts']
    own = data.replica_arrays(replica)
    chosen = split_indices(data.arrays.labels, split, layout=mnist_layout)
    np.testing.assert_array_equal(data.indices[replica], chosen)
    np.testing.assert_array_equal(own.images, single.images)
    np.testing.assert_array_equal(own.labels, single.labels)
    assert data.share_counts(replica).tolist() == counts
    assert own.key == data.keys[replica] == f'long_tail_mnist/split_{split} of {data.arrays.key}'
    alone = training(f'split_{split}')
    assert alone.keys == (single.key,)
    options = {'batch_size': 8, 'flip': False, 'crop_padding': 0}
    batches = [
      order.draw(d.replica_data(r, 5), d.dataset, 9, **options)[0]
      for d, r in ((data, replica), (alone, 0))
    ]
    jax.tree.map(np.testing.assert_array_equal, *batches)


def test_replicas_without_splits_train_on_all_images(fake_mnist, training, tmp_path):
  source = fake_mnist.write(tmp_path / 'mnist')
  data, full = training('full', 2, source), _load('full', source, tmp_path)
  assert data.keys == (full.key,) * 2
  assert data.arrays.key == full.key
  for replica in range(2):
    np.testing.assert_array_equal(data.indices[replica], np.arange(120))
    assert data.share_counts(replica).tolist() == [12] * 10


def test_replicas_of_other_contents_train_on_them(fake_mnist, make_mnist, training, tmp_path):
  other = make_mnist(1)
  data = training('split_03', 2, other.write(tmp_path / 'other'))
  np.testing.assert_array_equal(data.arrays.images[..., 0], other.images)
  pool = re.match(r'long_tail_mnist/(pool-[0-9a-f]{10})/', data.arrays.key)[1]
  again = training(pool.replace('pool', 'split_03'), 2)  # Prepared data, by its full name.
  assert again.arrays.key == data.arrays.key
  assert re.fullmatch(r'long_tail_mnist/split_04-[0-9a-f]{10} of .*', again.keys[1])
  for replica in range(2):
    np.testing.assert_array_equal(again.indices[replica], data.indices[replica])


def test_replicas_of_zeros_and_fours_have_the_ratios(fake_mnist, training, tmp_path):
  data = training('zero_four_7_3', 3, fake_mnist.write(tmp_path / 'mnist'))
  assert [data.share_counts(r).tolist() for r in range(3)] == [[7, 3], [6, 4], [5, 5]]
  assert data.keys[2] == f'long_tail_mnist/zero_four_5_5 of {data.arrays.key}'
  assert data.arrays.class_names == ('0', '4')
  splits = preparation.replica_splits('long_tail_mnist/zero_four_9_1-0123456789', 9)
  assert splits.pool == 'long_tail_mnist/zero_four_pool-0123456789'
  assert splits.names[8] == 'long_tail_mnist/zero_four_1_9-0123456789'
  with pytest.raises(build.UserError, match=r'zero_four_9_1 \.\. zero_four_1_9: 10 replicas'):
    preparation.replica_splits('long_tail_mnist/zero_four_9_1', 10)
  assert preparation.replica_splits('long_tail_mnist/zero_four_full', 10) is None


@pytest.mark.slow
def test_real_replicas(real_data, training):
  source = real_data('mnist/t10k-images-idx3-ubyte.gz').parent
  data = training('split_00', 50, source)
  for split, sha256 in REAL_SHA256.items():
    assert indices_sha256(data.indices[split]) == sha256
  assert [data.share_counts(split).tolist() for split in range(50)] == [
    split_counts(split) for split in range(50)
  ]
