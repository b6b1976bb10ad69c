"""The training step as a pure function, and the compiled loop over steps."""

from collections.abc import Callable, Iterator
import contextlib
import functools
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgan.algorithms import replicate
from jaxgan.data import order
from jaxgan.system import distributed
from jaxgan.system.compilation import jit, traced_once
from jaxgan.training.job import TrainingJob

PIECE_SECONDS = 2.0
NEVER = jnp.iinfo(jnp.int32).max  # The `bad_step` of a job whose losses are finite.


class Carry(NamedTuple):
  """The values passed from step to step.

  Attributes:
    state: the training state.
    step: int32, steps done.
    metrics: sums of the metrics since the last row of the log.
    bad_step: int32, the first step with a loss that is not finite, or NEVER.
  """

  state: Any
  step: Any
  metrics: Any
  bad_step: Any


def make_step(job: TrainingJob, batched: bool) -> tuple[Callable, Callable]:
  """Makes the training step, a pure function `step(carry, replica_data, dataset, frozen) -> carry`.

  The key and the batch of step t are functions of (seed, t) alone.

  Args:
    job: the job.
    batched: carry and data hold all replicas along a leading axis; otherwise one replica without
      this axis.

  Returns:
    The step, and `start(state, step, replica_data, dataset, frozen)`, which makes the first Carry.
  """
  config, algorithm = job.config, job.algorithm
  draw = functools.partial(
    order.draw,
    batch_size=config.train.batch_size * algorithm.images_per_update,
    flip=config.data.flip,
    crop_padding=config.data.crop_padding,
    streamed=job.data.streamed,
  )
  if batched:
    algorithm = replicate.replicate(algorithm, job.num_replicas)
    in_axes: Any = (0, 0 if job.data.streamed else None, None)
    draw = replicate.over_replicas(draw, in_axes=in_axes)

  # Tracing takes seconds and would happen twice: in `start`, for shapes, and to compile the step.
  @traced_once
  def update(state, step, replica_data, dataset, frozen):
    batch, rng = draw(replica_data, dataset, step)
    return algorithm.update(state, batch, frozen, rng)

  def losses(metrics):
    return jnp.stack([value for name, value in metrics.items() if name.startswith('loss/')])

  def one_step(carry: Carry, replica_data, dataset, frozen) -> Carry:
    state, metrics = update(carry.state, carry.step, replica_data, dataset, frozen)
    finite = jnp.all(jnp.isfinite(losses(metrics)), axis=0)
    bad_step = jnp.minimum(carry.bad_step, jnp.where(finite, NEVER, carry.step))
    sums = jax.tree.map(jnp.add, carry.metrics, metrics)
    return Carry(state, carry.step + 1, sums, bad_step)

  def start(state, step, replica_data, dataset, frozen) -> Carry:
    step = jnp.asarray(step, jnp.int32)
    _, shapes = jax.eval_shape(update, state, step, replica_data, dataset, frozen)
    metrics = jax.tree.map(lambda m: jnp.zeros(m.shape, m.dtype), shapes)
    return Carry(state, step, metrics, jnp.full(losses(metrics).shape[1:], NEVER, jnp.int32))

  return one_step, start


def compile_run(
  one_step: Callable, loop_on_device: bool, sharding: Any, wait_every: int = 1
) -> Callable:
  """Compiles `run(carries, num_steps, replicas_data, dataset, frozen, should_stop[, took])`.

  Accelerators loop on the device: one compilation serves every number of steps. On CPU, where XLA
  runs loop bodies slowly, the host loops over the compiled step. Carries are donated.

  Args:
    one_step: from `make_step`.
    loop_on_device: whether the device or the host loops.
    sharding: of a carry, in and out.
    wait_every: a looping host waits for the devices after this many steps.

  Returns:
    The function `run`. It takes a list of carries and the ReplicaData of each carry, advances all
    carries by a step before any takes the next, and returns the carries. `dataset` serves all
    steps; a looping host also takes an iterator over steps, whose items are lists with one Dataset
    per carry. `took(steps)` and `should_stop()` are called after each step of a looping host, and
    about every PIECE_SECONDS of a looping device.
  """
  if loop_on_device:

    def device_loop(carry, num_steps, replica_data, dataset, frozen):
      body = lambda _, carry: one_step(carry, replica_data, dataset, frozen)  # noqa: E731
      return jax.lax.fori_loop(0, num_steps, body, carry)

    compiled, pace = jit(device_loop, donate_argnums=0, out_shardings=sharding), _Pace()

    def run(carries, num_steps, replicas_data, dataset, frozen, should_stop, took=_ignored):
      while num_steps and not should_stop():
        piece = min(num_steps, int(distributed.gather(pace.steps).min()))
        with pace.of(piece):
          carries = [
            compiled(carry, piece, replica_data, dataset, frozen)
            for carry, replica_data in zip(carries, replicas_data, strict=True)
          ]
          jax.block_until_ready(carries)
        num_steps -= piece
        took(piece)
      return carries
  else:
    compiled = jit(one_step, donate_argnums=0, out_shardings=sharding)

    def run(carries, num_steps, replicas_data, dataset, frozen, should_stop, took=_ignored):
      is_stream = isinstance(dataset, Iterator)
      for i in range(num_steps):
        batches = next(dataset) if is_stream else [dataset] * len(carries)
        carries = [
          compiled(carry, replica_data, batch, frozen)
          for carry, replica_data, batch in zip(carries, replicas_data, batches, strict=True)
        ]
        if i % wait_every == wait_every - 1:
          jax.block_until_ready(carries)
        took(1)
        if should_stop():
          break
      return carries

  return run


def _ignored(steps: int) -> None:
  pass


class _Pace:
  """The number of steps that take about PIECE_SECONDS, the longest wait of a request to stop."""

  steps = 1  # The first piece includes the compilation.

  @contextlib.contextmanager
  def of(self, steps: int):
    start = time.monotonic()
    yield
    fitting = int(steps * PIECE_SECONDS / (time.monotonic() - start))
    if steps == self.steps or fitting < self.steps:
      self.steps = min(max(1, fitting), 10 * self.steps)
