"""The experiments with codes: the papers' values, and the differences between experiments."""

import pytest

from jaxgan import report
from jaxgan.algorithms import infogan
from jaxgan.config.overrides import changed, override
from jaxgan.errors import UserError
from jaxgan.runs import rules
from jaxgan.runs.experiment import resolved
from jaxgan.runs.families import codes
from tests.support.experiment_names import RENDERED, module


def test_the_first_prior_is_given_on_the_command_line():
  config = override(module('mnist_lt').get_config(), {'algorithm.prior_start': '(0.9,0.1)'})
  assert config.algorithm.prior_start == (0.9, 0.1)
  rules.check_sections(resolved(config), num_devices=1)


def test_mnist_follows_the_paper():
  config = resolved(module('mnist_lt').get_config())
  rules.check_sections(config, num_devices=1)
  assert config.methods == ('elastic_infogan',)
  expected = {
    'learning_rate': 2e-4, 'beta1': 0.5, 'beta2': 0.999, 'noise_dim': 62, 'num_continuous': 0,
    'temperature': 0.1, 'mutual_information_weight': 1.0, 'contrastive_weight': 10.0,
    'contrastive_temperature': 1.0, 'rotation_degrees': 20.0, 'zoom_range': (0.9, 1.1),
    'views': 'released',
    'prior': 'learnable', 'contrastive': 'nt_xent', 'num_categories': None, 'network': 'mnist',
    'crop_keep': 1.0, 'flip': False, 'gamma_range': (1.0, 1.0), 'prior_losses': 'all',
    'prior_learning_rate': 2e-4, 'positive_loss': 'agreement', 'crop_of': 'side',
    'prior_entropy_weight': 0.0, 'prior_start': None, 'ema_decay': 0.0,
  }  # fmt: skip
  assert {name: getattr(config.algorithm, name) for name in expected} == expected
  assert (config.train.batch_size, config.train.epochs, config.train.steps) == (64, 200, None)
  assert config.evaluation.images_per_code == 1000
  assert config.data.dataset == 'long_tail_mnist/split_00'
  assert config.annotator.data.dataset == 'long_tail_mnist/full'
  assert config.annotator.algorithm.network == 'mnist_cnn'
  assert report.published_values('elastic_infogan')[0]['nmi']['elastic_infogan'][config.published]


@pytest.mark.parametrize('name', RENDERED)
def test_64x64_images_follow_the_paper(name):
  argument, *expected = RENDERED[name]
  config = module(name).get_config(argument)
  config, faces = resolved(config), name == 'youtube_faces'
  found = config.workdir, config.data.dataset, config.annotator.data.dataset
  assert list(found) == expected
  expected = {
    'network': 'stackgan_two_stage' if faces else 'stackgan', 'width': 64, 'noise_dim': 100,
    'learning_rate': 2e-4, 'prior_learning_rate': 2e-4, 'temperature': 0.1,
    'contrastive_weight': 10.0, 'rotation_degrees': 0.0 if faces else 10.0, 'views': 'paper',
    'zoom_range': (1.0, 1.0), 'flip': True, 'crop_keep': 1 / 1.1 if faces else 0.95,
    'gamma_range': (0.3, 4.0) if faces else (1.0, 1.0), 'prior_losses': 'all',
    'crop_of': 'side', 'ema_decay': 0.0,
  }  # fmt: skip
  assert {field: getattr(config.algorithm, field) for field in expected} == expected
  assert (config.train.batch_size, config.train.epochs) == (50, 600)
  nmi = report.published_values('elastic_infogan')[0]['nmi']['elastic_infogan']
  assert f'{nmi[config.published][0]:.2f} / ' in module(name).__doc__


@pytest.mark.parametrize('name', ['cars3d', 'chairs3d'])
def test_all_sets_are_25_replicas_with_one_evaluation_classifier(name):
  one, every = (module(name).get_config(argument) for argument in ('', 'set=all'))
  assert (one.replicas, every.replicas) == (1, 25)
  assert every.annotator.data.dataset == f'long_tail_{name}/sets_full'
  assert every.workdir == f'runs/{name}'
  every = changed(
    every,
    {
      'replicas': one.replicas,
      'workdir': one.workdir,
      'annotator.data.dataset': one.annotator.data.dataset,
    },
  )
  assert every == one
  with pytest.raises(UserError, match='set=all has every draw: leave draw out'):
    module(name).get_config('set=all,draw=2')


def test_the_folder_takes_other_networks():
  config = resolved(module('elastic_infogan_folder').get_config('network=stackgan'))
  assert (config.algorithm.network, config.data.options.image_size) == ('stackgan', 64)
  assert config.annotator.data.options.image_size == 64
  assert config.workdir == 'runs/elastic_infogan_folder_stackgan'
  rules.check_sections(resolved(config), num_devices=1)
  mnist = module('elastic_infogan_folder').get_config()
  assert (mnist.algorithm.network, mnist.data.options.image_size) == ('mnist', None)


