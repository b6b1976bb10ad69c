"""Experiments on categorical codes end to end: with labels, without, in replicas, and JointVAE."""

import json

import numpy as np
from PIL import Image
import pytest

import jaxgan
from jaxgan.algorithms import replicate
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import execute, families
from jaxgan.training import logging, replicas
from tests.support import files_page
from tests.support.evaluations import report
from tests.support.stand_in import tiny_codes, use_stand_in_data

pytestmark = pytest.mark.xdist_group('codes')  # One worker makes what they share.

ELASTIC = 'elastic_infogan'
UNLABELLED = {'metadata': {'labelled': False}, 'num_classes': 1}
PICTURES = {
  'loss_curves.png',
  'prior_over_time.png',
  'code_grid.png',
  'retrieval.png',
  'samples/step_00000004.png',
}
PICTURES_OF_CLASSES = {'evaluation_curves.png', 'prior_against_truth.png', 'confusion.png'}


@pytest.fixture(scope='module')
def run():
  """run(config, workdir, shape) returns the closing table."""

  def run(config, workdir, shape=()):
    with pytest.MonkeyPatch.context() as monkeypatch:
      use_stand_in_data(monkeypatch)(dict(shape))
      return execute.run(config, workdir)

  return run


def _single_config():
  config = tiny_codes()
  config = changed(config, {'seed': 1, 'algorithm.num_continuous': 1})
  return config


@pytest.fixture(scope='module')
def single(run, tmp_path_factory):
  """The work directory of a labelled run with a continuous code, and its closing table."""
  workdir = tmp_path_factory.mktemp('single')
  return workdir, run(_single_config(), workdir)


def _replicated_config(single):
  config = _single_config()
  config = changed(
    config, {'seed': 0, 'replicas': 2, 'annotator.folder': str(single[0] / 'annotator')}
  )
  return config


@pytest.fixture(scope='module')
def replicated(run, single, tmp_path_factory):
  """A run of two replicas, the second with the seed of `single`, with its annotator."""
  workdir = tmp_path_factory.mktemp('replicated')
  return workdir, run(_replicated_config(single), workdir)


@pytest.fixture(scope='module')
def unlabelled(run, tmp_path_factory):
  config = tiny_codes('gumbel_softmax')
  config = changed(config, {'algorithm.num_categories': 4})
  workdir = tmp_path_factory.mktemp('unlabelled')
  return workdir, run(config, workdir, UNLABELLED)


@pytest.fixture(scope='module')
def joint_vae(run, single, tmp_path_factory):
  """A run of JointVAE with more codes than classes."""
  config = tiny_codes('joint_vae')
  config = changed(
    config, {'algorithm.num_categories': 5, 'annotator.folder': str(single[0] / 'annotator')}
  )
  workdir = tmp_path_factory.mktemp('joint_vae')
  return workdir, run(config, workdir)


def _evaluation(folder):
  return json.loads((folder / 'evaluation.json').read_text())


def _files(folder):
  return {path.relative_to(folder).as_posix() for path in folder.rglob('*')}


def _assert_drawn(folder, names):
  assert names <= _files(folder)
  for name in names:
    assert Image.open(folder / name).size[1] > 100, name


def test_every_output_is_there(single):
  workdir, table = single
  folder = workdir / ELASTIC
  assert {'config.json', 'metrics.jsonl', 'tensorboard', 'checkpoints/4'} <= _files(folder)
  _assert_drawn(folder, PICTURES | PICTURES_OF_CLASSES | {'traversal_1.png'})
  assert 'traversal_2.png' not in _files(folder)
  _assert_drawn(workdir, {'code_grids.png'})
  assert (workdir / 'annotator' / 'checkpoints').is_dir()
  assert not (workdir / 'classifier').exists()
  assert ELASTIC in table
  assert 'NMI' in table
  assert f'picture: {workdir / "code_grids.png"}' in table


