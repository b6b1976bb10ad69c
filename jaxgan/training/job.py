"""A training job: algorithm, data, evaluation and optional outputs."""

from collections.abc import Callable, Mapping
import pathlib
from typing import Any, NamedTuple

from jaxgan.algorithms import Algorithm
from jaxgan.data import order, training_data
from jaxgan.training.progress import Forecast


class OptionalOutput(NamedTuple):
  """A picture or page of a training job whose failure does not end the run.

  Attributes:
    name: names the output in the message about a failure.
    every: the field of `train` with the steps between two outputs; the last step has all of them.
    write: `write(folder, step, seen)`; with several processes, only the writer calls it.
    observe: `observe(state, step, replica) -> seen`, host values of each replica, which `write`
      gets with the folder of the replica; all processes call it. None: one output for the whole
      job, whose `seen` is None.
  """

  name: str
  every: str
  write: Callable[[pathlib.Path, int, Any], Any]
  observe: Callable[[Any, int, int], Any] | None = None


class TrainingJob(NamedTuple):
  """A training job of one or several replicas.

  Attributes:
    name: its name in progress lines.
    folder: the folder that it writes to.
    config: sections `data`, `algorithm` and `train`, and `seed` of replica 0; replica r has
      seed + r.
    algorithm: the pure functions of a single replica.
    data: the TrainingData, for as many replicas as the job has.
    frozen: arrays that updates read and never change, shared by all replicas.
    evaluate: `evaluate(state, replica) -> (values, score)`: metrics by name, and a score (higher is
      better) or None. The mean score over replicas ranks checkpoints.
    evaluates: the images that an evaluation measures, such as ': 147 test images', for messages.
    forecast: knows how long jobs take on this machine.
    outputs: the optional outputs.
    start: `start(state) -> state`, changes the initial state of a replica, for example to
      pretrained weights. It is not compiled, and not called when a checkpoint is restored.
  """

  name: str
  folder: pathlib.Path
  config: Any
  algorithm: Algorithm
  data: training_data.TrainingData
  frozen: Mapping[str, Any]
  evaluate: Callable[[Any, int], tuple[dict, float | None]] = lambda state, replica: ({}, None)
  evaluates: str = ''
  forecast: Forecast = Forecast()
  outputs: tuple[OptionalOutput, ...] = ()
  start: Callable[[Any], Any] = lambda state: state

  @property
  def num_replicas(self) -> int:
    """Number of replicas."""
    return len(self.data.indices)

  @property
  def batch_size(self) -> int:
    """Images per step."""
    return self.config.train.batch_size * self.algorithm.images_per_update

  @property
  def epoch(self) -> int:
    """Steps per epoch of the largest replica."""
    return _epoch(self.data, self.batch_size)

  @property
  def last_step(self) -> int:
    """Length of the job in steps."""
    return total_steps(self.config, self.data, self.algorithm.images_per_update)


def total_steps(config: Any, data: training_data.TrainingData, images_per_update: int = 1) -> int:
  """Returns the length of a job in steps: `train.steps`, or `train.epochs` of the largest replica.

  Args:
    config: of the job.
    data: its TrainingData.
    images_per_update: batches of `train.batch_size` images per step.

  Raises:
    UserError: a replica has fewer images than one step needs.
  """
  epoch = _epoch(data, config.train.batch_size * images_per_update)
  return config.train.epochs * epoch if config.train.steps is None else config.train.steps


def _epoch(data, images_per_step) -> int:
  return max(order.steps_per_epoch(len(at), images_per_step) for at in data.indices)
