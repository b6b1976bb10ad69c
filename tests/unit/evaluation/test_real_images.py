"""Real images measured as generated images are, and references whose classes are uneven."""

import types

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.data import loading, training_data
from jaxgan.evaluation import metric, quality, real_images, yardsticks
from jaxgan.evaluation.cas import Score
from jaxgan.evaluation.judges import Judges
from jaxgan.metrics import fid
from jaxgan.training import classifiers


def _classify(variables, images):
  """Returns class 0 for dark and 2 for bright images; the features are four pixels."""
  level = images.mean(axis=(1, 2, 3))
  logits = (
    jnp.stack([level < -0.45, jnp.abs(level + 0.2) <= 0.25, level > 0.05], axis=-1) * variables
  )
  return logits, images[:, :2, :2, 0].reshape(-1, 4)


@pytest.fixture
def inputs(tiny_config, stand_in_data, tmp_path):
  del stand_in_data
  names = ('class_0', 'class_1', 'class_2')
  annotator = classifiers.Classifier(_classify, jnp.float32(5.0), names, (8, 8, 1), 0.9, 'stub')
  data = training_data.whole(loading.load(tiny_config.data, 'train'))
  return types.SimpleNamespace(
    config=tiny_config, data=data, classifiers={'annotator': annotator}, workdir=tmp_path
  )


@pytest.fixture
def uneven(inputs, monkeypatch):
  """The inputs with a test split of 40, 24 and 12 images, as the training split."""
  monkeypatch.setattr(loading, 'load', lambda config, split, limit=0: inputs.data.arrays)
  return inputs


def test_real_images_are_measured_as_generated_images_are(inputs):
  score = Score(0.75, {'cas_images': 76}, {})
  found = real_images.measure(inputs, 0, metric.GENERATED, score)
  training, test = (
    loading.load(inputs.config.data, 'train'),
    loading.load(inputs.config.data, 'test'),
  )
  assert found.training['class_counts'] == np.bincount(training.labels).tolist() == [40, 24, 12]
  assert found.training['cas'] == 0.75
  assert found.settings['cas_images'] == 76
  assert found.test['class_counts'] == [20, 20, 20]
  assert found.test['kl_from_uniform'] == 0
  assert found.test['class_accuracy'] == [1, 1, 1]
  assert found.test['class_images'] == [20, 20, 20]
  ours, real = (fid.statistics(_pixels(arrays.images)) for arrays in (training, test))
  expected = fid.frechet_distance(*ours, *real)
  assert found.training['frechet_annotator'] == pytest.approx(expected, rel=1e-4)
  # The classes are further apart than the halves of the test images.
  assert 0 < found.test['frechet_annotator'] < found.training['frechet_annotator']
  assert found.test['feature_variance/annotator'] == pytest.approx(np.trace(real[1]), rel=1e-4)
  assert found.settings['half_images'] == 30
  assert found.test.get('fid') is None  # No weights of Inception.
  assert real_images.identity(inputs, 0).items() <= found.settings.items()


def _pixels(images):
  return (images[:, :2, :2, 0].reshape(-1, 4) / 127.5 - 1).astype(np.float32)


@pytest.mark.parametrize('number', [20, 80])
def test_a_quarter_of_the_distance_of_halves_is_that_of_many_images(number):
  rng = np.random.default_rng(0)
  scales, of_halves, of_many = np.geomspace(1.0, 0.05, 16), [], []
  many = rng.normal(size=(20_000, 16)) * scales
  for seed in range(20):
    few = rng.normal(size=(number, 16)) * scales
    first, second = real_images.halves(np.zeros(number, int), seed)
    of_halves.append(fid.features_distance(few[first], few[second]))
    of_many.append(fid.features_distance(many, few))
  expected = real_images.OF_HALVES * np.mean(of_halves)
  assert np.mean(of_many) == pytest.approx(expected, rel=0.2)


def test_halves_have_the_same_classes_and_share_no_image():
  labels = np.array([0] * 7 + [1] * 4 + [2])
  first, second = real_images.halves(labels, seed=0)
  assert not set(first) & set(second)
  assert np.bincount(labels[first], minlength=3).tolist() == [3, 2, 0]
  assert np.bincount(labels[second], minlength=3).tolist() == [3, 2, 0]
  assert real_images.halves(labels, 0)[0].tolist() == first.tolist()
  assert real_images.halves(labels, 1)[0].tolist() != first.tolist()


def test_even_classes_have_no_weights():
  assert quality.class_weights(np.repeat([0, 1], [10, 20])) is None
  weights = quality.class_weights(np.repeat([0, 1], [10, 30]))
  np.testing.assert_allclose(weights[:10].sum(), 0.5)
  np.testing.assert_allclose(weights[10:].sum(), 0.5)


def test_every_class_of_an_uneven_reference_counts_equally(uneven):
  judges = Judges(uneven, None, uneven.classifiers, uneven.data.arrays)
  features, labels = judges.reference_features('annotator'), uneven.data.arrays.labels
  means = [features[labels == k].mean(axis=0) for k in range(3)]
  mean, _ = judges.statistics['annotator']
  np.testing.assert_allclose(mean, np.mean(means, axis=0), rtol=1e-5)
  found = real_images.measure(uneven, 0, metric.GENERATED, None)
  assert found.settings['reference_weights'] == quality.EVERY_CLASS_EQUALLY
  # The same images, but as they are: the distance of their class sizes from equal ones.
  assert found.training['frechet_annotator'] > 4 * found.test['frechet_annotator']


def test_replicas_with_the_same_images_share_yardsticks(tmp_path):
  alike = yardsticks.folders(tmp_path, ['a', 'a'])
  assert alike == [tmp_path / 'real_images'] * 2
  first, second, third = yardsticks.folders(tmp_path, ['a', 'b', 'a'])
  assert first == third == tmp_path / 'real_images' / 'replica_00'
  assert second == tmp_path / 'real_images' / 'replica_01'


def test_yardsticks_are_read_back(inputs, tmp_path):
  assert yardsticks.read(tmp_path) is None
  found = real_images.measure(inputs, 0, metric.GENERATED, None)
  yardsticks.write(tmp_path, found)
  assert yardsticks.read(tmp_path) == found
