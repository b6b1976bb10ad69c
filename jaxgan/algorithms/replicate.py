"""Replicas: several independent runs of one algorithm as one program.

Splits or seeds of an experiment differ in their numbers but share one program, so a state with a
leading axis of n replicas trains all of them at once: small networks then fill an accelerator.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgan.algorithms import Algorithm
from jaxgan.system.parallel import REPLICA_AXIS


def over_replicas(function: Callable, in_axes: Any = 0, axis_size: int | None = None) -> Callable:
  """`jax.vmap` over replicas that keeps the splits over devices inside `function`."""
  return jax.vmap(function, in_axes, axis_size=axis_size, spmd_axis_name=REPLICA_AXIS)


def replicate(algorithm: Algorithm, num_replicas: int) -> Algorithm:
  """Lifts an algorithm over n independent states; replica r equals a run of state r alone.

  `state_r, metrics_r = update(state_r, batch_r, frozen, rng_r)` for all r at once, by `jax.vmap`.

  Args:
    algorithm: any Algorithm.
    num_replicas: n.

  Returns:
    The Algorithm of n replicas. States, batches, metrics and images have a leading axis `[n]`, and
    so have keys; a single key is split into n. `frozen` has no such axis: all replicas share it.
    `generate` accepts `codes` or `labels` with a leading axis `[n]`.
  """

  def keys(rng):
    return jax.random.split(rng, num_replicas) if jnp.ndim(rng) == 0 else rng

  def init(rng):
    return over_replicas(algorithm.init, axis_size=num_replicas)(keys(rng))

  def update(states, batch, frozen, rng):
    return over_replicas(algorithm.update, (0, 0, None, 0))(states, batch, frozen, keys(rng))

  def generate(states, rng, num_images, ema=True, **asked):
    def one(state, rng, asked):
      assert algorithm.generate is not None
      return algorithm.generate(state, rng, num_images, ema, **asked)

    return over_replicas(one)(states, keys(rng), asked)

  return algorithm._replace(
    init=init,
    update=update,
    generate=generate if algorithm.generate else None,
    classify=over_replicas(algorithm.classify) if algorithm.classify else None,
    settled=over_replicas(algorithm.settled),
    draw=None,
    decode=None,
  )


def stack(states: Sequence[Any]) -> Any:
  """Stacks the states of n replicas, leaves `[...]`, into one tree with leaves `[n, ...]`."""
  return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)


def take(states: Any, replica: int) -> Any:
  """Takes the state of one replica out of a stacked tree."""
  return jax.tree.map(lambda leaf: leaf[replica], states)
