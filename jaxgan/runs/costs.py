"""What a training job costs, before it runs: parameters, memory, arithmetic and disk."""

from collections.abc import Mapping
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgan.data.training_data import Dataset
from jaxgan.errors import UserError
from jaxgan.runs import families, recogniser, rules
from jaxgan.runs.facts import Facts, is_trained
from jaxgan.runs.plan import Job
from jaxgan.system import compilation
from jaxgan.training import jobs, loop
from jaxgan.training.train_step import make_step

_UNTRAINED = ('step', 'ema', 'counts', 'cycle_counts')  # Fields of states.


class Cost(NamedTuple):
  """Of a training job.

  Attributes:
    parameters: of the networks of one replica, without averages and optimizers.
    memory: bytes of the states of all replicas and the images that stay on the device, without
      activations.
    flops: of a step of one replica, as XLA counts them for a CPU; None where they are not known.
    disk: bytes of the checkpoints at the end, `train.keep` and the best.
  """

  parameters: int
  memory: int
  flops: float | None
  disk: int


def cost(config, facts: Facts, job: Job) -> Cost | None:
  """The cost of a training job of a plan; None of one that cannot be built.

  Args:
    config: the experiment's.
    facts: what was read of it.
    job: of kind TRAIN; that of a score has no cost of its own here.
  """
  try:
    described = _described(config, facts, job)
  except UserError:  # A rule refuses it.
    return None
  if described is None:
    return None
  section, data, algorithm, frozen = described
  state = jax.eval_shape(algorithm.init, jax.random.key(0))
  num_replicas = len(data.indices)
  states = num_replicas * _bytes(state)
  resident = 0 if data.streamed else math.prod(data.pool.images.shape)
  flops = None if frozen is None else _flops(section, data, algorithm, frozen, state)
  disk = (section.train.keep + 1) * states
  return Cost(_parameters(state), states + resident, flops, disk)


def _described(config, facts, job):
  """(section, TrainingData, Algorithm, frozen arrays or None) of a job."""
  *within, name = job.name.split('/')
  if name in facts.images:  # A classifier.
    section, images = getattr(config, name), facts.images[name]
    algorithm = jobs.build_classifier(section, images.training.pool, steps_per_epoch=1)
    return section, images.training, algorithm, {}
  if within == [recogniser.ROLE]:
    config = config.recogniser
  if name not in families.all_methods():
    return None
  classifiers = {
    role: _abstract(config, facts, role) for role in facts.roles if getattr(config, role)
  }
  family = families.family_of([name])
  if None in classifiers.values():
    return config, facts.data, rules.untrained(config, facts, name), None
  return config, facts.data, *family.build(config, name, facts.data, classifiers)


def _abstract(config, facts, role) -> jobs.Classifier | None:
  """A classifier with shapes for variables, None where its network is not known."""
  if role == recogniser.ROLE:
    section = config.recogniser
    (method,) = section.methods
    algorithm, _ = families.family_of([method]).build(section, method, facts.data, {})
    variables = jax.eval_shape(lambda rng: algorithm.init(rng).variables, jax.random.key(0))
    return facts.known[role]._replace(classify=algorithm.classify, variables=variables)
  if not is_trained(config, role):
    return None
  images = facts.images[role]
  algorithm = jobs.build_classifier(getattr(config, role), images.training.pool, steps_per_epoch=1)
  variables = jax.eval_shape(lambda rng: algorithm.init(rng).variables, jax.random.key(0))
  known = rules.expected_classifier(getattr(config, role), images)
  return known._replace(classify=algorithm.classify, variables=variables)


def _parameters(state) -> int:
  """Elements that are trained: not averages, statistics, counts or what optimizers remember."""
  total = 0
  for path, leaf in jax.tree_util.tree_leaves_with_path(state):
    field, *inner = (str(getattr(key, 'name', getattr(key, 'key', ''))) for key in path)
    trains = field not in _UNTRAINED and not field.endswith('optimizer')
    total += math.prod(leaf.shape) if trains and 'batch_stats' not in inner else 0
  return total


def _bytes(tree) -> int:
  leaves = jax.tree.leaves(tree)
  return sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)


def _shape(x):
  return jax.ShapeDtypeStruct(jnp.shape(x), x.dtype)


def _flops(section, data, algorithm, frozen: Mapping[str, Any], state) -> float | None:
  """What XLA counts of a step before it optimises it."""
  job = loop.Job(
    'plan', None, section, algorithm, data, frozen, evaluate=None, picture=None
  )  # fmt: skip
  one_step, start = make_step(job, batched=False)
  batch_size = section.train.batch_size * algorithm.images_per_update
  num_images = batch_size if data.streamed else max(1, len(data.pool.labels))
  dataset = Dataset(
    jax.ShapeDtypeStruct((num_images, *data.image_shape), jnp.uint8),
    jax.ShapeDtypeStruct((num_images,), jnp.int32),
  )
  share = jax.tree.map(_shape, data.replica_data(0, 0, algorithm.class_balanced))
  if not len(data.pool.labels):
    share = share._replace(indices=jax.ShapeDtypeStruct((num_images,), jnp.int32))
  carry = jax.eval_shape(lambda *a: start(a[0], 0, *a[1:]), state, share, dataset, frozen)
  lowered = compilation.jit(one_step).lower(carry, share, dataset, frozen)
  return (lowered.cost_analysis() or {}).get('flops')
