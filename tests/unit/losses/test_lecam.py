"""LeCam regularisation against values worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.losses.lecam import initial_averages, lecam, update_averages

REAL, FAKE = jnp.array([1.0, 3.0]), jnp.array([-1.0, 0.0])


def _ratio(averages, name):
  return averages[name] / averages['weight']


def test_averages_follow_equation_5_and_correct_the_bias_of_the_start():
  first = update_averages(initial_averages(), REAL, FAKE, 0.9)
  np.testing.assert_allclose([first['real'], first['weight']], [0.2, 0.1], rtol=1e-6)
  np.testing.assert_allclose([_ratio(first, 'real'), _ratio(first, 'fake')], [2, -0.5], rtol=1e-6)
  second = update_averages(first, REAL + 2, FAKE, 0.9)  # Mean 4.
  np.testing.assert_allclose(_ratio(second, 'real'), (0.9 * 2 + 4) / 1.9, rtol=1e-6)
  np.testing.assert_allclose(_ratio(second, 'fake'), -0.5, rtol=1e-6)


@pytest.mark.parametrize('transform', [lambda f: f, jax.jit])
def test_logits_are_held_to_the_average_of_the_opposite_kind(transform):
  averages = {'real': jnp.array(1.0), 'fake': jnp.array(-0.5), 'weight': jnp.array(0.5)}
  # α_R = 2, α_F = -1: E(2², 4²) + E(3², 2²).
  np.testing.assert_allclose(transform(lecam)(REAL, FAKE, averages), 10.0 + 6.5)


def test_no_gradient_passes_through_the_averages():
  def loss(real, fake):
    return lecam(real, fake, update_averages(initial_averages(), real, fake, 0.9))

  # 2 (D - α) / N with the averages of this batch, α_F = -0.5 and α_R = 2.
  real, fake = jax.grad(loss, (0, 1))(REAL, FAKE)
  np.testing.assert_allclose(real, [1.5, 3.5], rtol=1e-6)
  np.testing.assert_allclose(fake, [-3, -2], rtol=1e-6)
