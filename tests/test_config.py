"""Impossible configurations are refused with one line that names the field."""

import json
import math

import ml_collections
import pytest

from jaxgan import config as config_lib
from jaxgan.algorithms import regularisers
from jaxgan.errors import UserError
from tests.experiments.names import module
from tests.stand_in import tiny, tiny_codes


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('train.batch_size', 0, r'config\.train\.batch_size=0'),
    ('train.batch_size', 12, 'multiple of 8'),
    ('train.steps', -1, r'config\.train\.steps=-1'),
    ('train.steps', None, 'a number of steps, or train.epochs'),
    ('train.log_every', 0, r'train\.log_every'),
    ('data.crop_padding', -1, r'data\.crop_padding'),
    ('data.options.imbalance_ratio', 0.5, r'imbalance_ratio=0.5 .* 1 or more'),
    ('methods', ('wgan',), r"methods=\('wgan',\) .* cgan; .*elastic_infogan"),
    ('methods', (), r'methods=\(\) .*unconditional, balanced_batches'),
    ('methods', ('unconditional', 'elastic_infogan'), "'elastic_infogan'.* not possible: use some"),
    ('replicas', 0, r'config\.replicas=0 .* above 0'),
    ('algorithm.network', 'vgg', r'algorithm\.network.*one of sndcgan'),
    ('algorithm.lecam_weight', -0.1, r'config\.algorithm\.lecam_weight=-0\.1 .* 0 or more'),
    ('algorithm.diff_augment', ('flip',), 'some of color, translation, cutout'),
    ('algorithm.loss', 'wasserstein', r'algorithm\.loss.*relativistic, hinge, non_saturating'),
    ('algorithm.dtype', 'float16', r'algorithm\.dtype.*bfloat16'),
    ('algorithm.regulariser_weights', 'x', 'released, paper'),
    ('algorithm.regulariser_weight', -1.0, r'algorithm\.regulariser_weight'),
    ('algorithm.class_loss_weight', -1.0, r'algorithm\.class_loss_weight'),
    ('algorithm.beta1', 1.0, r'algorithm\.beta1'),
    ('algorithm.ema_decay', 1.5, r'algorithm\.ema_decay'),
    ('algorithm.count_cycle', 0, r'algorithm\.count_cycle'),
    ('algorithm.count_start', (-1.0,), r'algorithm\.count_start=\(-1\.0,\) .* positive numbers'),
    ('algorithm.count_start', (), r'algorithm\.count_start=\(\) .* positive numbers'),
    ('algorithm.count_start', ('x',), r"algorithm\.count_start=\('x',\) .* positive numbers"),
    ('algorithm.count_start', (1.0, math.inf), r'count_start=\(1\.0, inf\) .* positive numbers'),
    ('algorithm.cycle_start', -1.0, r'algorithm\.cycle_start=-1\.0 .* 0 or more'),
    ('algorithm.classifier_loss_weight', -1.0, r'algorithm\.classifier_loss_weight'),
    (
      'algorithm.effective_labels',
      'all',
      "effective_labels='all' .* one of generator_step, both",
    ),
    ('evaluation.ema_statistics', 'ema', "ema_statistics='ema' .* one of average, generator, reco"),
    ('algorithm.count_update', 'sum', r"count_update='sum' .*convex, additive, held"),
    ('evaluation.batch_size', 9, r'evaluation\.batch_size'),
    ('classifier.algorithm.network', 'vgg', r'algorithm\.network.*one of resnet, mnist_cnn'),
    ('classifier.algorithm.depth', 9, r'classifier\.algorithm\.depth=9 .* 6n \+ 2'),
    ('annotator.algorithm.width', 0, r'annotator\.algorithm\.width'),
    ('annotator.train.batch_size', 3, r'annotator\.train\.batch_size'),
    ('classifier.algorithm.drw_beta', 1.0, r'classifier\.algorithm\.drw_beta'),
    ('classifier.algorithm.network', 'bit_r50x1', 'use it with its own weights'),
    ('classifier.algorithm.loss', 'hinge', r"loss='hinge' .* one of cross_entropy, focal"),
    ('classifier.algorithm.focal_gamma', -1.0, r'focal_gamma=-1\.0 .* 0 or more'),
    ('annotator.checkpoint', '100', r"annotator\.checkpoint='100' .* latest or best"),
    ('annotator.algorithm.input_size', 0, r'input_size=0 .* a number of pixels, or none'),
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
  _assert_refused(config, field, value, 'with algorithm.prior=learnable only')


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
    ((), (), r'input_std=\(\) .* numbers above 0'),
    ((float('nan'),), (1.0,), r'input_mean=\(nan,\) .* finite numbers'),
  ],
)
def test_impossible_means_and_deviations(mean, std, message):
  config = tiny()
  config.classifier.algorithm.update(input_mean=mean, input_std=std)
  with pytest.raises(UserError, match=message):
    config_lib.validate(config, num_devices=8)


