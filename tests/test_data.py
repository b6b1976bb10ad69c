"""Batches as a function of (seed, step)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import data
from jaxgan.errors import UserError


def _dataset(n=10):
  images = np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
  return data.Dataset(jnp.asarray(images), jnp.arange(n, dtype=jnp.int32))


def _draw(dataset, order, step, **changes):
  options = {'batch_size': 3, 'flip': False, 'crop_padding': 0} | changes
  return data.draw(dataset, order, step, jax.random.key(9), **options)


def test_an_epoch_shows_every_image_at_most_once():
  order = data.epoch_order(jax.random.key(0), 4, 10)
  labels = np.concatenate([_draw(_dataset(), order, step)['labels'] for step in (12, 13, 14)])
  assert len(set(labels.tolist())) == 9
  np.testing.assert_array_equal(labels, order.indices[:9])


def test_orders_differ_by_epoch_and_seed_and_repeat():
  first = data.epoch_order(jax.random.key(0), 0, 50).indices
  np.testing.assert_array_equal(first, data.epoch_order(jax.random.key(0), 0, 50).indices)
  assert (first != data.epoch_order(jax.random.key(0), 1, 50).indices).any()
  assert (first != data.epoch_order(jax.random.key(1), 0, 50).indices).any()


def test_images_belong_to_their_labels_and_are_scaled():
  order = data.epoch_order(jax.random.key(0), 0, 10)
  batch = _draw(_dataset(), order, 1, flip=True)
  expected = np.asarray(batch['labels']) / 127.5 - 1
  np.testing.assert_allclose(batch['images'][:, 0, 0, 0], expected, rtol=1e-6)


def test_uint8_survives_scaling():
  images = jnp.arange(256, dtype=jnp.uint8).reshape(1, 16, 16, 1)
  np.testing.assert_array_equal(data.to_uint8(data.scale(images)), images)


def test_a_data_set_smaller_than_a_step_is_refused():
  with pytest.raises(UserError, match=r'10 images.*16.*train\.batch_size'):
    data.steps_per_epoch(10, 16)
