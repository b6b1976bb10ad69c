"""Classifier and annotator of a run: two networks or one, in the terminal and in the record."""

import json

from jaxgan.config.overrides import changed
from jaxgan.metrics import wilson_interval
from jaxgan.runs import execute, inputs
from jaxgan.training import loop
from tests.support.stand_in import tiny, tiny_balanced


def test_accuracies_have_intervals_and_the_two_networks_an_agreement(finished):
  workdir, table = finished
  for method in ('class_balancing', 'unconditional'):
    run = json.loads((workdir / method / 'evaluation.json').read_text())['run']
    for role in ('classifier', 'annotator'):
      num = run[f'{role}_test_images']
      low, high = wilson_interval(round(run[f'{role}_accuracy'] * num), num)
      assert (run[f'{role}_accuracy_low'], run[f'{role}_accuracy_high']) == (low, high)
    assert 0 <= run['annotator_agreement'] <= 1
    assert run['annotator_kappa'] is None or run['annotator_kappa'] <= 1
  assert f'annotator: {100 * run["annotator_accuracy"]:.1f} % of {num} test images right' in table
  assert 'both give the same class to' in table


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


def test_the_annotator_of_a_recogniser_may_be_the_classifier(stand_in_data, monkeypatch, tmp_path):
  del stand_in_data
  config, folders = tiny_balanced(), _trained(monkeypatch)
  config = changed(config, {'annotator': config.classifier})
  made = execute.start(config, tmp_path, config.methods)
  assert folders == ['classifier', 'elastic_infogan']
  assert made.classifier.key == made.annotator.key
