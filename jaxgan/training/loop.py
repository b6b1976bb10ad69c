"""The training loop: one linear trainer for every job, from restored state to last checkpoint."""

from collections.abc import Callable, Mapping
import functools
import pathlib
import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.algorithms import Algorithm, replicate
from jaxgan.config import identity
from jaxgan.data import order, training_data
from jaxgan.data.streaming import Stream
from jaxgan.errors import UserError
from jaxgan.system import checkpoint, distributed, lock, parallel, stopping
from jaxgan.system.compilation import jit
from jaxgan.training import events, logging, optional
from jaxgan.training.train_step import NEVER, Carry, compile_run, make_step

_OWED = 'outputs_owed'  # In the folder of a job, while pictures and pages are still to come.
_PROFILED = 10  # Steps in a trace.
_IN_FLIGHT = 8  # Steps that an accelerator may be behind the host, each with its batch.


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
    preview: `preview(step, last_step)`, called with every row of the log if `train.preview` is on.
    start: `start(state) -> state`, what the first state of a replica takes over from elsewhere,
      such as pretrained weights. It is not compiled, and not asked where there is a checkpoint.
  """

  name: str
  folder: pathlib.Path
  config: Any
  algorithm: Algorithm
  data: training_data.TrainingData
  frozen: Mapping[str, Any]
  evaluate: Callable
  picture: Callable
  preview: Callable = lambda step, last_step: None
  start: Callable = lambda state: state

  @property
  def num_replicas(self) -> int:
    return len(self.data.indices)


class Trainer:
  """The replicas of a job on a mesh: their carries, compiled steps and states.

  On accelerators several replicas are one batched state, split over the mesh's replica axis; on
  CPU, where that is slower, they take every step one after another.
  """

  def __init__(self, job: Job, mesh: jax.sharding.Mesh, batched: bool | None = None):
    """Compiles nothing yet.

    Args:
      job: the job.
      mesh: of the devices to use; it must be the one that is set.
      batched: replicas as one batched state; by default so on accelerators only.
    """
    on_cpu = mesh.devices.flat[0].platform == 'cpu'
    if batched is None:
      batched = job.num_replicas > 1 and not on_cpu
    self.job, self.batched = job, batched
    self._everywhere = parallel.replicated(mesh)
    self._sharding = parallel.along_replicas(mesh) if batched else self._everywhere
    one_step, self._start = make_step(job, batched)
    self._of_carry = Carry(self._sharding, self._everywhere, self._sharding, self._sharding)
    loops = not on_cpu and not job.data.streamed
    wait_every = 1 if on_cpu else _IN_FLIGHT
    self._compile = functools.partial(compile_run, one_step, loops, self._of_carry, wait_every)
    self._finite = jit(jax.vmap(_all_finite) if batched else _all_finite)
    self._states = replicate.replicate(job.algorithm, job.num_replicas)
    seeds = range(job.config.seed, job.config.seed + job.num_replicas)
    balanced = job.algorithm.class_balanced
    if job.data.streamed:
      batch_size = job.config.train.batch_size * job.algorithm.images_per_update
      self._stream = Stream(job.data, seeds, batch_size, mesh, batched, balanced)
    replicas_data = [
      job.data.replica_data(replica, seed, balanced) for replica, seed in enumerate(seeds)
    ]
    if batched:
      self._replicas_data = [parallel.put(replicate.stack(replicas_data), self._sharding)]
    else:
      self._replicas_data = parallel.put(replicas_data, self._everywhere)
    self._first_keys = [training_data.run_keys(seed)[0] for seed in seeds]

  def abstract_states(self):
    """The shapes, types and shardings of the states of all replicas, as checkpoints hold them."""
    return checkpoint.abstract_state(self._states.init, self._sharding)

  def restore(self, restored: checkpoint.Restored) -> None:
    """Continues from the states of all replicas."""
    step, states, progress = restored
    if self.batched:
      self._begin([states], step)
    else:
      one = jit(replicate.take, out_shardings=self._everywhere)
      self._begin([one(states, r) for r in range(self.job.num_replicas)], step)
    if progress:
      self.logged_step = progress['logged_step']
      self._set_sums(progress['sums'])

  def initialise(self) -> None:
    """Begins at step 0."""
    if self.batched:
      init = jit(self._states.init, out_shardings=self._sharding)
      self._begin([jax.vmap(self.job.start)(init(jnp.stack(self._first_keys)))], 0)
    else:
      init = jit(self.job.algorithm.init, out_shardings=self._everywhere)
      self._begin([self.job.start(init(key)) for key in self._first_keys], 0)

  def _begin(self, states, step):
    job = self.job
    self._frozen = parallel.put(dict(job.frozen), self._everywhere)
    if job.data.streamed:
      self._dataset, seen = self._stream.from_step(step), self._stream.abstract()
    else:
      seen = self._dataset = parallel.put(job.data.dataset, self._everywhere)
    self.carries = [
      self._start(state, step, replica_data, seen, self._frozen)
      for state, replica_data in zip(states, self._replicas_data, strict=True)
    ]
    self.carries = [parallel.put(carry, self._of_carry) for carry in self.carries]
    self.logged_step, self._run = step, self._compile()

  @property
  def step(self) -> int:
    """Steps done, the same for all replicas."""
    return int(self.carries[0].step)

  def advance(self, num_steps: int, should_stop: Callable) -> None:
    """Takes some steps, fewer where it should stop."""
    constants = self._dataset, self._frozen
    self.carries = self._run(self.carries, num_steps, self._replicas_data, *constants, should_stop)

  def _sums(self) -> list[dict]:
    """Sums of the metrics of each replica over the steps since `logged_step`."""
    sums = [distributed.to_host(carry.metrics) for carry in self.carries]
    if self.batched:
      sums = [replicate.take(sums[0], r) for r in range(self.job.num_replicas)]
    return sums

  def _set_sums(self, sums):
    if self.batched:
      sums = [{name: [s[name] for s in sums] for name in sums[0]}]
    for r, (carry, values) in enumerate(zip(self.carries, sums, strict=True)):
      metrics = {name: np.asarray(values[name], m.dtype) for name, m in carry.metrics.items()}
      metrics = parallel.put(metrics, self._of_carry.metrics)
      self.carries[r] = carry._replace(metrics=metrics)

  def means(self) -> list[dict]:
    """Mean metrics of each replica over the steps since `logged_step`."""
    done = self.step - self.logged_step
    return [{name: (total / done).tolist() for name, total in s.items()} for s in self._sums()]

  def restart_sums(self) -> None:
    """The step that is done has been logged: the next sums begin."""
    self.logged_step = self.step
    blank = [jax.tree.map(jnp.zeros_like, carry.metrics) for carry in self.carries]
    self.carries = [c._replace(metrics=m) for c, m in zip(self.carries, blank, strict=True)]

  def progress(self) -> dict:
    """What a checkpoint remembers beside the states: what the next row of the log begins with."""
    sums = [{name: total.tolist() for name, total in s.items()} for s in self._sums()]
    return {'logged_step': self.logged_step, 'sums': sums}

  def not_finite(self) -> tuple[str, int, int] | None:
    """The first thing that is NaN or infinite: (what, in which replica, at which step)."""
    bad_steps = np.concatenate([np.ravel(distributed.to_host(c.bad_step)) for c in self.carries])
    if (bad_steps != NEVER).any():
      return 'loss', int(bad_steps.argmin()), int(bad_steps.min())
    finite = np.concatenate(
      [np.ravel(distributed.to_host(self._finite(c.state))) for c in self.carries]
    )
    return None if finite.all() else ('state', int(finite.argmin()), self.step - 1)

  def state(self, replica: int):
    """The state of one replica."""
    if self.batched:
      return replicate.take(self.carries[0].state, replica)
    return self.carries[replica].state

  def states(self):
    """The states of all replicas along a leading axis, as checkpoints hold them."""
    if self.batched:
      return self.carries[0].state
    return replicate.stack([carry.state for carry in self.carries])


def check_memory(name: str, algorithm: Algorithm, num_replicas: int, mesh) -> None:
  """Refuses more replicas, or larger networks, than the devices have memory for.

  Args:
    name: of the job.
    algorithm: of a single replica; only its `init` is asked.
    num_replicas: how many.
    mesh: of the devices.

  Raises:
    UserError: the states alone are larger than the memory.
  """
  state = jax.tree.leaves(jax.eval_shape(algorithm.init, jax.random.key(0)))
  needed = num_replicas * sum(leaf.size * leaf.dtype.itemsize for leaf in state)
  on_cpu = mesh.devices.flat[0].platform == 'cpu'
  memory = parallel.device_memory() * (1 if on_cpu else mesh.shape[parallel.REPLICA_AXIS])
  if needed > memory:
    raise UserError(
      f'{name}: the state of config.replicas={num_replicas} takes {needed / 1e9:,.0f} GB, the '
      f'memory is {memory / 1e9:,.0f} GB: use fewer replicas or smaller networks (config.algorithm)'
    )


def total_steps(config, data: training_data.TrainingData, images_per_update: int = 1) -> int:
  """Length of a job in steps: `train.steps`, or else `train.epochs` of the largest replica.

  Raises:
    UserError: a replica has fewer images than one step.
  """
  images_per_step = config.train.batch_size * images_per_update
  epochs = [order.steps_per_epoch(len(at), images_per_step) for at in data.indices]
  return config.train.epochs * max(epochs) if config.train.steps is None else config.train.steps


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


def run(job: Job, mesh: jax.sharding.Mesh, profile: bool = False) -> None:
  """Trains a job to its last step, from its latest checkpoint if there is one.

  A stop by a signal is saved wherever it comes, in the midst of an evaluation too. What the log and
  the later states then are is the same as without it. At an event the numbers come first, then the
  checkpoint, then the pictures and pages, whose errors end no run.

  Args:
    job: the job.
    mesh: of the devices to use.
    profile: write a trace of a few compiled steps to the folder `profile`.

  Raises:
    UserError: the folder has checkpoints and `train.resume` is off, belongs to another config, or
      another process trains there.
    FloatingPointError: a loss is NaN or infinite; names the step.
    StorageError: a checkpoint cannot be written.
    Stopped: stopped by a signal, after a checkpoint was written.
  """
  config, train = job.config, job.config.train
  last = total_steps(config, job.data, job.algorithm.images_per_update)
  identity.remember(job.folder, config)
  trainer, folder = Trainer(job, mesh), job.folder / 'checkpoints'
  owed = optional.Owed(job.folder / _OWED)
  if _is_finished(trainer, folder, last) and owed.step != last:
    return
  with (
    lock.held(job.folder),
    checkpoint.Checkpoints(folder, train.keep) as checkpoints,
    jax.set_mesh(mesh),
  ):
    # ------------------------------------------------------------------ states, restored or fresh
    newest = checkpoints.latest_step()
    if newest is None:
      trainer.initialise()
    elif train.resume:
      say = functools.partial(print, f'{job.name}:', file=sys.stderr)
      trainer.restore(checkpoints.restore('latest', trainer.abstract_states(), say))
    else:
      raise UserError(
        f'{job.folder} has checkpoints up to step {newest} and config.train.resume=False: '
        'choose another --workdir or let it resume'
      )

    # ------------------------------------------------------------------ loop
    first = saved = trainer.step
    with (
      logging.ReplicaLogger(
        job.folder, job.name, last, trainer.logged_step, job.num_replicas
      ) as logger,
      stopping.StopRequest(distributed.gather) as stop,
    ):
      try:
        while True:
          step = trainer.step
          due = trainer.logged_step < step and events.is_due(step, last, *events.periods(train))
          if due and not stop():
            with events.stopped_at_once():
              rows, score = events.measure(job, trainer, last)
            logger.record(step, rows)
            trainer.restart_sums()
            owed.mark(step)
            if events.is_due(step, last, train.evaluate_every, train.checkpoint_every):
              checkpoints.save(step, trainer.states(), trainer.progress(), score)
              saved = step
          # Of this event, or of a run that ended after its checkpoint and before its pictures.
          if owed.step == step == trainer.logged_step and not stop():
            with events.stopped_at_once():
              events.show(job, trainer, logger, last)
            owed.clear()
          if stop():
            raise stopping.Stopped(stop.agreed)
          if step >= last:
            break
          num_steps = events.next_event(step, last, train) - step
          if profile and step > first:
            profile, num_steps = False, min(num_steps, _PROFILED)
            with jax.profiler.trace(str(job.folder / 'profile')):
              trainer.advance(num_steps, stop)
          else:
            trainer.advance(num_steps, stop)
          if error := _not_finite_error(trainer, checkpoints):
            raise error
      except stopping.Stopped as stopped:
        if saved != trainer.step:
          checkpoints.save(trainer.step, trainer.states(), trainer.progress(), None)
        logging.message(
          f'{job.name}: {stopped} after step {trainer.step}; the same command continues from here'
        )
        raise


def _is_finished(trainer: Trainer, folder: pathlib.Path, last: int) -> bool:
  """Whether there is a checkpoint of the last step, or a later one, that can be read."""
  if not distributed.gather(folder.exists()).all():
    return False
  with checkpoint.Checkpoints(folder) as checkpoints:
    newest = checkpoints.latest_step()
    if newest is None or newest < last or not trainer.job.config.train.resume:
      return False
    quiet = lambda line: None  # noqa: E731
    restored = checkpoints.restore('latest', trainer.abstract_states(), quiet)
    return restored.progress.get('logged_step', restored.step) >= last
