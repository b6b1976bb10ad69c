"""The training loop: one linear trainer for every job, from restored state to last checkpoint."""

from collections.abc import Callable, Mapping
import functools
import pathlib
import signal
import statistics
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan import checkpoint, parallel, replicas
from jaxgan import config as config_lib
from jaxgan import data as data_lib
from jaxgan.algorithms import Algorithm
from jaxgan.compilation import jit, traced_once
from jaxgan.errors import UserError
from jaxgan.logging import ReplicaLogger

_NEVER = jnp.iinfo(jnp.int32).max


class Job(NamedTuple):
  """One thing to train, in one or several replicas.

  Attributes:
    name: what the progress lines call it.
    folder: where it writes.
    config: its own configuration: seed (of replica 0, the next one has the next), data, algorithm,
      train.
    algorithm: the pure functions, of a single replica.
    data: the TrainingData; it has as many replicas as the job.
    frozen: arrays that updates read and never change, the same for all replicas.
    evaluate: `evaluate(state, replica) -> (values, score)`: metrics by name and the number, higher
      is better, that ranks checkpoints (their mean over replicas), or None.
    picture: `picture(state, step, replica)`, called every `train.picture_every` steps and at the
      end.
    start: `start(state) -> state`, what the first state of a replica takes over from elsewhere,
      such as pretrained weights. It is not compiled, and not asked where there is a checkpoint.
  """

  name: str
  folder: pathlib.Path
  config: Any
  algorithm: Algorithm
  data: data_lib.TrainingData
  frozen: Mapping[str, Any]
  evaluate: Callable
  picture: Callable
  start: Callable = lambda state: state

  @property
  def num_replicas(self) -> int:
    return len(self.data.indices)


class Carry(NamedTuple):
  """What passes from step to step: the state, the step's number, and sums for the log.

  Only the state is saved; the sums restart.
  """

  state: Any
  step: Any
  metrics: Any
  bad_step: Any


def make_step(job: Job, together: bool):
  """The training step as a pure function, `step(carry, share, dataset, frozen) -> carry`.

  The key and the batch of step t are functions of (seed, t) alone.

  Args:
    job: the job.
    together: carry and share hold all replicas along a leading axis, instead of one without it.

  Returns:
    The step, and `start(state, step, share, dataset, frozen)`, which makes the first Carry.
  """
  config, algorithm = job.config, job.algorithm
  draw = functools.partial(
    data_lib.draw,
    batch_size=config.train.batch_size * algorithm.images_per_update,
    flip=config.data.flip,
    crop_padding=config.data.crop_padding,
  )
  if together:
    algorithm = replicas.replicate(algorithm, job.num_replicas)
    draw = replicas.over_replicas(draw, in_axes=(0, None, None))

  # `start` asks for the shapes of the metrics, then the step is compiled: seconds to trace.
  @traced_once
  def update(state, step, share, dataset, frozen):
    batch, rng = draw(share, dataset, step)
    return algorithm.update(state, {**batch, 'frozen': frozen}, rng)

  def losses(metrics):
    return jnp.stack([value for name, value in metrics.items() if name.startswith('loss/')])

  def one_step(carry: Carry, share, dataset, frozen) -> Carry:
    state, metrics = update(carry.state, carry.step, share, dataset, frozen)
    finite = jnp.all(jnp.isfinite(losses(metrics)), axis=0)
    bad_step = jnp.minimum(carry.bad_step, jnp.where(finite, _NEVER, carry.step))
    sums = jax.tree.map(jnp.add, carry.metrics, metrics)
    return Carry(state, carry.step + 1, sums, bad_step)

  def start(state, step: int, share, dataset, frozen) -> Carry:
    step = jnp.asarray(step, jnp.int32)
    _, shapes = jax.eval_shape(update, state, step, share, dataset, frozen)
    metrics = jax.tree.map(lambda m: jnp.zeros(m.shape, m.dtype), shapes)
    return Carry(state, step, metrics, jnp.full(losses(metrics).shape[1:], _NEVER, jnp.int32))

  return one_step, start


