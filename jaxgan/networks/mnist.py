"""Networks of Elastic-InfoGAN's MNIST experiment (§4.1 of its supplement), taken from InfoGAN.

For 28x28x1 images, k = 10 categories and 62 noise variables:

| generator                         | trunk of D and Q                     | heads                 |
|-----------------------------------|--------------------------------------|-----------------------|
| dense 72 -> 1024, BN, ReLU        | conv 4x4 s2 1 -> 64, leaky 0.2       | D: dense 1024 -> 1    |
| dense 1024 -> 7·7·128, BN, ReLU   | conv 4x4 s2 64 -> 128, BN, leaky 0.2 | Q: dense 1024 -> 128, |
| deconv 4x4 s2 128 -> 64, BN, ReLU | dense 7·7·128 -> 1024, BN, leaky 0.2 | BN, leaky 0.2,        |
| deconv 4x4 s2 64 -> 1, tanh       |                                      | dense 128 -> k        |

The contrastive features are Q's 128 activations before its last layer, after the leaky ReLU.
Weights start from N(0, 0.02), biases from zero. Batch norm normalises each output of a dense layer
and each channel of a convolution. Other image sizes must be multiples of 4.

See "Elastic-InfoGAN: Unsupervised Disentangled Representation Learning in Class-Imbalanced Data",
Ojha et al. 2020, and "InfoGAN", Chen et al. 2016, C.1.
"""

from collections.abc import Callable, Mapping
from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.errors import UserError
from jaxgan.networks import released
from jaxgan.networks.layers import Conv, ConvTranspose, batch_norm

_SLOPE = 0.2
_normal = nn.initializers.normal(0.02)
_uniform = nn.initializers.variance_scaling(1 / 3, 'fan_in', 'uniform')  # PyTorch's default.


def image_quarter(image_size: int) -> int:
  """Side of the feature maps between the strided convolutions and the dense layers.

  Raises:
    UserError: the image size is not a multiple of 4.
  """
  if image_size < 4 or image_size % 4:
    raise UserError(
      f'images must have a multiple of 4 pixels a side, not {image_size}: '
      'change config.data.options.image_size'
    )
  return image_size // 4


class Generator(nn.Module):
  """Generator: noise and codes `[N, Z]` to a tuple of one, images `[N, S, S, channels]`.

  `activation` is the output activation; with tanh the images are in [-1, 1].
  """

  image_size: int
  channels: int
  activation: Callable = jnp.tanh
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, codes: jax.Array, train: bool) -> tuple[jax.Array, ...]:
    """Generates images."""
    size = image_quarter(self.image_size)
    x = codes.astype(self.dtype)
    for features in (1024, size * size * 128):
      x = nn.Dense(features, kernel_init=_normal, dtype=self.dtype)(x)
      x = nn.relu(batch_norm(train, self.dtype)(x))
    x = x.reshape(-1, size, size, 128)
    x = ConvTranspose(64, kernel_init=_normal, dtype=self.dtype)(x)
    x = nn.relu(batch_norm(train, self.dtype)(x))
    x = ConvTranspose(self.channels, kernel_init=_normal, dtype=self.dtype)(x)
    return (self.activation(x.astype(jnp.float32)),)


class Trunk(nn.Module):
  """Shared layers of discriminator and Q: images `[N, S, S, C]` to features `[N, 1024]`."""

  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images: jax.Array, train: bool) -> jax.Array:
    """Returns the features."""
    image_quarter(images.shape[1])
    x = Conv(64, kernel_init=_normal, dtype=self.dtype)(images.astype(self.dtype))
    x = Conv(128, kernel_init=_normal, dtype=self.dtype)(nn.leaky_relu(x, _SLOPE))
    x = nn.leaky_relu(batch_norm(train, self.dtype)(x), _SLOPE)
    x = nn.Dense(1024, kernel_init=_normal, dtype=self.dtype)(x.reshape(x.shape[0], -1))
    return nn.leaky_relu(batch_norm(train, self.dtype)(x), _SLOPE)