def test_evaluation_states_its_protocol(single):
  evaluation = _evaluation(single[0] / ELASTIC)
  protocol, results = evaluation['settings'] | evaluation['run'], evaluation['results']
  expected = {
    'images': 76, 'codes': 3, 'images_per_code': 12, 'batch_size': 8, 'seed': 1,
    'generator': 'raw', 'batch_norm': 'running statistics', 'replica': 0, 'replicas': 1,
    'network': 'small', 'prior_losses': 'all', 'prior_learning_rate': 2e-4, 'knn1': 'logits',
    'prior_entropy_weight': 0.0, 'prior_start': 'uniform',
    'views': 'released', 'rotation_degrees': 20.0,
  }  # fmt: skip
  assert 'width' not in protocol  # The width of these networks is fixed.
  assert {name: protocol[name] for name in expected} == expected
  assert protocol['split'].startswith('stand-in/train')
  assert 0 <= protocol['annotator_accuracy'] <= 1
  assert protocol['annotator'].startswith('small_classifier-')
  assert protocol['hardware']
  assert np.sum(results['counts'], axis=1).tolist() == [12, 12, 12]
  assert sum(results['prior']) == pytest.approx(1.0, rel=1e-6)
  assert sorted(results['matched_frequencies']) == pytest.approx([12 / 76, 24 / 76, 40 / 76])
  scores = ('nmi', 'nmi_geometric', 'prior_distance', 'false_negative_share', 'knn1_accuracy')
  scores += ('knn1_accuracy_random_weights', 'kmeans_nmi', 'argmax_nmi', 'knn1_accuracy_features')
  scores += ('knn1_accuracy_features_random_weights',)
  assert all(0 <= results[name] <= 1 for name in scores)
  assert all(-1 <= results[name] <= 1 for name in ('kmeans_ari', 'argmax_ari'))
  assert sorted(results['matched_classes']) == [0, 1, 2]
  assert results['prior_kl'] >= 0
  assert 'at most 10,000 training images' in protocol['clustering']
  assert evaluation['labels']['classes']['counts'] == [40, 24, 12]
  assert evaluation['step'] == 4
  assert evaluation['notes'] == []
  assert evaluation['published'] is None


def test_metrics_have_the_prior_and_the_evaluations(single):
  rows = logging.read_metrics(single[0] / ELASTIC)
  assert [row['step'] for row in rows] == [2, 4]
  for row in rows:
    assert len(row['prior']) == 3
    assert sum(row['prior']) == pytest.approx(1.0, rel=1e-6)
    assert 0 <= row['evaluation/nmi'] <= 1
    assert {'evaluation/ent', 'evaluation/prior_distance', 'loss/contrastive'} <= row.keys()
    assert 'evaluation/empty_codes_and_classes' in row


def test_the_same_command_trains_nothing_again(single, run, monkeypatch):
  monkeypatch.setattr(replicas, 'compile_run', lambda *a, **k: pytest.fail('trained again'))
  before = (single[0] / ELASTIC / 'evaluation.json').read_text()
  assert run(_single_config(), single[0]) == single[1]
  assert (single[0] / ELASTIC / 'evaluation.json').read_text() == before


def test_replicas_have_folders_of_their_own_and_one_row(replicated):
  workdir, table = replicated
  for replica in range(2):
    folder = workdir / ELASTIC / f'replica_{replica:02}'
    _assert_drawn(folder, PICTURES | PICTURES_OF_CLASSES | {'traversal_1.png'})
    run = _evaluation(folder)['run']
    assert (run['replica'], run['replicas'], run['seed']) == (replica, 2, replica)
    assert len(logging.read_metrics(folder)[-1]['prior']) == 3
  assert not (workdir / ELASTIC / 'evaluation.json').exists()
  _assert_drawn(workdir, {'code_grids.png', f'{ELASTIC}/loss_curves.png'})
  whole = logging.read_metrics(workdir / ELASTIC)[-1]
  assert whole['step'] == 4
  assert whole['std/loss/generator'] >= 0
  (line,) = [line for line in table.splitlines() if line.startswith(ELASTIC)]
  values = [_evaluation(path)['results']['nmi'] for path in (workdir / ELASTIC).glob('replica_*')]
  assert f'{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f} (2)' in line


def _setup(config, workdir):
  return execute.start(config, workdir, config.methods)


