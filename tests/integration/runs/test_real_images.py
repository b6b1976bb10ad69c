"""Real images are measured once for each work directory, by a job of the plan."""

import shutil

import pytest

from jaxgan.config.overrides import changed
from jaxgan.evaluation import cas, yardsticks
from jaxgan.runs import execute, facts, inputs, plan
from jaxgan.runs.plan import Kind
from tests.support import stand_in


@pytest.fixture
def made(finished, tiny_config, stand_in_data, tmp_path):
  """The inputs of a copy of the finished run."""
  del stand_in_data
  workdir = tmp_path / 'run'
  shutil.copytree(finished[0], workdir)
  config = changed(tiny_config, {'methods': stand_in.METHODS})
  return inputs.load(*plan.prepared(config, workdir, config.methods))


def test_the_closing_table_has_yardsticks_and_an_assessment(finished):
  _, table = finished
  names = [line.partition('  ')[0] for line in table.splitlines()]
  assert names.index('real training images') < names.index('real test images')
  assert names.index('real test images') < names.index('class_balancing')
  assert 'Did it work? class_balancing, step 4' in table
  assert 'Next: ' in table


def test_a_measured_work_directory_is_not_measured_again(made, monkeypatch):
  before = (made.workdir / yardsticks.FOLDER / yardsticks.NAME).read_bytes()
  monkeypatch.setattr(cas, 'train', lambda *_: pytest.fail('trained'))
  execute.measure_real_images(made)
  assert (made.workdir / yardsticks.FOLDER / yardsticks.NAME).read_bytes() == before
  _, _, planned = plan.planned(made.config, made.workdir, made.config.methods)
  jobs = {(job.kind, job.name): job.is_done for job in planned.jobs}
  assert jobs[Kind.MEASURE, 'real_images']
  assert jobs[Kind.TRAIN, 'real_images/cas']


def test_a_killed_measurement_is_repeated_with_the_trained_classifier(made, monkeypatch):
  folder = made.workdir / yardsticks.FOLDER
  before = yardsticks.read(folder)
  (folder / yardsticks.NAME).unlink()
  config, found, planned = plan.planned(made.config, made.workdir, made.config.methods)
  jobs = {(job.kind, job.name): job.is_done for job in planned.jobs}
  assert not jobs[Kind.MEASURE, 'real_images']
  assert jobs[Kind.TRAIN, 'real_images/cas']
  execute.measure_real_images(made)
  assert yardsticks.read(folder) == before
  assert facts.read_facts(config, made.workdir, config.methods, prepare=False).measured
  assert not found.measured


def test_damaged_yardsticks_are_measured_again(made, monkeypatch):
  (made.workdir / yardsticks.FOLDER / yardsticks.NAME).write_text('{')
  measured = []
  monkeypatch.setattr(execute, '_measure_real_images', lambda *job: measured.append(job))
  execute.measure_real_images(made)
  (of_run,) = measured
  assert of_run[-1].name == 'real_images/cas'


def test_every_evaluation_stays(made):
  folder = made.workdir / 'class_balancing'
  names = {path.name for path in (folder / 'evaluations').iterdir()}
  assert 'step_00000004.json' in names  # Other tests may have evaluated other steps.
