"""State and constants of GAN training; see `jaxgan.algorithms.gan`."""

from collections.abc import Callable
from typing import Any, NamedTuple

from flax import struct
import optax

from jaxgan.algorithms import gan_methods


class GanState(struct.PyTreeNode):
  """Everything that GAN training changes.

  `generator`, `discriminator` and `ema` are Flax variables: parameters, and as `batch_stats` the
  batch-norm statistics (generator) and spectral-norm vectors. The discriminator's variables also
  hold the memories of its regularisers. `counts` are the effective class counts N and
  `cycle_counts` the c of the current cycle, both `[K]`, or None without a classifier in the loop.
  """

  step: Any
  generator: Any
  discriminator: Any
  ema: Any
  generator_optimizer: Any
  discriminator_optimizer: Any
  counts: Any
  cycle_counts: Any


class Parts(NamedTuple):
  """Constants of training, which the functions of `gan` read."""

  config: gan_methods.GanConfig
  method: gan_methods.GanMethod
  generator: Any
  discriminator: Any
  optimizer: optax.GradientTransformation
  image_shape: tuple[int, int, int]
  num_classes: int
  classify: Callable | None
