"""The networks that a GAN can be made of, by their name in a configuration."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from jaxgan.networks import sndcgan


class Network(NamedTuple):
  """A generator and a discriminator that belong together.

  Attributes:
    make: `make(config, image_shape, conditional, head, num_classes) -> (generator,
      discriminator)`, Flax modules for images (H, W, C); of the `algorithm` section it reads the
      widths and `dtype`. `generator(noise, labels, train)` takes labels if it is `conditional`,
      else None; `discriminator(images, labels, train) -> (logits, class logits or None)` has a
      head of `jaxgan.networks.conditional.HEADS`.
    check: `check(image_size)` raises a UserError where the network cannot make such images.
  """

  make: Callable
  check: Callable


def _sndcgan(config, image_shape, conditional, head, num_classes):
  size, _, channels = image_shape
  classes, dtype = num_classes if conditional else None, jnp.dtype(config.dtype)
  return (
    sndcgan.Generator(size, channels, config.generator_width, classes, dtype),
    sndcgan.Discriminator(config.discriminator_width, head, num_classes, dtype),
  )


NETWORKS = {'sndcgan': Network(_sndcgan, sndcgan.num_stages)}