class DiscriminatorHead(nn.Module):
  """Discriminator on the trunk: features `[N, 1024]` to real/fake logits `[N]`."""

  @nn.compact
  def __call__(self, features: jax.Array) -> jax.Array:
    """Returns the logits."""
    return nn.Dense(1, kernel_init=_normal)(features.astype(jnp.float32))[:, 0]


class RecognitionHead(nn.Module):
  """Q on the trunk: features `[N, 1024]` to predictions of the codes.

  Returns logits `[N, k]` of the categorical code, a prediction `[N, r]` of the continuous codes
  (r = 0: empty), and the contrastive features `[N, 128]`: the penultimate activations after the
  leaky ReLU.
  """

  num_categories: int
  num_continuous: int = 0
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, features: jax.Array, train: bool) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Returns logits, prediction and contrastive features."""
    x = nn.Dense(128, kernel_init=_normal, dtype=self.dtype)(features)
    x = nn.leaky_relu(batch_norm(train, self.dtype)(x), _SLOPE).astype(jnp.float32)
    outputs = nn.Dense(self.num_categories + self.num_continuous, kernel_init=_normal)(x)
    return outputs[:, : self.num_categories], outputs[:, self.num_categories :], x


class EvaluationClassifier(nn.Module):
  """Classifier of digits: images `[N, H, W, C]` to (logits `[N, K]`, features `[N, 500]`).

  Two 5x5 convolutions with 20 and 50 filters without padding, each with a 2x2 max-pool and ReLU,
  dense 500 with ReLU (the features), dense K: the paper's "2 Conv + 2 FC" in the sizes of its
  released code. Images need 16 pixels a side or more. `train` has no effect.
  """

  num_classes: int
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
    """Returns logits and features."""
    height, width = images.shape[1:3]
    if min(height, width) < 16:  # The second pool would have no output.
      raise UserError(
        f'the network mnist_cnn needs images of 16 pixels a side or more, not {height}x{width}: '
        'use another network or larger images'
      )
    x = images.astype(self.dtype)
    for features in (20, 50):
      x = nn.Conv(features, (5, 5), padding='VALID', kernel_init=_uniform, dtype=self.dtype)(x)
      x = nn.relu(nn.max_pool(x, (2, 2), (2, 2)))
    x = nn.Dense(500, kernel_init=_uniform, dtype=self.dtype)(x.reshape(x.shape[0], -1))
    features = nn.relu(x).astype(jnp.float32)
    return nn.Dense(self.num_classes, kernel_init=_uniform)(features), features


# Layers of the released classifier of 28x28x1 images.
_RELEASED = {'Conv_0': 'conv1', 'Conv_1': 'conv2', 'Dense_0': 'fc1', 'Dense_1': 'fc2'}


def evaluation_classifier_variables(arrays: Mapping[str, np.ndarray]) -> dict:
  """Builds the variables of an EvaluationClassifier from the released tensors.

  Args:
    arrays: name in the PyTorch state_dict -> array: weight and bias of conv1, conv2, fc1, fc2.

  Returns:
    Variables of `EvaluationClassifier(10)`, for images 28x28x1 in [-1, 1].

  Raises:
    UserError: a tensor is missing or unknown, has another shape or is not floating-point.
  """
  names = [f'{layer}.{leaf}' for layer in _RELEASED.values() for leaf in ('weight', 'bias')]
  if set(arrays) != set(names):
    raise UserError(
      f'the weights of the MNIST classifier are {", ".join(names)}, '
      f'not {", ".join(sorted(arrays)) or "none"}'
    )

  def read(path, shape):
    layer, leaf = path
    name = f'{_RELEASED[layer]}.{released.torch_leaf(leaf)}'
    array = released.torch_array(arrays, name, shape, 'the MNIST classifier')
    if name == 'fc1.weight':
      # PyTorch flattens [channel, height, width], this network [height, width, channel].
      array = array.reshape(50, 4, 4, 500).transpose(1, 2, 0, 3).reshape(800, 500)
    return array

  return released.place(released.shapes(EvaluationClassifier(10), (28, 28, 1), train=False), read)
