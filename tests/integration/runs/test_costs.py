"""The planned costs of a job match its training."""

import jax
import pytest

from jaxgan.config.overrides import changed
from jaxgan.runs import costs, execute, plan
from jaxgan.runs.plan import Kind
from tests.support import stand_in


def _costs(config, workdir):
  config, found, planned = plan.planned(config, workdir, config.methods)
  jobs = [job for job in planned.jobs if job.kind == Kind.TRAIN]
  of_all = costs.Costs(config, found)
  return {job.name: of_all.of(job) for job in jobs}


def _elements(tree):
  return sum(leaf.size for leaf in jax.tree.leaves(tree))


def test_the_state_of_a_run_is_what_was_planned(finished, tiny_config, stand_in_data):
  del stand_in_data
  expected = _costs(tiny_config, finished[0])['class_balancing']
  made = execute.start(tiny_config, finished[0], ('class_balancing',))
  _, states = made.restore('class_balancing', 'latest')
  size = sum(leaf.nbytes for leaf in jax.tree.leaves(states))
  images = made.data.arrays.images.nbytes
  assert expected.memory == size + images
  assert expected.disk == 3 * size  # Two that are kept, and the best.
  networks = states.generator['params'], states.discriminator['params']
  assert expected.parameters == _elements(networks)


def test_replicas_have_a_state_each(tiny_config, stand_in_data, tmp_path):
  del stand_in_data
  one = _costs(tiny_config, tmp_path)['class_balancing']
  tiny_config = changed(tiny_config, {'replicas': 3})
  three = _costs(tiny_config, tmp_path)['class_balancing']
  assert three.parameters == one.parameters
  assert three.disk == 3 * one.disk


def test_a_step_with_a_classifier_in_the_loop_costs_more(tiny_config, stand_in_data, tmp_path):
  del stand_in_data
  tiny_config = changed(tiny_config, {'methods': stand_in.METHODS})
  found = _costs(tiny_config, tmp_path)
  assert found['class_balancing'].flops > found['unconditional'].flops > 0
  # Twice the batch, twice the products.
  tiny_config = changed(tiny_config, {'train.batch_size': 16})
  twice = _costs(tiny_config, tmp_path)['unconditional'].flops
  assert twice == pytest.approx(2 * found['unconditional'].flops, rel=0.25)


def test_equal_steps_are_traced_once(tiny_config, stand_in_data, tmp_path, monkeypatch):
  """Annotator, score and classifier have equal settings on different images."""
  del stand_in_data
  traced, make_step = [], costs.make_step
  monkeypatch.setattr(
    costs, 'make_step', lambda job, batched: traced.append(job) or make_step(job, batched)
  )
  plain = {
    'classifier.algorithm.drw_epoch': None, 'annotator.train.epochs': 2,
    'methods': stand_in.METHODS,
  }  # fmt: skip
  found = _costs(changed(tiny_config, plain), tmp_path)
  assert len(found) == 2 + 2 * 2 + 1  # Classifiers, methods with scores, the score of real images.
  assert len(traced) == 1 + 2
  assert found['unconditional/cas'] == found['class_balancing/cas']
  assert found['unconditional/cas'].flops == found['annotator'].flops > 0
  traced.clear()
  _costs(changed(tiny_config, plain | {'cas.train.batch_size': 16}), tmp_path)
  assert len(traced) == 2 + 2


def test_scores_of_replicas_are_trained_one_after_another(tiny_config, stand_in_data, tmp_path):
  del stand_in_data
  one = _costs(tiny_config, tmp_path)['class_balancing/cas']
  tiny_config = changed(tiny_config, {'replicas': 3, 'evaluation.cas_images': 80})
  three = _costs(tiny_config, tmp_path)['class_balancing/cas']
  assert three == one._replace(disk=3 * one.disk, memory=one.memory + (80 - 76) * 8 * 8)


def test_codes_have_costs_too(stand_in_data, tmp_path):
  del stand_in_data
  assert all(cost.flops > 0 for cost in _costs(stand_in.tiny_codes(), tmp_path).values())
