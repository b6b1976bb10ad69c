"""An experiment end to end on tiny networks: train, evaluate, restore, sample, report."""

import dataclasses
import json

import jax
from PIL import Image
import pytest

from jaxgan.config import identity
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import execute, families, inputs
from jaxgan.training import logging, replicas
from tests.support import stand_in
from tests.support.evaluations import report
from tests.support.registered import put

METHODS = stand_in.METHODS


def _setup(config, workdir, methods=('class_balancing',)):
  return execute.start(config, workdir, methods)


def test_every_output_is_there(finished):
  workdir, table = finished
  for method in METHODS:
    names = {p.relative_to(workdir / method).as_posix() for p in (workdir / method).rglob('*')}
    assert {
      'config.json',
      'metrics.jsonl',
      'evaluation.json',
      'cas/metrics.jsonl',
      'loss_curves.png',
      'class_histogram_over_time.png',
      'samples/step_00000004_raw.png',
      'samples/step_00000004_ema.png',
      'checkpoints/4',
      'tensorboard',
    } <= names
  for job in ('classifier', 'annotator'):
    assert (workdir / job / 'checkpoints').is_dir()
  for picture in ('class_histogram.png', 'samples_by_class.png', 'per_class_frechet.png'):
    assert Image.open(workdir / picture).size[0] > 100
  assert all(method in table for method in METHODS)


def test_evaluation_states_its_protocol(finished):
  evaluation = json.loads((finished[0] / 'class_balancing' / 'evaluation.json').read_text())
  protocol, results = evaluation['settings'] | evaluation['run'], evaluation['results']
  assert protocol['samples'] == 24
  assert sum(results['class_counts']) == 24
  assert protocol['batch_norm'] == 'recomputed over 32 batches of 256 images'
  assert protocol['generator'] == 'ema'
  assert evaluation['step'] in (2, 4)
  assert protocol['seed'] == 0
  assert results['fid'] is None
  assert any('FID left out' in n for n in evaluation['notes'])
  assert results['frechet_annotator'] > 0
  assert evaluation['labels']['classes']['counts'] == [40, 24, 12]
  assert 0 <= results['cas'] <= 1
  assert protocol['cas_labels'].startswith('small_classifier-')
  assert (protocol['cas_images'], protocol['cas_network'], protocol['cas_epochs']) == (
    76, 'small_classifier', 1
  )  # fmt: skip
  assert (protocol['kid_subset_images'], protocol['prdc_images']) == (24, 24)
  assert len(results['class_frechet/annotator']) == 3
  assert 0 <= results['precision/annotator'] <= 1


def test_the_protocol_says_how_the_classifier_in_the_loop_is_used(finished):
  ours, baseline = (
    json.loads((finished[0] / method / 'evaluation.json').read_text())['settings']
    for method in ('class_balancing', 'unconditional')
  )
  expected = {
    'regulariser_weight': 10, 'count_update': 'convex', 'count_cycle': 2, 'count_start': [50.0],
    'cycle_start': 0.0,
  }  # fmt: skip
  assert {field: ours[field] for field in expected} == expected
  assert 'effective_labels' not in ours  # No labels are drawn.
  assert not {'regulariser_weight', 'count_cycle'} & baseline.keys()


def test_only_the_last_evaluation_has_the_costly_numbers(finished):
  names = {name for row in logging.read_metrics(finished[0] / 'class_balancing') for name in row}
  assert {name for name in names if name.startswith('evaluation/')} == {
    'evaluation/kl_from_uniform', 'evaluation/frechet_annotator', 'evaluation/class_counts'
  }  # fmt: skip


def test_the_same_command_trains_nothing_again(finished, tiny_config, stand_in_data, monkeypatch):
  del stand_in_data
  monkeypatch.setattr(replicas, 'compile_run', lambda *a, **k: pytest.fail('trained again'))
  tiny_config = changed(tiny_config, {'methods': METHODS})
  before = (finished[0] / 'class_balancing' / 'evaluation.json').read_text()
  execute.run(tiny_config, finished[0])
  assert (finished[0] / 'class_balancing' / 'evaluation.json').read_text() == before


def test_methods_differ_in_nothing_but_the_method(finished):
  configs = [identity.content(finished[0] / method) for method in METHODS]
  assert [c.pop('methods') for c in configs] == [['unconditional'], ['class_balancing']]
  assert configs[0] == configs[1]


