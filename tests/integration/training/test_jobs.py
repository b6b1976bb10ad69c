"""Given classifiers: loaded from folders, and refused with one line if they do not fit."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data_prep import build
from jaxgan.config import identity
from jaxgan.config.overrides import changed
from jaxgan.data import loading, training_data
from jaxgan.errors import UserError
from jaxgan.runs import facts, families, inputs, plan
from jaxgan.system import parallel
from jaxgan.training import classifiers, loop
from tests.support.stand_in import tiny, tiny_codes

DIGITS = {'image_size': 28, 'num_classes': 10}
SHAPES = {'conv1': (20, 1, 5, 5), 'conv2': (50, 20, 5, 5), 'fc1': (500, 800), 'fc2': (10, 500)}


def _save_weights(path, leave_out=()):
  rng = np.random.default_rng(0)
  tensors = {}
  for name, shape in SHAPES.items():
    tensors[f'{name}.weight'] = rng.normal(0, 0.1, shape).astype(np.float32)
    tensors[f'{name}.bias'] = np.zeros(shape[0], np.float32)
  np.savez(path, **{name: tensor for name, tensor in tensors.items() if name not in leave_out})


def _annotator(given):
  config = tiny_codes()
  config = changed(config, {'annotator.folder': str(given)})
  return _trained(config, 'annotator', given.parent)


def _facts(config, workdir):
  return facts.read_facts(config, workdir, config.methods, prepare=True)


def _trained(config, role, workdir):
  found = _facts(config, workdir)
  plan.refuse(plan.Plan((), found.unreadable))
  return inputs.load_role(config, found, role)


def _refuse(config, workdir):
  plan.refuse(plan.make_plan(config, _facts(config, workdir)))


def test_the_released_weights_are_an_annotator(stand_in_data, tmp_path):
  stand_in_data(DIGITS)
  path = tmp_path / 'mnist_cnn.npz'
  _save_weights(path)
  annotator = _annotator(path)
  test = loading.load(None, 'test')
  labels, features = classifiers.compile_classify(annotator.classify)(
    annotator.variables, test.images
  )
  assert annotator.accuracy == np.mean(labels == test.labels)
  assert features.shape == (60, 500)
  assert annotator.class_names == test.class_names
  assert annotator.image_shape == (28, 28, 1)
  assert annotator.key.startswith('mnist_cnn-')
  assert list(tmp_path.iterdir()) == [path]


def _cut_short(path):
  _save_weights(path)
  path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
  ('write', 'shape', 'message'),
  [
    (_save_weights, {}, 'is for 10 classes of 28x28x1 images, stand_in has 3 of 8x8x1'),
    (_save_weights, {'image_size': 28}, 'is for 10 classes .* has 3 of 28x28x1'),
    (lambda path: None, DIGITS, 'cannot be read .No such file'),
    (lambda path: path.mkdir(), DIGITS, 'cannot be read .Is a directory'),
    (lambda path: path.write_text('weights'), DIGITS, 'is not an npz of arrays, or damaged'),
    (_cut_short, DIGITS, 'is not an npz of arrays, or damaged'),
    (lambda path: np.savez(path, fc1=[{}]), DIGITS, 'is not an npz of arrays, or damaged'),
    (lambda path: _save_weights(path, ('fc2.bias',)), DIGITS, r'fc2\.bias, not .*fc2\.weight$'),
  ],
)
def test_other_files_are_refused(stand_in_data, tmp_path, write, shape, message):
  stand_in_data(shape)
  path = tmp_path / 'weights.npz'
  write(path)
  with pytest.raises(UserError, match=message) as error:
    _annotator(path)
  assert f'config.annotator.folder={path}' in str(error.value)
  assert '\n' not in str(error.value)


def test_the_folder_of_a_method_is_no_classifier(stand_in_data, tmp_path):
  del stand_in_data
  for config in (tiny_codes(), tiny()):
    (method,) = config.methods
    data = loading.load_training(config.data)
    identity.remember(tmp_path / method, families.method_config(config, method, data))
    with pytest.raises(UserError, match=f'{method} is not the folder of a classifier'):
      _annotator(tmp_path / method)
  with pytest.raises(UserError, match=r'nowhere holds no run \(no config\.json\)'):
    _annotator(tmp_path / 'nowhere')


@pytest.mark.parametrize('data_is_there', [True, False])
def test_a_classifier_of_another_machine_finds_its_data(
  finished, stand_in_data, monkeypatch, tmp_path, data_is_there
):
  """A path of the classifier that exists is kept."""
  del stand_in_data
  folder, here = tmp_path / 'classifier', tmp_path / 'here'
  shutil.copytree(finished[0] / 'classifier', folder)
  own = str(tmp_path / 'own')
  if data_is_there:
    (tmp_path / 'own').mkdir()
  remembered = json.loads((folder / 'config.json').read_text())
  remembered['data']['source'] = own
  (folder / 'config.json').write_text(json.dumps(remembered))
  seen, load = [], loading.load
  monkeypatch.setattr(loading, 'load', lambda c, *a: seen.append(c.source) or load(c, *a))
  section = tiny().classifier.data
  section = changed(section, {'source': str(here)})
  mesh = parallel.device_mesh(devices=jax.devices()[:1])
  classifier = classifiers.load_classifier(folder, section, mesh)
  assert set(seen) == {own if data_is_there else str(here)}
  assert (
    classifier.key == classifiers.load_classifier(finished[0] / 'classifier', section, mesh).key
  )


def test_a_classifier_of_other_images_is_refused(finished, stand_in_data):
  stand_in_data({'image_size': 12})
  with pytest.raises(UserError, match=r'was trained on stand-in/train.*, not on stand-in/train'):
    classifiers.load_classifier(finished[0] / 'classifier', tiny().classifier.data, mesh=None)


def _train(config, folder, steps, mesh):
  """Trains a classifier, whose best step is 2, to a step; returns its configuration."""
  config = changed(
    config,
    {
      'classifier.train.steps': steps,
      'classifier.train.epochs': None,
      'classifier.train.evaluate_every': 1,
      'classifier.train.checkpoint_every': 1,
    },
  )
  job = classifiers.classifier_job(config, 'classifier', folder)
  score = lambda state, replica: ({}, -abs(float(state.step) - 2))  # noqa: E731
  loop.train(job._replace(evaluate=score), mesh)
  return config


def test_the_best_checkpoint_of_a_finished_classifier(stand_in_data, tmp_path, mesh):
  del stand_in_data
  config = tiny()
  config = changed(
    config, {'classifier.algorithm.loss': 'focal', 'classifier.algorithm.focal_gamma': 0.5}
  )
  config = _train(config, tmp_path / 'run/classifier', 5, mesh)
  found = {}
  for which in ('latest', 'best'):
    config = changed(config, {'classifier.checkpoint': which})
    found[which] = _trained(config, 'classifier', tmp_path / 'run')
  assert found['latest'].key != found['best'].key
  assert found['best'].protocol == {
    'loss': 'focal, gamma 0.5', 'checkpoint': 'best', 'step': 2
  }  # fmt: skip
  assert (found['latest'].protocol['step'], found['latest'].protocol['checkpoint']) == (5, 'latest')
  # The current experiment chooses the checkpoint, also of a given folder.
  folder = str(tmp_path / 'run/classifier')
  config = changed(config, {'classifier.folder': folder, 'classifier.checkpoint': 'best'})
  given = _trained(config, 'classifier', tmp_path / 'other')
  assert given.key == found['best'].key


def test_the_best_checkpoint_of_an_unfinished_classifier_is_refused(stand_in_data, tmp_path, mesh):
  del stand_in_data
  config = tiny()
  _train(config, tmp_path, 3, mesh)
  remembered = json.loads((tmp_path / 'config.json').read_text())
  remembered['train']['steps'] = 5
  (tmp_path / 'config.json').write_text(json.dumps(remembered))
  with pytest.raises(UserError, match='stopped at step 3 of 5: train it first'):
    classifiers.load_classifier(tmp_path, config.classifier.data, mesh, 'best')


def test_a_classifier_with_an_input_size_is_trained_on_larger_images(
  stand_in_data, tmp_path, mesh, monkeypatch
):
  """Its training images may differ in size from the GAN's, but not in channels."""
  sizes = {'large': {'image_size': 16}, 'coloured': {'image_size': 16, 'channels': 3}}
  small = {'image_size': 8, 'channels': 1}

  def load(config, split, limit=0, load=loading.load):
    stand_in_data(small | sizes.get(config.dataset, {}))
    return load(config, split, limit)

  monkeypatch.setattr(loading, 'load', load)
  config, workdir = tiny(), tmp_path / 'run'
  config = changed(config, {'classifier.data.dataset': 'large'})
  message = r'knows 3 classes of 16x16x1 images, .* 3 classes of 8x8x1: .*classifier\.data\.dataset'
  with pytest.raises(UserError, match=message):
    _refuse(config, workdir)
  config = changed(config, {'classifier.algorithm.input_size': 12})
  _refuse(config, workdir)
  loop.train(classifiers.classifier_job(config, 'classifier', workdir / 'classifier'), mesh)
  classifier = _trained(config, 'classifier', workdir)
  assert (classifier.image_shape, classifier.input_size) == ((16, 16, 1), 12)
  assert classifier.protocol['input'] == 'bilinear to 12x12'
  logits, _ = classifier.classify(classifier.variables, jnp.zeros((5, 8, 8, 1)))
  assert logits.shape == (5, 3)
  config = changed(config, {'classifier.data.dataset': 'coloured'})
  with pytest.raises(UserError, match=r'knows 3 classes of 16x16x3 images, .* 3 classes of 8x8x1'):
    _refuse(config, tmp_path / 'other')


