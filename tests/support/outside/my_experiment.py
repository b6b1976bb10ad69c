"""The embedded example as a least squares GAN, with a metric of its brightness."""

import jax.numpy as jnp

from experiments import fashion_lt
import jaxgan
from jaxgan.config.overrides import changed


def discriminator(real_logits, fake_logits):
  """Returns E (D(x) - 1)² + E D(G(z))², Equation 2 of Mao et al. 2017 times 2."""
  return jnp.mean(jnp.square(real_logits - 1.0)) + jnp.mean(jnp.square(fake_logits))


def generator(real_logits, fake_logits):
  """Returns E (D(G(z)) - 1)²."""
  del real_logits
  return jnp.mean(jnp.square(fake_logits - 1.0))


def brightness(seen):
  """Returns the mean intensity of the generated images, in [0, 1]."""
  return seen.images.mean() / 255


jaxgan.register_loss('least_squares', (discriminator, generator))
jaxgan.register_metric('brightness', brightness, 'mean intensity of the images', periodic=True)


def get_config(argument: str = ''):
  """Returns `fashion_lt` with this loss and a separate work directory."""
  changes = {
    'experiment': 'fashion_least_squares',
    'workdir': 'runs/fashion_least_squares',
    'algorithm.loss': 'least_squares',
  }
  return changed(fashion_lt.get_config(argument), changes)
