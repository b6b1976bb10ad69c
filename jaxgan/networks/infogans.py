"""The networks that an InfoGAN can be made of, by their name in a configuration."""

from collections.abc import Callable
from typing import NamedTuple

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


def _stackgan(num_stages):
  return Network(
    generator=lambda config, image_shape, code_dim, activation: stackgan.Generator(
      image_shape[-1], code_dim, num_stages, config.width, activation, jnp.dtype(config.dtype)
    ),
    trunk=lambda config: stackgan.Trunk(config.width, jnp.dtype(config.dtype)),
    discriminator_head=stackgan.DiscriminatorHead,
    recognition_head=lambda config, *sizes: stackgan.RecognitionHead(
      *sizes, jnp.dtype(config.dtype)
    ),
    check=stackgan.check_image_size,
    num_stages=num_stages,
  )


_MNIST = Network(
  generator=lambda config, image_shape, code_dim, activation: mnist.Generator(
    image_shape[0], image_shape[-1], activation, jnp.dtype(config.dtype)
  ),
  trunk=lambda config: mnist.Trunk(jnp.dtype(config.dtype)),
  discriminator_head=mnist.DiscriminatorHead,
  recognition_head=lambda config, *sizes: mnist.RecognitionHead(*sizes, jnp.dtype(config.dtype)),
  check=mnist.image_quarter,
  has_width=False,
)
NETWORKS = Registry(
  'network of InfoGANs',
  {'mnist': _MNIST, 'stackgan': _stackgan(1), 'stackgan_two_stage': _stackgan(2)},
)
