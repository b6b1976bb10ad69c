"""A plan as text, with the cost of each training job: parameters, memory, arithmetic, disk."""

import math
import pathlib
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxgan.algorithms import Algorithm
from jaxgan.data import training_data
from jaxgan.errors import UserError
from jaxgan.evaluation import cas, yardsticks
from jaxgan.runs import durations, families, recogniser, rules, schedules
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.facts import Facts, trained_by
from jaxgan.runs.plan import Job, Kind, Plan
from jaxgan.system import compilation, messages
from jaxgan.training import classifiers as classifiers_lib
from jaxgan.training.job import TrainingJob
from jaxgan.training.train_step import make_step

_HEADER = ('job', 'state', 'steps', 'parameters', 'memory', 'a step', 'disk', 'time')
_UNTRAINED = ('step', 'ema', 'counts', 'cycle_counts')  # Fields of states.


def lines(config: Experiment, facts: Facts, plan: Plan) -> list[str]:
  """Writes a plan as lines: each job with its state and cost, the schedules, notes and refusals.

  Parameters count one replica. Memory counts the states of all replicas and the images on the
  device, without activations. Arithmetic is XLA's count for a step of one replica. Times are of
  earlier runs on this machine.

  Args:
    config: the experiment.
    facts: the facts of the experiment.
    plan: the plan.

  Returns:
    The lines.
  """
  costs = Costs(config, facts)
  timed = durations.Durations(config, facts, plan.jobs)
  left = [job for job in plan.jobs if not job.is_done]
  seconds = {job: timed.seconds(job) for job in left}
  with messages.stage('counting parameters, memory and arithmetic', after=2.0):
    rows = [_HEADER, *(_row(costs, job, seconds) for job in plan.jobs)]
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  table = [
    '  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for row in rows
  ]
  refused = [f'refused: {line}' for line in plan.refusals]
  if not plan.jobs:
    return refused
  whole = durations.total([(f'{job.kind} {job.name}', seconds[job]) for job in left], 'the plan')
  scheduled = [*schedules.lines(config, facts), *schedules.kept(config, facts)]
  scheduled += [f'note: {line}' for line in plan.notes]
  return [*table, '', whole, '', *scheduled, *(refused or ['nothing is refused'])]


def _row(costs, job: Job, seconds):
  """The cells of a job; `seconds` has the jobs that are not done."""
  cells, time = [f'{job.kind} {job.name}', _state(job)], ''
  if job.kind == Kind.TRAIN:
    cells.append('unknown until prepared' if job.steps is None else f'{job.steps:,}')
    if cost := costs.of(job):
      flops = '' if cost.flops is None else f'{cost.flops / 1e9:,.3g} GFLOP'
      cells += [f'{cost.parameters / 1e6:,.2f} M', _size(cost.memory), flops, _size(cost.disk)]
  if job in seconds:
    time = 'unknown' if seconds[job] is None else f'about {messages.in_words(seconds[job])}'
  return [*cells, *[''] * (len(_HEADER) - len(cells) - 1), time]


def _state(job: Job) -> str:
  if job.kind in (Kind.EVALUATE, Kind.COMPARE):
    return 'always'
  if job.is_done:
    return 'done'
  return 'missing' if job.step is None else f'at step {job.step:,}'


def _size(count: int) -> str:
  return f'{count / 1e9:,.2f} GB' if count >= 1e9 else f'{count / 1e6:,.1f} MB'


class Cost(NamedTuple):
  """The cost of a training job.

  Attributes:
    parameters: trained parameters of one replica, without moving averages and optimiser states.
    memory: bytes of the states that are trained at the same time and of the images that stay on the
      device, without activations.
    flops: floating-point operations of a step of one replica, as XLA counts them for a CPU; None if
      unknown.
    disk: bytes of the checkpoints of all replicas at the end: the last `train.keep` and the best.
  """

  parameters: int
  memory: int
  flops: float | None
  disk: int


class _Traced(NamedTuple):
  """An algorithm, the shapes of its state, and the floating-point operations of its step."""

  algorithm: Algorithm
  state: Any
  flops: float | None