def compile_run(one_step, loop_on_device: bool, sharding):
  """Compiles `run(carries, num_steps, shares, dataset, frozen, should_stop) -> carries`.

  On accelerators all steps go in one dispatch, a device loop whose length is an argument, so that
  chunks of every length share one compilation. On CPU, where XLA runs loop bodies slowly, the host
  loops over the same compiled step. Carries are donated.

  Args:
    one_step: from `make_step`.
    loop_on_device: which of the two.
    sharding: of a carry, in and out.

  Returns:
    The function of a list of carries and their shares, of which all take a step before one takes
    the next; `should_stop()` is asked between steps on CPU.
  """
  if loop_on_device:

    def device_loop(carry, num_steps, share, dataset, frozen):
      body = lambda _, carry: one_step(carry, share, dataset, frozen)  # noqa: E731
      return jax.lax.fori_loop(0, num_steps, body, carry)

    compiled = jit(device_loop, donate_argnums=0, out_shardings=sharding)

    def run(carries, num_steps, shares, dataset, frozen, should_stop):
      del should_stop
      return [
        compiled(carry, num_steps, share, dataset, frozen)
        for carry, share in zip(carries, shares, strict=True)
      ]
  else:
    compiled = jit(one_step, donate_argnums=0, out_shardings=sharding)

    def run(carries, num_steps, shares, dataset, frozen, should_stop):
      for _ in range(num_steps):
        carries = [
          jax.block_until_ready(compiled(carry, share, dataset, frozen))
          for carry, share in zip(carries, shares, strict=True)
        ]
        if should_stop():
          break
      return carries

  return run


class Trainer:
  """The replicas of a job on a mesh: their carries, compiled steps and states.

  On accelerators several replicas are one batched state, split over the mesh's replica axis; on
  CPU, where that is slower, they take every step one after another.
  """

  def __init__(self, job: Job, mesh: jax.sharding.Mesh, together: bool | None = None):
    """Compiles nothing yet.

    Args:
      job: the job.
      mesh: of the devices to use; it must be the one that is set.
      together: replicas as one batched state; by default so on accelerators only.
    """
    on_cpu = mesh.devices.flat[0].platform == 'cpu'
    if together is None:
      together = job.num_replicas > 1 and not on_cpu
    self.job, self.together = job, together
    self._everywhere = parallel.replicated(mesh)
    self._sharding = parallel.along_replicas(mesh) if together else self._everywhere
    one_step, self._start = make_step(job, together)
    self._of_carry = Carry(self._sharding, self._everywhere, self._sharding, self._sharding)
    self._run = compile_run(one_step, loop_on_device=not on_cpu, sharding=self._of_carry)
    self._finite = jit(jax.vmap(_all_finite) if together else _all_finite)
    self._states = replicas.replicate(job.algorithm, job.num_replicas)
    seeds = range(job.config.seed, job.config.seed + job.num_replicas)
    shares = [job.data.share(replica, seed) for replica, seed in enumerate(seeds)]
    if together:
      self._shares = [jax.device_put(replicas.stack(shares), self._sharding)]
    else:
      self._shares = jax.device_put(shares, self._everywhere)
    self._first_keys = [data_lib.run_keys(seed)[0] for seed in seeds]
    self._constants = jax.device_put((job.data.dataset, dict(job.frozen)), self._everywhere)

  def restore(self, checkpoints: checkpoint.Checkpoints, step: int) -> None:
    """Continues from the states of all replicas in a checkpoint."""
    states = checkpoints.restore(step, checkpoint.abstract_state(self._states.init, self._sharding))
    if self.together:
      self._begin([states], step)
    else:
      one = jit(replicas.take, out_shardings=self._everywhere)
      self._begin([one(states, r) for r in range(self.job.num_replicas)], step)

  def initialise(self) -> None:
    """Begins at step 0."""
    if self.together:
      init = jit(self._states.init, out_shardings=self._sharding)
      self._begin([jax.vmap(self.job.start)(init(jnp.stack(self._first_keys)))], 0)
    else:
      init = jit(self.job.algorithm.init, out_shardings=self._everywhere)
      self._begin([self.job.start(init(key)) for key in self._first_keys], 0)

  def _begin(self, states, step):
    self.carries = [
      self._start(state, step, share, *self._constants)
      for state, share in zip(states, self._shares, strict=True)
    ]
    self.carries = [jax.device_put(carry, self._of_carry) for carry in self.carries]

  @property
  def step(self) -> int:
    """Steps done, the same for all replicas."""
    return int(self.carries[0].step)

  def advance(self, num_steps: int, should_stop: Callable) -> list[dict]:
    """Takes some steps; returns the mean metrics of each replica over those that were taken."""
    first = self.step
    blank = [jax.tree.map(jnp.zeros_like, carry.metrics) for carry in self.carries]
    self.carries = [c._replace(metrics=m) for c, m in zip(self.carries, blank, strict=True)]
    self.carries = self._run(self.carries, num_steps, self._shares, *self._constants, should_stop)
    done = self.step - first
    sums = [jax.device_get(carry.metrics) for carry in self.carries]
    if self.together:
      sums = [replicas.take(sums[0], r) for r in range(self.job.num_replicas)]
    return [{name: (total / done).tolist() for name, total in s.items()} for s in sums]

  def not_finite(self) -> tuple[str, int, int] | None:
    """The first thing that is NaN or infinite: (what, in which replica, at which step)."""
    bad_steps = np.concatenate([np.ravel(carry.bad_step) for carry in self.carries])
    if (bad_steps != _NEVER).any():
      return 'loss', int(bad_steps.argmin()), int(bad_steps.min())
    finite = np.concatenate([np.ravel(self._finite(carry.state)) for carry in self.carries])
    return None if finite.all() else ('state', int(finite.argmin()), self.step - 1)

  def state(self, replica: int):
    """The state of one replica."""
    if self.together:
      return replicas.take(self.carries[0].state, replica)
    return self.carries[replica].state

  def states(self):
    """The states of all replicas along a leading axis, as checkpoints hold them."""
    if self.together:
      return self.carries[0].state
    return replicas.stack([carry.state for carry in self.carries])


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


