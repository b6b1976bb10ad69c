"""Halves of the training images for a classifier and an annotator that must not share any."""

import numpy as np
import pytest

from data_prep import build
from jaxgan.data import training_data

NAMES = ('many', 'odd', 'few')


def _data(*counts, seed=0, images=None):
  labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
  pixels = np.arange(len(labels), dtype=np.int64).view(np.uint8).reshape(len(labels), 2, 4, 1)
  pool = build.Arrays(pixels if images is None else images, labels, NAMES, {'seed': seed}, 'a/b/1')
  return training_data.whole(pool)


def _positions(data):
  return np.ascontiguousarray(data.arrays.images).reshape(len(data.arrays.images), 8).view(np.int64)


def test_two_halves_are_all_images_once():
  data = _data(300, 101, 100)
  first, second = (training_data.halved(data, half) for half in training_data.HALVES)
  assert first.share_counts(0).tolist() == [150, 50, 50]
  assert second.share_counts(0).tolist() == [150, 51, 50]
  at = np.concatenate([_positions(first), _positions(second)]).ravel()
  assert sorted(at) == list(range(501))
  for half in (first, second):
    np.testing.assert_array_equal(half.arrays.labels, data.arrays.labels[_positions(half).ravel()])
    assert len(half.indices[0]) == len(half.arrays.labels)
  assert first.keys == ('a/b/1/first_half',)
  assert second.arrays.metadata['part'] == 'the second half of each class'


def test_the_split_seed_chooses_the_halves():
  one, same, other = (
    _positions(training_data.halved(_data(300, 101, 100, seed=seed), 'first')) for seed in (1, 1, 2)
  )
  np.testing.assert_array_equal(one, same)
  assert not np.array_equal(one, other)


def test_small_classes_leave_all_images_to_both():
  data = _data(300, 101, 99)
  for half in training_data.HALVES:
    kept = training_data.halved(data, half)
    assert kept.arrays.images is data.arrays.images
    assert kept.keys == data.keys
    assert kept.arrays.metadata['part'] == (
      'all training images, because few has 99 and two halves need 100'
    )
  assert training_data.halved(data, None) is data


def test_images_on_disk_are_halved_without_reading():
  class Stored:
    shape = (501, 2, 4, 1)

    def take(self, at, axis):
      assert axis == 0
      return [len(at)]

  half = training_data.halved(_data(300, 101, 100, images=Stored()), 'first')
  assert half.arrays.images == [250]


@pytest.mark.parametrize('half', training_data.HALVES)
def test_images_that_are_not_prepared_are_left_alone(half):
  data = _data(0, 0, 0)
  assert training_data.halved(data, half).arrays.images is data.arrays.images
