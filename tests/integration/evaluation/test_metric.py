"""A metric of another package, measured on a finished run."""

import shutil

import jaxgan
from jaxgan.algorithms import replicate
from tests.support.brightness import registered


def test_a_metric_from_outside_is_measured_recorded_and_logged(finished, stand_in_data, tmp_path):
  del stand_in_data
  with registered():
    shutil.copytree(finished[0], tmp_path / 'run')
    run = jaxgan.load(tmp_path / 'run', 'class_balancing')
    assert 0 < run.evaluate()['results']['brightness'] < 1
    _, states = run.inputs.restore('class_balancing', 'latest')
    values, _ = run.inputs.evaluation('class_balancing').periodic(replicate.take(states, 0), 0)
    assert 0 < values['evaluation/brightness'] < 1
