"""A training job as a value: what is trained, on what, and what is measured and drawn of it."""

from collections.abc import Callable, Mapping
import pathlib
from typing import Any, NamedTuple

from jaxgan.algorithms import Algorithm
from jaxgan.data import order, training_data


class OptionalOutput(NamedTuple):
  """A picture or page that is drawn while a job trains and that a run can do without.

  Attributes:
    name: what the line says is left out where it fails.
    every: the field of `train` with the steps between two of them; all are due at the last step.
    write: `write(folder, step, seen)`; with several processes, on the one that writes.
    observe: `observe(state, step, replica) -> seen`, host values of each replica, written to its
      folder; with several processes, on all of them. None: of the job as a whole, `seen` is None.
  """

  name: str
  every: str
  write: Callable
  observe: Callable | None = None


class TrainingJob(NamedTuple):
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
    outputs: the optional outputs.
    start: `start(state) -> state`, what the first state of a replica takes over from elsewhere,
      such as pretrained weights. It is not compiled, and not asked where there is a checkpoint.
  """

  name: str
  folder: pathlib.Path | None
  config: Any
  algorithm: Algorithm
  data: training_data.TrainingData
  frozen: Mapping[str, Any]
  evaluate: Callable = lambda state, replica: ({}, None)
  outputs: tuple[OptionalOutput, ...] = ()
  start: Callable = lambda state: state

  @property
  def num_replicas(self) -> int:
    return len(self.data.indices)

  @property
  def batch_size(self) -> int:
    """Images of an update."""
    return self.config.train.batch_size * self.algorithm.images_per_update

  @property
  def epoch(self) -> int:
    """Steps of an epoch of the largest replica."""
    return _epoch(self.data, self.batch_size)

  @property
  def last_step(self) -> int:
    """Its length."""
    return total_steps(self.config, self.data, self.algorithm.images_per_update)


def total_steps(config, data: training_data.TrainingData, images_per_update: int = 1) -> int:
  """Length of a job in steps: `train.steps`, or else `train.epochs` of the largest replica.

  Raises:
    UserError: a replica has fewer images than one step.
  """
  epoch = _epoch(data, config.train.batch_size * images_per_update)
  return config.train.epochs * epoch if config.train.steps is None else config.train.steps


def _epoch(data, images_per_step) -> int:
  return max(order.steps_per_epoch(len(at), images_per_step) for at in data.indices)
