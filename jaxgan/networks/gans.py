"""Networks of GANs by their name in a configuration."""

from collections.abc import Callable
import functools
from typing import NamedTuple

import jax.numpy as jnp

from jaxgan.networks import sndcgan, snresgan
from jaxgan.system.registry import Registry


class Network(NamedTuple):
  """A pair of generator and discriminator.

  Attributes:
    make: `make(config, image_shape, conditional, head, num_classes) -> (generator,
      discriminator)`, Flax modules for images (H, W, C). It reads the widths,
      `generator_spectral_norm` and `dtype` of the `algorithm` section. `generator(noise, labels,
      train)` gets labels if it is `conditional`, else None. `discriminator(images, labels, train)
      -> (logits, class logits or None)` has a head of `jaxgan.networks.conditional.HEADS`.
    check: `check(image_size)` raises a UserError if the network does not support the size.
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
  """SNResGAN; `widths(config, stages)`: channels of both networks, number of halving blocks."""
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
  """Tables 8 and 9: widths double towards the 4x4 end, where an additional block keeps the size."""
  factors = [2**stage for stage in range(stages + 1)]
  up = tuple(config.generator_width * factor for factor in reversed(factors))
  return up, tuple(config.discriminator_width * factor for factor in factors), stages


def _constant(config, stages):
  """Miyato et al. 2018, Table 4: constant widths, and a discriminator of four blocks."""
  return (config.generator_width,) * (stages + 1), (config.discriminator_width,) * 4, 2


NETWORKS = Registry(
  'network of GANs',
  {
    'sndcgan': Network(_sndcgan, sndcgan.num_stages),
    'snresgan': Network(functools.partial(_snresgan, _doubling), sndcgan.num_stages),
    'snresgan_cifar': Network(functools.partial(_snresgan, _constant), sndcgan.num_stages),
  },
)
