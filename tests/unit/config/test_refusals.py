"""Refusals: one line with the field, its value and the allowed values."""

import functools
import math
import re

import pytest

from jaxgan.augmentation.diff_augment import AUGMENTATIONS
from jaxgan.config.overrides import changed, override
from jaxgan.errors import UserError
from jaxgan.runs import families, rules
from tests.support.config.sections import fields_of
from tests.support.stand_in import tiny, tiny_balanced, tiny_codes


def _assert_refused(config, field, value, message):
  """Asserts that a section or the rules refuse a value."""
  rules.check_sections(config, num_devices=8)
  with pytest.raises(UserError, match=message) as error:
    rules.check_sections(changed(config, {field: value}), num_devices=8)
  assert str(error.value).startswith('config.')
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('train.batch_size', 0, r'config\.train\.batch_size=0'),
    (
      'train.batch_size',
      -4,
      r'^config\.train\.batch_size=-4: expected a positive integer, for example 64\.$',
    ),
    ('train.batch_size', 12, 'multiple of 8'),
    ('train.steps', None, 'a number of steps, or train.epochs'),
    ('train', {'batch_size': 8, 'steps': 1, 'epochs': 1}, 'one of train.steps and train.epochs'),
    ('data.options.imbalance_ratio', 0.5, r'imbalance_ratio=0.5: .* number >= 1 or none'),
    ('methods', ('wgan',), r"methods=\('wgan',\).* cgan; .*elastic_infogan"),
    ('methods', (), r'methods=\(\).*unconditional, balanced_batches'),
    (
      'methods',
      ('unconditional', 'elastic_infogan'),
      "'elastic_infogan'.*: expected methods of one",
    ),
    ('methods', ('elastic_infogan',), 'expected methods whose section `algorithm` is a GanConfig'),
    ('methods', ('acgan', 'acgan'), 'expected each method once'),
    ('seed', 2**32, r'config.seed=4294967296: .* in \[0, 4294967295\]'),
    ('algorithm.num_categories', 3, 'num_categories=3: expected none without a recogniser'),
    ('classifier', None, 'config.classifier=None: expected a section'),
    ('algorithm.network', 'vgg', r'algorithm\.network.*one of sndcgan'),
    (
      'algorithm.lecam_weight',
      -0.1,
      r'config\.algorithm\.lecam_weight=-0\.1: .* non-negative number',
    ),
    ('algorithm.diff_augment', ('flip',), f'some of {", ".join(AUGMENTATIONS)}'),
    ('algorithm.beta1', 1.0, r'algorithm\.beta1'),
    ('algorithm.count_start', (), r'algorithm\.count_start=\(\): .* numbers above 0'),
    ('algorithm.count_start', (1.0, math.inf), r'count_start=\(1\.0, inf\): .* numbers above 0'),
    ('evaluation.batch_size', 9, r'evaluation\.batch_size'),
    ('classifier.algorithm.depth', 9, r'classifier\.algorithm\.depth=9: .* 6n \+ 2'),
    ('annotator.train.batch_size', 3, r'annotator\.train\.batch_size'),
    ('classifier.algorithm.network', 'bit_r50x1', 'input_size=None: .* a multiple of 32'),
    ('annotator.checkpoint', '100', r"annotator\.checkpoint='100': .* one of latest, best"),
    ('annotator.algorithm.input_size', 0, r'input_size=0: .* a positive integer or none'),
    ('cas.algorithm.input_mean', (0.5,), 'input_std=None: expected input_mean and'),
  ],
)
def test_impossible_values(field, value, message):
  _assert_refused(tiny(small_networks=False), field, value, message)


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('methods', ('elastic_infogan', 'gumbel_softmax'), 'expected a single method of this family'),
    ('algorithm.num_categories', 1, r'algorithm\.num_categories=1: .* integer >= 2 or none'),
    ('algorithm.zoom_range', (1.1, 0.9), r'zoom_range=\(1\.1, 0\.9\): .* above 0, in order'),
    ('algorithm.zoom_range', (0.0, 1.0), r'zoom_range=\(0\.0, 1\.0\): .* above 0, in order'),
    ('algorithm.zoom_range', (1.0,), r'zoom_range=\(1\.0,\): .* two numbers'),
    ('algorithm.crop_keep', 1.1, r'crop_keep=1\.1: .* in \(0, 1\]'),
    ('algorithm.positive_loss', 'cosine', "='cosine': .* with algorithm.contrastive=positives"),
    ('algorithm.prior_start', (0.5, 0.0), r'prior_start=\(0\.5, 0\.0\): .* one for each code'),
    ('algorithm.crop_keep', 0.95, r'crop_keep=0\.95: .* 1\.0 with algorithm\.views=released'),
    ('algorithm.rotation_degrees', 12.5, r'rotation_degrees=12\.5: .* whole number from 0 to 25'),
    ('algorithm.rotation_degrees', 26.0, r'rotation_degrees=26\.0: .* whole number from 0 to 25'),
    ('evaluation.batch_size', 9, r'evaluation\.batch_size=9 .* such as 8'),
    ('train.batch_size', 9, r'config\.train\.batch_size=9 .* such as 8'),
  ],
)
def test_impossible_values_of_codes(field, value, message):
  _assert_refused(tiny_codes(small_networks=False), field, value, message)


