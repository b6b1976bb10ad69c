"""Refusals: one line that names the field, the value and what is allowed."""

import math

import pytest

from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import rules
from tests.support.stand_in import tiny, tiny_balanced, tiny_codes


def _assert_refused(config, field, value, message):
  """By a section or by the rules."""
  rules.check_sections(config, num_devices=8)
  with pytest.raises(UserError, match=message) as error:
    rules.check_sections(changed(config, {field: value}), num_devices=8)
  assert str(error.value).startswith('config.') and '\n' not in str(error.value)


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('train.batch_size', 0, r'config\.train\.batch_size=0'),
    ('train.batch_size', 12, 'multiple of 8'),
    ('train.steps', -1, r'config\.train\.steps=-1'),
    ('train.steps', None, 'a number of steps, or train.epochs'),
    ('train', {'batch_size': 8, 'steps': 1, 'epochs': 1}, 'one of train.steps and train.epochs'),
    ('train.log_every', 0, r'train\.log_every'),
    ('data.crop_padding', -1, r'data\.crop_padding'),
    ('data.options.imbalance_ratio', 0.5, r'imbalance_ratio=0.5 .* 1 or more, or none'),
    ('methods', ('wgan',), r"methods=\('wgan',\) .* cgan; .*elastic_infogan"),
    ('methods', (), r'methods=\(\) .*unconditional, balanced_batches'),
    ('methods', ('unconditional', 'elastic_infogan'), "'elastic_infogan'.* not possible: use some"),
    ('methods', ('elastic_infogan',), 'they belong to other experiments'),
    ('methods', ('acgan', 'acgan'), 'use each method once'),
    ('seed', 2**32, r'config.seed=4294967296 .* in \[0, 4294967295\]'),
    ('algorithm.num_categories', 3, 'num_categories=3 .* which have a recogniser'),
    ('classifier', None, 'config.classifier is missing'),
    ('replicas', 0, r'config\.replicas=0 .* above 0'),
    ('algorithm.network', 'vgg', r'algorithm\.network.*one of sndcgan'),
    ('algorithm.lecam_weight', -0.1, r'config\.algorithm\.lecam_weight=-0\.1 .* 0 or more'),
    ('algorithm.diff_augment', ('flip',), 'some of color, translation, cutout'),
    ('algorithm.loss', 'wasserstein', r'algorithm\.loss.*relativistic, hinge, non_saturating'),
    ('algorithm.dtype', 'float16', r'algorithm\.dtype.*bfloat16'),
    ('algorithm.class_weighting', 'x', 'released, paper'),
    ('algorithm.regulariser_weight', -1.0, r'algorithm\.regulariser_weight'),
    ('algorithm.class_loss_weight', -1.0, r'algorithm\.class_loss_weight'),
    ('algorithm.beta1', 1.0, r'algorithm\.beta1'),
    ('algorithm.ema_decay', 1.5, r'algorithm\.ema_decay'),
    ('algorithm.count_cycle', 0, r'algorithm\.count_cycle'),
    ('algorithm.count_start', (-1.0,), r'algorithm\.count_start=\(-1\.0,\) .* numbers above 0'),
    ('algorithm.count_start', (), r'algorithm\.count_start=\(\) .* numbers above 0'),
    ('algorithm.count_start', ('x',), r"algorithm\.count_start=\('x',\) .* numbers above 0"),
    ('algorithm.count_start', (1.0, math.inf), r'count_start=\(1\.0, inf\) .* numbers above 0'),
    ('algorithm.cycle_start', -1.0, r'algorithm\.cycle_start=-1\.0 .* 0 or more'),
    ('algorithm.classifier_loss_weight', -1.0, r'algorithm\.classifier_loss_weight'),
    (
      'algorithm.effective_labels',
      'all',
      "effective_labels='all' .* one of generator_step, both",
    ),
    (
      'evaluation.ema_statistics',
      'ema',
      "ema_statistics='ema' .* one of average, generator, recomputed",
    ),
    ('algorithm.count_update', 'sum', r"count_update='sum' .*convex, additive, held"),
    ('evaluation.batch_size', 9, r'evaluation\.batch_size'),
    ('classifier.algorithm.network', 'vgg', r'algorithm\.network.*one of resnet, mnist_cnn'),
    ('classifier.algorithm.depth', 9, r'classifier\.algorithm\.depth=9 .* 6n \+ 2'),
    ('annotator.algorithm.width', 0, r'annotator\.algorithm\.width'),
    ('annotator.train.batch_size', 3, r'annotator\.train\.batch_size'),
    ('classifier.algorithm.drw_beta', 1.0, r'classifier\.algorithm\.drw_beta'),
    ('classifier.algorithm.network', 'bit_r50x1', 'input_size=None .* a multiple of 32'),
    ('classifier.algorithm.loss', 'hinge', r"loss='hinge' .* one of cross_entropy, focal"),
    ('classifier.algorithm.focal_gamma', -1.0, r'focal_gamma=-1\.0 .* 0 or more'),
    ('annotator.checkpoint', '100', r"annotator\.checkpoint='100' .* one of latest, best"),
    ('annotator.algorithm.input_size', 0, r'input_size=0 .* a whole number above 0, or none'),
    ('cas.algorithm.input_mean', (0.5,), r'cas\.algorithm\.input_std=None .* with input_mean'),
  ],
)
def test_impossible_values(field, value, message):
  _assert_refused(tiny(small_networks=False), field, value, message)


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('methods', ('elastic_infogan', 'gumbel_softmax'), 'methods=.*one of these methods at a time'),
    ('replicas', -1, r'config\.replicas=-1 .* above 0'),
    ('algorithm.num_categories', 1, r'algorithm\.num_categories=1 .* 2 or more, or none'),
    ('algorithm.prior', 'learned', "prior='learned'.* one of uniform, fixed, learnable"),
    ('algorithm.contrastive', 'ntxent', 'one of none, positives, nt_xent'),
    ('algorithm.trunk', 'q', "trunk='q'.* one of discriminator, both"),
    ('algorithm.noise_dim', 0, 'noise_dim=0 .* above 0'),
    ('algorithm.num_continuous', -1, 'num_continuous=-1 .* 0 or more'),
    ('algorithm.temperature', 0.0, r'temperature=0\.0 .* above 0'),
    ('algorithm.contrastive_temperature', 0.0, r'contrastive_temperature=0\.0 .* above 0'),
    ('algorithm.mutual_information_weight', -1.0, r'information_weight=-1\.0 .* 0 or more'),
    ('algorithm.contrastive_weight', -1.0, r'contrastive_weight=-1\.0 .* 0 or more'),
    ('algorithm.rotation_degrees', -10.0, r'rotation_degrees=-10\.0 .* 0 or more'),
    ('algorithm.zoom_range', (1.1, 0.9), r'zoom_range=\(1\.1, 0\.9\) .* above 0, in order'),
    ('algorithm.zoom_range', (0.0, 1.0), r'zoom_range=\(0\.0, 1\.0\) .* above 0, in order'),
    ('algorithm.zoom_range', (1.0,), r'zoom_range=\(1\.0,\) .* two numbers'),
    ('algorithm.gamma_range', (0.0, 4.0), r'gamma_range=\(0\.0, 4\.0\) .* above 0, in order'),
    ('algorithm.crop_keep', 1.1, r'crop_keep=1\.1 .* in \(0, 1\]'),
    ('algorithm.crop_of', 'pixels', "crop_of='pixels' .* one of side, area"),
    ('algorithm.positive_loss', 'l2', "positive_loss='l2' .* one of agreement, cosine"),
    ('algorithm.positive_loss', 'cosine', "='cosine' .* with algorithm.contrastive=positives"),
    ('algorithm.prior_entropy_weight', -1.0, r'prior_entropy_weight=-1\.0 .* 0 or more'),
    ('algorithm.prior_start', (0.5, 0.0), r'prior_start=\(0\.5, 0\.0\) .* one for each code'),
    ('algorithm.prior_start', ('x',), r"prior_start=\('x',\) .* numbers above 0"),
    ('algorithm.ema_decay', 1.0, r'ema_decay=1\.0 .* in \[0, 1\)'),
    ('algorithm.crop_keep', 0.95, r'crop_keep=0\.95 .* 1\.0 with algorithm\.views=released'),
    ('algorithm.views', 'code', "views='code' .* one of paper, released"),
    ('algorithm.rotation_degrees', 12.5, r'rotation_degrees=12\.5 .* whole number from 0 to 25'),
    ('algorithm.rotation_degrees', 26.0, r'rotation_degrees=26\.0 .* whole number from 0 to 25'),
    ('algorithm.network', 'vgg', "network='vgg' .* one of mnist, stackgan, stackgan_two_stage"),
    ('algorithm.width', 0, r'algorithm\.width=0 .* above 0'),
    ('algorithm.prior_losses', 'none', "prior_losses='none' .* one of all, adversarial"),
    ('algorithm.prior_learning_rate', 0.0, r'prior_learning_rate=0\.0 .* above 0'),
    ('algorithm.learning_rate', 0.0, r'learning_rate=0\.0 .* above 0'),
    ('algorithm.epsilon', 0.0, r'epsilon=0\.0 .* above 0'),
    ('algorithm.beta2', 1.0, r'beta2=1\.0 .* in \[0, 1\)'),
    ('algorithm.dtype', 'float16', 'dtype=.*one of float32, bfloat16'),
    ('evaluation.images_per_code', 0, r'evaluation\.images_per_code=0 .* above 0'),
    ('evaluation.periodic_images_per_code', 0, 'periodic_images_per_code=0 .* above 0'),
    ('evaluation.batch_size', 9, r'evaluation\.batch_size=9 .* such as 8'),
    ('train.batch_size', 9, r'config\.train\.batch_size=9 .* such as 8'),
    ('annotator.train.epochs', 0, r'annotator\.train\.epochs=0'),
    ('annotator.algorithm.depth', 9, r'annotator\.algorithm\.depth=9 .* 6n \+ 2'),
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


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('algorithm.latent_dim', 0, 'latent_dim=0 .* above 0'),
    ('algorithm.beta_continuous', -1.0, r'beta_continuous=-1\.0 .* 0 or more'),
    ('algorithm.beta_discrete', -1.0, r'beta_discrete=-1\.0 .* 0 or more'),
    ('algorithm.continuous_capacity', -1.0, r'continuous_capacity=-1\.0 .* 0 or more'),
    ('algorithm.discrete_capacity', float('inf'), 'discrete_capacity=inf .* 0 or more'),
    ('algorithm.network', 'sndcgan', "network='sndcgan' .* one of mnist, stackgan"),
    ('algorithm.capacity_steps', 0, 'capacity_steps=0 .* above 0'),
    ('algorithm.temperature', 0.0, r'temperature=0\.0 .* above 0'),
  ],
)
def test_impossible_values_of_joint_vae(field, value, message):
  _assert_refused(tiny_codes('joint_vae', small_networks=False), field, value, message)


