"""The training loop: one linear trainer for every job, from restored state to last checkpoint."""

from collections.abc import Callable, Mapping
import pathlib
import signal
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgan import checkpoint, parallel
from jaxgan import config as config_lib
from jaxgan import data as data_lib
from jaxgan.algorithms import Algorithm
from jaxgan.errors import UserError
from jaxgan.logging import RunLogger

_NEVER = jnp.iinfo(jnp.int32).max


class Job(NamedTuple):
  """One thing to train.

  Attributes:
    name: what the progress lines call it.
    folder: where it writes.
    config: its own configuration: seed, data, algorithm, train.
    algorithm: the pure functions.
    dataset: training images and labels, host arrays.
    frozen: arrays that updates read and never change, merged into every batch.
    evaluate: `evaluate(state) -> (values, score)`: metrics by name and the number, higher is
      better, that ranks checkpoints.
    picture: `picture(state, step)`, called every `train.picture_every` steps and at the end.
  """

  name: str
  folder: pathlib.Path
  config: Any
  algorithm: Algorithm
  dataset: data_lib.Dataset
  frozen: Mapping[str, Any]
  evaluate: Callable
  picture: Callable


class Carry(NamedTuple):
  """What passes from step to step: the state, this epoch's order, and sums for the log.

  Only the state is saved: the order follows from (seed, step) and the sums restart.
  """

  state: Any
  order: data_lib.Order
  metrics: Any
  bad_step: Any


def make_step(algorithm: Algorithm, config, num_images: int):
  """The training step as a pure function, `step(carry, dataset, frozen) -> carry`.

  The key and the batch of step t are functions of (seed, t) alone.

  Args:
    algorithm: the Algorithm.
    config: a job's configuration.
    num_images: images in the data set.

  Returns:
    The step, and `start(state)`, which makes the first Carry.
  """
  _, order_rng, step_rng = jax.random.split(jax.random.key(config.seed), 3)
  images_per_step = config.train.batch_size * algorithm.images_per_update
  epoch_length = data_lib.steps_per_epoch(num_images, images_per_step)

  def one_step(carry: Carry, dataset, frozen) -> Carry:
    step = carry.state.step
    epoch = step // epoch_length
    order = jax.lax.cond(
      carry.order.epoch == epoch,
      lambda: carry.order,
      lambda: data_lib.epoch_order(order_rng, epoch, num_images),
    )
    draw_rng, update_rng = jax.random.split(jax.random.fold_in(step_rng, step))
    batch = data_lib.draw(
      dataset,
      order,
      step,
      draw_rng,
      batch_size=images_per_step,
      flip=config.data.flip,
      crop_padding=config.data.crop_padding,
    )
    state, metrics = algorithm.update(carry.state, {**batch, **frozen}, update_rng)
    losses = [value for name, value in metrics.items() if name.startswith('loss/')]
    finite = jnp.all(jnp.isfinite(jnp.stack(losses)))
    bad_step = jnp.minimum(carry.bad_step, jnp.where(finite, _NEVER, step))
    return Carry(state, order, jax.tree.map(jnp.add, carry.metrics, metrics), bad_step)

  def start(state, dataset, frozen) -> Carry:
    order = data_lib.Order(jnp.int32(-1), jnp.zeros(num_images, jnp.int32))
    blank = Carry(state, order, {}, jnp.int32(_NEVER))

    def metrics_of(carry):
      batch_shape = (images_per_step, *dataset.images.shape[1:])
      batch = {
        'images': jnp.zeros(batch_shape),
        'labels': jnp.zeros(images_per_step, jnp.int32),
        **frozen,
      }
      return algorithm.update(carry.state, batch, jax.random.key(0))[1]

    shapes = jax.eval_shape(metrics_of, blank)
    return blank._replace(metrics=jax.tree.map(lambda m: jnp.zeros(m.shape, m.dtype), shapes))

  return one_step, start


def compile_run(one_step, loop_on_device: bool, sharding: jax.sharding.Sharding):
  """Compiles `run(carry, num_steps, dataset, frozen, should_stop) -> carry`.

  On accelerators all steps go in one dispatch, a device loop whose length is an argument, so that
  chunks of every length share one compilation. On CPU, where XLA runs loop bodies slowly, the host
  loops over the same compiled step. The carry is donated.

  Args:
    one_step: from `make_step`.
    loop_on_device: which of the two.
    sharding: of the carry, in and out.

  Returns:
    The function; `should_stop()` is asked between steps on CPU.
  """
  if loop_on_device:

    def device_loop(carry, num_steps, dataset, frozen):
      return jax.lax.fori_loop(0, num_steps, lambda _, c: one_step(c, dataset, frozen), carry)

    compiled = jax.jit(device_loop, donate_argnums=0, out_shardings=sharding)

    def run(carry, num_steps, dataset, frozen, should_stop):
      del should_stop
      return compiled(carry, num_steps, dataset, frozen)
  else:
    compiled = jax.jit(one_step, donate_argnums=0, out_shardings=sharding)

    def run(carry, num_steps, dataset, frozen, should_stop):
      for _ in range(num_steps):
        carry = jax.block_until_ready(compiled(carry, dataset, frozen))
        if should_stop():
          break
      return carry

  return run


