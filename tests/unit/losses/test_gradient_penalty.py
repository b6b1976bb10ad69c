"""Gradient penalties against gradients worked out by hand, also of a batch split over devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.losses.gradient_penalty import cosine_weight, zero_centred_gradient_penalty
from jaxgan.system import parallel


def _cubic(images, a=1.0):
  """D(x) = a Σ x³ / 3, whose gradient a x² differs from image to image."""
  return a * (images**3).sum(axis=(1, 2, 3)) / 3


@pytest.mark.parametrize('transform', [lambda f: f, jax.jit])
def test_mean_squared_norm_of_each_images_own_gradient(transform):
  # Gradients (1, 4, 0, 0) and (0, 0, 0, 9): squared norms 17 and 81.
  images = jnp.array([[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, -3.0]]).reshape(2, 2, 2, 1)
  penalty = transform(lambda a: zero_centred_gradient_penalty(lambda x: _cubic(x, a), images))
  np.testing.assert_allclose(penalty(1.0), 49.0)
  # Quadratic in the critic's scale: the penalty trains the critic, d/da 49 a².
  np.testing.assert_allclose(jax.grad(penalty)(2.0), 196.0)


def test_a_constant_critic_has_no_penalty():
  assert zero_centred_gradient_penalty(lambda x: jnp.full(3, 7.0), jnp.ones((3, 2, 2, 1))) == 0


def test_a_batch_split_over_devices_has_the_same_penalty():
  mesh = parallel.device_mesh(devices=jax.devices())
  kernel = jax.random.normal(jax.random.key(0), (16, 1))
  images = jax.random.normal(jax.random.key(1), (16, 4, 4, 1))

  @jax.jit
  def gradient(kernel, images):
    def penalty(kernel):
      critic = lambda x: jnp.tanh(parallel.along_batch(x).reshape(16, -1) @ kernel)[:, 0]  # noqa: E731
      return zero_centred_gradient_penalty(critic, images)

    return jax.value_and_grad(penalty)(kernel)

  expected = gradient(kernel, images)
  with jax.set_mesh(mesh):
    split = jax.device_put(images, jax.NamedSharding(mesh, jax.P(parallel.DATA_AXIS)))
    found = gradient(kernel, split)
  jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), found, expected)


def test_cosine_weight_follows_half_a_cosine_and_stays_at_its_end():
  weights = [cosine_weight(step, 2.0, 0.2, 100) for step in (0, 25, 50, 100, 1000)]
  np.testing.assert_allclose(weights, [2, 1.1 + 0.9 * np.sqrt(0.5), 1.1, 0.2, 0.2], rtol=1e-6)
