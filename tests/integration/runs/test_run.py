"""Run: the metrics, samples and measures of a checkpoint."""

import json
import shutil

import numpy as np
from PIL import Image
import pytest

import jaxgan
from jaxgan.errors import UserError
from jaxgan.runs import inputs, sampling
from jaxgan.training import classifiers, loop


@pytest.fixture
def run(finished, stand_in_data):
  """The class-balancing run of the work directory, with its stored configuration."""
  del stand_in_data
  return jaxgan.load(finished[0])


def test_what_a_run_is(run, finished):
  assert (run.method, run.workdir) == ('class_balancing', finished[0])
  assert run.folder == finished[0] / 'class_balancing'
  assert run.config.algorithm.generator_width == 4
  assert repr(run) == f'<Run of class_balancing, checkpoint best, in {run.folder}>'
  assert [row['step'] for row in run.metrics] == [2, 4]
  assert run.metrics[-1]['evaluation/frechet_annotator'] > 0


def test_samples_with_labels(run, tmp_path):
  images, labels = run.sample(11)
  assert images.shape == (11, 8, 8, 1)
  assert images.dtype == np.uint8
  assert labels.shape == (11,)
  assert run.label_names == run.inputs.classifier.class_names
  assert (run.labelled_by, run.step in (2, 4)) == (run.inputs.classifier.key, True)
  again, again_labels = run.sample(11)
  np.testing.assert_array_equal(images, again)
  np.testing.assert_array_equal(labels, again_labels)
  assert (run.sample(11, seed=1)[0] != images).any()
  sampling.save(tmp_path / 'pngs', images, labels, run.label_names)
  assert len(list((tmp_path / 'pngs').glob('*.png'))) == 11
  np.testing.assert_array_equal(
    np.asarray(Image.open(tmp_path / 'pngs/000010.png')), images[10, ..., 0]
  )
  rows = (tmp_path / 'pngs' / 'labels.csv').read_text().splitlines()
  assert rows[1] == f'000000.png,{labels[0]},class_{labels[0]}'
  sampling.save(tmp_path / 'all.npz', images, labels, run.label_names)
  np.testing.assert_array_equal(np.load(tmp_path / 'all.npz')['labels'], labels)
  with pytest.raises(UserError, match='nothing is overwritten'):
    sampling.save(tmp_path / 'all.npz', images, labels, run.label_names)
  sampling.save(tmp_path / 'ALL.NPZ', images, labels, run.label_names)
  assert (tmp_path / 'ALL.NPZ').is_file()
  for name in ('one.jpg', 'all.zip', 'all.csv'):
    with pytest.raises(
      UserError, match=rf'{name}: expected a folder, or a file that ends in \.npz'
    ):
      sampling.save(tmp_path / name, images, labels, run.label_names)


@pytest.fixture
def labelled_by_index(monkeypatch):
  """A labeller that gives class 0 to four of five images and class 1 to the rest, never 2."""

  def label(variables, images):
    return np.where(np.arange(len(images)) % 4 == 0, 1, 0), None

  monkeypatch.setattr(classifiers, 'compile_classify', lambda classify: label)


def test_balanced_samples(finished, stand_in_data, labelled_by_index):
  del stand_in_data, labelled_by_index
  run = jaxgan.load(finished[0], checkpoint='latest')
  names = run.inputs.classifier.class_names
  with pytest.raises(UserError, match=r"'class_2': 0"):
    run.sample(9, balanced=True)
  run = jaxgan.load(finished[0], checkpoint='latest')
  known = run.inputs.classifiers
  known['classifier'] = known['classifier']._replace(class_names=names[:2])
  _, labels = run.sample(9, balanced=True)
  assert np.bincount(labels).tolist() == [5, 4]


