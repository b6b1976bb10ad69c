"""The replicas of a job on a mesh, as one batched state or as one state per replica."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.algorithms import replicate
from jaxgan.data import training_data
from jaxgan.data.streaming import Stream
from jaxgan.system import checkpoint, distributed, parallel
from jaxgan.system.compilation import jit
from jaxgan.training.job import TrainingJob
from jaxgan.training.train_step import NEVER, Carry, compile_run, make_step

_IN_FLIGHT = 8  # Steps, each with its batch, that the host may be ahead of an accelerator.


class Replicas:
  """The replicas of a job, all at the same step; see `replicas_of`.

  Attributes:
    job: the job.
    carries: one Carry with all replicas, or one per replica.
    logged_step: the step of the newest row of the log; sums of metrics begin after it.
  """

  _each: Callable[[Callable], Callable]  # Lifts a function of a replica to a carry.
  _arranged: Callable[[list], list]  # Trees of all replicas to trees of all carries.
  _one: Callable[[list, int], Any]  # The tree of a replica from trees of all carries.
  _divided: Callable[[Any], list]  # States as in checkpoints to states of all carries.

  def __init__(self, job: TrainingJob, mesh: jax.sharding.Mesh, batched: bool, sharding: Any):
    """Compiles nothing yet.

    Args:
      job: the job.
      mesh: of the devices to use.
      batched: all replicas in one carry.
      sharding: of the state and the metrics of a carry.
    """
    self.job, self._everywhere = job, parallel.replicated(mesh)
    self._of_carry = Carry(sharding, self._everywhere, sharding, sharding)
    self._one_step, self._start = make_step(job, batched)
    self._loops_on_device = not _is_cpu(mesh) and not job.data.streamed
    self._wait_every = 1 if _is_cpu(mesh) else _IN_FLIGHT
    self._finite = jit(self._each(_all_finite))
    self._seeds = range(job.config.seed, job.config.seed + job.num_replicas)
    balanced = job.algorithm.class_balanced
    if job.data.streamed:
      self._stream = Stream(job.data, self._seeds, job.batch_size, mesh, batched, balanced)
    replicas_data = [job.data.replica_data(r, seed, balanced) for r, seed in enumerate(self._seeds)]
    self._replicas_data = parallel.put(self._arranged(replicas_data), sharding)

  def abstract_states(self) -> Any:
    """Returns shapes, types and shardings of `states()`."""
    init = replicate.replicate(self.job.algorithm, self.job.num_replicas).init
    return checkpoint.abstract_state(init, self._of_carry.state)

  def states(self) -> Any:
    """Returns the states of all replicas along a leading axis, as in checkpoints."""
    raise NotImplementedError

  def initialise(self) -> None:
    """Makes the states of step 0."""
    init = jit(self._each(self.job.algorithm.init), out_shardings=self._of_carry.state)
    keys = self._arranged([training_data.run_keys(seed)[0] for seed in self._seeds])
    self._begin([self._each(self.job.start)(init(key)) for key in keys], 0)

  def restore(self, restored: checkpoint.Restored) -> None:
    """Continues from a checkpoint of all replicas."""
    step, states, progress = restored
    self._begin(self._divided(states), step)
    if progress:
      self.logged_step = progress['logged_step']
      like = self.carries[0].metrics
      sums = [{n: np.asarray(s[n], m.dtype) for n, m in like.items()} for s in progress['sums']]
      self._set_sums(parallel.put(self._arranged(sums), self._of_carry.metrics))

  def _begin(self, states, step):
    job = self.job
    self._frozen = parallel.put(dict(job.frozen), self._everywhere)
    if job.data.streamed:
      self._dataset, seen = self._stream.from_step(step), self._stream.abstract()
    else:
      seen = self._dataset = parallel.put(job.data.dataset, self._everywhere)
    carries = [
      self._start(state, step, replica_data, seen, self._frozen)
      for state, replica_data in zip(states, self._replicas_data, strict=True)
    ]
    self.carries = [parallel.put(carry, self._of_carry) for carry in carries]
    self.logged_step = step
    self._run = compile_run(self._one_step, self._loops_on_device, self._of_carry, self._wait_every)

  @property
  def step(self) -> int:
    """Steps done."""
    return int(self.carries[0].step)

  def advance(
    self, num_steps: int, should_stop: Callable, took: Callable[[int], Any] = lambda steps: None
  ) -> None:
    """Takes `num_steps` steps, fewer if `should_stop()` returns True; see `compile_run`."""
    constants = self._dataset, self._frozen, should_stop, took
    self.carries = self._run(self.carries, num_steps, self._replicas_data, *constants)

  def state(self, replica: int) -> Any:
    """Returns the state of one replica."""
    return self._one([carry.state for carry in self.carries], replica)

  def sums(self) -> list[dict]:
    """Returns the sums of the metrics of each replica since `logged_step`."""
    sums = [distributed.to_host(carry.metrics) for carry in self.carries]
    return [self._one(sums, replica) for replica in range(self.job.num_replicas)]

  def means(self) -> list[dict]:
    """Returns the mean metrics of each replica since `logged_step`."""
    steps = self.step - self.logged_step
    return [{name: (total / steps).tolist() for name, total in s.items()} for s in self.sums()]

  def progress(self) -> dict:
    """Returns the sums of metrics since the last row of the log, to save in a checkpoint."""
    sums = [{name: total.tolist() for name, total in s.items()} for s in self.sums()]
    return {'logged_step': self.logged_step, 'sums': sums}

  def restart_sums(self) -> None:
    """Starts new sums of metrics; the current step has been logged."""
    self.logged_step = self.step
    self._set_sums([jax.tree.map(jnp.zeros_like, carry.metrics) for carry in self.carries])

  def _set_sums(self, sums):
    self.carries = [c._replace(metrics=m) for c, m in zip(self.carries, sums, strict=True)]

  def not_finite(self) -> tuple[str, int, int] | None:
    """Returns (what, replica, step) of the first NaN or infinite loss or state, or None."""
    bad_steps = self._of_each(lambda carry: carry.bad_step)
    if (bad_steps != NEVER).any():
      return 'loss', int(bad_steps.argmin()), int(bad_steps.min())
    finite = self._of_each(lambda carry: self._finite(carry.state))
    return None if finite.all() else ('state', int(finite.argmin()), self.step - 1)

  def _of_each(self, value: Callable) -> np.ndarray:
    """Returns a number for each replica, on the host."""
    return np.concatenate([np.ravel(distributed.to_host(value(c))) for c in self.carries])


class Batched(Replicas):
  """All replicas as one batched state in a single carry, split over the mesh's replica axis."""

  def __init__(self, job: TrainingJob, mesh: jax.sharding.Mesh):
    """See `replicas_of`."""
    super().__init__(job, mesh, True, parallel.along_replicas(mesh))

  _each = staticmethod(replicate.over_replicas)

  def _arranged(self, trees):
    return [replicate.stack(trees)]

  def _one(self, trees, replica):
    return replicate.take(trees[0], replica)

  def _divided(self, states):
    return [states]

  def states(self) -> Any:
    """Returns the states of all replicas along a leading axis, as in checkpoints."""
    return self.carries[0].state