def test_a_replica_is_the_single_run_of_its_seed(
  replicated, single, stand_in_data, assert_trees_equal
):
  del stand_in_data
  together = _evaluation(replicated[0] / ELASTIC / 'replica_01')
  alone = _evaluation(single[0] / ELASTIC)
  assert together['results'] == alone['results']
  rows = logging.read_metrics(replicated[0] / ELASTIC / 'replica_01')
  assert rows == logging.read_metrics(single[0] / ELASTIC)
  setups = _setup(_replicated_config(single), replicated[0]), _setup(_single_config(), single[0])
  (_, both), (_, one) = (setup.restore(ELASTIC, 'latest') for setup in setups)
  assert_trees_equal(replicate.take(both, 1), replicate.take(one, 0))
  # The same noise through the same state.
  images, labels = jaxgan.load(replicated[0], replica=1).sample(6)
  expected_images, expected = jaxgan.load(single[0]).sample(6)
  np.testing.assert_array_equal(images, expected_images)
  np.testing.assert_array_equal(labels, expected)
  with pytest.raises(UserError, match=r'^replica=2: expected a replica in 0\.\.1'):
    jaxgan.load(replicated[0], replica=2)


def test_balanced_samples_have_equal_codes(single, stand_in_data):
  del stand_in_data
  run = jaxgan.load(single[0])
  images, labels = run.sample(11, balanced=True)
  assert images.shape == (11, 8, 8, 1)
  assert images.dtype == np.uint8
  assert np.bincount(labels).tolist() == [4, 4, 3]
  assert run.label_names == ('code_0', 'code_1', 'code_2')
  assert (run.step, run.labelled_by) == (4, 'their codes')
  images, labels = run.sample(5, label=[2, 'code_0'])
  assert set(labels) <= {0, 2}
  confidences = run.confidence(images, labels)
  assert ((confidences > 0) & (confidences <= 1)).all()


def test_without_labels_there_are_codes_but_no_scores(unlabelled):
  workdir, table = unlabelled
  folder = workdir / 'gumbel_softmax'
  _assert_drawn(folder, PICTURES)
  assert not PICTURES_OF_CLASSES & _files(folder)
  assert {path.name for path in workdir.iterdir()} == {'gumbel_softmax', 'code_grids.png'}
  evaluation = _evaluation(folder)
  results, protocol = evaluation['results'], evaluation['settings'] | evaluation['run']
  assert {name for name, value in results.items() if value is not None} == {'prior'}
  assert len(results['prior']) == protocol['codes'] == 4
  assert protocol['annotator'] is None
  assert protocol['annotator_accuracy'] is None
  assert 'views' not in protocol  # Without a contrastive loss there is no positive pair.
  assert list(evaluation['labels']) == ['codes']
  assert evaluation['notes'] == ['the images have no labels: no NMI, ENT, 1-NN accuracy and ARI']
  rows = logging.read_metrics(folder)
  assert all(len(row['prior']) == 4 for row in rows)
  assert not any(name.startswith('evaluation/') for row in rows for name in row)
  assert 'prior' in table
  assert 'NMI' not in table.replace(evaluation['notes'][0], '')
  prior = results['prior']
  for word, code in (('largest', np.argmax(prior)), ('smallest', np.argmin(prior))):
    assert f'{word} prior' in table
    assert f'{prior[code]:.3f} (code {code})' in table
  assert f'code grid of gumbel_softmax: {folder / "code_grid.png"}' in table.splitlines()


def test_joint_vae_has_codes_and_no_learned_prior(joint_vae):
  workdir, table = joint_vae
  folder = workdir / 'joint_vae'
  _assert_drawn(folder, (PICTURES | PICTURES_OF_CLASSES) - {'prior_over_time.png'})
  assert not {'prior_over_time.png', 'traversal_1.png'} & _files(folder)
  evaluation = _evaluation(folder)
  results = evaluation['results']
  assert results['prior'] == pytest.approx([0.2] * 5)
  assert evaluation['settings']['codes'] == 5
  assert np.shape(results['counts']) == (5, 3)
  assert sorted(results['matched_frequencies'])[:2] == [0.0, 0.0]
  assert results['knn1_accuracy'] > 0
  assert results['knn1_accuracy_random_weights'] is None
  assert results['knn1_accuracy_features'] > 0
  assert 0 <= results['kmeans_nmi'] <= 1
  assert 0 <= results['argmax_nmi'] <= 1
  protocol = evaluation['settings']
  weights = ('beta_continuous', 'beta_discrete', 'continuous_capacity', 'discrete_capacity')
  assert [protocol[field] for field in weights] == [30.0, 30.0, 5.0, 5.0]
  assert protocol['capacity_steps'] == 25_000
  assert 'views' not in protocol
  assert evaluation['notes'] == ['the capacities of the latents are at 0 % of their ramp']
  assert 'prior' not in logging.read_metrics(folder)[-1]
  assert 'joint_vae' in table


