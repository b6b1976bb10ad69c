"""Runs of any method with its first weights: what saving a generator reads, without training."""

import pathlib

import jax

from jaxgan.algorithms import classifier as classifier_lib
from jaxgan.algorithms import replicate
from jaxgan.config.overrides import changed
from jaxgan.data import loading, training_data
from jaxgan.runs import families
from jaxgan.runs.experiment import resolved
from jaxgan.runs.facts import OWN, Facts, Images
from jaxgan.runs.inputs import Inputs
from jaxgan.runs.run import Run
from jaxgan.system import compilation, parallel
from jaxgan.training.classifiers import Classifier


def untrained(config, workdir, step=7, replica=0):
  """A Run of the experiment's only method at its first weights, on the stand-in data."""
  (method,) = config.methods
  config = resolved(config)
  data = training_data.whole(loading.load(config.data, 'train'), config.replicas)
  family = families.family_of(config.methods)
  roles = family.roles(config, config.methods, data.labelled)
  classifiers = {role: _classifier(config, role, data) for role in roles if role != 'cas'}
  job = families.method_config(config, method, data)
  mesh = parallel.device_mesh(config.replicas)
  images, workdir = {OWN: Images(data, None)}, pathlib.Path(workdir)
  facts = Facts(
    workdir,
    (method,),
    mesh,
    roles,
    images,
    known={},
    folders={},
    measured=frozenset(),
    unreadable=(),
  )
  run = Run(job, workdir, method, replica=replica)
  inputs = run.__dict__['inputs'] = Inputs(job, facts, classifiers)
  algorithm = replicate.replicate(inputs.algorithm(method)[0], config.replicas)
  run.__dict__['restored'] = step, compilation.jit(algorithm.init)(jax.random.key(1))
  return run


def _classifier(config, role, data):
  section, key = getattr(config, role), f'{role}-1'
  if role == 'recogniser':
    family, (method,) = families.family_of(section.methods), section.methods
    algorithm, _ = family.build(section, method, data, {})
    own, names = families.method_config(section, method, data), family.recognised(section, data)
  else:
    own, names = section.algorithm, data.class_names(0)
    algorithm = classifier_lib.classifier(own, data.image_shape, len(names), 1)
  variables = compilation.jit(algorithm.init)(jax.random.key(2)).variables
  return Classifier(algorithm.classify, variables, names, data.image_shape, 0.5, key, config=own)


def of_method(config, method):
  """The experiment with another method of its family."""
  return changed(config, {'methods': (method,)})