def test_what_older_classifiers_remember_is_what_they_ran(tmp_path):
  """The job of a classifier, and a method with one in its loop: nothing has changed."""
  config = tiny()
  jobs = {'method': config, 'classifier': config.classifier}
  for name, job in jobs.items():
    old = job.to_dict()
    for section in (
      old,
      *(old[role] for role in ('classifier', 'annotator', 'cas') if role in old),
    ):
      section.pop('checkpoint', None)
      if 'methods' in section:
        continue
      for field in ('loss', 'focal_gamma', 'input_size', 'input_mean', 'input_std'):
        del section['algorithm'][field]
    (tmp_path / name).mkdir()
    (tmp_path / name / 'config.json').write_text(json.dumps(old))
    assert config_lib.changes(tmp_path / name, job) == []
    assert config_lib.read(tmp_path / name).to_dict() == json.loads(job.to_json_best_effort())
    changed = ml_collections.ConfigDict(job.to_dict())
    section = changed.get('classifier', changed)
    section.algorithm.loss, section.checkpoint = 'focal', 'best'
    prefix = 'classifier.' if 'classifier' in changed else ''
    assert [name for name, _, _ in config_lib.changes(tmp_path / name, changed)] == [
      f'{prefix}algorithm.loss', f'{prefix}checkpoint'
    ]  # fmt: skip


def _assert_refused(config, field, value, message):
  config_lib.validate(config, num_devices=8)
  with config.ignore_type(), config.unlocked():
    config.update_from_flattened_dict({field: value})
  with pytest.raises(UserError, match=message) as error:
    config_lib.validate(config, num_devices=8)
  assert str(error.value).startswith('config.') and '\n' not in str(error.value)


def test_devices_with_replicas_of_their_own_do_not_share_batches():
  config = tiny_codes()
  config.train.batch_size = config.annotator.train.batch_size = 9
  config.evaluation.batch_size = 9
  config.replicas = 16
  config_lib.validate(config, num_devices=8)
  config.replicas = 4  # Two devices for each.
  with pytest.raises(UserError, match=r'batch_size=9 .* 2 devices'):
    config_lib.validate(config, num_devices=8)


def test_a_given_classifier_needs_no_section_of_its_own(tiny_config):
  tiny_config.classifier.folder = 'somewhere'
  tiny_config.classifier.algorithm.depth = 9
  config_lib.validate(tiny_config, num_devices=1)


def test_depth_and_width_are_those_of_the_resnet(tiny_config):
  tiny_config.annotator.algorithm.update(network='mnist_cnn', depth=9, width=0)
  config_lib.validate(tiny_config, num_devices=1)


def test_a_folder_remembers_its_config(tiny_config, tmp_path):
  config_lib.remember(tmp_path / 'run', tiny_config)
  assert config_lib.read(tmp_path / 'run') == ml_collections.ConfigDict(
    json.loads(tiny_config.to_json())
  )


@pytest.mark.parametrize(
  'method', ['class_balancing', 'class_balancing_conditional', 'elastic_infogan', 'joint_vae']
)
def test_a_run_from_before_there_were_some_fields_goes_on(method, tmp_path):
  published = {'small_networks': False}
  gan = method.startswith('class_balancing')
  config = tiny(**published) if gan else tiny_codes(method, **published)
  if 'width' in config.algorithm:
    config.algorithm.width = 64
  added = ('network', 'width', 'crop_keep', 'flip', 'gamma_range', 'prior_losses')
  added += ('prior_learning_rate', 'positive_loss', 'crop_of', 'prior_entropy_weight')
  if method == 'elastic_infogan':
    config.algorithm.views = 'paper'
    added += ('prior_start', 'ema_decay', 'views')
  if gan:
    config.methods = (method,)
    added = ('generator_spectral_norm', 'count_update', 'cycle_start', *regularisers.OFF)
    added += ('classifier_loss_weight', 'effective_labels')
  if method == 'class_balancing_conditional':  # Older code drew labels by 1 / N_k in both steps.
    config.algorithm.effective_labels = 'both_steps'
  old = config.to_dict()
  for field in added:
    old['algorithm'].pop(field, None)
  if gan:
    old['algorithm']['class_balanced_batches'] = False
    old['algorithm']['count_start'] = 50.0
  (tmp_path / 'config.json').write_text(json.dumps(old))
  remembered = config_lib.read(tmp_path)
  config_lib.validate(remembered, num_devices=1)
  assert remembered == ml_collections.ConfigDict(json.loads(config.to_json()))
  config_lib.remember(tmp_path, config)
  was, config.algorithm.network = config.algorithm.network, 'snresgan'
  with pytest.raises(UserError, match=f"network was '{was}', is 'snresgan'"):
    config_lib.remember(tmp_path, config)


