"""The class-balancing family: the classifiers of its runs, and the labels of drawn images."""

import json
import shutil
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from data_prep import build
import jaxgan
from jaxgan import load
from jaxgan.algorithms import Algorithm
from jaxgan.config.overrides import changed
from jaxgan.data import loading, training_data
from jaxgan.errors import UserError
from jaxgan.evaluation.evaluate import Evaluation
from jaxgan.evaluation.generated import Observer
from jaxgan.report import class_pictures as pictures
from jaxgan.runs import families, rules
from jaxgan.runs.families import class_balancing
from jaxgan.system import compilation
from jaxgan.training import classifiers
from tests.support import stand_in

NAMES = ('a', 'b', 'c')


@pytest.mark.parametrize(
  ('methods', 'scored', 'roles'),
  [
    (('unconditional', 'acgan', 'cgan'), False, ('annotator',)),
    (('unconditional', 'class_balancing'), False, ('classifier', 'annotator')),
    (('class_balancing_conditional',), False, ('classifier', 'annotator')),
    (('balanced_batches',), False, ('annotator',)),
    (('class_balancing_balanced_batches',), False, ('classifier', 'annotator')),
    (('acgan_pretrained',), False, ('classifier', 'annotator')),
    # A score needs labels: those asked for, or the classifier's.
    (('acgan', 'cgan'), True, ('annotator', 'cas')),
    (('unconditional',), True, ('classifier', 'annotator', 'cas')),
    # Codes in the loop need no labels, but the classifier labels the images of a score.
    (('code_balancing',), False, ('annotator', 'recogniser')),
    (('code_balancing',), True, ('classifier', 'annotator', 'recogniser', 'cas')),
  ],
)
def test_a_classifier_is_trained_where_one_is_in_the_loop_or_gives_labels(
  tiny_config, methods, scored, roles
):
  tiny_config = changed(tiny_config, {'evaluation.cas': scored})
  assert class_balancing.roles(tiny_config, methods, labelled=True) == roles


def test_without_labels_the_recogniser_measures(tiny_config):
  balanced = stand_in.tiny_balanced()
  for method in ('unconditional', 'code_balancing'):
    assert class_balancing.roles(balanced, (method,), labelled=False) == ('recogniser',)
  assert class_balancing.roles(tiny_config, ('unconditional',), labelled=False) == ()


def _check(config, data):
  for rule in class_balancing.FAMILY.rules:
    rule.check(config, data)


def test_balanced_batches_need_an_image_of_every_class(tiny_config):
  tiny_config = changed(tiny_config, {'evaluation.cas': False, 'train.batch_size': 2})
  every, some = (
    training_data.whole(
      build.Arrays(np.zeros((3, 8, 8, 1), np.uint8), np.array(labels), NAMES, {}, '')
    )
    for labels in ([0, 1, 2], [0, 2, 2])
  )
  _check(tiny_config, some)
  tiny_config = changed(tiny_config, {'methods': ('balanced_batches',)})
  _check(tiny_config, every)
  with pytest.raises(UserError, match=r"methods=balanced_batches: .* no image of class 'b'"):
    _check(tiny_config, some)


def _generate(state, rng, num_images, ema=True, labels=None):
  """Draws images whose brightness is their label, or black images."""
  del state, rng, ema
  level = -jnp.ones(num_images) if labels is None else labels / 2 - 0.5
  return jnp.broadcast_to(level[:, None, None, None], (num_images, 8, 8, 1))


def _classify(variables, images):
  return jax.nn.one_hot(jnp.full(len(images), variables), 3), images[:, 0, 0]


def _evaluation(class_conditional):
  labeller = classifiers.Classifier(_classify, jnp.int32(2), NAMES, (8, 8, 1), 1.0, 'the annotator')
  pool = build.Arrays(np.zeros((3, 8, 8, 1), np.uint8), np.arange(3), NAMES, {}, 'pool')
  setup = types.SimpleNamespace(classifiers={'annotator': labeller}, data=training_data.whole(pool))
  algorithm = Algorithm(None, None, _generate, class_conditional=class_conditional)
  method = 'cgan' if class_conditional else 'unconditional'
  observer = Observer(setup, method, algorithm, ('annotator',))
  return Evaluation(setup, method, observer, {}, pictures)