def test_another_config_is_refused_before_anything_is_trained(finished, tiny_config, stand_in_data):
  del stand_in_data
  tiny_config = changed(tiny_config, {'algorithm.learning_rate': 0.5})
  with pytest.raises(UserError, match=r'algorithm\.learning_rate was 0\.0002, is 0\.5'):
    execute.run(tiny_config, finished[0])


def test_other_images_are_noticed(finished, tiny_config, stand_in_data):
  stand_in_data({'image_size': 16})
  with pytest.raises(UserError, match='images was'):
    execute.run(tiny_config, finished[0])


@pytest.mark.parametrize(
  ('shape', 'batch_size', 'message'),
  [
    ({'metadata': {'labelled': False}}, 8, 'expected images with labels'),
    ({'image_size': 18}, 8, r'8, 16, 32, 64, .* not 18: change config\.data\.options\.image_size'),
    ({}, 128, r'76 images, fewer than the 128 of one step: lower config\.train\.batch_size'),
  ],
)
def test_data_that_cannot_work_is_refused_before_anything_is_trained(
  tiny_config, stand_in_data, tmp_path, shape, batch_size, message
):
  stand_in_data(shape)
  tiny_config = changed(
    tiny_config, {'algorithm.network': 'sndcgan', 'train.batch_size': batch_size}
  )
  with pytest.raises(UserError, match=message):
    _setup(tiny_config, tmp_path)
  assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('role', ['', 'annotator.'])
def test_a_crop_wider_than_the_images_is_refused_before_anything_is_trained(
  tiny_config, stand_in_data, tmp_path, role
):
  del stand_in_data
  tiny_config = changed(tiny_config, {f'{role}data.crop_padding': 8})
  field = rf'config\.{role}data\.crop_padding=8'
  with pytest.raises(
    UserError, match=rf'{field}: expected 0 \.\. 7 with images of 8 pixels a side'
  ):
    _setup(tiny_config, tmp_path)
  assert list(tmp_path.iterdir()) == []


def test_a_classifier_of_other_classes_is_refused(
  finished, tiny_config, stand_in_data, tmp_path, monkeypatch
):
  tiny_config = changed(
    tiny_config,
    {
      'classifier.folder': str(finished[0] / 'classifier'),
      'annotator.folder': str(finished[0] / 'classifier'),
    },
  )
  known = _setup(tiny_config, tmp_path).classifier
  stand_in_data({'num_classes': 4})
  monkeypatch.setattr(inputs.classifiers_lib, 'load_classifier', lambda *_: known)
  with pytest.raises(UserError, match=r'knows 3 classes .* has 4 classes'):
    _setup(tiny_config, tmp_path / 'other')


def test_evaluating_a_checkpoint_leaves_training_alone(
  finished, tiny_config, stand_in_data, assert_trees_equal
):
  del stand_in_data
  setup = _setup(tiny_config, finished[0])
  _, before = setup.restore('class_balancing', 'latest')
  (evaluation,) = execute.evaluate_method(setup, 'class_balancing', '2')
  assert evaluation.step == 2
  execute.evaluate_method(setup, 'class_balancing', 'latest')
  _, after = setup.restore('class_balancing', 'latest')
  assert_trees_equal(before, after)
  assert jax.tree.leaves(after)


def test_report_of_the_work_directory(finished):
  text = report([finished[0]])
  assert 'class_balancing' in text
  assert 'unconditional' in text


def test_families_in_one_folder_are_drawn_apart(tmp_path, monkeypatch):
  for method in ('unconditional', 'elastic_infogan', 'joint_vae'):
    (tmp_path / method).mkdir()
    (tmp_path / method / 'evaluation.json').write_text('{}')
  for name, family in families.FAMILIES.items():
    drawn = dataclasses.replace(family, compare=lambda workdir, folders: [sorted(folders)])
    put(monkeypatch, families.FAMILIES, {name: drawn})
  monkeypatch.setattr(execute.report, 'collect', lambda folders, families: [])
  lines = execute.summarise(tmp_path).splitlines()
  assert lines[-2:] == ["picture: ['unconditional']", "picture: ['elastic_infogan', 'joint_vae']"]
