"""Training algorithms: a few pure functions over one pytree each."""

from collections.abc import Callable, Iterable
import functools
from typing import Any, NamedTuple

from flax import linen as nn
import jax
import jax.numpy as jnp
import optax

from jaxgan.config.section import Decay, Dtype, Positive, Section, field

# Sampling of training images -> whether batches are balanced, see `order.balanced_positions`.
BATCHES = {'instance_balanced': False, 'class_balanced': True}


class Batch(NamedTuple):
  """Training images of a step.

  Attributes:
    images: float32 `[B, H, W, C]` in [-1, 1].
    labels: int32 `[B]`; None if nothing reads them.
    class_counts: int32 `[K]`, images per class in the data that the batch is drawn from; None if
      nothing reads them.
  """

  images: Any
  labels: Any = None
  class_counts: Any = None


class Algorithm(NamedTuple):
  """A training algorithm as a few pure functions, in the style of an optax transformation.

  Attributes:
    init: `init(rng) -> state`, a pytree of exactly the arrays that training changes; `state.step`
      counts the updates.
    update: `update(state, batch, frozen, rng) -> (state, metrics)`, one optimisation step on a
      Batch. `frozen` is a dict of arrays that the step reads and nothing changes; replicas share
      them.
    generate: `generate(state, rng, num_images, ema=True) -> images` in [-1, 1], in inference mode;
      None for algorithms that generate nothing. Conditional generators also accept `labels`, an
      InfoGAN `codes`; None samples them.
    classify: `classify(variables, images) -> (logits, features)` in inference mode, with
      `variables = state.variables`; None for algorithms that classify nothing.
    images_per_update: batches of `batch_size` images that an update reads.
    class_conditional: whether `generate` accepts `labels` `[num_images]`, the classes of the
      images; with None all classes are equally likely.
    class_balanced: whether its batches must contain every class equally often.
    settled: `settled(state) -> state`, called once before `generate`: gives the averaged generator
      the batch-norm statistics for evaluation.
    draw: `draw(state, rng, num_images) -> (noise, condition)`, the random inputs of `generate`; the
      condition is its labels or codes, or None. None for algorithms that generate nothing.
    decode: `decode(state, noise, condition) -> images` in [-1, 1] of the averaged generator, so
      that `generate(state, rng, n) = decode(state, *draw(state, rng, n))`.
  """

  init: Callable
  update: Callable
  generate: Callable | None = None
  classify: Callable | None = None
  images_per_update: int = 1
  class_conditional: bool = False
  class_balanced: bool = False
  settled: Callable = lambda state: state
  draw: Callable | None = None
  decode: Callable | None = None


def with_statistics(variables: Any) -> dict[str, Any]:
  """Adds the collection `batch_stats`, empty, to the variables of a network that has none."""
  return {'batch_stats': {}, **variables}


def apply_train(network: nn.Module, params: Any, batch_stats: Any, *inputs: Any) -> tuple[Any, Any]:
  """Applies a network with the batch's statistics: (outputs, new running statistics)."""
  variables = {'params': params, 'batch_stats': batch_stats}
  outputs, updated = network.apply(variables, *inputs, train=True, mutable=['batch_stats'])
  return outputs, updated.get('batch_stats', {})


def apply_gradients(
  optimizer: optax.GradientTransformation, gradients: Any, optimizer_state: Any, params: Any
) -> tuple[Any, Any]:
  """Takes one step of an optimiser: (new params, new optimiser state)."""
  updates, optimizer_state = optimizer.update(gradients, optimizer_state, params)
  return optax.apply_updates(params, updates), optimizer_state


def total(losses: Iterable[jax.Array]) -> jax.Array:
  """Sum of the losses of a network's stages; the loss itself for a single stage."""
  return functools.reduce(jnp.add, losses)


class AdamConfig(Section):
  """Adam, and the data type of the networks' computation."""

  learning_rate: Positive = field(2e-4, "Adam's learning rate")
  beta1: Decay = field(0.5, 'decay of the mean of gradients')
  beta2: Decay = field(0.999, 'decay of the mean of their squares')
  epsilon: Positive = field(1e-8, 'added to the root of the mean square')
  dtype: Dtype = field('float32', 'type of computation; parameters are float32')


def adam(config: AdamConfig) -> optax.GradientTransformation:
  """Builds the Adam optimiser of an AdamConfig."""
  return optax.adam(config.learning_rate, b1=config.beta1, b2=config.beta2, eps=config.epsilon)
