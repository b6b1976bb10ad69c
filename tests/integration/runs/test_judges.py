"""Classifier and annotator of a run: two networks or one, in the terminal and in the record."""

import json

import pytest

from jaxgan.config.overrides import changed
from jaxgan.evaluation.record import ONE_NETWORK
from jaxgan.metrics import wilson_interval
from jaxgan.runs import execute, inputs
from jaxgan.training import loop
from tests.support.stand_in import tiny, tiny_balanced


def test_accuracies_have_intervals(finished):
  """The two networks of this run are equal: its epochs end before the classes are re-weighted."""
  workdir, table = finished
  for method in ('class_balancing', 'unconditional'):
    record = json.loads((workdir / method / 'evaluation.json').read_text())
    run, notes = record['run'], record['notes']
    assert (ONE_NETWORK in notes) == (method == 'class_balancing')
    for role in ('classifier', 'annotator'):
      num = run[f'{role}_test_images']
      low, high = wilson_interval(round(run[f'{role}_accuracy'] * num), num)
      assert (run[f'{role}_accuracy_low'], run[f'{role}_accuracy_high']) == (low, high)
    assert f'{role}: {100 * run[f"{role}_accuracy"]:.1f} % of {num} test images right' in table
  assert table.count(ONE_NETWORK) == 1


def _trained(monkeypatch) -> list:
  """The folders of the jobs that are trained from now on."""
  folders, train = [], loop.train

  def spy(job, *arguments):
    folders.append(job.folder.name)
    return train(job, *arguments)

  monkeypatch.setattr(loop, 'train', spy)
  return folders


def test_sharing_is_a_choice_of_one_line(stand_in_data, monkeypatch, tmp_path, capsys):
  del stand_in_data
  config, folders = tiny(), _trained(monkeypatch)
  config = changed(config, {'annotator.folder': str(tmp_path / 'classifier')})
  made = execute.start(config, tmp_path, config.methods, show_data=True)
  assert folders == ['classifier']
  assert made.classifier.key == made.annotator.key
  assert made.agreement == {}
  lines = capsys.readouterr().out.splitlines()
  assert lines[-1] == 'classifier and annotator are one network'
  assert any(line.startswith('annotator: ') for line in lines)
  again = inputs.load_role(*execute.prepared(config, tmp_path, config.methods), 'annotator')
  assert again.key == made.annotator.key


def test_another_seed_is_another_network(stand_in_data, monkeypatch, tmp_path, capsys):
  del stand_in_data
  config, folders = tiny(), _trained(monkeypatch)
  config = changed(config, {'annotator.seed_offset': 1})
  made = execute.start(config, tmp_path, config.methods, show_data=True)
  assert folders == ['classifier', 'annotator']
  assert made.classifier.key != made.annotator.key
  assert 0 <= made.agreement['annotator_agreement'] <= 1
  assert 'both give the same class to' in capsys.readouterr().out
  assert json.loads((tmp_path / 'annotator' / 'config.json').read_text())['seed'] == 1


@pytest.mark.slow
def test_the_annotator_of_a_recogniser_may_be_the_classifier(stand_in_data, monkeypatch, tmp_path):
  del stand_in_data
  config, folders = tiny_balanced(), _trained(monkeypatch)
  config = changed(config, {'annotator': config.classifier})
  made = execute.start(config, tmp_path, config.methods)
  assert folders == ['classifier', 'elastic_infogan']
  assert made.classifier.key == made.annotator.key
