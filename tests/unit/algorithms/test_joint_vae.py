"""JointVAE: its three losses and its capacities, worked out by hand."""

import math

import jax.numpy as jnp
import numpy as np

from jaxgan.algorithms import joint_vae as module
from jaxgan.config.overrides import changed


def test_reconstruction_sums_over_pixels():
  """v = 1 at σ(l) = 1/2 costs log 2 per pixel; σ(l) = v = 3/4 costs the entropy of 3/4."""
  ones = jnp.ones((5, 2, 3, 1))
  loss = module.reconstruction_loss(0.0 * ones, ones)
  np.testing.assert_allclose(loss, 6 * math.log(2), rtol=1e-6)
  entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
  loss = module.reconstruction_loss(math.log(3.0) * ones, 0.5 * ones)
  np.testing.assert_allclose(loss, 6 * entropy, rtol=1e-6)


def test_normal_divergence():
  assert float(module.normal_divergence(jnp.zeros((4, 3)), jnp.zeros((4, 3)))) == 0.0
  # N(1, 1) costs 1/2 per latent, N(0, 4) costs (4 - 1 - log 4) / 2; each is half of the images.
  mean = jnp.array([[1.0, 1.0], [0.0, 0.0]])
  log_variance = jnp.array([[0.0, 0.0], [1.0, 1.0]]) * math.log(4.0)
  expected = 0.5 * (2 * 0.5 + 2 * 0.5 * (3 - math.log(4.0)))
  np.testing.assert_allclose(module.normal_divergence(mean, log_variance), expected, rtol=1e-6)


def test_categorical_divergence():
  np.testing.assert_allclose(module.categorical_divergence(jnp.full((4, 5), 3.0)), 0.0, atol=1e-6)
  certain = jnp.array([[0.0, 500.0, 0.0]])
  np.testing.assert_allclose(module.categorical_divergence(certain), math.log(3), rtol=1e-6)
  halves = jnp.array([[0.0, 0.0, -500.0]])
  np.testing.assert_allclose(module.categorical_divergence(halves), math.log(1.5), rtol=1e-6)


def test_capacities_grow_linearly_and_the_category_stops_at_log_k():
  config = module.JointVaeConfig(continuous_capacity=30.0, capacity_steps=100)
  log_10 = 2.302585
  for step, expected in (
    (0, (0.0, 0.0)),
    (20, (6.0, 1.0)),
    (46, (13.8, 2.3)),
    (50, (15.0, log_10)),
    (100, (30.0, log_10)),
    (1000, (30.0, log_10)),
  ):
    np.testing.assert_allclose(module.capacities(config, step, 10), expected, rtol=1e-6)
  config = changed(config, {'discrete_capacity': 1.5})
  np.testing.assert_allclose(module.capacities(config, 200, 10), (30.0, 1.5), rtol=1e-6)