@pytest.mark.parametrize('name', ['mnist_lt', 'mnist_pair', 'elastic_infogan_folder', *RENDERED])
def test_methods_of_codes_differ_in_what_makes_them(name):
  assert set(module(name).METHODS) == set(codes.METHODS)
  ours = module(name).get_config()
  for method in codes.METHODS:
    config = module(name).get_config(f'method={method}')
    rules.check_sections(resolved(config), num_devices=1)
    assert (config.methods, config.workdir) == ((method,), ours.workdir)
    if method == codes.JOINT_VAE:
      continue
    assert (config.algorithm.prior, config.algorithm.contrastive) == infogan.VARIANTS[method]
    for field in ('prior', 'contrastive'):
      config = changed(config, {f'algorithm.{field}': getattr(ours.algorithm, field)})
    config = changed(config, {'methods': ours.methods})
    assert config == ours


def test_views_of_mnist_are_the_released_codes_or_the_papers():
  released, paper = (module('mnist_lt').get_config(a) for a in ('', 'views=paper'))
  assert (released.algorithm.views, released.algorithm.rotation_degrees) == ('released', 20.0)
  assert (paper.algorithm.views, paper.algorithm.rotation_degrees) == ('paper', 10.0)
  rules.check_sections(resolved(paper), num_devices=1)
  paper = changed(paper, {'algorithm.views': 'released', 'algorithm.rotation_degrees': 20.0})
  assert paper == released
  for name in ('elastic_infogan_folder', 'label_free_folder'):  # Images of any kind.
    config = module(name).get_config()
    algorithm = (config.recogniser or config).algorithm
    assert (algorithm.views, algorithm.rotation_degrees) == ('paper', 10.0)


def test_balanced_mnist_is_all_of_its_training_images():
  """Fig. 1, left: as the experiments on splits except for the data; without published values."""
  balanced = module('mnist_lt').get_config('method=uniform_infogan,split=balanced')
  rules.check_sections(resolved(balanced), num_devices=1)
  assert (balanced.data.dataset, balanced.published) == ('long_tail_mnist/full', None)
  assert (balanced.experiment, balanced.workdir) == ('mnist_full', 'runs/mnist_full')
  split = module('mnist_lt').get_config('method=uniform_infogan')
  assert balanced.algorithm == split.algorithm
  assert balanced.train == split.train


@pytest.mark.parametrize('name', RENDERED)
def test_joint_vae_of_64x64_images_has_the_capacities_of_duponts_chairs(name):
  config = module(name).get_config('method=joint_vae')
  expected = {
    'latent_dim': 32, 'continuous_capacity': 30.0, 'discrete_capacity': 5.0,
    'capacity_steps': 100_000, 'beta_continuous': 30.0, 'beta_discrete': 30.0,
  }  # fmt: skip
  assert {field: getattr(config.algorithm, field) for field in expected} == expected
  mnist = module('mnist_lt').get_config('method=joint_vae').algorithm
  expected |= {'latent_dim': 10, 'continuous_capacity': 5.0, 'capacity_steps': 25_000}
  assert {field: getattr(mnist, field) for field in expected} == expected


def test_split_and_length_of_mnist():
  config = module('mnist_lt').get_config('length=quick,split=7')
  assert config.data.dataset == 'long_tail_mnist/split_07'
  assert config.workdir == 'runs/mnist_lt_split_07_quick'
  assert (config.train.batch_size, config.train.epochs) == (64, None)
  assert config.train.steps <= 5000
  rules.check_sections(resolved(config), num_devices=1)


def test_a_pair_of_digits_has_a_prior_that_learns_faster_and_is_mnist_otherwise():
  pair, mnist = module('mnist_pair').get_config('ratio=3_7'), module('mnist_lt').get_config()
  assert pair.data.dataset == 'long_tail_mnist/zero_four_3_7'
  assert pair.annotator.data.dataset == 'long_tail_mnist/zero_four_full'
  assert pair.algorithm.prior_learning_rate == 10 * mnist.algorithm.learning_rate
  pair = changed(pair, {'algorithm.prior_learning_rate': mnist.algorithm.prior_learning_rate})
  assert pair.algorithm == mnist.algorithm
  assert pair.train == mnist.train


def test_one_value_reaches_the_annotator_of_codes():
  config = module('elastic_infogan_folder').get_config()
  config = changed(
    config,
    {
      'data.source': 'mine',
      'data.data_dir': 'prepared',
      'data.options.image_size': 64,
      'data.options.imbalance_ratio': 50.0,
    },
  )
  data = resolved(config).annotator.data
  assert (data.source, data.data_dir, data.options.image_size) == ('mine', 'prepared', 64)
  assert data.options.imbalance_ratio is None
