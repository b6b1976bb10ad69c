"""Networks of a layer or two, registered by names that a configuration can choose.

They compile at once. For the time of a session `tests.conftest` imports this module, as the module
of a user that registers its networks.

Tests of training seldom depend on the layers. These networks have the interface of the published
ones: batch norm, spectral norm, labels, heads and features.
"""

from collections.abc import Callable
import math
from typing import Any

from flax import linen as nn
import jax.numpy as jnp

from jaxgan.algorithms import classifier
from jaxgan.networks import gans, infogans
from jaxgan.networks.conditional import HEADS, batch_norm
from jaxgan.networks.layers import normaliser
from tests.support.registered import SMALL, SMALL_CLASSIFIER


class _Layer(nn.Module):
  """A dense layer with batch norm, from any input to a vector of `features`."""

  features: int

  @nn.compact
  def __call__(self, x, train):
    x = nn.Dense(self.features)(x.reshape(x.shape[0], -1))
    return nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)


class Generator(nn.Module):
  image_shape: tuple[int, int, int]
  num_classes: int | None
  dtype: Any
  spectral_norm: bool

  @nn.compact
  def __call__(self, noise, labels=None, *, train: bool):
    normalised, dtype = normaliser(self.spectral_norm, train), self.dtype
    norm = batch_norm(
      labels, self.num_classes, train=train, spectral_norm=self.spectral_norm, dtype=dtype
    )
    x = normalised(nn.Dense(16, dtype=dtype), noise).reshape(-1, 2, 2, 4)
    x = nn.leaky_relu(norm(x)).reshape(-1, 16)
    x = normalised(nn.Dense(math.prod(self.image_shape), dtype=dtype), x)
    return jnp.tanh(x.astype(jnp.float32)).reshape(-1, *self.image_shape)


class Discriminator(nn.Module):
  head: str
  num_classes: int | None
  dtype: Any

  @nn.compact
  def __call__(self, images, labels=None, *, train: bool):
    normalised = normaliser(True, train)
    x = images.reshape(len(images), -1).astype(self.dtype)
    x = nn.leaky_relu(normalised(nn.Dense(8, dtype=self.dtype), x)).astype(jnp.float32)
    return HEADS[self.head](x, labels, self.num_classes, normalised)


class Classifier(nn.Module):
  num_classes: int

  @nn.compact
  def __call__(self, images, train: bool):
    features = nn.relu(_Layer(16)(images, train))
    return nn.Dense(self.num_classes)(features), features


class _CodesGenerator(nn.Module):
  image_shape: tuple[int, int, int]
  activation: Callable

  @nn.compact
  def __call__(self, codes, train: bool):
    x = _Layer(math.prod(self.image_shape))(codes, train)
    return (self.activation(x).reshape(-1, *self.image_shape),)


class _DiscriminatorHead(nn.Module):
  @nn.compact
  def __call__(self, features):
    return nn.Dense(1)(features)[:, 0]


class _RecognitionHead(nn.Module):
  num_categories: int
  num_continuous: int

  @nn.compact
  def __call__(self, features, train: bool):
    x = nn.leaky_relu(_Layer(8)(features, train))
    num_outputs = self.num_categories + self.num_continuous
    outputs = nn.Dense(num_outputs, kernel_init=nn.initializers.normal(0.02))(x)
    return outputs[:, : self.num_categories], outputs[:, self.num_categories :], x


def _make_gan(config, image_shape, conditional, head, num_classes):
  classes, dtype = num_classes if conditional else None, jnp.dtype(config.dtype)
  generator = Generator(image_shape, classes, dtype, config.generator_spectral_norm)
  return generator, Discriminator(head, num_classes, dtype)


classifier.NETWORKS.register(SMALL_CLASSIFIER, lambda num_classes, config: Classifier(num_classes))
gans.NETWORKS.register(SMALL, gans.Network(_make_gan, lambda image_size: None))
infogans.NETWORKS.register(
  SMALL,
  infogans.Network(
    generator=lambda config, shape, code_dim, activation: _CodesGenerator(shape, activation),
    trunk=lambda config: _Layer(8),
    discriminator_head=_DiscriminatorHead,
    recognition_head=lambda config, *sizes: _RecognitionHead(*sizes),
    check=lambda image_size: None,
    has_width=False,
  ),
)
