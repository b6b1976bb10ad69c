"""The plan of a finished run, as text with the costs of its jobs."""

import re

import pytest

from jaxgan.config.overrides import changed
from jaxgan.runs import costs, plan
from jaxgan.runs.plan import Kind
from jaxgan.training import loop
from tests.support import stand_in
from tests.support.fashion import fashion


def test_a_finished_run_is_done(finished, tiny_config, stand_in_data):
  del stand_in_data
  tiny_config = changed(tiny_config, {'methods': stand_in.METHODS})
  _, _, planned = plan.planned(tiny_config, finished[0], tiny_config.methods)
  trained = {job.name: (job.step, job.is_done) for job in planned.jobs if job.kind == Kind.TRAIN}
  assert trained['class_balancing'] == trained['unconditional'] == (4, True)
  assert trained['classifier'][1]
  assert trained['annotator'][1]
  # 76 images, as many as for training, in batches of 8.
  assert trained['class_balancing/cas'] == (9, True)
  tiny_config = changed(tiny_config, {'train.steps': 6})
  _, _, longer = plan.planned(tiny_config, finished[0], tiny_config.methods)
  jobs = {job.name: job for job in longer.jobs if job.kind == Kind.TRAIN}
  assert not jobs['class_balancing'].is_done
  assert jobs['classifier'].is_done


def test_lines(tmp_path, monkeypatch):
  monkeypatch.setattr(loop, 'train', lambda *a, **k: pytest.fail('trained'))
  config = fashion(tmp_path)
  config, found, planned = plan.planned(config, tmp_path / 'run', config.methods)
  lines = costs.lines(config, found, planned)
  end = lines.index('')
  by_job = {' '.join(line.split()[:2]): line for line in lines[1:end]}
  assert len(by_job) == len(planned.jobs)
  assert lines[end + 1] == 'unknown for the plan: these jobs have not run on this machine'
  schedule = 'schedule of config.algorithm: ema_start=500 (16.7 %), count_cycle=100 (3.33 %)'
  assert f'{schedule} of 3,000 steps' in lines
  assert lines[-1] == 'nothing is refused'
  assert re.search(r'missing +3,000 .* M +[\d.]+ MB +[\d.]+ GFLOP', by_job['train class_balancing'])
  assert 'unknown until prepared' in by_job['train classifier']
  refused = costs.lines(config, found, planned._replace(refusals=('x', 'y')))
  assert refused[-2:] == ['refused: x', 'refused: y']


@pytest.mark.parametrize('role', ['classifier', 'annotator', 'cas'])
def test_images_of_a_classifier_that_cannot_be_read_are_one_refusal(tmp_path, role):
  gone = {'dataset': 'long_tail_folder', 'source': str(tmp_path / 'nowhere')}
  config = changed(fashion(tmp_path), {f'{role}.data.{name}': gone[name] for name in gone})
  lines = costs.lines(*plan.planned(config, tmp_path / 'run', config.methods))
  assert re.match(r'refused: source .*nowhere does not exist', lines[-1])
  assert any(line.startswith('train class_balancing ') for line in lines)


@pytest.mark.parametrize('changes', [{}, {'train.epochs': 2}])
def test_a_recogniser_that_cannot_be_read_is_one_refusal(tmp_path, stand_in_data, changes):
  stand_in_data({'metadata': {'labelled': False}})
  changes = {'recogniser.folder': str(tmp_path / 'nowhere'), **changes}
  config = changed(stand_in.tiny_balanced(), changes)
  lines = costs.lines(*plan.planned(config, tmp_path / 'run', config.methods))
  assert lines[-2] == ''
  assert re.match(r'refused: .*nowhere holds no run', lines[-1])
  assert any(line.startswith('train code_balancing ') for line in lines)
