"""A small algorithm that uses all fields of a batch and compiles in a second, and its jobs."""

import json
import pathlib
from typing import Any

from flax import linen as nn
from flax import struct
import jax
import jax.numpy as jnp
import numpy as np
import optax

from data_prep import build
from jaxgan.algorithms import Algorithm, replicate
from jaxgan.config.overrides import changed
from jaxgan.data import training_data as training_data_lib
from jaxgan.data.config import DataConfig
from jaxgan.networks.layers import Conv
from jaxgan.system.parallel import along_batch
from jaxgan.training import loop
from jaxgan.training.config import ClassifierJob, TrainConfig
from jaxgan.training.job import OptionalOutput, TrainingJob
from jaxgan.training.restore import restore

SIZES = (20, 50, 31)  # Images of each replica: different lengths of an epoch.
POOL = 60
K = 3


class ToyState(struct.PyTreeNode):
  step: Any
  variables: Any


class _Network(nn.Module):
  num_classes: int

  @nn.compact
  def __call__(self, images, train: bool):
    x = nn.BatchNorm(use_running_average=not loop)(Conv(8)(images))
    return nn.Dense(self.num_classes)(nn.relu(x).reshape(len(x), -1))


def algorithm(image_shape=(8, 8, 1), num_classes=K) -> Algorithm:
  """A classifier of noisy images; the classes count as often as they are in the data."""
  network = _Network(num_classes)

  def init(rng):
    variables = network.init(rng, jnp.zeros((2, *image_shape)), train=False)
    return ToyState(jnp.zeros((), jnp.int32), variables)

  def update(state, batch, frozen, rng):
    images, labels = batch.images, batch.labels
    noise = along_batch(jax.random.normal(rng, images.shape))
    noisy = images + frozen['noise'] * noise
    shares = batch.class_counts / batch.class_counts.sum()

    def loss_fn(params):
      logits, stats = network.apply(
        {**state.variables, 'params': params}, noisy, train=True, mutable=['batch_stats']
      )
      losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
      return jnp.mean(shares[labels] * losses), stats

    params = state.variables['params']
    (loss, stats), gradients = jax.value_and_grad(loss_fn, has_aux=True)(params)
    params = jax.tree.map(lambda p, g: p - 0.1 * g, params, gradients)
    metrics = {'loss/toy': loss, 'shares': shares, 'brightness': images.mean()}
    return ToyState(state.step + 1, {'params': params, **stats}), metrics

  return Algorithm(init, update)


def training_data(sizes=SIZES) -> training_data_lib.TrainingData:
  """Replicas with as many images of a pool as `sizes` says; where they begin differs."""
  rng = np.random.default_rng(0)
  images = rng.integers(0, 256, (POOL, 8, 8, 1)).astype(np.uint8)
  labels = rng.integers(0, K, POOL).astype(np.int32)
  pool = build.Arrays(images, labels, ('a', 'b', 'c'), {}, 'toy')
  indices = tuple(np.sort(rng.permutation(POOL)[:size]) for size in sizes)
  keys, classes = tuple(f'part {r}' for r in range(len(sizes))), (np.arange(K),) * len(sizes)
  return training_data_lib.TrainingData(pool, indices, keys, classes)


def job(
  folder=None, data=None, evaluate=None, picture=None, seed=5, **train_changes
) -> TrainingJob:
  """A job with a replica for each part of the data."""
  data = training_data() if data is None else data
  train_section = TrainConfig(
    batch_size=8, steps=4, log_every=2, evaluate_every=2, picture_every=4, checkpoint_every=2
  )
  config = ClassifierJob(seed=seed, data=DataConfig(), train=changed(train_section, train_changes))
  return TrainingJob(
    name='toy',
    folder=pathlib.Path(folder) if folder else None,
    config=config,
    algorithm=algorithm(),
    data=data,
    frozen={'noise': np.float32(0.1)},
    evaluate=evaluate or (lambda state, replica: ({}, None)),
    outputs=(pictures(folder, picture),) if picture else (),
  )


def pictures(folder, picture) -> OptionalOutput:
  """What a job draws: `picture(state, step, replica)`, of each replica."""
  return OptionalOutput(
    f'pictures of {folder}', 'picture_every', lambda folder, step, seen: None, picture
  )


def with_preview(job: TrainingJob, show) -> TrainingJob:
  """The job that keeps something drawn of all its replicas: `show(step)`, with every row."""
  name, write = f'preview of {job.folder}', lambda folder, step, seen: show(step)
  return job._replace(outputs=(*job.outputs, OptionalOutput(name, 'log_every', write)))


def single(job: TrainingJob, replica: int) -> TrainingJob:
  """The job that trains one replica alone: its part of the data and its seed."""
  data = job.data._replace(indices=job.data.indices[replica : replica + 1], keys=('alone',))
  config = changed(job.config, {'seed': job.config.seed + replica})
  return job._replace(data=data, config=config)


def trained(job: TrainingJob, mesh):
  """Trains a job of one replica and returns its last state."""
  loop.train(job, mesh)
  step, states = restore(job.algorithm, job.folder, 'latest', 1, mesh)
  assert step == job.config.train.steps
  return replicate.take(states, 0)


def rows(job: TrainingJob) -> list[dict]:
  """Its log."""
  lines = (job.folder / 'metrics.jsonl').read_text().splitlines()
  return [json.loads(line) for line in lines]
