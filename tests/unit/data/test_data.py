"""Batches as a function of (seed, step)."""

import functools
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from data_prep import build
from jaxgan.data import loading, pixels, training_data
from jaxgan.data import order as order_lib
from jaxgan.errors import UserError


def _training(*sizes, pool=40):
  """Makes replicas of different sizes; pixels and labels equal the position in the pool."""
  images = np.arange(pool, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
  names = tuple(map(str, range(pool)))
  arrays = build.Arrays(images, np.arange(pool, dtype=np.int32), names, {}, 'pool')
  indices = tuple(np.arange(pool)[-size:] for size in sizes)
  classes = (np.arange(pool),) * len(sizes)
  return training_data.TrainingData(arrays, indices, tuple(map(str, sizes)), classes)


def _draw(training, step, replica=0, seed=0, **changes):
  options = {'batch_size': 3, 'flip': False, 'crop_padding': 0} | changes
  return order_lib.draw(training.replica_data(replica, seed), training.dataset, step, **options)


_permuted = jax.jit(order_lib.permuted)
SEEDS = st.integers(0, 2**32 - 1)


@given(
  st.integers(1, 512) | st.integers(1, 2**24), st.integers(0, 2**24), st.integers(0, 2**32 - 1)
)
def test_permuted_is_a_permutation(length, first, seed):
  """Checks all positions of a short permutation and 512 positions of a long one."""
  positions = (first + np.arange(512)) % length
  places = np.asarray(_permuted(jax.random.key(seed), positions, length))[:length]
  assert places.min() >= 0
  assert places.max() < length
  assert len(np.unique(places)) == min(length, 512)


def test_permutations_are_random():
  """Images of a position are uniform, and so are distances between neighbours."""
  length, num = 91, 20_000
  keys = jax.random.split(jax.random.key(1), num)
  draw = jax.jit(jax.vmap(lambda key: order_lib.permuted(key, jnp.arange(3), length)))
  first, second, third = np.asarray(draw(keys)).T
  distances = [(second - first) % length, (third - first) % length]
  for values, outcomes in ((first, length), *((d - 1, length - 1) for d in distances)):
    assert stats.chisquare(np.bincount(values, minlength=outcomes)).pvalue > 0.001


def test_an_epoch_shows_every_image_at_most_once():
  training = _training(10)
  batches = [_draw(training, step)[0] for step in (12, 13, 14)]
  labels = np.concatenate([batch.labels for batch in batches])
  assert len(set(labels.tolist())) == 9
  assert labels.min() >= 30


def test_orders_differ_by_epoch_and_seed_and_repeat():
  training = _training(30)

  def labels(step, seed):
    return _draw(training, step, seed=seed, batch_size=30)[0].labels.tolist()

  first = labels(0, 0)
  assert first == labels(0, 0)
  assert first != labels(1, 0)
  assert first != labels(0, 1)


def test_a_replica_draws_the_same_batches_as_alone():
  """Other replicas and the padding of its indices do not change its batches."""
  together, alone = _training(10, 30), _training(10)
  assert len(together.replica_data(0, 0).indices) == 30
  for step in range(4):
    (batch, rng), (expected, expected_rng) = _draw(together, step), _draw(alone, step)
    jax.tree.map(np.testing.assert_array_equal, batch, expected)
    assert rng == expected_rng


# The classes of 10 images; 28 steps draw 140 images.
CLASSES = np.array([0, 2, 0, 1, 0, 0, 2, 0, 0, 0], np.int32)
_positions = jax.jit(jax.vmap(order_lib.positions, (None, 0, None)), static_argnums=2)


def _balanced(steps, seed=0, classes=CLASSES):
  """Returns the positions `[28, 5]` of the images of some steps."""
  images = np.zeros((len(classes), 1, 1, 1), np.uint8)
  names = tuple('abcdefg'[: max(classes) + 1])
  training = training_data.whole(build.Arrays(images, classes, names, {}, 'pool'))
  return np.asarray(
    _positions(training.replica_data(0, seed, class_balanced=True), jnp.array(steps), 5)
  )


@pytest.mark.parametrize('num_classes', [1, 3, 7])  # One compilation per number.
@given(data=st.data())
def test_balanced_batches_have_equal_classes_and_epochs_of_images(num_classes, data):
  """Rounds have every class once, and each class repeats in epochs, at any batch size."""
  labels = st.integers(0, num_classes - 1)
  more = data.draw(st.lists(labels, min_size=10 - num_classes, max_size=10 - num_classes))
  classes = np.array(data.draw(st.permutations([*range(num_classes), *more])), np.int32)
  drawn = _balanced(range(28), data.draw(SEEDS), classes).ravel()
  rounds = classes[drawn][: 140 // num_classes * num_classes].reshape(-1, num_classes)
  np.testing.assert_array_equal(np.sort(rounds), np.tile(np.arange(num_classes), (len(rounds), 1)))
  for label, count in enumerate(np.bincount(classes)):
    shown = drawn[classes[drawn] == label]
    epochs = shown[: len(shown) // count * count].reshape(-1, count)
    own = np.flatnonzero(classes == label)
    np.testing.assert_array_equal(np.sort(epochs), np.tile(own, (len(epochs), 1)))


def test_rounds_and_epochs_differ_in_order():
  drawn = _balanced(range(28)).ravel()[:126]  # 42 rounds: 6 epochs of class 0, 21 of class 2.
  assert len({tuple(order) for order in CLASSES[drawn].reshape(42, 3)}) == 6
  for label, count in ((0, 7), (2, 2)):
    epochs = drawn[CLASSES[drawn] == label].reshape(-1, count)
    assert len({tuple(order) for order in epochs}) > 1


def test_balanced_batches_are_a_function_of_seed_and_step():
  first = _balanced(range(28))
  np.testing.assert_array_equal(_balanced(range(27, -1, -1)), first[::-1])
  assert (_balanced(range(28), seed=1) != first).any()


def test_balanced_batches_have_images_and_classes_of_the_replica():
  """Classes 5 and 1 and images 8 to 15 of the pool belong to the replica."""
  labels = np.repeat([1, 5, 1, 0], [10, 5, 3, 2]).astype(np.int32)
  images = np.arange(20, dtype=np.uint8).reshape(-1, 1, 1, 1)
  pool = build.Arrays(images, labels, tuple('abcdef'), {}, 'pool')
  indices, classes = (np.arange(18), np.arange(8, 16)), (np.array([1, 5]), np.array([5, 1]))
  training = training_data.TrainingData(pool, indices, ('all', 'part'), classes)
  replica_data = training.replica_data(1, 0, class_balanced=True)
  draw = functools.partial(order_lib.draw, batch_size=8, flip=False, crop_padding=0)
  batch, _ = jax.jit(draw)(replica_data, training.dataset, 3)
  np.testing.assert_array_equal(np.bincount(batch.labels), [4, 4])
  found = np.round(np.asarray(batch.images)[:, 0, 0, 0] * 127.5 + 127.5).astype(int)
  np.testing.assert_array_equal(labels[found], np.array([5, 1])[batch.labels])
  assert found.min() >= 8
  assert found.max() < 16


def test_images_belong_to_their_labels_and_are_scaled():
  batch, _ = _draw(_training(10), 1, flip=True)
  expected = np.asarray(batch.labels) / 127.5 - 1
  np.testing.assert_allclose(batch.images[:, 0, 0, 0], expected, rtol=1e-6)
  np.testing.assert_array_equal(batch.class_counts, np.repeat([0, 1], [30, 10]))


def test_to_uint8_inverts_scale():
  images = jnp.arange(256, dtype=jnp.uint8).reshape(1, 16, 16, 1)
  np.testing.assert_array_equal(pixels.to_uint8(pixels.scale(images)), images)


def test_a_data_set_smaller_than_a_step_is_refused():
  with pytest.raises(UserError, match=r'10 images.*16.*train\.batch_size'):
    order_lib.steps_per_epoch(10, 16)


def test_a_replica_with_all_images_shares_their_memory():
  training = _training(40, 10)
  everything, part = training.replica_arrays(0), training.replica_arrays(1)
  assert everything.images is training.arrays.images
  assert everything.key == '40'
  np.testing.assert_array_equal(part.labels, np.arange(30, 40))
  np.testing.assert_array_equal(part.images[:, 0, 0, 0], np.arange(30, 40))


@pytest.mark.parametrize(('splits', 'expected'), [((), 'test'), (('reference',), 'reference')])
def test_reference_defaults_to_the_test_split(splits, expected, monkeypatch):
  monkeypatch.setattr(
    loading,
    'load',
    lambda config, split: SimpleNamespace(name=split, metadata=dict.fromkeys(splits)),
  )
  assert loading.load_reference(None).name == expected


def test_the_released_reference_is_a_separate_split(monkeypatch):
  splits = dict.fromkeys(('reference', 'reference_released'))
  loaded = lambda config, split: SimpleNamespace(name=split, metadata=splits)  # noqa: E731
  monkeypatch.setattr(loading, 'load', loaded)
  assert loading.load_reference(None, 'held_out').name == 'reference'
  assert loading.load_reference(None, 'released').name == 'reference_released'
  del splits['reference_released']
  with pytest.raises(
    UserError, match="='released': mine has no released reference; expected 'held_out'"
  ):
    loading.load_reference(SimpleNamespace(dataset='mine'), 'released')


@pytest.mark.parametrize('padding', [8, 10**9])
def test_a_crop_overlaps_the_image(padding):
  order_lib.check_crop(7, (8, 9, 1), 'crop_padding')
  with pytest.raises(
    UserError, match=rf'crop_padding={padding}: expected 0 .. 7 with images of 8 pixels a side'
  ):
    order_lib.check_crop(padding, (8, 9, 1), 'crop_padding')