def total_steps(config, data: data_lib.TrainingData, images_per_update: int = 1) -> int:
  """Length of a job in steps: `train.steps`, or else `train.epochs` of the largest replica.

  Raises:
    UserError: a replica has fewer images than one step.
  """
  images_per_step = config.train.batch_size * images_per_update
  epochs = [data_lib.steps_per_epoch(len(at), images_per_step) for at in data.indices]
  return config.train.epochs * max(epochs) if config.train.steps is None else config.train.steps


def _next_event(step: int, last: int, train) -> int:
  """The next step at which the loop has something to do on the host."""
  periods = (train.log_every, train.evaluate_every, train.picture_every, train.checkpoint_every)
  return min(last, *((step // period + 1) * period for period in periods))


def _all_finite(state):
  leaves = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.floating)]
  return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in leaves]))


def _not_finite_error(trainer: Trainer, checkpoints) -> FloatingPointError | None:
  found = trainer.not_finite()
  if found is None:
    return None
  what, replica, step = found
  which = f' of replica {replica}' if trainer.job.num_replicas > 1 else ''
  saved = checkpoints.latest_step()
  kept = 'no checkpoint yet' if saved is None else f'the last good checkpoint is step {saved}'
  return FloatingPointError(
    f'{trainer.job.name}: the {what}{which} became NaN or infinite at step {step}; {kept} in '
    f'{checkpoints.folder}: lower the learning rate (config.algorithm.learning_rate) or check the '
    'data'
  )


def run(job: Job, mesh: jax.sharding.Mesh) -> None:
  """Trains a job to its last step, from its latest checkpoint if there is one.

  Args:
    job: the job.
    mesh: of the devices to use.

  Raises:
    UserError: the folder has checkpoints and `train.resume` is off, or belongs to another config.
    FloatingPointError: a loss is NaN or infinite; names the step.
    KeyboardInterrupt: stopped by a signal, after a checkpoint was written.
  """
  config, train = job.config, job.config.train
  last = total_steps(config, job.data, job.algorithm.images_per_update)
  config_lib.remember(job.folder, config)
  with (
    checkpoint.Checkpoints(job.folder / 'checkpoints', train.keep) as checkpoints,
    jax.set_mesh(mesh),
  ):
    # ------------------------------------------------------------------ states, restored or fresh
    first = checkpoints.latest_step() or 0
    if first and not train.resume:
      raise UserError(
        f'{job.folder} has checkpoints up to step {first} and config.train.resume=False: '
        'choose another --workdir or let it resume'
      )
    if first >= last:
      return
    trainer = Trainer(job, mesh)
    if first:
      trainer.restore(checkpoints, first)
    else:
      trainer.initialise()

    # ------------------------------------------------------------------ loop
    step, indices = first, range(job.num_replicas)
    with (
      ReplicaLogger(job.folder, job.name, last, first, job.num_replicas) as logger,
      StopRequest() as stop,
    ):
      while step < last and not stop():
        values = trainer.advance(_next_event(step, last, train) - step, stop)
        step = trainer.step
        if error := _not_finite_error(trainer, checkpoints):
          raise error
        evaluates = step % train.evaluate_every == 0 or step == last
        scores = []
        if evaluates:
          for replica in indices:
            evaluation, score = job.evaluate(trainer.state(replica), replica)
            values[replica] |= evaluation
            scores += [] if score is None else [score]
        logger.log(step, values)
        if evaluates or step % train.checkpoint_every == 0 or stop():
          checkpoints.save(step, trainer.states(), statistics.fmean(scores) if scores else None)
        if step % train.picture_every == 0 or step == last:
          for replica in indices:
            job.picture(trainer.state(replica), step, replica)
      if stop():
        logger.message(f'{job.name}: stopped at step {step}; the same command continues from here')
        raise KeyboardInterrupt
