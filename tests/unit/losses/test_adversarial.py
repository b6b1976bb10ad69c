"""Adversarial losses against values worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.losses import adversarial

LOG2 = 0.6931471805599453


@pytest.mark.parametrize('transform', [lambda f: f, jax.jit])
@pytest.mark.parametrize(
  ('loss', 'expected'),
  [
    # D(x) = (2, 0), D(G(z)) = (0, 0): differences 2 and 0; softplus(-2) = 0.126928.
    (adversarial.relativistic_discriminator, (0.126928 + LOG2) / 2),
    # softplus(2) = 2.126928.
    (adversarial.relativistic_generator, (2.126928 + LOG2) / 2),
    # max(0, 1 - 2) = 0, max(0, 1 - 0) = 1; max(0, 1 + 0) = 1 twice.
    (adversarial.hinge_discriminator, 0.5 + 1.0),
    (adversarial.hinge_generator, 0.0),
    (adversarial.non_saturating_discriminator, (0.126928 + LOG2) / 2 + LOG2),
    (adversarial.non_saturating_generator, LOG2),
  ],
)
def test_values(loss, expected, transform):
  value = transform(loss)(jnp.array([2.0, 0.0]), jnp.array([0.0, 0.0]))
  assert value.shape == ()
  np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_relativistic_losses_swap_real_and_fake():
  real, fake = jnp.array([0.3, -2.0, 5.0]), jnp.array([1.0, 0.5, -1.0])
  np.testing.assert_allclose(
    adversarial.relativistic_generator(real, fake),
    adversarial.relativistic_discriminator(fake, real),
  )


def test_relativistic_loss_is_finite_for_large_logits():
  big = jnp.array([1e4])
  np.testing.assert_allclose(adversarial.relativistic_discriminator(-big, big), 2e4)


def test_relativistic_loss_refuses_to_broadcast():
  with pytest.raises(ValueError, match=r'\(3,\) .* \(3, 1\): expected the same shape'):
    adversarial.relativistic_discriminator(jnp.zeros(3), jnp.zeros((3, 1)))


@pytest.mark.parametrize(
  'loss',
  [
    adversarial.relativistic_generator,
    adversarial.hinge_generator,
    adversarial.non_saturating_generator,
  ],
)
def test_generator_descends_by_raising_its_logits(loss):
  gradient = jax.grad(loss, argnums=1)(jnp.zeros(4), jnp.zeros(4))
  assert (gradient < 0).all()