@pytest.mark.parametrize('role', ['classifier', 'annotator', 'cas'])
def test_means_of_other_channels_are_refused_before_any_training(role, stand_in_data, tmp_path):
  """The classifier of `cas` is built only after the GAN is trained."""
  stand_in_data({})
  config = tiny()
  config = changed(
    config, {f'{role}.algorithm.input_mean': (0.5, 0.5), f'{role}.algorithm.input_std': (0.5, 0.5)}
  )
  with pytest.raises(
    UserError, match=rf'config\.{role}\.algorithm\.input_mean=.*: expected one number or'
  ):
    _refuse(config, tmp_path)


def test_class_positions_match_by_order_or_by_name():
  pool = build.Arrays(np.zeros((4, 8, 8, 1), np.uint8), np.arange(4), tuple('abcd'), {}, 'pool')
  classes = (np.array([2, 0]), np.array([3, 1]))
  data = training_data.TrainingData(pool, (np.array([2, 0]), np.array([3, 1])), ('x', 'y'), classes)
  # Equally many classes: other names for the same classes.
  np.testing.assert_array_equal(classifiers.class_positions(tuple('ABCD'), data, 1), [3, 1])
  np.testing.assert_array_equal(classifiers.class_positions(tuple('edcba'), data, 0), [2, 4])
  assert classifiers.class_positions(tuple('abc'), data, 0).tolist() == [2, 0]
  assert classifiers.class_positions(tuple('abc'), data, 1) is None
