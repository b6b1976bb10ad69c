"""CIFAR-style residual networks (He et al. 2016, §4.2), the papers' classifiers and annotators.

Depth 6n + 2: a 3x3 convolution, three stages of n basic blocks with `width`, 2·`width` and
4·`width` filters (the first block of stages two and three halves the resolution), global average
pool, dense layer. Shortcuts have no parameters: where the shape changes they take every second
pixel and pad the new channels with zeros (option A). ResNet-32 has n = 5 and width 16.
"""

from typing import Any

from flax import linen as nn
import jax
import jax.numpy as jnp

from jaxgan.networks.layers import Conv, batch_norm

_kaiming = nn.initializers.variance_scaling(2.0, 'fan_in', 'normal')


class ResNet(nn.Module):
  """Residual network: images `[N, S, S, C]` in [-1, 1] to (logits `[N, K]`, features `[N, 4W]`)."""

  num_classes: int
  depth: int = 32
  width: int = 16
  dtype: Any = jnp.float32

  @nn.compact
  def __call__(self, images: jax.Array, train: bool) -> tuple[jax.Array, jax.Array]:
    """Returns logits and features."""

    def conv_norm(x, features, stride):
      x = Conv(features, 3, stride, use_bias=False, kernel_init=_kaiming, dtype=self.dtype)(x)
      return batch_norm(train, self.dtype)(x)

    x = nn.relu(conv_norm(images.astype(self.dtype), self.width, 1))
    for stage in range(3):
      for block in range((self.depth - 2) // 6):
        features = self.width * 2**stage
        stride = 2 if stage > 0 and block == 0 else 1
        y = nn.relu(conv_norm(x, features, stride))
        y = conv_norm(y, features, 1)
        new_channels = features - x.shape[-1]
        pad = (new_channels // 2, new_channels - new_channels // 2)
        shortcut = jnp.pad(x[:, ::stride, ::stride], ((0, 0), (0, 0), (0, 0), pad))
        x = nn.relu(shortcut + y)
    features = x.astype(jnp.float32).mean(axis=(1, 2))
    return nn.Dense(self.num_classes, kernel_init=_kaiming)(features), features