@pytest.mark.parametrize(('method', 'weight'), [('acgan_pretrained', 0.7), ('acgan', 1.0)])
def test_an_older_class_loss_weight_is_the_classifiers_too(method, weight, tmp_path):
  """A method that has no such loss keeps today's default."""
  config = tiny()
  config.methods = (method,)
  config.algorithm.update(class_loss_weight=0.7, classifier_loss_weight=weight)
  old = config.to_dict()
  del old['algorithm']['classifier_loss_weight']
  (tmp_path / 'config.json').write_text(json.dumps(old))
  config_lib.check_unchanged(tmp_path, config)
  assert config_lib.read(tmp_path).algorithm.classifier_loss_weight == weight


@pytest.mark.parametrize(
  ('method', 'views'), [('elastic_infogan', 'paper'), ('uniform_infogan', 'released')]
)
def test_an_older_run_without_pairs_has_todays_views(method, views, tmp_path):
  config = tiny_codes(method, small_networks=False)
  config.algorithm.views = views
  old = config.to_dict()
  del old['algorithm']['views']
  (tmp_path / 'config.json').write_text(json.dumps(old))
  config_lib.check_unchanged(tmp_path, config)


def test_an_older_joint_vae_has_one_weight_and_capacity_for_both_latents(tmp_path):
  config = tiny_codes('joint_vae', small_networks=False)
  config.algorithm.update(
    beta_continuous=20.0, beta_discrete=20.0, continuous_capacity=4.0, discrete_capacity=4.0
  )
  old = config.to_dict()
  for latent in ('continuous', 'discrete'):
    old['algorithm']['beta'] = old['algorithm'].pop(f'beta_{latent}')
    old['algorithm']['capacity'] = old['algorithm'].pop(f'{latent}_capacity')
  (tmp_path / 'config.json').write_text(json.dumps(old))
  assert config_lib.read(tmp_path) == ml_collections.ConfigDict(json.loads(config.to_json()))


def test_older_positive_pairs_have_no_crop(tmp_path):
  """They turned by up to 20 degrees as the paper's do by 10."""
  config = tiny_codes('elastic_infogan', small_networks=False)
  old = config.to_dict()
  del old['algorithm']['views']
  (tmp_path / 'config.json').write_text(json.dumps(old))
  with pytest.raises(UserError, match=r"algorithm\.views was 'paper', is 'released'"):
    config_lib.remember(tmp_path, config)
  config.algorithm.views = 'paper'
  config_lib.remember(tmp_path, config)


def test_a_run_with_balanced_batches_of_before_is_another_method(tiny_config, tmp_path):
  old = tiny_config.to_dict()
  old['algorithm']['class_balanced_batches'] = True
  (tmp_path / 'config.json').write_text(json.dumps(old))
  with pytest.raises(UserError, match='class_balanced_batches was True, is None'):
    config_lib.remember(tmp_path, tiny_config)


def test_lsun_of_before_there_was_a_choice_is_cropped(tmp_path):
  """A run that remembers no picture goes on with centre_crop, and is another one than squash."""
  config = module('lsun5_lt').get_config()
  config.data.options.picture = 'centre_crop'
  config_lib.remember(tmp_path, config)
  remembered = json.loads((tmp_path / 'config.json').read_text())
  for section in (remembered, remembered['classifier'], remembered['annotator'], remembered['cas']):
    del section['data']['options']['picture']
  (tmp_path / 'config.json').write_text(json.dumps(remembered))
  config_lib.check_unchanged(tmp_path, config)
  assert config_lib.read(tmp_path).annotator.data.options.picture == 'centre_crop'
  config.data.options.picture = 'squash'
  with pytest.raises(UserError, match="picture was 'centre_crop', is 'squash'"):
    config_lib.check_unchanged(tmp_path, config)
