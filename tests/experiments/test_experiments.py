"""Every file in experiments/ builds and takes one real step of its GAN and of its classifier."""

import importlib
import pathlib

import jax
import numpy as np
import pytest

import experiments
from jaxgan import config as config_lib
from jaxgan import data as data_lib
from jaxgan import jobs, report, train
from jaxgan.algorithms.gan import METHODS
from jaxgan.errors import UserError
from tests.stand_in import shrink

FILES = sorted(p.stem for p in pathlib.Path(experiments.__file__).parent.glob('*.py'))
EXPERIMENTS = [name for name in FILES if name not in ('__init__', 'base')]


def _module(name):
  return importlib.import_module(f'experiments.{name}')


def _one_step(algorithm, config, arrays, frozen):
  dataset = data_lib.Dataset(arrays.images, arrays.labels)
  one_step, start = train.make_step(algorithm, config, len(arrays.labels))
  state = jax.jit(algorithm.init)(jax.random.key(0))
  return jax.jit(one_step)(start(state, dataset, frozen), dataset, frozen)


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_one_step(name, stand_in_data):
  config = shrink(_module(name).get_config())
  config_lib.validate(config, num_devices=1)
  size = 16 if name == 'digits_lt' else 32
  stand_in_data({'image_size': size, 'channels': 1 if name == 'digits_lt' else 3})
  arrays = data_lib.load(config.data, 'train')
  classifier_config = jobs.job_config(config, config.classifier, arrays)
  classifier_algorithm = jobs.build_classifier(classifier_config, arrays)
  trained = _one_step(classifier_algorithm, classifier_config, arrays, {})
  assert int(trained.state.step) == 1

  classifier = jobs.Classifier(
    classifier_algorithm.classify, trained.state.variables, arrays.class_names, (), 0.0, ''
  )
  for method in config.methods:
    algorithm, frozen = jobs.build_gan(config, method, arrays, classifier)
    carry = _one_step(algorithm, config, arrays, frozen)
    assert int(carry.state.step) == 1
    assert all(bool(np.isfinite(value).all()) for value in carry.metrics.values())


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_docstring_gives_the_command(name):
  assert f'--config=experiments/{name}.py' in _module(name).__doc__


@pytest.mark.parametrize('ratio', [100, 10, 1])
def test_cifar10_follows_the_paper(ratio):
  config = _module('cifar10_lt').get_config(f'ratio={ratio}')
  assert config.methods == ('class_balancing',)
  assert config.algorithm.regulariser_weight == {100: 10.0, 10: 7.5, 1: 5.0}[ratio]
  assert config.data.dataset == f'long_tail_cifar10/ratio_{ratio}'
  assert config.classifier.data.dataset == config.data.dataset
  assert config.annotator.data.dataset == 'long_tail_cifar10/ratio_1'
  expected = {
    'learning_rate': 2e-4, 'beta1': 0.5, 'beta2': 0.999, 'epsilon': 1e-6, 'noise_dim': 128,
    'ema_decay': 0.9999, 'ema_start': 20_000, 'discriminator_steps': 1, 'loss': 'relativistic',
    'count_start': 50.0, 'count_decay': 0.5, 'count_cycle': 2000,
    'generator_width': 64, 'discriminator_width': 64,
  }  # fmt: skip
  assert {name: config.algorithm[name] for name in expected} == expected
  assert (config.train.batch_size, config.train.steps) == (256, 100_000)
  assert (config.evaluation.samples, config.evaluation.periodic_samples) == (50_000, 10_000)
  assert (config.classifier.algorithm.depth, config.classifier.train.epochs) == (32, 200)
  published, _ = report.published_values(config.published.class_balancing)
  assert published['fid'][0] == {100: 32.93, 10: 30.48, 1: 25.68}[ratio]


def test_cifar10_baseline_shares_every_other_line():
  ours = _module('cifar10_lt').get_config('ratio=10')
  baseline = _module('cifar10_lt').get_config('method=unconditional,ratio=10')
  assert baseline.methods == ('unconditional',)
  baseline.methods = ours.methods
  assert baseline.to_json() == ours.to_json()


def test_published_rows_exist():
  for name in EXPERIMENTS:
    for row in _module(name).get_config().published.values():
      assert report.published_values(row)[0]


@pytest.mark.parametrize('argument', ['ratio=50', 'method=gan', 'speed=1', 'ratio'])
def test_an_unknown_argument_is_refused(argument):
  with pytest.raises(UserError, match=r'ratio=100\|10\|1, method=class_balancing\|unconditional'):
    _module('cifar10_lt').get_config(argument)


def test_one_value_reaches_every_job():
  config = _module('folder_lt').get_config()
  config.data.source = 'mine'
  config.data.options.image_size = 64
  config.data.options.imbalance_ratio = 50.0
  for role in ('classifier', 'annotator'):
    assert config[role].data.source == 'mine'
    assert config[role].data.options.image_size == 64
  assert config.classifier.data.options.imbalance_ratio == 50.0
  assert config.annotator.data.options.imbalance_ratio is None
  assert set(config.methods) <= set(METHODS)
