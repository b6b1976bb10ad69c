"""Stand-in data and tiny networks for the tests of training."""

from pathlib import Path
import types

import jax
import ml_collections
import numpy as np

from data_prep import preparation
from data_prep.build import Arrays
from experiments import base, base_codes
from jaxgan import data as data_lib
from jaxgan import parallel, sources
from tests import small

CLASS_COUNTS = (40, 24, 12)
ODD_NAMES = ('cat', 'AC/DC', 'zèbre rare')
METHODS = ('unconditional', 'class_balancing')
ROLES = ('classifier', 'annotator', 'cas')


def _arrays(
  split: str, image_size: int, channels: int, num_classes: int, n: int, metadata: dict
) -> Arrays:
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
  return Arrays(images.astype(np.uint8), labels.astype(np.int32), names, metadata, key)


def use_stand_in_data(monkeypatch):
  """Replaces every data set by noise; returns a function that changes its shape."""
  shape = {'image_size': 8, 'channels': 1, 'num_classes': 3, 'n': 60, 'metadata': {}}
  monkeypatch.setattr(data_lib, 'load', lambda config, split, limit=0: _arrays(split, **shape))
  monkeypatch.setattr(preparation, 'replica_splits', lambda dataset, num_replicas: None)

  def declared(section, num_replicas=1):
    arrays = data_lib.load(section, 'train')
    names, labelled = arrays.class_names, arrays.metadata.get('labelled', True)
    return preparation.Declared(Path(__file__), arrays.images.shape[1:], names, labelled)

  monkeypatch.setattr(sources, 'declared', declared)
  return shape.update


def use_one_device(monkeypatch):
  """Makes the mesh of a run that of the first device, unless its devices are named."""
  device_mesh = parallel.device_mesh

  def mesh(num_replicas=1, devices=None):
    return device_mesh(num_replicas, jax.devices()[:1] if devices is None else devices)

  monkeypatch.setattr(parallel, 'device_mesh', mesh)


def shrink(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """An experiment's configuration with tiny lengths and, where they can be, tiny networks."""
  with config.unlocked():
    # Adam divides by gradients near 0; a large epsilon keeps rounding from being blown up.
    config.algorithm.epsilon = 1e-2
    if 'generator_width' in config.algorithm:
      config.algorithm.generator_width = config.algorithm.discriminator_width = 4
      config.algorithm.noise_dim = 8
      config.algorithm.count_cycle = 2
      config.algorithm.ema_start = 2
      config.evaluation.update(samples=24, periodic_samples=16)
    else:
      config.algorithm.width = 4
      config.evaluation.update(images_per_code=12, periodic_images_per_code=8)
    config.evaluation.batch_size = 8
    config.train.update(batch_size=8, steps=4, epochs=None, log_every=2)
    classifiers = [config[role] for role in ROLES if role in config]
    for section in (config, *classifiers):
      every = {'evaluate_every': 2, 'picture_every': 4, 'checkpoint_every': 2}
      section.train.update(batch_size=8, log_every=2, **every)
    for section in classifiers:
      section.algorithm.update(depth=8, width=4)
      section.train.update(epochs=1, picture_every=100)
    if 'recogniser' in config:
      shrink(config.recogniser)
    if 'cas' in config:  # Each evaluation trains it: one checkpoint, the last, will do.
      config.cas.train.update(evaluate_every=100, checkpoint_every=100)
  return config


def _shrink(config, small_networks):
  if small_networks:
    for section in (config, *(config[role] for role in ROLES if role in config)):
      section.algorithm.network = small.CLASSIFIER if section is not config else small.NAME
    if 'recogniser' in config:
      config.recogniser.algorithm.network = small.NAME
  return shrink(config)


def tiny(small_networks: bool = True) -> ml_collections.ConfigDict:
  """A class-balancing experiment on 8x8 stand-in images, by default of `tests.small` networks."""
  config = base.gan_config('tiny', 'class_balancing', 'stand_in', 'stand_in', flip=False)
  return _shrink(config, small_networks)


def tiny_balanced(method: str = 'code_balancing') -> ml_collections.ConfigDict:
  """An experiment like `tiny` with a recogniser, of as many codes as there are classes."""
  config = base.gan_config('tiny', method, 'stand_in', 'stand_in', flip=False)
  base_codes.add_recogniser(config)
  return _shrink(config, small_networks=True)


def tiny_codes(method: str = 'elastic_infogan', small_networks: bool = True):
  """An experiment of the codes' family like `tiny`; its published networks have fixed widths."""
  annotator = base.classifier_section('stand_in', drw=False, flip=False)
  config = base_codes.codes_config('tiny', method, 'stand_in', annotator)
  return _shrink(config, small_networks)


def sample_unevenly(rng, num_images):
  """Noise; three of four images are of the first class."""
  noise = jax.random.randint(rng, (num_images, 8, 8, 1), 0, 256)
  labels = np.where(np.arange(num_images) % 4 == 3, 1 + np.arange(num_images) // 4 % 2, 0)
  return np.asarray(noise, np.uint8), labels


def run_to_export(method='class_balancing', names=ODD_NAMES, sample=sample_unevenly):
  """Stands in for a Run: what exporting asks of it, without a network."""
  arrays = _arrays('train', 8, 1, 3, 0, {})._replace(class_names=ODD_NAMES)
  labeller = types.SimpleNamespace(key='labeller-1', accuracy=0.75)
  return types.SimpleNamespace(
    method=method,
    replica=0,
    step=40,
    config=tiny(),
    sampler=lambda balanced: (sample, names, 'labeller-1'),
    inputs=types.SimpleNamespace(data=data_lib.whole(arrays), classifiers={'classifier': labeller}),
  )