@pytest.mark.parametrize(
  ('field', 'value'),
  [('algorithm.prior_start', (0.5, 0.3, 0.2)), ('algorithm.prior_entropy_weight', 1.0)],
)
def test_options_of_a_learned_prior_are_refused_with_another(field, value):
  config = tiny_codes('uniform_infogan', small_networks=False)
  _assert_refused(config, field, value, 'with algorithm.prior=learnable')


TINY = {
  'gan': functools.partial(tiny, small_networks=False),
  'codes': functools.partial(tiny_codes, small_networks=False),
  'joint_vae': functools.partial(tiny_codes, 'joint_vae', small_networks=False),
}


# Fields whose section accepts any string.
FREE = {
  'experiment', 'workdir', 'folder', 'methods', 'published', 'dataset', 'source', 'data_dir',
  'prepared', 'background', 'split', 'picture', 'weights', 'inception_weights',
}  # fmt: skip


@pytest.mark.parametrize('name', TINY)
def test_every_field_but_free_text_refuses_an_unknown_string(name):
  """The line has the field, the value and the allowed values."""
  config = TINY[name]()
  refused = [field for field, _ in fields_of(config) if field.split('.')[-1] not in FREE]
  for field in refused:
    with pytest.raises(UserError) as error:
      override(config, {field: 'no such value'})
    line = rf"config\.{field}=.*'no such value'.*: expected .+\."
    assert re.fullmatch(line, str(error.value)), error.value
  assert len(refused) > 50


@pytest.mark.parametrize(
  ('mean', 'std', 'message'),
  [
    ((0.5, 0.5), (0.0, 1.0), r'input_std=\(0\.0, 1\.0\): .* positive numbers'),
    ((), (), r'input_mean=\(\): .* a number, or one per channel'),
    ((math.nan,), (1.0,), r'input_mean=\(nan,\): .* numbers or none'),
  ],
)
def test_impossible_means_and_deviations(mean, std, message):
  fields = {'classifier.algorithm.input_mean': mean, 'classifier.algorithm.input_std': std}
  with pytest.raises(UserError, match=message):
    changed(tiny(), fields)


def test_the_rules_of_an_experiment_hold_for_its_recogniser():
  config = changed(tiny_balanced(), {'recogniser.train.batch_size': 9})
  with pytest.raises(UserError, match=r'config\.recogniser\.train\.batch_size=9 .* such as 8'):
    rules.check_sections(config, num_devices=8)


@pytest.mark.parametrize('methods', [None, 0, 'acgan', {}, [1], [['acgan']]])
def test_methods_must_be_names_also_in_a_recogniser(methods):
  content = tiny_balanced().model_dump()
  content['recogniser']['methods'] = methods
  for fields, name in ((content, 'config.recogniser'), (content['recogniser'], 'config')):
    with pytest.raises(UserError, match=rf'^{name}\.methods=.*: expected names, for example .*$'):
      families.experiment(fields)


def test_devices_with_separate_replicas_do_not_split_batches():
  names = ('train.batch_size', 'annotator.train.batch_size', 'evaluation.batch_size')
  config = changed(tiny_codes(), {'replicas': 16, **dict.fromkeys(names, 9)})
  rules.check_sections(config, num_devices=8)
  config = changed(config, {'replicas': 4})  # Two devices for each.
  with pytest.raises(UserError, match=r'batch_size=9 .* 2 devices'):
    rules.check_sections(config, num_devices=8)


def test_a_given_classifier_is_not_trained_on_these_devices(tiny_config):
  config = changed(tiny_config, {'classifier.train.batch_size': 9})
  with pytest.raises(UserError, match=r'config\.classifier\.train\.batch_size=9'):
    rules.check_sections(config, num_devices=8)
  rules.check_sections(changed(config, {'classifier.folder': 'somewhere'}), num_devices=8)


def test_the_seeds_of_all_replicas_are_in_range():
  config = changed(tiny_codes(), {'seed': 2**32 - 1})
  rules.check_sections(config, num_devices=1)
  with pytest.raises(UserError, match=r'config\.seed=4294967295: .* in \[0, 4294967294\]'):
    rules.check_sections(changed(config, {'replicas': 2}), num_devices=1)
