"""Class balancing without labels, end to end: a recogniser is trained, then used in the loop."""

import json
import shutil

import jax
import numpy as np
import pytest

import jaxgan
from jaxgan.config.overrides import changed
from jaxgan.data import loading
from jaxgan.errors import UserError
from jaxgan.runs import execute, recogniser, rules
from jaxgan.training import classifiers, logging, replicas
from tests.support.evaluations import report
from tests.support.stand_in import tiny, tiny_balanced, use_stand_in_data

METHODS = ('unconditional', 'code_balancing')
UNLABELLED = {'metadata': {'labelled': False}, 'num_classes': 1}


def _config(methods=METHODS, num_categories=4):
  config = tiny_balanced()
  config = changed(config, {'methods': methods, 'algorithm.num_categories': num_categories})
  return config


@pytest.fixture(scope='module')
def unlabelled(tmp_path_factory):
  """A run of both methods on images without labels: (work directory, table)."""
  workdir = tmp_path_factory.mktemp('unlabelled')
  with pytest.MonkeyPatch.context() as monkeypatch:
    use_stand_in_data(monkeypatch)(UNLABELLED)
    return workdir, execute.run(_config(), workdir)


@pytest.fixture
def without_labels(stand_in_data):
  stand_in_data(UNLABELLED)


def _evaluation(folder):
  return json.loads((folder / 'evaluation.json').read_text())


def _setup(config, workdir):
  return execute.start(config, workdir, config.methods)


def test_every_step_has_its_folder(unlabelled):
  workdir, table = unlabelled
  found = {path.relative_to(workdir).as_posix() for path in workdir.rglob('*')}
  assert {
    'recogniser/elastic_infogan/checkpoints/4',
    'recogniser/elastic_infogan/code_grid.png',
    'recogniser/elastic_infogan/evaluation.json',
    'code_balancing/checkpoints/4',
    'code_balancing/code_histogram_over_time.png',
    'unconditional/code_histogram_over_time.png',
    'code_histogram.png',
    'samples_by_code.png',
  } <= found
  names = {path.name for path in workdir.rglob('*')}
  assert not {'annotator', 'classifier', 'cas'} & names
  assert not [name for name in names if 'class_' in name or 'by_class' in name]
  assert 'KL (codes)' in table
  assert 'code_3' in table
  assert 'real training images' in table
  assert 'CAS' not in table.replace('no CAS', '')
  assert 'annotator' not in table


def test_what_can_be_measured_without_labels(unlabelled):
  workdir, _ = unlabelled
  for method in METHODS:
    evaluation = _evaluation(workdir / method)
    results, run = evaluation['results'], evaluation['run']
    measured = {name for name, value in results.items() if value is not None}
    of_recogniser = {name for name in measured if name.endswith('/recogniser')}
    assert measured - of_recogniser == {
      'code_kl_from_uniform', 'code_counts', 'frechet_recogniser'
    }  # fmt: skip
    assert {'kid/recogniser', 'recall/recogniser'} <= of_recogniser
    assert 'class_frechet/recogniser' not in results
    assert len(results['code_counts']) == 4
    assert sum(results['code_counts']) == 24
    assert results['frechet_recogniser'] > 0
    assert list(evaluation['labels']) == ['codes']
    assert sum(evaluation['labels']['codes']['counts']) == 60
    assert any(note.startswith('the images have no labels') for note in evaluation['notes'])
    assert run['recogniser'].startswith('elastic_infogan-')
    assert evaluation['settings']['codes'] == 4
    assert run['annotator_accuracy'] is None
    row = logging.read_metrics(workdir / method)[-1]
    assert {name for name in row if name.startswith('evaluation/')} == {
      'evaluation/code_kl_from_uniform', 'evaluation/code_counts', 'evaluation/frechet_recogniser'
    }  # fmt: skip
  assert _evaluation(workdir / 'code_balancing')['settings']['classes'] == 'codes'


def test_codes_are_what_is_balanced_and_sampled(unlabelled, without_labels):
  """Q counts codes for the GAN, with the variables of its checkpoint."""
  del without_labels
  workdir, _ = unlabelled
  row = logging.read_metrics(workdir / 'code_balancing')[-1]
  assert len(row['class_share']) == len(row['effective_counts']) == 4
  run = jaxgan.load(workdir, method='code_balancing')
  images, labels = run.sample(8)
  assert run.label_names == ('code_0', 'code_1', 'code_2', 'code_3')
  assert run.labelled_by == _evaluation(run.folder)['run']['recogniser']
  elastic = jaxgan.load(workdir / 'recogniser')
  _, states = elastic.inputs.restore('elastic_infogan', 'latest')
  algorithm, _ = elastic.inputs.algorithm('elastic_infogan')
  variables = jax.tree.map(lambda x: x[0], states).variables
  expected, _ = classifiers.compile_classify(algorithm.classify)(variables, images)
  np.testing.assert_array_equal(labels, expected)
  assert (run.confidence(images, labels) >= 1 / 4).all()  # The likeliest of four codes.
  _, frozen = run.inputs.algorithm('code_balancing')
  jax.tree.map(np.testing.assert_array_equal, frozen['classifier'], variables)


