"""The evaluation of codes on a generator whose code is brightness."""

from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan.algorithms import Algorithm
from jaxgan.algorithms.infogan import InfoGanState
from jaxgan.algorithms.joint_vae import JointVaeState
from jaxgan.config.overrides import changed
from jaxgan.data import pixels as pixels_lib
from jaxgan.data import training_data
from jaxgan.evaluation import codes as evaluate
from jaxgan.evaluation.codes import Observer
from jaxgan.training import classifiers
from tests.support.stand_in import tiny_codes

K, R = 4, 2  # codes, continuous codes
LEVELS = (-0.8, 0.0, 0.8, 0.5)  # brightness of each code; images of the last are of two classes
CLASSES = ('dark', 'grey', 'bright')
ALL = np.arange(3)
NAMES = ('code_0', 'code_1', 'code_2', 'code_3')
RESIZED = 'resized from the published images'


class State(NamedTuple):
  levels: Any
  prior_logits: Any
  variables: Any


def _generate(state, rng, num_images, ema=True, codes=None):
  """Column 0 is noise, columns 1 and 2 the continuous codes, the others the category."""
  del ema
  noise = jax.random.uniform(rng, (num_images, 1), minval=-0.2, maxval=0.2)
  level = codes[:, :K] @ state.levels + noise[:, 0] * (codes[:, K - 1] > 0)
  columns = [noise, codes[:, K:], jnp.broadcast_to(level[:, None], (num_images, 8 - 1 - R))]
  row = jnp.concatenate(columns, axis=-1)
  return jnp.broadcast_to(row[:, None, :, None], (num_images, 8, 8, 1))


def _classify(variables, images):
  """The class by brightness; features: one pixel."""
  level = variables * images[:, 0, -1, 0]
  logits = jnp.stack([level < -0.5, jnp.abs(level) <= 0.5, level > 0.5], axis=-1)
  return logits.astype(jnp.float32), images[:, 0, -1:, 0]


def _init(rng):
  return State(jnp.array(LEVELS), jnp.zeros(K), jax.random.normal(rng))


ALGORITHM = Algorithm(_init, update=None, generate=_generate, classify=_classify)


def _config():
  config = tiny_codes()
  config = changed(config, {'algorithm.num_continuous': R, 'algorithm.num_categories': K})
  return config


@pytest.fixture(scope='module')
def evaluator():
  annotator = classifiers.Classifier(_classify, jnp.float32(1.0), CLASSES, (8, 8, 1), 0.9, 'stub')
  setup = SimpleNamespace(config=_config(), annotator=annotator)
  return Observer(setup, ALGORITHM, NAMES, has_untrained=True)


@pytest.fixture
def state():
  return State(jnp.array(LEVELS), jnp.log(jnp.array([0.4, 0.3, 0.2, 0.1])), jnp.float32(1.0))


@pytest.mark.parametrize('images_per_code', [5, 8, 20])
def test_every_code_is_counted_by_its_class(evaluator, state, images_per_code):
  """The last batch of 8 images is cut."""
  counts = evaluator.counts(state, images_per_code, jax.random.key(0), ALL)
  n = images_per_code
  np.testing.assert_array_equal(counts[:3], [[n, 0, 0], [0, n, 0], [0, 0, n]])
  dark, grey, bright = counts[3]
  assert dark == 0
  assert grey > 0
  assert bright > 0
  assert grey + bright == n


def test_an_annotator_that_knows_more_classes_chooses_among_those_of_the_run(evaluator, state):
  """Without its class 1 the annotator predicts 0, the first remaining class."""
  counts = evaluator.counts(state, 5, jax.random.key(0), np.array([2, 0]))
  np.testing.assert_array_equal(counts[[0, 2]], [[0, 5], [5, 0]])
  assert counts.shape == (K, 2)
  assert counts[1].sum() == 5


def test_more_images_are_added_to_the_first_ones(evaluator, state):
  few, some, many = (evaluator.counts(state, n, jax.random.key(0), ALL)[3] for n in (8, 13, 64))
  assert (few <= some).all()
  assert (some <= many).all()
  assert not np.array_equal(8 * few, many), 'every batch has the same noise'


def test_the_same_key_gives_the_same_counts(evaluator, state):
  first = evaluator.counts(state, 64, jax.random.key(3), ALL)
  np.testing.assert_array_equal(first, evaluator.counts(state, 64, jax.random.key(3), ALL))
  assert not np.array_equal(first, evaluator.counts(state, 64, jax.random.key(4), ALL))


def _floats(images):
  return np.asarray(pixels_lib.scale(jnp.asarray(images)))


