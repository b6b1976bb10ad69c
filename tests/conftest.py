"""Stand-in data and tiny networks for the tests of training."""

import os

# Tests compile many small programs and run each a few times: optimise the former.
os.environ['XLA_FLAGS'] = (
  os.environ.get('XLA_FLAGS', '') + ' --xla_backend_optimization_level=0'
  ' --xla_force_host_platform_device_count=8'
)

import jax
import ml_collections
import numpy as np
import pytest

from data_prep.build import Arrays
from experiments import base
from jaxgan import data as data_lib

CLASS_COUNTS = (40, 24, 12)


def _arrays(split: str, image_size: int, channels: int, num_classes: int, n: int) -> Arrays:
  """Noise on a brightness that tells the class: learnable, and different in every image."""
  rng = np.random.default_rng(0 if split == 'train' else 1)
  if num_classes == len(CLASS_COUNTS) and split == 'train':
    labels = np.repeat(np.arange(num_classes), CLASS_COUNTS)
  else:
    labels = np.arange(n) % num_classes
  shape = (len(labels), image_size, image_size, channels)
  level = 40 + 180 * labels // num_classes
  images = np.clip(level[:, None, None, None] + rng.integers(-30, 30, shape), 0, 255)
  names = tuple(f'class_{k}' for k in range(num_classes))
  key = f'stand-in/{split}-{image_size}-{channels}-{num_classes}'
  return Arrays(images.astype(np.uint8), labels.astype(np.int32), names, {}, key)


@pytest.fixture
def stand_in_data(monkeypatch):
  """Replaces every data set by noise; returns a function that sets its shape."""
  shape = {'image_size': 8, 'channels': 1, 'num_classes': 3, 'n': 60}
  monkeypatch.setattr(data_lib, 'load', lambda config, split: _arrays(split, **shape))
  return shape.update


def shrink(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """An experiment's configuration with tiny networks and lengths, all else unchanged."""
  with config.unlocked():
    config.algorithm.generator_width = config.algorithm.discriminator_width = 4
    config.algorithm.noise_dim = 8
    config.algorithm.count_cycle = 2
    config.algorithm.ema_start = 2
    config.evaluation.update(samples=24, periodic_samples=16, batch_size=8)
    config.train.update(batch_size=8, steps=4, log_every=2)
    for section in (config, config.classifier, config.annotator):
      every = {'evaluate_every': 2, 'picture_every': 4, 'checkpoint_every': 2}
      section.train.update(batch_size=8, log_every=2, **every)
    for section in (config.classifier, config.annotator):
      section.algorithm.update(depth=8, width=4)
      section.train.epochs = 1
  return config


@pytest.fixture
def tiny_config():
  """A class-balancing experiment on 8x8 stand-in images with tiny networks."""
  config = base.gan_config('tiny', 'class_balancing', 'stand_in', 'stand_in', flip=False)
  return shrink(config)


@pytest.fixture
def no_pictures(monkeypatch):
  """Leaves out matplotlib where a test is about something else."""
  from jaxgan import pictures

  for name in ('loss_curves', 'class_histogram_over_time', 'class_histogram', 'samples_by_class'):
    monkeypatch.setattr(pictures, name, lambda *args, **kwargs: None)


@pytest.fixture(scope='session')
def assert_trees_equal():
  """A function that fails unless two pytrees are the same to the last bit."""

  def check(a, b):
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(a), jax.device_get(b))

  return check
