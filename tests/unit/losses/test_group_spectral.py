"""Group spectral norms against NumPy's singular values and values worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.losses.group_spectral import group_shape, group_spectral, group_spectral_norms


@pytest.mark.parametrize(
  ('channels', 'shape'), [(512, (16, 32)), (256, (16, 16)), (36, (6, 6)), (8, (2, 4)), (7, (1, 7))]
)
def test_group_shapes_are_as_close_to_a_square_as_possible(channels, shape):
  assert group_shape(channels) == shape


@pytest.mark.parametrize('transform', [lambda f: f, jax.jit])
def test_norms_are_the_largest_singular_values(transform):
  embeddings = np.random.default_rng(0).normal(size=(5, 32)).astype(np.float32)
  expected = [np.linalg.svd(e.reshape(4, 8))[1][0] for e in embeddings]
  np.testing.assert_allclose(transform(group_spectral_norms)(embeddings), expected, rtol=1e-5)


def test_group_spectral_is_the_mean_of_weighted_squares_over_layers_and_classes():
  gains = jnp.array([[3.0, 0, 0, 2.0], [0, 1.0, 0, 0]])  # σ = 3 and 1
  biases = jnp.array([[0.0, 0, 0, 0], [2.0, 2.0, 2.0, 2.0]])  # σ = 0 and 4
  # One layer: (0.5 (9 + 0) + 1.5 (1 + 16)) / 2.
  value = group_spectral([gains, biases], jnp.array([0.5, 1.5]))
  np.testing.assert_allclose(value, 15.0, rtol=1e-6)
  two_layers = group_spectral([gains, biases, 0 * gains, 0 * biases], jnp.array([0.5, 1.5]))
  np.testing.assert_allclose(two_layers, 7.5, rtol=1e-6)


def test_the_gradient_shrinks_the_largest_direction_and_is_finite_at_zero():
  gradient = jax.grad(lambda e: group_spectral([e], jnp.ones(3)))
  # The second class is zero; the third has equal singular values, without a unique direction.
  found = np.array(gradient(jnp.array([[3.0, 0, 0, 2.0], [0, 0, 0, 0], [1.0, 0, 0, 1.0]])))
  assert np.isfinite(found).all()
  np.testing.assert_allclose(found[0], [4 * 3 / 3, 0, 0, 0], atol=1e-5)
  np.testing.assert_array_equal(found[1], 0)
  assert np.abs(found[2]).max() > 0
