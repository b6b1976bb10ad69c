"""An adversarial loss: "Least Squares Generative Adversarial Networks", Mao et al. 2017."""

import jax.numpy as jnp

from jaxgan.losses.adversarial import LOSSES


def discriminator(real_logits, fake_logits):
  """Returns E (D(x) - 1)² + E D(G(z))²."""
  return jnp.mean(jnp.square(real_logits - 1.0)) + jnp.mean(jnp.square(fake_logits))


def generator(real_logits, fake_logits):
  """Returns E (D(G(z)) - 1)²."""
  del real_logits
  return jnp.mean(jnp.square(fake_logits - 1.0))


LOSSES.register('toy_least_squares', (discriminator, generator))
