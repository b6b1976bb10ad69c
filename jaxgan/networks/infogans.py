"""The networks that an InfoGAN can be made of, by their name in a configuration."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flax import linen as nn
import jax.numpy as jnp

from jaxgan.networks import mnist, stackgan
from jaxgan.system.registry import Registry


class Network(NamedTuple):
  """Generator, trunk and heads that belong together, in one or several stages.

  Every stage has an image of its own, and a trunk and heads of its own that see it. The last
  stage's image is the one that is wanted. Functions make Flax modules; of the `algorithm` section
  they read `width`, where the network has one, and `dtype`.

  Attributes:
    generator: `generator(config, image_shape, code_dim, activation)`: inputs `[N, Z]`, the last
      `code_dim` of them the code, to a tuple of images `[N, H, W, C]`, one a stage.
    trunk: `trunk(config)`: images of a stage to features `[N, ...]`.
    discriminator_head: `discriminator_head()`: features to logits `[N]`.
    recognition_head: `recognition_head(config, num_categories, num_continuous)`: features to
      logits `[N, k]`, a prediction `[N, r]` and contrastive features `[N, D]`.
    check: `check(image_size)` raises a UserError where the networks cannot take such images.
    num_stages: how many.
    has_width: whether `width` changes them.
  """

  generator: Callable
  trunk: Callable
  discriminator_head: Callable
  recognition_head: Callable
  check: Callable
  num_stages: int = 1
  has_width: bool = True


class Stages(nn.Module):
  """A network for each stage: a tuple of inputs, one a stage, to the tuple of their outputs.

  The variables of a single one are its own, without a name for the stage.
  """

  networks: tuple[nn.Module, ...]

  def setup(self):
    if len(self.networks) == 1:
      nn.share_scope(self, self.networks[0])

  def __call__(self, inputs, **mode):
    return tuple(network(x, **mode) for network, x in zip(self.networks, inputs, strict=True))


class Encoder(nn.Module):
  """Encoder of the VAE baseline, a trunk with a dense layer on it; the paper prints none.

  Images `[N, S, S, C]` to mean `[N, D]` and log-variance `[N, D]` of the continuous latent, and
  logits `[N, k]` of the categorical one. `trunk()` makes the trunk.
  """

  trunk: Callable
  num_categories: int
  latent_dim: int

  @nn.compact
  def __call__(self, images, train: bool):
    features = self.trunk()(images, train)
    features = features.reshape(features.shape[0], -1).astype(jnp.float32)
    num_outputs = 2 * self.latent_dim + self.num_categories
    outputs = nn.Dense(num_outputs, kernel_init=nn.initializers.normal(0.02))(features)
    return tuple(jnp.split(outputs, (self.latent_dim, 2 * self.latent_dim), axis=-1))


def _dtype(config) -> Any:
  return jnp.dtype(config.dtype)


def _mnist_generator(config, image_shape, code_dim, activation):
  del code_dim
  size, _, channels = image_shape
  return mnist.Generator(size, channels, activation, _dtype(config))


def _mnist_recognition_head(config, num_categories, num_continuous):
  return mnist.RecognitionHead(num_categories, num_continuous, _dtype(config))


def _stackgan_recognition_head(config, num_categories, num_continuous):
  return stackgan.RecognitionHead(num_categories, num_continuous, _dtype(config))


def _stackgan(num_stages):
  def generator(config, image_shape, code_dim, activation):
    dtype, width, channels = _dtype(config), config.width, image_shape[-1]
    return stackgan.Generator(channels, code_dim, num_stages, width, activation, dtype)

  return Network(
    generator=generator,
    trunk=lambda config: stackgan.Trunk(config.width, _dtype(config)),
    discriminator_head=stackgan.DiscriminatorHead,
    recognition_head=_stackgan_recognition_head,
    check=stackgan.check_image_size,
    num_stages=num_stages,
  )


_MNIST = Network(
  generator=_mnist_generator,
  trunk=lambda config: mnist.Trunk(_dtype(config)),
  discriminator_head=mnist.DiscriminatorHead,
  recognition_head=_mnist_recognition_head,
  check=mnist.image_quarter,
  has_width=False,
)
NETWORKS = Registry(
  'network of InfoGANs',
  {'mnist': _MNIST, 'stackgan': _stackgan(1), 'stackgan_two_stage': _stackgan(2)},
)
