"""The networks that a GAN can be made of, by their name in a configuration."""

from collections.abc import Callable
import functools
from typing import NamedTuple

import jax.numpy as jnp

from jaxgan.networks import sndcgan, snresgan
from jaxgan.system.registry import Registry


class Network(NamedTuple):
  """A generator and a discriminator that belong together.

  Attributes:
    make: `make(config, image_shape, conditional, head, num_classes) -> (generator,
      discriminator)`, Flax modules for images (H, W, C); of the `algorithm` section it reads the
      widths, `generator_spectral_norm` and `dtype`. `generator(noise, labels, train)` takes labels
      if it is `conditional`, else None; `discriminator(images, labels, train) -> (logits, class
      logits or None)` has a head of `jaxgan.networks.conditional.HEADS`.
    check: `check(image_size)` raises a UserError where the network cannot make such images.
  """

  make: Callable
  check: Callable


def _sndcgan(config, image_shape, conditional, head, num_classes):
  size, _, channels = image_shape
  classes, dtype = num_classes if conditional else None, jnp.dtype(config.dtype)
  return (
    sndcgan.Generator(
      size, channels, config.generator_width, classes, dtype, config.generator_spectral_norm
    ),
    sndcgan.Discriminator(config.discriminator_width, head, num_classes, dtype),
  )


def _snresgan(widths, config, image_shape, conditional, head, num_classes):
  """`widths(config, stages)`: channels of the generator, of the discriminator, how many halve."""
  size, _, channels = image_shape
  classes, dtype = num_classes if conditional else None, jnp.dtype(config.dtype)
  stages = sndcgan.num_stages(size)
  up, down, num_down = widths(config, stages)
  return (
    snresgan.Generator(
      up, channels, classes, dtype, config.generator_spectral_norm, size >> stages
    ),
    snresgan.Discriminator(down, num_down, head, num_classes, dtype),
  )


def _doubling(config, stages):
  """Tables 8 and 9: widths double towards the 4x4 end, where one more block keeps the size."""
  factors = [2**stage for stage in range(stages + 1)]
  up = tuple(config.generator_width * factor for factor in reversed(factors))
  return up, tuple(config.discriminator_width * factor for factor in factors), stages


def _constant(config, stages):
  """Miyato et al. 2018, Table 4: one width, and a discriminator of four blocks."""
  return (config.generator_width,) * (stages + 1), (config.discriminator_width,) * 4, 2


NETWORKS = Registry(
  'network of GANs',
  {
    'sndcgan': Network(_sndcgan, sndcgan.num_stages),
    'snresgan': Network(functools.partial(_snresgan, _doubling), sndcgan.num_stages),
    'snresgan_cifar': Network(functools.partial(_snresgan, _constant), sndcgan.num_stages),
  },
)
