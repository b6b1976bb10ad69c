"""Batches as a function of (seed, step)."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from data_prep import build
from jaxgan import data
from jaxgan.errors import UserError


def _training(*sizes, pool=40):
  """Replicas with their own images: pixels and labels tell the position in the pool."""
  images = np.arange(pool, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
  names = tuple(map(str, range(pool)))
  arrays = build.Arrays(images, np.arange(pool, dtype=np.int32), names, {}, 'pool')
  indices = tuple(np.arange(pool)[-size:] for size in sizes)
  classes = (np.arange(pool),) * len(sizes)
  return data.TrainingData(arrays, indices, tuple(map(str, sizes)), classes)


def _draw(training, step, replica=0, seed=0, **changes):
  options = {'batch_size': 3, 'flip': False, 'crop_padding': 0} | changes
  return data.draw(training.share(replica, seed), training.dataset, step, **options)


@pytest.mark.parametrize('length', [1, 2, 3, 10, 64, 101, 1000])
def test_a_permutation_shows_every_position_once(length):
  for seed in range(5):
    indices = data.permuted(jax.random.key(seed), jnp.arange(length), length)
    np.testing.assert_array_equal(np.sort(indices), np.arange(length))


def test_permutations_are_random():
  """A position goes everywhere equally often, and neighbours do not stay together."""
  length, num = 91, 20_000
  keys = jax.random.split(jax.random.key(1), num)
  draw = jax.jit(jax.vmap(lambda key: data.permuted(key, jnp.arange(3), length)))
  first, second, third = np.asarray(draw(keys)).T
  distances = [(second - first) % length, (third - first) % length]
  for values, outcomes in ((first, length), *((d - 1, length - 1) for d in distances)):
    assert stats.chisquare(np.bincount(values, minlength=outcomes)).pvalue > 0.001


def test_an_epoch_shows_every_image_at_most_once():
  training = _training(10)
  batches = [_draw(training, step)[0] for step in (12, 13, 14)]
  labels = np.concatenate([batch['labels'] for batch in batches])
  assert len(set(labels.tolist())) == 9 and labels.min() >= 30


def test_orders_differ_by_epoch_and_seed_and_repeat():
  training = _training(30)

  def labels(step, seed):
    return _draw(training, step, seed=seed, batch_size=30)[0]['labels'].tolist()

  first = labels(0, 0)
  assert first == labels(0, 0)
  assert first != labels(1, 0) and first != labels(0, 1)


def test_a_replica_draws_what_it_would_alone():
  """Neither another length nor the padding of its indices changes the batches of a replica."""
  together, alone = _training(10, 30), _training(10)
  assert len(together.share(0, 0).indices) == 30
  for step in range(4):
    (batch, rng), (expected, expected_rng) = _draw(together, step), _draw(alone, step)
    jax.tree.map(np.testing.assert_array_equal, batch, expected)
    assert rng == expected_rng


def test_images_belong_to_their_labels_and_are_scaled():
  batch, _ = _draw(_training(10), 1, flip=True)
  expected = np.asarray(batch['labels']) / 127.5 - 1
  np.testing.assert_allclose(batch['images'][:, 0, 0, 0], expected, rtol=1e-6)
  np.testing.assert_array_equal(batch['class_counts'], np.repeat([0, 1], [30, 10]))


def test_uint8_survives_scaling():
  images = jnp.arange(256, dtype=jnp.uint8).reshape(1, 16, 16, 1)
  np.testing.assert_array_equal(data.to_uint8(data.scale(images)), images)


def test_a_data_set_smaller_than_a_step_is_refused():
  with pytest.raises(UserError, match=r'10 images.*16.*train\.batch_size'):
    data.steps_per_epoch(10, 16)


def test_a_replica_of_all_images_shares_their_memory():
  training = _training(40, 10)
  everything, part = training.arrays(0), training.arrays(1)
  assert everything.images is training.pool.images and everything.key == '40'
  np.testing.assert_array_equal(part.labels, np.arange(30, 40))
  np.testing.assert_array_equal(part.images[:, 0, 0, 0], np.arange(30, 40))


@pytest.mark.parametrize(('splits', 'expected'), [((), 'test'), (('reference',), 'reference')])
def test_reference_is_the_test_split_where_there_is_no_other(splits, expected, monkeypatch):
  monkeypatch.setattr(
    data, 'load', lambda config, split: SimpleNamespace(name=split, metadata=dict.fromkeys(splits))
  )
  assert data.load_reference(None).name == expected


@pytest.mark.parametrize('padding', [8, 10**9])
def test_a_crop_keeps_something_of_the_image(padding):
  data.check_crop(7, (8, 9, 1), 'crop_padding')
  with pytest.raises(UserError, match=rf'crop_padding={padding} .* of 8 pixels a side: use 0 .. 7'):
    data.check_crop(padding, (8, 9, 1), 'crop_padding')