class Costs:
  """The costs of the training jobs of a plan; jobs with equal settings are traced once."""

  def __init__(self, config: Experiment, facts: Facts):
    """Stores the arguments; tracing starts with the first cost.

    Args:
      config: the experiment.
      facts: the facts of the experiment.
    """
    self._config, self._facts, self._traced = config, facts, {}

  def of(self, job: Job) -> Cost | None:
    """Returns the cost of a TRAIN job, or None if the job cannot be built."""
    config, facts = self._config, self._facts
    *within, name = job.name.split('/')
    try:
      if name == cas.FOLDER:
        num_images = len(facts.data.indices[0])
        if within != [yardsticks.FOLDER]:
          num_images = cas.num_images(config, num_images)
        generated = num_images * math.prod(facts.data.image_shape)
        return _cost(config.cas, generated, self._classifier(name), config.replicas, at_once=1)
      if role := self._role(name):
        resident = _resident(facts.images[role].training)
        return _cost(getattr(config, name), resident, self._classifier(role))
      if within == [recogniser.ROLE]:
        config = getattr(config, recogniser.ROLE)
      return _cost(config, _resident(facts.data), self._method(config, name), config.replicas)
    except (UserError, KeyError):  # A rule refuses the job, or its classifier or images are absent.
      return None

  def _role(self, name) -> str | None:
    """The role of the classifier that is trained in the folder with a name; None without one."""
    config, facts = self._config, self._facts
    trained = (role for role in facts.roles if role in facts.images)
    return next((r for r in trained if trained_by(config, r, facts.workdir) == name), None)

  def _classifier(self, role) -> _Traced:
    """Traces the classifier of a role on the shape and classes of its training images."""
    trainer = trained_by(self._config, role, self._facts.workdir)
    section, data = getattr(self._config, trainer or role), self._facts.images[role].training
    key = (
      section.algorithm,
      section.train.batch_size,
      (section.data.flip, section.data.crop_padding),
      (data.image_shape, data.num_classes),
    )
    if key not in self._traced:
      algorithm = classifiers_lib.build_classifier(section, data.arrays, steps_per_epoch=1)
      self._traced[key] = _trace(section, data, algorithm, {})
    return self._traced[key]

  def _method(self, config, method) -> _Traced:
    if method not in self._traced:
      facts, family = self._facts, families.family_of([method])
      classifiers = {role: self._abstract(role) for role in facts.roles if getattr(config, role)}
      if None in classifiers.values():
        algorithm, frozen = rules.untrained(config, facts, method), None
      else:
        algorithm, frozen = family.build(config, method, facts.data, classifiers)
      self._traced[method] = _trace(config, facts.data, algorithm, frozen)
    return self._traced[method]

  def _abstract(self, role) -> classifiers_lib.Classifier | None:
    """A classifier with shapes in place of variables; None if its network is unknown."""
    config, facts = self._config, self._facts
    if role == recogniser.ROLE:
      section = getattr(config, role)
      traced = self._method(section, section.methods[0])
    elif role in facts.images:
      traced = self._classifier(role)
    else:
      return None
    return facts.known[role]._replace(
      classify=traced.algorithm.classify, variables=traced.state.variables
    )


def _resident(data) -> int:
  """Bytes of the images that stay on the device."""
  return 0 if data.streamed else math.prod(data.arrays.images.shape)


def _cost(section, resident, traced: _Traced, num_replicas: int = 1, at_once: int = 0) -> Cost:
  """The cost of a job whose replicas train together, or `at_once` of them at a time."""
  size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(traced.state))
  memory = (at_once or num_replicas) * size + resident
  disk = (section.train.keep + 1) * num_replicas * size
  return Cost(_parameters(traced.state), memory, traced.flops, disk)


def _parameters(state) -> int:
  """Counts trained elements: no averages, batch statistics, counters or optimiser states."""

  def trains(path) -> bool:
    field, *inner = (str(getattr(key, 'name', getattr(key, 'key', ''))) for key in path)
    remembers = field in _UNTRAINED or field.endswith('optimizer')
    return not remembers and 'batch_stats' not in inner

  leaves = jax.tree_util.tree_leaves_with_path(state)
  return sum(leaf.size for path, leaf in leaves if trains(path))


def _trace(section, data, algorithm: Algorithm, frozen) -> _Traced:
  """Traces a step on stand-in images, for XLA's count of operations before optimisation.

  Args:
    section: the configuration of the job.
    data: its TrainingData; only the image shape and the number of classes are used.
    algorithm: the algorithm of a single replica.
    frozen: shapes of the frozen arrays; None if unknown, and then flops are None, too.
  """
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  if frozen is None:
    return _Traced(algorithm, state, None)
  num_images = section.train.batch_size * algorithm.images_per_update
  images = np.zeros((num_images, *data.image_shape), np.uint8)
  pool = data.arrays._replace(images=images, labels=np.zeros(num_images, np.int32))
  data = training_data.whole(pool)._replace(classes=data.classes[:1])
  job = TrainingJob('plan', pathlib.Path('plan'), section, algorithm, data, frozen)
  one_step, start = make_step(job, batched=False)
  read = data.replica_data(0, 0, algorithm.class_balanced), data.dataset, frozen
  carry = jax.eval_shape(lambda state, *read: start(state, 0, *read), state, *read)
  lowered = compilation.jit(one_step).lower(carry, *read)
  return _Traced(algorithm, state, (lowered.cost_analysis() or {}).get('flops'))