def test_samples_of_one_class(finished, stand_in_data, labelled_by_index):
  """The classifier labels, so that images of other classes are dropped."""
  del stand_in_data, labelled_by_index
  run = jaxgan.load(finished[0], checkpoint='latest')
  every, labels = run.sample(32)
  images, only = run.sample(6, label='class_1')
  assert only.tolist() == [1] * 6
  np.testing.assert_array_equal(images, every[labels == 1][:6])
  assert set(run.sample(9, label=['class_0', 'class_1'])[1]) == {0, 1}
  assert np.bincount(run.sample(9, True, label='class_0,class_1')[1]).tolist() == [5, 4]
  with pytest.raises(UserError, match=r"too few, \{'class_2': 0\}"):
    run.sample(1, label='class_2')
  with pytest.raises(
    UserError,
    match=r'label=clas_1: expected one of class_0, class_1, class_2; did you mean class_1\?',
  ):
    run.sample(1, label='clas_1')
  with pytest.raises(UserError, match='label=1: expected one of class_0'):
    run.sample(1, label=1)


def test_evaluation_is_that_of_the_command(run, monkeypatch):
  path, checkpoints = run.folder / 'evaluation.json', run.folder / 'checkpoints'
  before, steps = json.loads(path.read_text()), {p.name for p in checkpoints.iterdir()}
  # One evaluation and one restored state serve every call.
  run.sample(1)
  monkeypatch.setattr(inputs, 'load', lambda *_: pytest.fail('loaded again'))
  monkeypatch.setattr(loop, 'train', lambda *a, **k: pytest.fail('trained'))
  time = path.stat().st_mtime_ns
  assert run.evaluate() == before
  assert path.stat().st_mtime_ns == time
  assert {p.name for p in checkpoints.iterdir()} == steps


def test_a_checkpoint_by_its_step(finished, stand_in_data):
  del stand_in_data
  runs = [jaxgan.load(finished[0], 'unconditional', checkpoint=step) for step in (2, '4')]
  assert [run.step for run in runs] == [2, 4]


@pytest.mark.parametrize(
  ('given', 'message'),
  [
    (
      {'method': 'dcgan'},
      "method='dcgan': expected a method in .*: unconditional, class_balancing",
    ),
    ({'replica': 1}, r'replica=1: expected a replica in 0\.\.0'),
    ({'replica': -1}, r'replica=-1: expected a replica in 0\.\.0'),
    ({'workdir': '/no/such'}, 'workdir=/no/such: expected the folder of a run'),
  ],
)
def test_a_run_that_is_not_there(finished, given, message):
  with pytest.raises(UserError, match=message):
    jaxgan.load(**{'workdir': finished[0], **given})


@pytest.mark.parametrize(
  ('checkpoint', 'num_images', 'message'),
  [
    (3, 1, r"checkpoint '3' is not in .*: use latest, best or one of \[2, 4\]"),
    ('worst', 1, "checkpoint 'worst' is not in"),
    ('latest', 0, 'num_images=0: expected a positive integer'),
  ],
)
def test_what_a_run_cannot_draw(finished, stand_in_data, checkpoint, num_images, message):
  del stand_in_data
  with pytest.raises(UserError, match=message):
    jaxgan.load(finished[0], checkpoint=checkpoint).sample(num_images)


def test_a_run_trains_nothing_and_leaves_its_folder_alone(run, monkeypatch):
  monkeypatch.setattr(loop, 'train', lambda *a, **k: pytest.fail('trained'))
  before = {path: path.stat().st_mtime_ns for path in run.workdir.rglob('*')}
  run.sample(3)
  assert run.metrics
  assert run.inputs.classifier
  assert run.step
  assert {path: path.stat().st_mtime_ns for path in run.workdir.rglob('*')} == before


@pytest.mark.parametrize('role', ['classifier', 'annotator'])
def test_a_classifier_that_is_gone_is_not_trained_anew(
  finished, stand_in_data, monkeypatch, tmp_path, role
):
  del stand_in_data
  monkeypatch.setattr(loop, 'train', lambda *a, **k: pytest.fail('trained'))
  shutil.copytree(finished[0], tmp_path / 'run')
  shutil.rmtree(tmp_path / 'run' / role)
  message = rf'{role} holds no trained {role} of this experiment: run jaxgan train'
  with pytest.raises(UserError, match=message):
    jaxgan.load(tmp_path / 'run').sample(1)


def test_an_unknown_name_of_the_package():
  with pytest.raises(AttributeError, match="'jaxgan' has no attribute 'lod'"):
    jaxgan.lod  # noqa: B018