class Sequential(Replicas):
  """One carry per replica; all replicas take a step before any takes the next."""

  def __init__(self, job: TrainingJob, mesh: jax.sharding.Mesh):
    """See `replicas_of`."""
    super().__init__(job, mesh, False, parallel.replicated(mesh))

  def _each(self, function):
    return function

  def _arranged(self, trees):
    return trees

  def _one(self, trees, replica):
    return trees[replica]

  def _divided(self, states):
    take = jit(replicate.take, out_shardings=self._everywhere)
    return [take(states, replica) for replica in range(self.job.num_replicas)]

  def states(self) -> Any:
    """Returns the states of all replicas along a leading axis, as in checkpoints."""
    return replicate.stack([carry.state for carry in self.carries])


def replicas_of(job: TrainingJob, mesh: jax.sharding.Mesh, batched: bool | None = None) -> Replicas:
  """Places the replicas of a job on a mesh; compiles nothing yet.

  Args:
    job: the job.
    mesh: of the devices to use; `jax.set_mesh` must have set it.
    batched: replicas as one batched state; by default on accelerators only, because it is slower on
      a CPU.
  """
  if batched is None:
    batched = job.num_replicas > 1 and not _is_cpu(mesh)
  return Batched(job, mesh) if batched else Sequential(job, mesh)


def _is_cpu(mesh) -> bool:
  return mesh.devices.flat[0].platform == 'cpu'


def _all_finite(state):
  leaves = [x for x in jax.tree.leaves(state) if jnp.issubdtype(x.dtype, jnp.floating)]
  return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in leaves]))
