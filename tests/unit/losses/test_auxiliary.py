"""Losses of the auxiliary classifier against values worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.losses import auxiliary

REAL = jnp.log(jnp.array([[0.5, 0.5], [0.25, 0.75]]))
FAKE = jnp.log(jnp.array([[0.2, 0.8], [0.9, 0.1]]))


@pytest.mark.parametrize('transform', [lambda f: f, jax.jit])
def test_values(transform):
  real_labels, fake_labels = jnp.array([0, 1]), jnp.array([1, 1])
  # Real: probabilities 1/2 and 3/4 of the right class; generated: 4/5 and 1/10.
  of_real, of_fake = -np.log(0.5 * 0.75) / 2, -np.log(0.8 * 0.1) / 2
  value = transform(auxiliary.auxiliary_discriminator)(REAL, real_labels, FAKE, fake_labels)
  np.testing.assert_allclose(value, of_real + of_fake, rtol=1e-6)
  value = transform(auxiliary.auxiliary_generator)(FAKE, fake_labels)
  np.testing.assert_allclose(value, of_fake, rtol=1e-6)


def test_generator_descends_by_raising_the_logit_of_its_label():
  gradient = jax.grad(auxiliary.auxiliary_generator)(FAKE, jnp.array([1, 1]))
  assert (gradient[:, 1] < 0).all()
  assert (gradient[:, 0] > 0).all()
