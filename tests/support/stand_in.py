"""Stand-in data and tiny networks for the tests of training."""

from pathlib import Path
import types

import jax
import numpy as np

from data_prep import preparation
from data_prep.build import Arrays
from experiments import base, base_codes
from jaxgan.config.overrides import changed
from jaxgan.data import loading, sources, training_data
from jaxgan.runs import families
from jaxgan.runs.experiment import Experiment, resolved
from jaxgan.system import parallel
from tests.support.registered import SMALL, SMALL_CLASSIFIER

CLASS_COUNTS = (40, 24, 12)
ODD_NAMES = ('cat', 'AC/DC', 'zèbre rare')
METHODS = ('unconditional', 'class_balancing')
ROLES = ('classifier', 'annotator', 'cas')


def _arrays(
  split: str, image_size: int, channels: int, num_classes: int, n: int, metadata: dict
) -> Arrays:
  """Makes noisy images whose brightness encodes the class."""
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
  monkeypatch.setattr(loading, 'load', lambda config, split, limit=0: _arrays(split, **shape))
  monkeypatch.setattr(preparation, 'replica_splits', lambda dataset, num_replicas: None)

  def declared(section, num_replicas=1):
    arrays = loading.load(section, 'train')
    names, labelled = arrays.class_names, arrays.metadata.get('labelled', True)
    return preparation.Declared(Path(__file__), arrays.images.shape[1:], names, labelled)

  monkeypatch.setattr(sources, 'declared', declared)
  return shape.update


def use_one_device(monkeypatch):
  """Makes the first device the default mesh of a run."""
  device_mesh = parallel.device_mesh

  def mesh(num_replicas=1, devices=None):
    return device_mesh(num_replicas, jax.devices()[:1] if devices is None else devices)

  monkeypatch.setattr(parallel, 'device_mesh', mesh)


def shrink(config: Experiment) -> Experiment:
  """An experiment with tiny lengths and, where they can be, tiny networks."""
  # Adam divides by gradients near 0; a large epsilon keeps rounding from being blown up.
  changes = {'algorithm.epsilon': 1e-2, 'evaluation.batch_size': 8, 'train.steps': 4}
  if hasattr(config.algorithm, 'generator_width'):
    changes |= {
      'algorithm.generator_width': 4,
      'algorithm.discriminator_width': 4,
      'algorithm.noise_dim': 8,
      'algorithm.count_cycle': 2,
      'algorithm.ema_start': 2,
      'evaluation.samples': 24,
      'evaluation.periodic_samples': 16,
    }
  else:
    changes |= {
      'algorithm.width': 4,
      'evaluation.images_per_code': 12,
      'evaluation.periodic_images_per_code': 8,
    }
  roles = [f'{role}.' for role in ROLES if getattr(config, role)]
  for job in ('', *roles):
    lengths = {'batch_size': 8, 'log_every': 2, 'evaluate_every': 2, 'checkpoint_every': 2}
    changes |= {f'{job}train.{name}': value for name, value in lengths.items()}
    changes[f'{job}train.picture_every'] = 100 if job else 4
  for role in roles:
    changes |= {f'{role}algorithm.depth': 8, f'{role}algorithm.width': 4, f'{role}train.epochs': 1}
  if config.recogniser:
    changes['recogniser'] = shrink(config.recogniser)
  if config.cas:  # Each evaluation trains it: one checkpoint, the last, will do.
    changes |= {'cas.train.evaluate_every': 100, 'cas.train.checkpoint_every': 100}
  return changed(config, changes)


def _shrink(config, small_networks):
  if small_networks:
    names = {
      f'{role}.algorithm.network': SMALL_CLASSIFIER for role in ROLES if getattr(config, role)
    }
    if config.recogniser:
      names['recogniser.algorithm.network'] = SMALL
    config = changed(config, {'algorithm.network': SMALL, **names})
  return resolved(shrink(config))


def tiny(small_networks: bool = True) -> Experiment:
  """A class-balancing experiment on 8x8 stand-in images, by default of `small` networks."""
  config = base.gan_config('tiny', 'class_balancing', 'stand_in', 'stand_in', flip=False)
  return _shrink(config, small_networks)


def tiny_balanced(method: str = 'code_balancing') -> Experiment:
  """An experiment like `tiny` with a recogniser, of as many codes as there are classes."""
  config = base.gan_config('tiny', method, 'stand_in', 'stand_in', flip=False)
  return _shrink(base_codes.with_recogniser(config), small_networks=True)


def tiny_codes(method: str = 'elastic_infogan', small_networks: bool = True) -> Experiment:
  """An experiment of the codes' family like `tiny`; its published networks have fixed widths."""
  annotator = base.classifier_section('stand_in', drw=False, flip=False)
  config = base_codes.codes_config('tiny', method, 'stand_in', annotator)
  return _shrink(config, small_networks)


def on_own_images(config: Experiment, source, data_dir) -> Experiment:
  """An experiment whose methods and classifiers are trained on a folder of images."""
  place = {'dataset': 'long_tail_folder', 'source': str(source), 'data_dir': str(data_dir)}
  jobs = ['', *(f'{role}.' for role in ROLES if getattr(config, role))]
  return changed(config, {f'{job}data.{name}': v for job in jobs for name, v in place.items()})


def sample_unevenly(rng, num_images):
  """Noise; three of four images are of the first class."""
  noise = jax.random.randint(rng, (num_images, 8, 8, 1), 0, 256)
  labels = np.where(np.arange(num_images) % 4 == 3, 1 + np.arange(num_images) // 4 % 2, 0)
  return np.asarray(noise, np.uint8), labels


def brightness(images, labels):
  """A confidence from 0 to 1 that differs from image to image."""
  return images[:, 0, 0, 0] / 255


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
    confidence=brightness,
    inputs=types.SimpleNamespace(
      data=training_data.whole(arrays),
      test=_arrays('test', 8, 1, 3, 7, {})._replace(class_names=ODD_NAMES),
      classifiers={'classifier': labeller},
      family=families.family_of([method]),
    ),
  )