def test_grid_has_one_noise_a_column_and_one_code_a_row(evaluator, state):
  grid = evaluator.grid(state, jax.random.key(0))
  assert grid.shape == (K, 10, 8, 8, 1)
  assert grid.dtype == np.uint8
  noise, continuous = grid[:, :, 0, 0, 0], grid[:, :, 0, 1:3, 0]
  for rest in (noise, continuous):
    np.testing.assert_array_equal(rest, np.broadcast_to(rest[:1], rest.shape))
  assert len(np.unique(noise[0])) > 5
  assert len(np.unique(continuous[0])) > 5
  levels = np.tile(np.array(LEVELS)[:3, None], 10)
  np.testing.assert_allclose(_floats(grid)[:3, :, 0, -1, 0], levels, atol=0.01)


def test_traversal_moves_only_its_code(evaluator, state):
  values = np.linspace(-1, 1, 5)
  frames = evaluator.traversals(state, jax.random.key(0), values)
  assert frames.shape == (R, K, 5, 8, 8, 1)
  assert frames.dtype == np.uint8
  pixels = _floats(frames)[:, :, :, 0, :, 0]
  for moved in range(R):
    for code in range(R):
      expected = np.tile(values if code == moved else np.zeros(5), (K, 1))
      np.testing.assert_allclose(pixels[moved, :, :, 1 + code], expected, atol=0.01)
  for still in (pixels[..., 0], pixels[..., -1]):  # noise and category
    np.testing.assert_array_equal(still, np.broadcast_to(still[..., :1], still.shape))
  assert len(np.unique(pixels[0, :, 0, 0])) == K, 'each row has other noise'
  np.testing.assert_allclose(pixels[0, :3, 0, -1], LEVELS[:3], atol=0.01)


def test_without_continuous_codes_there_is_no_traversal():
  for method in ('elastic_infogan', 'joint_vae'):
    setup = SimpleNamespace(config=tiny_codes(method), annotator=None)
    evaluator = Observer(setup, ALGORITHM, NAMES, has_untrained=False)
    assert evaluator.num_continuous == 0
    assert len(evaluator.traversals(None, jax.random.key(0), np.linspace(-1, 1, 5))) == 0


def test_prior_is_that_of_the_state_or_uniform(evaluator):
  parts = dict.fromkeys(InfoGanState.__dataclass_fields__)
  infogan = InfoGanState(**parts | {'prior_logits': jnp.log(jnp.array([2.0, 2.0, 1.0, 5.0]))})
  np.testing.assert_allclose(evaluator.prior(infogan), [0.2, 0.2, 0.1, 0.5], rtol=1e-6)
  joint_vae = JointVaeState(**dict.fromkeys(JointVaeState.__dataclass_fields__))
  np.testing.assert_array_equal(evaluator.prior(joint_vae), np.full(K, 0.25))


def test_codes_are_one_hot_with_continuous_ones_beside(evaluator):
  codes = np.asarray(evaluator.codes(jax.random.key(0), jnp.array([2, 0, 3])))
  assert codes.shape == (3, K + R)
  np.testing.assert_array_equal(codes[:, :K], np.eye(K)[[2, 0, 3]])
  assert np.abs(codes[:, K:]).max() <= 1
  assert len(np.unique(codes[:, K:])) == 3 * R


def test_samples_are_labelled_by_their_codes(state):
  pool = SimpleNamespace(class_names=CLASSES)
  setup = SimpleNamespace(config=_config(), data=SimpleNamespace(arrays=pool), annotator=None)
  evaluation = Observer(setup, ALGORITHM, NAMES, has_untrained=True)
  shares = {}
  for balanced in (False, True):
    sample, names, source = evaluation.sampler(state, balanced)
    images, labels = sample(jax.random.key(0), 400)
    assert images.shape == (400, 8, 8, 1)
    assert images.dtype == np.uint8
    level, of_one_level = _floats(images)[:, 0, -1, 0], labels < K - 1
    expected = np.array(LEVELS)[labels]
    np.testing.assert_allclose(level[of_one_level], expected[of_one_level], atol=0.01)
    shares[balanced] = np.bincount(labels, minlength=K) / 400
  assert names == ('code_0', 'code_1', 'code_2', 'code_3')
  assert source == 'their codes'
  sample, *_ = evaluation.sampler(state, False, chosen=(1, 3))
  drawn = np.bincount(sample(jax.random.key(0), 400)[1], minlength=K) / 400
  np.testing.assert_allclose(drawn, [0, 0.75, 0, 0.25], atol=0.08)
  np.testing.assert_allclose(shares[False], [0.4, 0.3, 0.2, 0.1], atol=0.08)
  np.testing.assert_allclose(shares[True], np.full(K, 0.25), atol=0.08)


