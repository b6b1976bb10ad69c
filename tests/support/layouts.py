"""Trains tiny jobs on some processes and devices: `python -m tests.support.layouts '<json>'`.

The JSON has `process_id`, `num_processes`, `coordinator`, `devices` (of this process) and `tasks`:
a list of {job, replicas, apart, steps, folder, out}. Each task trains a job from the newest
checkpoint in its folder to a step and saves there; process 0 writes states and metrics to `out`.

All activations are smooth. With a kink, rounding changes a gradient by a finite amount: some of the
millions of activations of 20 steps are that near to it, and a first state of the tiny InfoGAN that
is changed by 1e-7 of itself ends 0.1 apart on one device. With smooth ones, one device and eight
are 2e-6 apart.
"""

import functools
import json
import os
import sys

from jaxgan.config.overrides import changed
from tests.support import xla


def _main(arguments):
  devices = arguments['devices']
  os.environ |= {'XLA_FLAGS': xla.flags(devices), 'JAX_PLATFORMS': 'cpu'}

  from flax import linen as nn
  import jax
  import numpy as np

  from jaxgan.system import distributed, files, parallel

  nn.relu, nn.leaky_relu = nn.silu, lambda x, slope: nn.silu(x)
  if arguments['num_processes'] > 1:
    names = ('coordinator', 'num_processes', 'process_id')
    distributed.join(*(arguments[name] for name in names))
  assert jax.device_count() == devices * arguments['num_processes']
  for task in arguments['tasks']:
    mesh = parallel.device_mesh(task['apart'])
    states, metrics = _train(mesh, **task)
    leaves = {f'state_{i}': leaf for i, leaf in enumerate(jax.tree.leaves(states))}
    means = {f'{name} {r}': row[name] for r, row in enumerate(metrics) for name in row}
    files.replace(task['out'], b'')  # Its folder.
    if files.is_writer():
      np.savez(task['out'], **leaves, **means)


def _train(mesh, job, replicas, steps, folder, **_):
  import jax

  from jaxgan.system import checkpoint, distributed
  from jaxgan.training.replicas import replicas_of

  job = {'gan': _gan, 'infogan': _infogan}[job](replicas)
  with jax.set_mesh(mesh), checkpoint.Checkpoints(folder, keep=2) as checkpoints:
    trainer = replicas_of(job, mesh, batched=replicas > 1)
    if checkpoints.latest_step() is None:
      trainer.initialise()
    else:
      trainer.restore(checkpoints.restore('latest', trainer.abstract_states(), print))
    trainer.advance(steps - trainer.step, lambda: False)
    checkpoints.save(steps, trainer.states(), trainer.progress(), None)
    return distributed.to_host(trainer.states()), trainer.means()


def _job(config, method, replicas, classifiers=()):
  from jaxgan.data import loading
  from jaxgan.runs import families
  from jaxgan.training.job import TrainingJob

  config = changed(config, {'replicas': replicas, 'train.batch_size': 16})
  data = loading.load_training(config.data, replicas)
  family = families.family_of((method,))
  algorithm, frozen = family.build(config, method, data, dict(classifiers))
  own = families.method_config(config, method, data)
  return TrainingJob('job', None, own, algorithm, data, frozen)


def _gan(replicas):
  """Class balancing with a residual network in the loop; flips and crops."""
  import jax
  import jax.numpy as jnp

  from jaxgan.networks.resnet import ResNet
  from jaxgan.training import classifiers
  from tests.support import stand_in

  network = ResNet(3, depth=8, width=4)
  variables = network.init(jax.random.key(3), jnp.zeros((2, 8, 8, 1)), train=False)
  classify = functools.partial(network.apply, train=False)
  config = stand_in.tiny(small_networks=False)
  config = changed(config, {'data.flip': True, 'data.crop_padding': 1})
  classifier = classifiers.Classifier(classify, variables, (), (8, 8, 1), 0.0, '')
  return _job(config, 'class_balancing', replicas, {'classifier': classifier})


def _infogan(replicas):
  """Elastic-InfoGAN, with NT-Xent over the whole batch."""
  from tests.support import stand_in

  config = stand_in.tiny_codes(small_networks=False)
  return _job(config, 'elastic_infogan', replicas)


if __name__ == '__main__':
  from tests.support import stand_in

  class _Patch:
    """What `use_stand_in_data` needs of pytest's monkeypatch."""

    setattr = staticmethod(setattr)

  stand_in.use_stand_in_data(_Patch)
  _main(json.loads(sys.argv[1]))
