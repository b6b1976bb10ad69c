"""Classifiers of exported images: trained with one protocol, paired by seed, and compared."""

import json
import subprocess
import sys
import types

import numpy as np
import pytest

from experiments import downstream
from jaxgan.data import training_data
from jaxgan.errors import UserError
from jaxgan.runs import exporting
from tests.support.stand_in import run_to_export


@pytest.fixture
def jobs(stand_in_data, monkeypatch):
  """Records the jobs without training; jobs on generated images have the best accuracy."""
  del stand_in_data
  asked = []

  def load(workdir, method='', checkpoint='', replica=0):
    run = run_to_export(method or 'class_balancing', names=('a', 'b', 'c'))
    run.inputs.data = training_data.whole(
      run.inputs.data.arrays._replace(class_names=('a', 'b', 'c'))
    )
    run.inputs.mesh = None
    run.export = lambda out, *how, seed: exporting.export(run, out, *how, None, seed)
    return run

  def run(job, mesh):
    asked.append(job)
    job.folder.mkdir(parents=True)
    accuracy = {'long_tail': [0.9, 0.6, 0.0]}.get(job.folder.name[: -len('_seed_0')], [0.8] * 3)
    row = {'step': 9, 'evaluation/accuracy': np.mean(accuracy)}
    row['evaluation/class_accuracy'] = accuracy
    (job.folder / 'metrics.jsonl').write_text(json.dumps(row) + '\n')

  monkeypatch.setattr(downstream, 'jaxgan', types.SimpleNamespace(load=load))
  monkeypatch.setattr(downstream.loop, 'train', run)
  return asked


def test_one_protocol_for_all(jobs, tmp_path):
  measured = downstream.measure(tmp_path, tmp_path / 'out', ['class_balancing'], seeds=2)
  assert json.loads((tmp_path / 'out' / downstream.NAME).read_text())['results']
  names = ['long_tail', 'long_tail_drw', 'class_balancing_synthetic', 'class_balancing_topped_up']
  assert [job.folder.name for job in jobs] == [f'{n}_seed_{s}' for s in (0, 1) for n in names]
  # 76 real images and one epoch of batches of 8, for 120 images too.
  assert [len(job.data.arrays.labels) for job in jobs[:4]] == [76, 76, 120, 120]
  assert {job.config.train.steps for job in jobs} == {9} == {measured['protocol']['updates']}
  for job in jobs:
    assert job.config.seed == int(job.folder.name[-1])
    assert (job.config.algorithm.drw_epoch is not None) == ('drw' in job.folder.name)
  rest = []
  for job in jobs:
    others = {'images': True, 'seed': True, 'algorithm': {'drw_epoch'}}
    rest.append(job.config.model_dump(exclude=others))
  assert rest == [rest[0]] * len(rest)
  assert rest[0]['steps_per_epoch'] == 9
  # Other images a seed, where they are generated.
  assert len({job.config.images for job in jobs}) == 1 + 2 * 2
  assert jobs[2].data.arrays.images.shape == (120, 8, 8, 1)


def test_what_is_compared(jobs, tmp_path):
  measured = downstream.measure(tmp_path, tmp_path / 'out', ['class_balancing'])
  results, comparisons = measured['results'], measured['comparisons']
  assert results['long_tail']['many'] == [0.9] * 3
  assert results['long_tail']['few'] == [0.0] * 3
  assert list(comparisons) == [name for name in results if name != 'long_tail']
  few = comparisons['class_balancing_topped_up']['long_tail']['few']
  assert few == {
    'difference': pytest.approx(0.8), 'interval': (pytest.approx(0.8),) * 2, 'verdict': 'better',
  }  # fmt: skip
  assert comparisons['class_balancing_topped_up']['long_tail']['many']['verdict'] == 'worse'
  drw = comparisons['class_balancing_synthetic']['long_tail_drw']
  assert drw['accuracy']['verdict'] == 'no difference shown'
  table = downstream.table(measured).splitlines()
  assert table[2] == '| long_tail | 50.0 ± 0.0 % | 90.0 ± 0.0 % | 60.0 ± 0.0 % | 0.0 ± 0.0 % |'
  assert 'class_balancing_topped_up against long_tail: accuracy better, few better' in table
  results['long_tail']['accuracy'] = [0.7, 0.8, 0.9]
  assert '| long_tail | 80.0 ± 10.0 % |' in downstream.table(measured)


def test_codes_are_no_classes(jobs, tmp_path):
  with pytest.raises(UserError, match='elastic_infogan: expected a method with classes'):
    downstream.measure(tmp_path, tmp_path / 'out', ['elastic_infogan'])
  assert list(tmp_path.iterdir()) == []
  assert not jobs


def test_the_command_refuses_in_a_line(tmp_path):
  command = [sys.executable, '-m', 'experiments.downstream', f'--out={tmp_path}/out']
  result = subprocess.run(
    [*command, f'--workdir={tmp_path}/no'], capture_output=True, text=True, check=False
  )
  assert result.returncode == 2
  assert result.stderr.count('\n') == 1
  assert result.stderr.startswith(f'error: workdir={tmp_path}/no: expected the folder of a run')
  assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_classifiers_of_a_finished_run(finished, stand_in_data, tmp_path, monkeypatch):
  from jaxgan.training import classifiers

  del stand_in_data
  compile_classify = classifiers.compile_classify

  def label(classify):  # A network that has hardly trained gives one class to all images.
    run = compile_classify(classify)
    return lambda variables, images: (np.arange(len(images)) % 3, run(variables, images)[1])

  monkeypatch.setattr(classifiers, 'compile_classify', label)
  measured = downstream.measure(finished[0], tmp_path / 'out', seeds=2)
  assert len(measured['results']) == 6
  again = downstream.measure(finished[0], tmp_path / 'out', seeds=2)
  assert again == measured
