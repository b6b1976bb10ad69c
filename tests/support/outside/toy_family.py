"""A family of methods: images from a Gaussian around a learned mean."""

from typing import Any, NamedTuple

from flax import struct
import jax
import jax.numpy as jnp
import numpy as np

from jaxgan.algorithms import Algorithm
from jaxgan.config.section import Count, NotNegative, Positive, Section, field
from jaxgan.data import pixels
from jaxgan.evaluation.evaluate import Evaluation
from jaxgan.evaluation.metric import LOWER, Metric
from jaxgan.runs.experiment import Checkpoint
from jaxgan.runs.families import FAMILIES
from jaxgan.runs.family import Family
from jaxgan.system import compilation, distributed
from jaxgan.system.registry import Registry

NAME = 'toy_gaussian'


class GaussianConfig(Section):
  """The `algorithm` section: learning rate and spread."""

  learning_rate: Positive = field(0.1, 'of gradient descent')
  deviation: NotNegative = field(0.1, 'of each pixel of generated images')


class GaussianEvaluation(Section):
  """The `evaluation` section: how many images, and which checkpoint."""

  samples: Count = field(8, 'generated images')
  batch_size: Count = field(8, 'images at once')
  checkpoint: Checkpoint = field('latest', 'checkpoint of the last evaluation')


class GaussianState(struct.PyTreeNode):
  """Everything that training changes: the step and the mean `[H, W, C]`."""

  step: Any
  mean: Any


def gaussian(config: GaussianConfig, image_shape) -> Algorithm:
  """Returns gradient descent on E (x - μ)² / 2."""

  def init(rng):
    del rng
    return GaussianState(jnp.zeros((), jnp.int32), jnp.zeros(image_shape))

  def update(state, batch, frozen, rng):
    del frozen, rng
    difference = batch.images.mean(0) - state.mean
    mean = state.mean + config.learning_rate * difference
    return GaussianState(state.step + 1, mean), {'loss/distance': jnp.square(difference).mean()}

  def generate(state, rng, num_images, ema=True):
    del ema
    noise = jax.random.normal(rng, (num_images, *image_shape))
    return jnp.clip(state.mean + config.deviation * noise, -1.0, 1.0)

  return Algorithm(init, update, generate)


class Seen(NamedTuple):
  """What metrics read: generated images and the mean of the real ones."""

  images: Any
  mean: Any
  has: frozenset = frozenset()
  networks: tuple = ()


class Observer:
  """Draws images from a state for `jaxgan.evaluation.evaluate.Evaluation`."""

  def __init__(self, inputs, algorithm):
    self._inputs, self.settled = inputs, lambda state: state
    self._generate = compilation.jit(
      lambda state, rng, num: pixels.to_uint8(algorithm.generate(state, rng, num)),
      static_argnums=2,
    )

  def num_images(self, periodic):
    """Returns how many images an evaluation draws."""
    del periodic
    return self._inputs.config.evaluation.samples

  def observe(self, state, replica, rng, num_images, needs=frozenset(), place=None):
    """Draws images and returns what metrics read."""
    del needs, place
    images = distributed.to_host(self._generate(state, rng, num_images))
    return Seen(images, self._inputs.data.replica_arrays(replica).images.mean(0))

  def score(self, results):
    """Returns the score that ranks checkpoints, higher is better."""
    return -results['toy_distance']

  def record_fields(self, seen, replica, step):
    """Returns the fields of evaluation.json beside the results."""
    del seen, step
    key = self._inputs.data.keys[replica]
    return {'published': None, 'settings': {'data': key}, 'run': {}, 'labels': {}, 'notes': ()}

  def save(self, folder, state, seen, replica):
    """Keeps no images."""


class Pictures:
  """Draws no pictures."""

  periodic = final = staticmethod(lambda *_: None)


def build(config, method, data, classifiers):
  """Returns the algorithm of a configuration and its frozen arrays: none."""
  del method, classifiers
  return gaussian(config.algorithm, data.image_shape), {}


def evaluate(inputs, method, algorithm):
  """Returns the evaluation of a method."""
  return Evaluation(inputs, method, Observer(inputs, algorithm), METRICS, Pictures)


def distance(seen):
  """Returns the mean square distance of the mean images, intensities in [0, 1]."""
  return np.square((seen.images.mean(0) - seen.mean) / 255).mean()


METRICS = Registry('metric', {})
METRICS.register(
  'toy_distance',
  Metric('toy_distance', distance, 'of generated and real mean images', LOWER, periodic=True),
)
FAMILIES.register(
  'toy_gaussians',
  Family(
    title='Gaussians',
    methods=Registry('method', {NAME: None}),
    algorithm=lambda method: GaussianConfig,
    evaluation=GaussianEvaluation,
    metrics=METRICS,
    build=build,
    evaluate=evaluate,
  ),
)
