"""Networks of InfoGANs by their name in a configuration."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flax import linen as nn
import jax
import jax.numpy as jnp

from jaxgan.networks import mnist, stackgan
from jaxgan.system.registry import Registry


class Network(NamedTuple):
  """A set of generator, trunk and heads, in one or several stages.

  Every stage has one image, and one trunk with its heads that read this image. The last stage's
  image is the result. The functions build Flax modules; they read `dtype` and, if `has_width`,
  `width` of the `algorithm` section.

  Attributes:
    generator: `generator(config, image_shape, code_dim, activation)`: inputs `[N, Z]`, the last
      `code_dim` of them the code, to a tuple of images `[N, H, W, C]`, one per stage.
    trunk: `trunk(config)`: images of a stage to features `[N, ...]`.
    discriminator_head: `discriminator_head()`: features to logits `[N]`.
    recognition_head: `recognition_head(config, num_categories, num_continuous)`: features to
      logits `[N, k]`, a prediction `[N, r]` and contrastive features `[N, D]`.
    check: `check(image_size)` raises a UserError if the networks do not support the size.
    num_stages: number of stages.
    has_width: whether the networks depend on `width`.
  """

  generator: Callable
  trunk: Callable
  discriminator_head: Callable
  recognition_head: Callable
  check: Callable
  num_stages: int = 1
  has_width: bool = True


class Stages(nn.Module):
  """One network per stage: maps a tuple of inputs to the tuple of outputs, one per stage.

  The variables of a single network have no prefix for the stage.
  """

  networks: tuple[nn.Module, ...]

  def setup(self) -> None:
    """Shares the scope of a single network."""
    if len(self.networks) == 1:
      nn.share_scope(self, self.networks[0])

  def __call__(self, inputs: tuple, **mode: Any) -> tuple:
    """Applies each network to the input of its stage."""
    return tuple(network(x, **mode) for network, x in zip(self.networks, inputs, strict=True))


class Encoder(nn.Module):
  """Encoder of the VAE baseline, a trunk followed by a dense layer; the paper specifies none.

  Images `[N, S, S, C]` to mean `[N, D]` and log-variance `[N, D]` of the continuous latent, and
  logits `[N, k]` of the categorical latent. `trunk()` builds the trunk.
  """

  trunk: Callable
  num_categories: int
  latent_dim: int

  @nn.compact
  def __call__(self, images: jax.Array, train: bool) -> tuple[jax.Array, ...]:
    """Returns mean, log-variance and logits."""
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
      *sizes, dtype=jnp.dtype(config.dtype)
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
  recognition_head=lambda config, *sizes: mnist.RecognitionHead(
    *sizes, dtype=jnp.dtype(config.dtype)
  ),
  check=mnist.image_quarter,
  has_width=False,
)
NETWORKS = Registry(
  'network of InfoGANs',
  {'mnist': _MNIST, 'stackgan': _stackgan(1), 'stackgan_two_stage': _stackgan(2)},
)