@pytest.mark.parametrize(
  ('key', 'pixels', 'column'),
  [
    ('long_tail_mnist/split_07/1.0.0/train/0123', 'exact', 'mnist'),
    ('long_tail_mnist/split_07 of long_tail_mnist/pool/1.0.0/train/0123', 'exact', 'mnist'),
    ('long_tail_mnist/split_07-0123456789/1.0.0/train/0123', 'unverified', None),
    ('long_tail_mnist/full/1.0.0/train/0123', 'exact', None),
    ('long_tail_folder/mine-0123456789/1.0.0/train/0123', 'exact', None),
    ('long_tail_mnist/zero_four_9_1/1.0.0/train/0123', 'exact', None),
    ('long_tail_cars3d/set_0_draw_1/1.0.0/train/0123', RESIZED, 'cars3d'),
    (
      'long_tail_cars3d/set_0_draw_1 of long_tail_cars3d/set_0_pool/1.0.0/train/1',
      RESIZED,
      'cars3d',
    ),
    ('long_tail_cars3d/set_0_full/1.0.0/train/0123', RESIZED, None),
    ('long_tail_cars3d/set_0_draw_1-0123456789/1.0.0/train/0123', 'unverified', None),
    ('long_tail_chairs3d/set_4_draw_4/1.0.0/train/0123', RESIZED, 'chairs3d'),
    ('youtube_faces40/1.0.0/train/0123', RESIZED, 'youtube_faces'),
    ('youtube_faces40/full/1.0.0/train/0123', RESIZED, None),
    ('shapenet5/1.0.0/train/0123', 'unverified', 'shapenet'),
  ],
)
def test_published_numbers_are_for_the_published_data(key, pixels, column):
  arrays = SimpleNamespace(key=key, metadata={'pixels': pixels})
  columns = ('cars3d', 'chairs3d', 'youtube_faces', 'shapenet')
  own = next((name for name in columns if name in key), 'mnist')
  for name in ('mnist', *columns):
    expected = column if name == own else None
    assert evaluate.published(SimpleNamespace(published=name), arrays) == expected
  arrays.metadata['as_published'] = False
  assert evaluate.published(SimpleNamespace(published=own), arrays) is None
  assert evaluate.published(SimpleNamespace(published=None), arrays) is None


def test_evaluating_changes_nothing(evaluator, state, assert_trees_equal):
  before = jax.device_get(state)
  evaluator.counts(state, 5, jax.random.key(0), ALL)
  evaluator.grid(state, jax.random.key(0))
  evaluator.traversals(state, jax.random.key(0), [0.0])
  images = np.arange(3 * 64, dtype=np.uint8).reshape(3, 8, 8, 1)
  logits, features = evaluator.recognise(state.variables, images)
  level = _floats(images)[:, 0, -1, 0]
  np.testing.assert_array_equal(logits, np.eye(3)[np.digitize(level, [-0.5, 0.5])])
  np.testing.assert_allclose(features, _floats(images)[:, 0, -1], rtol=1e-6)
  evaluator.prior(state)
  assert_trees_equal(before, state)


def test_the_untrained_recogniser_is_that_which_a_run_of_the_seed_begins_with(evaluator):
  images = np.arange(3 * 64, dtype=np.uint8).reshape(3, 8, 8, 1)
  evaluator.recognise, outputs = lambda variables, images: variables, evaluator.recognise
  first = _init(training_data.run_keys(5)[0]).variables
  np.testing.assert_allclose(evaluator._untrained(5, images), first, rtol=1e-6)
  assert float(evaluator._untrained(6, images)) != pytest.approx(float(first))
  evaluator.recognise = outputs


@pytest.mark.parametrize(
  ('method', 'changes', 'named'),
  [
    ('uniform_infogan', {}, {}),
    ('gumbel_softmax', {}, {'prior_entropy_weight': 0.0, 'prior_start': 'uniform'}),
    (
      'gumbel_softmax_pos',
      {'prior_start': (0.5, 0.3, 0.2), 'positive_loss': 'cosine', 'prior_entropy_weight': 1.0},
      {'prior_start': [0.5, 0.3, 0.2], 'positive_loss': 'cosine', 'prior_entropy_weight': 1.0},
    ),
    (
      'ground_truth_infogan_ntxent',
      {'views': 'paper', 'crop_keep': 0.9, 'crop_of': 'area'},
      {'crop_of': 'area'},
    ),
    ('joint_vae', {}, {}),
  ],
)
def test_the_protocol_names_the_options_that_a_method_uses(method, changes, named):
  algorithm = tiny_codes(method).algorithm
  algorithm = changed(algorithm, changes)
  always = ('network', 'width', 'prior_learning_rate', 'prior_losses')
  always += ('beta_continuous', 'beta_discrete', 'continuous_capacity', 'discrete_capacity')
  always += ('capacity_steps',)
  settings = evaluate._settings(algorithm)
  pairs = {'views', 'rotation_degrees'} & settings.keys()
  assert len(pairs) == (2 if getattr(algorithm, 'contrastive', 'none') != 'none' else 0)
  always += tuple(pairs)
  assert {name: value for name, value in settings.items() if name not in always} == named


def test_the_protocol_names_the_average_of_the_generator():
  algorithm = tiny_codes().algorithm
  assert evaluate._generator(algorithm) == 'raw'
  algorithm = changed(algorithm, {'ema_decay': 0.999})
  assert evaluate._generator(algorithm) == 'ema of decay 0.999'
  assert evaluate._generator(tiny_codes('joint_vae').algorithm) == 'raw'
