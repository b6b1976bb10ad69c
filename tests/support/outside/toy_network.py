"""A GAN's networks: generator and discriminator have one hidden layer of 8 units."""

import math

from flax import linen as nn
import jax.numpy as jnp

import jaxgan
from jaxgan.networks.conditional import HEADS, batch_norm
from jaxgan.networks.gans import Network
from jaxgan.networks.layers import normaliser


class Generator(nn.Module):
  """Noise and perhaps labels -> images in [-1, 1]."""

  image_shape: tuple[int, int, int]
  num_classes: int | None

  @nn.compact
  def __call__(self, noise, labels=None, *, train: bool):
    norm = batch_norm(labels, self.num_classes, train=train, spectral_norm=False, dtype=jnp.float32)
    x = norm(nn.Dense(8)(noise).reshape(-1, 1, 1, 8)).reshape(-1, 8)
    return jnp.tanh(nn.Dense(math.prod(self.image_shape))(x)).reshape(-1, *self.image_shape)


class Discriminator(nn.Module):
  """Images and perhaps labels -> (logits, class logits or None)."""

  head: str
  num_classes: int | None

  @nn.compact
  def __call__(self, images, labels=None, *, train: bool):
    normalised = normaliser(True, train)
    x = nn.leaky_relu(normalised(nn.Dense(8), images.reshape(len(images), -1)))
    return HEADS[self.head](x, labels, self.num_classes, normalised)


def make(config, image_shape, conditional, head, num_classes):
  """Returns both networks for images of a shape; see `jaxgan.networks.gans.Network`."""
  del config
  return Generator(image_shape, num_classes if conditional else None), Discriminator(
    head, num_classes
  )


jaxgan.register_network('toy_layers', Network(make, check=lambda image_size: None))