def test_the_same_command_trains_nothing_again(unlabelled, without_labels, monkeypatch):
  del without_labels
  monkeypatch.setattr(replicas, 'compile_run', lambda *a, **k: pytest.fail('trained again'))
  workdir, table = unlabelled
  path = workdir / 'recogniser' / 'elastic_infogan' / 'evaluation.json'
  before = path.stat().st_mtime_ns
  assert execute.run(_config(), workdir) == table
  assert path.stat().st_mtime_ns == before


def test_a_report_has_codes_apart_from_classes(unlabelled, tmp_path):
  text = report([unlabelled[0]], tmp_path / 'report.md')
  assert 'KL of codes' in text
  assert '| recogniser |' in text
  assert '| tiny | code_balancing | 4 | 24 | - |' in text
  assert 'head / medium / tail' not in text.split('**')[0].split('KID')[0]
  assert (tmp_path / 'report_classes.png').exists()


def test_a_given_run_is_the_recogniser(unlabelled, without_labels, tmp_path):
  del without_labels
  config = _config(('code_balancing',), num_categories=None)
  config = changed(
    config, {'recogniser.folder': str(unlabelled[0] / 'recogniser' / 'elastic_infogan')}
  )
  setup = _setup(config, tmp_path)
  assert not (tmp_path / 'recogniser').exists()
  key = _evaluation(unlabelled[0] / 'code_balancing')['run']['recogniser']
  assert setup.classifiers['recogniser'].key == key
  config = changed(config, {'algorithm.num_categories': 5})
  with pytest.raises(
    UserError, match=r'num_categories=5: expected none or 4, .* config\.recogniser'
  ):
    _setup(config, tmp_path)


def _unfinished(folder, remembered):
  del folder
  remembered['train']['steps'] = 6


def _of_replicas(folder, remembered):
  del folder
  remembered['replicas'] = 2


def _a_classifier(folder, remembered):
  del folder, remembered['methods']


def _a_gan(folder, remembered):
  gan = folder.parent / 'code_balancing' / 'config.json'
  remembered.clear()
  remembered.update(json.loads(gan.read_text()))


def _no_network(folder, remembered):
  del folder, remembered['algorithm']['network']
  remembered['methods'] = ['joint_vae']


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (_unfinished, r'stopped at step 4 of 6: train it first'),
    (_of_replicas, r'config\.recogniser\.folder=.*: expected a run of one replica, found 2'),
    (_a_classifier, r'elastic_infogan: expected a folder of a method'),
    (_a_gan, r'expected a run of a method with codes, found code_balancing'),
    (
      lambda folder, remembered: remembered.update(images='others'),
      r'expected a recogniser trained on the images .*, found others',
    ),
    (
      lambda folder, remembered: remembered.update(methods=['other']),
      r'methods=.*: expected methods',
    ),
    (
      lambda folder, remembered: remembered.pop('train'),
      r'config\.json\.train is missing: expected a section',
    ),
  ],
)
def test_other_runs_are_refused(unlabelled, without_labels, tmp_path, change, message):
  del without_labels
  folder = tmp_path / 'elastic_infogan'
  shutil.copytree(unlabelled[0] / 'recogniser' / 'elastic_infogan', folder)
  shutil.copytree(
    unlabelled[0] / 'code_balancing',
    tmp_path / 'code_balancing',
    ignore=lambda path, names: [name for name in names if name != 'config.json'],
  )
  remembered = json.loads((folder / 'config.json').read_text())
  change(folder, remembered)
  (folder / 'config.json').write_text(json.dumps(remembered))
  config = _config(('code_balancing',))
  config = changed(config, {'recogniser.folder': str(folder)})
  with pytest.raises(UserError, match=message) as error:
    _setup(config, tmp_path / 'new')
  assert '\n' not in str(error.value)
  assert not (tmp_path / 'new').exists()


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (
      {'algorithm.num_categories': None},
      r'num_categories=None: expected a number of codes.* no labels',
    ),
    (
      {'algorithm.count_start': (1.0, 2.0)},
      r'count_start: expected 1 or 4 numbers, found 2; .* has 4 codes',
    ),
    ({'recogniser.train.batch_size': 128}, r'60 images, fewer than the 128'),
    (
      {'methods': ('class_balancing',)},
      r'expected images with labels for classifier .*label_free_folder',
    ),
  ],
)
def test_what_cannot_work_is_refused_before_anything_is_trained(
  without_labels, tmp_path, change, message
):
  del without_labels
  config = changed(_config(('code_balancing',)), change)
  with pytest.raises(UserError, match=message):
    _setup(config, tmp_path)
  assert list(tmp_path.iterdir()) == []


def test_an_experiment_without_a_recogniser_balances_no_codes():
  config = tiny()
  config = changed(config, {'methods': ('code_balancing',)})
  with pytest.raises(
    UserError, match=r'methods=.*label_free_folder\.py or .*mnist_lt_balanced\.py'
  ):
    rules.check_sections(config, num_devices=1)


def test_replicas_with_images_of_their_own_have_no_common_recogniser(
  unlabelled, without_labels, monkeypatch
):
  del without_labels
  config = _config(('code_balancing',))
  config = changed(
    config, {'recogniser.folder': str(unlabelled[0] / 'recogniser' / 'elastic_infogan')}
  )
  data = loading.load_training(config.data)
  both = data._replace(keys=(data.keys[0], 'another split'))
  with pytest.raises(
    UserError, match=r'trained on the images of the experiment .another split., found stand-in'
  ):
    recogniser.expected(config, both)
