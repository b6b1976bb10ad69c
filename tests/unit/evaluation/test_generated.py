"""Observations of a GAN against directly computed numbers, and cached reference features."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import Algorithm
from jaxgan.config.overrides import changed
from jaxgan.data import loading, pixels, training_data
from jaxgan.errors import UserError
from jaxgan.evaluation import features, metric
from jaxgan.evaluation.generated import Observer, classifier_fields
from jaxgan.evaluation.record import ONE_NETWORK
from jaxgan.metrics import fid, kid
from jaxgan.system import parallel
from jaxgan.training import classifiers


def _classify(variables, images):
  """Returns class 0 for dark and 2 for bright images; the features are four pixels."""
  level = images.mean(axis=(1, 2, 3))
  logits = jnp.stack([level < -0.3, jnp.abs(level) <= 0.3, level > 0.3], axis=-1) * variables
  return logits, images[:, :2, :2, 0].reshape(-1, 4)


@pytest.fixture
def annotator():
  return classifiers.Classifier(
    _classify, jnp.float32(5.0), ('a', 'b', 'c'), (8, 8, 1), 0.9, 'stub'
  )


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
def make_observer(tiny_config, stand_in_data, annotator, generator, tmp_path):
  """make_observer(classifiers) returns an Observer; the method has a recogniser if one is given."""
  del stand_in_data

  def make(**classifiers):
    classifiers = {'annotator': annotator} | classifiers
    data = training_data.whole(loading.load(tiny_config.data, 'train'))
    setup = types.SimpleNamespace(
      config=tiny_config, data=data, classifiers=classifiers, workdir=tmp_path
    )
    method = 'code_balancing' if 'recogniser' in classifiers else 'unconditional'
    return Observer(setup, method, generator, ('annotator',))

  return make


@pytest.fixture
def observer(make_observer):
  return make_observer()


def _results(seen):
  return metric.measure(metric.GENERATED, seen, periodic=True)


def test_results_match_the_images(observer, annotator):
  """The last of the batches of 8 images is cut to 30 images."""
  seen = observer.observe(jnp.float32(0.8), 0, jax.random.key(0), 30)
  results, images, labels = _results(seen), seen.images, seen.labels['classes']
  assert seen.features == {}
  assert seen.has == {'classes'}
  assert images.shape == (30, 8, 8, 1)
  assert images.dtype == np.uint8
  logits, features = annotator.classify(annotator.variables, pixels.scale(images))
  np.testing.assert_array_equal(labels, jnp.argmax(logits, axis=-1))
  np.testing.assert_array_equal(results['class_counts'], np.bincount(labels, minlength=3))
  judges = observer.judges(0)
  _, real = annotator.classify(annotator.variables, pixels.scale(judges.reference.images))
  expected = fid.frechet_distance(*fid.statistics(features), *fid.statistics(real))
  assert results['frechet_annotator'] == pytest.approx(expected, rel=1e-6)
  assert results['fid'] is None
  assert any(note.startswith('FID left out') for note in judges.notes)


def test_the_same_key_gives_the_same_results(observer):
  first, again, other = (
    _results(observer.observe(jnp.float32(0.8), 0, jax.random.key(seed), 16)) for seed in (3, 3, 4)
  )
  assert first == again != other


def test_devices_share_one_compiled_pass(observer):
  """The numbers of samples do not recompile, and the results are as on one device."""
  rng, found, judges = jax.random.key(3), [], observer.judges(0)
  for devices in (jax.devices()[:1], jax.devices()):
    with jax.set_mesh(parallel.device_mesh(devices=devices)):
      state = parallel.put(jnp.float32(0.8), parallel.replicated(jax.sharding.get_mesh()))
      found.append([_results(observer.observe(state, 0, rng, num)) for num in (16, 30)])
      images, *_ = judges.one_batch(judges.variables, state, jax.random.fold_in(rng, 0))
      assert len(images.sharding.device_set) == len(devices)
      assert images.addressable_shards[0].data.shape[0] == 8 // len(devices)
  assert judges.one_batch._cache_size() == 2
  one, eight = found
  for a, b in zip(one, eight, strict=True):
    assert a['class_counts'] == b['class_counts']
    assert a['frechet_annotator'] == pytest.approx(b['frechet_annotator'], rel=1e-5)


def test_score_prefers_the_lower_distance(observer):
  near, far = (
    _results(observer.observe(jnp.float32(level), 0, jax.random.key(0), 48)) for level in (0.7, 0)
  )
  assert near['frechet_annotator'] < far['frechet_annotator']
  assert observer.score(near) > observer.score(far)


def test_a_recogniser_counts_codes_beside_the_classes(make_observer):
  """Its two codes tell brightness; it scores states: labels must not select a checkpoint."""

  def classify(variables, images):
    level = images.mean(axis=(1, 2, 3)) * variables
    return jnp.stack([-level, level], axis=-1), images[:, 0, :2, 0]

  recogniser = classifiers.Classifier(classify, jnp.float32(1.0), ('x', 'y'), (8, 8, 1), None, 'q')
  observer = make_observer(recogniser=recogniser)
  seen = observer.observe(jnp.float32(0.8), 0, jax.random.key(0), 30)
  results = _results(seen)
  bright = pixels.scale(seen.images).mean(axis=(1, 2, 3)) > 0
  assert results['code_counts'] == [int((~bright).sum()), int(bright.sum())]
  shares = np.array(results['code_counts']) / 30
  assert results['code_kl_from_uniform'] == pytest.approx(
    float((shares * np.log(2 * shares)).sum())
  )
  labels = seen.labels['classes']
  np.testing.assert_array_equal(results['class_counts'], np.bincount(labels, minlength=3))
  judges = observer.judges(0)
  dark = (pixels.scale(judges.arrays.images).mean(axis=(1, 2, 3)) <= 0).sum()
  assert judges.label_sets['codes'].counts == (dark, 76 - dark)
  assert observer.score(results) == -results['frechet_recogniser']


def test_inception_adds_fid(make_observer, monkeypatch):
  """A network that averages pixels, with metric 'fid', replaces Inception."""
  network = features.FeatureNetwork(
    'inception', 'fid', 'pixels', 'none', lambda _, images: (None, images[:, :3, 0, 0] / 255.0), ()
  )
  monkeypatch.setattr(features, 'inception_network', lambda config: network)
  observer = make_observer()
  seen = observer.observe(jnp.float32(0.8), 0, jax.random.key(0), 24, {'features'})
  results, images, judges = metric.measure(metric.GENERATED, seen), seen.images, observer.judges(0)
  real = judges.reference.images[:, :3, 0, 0] / 255.0
  expected = fid.frechet_distance(
    *fid.statistics(images[:, :3, 0, 0] / 255.0), *fid.statistics(real)
  )
  assert results['fid'] == pytest.approx(expected, rel=1e-5)
  assert judges.notes == ()
  assert {n: f.shape for n, f in seen.features.items()} == {
    'annotator': (24, 4), 'inception': (24, 3)
  }  # fmt: skip
  np.testing.assert_allclose(seen.features['inception'], images[:, :3, 0, 0] / 255.0, rtol=1e-6)
  assert results['kid/inception'] == pytest.approx(
    kid.kernel_distance(seen.features['inception'], real)[0], rel=1e-4
  )
  assert 'kid/annotator' in results
  assert results['cas'] is None


def test_what_a_record_says_of_a_classifier():
  own = {'loss': 'cross_entropy', 'checkpoint': 'best', 'step': 96, 'input': 'bilinear to 224x224'}
  classifier = classifiers.Classifier(None, None, (), (8, 8, 1), 0.75, 'x', None, own)
  assert classifier_fields('annotator', classifier) == {
    'annotator_accuracy': 0.75,
    'annotator_loss': 'cross_entropy',
    'annotator_checkpoint': 'best',
    'annotator_step': 96,
    'annotator_input': 'bilinear to 224x224',
  }
  assert classifier_fields('annotator', None) == {'annotator_accuracy': None}


@pytest.mark.parametrize(
  ('method', 'key', 'flatters'),
  [
    ('class_balancing', 'stub', True),
    ('class_balancing', 'another', False),
    ('unconditional', 'stub', False),  # The classifier only labels the images of the score.
  ],
)
def test_a_record_says_where_the_network_in_the_loop_judges(
  tiny_config, stand_in_data, annotator, generator, tmp_path, method, key, flatters
):
  del stand_in_data
  data = training_data.whole(loading.load(tiny_config.data, 'train'))
  both = {'classifier': annotator._replace(key=key), 'annotator': annotator}
  setup = types.SimpleNamespace(
    config=tiny_config, data=data, classifiers=both, workdir=tmp_path, **both
  )
  setup.agreement = {'annotator_agreement': 0.5}
  observer = Observer(setup, method, generator, ('classifier', 'annotator'))
  seen = observer.observe(jnp.float32(0.8), 0, jax.random.key(0), 8)
  fields = observer.record_fields(seen, 0, 4)
  assert (ONE_NETWORK in fields['notes']) == flatters
  assert fields['run']['annotator_agreement'] == 0.5


def test_reference_features_are_cached_under_their_key(annotator, stand_in_data, tmp_path):
  network = features.classifier_network('annotator', annotator)
  arrays = loading.load(None, 'test')
  first = features.reference_features(network, arrays, tmp_path)
  (path,) = tmp_path.iterdir()
  assert 'stub' in path.name
  assert '-60-' in path.name
  assert 'stand-in' in path.name
  broken = network._replace(apply=lambda *_: pytest.fail('computed again'))
  assert first.shape == (60, 4)
  assert first.dtype == np.float32
  np.testing.assert_array_equal(first, features.reference_features(broken, arrays, tmp_path))
  stand_in_data({'n': 30})
  for other in (loading.load(None, 'test'), arrays._replace(key='other')):
    features.reference_features(network, other, tmp_path)
  features.reference_features(network._replace(key='retrained'), arrays, tmp_path)
  assert len(list(tmp_path.iterdir())) == 4


def test_missing_weights_are_refused(tiny_config, tmp_path):
  tiny_config = changed(tiny_config, {'evaluation.inception_weights': str(tmp_path)})
  with pytest.raises(UserError, match=r'evaluation\.inception_weights=.*: expected the file'):
    features.inception_network(tiny_config.evaluation)