class StopRequest:
  """Turns the first SIGINT or SIGTERM into a request to stop after the current step."""

  def __init__(self):
    self.signal = None
    self._previous = {}

  def __enter__(self):
    def handle(number, _):
      self.signal = number
      signal.signal(number, signal.default_int_handler)  # A second one stops at once.

    for number in (signal.SIGINT, signal.SIGTERM):
      self._previous[number] = signal.signal(number, handle)
    return self

  def __exit__(self, *_):
    for number, handler in self._previous.items():
      signal.signal(number, handler)

  def __call__(self) -> bool:
    return self.signal is not None


def total_steps(config, num_images: int, images_per_step: int) -> int:
  """Length of a job in steps, from `train.steps` or `train.epochs`."""
  if config.train.steps is not None:
    return config.train.steps
  return config.train.epochs * data_lib.steps_per_epoch(num_images, images_per_step)


def _next_event(step: int, last: int, train) -> int:
  """The next step at which the loop has something to do on the host."""
  periods = (train.log_every, train.evaluate_every, train.picture_every, train.checkpoint_every)
  return min(last, *((step // period + 1) * period for period in periods))


@jax.jit
def _all_finite(state):
  leaves = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.floating)]
  return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in leaves]))


def _not_finite(name: str, what: str, step: int, checkpoints) -> FloatingPointError:
  saved = checkpoints.latest_step()
  kept = 'no checkpoint yet' if saved is None else f'the last good checkpoint is step {saved}'
  return FloatingPointError(
    f'{name}: the {what} became NaN or infinite at step {step}; {kept} in {checkpoints.folder}: '
    'lower the learning rate (config.algorithm.learning_rate) or check the data'
  )


def run(job: Job, mesh: jax.sharding.Mesh):
  """Trains a job to its last step, from its latest checkpoint if there is one.

  Args:
    job: the job.
    mesh: of the devices to use.

  Returns:
    The final state.

  Raises:
    UserError: the folder has checkpoints and `train.resume` is off, or belongs to another config.
    FloatingPointError: a loss is NaN or infinite; names the step.
    KeyboardInterrupt: stopped by a signal, after a checkpoint was written.
  """
  config, train = job.config, job.config.train
  num_images = job.dataset.images.shape[0]
  last = total_steps(config, num_images, train.batch_size * job.algorithm.images_per_update)
  config_lib.remember(job.folder, config)

  # ------------------------------------------------------------------ state, restored or fresh
  with (
    checkpoint.Checkpoints(job.folder / 'checkpoints', train.keep) as checkpoints,
    jax.set_mesh(mesh),
  ):
    everywhere = parallel.replicated(mesh)
    abstract = checkpoint.abstract_state(job.algorithm.init, everywhere)
    first = checkpoints.latest_step()
    if first is None:
      init_rng = jax.random.split(jax.random.key(config.seed), 3)[0]
      state = jax.jit(job.algorithm.init, out_shardings=everywhere)(init_rng)
      first = 0
    elif train.resume:
      state = checkpoints.restore(first, abstract)
    else:
      raise UserError(
        f'{job.folder} has checkpoints up to step {first} and config.train.resume=False: '
        'choose another --workdir or let it resume'
      )
    if first >= last:
      return state

    # ------------------------------------------------------------------ step, compiled once
    one_step, start = make_step(job.algorithm, config, num_images)
    on_cpu = mesh.devices.flat[0].platform == 'cpu'
    run_steps = compile_run(one_step, loop_on_device=not on_cpu, sharding=everywhere)
    dataset, frozen = jax.device_put((job.dataset, dict(job.frozen)), everywhere)
    carry = jax.device_put(start(state, dataset, frozen), everywhere)
    zeros = jax.tree.map(jnp.zeros_like, carry.metrics)

    # ------------------------------------------------------------------ loop
    step = first
    with RunLogger(job.folder, job.name, last, first) as logger, StopRequest() as stop:
      while step < last and not stop():
        chunk_start = step
        carry = carry._replace(metrics=jax.tree.map(jnp.copy, zeros))
        until = _next_event(step, last, train)
        carry = run_steps(carry, until - step, dataset, frozen, stop)
        step = int(carry.state.step)
        if int(carry.bad_step) != _NEVER:
          raise _not_finite(job.name, 'loss', int(carry.bad_step), checkpoints)
        done = step - chunk_start
        sums = jax.device_get(carry.metrics)
        values = {name: (total / done).tolist() for name, total in sums.items()}
        if not _all_finite(carry.state):
          raise _not_finite(job.name, 'state', step - 1, checkpoints)
        evaluates = step % train.evaluate_every == 0 or step == last
        score = None
        if evaluates:
          evaluation, score = job.evaluate(carry.state)
          values |= evaluation
        logger.log(step, values)
        if evaluates or step % train.checkpoint_every == 0 or stop():
          checkpoints.save(step, carry.state, score)
        if step % train.picture_every == 0 or step == last:
          job.picture(carry.state, step)
      if stop():
        logger.message(f'{job.name}: stopped at step {step}; the same command continues from here')
        raise KeyboardInterrupt
    return carry.state