@pytest.mark.parametrize(
  ('mean', 'std', 'message'),
  [
    ((0.5, 0.5), (0.0, 1.0), r'input_std=\(0\.0, 1\.0\) .* numbers above 0'),
    ((), (), r'input_mean=\(\) .* a number, or one per channel'),
    ((math.nan,), (1.0,), r'input_mean=\(nan,\) .* numbers, or none'),
  ],
)
def test_impossible_means_and_deviations(mean, std, message):
  fields = {'classifier.algorithm.input_mean': mean, 'classifier.algorithm.input_std': std}
  with pytest.raises(UserError, match=message):
    changed(tiny(), fields)


def test_the_rules_of_a_recogniser_are_those_of_an_experiment():
  config = changed(tiny_balanced(), {'recogniser.train.batch_size': 9})
  with pytest.raises(UserError, match=r'config\.recogniser\.train\.batch_size=9 .* such as 8'):
    rules.check_sections(config, num_devices=8)


def test_devices_with_replicas_of_their_own_do_not_share_batches():
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


def test_the_next_seeds_are_those_of_the_other_replicas():
  config = changed(tiny_codes(), {'seed': 2**32 - 1})
  rules.check_sections(config, num_devices=1)
  with pytest.raises(UserError, match=r'config\.seed=4294967295 .* in 0\.\.4294967294'):
    rules.check_sections(changed(config, {'replicas': 2}), num_devices=1)
