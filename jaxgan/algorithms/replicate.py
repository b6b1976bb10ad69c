"""Replicas: several independent runs of one algorithm as one program.

Splits or seeds of an experiment differ in their numbers and not in their program, so a state with
a leading axis of n replicas trains all of them at once: small networks then fill an accelerator.
"""

import jax
import jax.numpy as jnp

from jaxgan.algorithms import Algorithm
from jaxgan.system.parallel import REPLICA_AXIS


def over_replicas(function, in_axes=0, axis_size: int | None = None):
  """`jax.vmap` over the replicas: what `function` splits over devices stays split beside them."""
  return jax.vmap(function, in_axes, axis_size=axis_size, spmd_axis_name=REPLICA_AXIS)


def replicate(algorithm: Algorithm, num_replicas: int) -> Algorithm:
  """Lifts an algorithm over n independent states; replica r is what it would be alone.

  `state_r, metrics_r = update(state_r, batch_r, frozen, rng_r)` for all r at once, by `jax.vmap`.

  Args:
    algorithm: any Algorithm.
    num_replicas: n.

  Returns:
    The Algorithm of n replicas. States, batches, metrics and images have a leading axis `[n]`, and
    so have keys: one key in place of n is split. `frozen` has none, all replicas read the same.
    `generate` takes n sets of `codes` or `labels` where the algorithm takes one.
  """

  def keys(rng):
    return jax.random.split(rng, num_replicas) if jnp.ndim(rng) == 0 else rng

  def init(rng):
    return over_replicas(algorithm.init, axis_size=num_replicas)(keys(rng))

  def update(states, batch, frozen, rng):
    return over_replicas(algorithm.update, (0, 0, None, 0))(states, batch, frozen, keys(rng))

  def generate(states, rng, num_images, ema=True, **asked):
    def one(state, rng, asked):
      return algorithm.generate(state, rng, num_images, ema, **asked)

    return over_replicas(one)(states, keys(rng), asked)

  return algorithm._replace(
    init=init,
    update=update,
    generate=generate if algorithm.generate else None,
    classify=over_replicas(algorithm.classify) if algorithm.classify else None,
    settled=over_replicas(algorithm.settled),
  )


def stack(states):
  """The states of n replicas `[...]` as one tree with a leading axis `[n, ...]`."""
  return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)


def take(states, replica: int):
  """The state of one replica of a stacked tree."""
  return jax.tree.map(lambda leaf: leaf[replica], states)
