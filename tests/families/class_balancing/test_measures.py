"""The evaluator's numbers against ones computed directly, and its cache of reference features."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import data as data_lib
from jaxgan import jobs, parallel
from jaxgan.algorithms import Algorithm
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.families.class_balancing import features, measures
from jaxgan.metrics import fid, kid


def _classify(variables, images):
  """Class 0 where the image is dark, 2 where it is bright; features: four pixels."""
  level = images.mean(axis=(1, 2, 3))
  logits = jnp.stack([level < -0.3, jnp.abs(level) <= 0.3, level > 0.3], axis=-1) * variables
  return logits, images[:, :2, :2, 0].reshape(-1, 4)


@pytest.fixture
def annotator():
  return jobs.Classifier(_classify, jnp.float32(5.0), ('a', 'b', 'c'), (8, 8, 1), 0.9, 'stub')


@pytest.fixture
def generator():
  def generate(state, rng, num_images, ema=True):
    del ema
    level_rng, noise_rng = jax.random.split(rng)
    level = jax.random.uniform(level_rng, (num_images, 1, 1, 1), minval=-state, maxval=state)
    level = parallel.along_batch(level)
    return jnp.clip(level + 0.1 * jax.random.normal(noise_rng, (num_images, 8, 8, 1)), -1, 1)

  return Algorithm(init=None, update=None, generate=generate)


@pytest.fixture
def evaluator(tiny_config, stand_in_data, annotator, generator, tmp_path):
  del stand_in_data
  arrays = data_lib.load(tiny_config.data, 'train')
  return measures.Evaluator(
    tiny_config, generator, {'annotator': annotator}, None, arrays, tmp_path
  )


def test_results_are_those_of_the_images(evaluator, annotator):
  """30 images in batches of 8: the last batch is cut, nothing is counted twice."""
  results, images, labels, kept = evaluator(jnp.float32(0.8), 30, jax.random.key(0))
  assert kept == []
  assert images.shape == (30, 8, 8, 1) and images.dtype == np.uint8
  logits, features = annotator.classify(annotator.variables, data_lib.scale(images))
  np.testing.assert_array_equal(labels, jnp.argmax(logits, axis=-1))
  np.testing.assert_array_equal(results['class_counts'], np.bincount(labels, minlength=3))
  _, real = annotator.classify(annotator.variables, data_lib.scale(evaluator.reference.images))
  expected = fid.frechet_distance(*fid.statistics(features), *fid.statistics(real))
  assert results['frechet_annotator'] == pytest.approx(expected, rel=1e-6)
  assert results['fid'] is None
  assert any(note.startswith('FID left out') for note in evaluator.notes)


def test_the_same_key_gives_the_same_results(evaluator):
  first = evaluator(jnp.float32(0.8), 16, jax.random.key(3)).results
  assert first == evaluator(jnp.float32(0.8), 16, jax.random.key(3)).results
  assert first != evaluator(jnp.float32(0.8), 16, jax.random.key(4)).results


def test_devices_share_one_compiled_pass(evaluator):
  """Whatever the number of samples, and with the numbers of one device."""
  rng, found = jax.random.key(3), []
  for devices in (jax.devices()[:1], jax.devices()):
    with jax.set_mesh(parallel.device_mesh(devices=devices)):
      state = parallel.put(jnp.float32(0.8), parallel.replicated(jax.sharding.get_mesh()))
      found.append([evaluator(state, num, rng).results for num in (16, 30)])
      images, *_ = evaluator._one_batch(state, evaluator.frozen, jax.random.fold_in(rng, 0))
      assert len(images.sharding.device_set) == len(devices)
      assert images.addressable_shards[0].data.shape[0] == 8 // len(devices)
  assert evaluator._one_batch._cache_size() == 2
  one, eight = found
  for a, b in zip(one, eight, strict=True):
    assert a['class_counts'] == b['class_counts']
    assert a['frechet_annotator'] == pytest.approx(b['frechet_annotator'], rel=1e-5)


def test_score_prefers_the_lower_distance(evaluator):
  def score(state):
    return measures.periodic(evaluator, state, 48, jax.random.key(0))

  (near, near_score), (far, far_score) = score(jnp.float32(0.7)), score(jnp.float32(0.0))
  assert near['evaluation/frechet_annotator'] < far['evaluation/frechet_annotator']
  assert near_score > far_score
  assert 'evaluation/fid' not in near and len(near['evaluation/class_counts']) == 3


def test_a_recogniser_counts_codes_beside_the_classes(
  tiny_config, stand_in_data, annotator, generator, tmp_path
):
  """Its codes are two, by brightness; it scores a state, as labels must choose no checkpoint."""
  del stand_in_data

  def classify(variables, images):
    level = images.mean(axis=(1, 2, 3)) * variables
    return jnp.stack([-level, level], axis=-1), images[:, 0, :2, 0]

  recogniser = jobs.Classifier(classify, jnp.float32(1.0), ('x', 'y'), (8, 8, 1), None, 'q')
  arrays = data_lib.load(tiny_config.data, 'train')
  both = {'annotator': annotator, 'recogniser': recogniser}
  evaluator = measures.Evaluator(tiny_config, generator, both, None, arrays, tmp_path)
  results, images, labels, _ = evaluator(jnp.float32(0.8), 30, jax.random.key(0))
  bright = data_lib.scale(images).mean(axis=(1, 2, 3)) > 0
  assert results['code_counts'] == [int((~bright).sum()), int(bright.sum())]
  shares = np.array(results['code_counts']) / 30
  assert results['code_kl_from_uniform'] == pytest.approx(
    float((shares * np.log(2 * shares)).sum())
  )
  np.testing.assert_array_equal(results['class_counts'], np.bincount(labels, minlength=3))
  dark = (data_lib.scale(arrays.images).mean(axis=(1, 2, 3)) <= 0).sum()
  assert evaluator.counted[1].train_counts.tolist() == [dark, 76 - dark]
  values, score = measures.periodic(evaluator, jnp.float32(0.8), 30, jax.random.key(0))
  assert score == -values['evaluation/frechet_recogniser'] == -results['frechet_recogniser']


def test_inception_adds_fid(tiny_config, stand_in_data, annotator, generator, tmp_path):
  """Any network whose metric is 'fid' takes its place; here one that averages pixels."""
  del stand_in_data
  network = features.FeatureNetwork(
    'inception', 'fid', 'pixels', 'none', lambda _, images: images[:, :3, 0, 0] / 255.0, ()
  )
  arrays = data_lib.load(tiny_config.data, 'train')
  evaluator = measures.Evaluator(
    tiny_config, generator, {'annotator': annotator}, network, arrays, tmp_path
  )
  measured = evaluator(jnp.float32(0.8), 24, jax.random.key(0), keep_features=True)
  results, images = measured.results, measured.images
  real = evaluator.reference.images[:, :3, 0, 0] / 255.0
  expected = fid.frechet_distance(
    *fid.statistics(images[:, :3, 0, 0] / 255.0), *fid.statistics(real)
  )
  assert results['fid'] == pytest.approx(expected, rel=1e-5)
  assert evaluator.notes == []
  assert [f.shape for f in measured.features] == [(24, 4), (24, 3)]
  np.testing.assert_allclose(measured.features[1], images[:, :3, 0, 0] / 255.0, rtol=1e-6)
  compared = evaluator.compare(measured)
  assert list(compared) == ['annotator', 'inception']
  assert compared['inception']['kid'] == pytest.approx(
    kid.kernel_distance(measured.features[1], real)[0], rel=1e-4
  )


def test_reference_features_are_cached_under_their_key(annotator, stand_in_data, tmp_path):
  network = features.classifier_network('annotator', annotator)
  arrays = data_lib.load(None, 'test')
  first = features.reference_features(network, arrays, tmp_path)
  (path,) = tmp_path.iterdir()
  assert 'stub' in path.name and '-60-' in path.name and 'stand-in' in path.name
  broken = network._replace(apply=lambda *_: pytest.fail('computed again'))
  assert first.shape == (60, 4) and first.dtype == np.float32
  np.testing.assert_array_equal(first, features.reference_features(broken, arrays, tmp_path))
  stand_in_data({'n': 30})
  for other in (data_lib.load(None, 'test'), arrays._replace(key='other')):
    features.reference_features(network, other, tmp_path)
  features.reference_features(network._replace(key='retrained'), arrays, tmp_path)
  assert len(list(tmp_path.iterdir())) == 4


def test_weights_that_are_not_where_the_user_says(tiny_config, tmp_path):
  tiny_config = changed(tiny_config, {'evaluation.inception_weights': str(tmp_path)})
  with pytest.raises(UserError, match=r'evaluation\.inception_weights=.* is not there'):
    features.inception_network(tiny_config.evaluation)
