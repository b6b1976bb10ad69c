"""Classifiers with pretrained weights: fine-tuning, resume, and the loop of a GAN."""

import pathlib

import jax
import numpy as np
import pytest

from experiments import base
from jaxgan.algorithms import classifier
from jaxgan.config.overrides import changed
from jaxgan.data import loading
from jaxgan.errors import UserError
from jaxgan.networks import bit
from jaxgan.runs import execute, families
from jaxgan.runs.experiment import resolved
from jaxgan.training import classifiers, loop, pretrained, train_step
from jaxgan.training.job import TrainingJob
from jaxgan.training.restore import restore
from tests.support import bit_weights, stand_in
from tests.support.registered import put


def _network(num_classes):
  return bit_weights.small(num_classes, stages=(1,))


@pytest.fixture
def config(stand_in_data, monkeypatch, tmp_path):
  """A GAN of 8x8 images with a small BiT network, with weights, in its loop."""
  stand_in_data({'channels': 3})
  put(monkeypatch, classifier.NETWORKS, {'bit_r50x1': lambda n, config: _network(n)})
  section = base.few_labels_classifier_section('stand_in', num_labels=8)
  config = stand_in.shrink(
    base.gan_config('tiny', 'class_balancing', 'stand_in', 'stand_in', False, section)
  )
  weights = tmp_path / 'BiT-M-R50x1.npz'
  np.savez(weights, **bit_weights.arrays(_network(3)))
  config = changed(
    config,
    {
      'classifier.algorithm.weights': str(weights),
      'classifier.algorithm.input_size': 32,
      'classifier.algorithm.warmup_epochs': 0,
      'classifier.train.epochs': None,
      'classifier.train.steps': 2,
      'classifier.train.log_every': 1,
      'classifier.train.evaluate_every': 1,
      'classifier.train.checkpoint_every': 1,
      'classifier.train.picture_every': 1,
    },
  )
  return resolved(config)


def _weights(config) -> pathlib.Path:
  return pathlib.Path(config.classifier.algorithm.weights)


def _train(config, steps, folder, mesh):
  """Trains the classifier to a step, without evaluations or pictures; returns its job."""
  config = changed(config, {'classifier.train.steps': steps})
  job = classifiers.classifier_job(config, 'classifier', folder)
  loop.train(job._replace(evaluate=lambda *_: ({}, None)), mesh)
  return job


@pytest.mark.slow
def test_fine_tuning_from_the_weights(config, mesh, tmp_path):
  """The weights are read at step 0 only; a resumed classifier does not need them."""
  folder = tmp_path / 'run' / 'classifier'
  with np.load(_weights(config)) as arrays:
    released = bit.pretrained_variables(arrays, _network(3))['params']
  _train(config, 1, folder, mesh)
  _weights(config).unlink()
  job = _train(config, 2, folder, mesh)
  first, second = (
    restore(job.algorithm, folder, which, 1, mesh)[1].variables['params'] for which in '12'
  )
  # With a head of zeros, the first step changes the head only.
  for name, module in released.items():
    same = jax.tree.map(lambda a, b: np.array_equal(a[0], b), first[name], module)
    assert set(jax.tree.leaves(same)) == {name != 'head'}, name
  moved = jax.tree.map(lambda a, b: not np.array_equal(a, b), first, second)
  assert all(jax.tree.leaves(moved))

  loaded = classifiers.load_classifier(folder, config.classifier.data, mesh)
  assert loaded.key.startswith('bit_r50x1-')
  assert loaded.image_shape == (8, 8, 3)
  pretrained.check(config, ('classifier', 'annotator'), tmp_path / 'run')
  with pytest.raises(UserError, match='No such file'):
    pretrained.check(config, ('classifier', 'annotator'), tmp_path / 'new')


@pytest.mark.slow
def test_in_the_loop_of_a_gan(config):
  """A step on 8x8 images, resized to 32x32: the classifier's outputs reach the generator."""
  data = loading.load_training(config.data)
  network = _network(3)
  classify = classifier.classifier(config.classifier.algorithm, (8, 8, 3), 3, 1).classify
  silent = bit.pretrained_variables(bit_weights.arrays(network), network)
  head = {'kernel': np.random.default_rng(1).normal(size=(128, 3)), 'bias': np.zeros(3)}
  telling = {'params': {**silent['params'], 'head': jax.tree.map(np.float32, head)}}
  given = classifiers.Classifier(classify, silent, data.arrays.class_names, (8, 8, 3), 0.0, '')
  family = families.family_of(config.methods)
  algorithm, _ = family.build(config, 'class_balancing', data, {'classifier': given})
  own = families.method_config(config, 'class_balancing', data)
  job = TrainingJob('class_balancing', None, own, algorithm, data, {})
  one_step, start = train_step.make_step(job, batched=False)
  state, one_step = jax.jit(algorithm.init)(jax.random.key(0)), jax.jit(one_step)
  generators = []
  for variables in (silent, telling):
    constants = data.replica_data(0, 0), data.dataset, {'classifier': variables}
    carry = one_step(start(state, 0, *constants), *constants)
    assert np.isfinite(carry.metrics['loss/regulariser'])
    assert float(carry.metrics['class_share'].sum()) == pytest.approx(1.0)
    generators.append(carry.state.generator['params'])
  same = jax.tree.map(np.array_equal, *generators)
  assert not any(jax.tree.leaves(same['ConvTranspose_0']))


def _leave_out(weights):
  with np.load(weights) as arrays:
    kept = {name: arrays[name] for name in arrays if name != 'resnet/group_norm/beta'}
  np.savez(weights, **kept)


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (lambda path: path.unlink(), r'cannot be read \(No such file .*\): download https:'),
    (
      lambda path: path.write_text('weights'),
      'is not an npz of .*, or damaged: download https:',
    ),
    (lambda path: path.write_bytes(path.read_bytes()[:5000]), 'or damaged: download https:'),
    (_leave_out, 'resnet/group_norm/beta is missing: give the weights of BiT-M-R50x1'),
  ],
  ids=['missing', 'text', 'cut short', 'incomplete'],
)
def test_bad_weights_are_refused_before_anything_is_trained(config, tmp_path, change, message):
  change(_weights(config))
  with pytest.raises(UserError, match=message) as error:
    execute.start(config, tmp_path / 'run', config.methods)
  text = str(error.value)
  assert text.startswith(f'config.classifier.algorithm.weights={_weights(config)}')
  assert '\n' not in text
  assert not (tmp_path / 'run').exists()


def test_no_weights_are_refused_unless_a_classifier_is_given(config, tmp_path):
  config = changed(config, {'classifier.algorithm.weights': ''})
  with pytest.raises(UserError) as error:
    pretrained.check(config, ('classifier',), tmp_path)
  assert str(error.value) == (
    'config.classifier.algorithm.weights is empty, but bit_r50x1 needs its weights: download '
    'https://storage.googleapis.com/bit_models/BiT-M-R50x1.npz and name the file with '
    '--config.classifier.algorithm.weights=PATH'
  )
  config = changed(config, {'classifier.folder': 'trained'})
  pretrained.check(config, ('classifier',), tmp_path)
  config = changed(config, {'classifier.folder': ''})
  pretrained.check(config, ('annotator',), tmp_path)


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('input_size', 100, r'input_size=100: expected a multiple of 32'),
    ('decay_factor', 0.0, r'decay_factor=0\.0: expected a number in \(0, 1\]'),
  ],
)
def test_impossible_values(config, field, value, message):
  with pytest.raises(UserError, match=message):
    changed(config, {f'classifier.algorithm.{field}': value})