def _sample(class_conditional, num_images):
  sample, names, source = _evaluation(class_conditional).sampler(state=0, balanced=True)
  assert names == NAMES
  return *sample(jax.random.key(0), num_images), source


def test_images_of_a_conditional_gan_are_labelled_by_what_was_asked_for():
  images, labels, source = _sample(True, 600)
  np.testing.assert_array_equal(images[:, 0, 0, 0], np.array([64, 128, 191])[labels])
  assert np.bincount(labels).min() > 150
  assert source == 'the classes asked for'


def test_a_conditional_gan_draws_chosen_classes_alone():
  evaluation = _evaluation(True)
  sample, _, _ = evaluation.sampler(state=0, balanced=False, chosen=(0, 2))
  images, labels = sample(jax.random.key(0), 40)
  assert set(labels.tolist()) == {0, 2}
  np.testing.assert_array_equal(images[:, 0, 0, 0], np.array([64, 128, 191])[labels])


@pytest.mark.parametrize('conditional', [False, True])
def test_the_confidence_is_the_probability_of_the_label(conditional):
  """The annotator's logits are 1 for class 2 and 0 for the others."""
  measure = _evaluation(conditional).confidence(state=0)
  assert measure is not None
  likely = np.e / (np.e + 2)
  confidences = measure(np.zeros((3, 8, 8, 1), np.uint8), np.array([2, 0, 2]))
  np.testing.assert_allclose(confidences, [likely, (1 - likely) / 2, likely], rtol=1e-5)


def test_images_of_the_others_are_labelled_by_a_classifier():
  images, labels, source = _sample(False, 6)
  assert (images == 0).all()
  assert (labels == 2).all()
  assert source == 'the annotator'


def test_resamplings_begin_with_the_sampling_that_a_single_one_has(
  finished, stand_in_data, tmp_path
):
  del stand_in_data
  shutil.copytree(finished[0], workdir := tmp_path / 'run')
  folder = workdir / 'class_balancing'
  single = json.loads((folder / 'evaluation.json').read_text())
  assert not any('resampl' in name for name in [*single['results'], *single['settings']])
  config = families.remembered(folder)
  config = changed(
    config,
    {
      'evaluation.resamplings': 3,
      'evaluation.cas': False,
      'published.class_balancing': 'class_balancing_gan.cifar10.class_balancing.100',
    },
  )
  several = jaxgan.load(workdir, 'class_balancing', config=config).evaluate()
  results = several['results']
  for score in ('kl_from_uniform', 'frechet_annotator'):
    values = results[f'{score}_resamplings']
    assert len(values) == 3
    assert results[score] == pytest.approx(sum(values) / 3)
    assert values[0] == single['results'][score]
  assert len(set(results['frechet_annotator_resamplings'])) == 3
  assert results['fid'] is None
  assert 'fid_resamplings' not in results
  for name in ('class_counts', 'head_medium_tail', 'kid/annotator', 'memorisation/copying'):
    assert results[name] == single['results'][name]
  assert several['settings']['resamplings'] == 3
  assert several['settings']['resampled'] == (
    'KL and Fréchet distances are means over them, all else is of the first'
  )
  # Of a published row, also what differs from the authors' code.
  lines = several['settings']['differences']
  assert any('float32' in line for line in lines)
  assert not any('LSUN' in line for line in lines)
  assert 'differences' not in single['settings']


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    (
      'resamplings',
      0,
      'config.evaluation.resamplings=0: expected a positive integer, for example 1.',
    ),
    (
      'reference',
      'train',
      "config.evaluation.reference='train': expected one of held_out, released.",
    ),
    (
      'cas_images',
      7,
      'config.evaluation.cas_images=7: expected 8 or more, the value of '
      'config.cas.train.batch_size.',
    ),
  ],
)
def test_impossible_evaluations(tiny_config, field, value, message):
  rules.check_sections(tiny_config, num_devices=1)
  with pytest.raises(UserError) as error:
    rules.check_sections(changed(tiny_config, {f'evaluation.{field}': value}), num_devices=1)
  assert str(error.value) == message


