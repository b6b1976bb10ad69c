"""Plans: the jobs and refusals of a command before any preparation or training."""

import re

import pytest

from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import execute, facts, plan
from jaxgan.runs.plan import Kind
from tests.support import stand_in
from tests.support.fashion import fashion


def _contents(folder):
  return sorted(path.relative_to(folder) for path in folder.rglob('*'))


def test_a_plan_of_images_that_are_not_prepared(tmp_path):
  config = fashion(tmp_path)
  _, found, planned = plan.planned(config, tmp_path / 'run', config.methods)
  assert planned.refusals == ()
  assert not found.are_prepared
  jobs = [(str(job.kind), job.name, job.is_done, job.steps) for job in planned.jobs]
  prepared = [name for kind, name, *_ in jobs if kind == 'prepare']
  assert prepared == ['long_tail_fashion/ratio_50', 'long_tail_fashion/ratio_1']
  assert jobs[len(prepared) :] == [
    ('train', 'classifier', False, None),
    ('train', 'annotator', False, None),
    ('train', 'class_balancing', False, 3000),
    ('train', 'class_balancing/cas', False, None),
    ('evaluate', 'class_balancing', False, 0),
    ('train', 'real_images/cas', False, None),
    ('measure', 'real_images', False, 0),
    ('compare', 'methods', False, 0),
  ]
  assert _contents(tmp_path) == []


def test_a_plan_counts_steps_once_the_images_are_there(tmp_path):
  config = fashion(tmp_path)
  facts.read_facts(config, tmp_path / 'run', config.methods, prepare=True)
  _, found, planned = plan.planned(config, tmp_path / 'run', config.methods)
  assert found.are_prepared
  lengths = {job.name: job.steps for job in planned.jobs if job.kind == Kind.TRAIN}
  # 2,518 images, 78 batches of 32; 5,000 images in a split of the annotator.
  images = {
    role: len(found.images[role].training.arrays.labels) for role in ('classifier', 'annotator')
  }
  epochs = {role: getattr(config, role).train.epochs for role in images}
  expected = {role: epochs[role] * (images[role] // 32) for role in images}
  assert {role: lengths[role] for role in images} == expected
  assert not (tmp_path / 'run').exists()


def test_a_plan_has_every_refusal(tmp_path):
  config = changed(
    fashion(tmp_path),
    {
      'data.crop_padding': 16,
      'algorithm.count_start': (1.0, 2.0, 3.0),
      'annotator.algorithm.input_mean': (0.5, 0.5),
      'annotator.algorithm.input_std': (0.5, 0.5),
      'classifier.folder': str(tmp_path / 'nowhere'),
    },
  )
  _, _, planned = plan.planned(config, tmp_path / 'run', config.methods)
  expected = (
    r'nowhere holds no run',
    r'config\.data\.crop_padding=16: expected 0 \.\. 15 with images of 16 pixels',
    r'config\.algorithm\.count_start: expected 1 or 10 numbers, found 3; .* has 10 classes',
    r'config\.annotator\.algorithm\.input_mean=.*: expected one number or one per channel',
  )
  assert len(planned.refusals) == len(expected)
  for line, pattern in zip(planned.refusals, expected, strict=True):
    assert re.search(pattern, line)
    assert '\n' not in line
  with pytest.raises(UserError, match=r'holds no run.* \(and 3 more: jaxgan plan\)$'):
    execute.start(config, tmp_path / 'run', config.methods)
  assert _contents(tmp_path) == []  # No preparation, no training.


def test_a_missing_source_leaves_no_jobs(tmp_path):
  source = {'data.dataset': 'long_tail_folder', 'data.source': str(tmp_path / 'nowhere')}
  config = changed(fashion(tmp_path), source)
  _, _, planned = plan.planned(config, tmp_path / 'run', config.methods)
  assert planned.jobs == ()
  assert 'nowhere does not exist' in planned.refusals[0]


def test_a_score_is_done_when_every_replica_has_one(tiny_config, stand_in_data, tmp_path):
  del stand_in_data
  tiny_config = changed(tiny_config, {'replicas': 2})

  def score():
    _, _, planned = plan.planned(tiny_config, tmp_path, tiny_config.methods)
    return {job.name: job.step for job in planned.jobs}['class_balancing/cas']

  def trained(folder, step):
    (tmp_path / folder / 'checkpoints' / str(step)).mkdir(parents=True)
    (tmp_path / folder / 'config.json').write_text('{"schema": 2}')

  for replica, step in enumerate((9, 7)):
    assert score() is None
    trained(f'class_balancing/replica_0{replica}/cas', step)
  assert score() is None  # The method is unfinished: it will have another checkpoint.
  trained('class_balancing', 4)
  assert score() == 7


def test_one_network_for_both_roles_is_one_job(tiny_config, stand_in_data, tmp_path):
  del stand_in_data
  _, _, planned = plan.planned(tiny_config, tmp_path, tiny_config.methods)
  names = [job.name for job in planned.jobs if job.kind == Kind.TRAIN]
  same = tiny_config.classifier == tiny_config.annotator
  assert ('annotator' in names) == (not same)
  assert names.count('classifier') == 1


def test_a_recogniser_is_an_experiment(stand_in_data, tmp_path):
  stand_in_data({'metadata': {'labelled': False}})
  config = changed(stand_in.tiny_balanced(), {'recogniser.algorithm.num_categories': 4})
  _, _, planned = plan.planned(config, tmp_path, config.methods)
  names = [(str(job.kind), job.name) for job in planned.jobs]
  assert planned.refusals == ()
  assert names[:2] == [
    ('train', 'recogniser/elastic_infogan'),
    ('evaluate', 'recogniser/elastic_infogan'),
  ]