def test_report_of_the_work_directories(single, replicated, unlabelled, joint_vae, tmp_path):
  folders = [workdir for workdir, _ in (single, replicated, unlabelled, joint_vae)]
  text = report(folders, tmp_path / 'report.md')
  assert text.count('## Categorical codes') == 1
  assert '(2)' in text
  assert '**Without labels: the prior**' in text
  assert 'no NMI, ENT, 1-NN accuracy and ARI' in text
  assert all(method in text for method in (ELASTIC, 'gumbel_softmax', 'joint_vae'))
  _assert_drawn(tmp_path, {'report_codes.png'})


@pytest.mark.parametrize(
  ('method', 'num_categories', 'shape', 'message'),
  [
    (ELASTIC, None, UNLABELLED, r'num_categories=None: expected a number of codes.* no labels'),
    (
      ELASTIC,
      None,
      {'num_classes': 1},
      r'num_categories=None: expected a number of codes.* a single class',
    ),
    (
      'ground_truth_infogan',
      3,
      UNLABELLED,
      'prior=fixed: expected 3 labelled .* The data has 0',
    ),
    (
      'ground_truth_infogan',
      5,
      {},
      'prior=fixed: expected 5 labelled .* has 3; use another',
    ),
    ('joint_vae', None, {'image_size': 10}, r'multiple of 4 .* not 10: .*options\.image_size'),
    (ELASTIC, None, {'image_size': 2}, 'multiple of 4 pixels a side, not 2'),
  ],
)
def test_data_that_cannot_work_is_refused_before_anything_is_trained(
  stand_in_data, tmp_path, method, num_categories, shape, message
):
  stand_in_data(shape)
  config = tiny_codes(method, small_networks=False)
  config = changed(config, {'algorithm.num_categories': num_categories})
  with pytest.raises(UserError, match=message) as error:
    _setup(config, tmp_path)
  assert '\n' not in str(error.value)
  assert list(tmp_path.iterdir()) == []


def test_a_first_prior_has_a_frequency_for_each_code(stand_in_data, tmp_path):
  del stand_in_data
  config = tiny_codes()
  config = changed(config, {'algorithm.prior_start': (0.6, 0.4)})
  with pytest.raises(UserError, match=r'prior_start: expected 3 numbers, one per code, found 2'):
    _setup(config, tmp_path)


def test_a_classifier_that_is_too_large_for_the_images_is_refused(stand_in_data, tmp_path):
  del stand_in_data
  config = tiny_codes()
  config = changed(config, {'annotator.algorithm.network': 'mnist_cnn'})
  with pytest.raises(UserError, match='mnist_cnn needs images of 16 pixels a side or more'):
    _setup(config, tmp_path)


def test_methods_of_other_images_do_not_share_a_folder(unlabelled, stand_in_data):
  workdir, _ = unlabelled
  before = _files(workdir)
  config = tiny_codes('joint_vae')
  config = changed(config, {'algorithm.num_categories': 4})
  stand_in_data(UNLABELLED | {'image_size': 12})
  with pytest.raises(UserError, match=r'gumbel_softmax belongs .* other images .*-8-1-1.*-12-'):
    _setup(config, workdir)
  assert _files(workdir) == before
  stand_in_data({'image_size': 8})
  assert _setup(config, workdir).annotator is None


def test_fewer_images_than_a_batch_are_refused(stand_in_data, tmp_path):
  del stand_in_data
  config = tiny_codes()
  config = changed(config, {'train.batch_size': 128})
  with pytest.raises(
    UserError, match=r'76 images, fewer than the 128 of .*config\.train\.batch_size'
  ):
    _setup(config, tmp_path)
  assert list(tmp_path.iterdir()) == []


def test_another_method_does_not_take_the_folder(single, stand_in_data):
  del stand_in_data
  config = _single_config()
  config = changed(config, {'algorithm.prior': 'uniform'})
  with pytest.raises(UserError, match=r"algorithm\.prior was 'learnable', is 'uniform'"):
    _setup(config, single[0])
  assert families.remembered(single[0] / ELASTIC).algorithm.prior == 'learnable'


def test_the_page_of_files_lists_what_codes_write(single):
  assert files_page.unlisted(single[0]) == []
  absent = files_page.not_written(single[0], 'Methods of codes')
  assert absent == ['retrieval.png']  # With two methods.
