"""Every file in experiments/ builds and takes one step of its method and its classifiers."""

import pathlib

import jax
import numpy as np
import pytest

from jaxgan.data import loading
from jaxgan.evaluation import cas
from jaxgan.runs import families, recogniser, rules, schedules
from jaxgan.runs.experiment import resolved
from jaxgan.training import train_step
from jaxgan.training.classifiers import Classifier, classifier_job
from jaxgan.training.job import TrainingJob
from tests.support.experiment_names import EXPERIMENTS, QUICK, RENDERED, module
from tests.support.stand_in import shrink

# Those whose quick setting has the networks of the full one, and many or large ones.
SLOW = (*RENDERED, 'label_free_folder', 'mnist_lt_balanced')
# Those whose step is compiled and run, one a family. Compiling is what takes time, so the
# steps of the others are traced, and run by the slow test.
RUN = ('cifar10_lt', 'mnist_lt')
SHAPES = {  # where they are not 32x32x3
  'fashion_lt': {'image_size': 16, 'channels': 1},
  'fashion_extreme_counts': {'image_size': 16, 'channels': 1, 'num_classes': 10},
  'fashion_stability': {'image_size': 16, 'channels': 1},
  'cifar100_lt': {'num_classes': 100, 'n': 100},
  'lsun5_lt': {'image_size': 64, 'num_classes': 5},
  'inaturalist2019': {'image_size': 64, 'num_classes': 1010, 'n': 1010},
  'fashion_mnist_lt': {'image_size': 28, 'channels': 1, 'num_classes': 10},
  'folder_lt': {'image_size': 16, 'channels': 3},
  'label_free_folder': {'image_size': 16, 'channels': 3},
  'mnist_lt': {'image_size': 28, 'channels': 1},
  'mnist_lt_balanced': {'image_size': 28, 'channels': 1, 'num_classes': 10},
  'mnist_pair': {'image_size': 28, 'channels': 1, 'num_classes': 2},
  'elastic_infogan_folder': {'image_size': 16, 'channels': 3},
  **{name: {'image_size': 64} for name in RENDERED},
}


def _one_step(job, trace_only):
  """Returns the state after a step, or its shapes if only traced."""
  constants = job.data.replica_data(0, job.config.seed), job.data.dataset, dict(job.frozen)
  one_step, start = train_step.make_step(job, batched=False)
  if trace_only:
    state = jax.eval_shape(job.algorithm.init, jax.random.key(0))
    carry = jax.eval_shape(
      lambda *arguments: start(arguments[0], 0, *arguments[1:]), state, *constants
    )
    return jax.eval_shape(one_step, carry, *constants).state
  state = jax.jit(job.algorithm.init)(jax.random.key(0))
  carry = jax.jit(one_step)(start(state, 0, *constants), *constants)
  assert int(carry.state.step) == 1
  assert all(bool(np.isfinite(value).all()) for value in carry.metrics.values())
  return carry.state


def _method_job(config, method, data, classifiers):
  algorithm, frozen = families.family_of((method,)).build(config, method, data, classifiers)
  own = families.method_config(config, method, data)
  return TrainingJob(method, None, own, algorithm, data, frozen)


def _step_experiment(name, argument, stand_in_data, traced):
  """Makes a step of an experiment's classifiers and methods; only traces the roles in `traced`."""
  config = schedules.fixed(resolved(shrink(module(name).get_config(argument))))
  rules.check_sections(config, num_devices=1)
  stand_in_data({'image_size': 32, 'channels': 3} | SHAPES.get(name, {}))
  family, data = families.family_of(config.methods), loading.load_training(config.data)
  for rule in family.rules:
    rule.check(config, data)
  classifiers = {}
  for role in family.roles(config, config.methods, labelled=True):
    names = data.arrays.class_names
    if role == recogniser.ROLE:
      names = recogniser.expected(config, data).class_names
      job = _method_job(getattr(config, role), *getattr(config, role).methods, data, {})
    elif role == 'cas':
      job = cas.job(config, data.arrays, 0, config.seed, pathlib.Path())
    else:
      job = classifier_job(config, role, folder=None)
    variables = _one_step(job, role in traced).variables
    classifiers[role] = Classifier(job.algorithm.classify, variables, names, (), 0.0, '')
  for method in config.methods:
    _one_step(_method_job(config, method, data, classifiers), 'method' in traced)


@pytest.mark.parametrize(
  ('name', 'argument'),
  [
    *((name, '') for name in EXPERIMENTS),
    *(
      pytest.param(name, 'length=quick', marks=[pytest.mark.slow] if name in SLOW else [])
      for name in QUICK
    ),
  ],
)
def test_one_step(name, argument, stand_in_data):
  run = name in RUN and not argument
  # The annotator is a classifier on other images.
  traced = ('annotator',) if run else ('classifier', 'annotator', 'recogniser', 'cas', 'method')
  _step_experiment(name, argument, stand_in_data, traced)


@pytest.mark.slow
@pytest.mark.parametrize('name', sorted(set(EXPERIMENTS) - set(RUN)))
def test_one_step_is_run(name, stand_in_data):
  _step_experiment(name, '', stand_in_data, traced=())