def test_the_released_reference_is_refused_before_training(tiny_config, monkeypatch):
  tiny_config = changed(
    tiny_config,
    {'evaluation.cas': False, 'evaluation.reference': 'released', 'train.batch_size': 2},
  )
  pool = build.Arrays(np.zeros((3, 8, 8, 1), np.uint8), np.arange(3), NAMES, {}, '')
  monkeypatch.setattr(loading, 'load', lambda config, split: pool)
  with pytest.raises(UserError, match="reference='released': stand_in has no released reference"):
    _check(tiny_config, training_data.whole(pool))


def test_the_settled_state_is_sampled_drawn_and_measured(monkeypatch, tmp_path):
  """The settled state is computed once per state, not per batch."""
  monkeypatch.setattr(compilation, 'jit', lambda function, **options: function)
  seen = types.SimpleNamespace(has={'classes'}, networks=())
  observed = []
  monkeypatch.setattr(Observer, 'observe', lambda self, state, *_: observed.append(state) or seen)
  monkeypatch.setattr(Observer, 'score', lambda self, results: 0.0)
  judges = types.SimpleNamespace(label_sets={})
  monkeypatch.setattr(Observer, 'judges', lambda self, replica: judges)
  settled, generated = [], []

  def generate(state, rng, num_images, ema=True):
    generated.append((state, ema))
    return _generate(state, rng, num_images)

  def settle(state):
    settled.append(state)
    return f'settled {state}'

  labeller = classifiers.Classifier(_classify, jnp.int32(2), NAMES, (8, 8, 1), 1.0, 'the annotator')
  setup = types.SimpleNamespace(
    classifiers={'annotator': labeller},
    data=None,
    config=stand_in.tiny(),
    evaluation_rng=jax.random.key,
  )
  algorithm = Algorithm(None, None, generate, settled=settle)
  observer = Observer(setup, 'unconditional', algorithm, ('annotator',))
  evaluation = Evaluation(setup, 'unconditional', observer, {}, pictures)
  sample, _, _ = evaluation.sampler('first', balanced=True)
  for seed in range(3):
    sample(jax.random.key(seed), 2)
  assert generated == [('settled first', True)] * 3
  evaluation.picture(tmp_path, 1, evaluation.observe('second', replica=0))
  assert generated[3:] == [('settled second', False), ('settled second', True)]
  evaluation.periodic('third', replica=0)
  assert observed == ['settled third']
  assert settled == ['first', 'second', 'third']


def test_a_trained_run_is_evaluated_with_other_statistics(
  finished, tiny_config, stand_in_data, tmp_path
):
  """Fields that only evaluation reads may change."""
  del stand_in_data
  workdir = tmp_path / 'run'
  shutil.copytree(finished[0], workdir)
  tiny_config = changed(tiny_config, {'methods': stand_in.METHODS, 'evaluation.cas': False})
  found = {}
  for statistics in ('average', 'generator', 'recomputed'):
    config = changed(tiny_config, {'evaluation.ema_statistics': statistics})
    run = load(workdir, 'unconditional', checkpoint=4, config=config)
    evaluation = run.evaluate()
    distance = evaluation['results']['frechet_annotator']
    found[evaluation['settings']['batch_norm']] = distance, run.sample(16)[0].tolist()
  assert list(found) == [
    'average of the running statistics',
    'running statistics of the raw generator',
    'recomputed over 32 batches of 256 images',
  ]
  (first, one), (second, two), (third, three) = found.values()
  assert len({first, second, third}) == 3
  assert one != two
  assert two != three
  assert three != one
