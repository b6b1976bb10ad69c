"""The configurations of experiments/: those of the papers, and what differs between them."""

import pytest

from jaxgan import report
from jaxgan.algorithms import gan_methods, infogan
from jaxgan.config.overrides import changed, override
from jaxgan.errors import UserError
from jaxgan.runs import rules
from jaxgan.runs.experiment import resolved
from jaxgan.runs.families import codes
from tests.support.experiment_names import EXPERIMENTS, QUICK, RENDERED, module


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_docstring_gives_the_command(name):
  assert f'--config=experiments/{name}.py' in module(name).__doc__


@pytest.mark.parametrize('ratio', [100, 10, 1])
def test_cifar10_follows_the_paper(ratio):
  config = module('cifar10_lt').get_config(f'ratio={ratio}')
  assert config.methods == ('class_balancing',)
  assert config.algorithm.regulariser_weight == {100: 10.0, 10: 7.5, 1: 5.0}[ratio]
  assert config.data.dataset == f'long_tail_cifar10/ratio_{ratio}'
  assert config.classifier.data.dataset == config.data.dataset
  assert config.annotator.data.dataset == 'long_tail_cifar10/ratio_1'
  expected = {
    'learning_rate': 2e-4, 'beta1': 0.5, 'beta2': 0.999, 'epsilon': 1e-6, 'noise_dim': 128,
    'ema_decay': 0.9999, 'ema_start': 20_000, 'discriminator_steps': 1, 'loss': 'relativistic',
    'count_start': (50.0,), 'count_decay': 0.5, 'count_cycle': 2000, 'cycle_start': 512.0,
    'class_loss_weight': 1.0, 'classifier_loss_weight': 1.0, 'effective_labels': 'generator_step',
    'generator_width': 64, 'discriminator_width': 64,
  }  # fmt: skip
  assert {name: getattr(config.algorithm, name) for name in expected} == expected
  assert (config.train.batch_size, config.train.steps) == (256, 100_000)
  assert (config.evaluation.samples, config.evaluation.periodic_samples) == (50_000, 10_000)
  assert (config.classifier.algorithm.depth, config.classifier.train.epochs) == (32, 200)
  published, _ = report.published_values(config.published['class_balancing'])
  assert published['fid'][0] == {100: 32.93, 10: 30.48, 1: 25.68}[ratio]


@pytest.mark.parametrize(('ratio', 'fid'), [(100, 33.32), (10, 30.37)])
def test_few_labels_change_the_classifier_alone(ratio, fid):
  """§4.3 and §6.4.3 of the paper; the GAN is that of the labelled images."""
  many, few = (
    module('cifar10_lt').get_config(f'ratio={ratio},classifier={classifier}')
    for classifier in ('long_tailed', 'few_labels')
  )
  rules.check_sections(resolved(few), num_devices=1)
  assert few.workdir == f'runs/cifar10_lt_ratio_{ratio}_few_labels'
  published, _ = report.published_values(few.published['class_balancing'])
  assert published['fid'][0] == fid
  assert few.classifier.data.dataset == 'long_tail_cifar10/labelled_5'
  own = resolved(changed(few, {'data.source': 'somewhere', 'data.data_dir': 'somewhere'}))
  assert own.classifier.data.source == own.classifier.data.data_dir == 'somewhere'
  expected = {
    'network': 'bit_r50x1', 'weights': '', 'input_size': 128, 'learning_rate': 0.003,
    'momentum': 0.9, 'weight_decay': 0.0, 'warmup_epochs': 100, 'decay_epochs': (200, 300, 400),
    'decay_factor': 0.1, 'drw_epoch': None, 'drw_beta': 0.9999, 'dtype': 'float32',
    'loss': 'cross_entropy', 'focal_gamma': 1.0, 'input_mean': None, 'input_std': None,
  }  # fmt: skip
  unread = {'depth', 'width'}
  assert few.classifier.algorithm.model_dump(exclude=unread) == expected
  assert (few.classifier.train.batch_size, few.classifier.train.epochs) == (50, 500)
  others = {'classifier', 'experiment', 'workdir', 'published'}
  assert few.model_dump(exclude=others) == many.model_dump(exclude=others)


def test_few_labels_of_balanced_images_are_refused():
  with pytest.raises(UserError, match='classifier=few_labels needs ratio=100 or ratio=10') as error:
    module('cifar10_lt').get_config('classifier=few_labels,ratio=1')
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
  ('method', 'kl'), [('unconditional', 0.14), ('acgan', 0.12), ('cgan', 0.01)]
)
def test_cifar10_baselines_share_every_other_line(method, kl):
  ours = module('cifar10_lt').get_config('ratio=10')
  baseline = module('cifar10_lt').get_config(f'method={method},ratio=10')
  assert baseline.methods == (method,)
  assert report.published_values(ours.published[method])[0]['kl'] == kl
  baseline = changed(baseline, {'methods': ours.methods})
  assert baseline == ours


@pytest.mark.parametrize('length', ['full', 'quick'])
def test_fashion_mnist_takes_every_method_under_one_setting(length):
  fashion = module('fashion_mnist_lt')
  labelled = {m for m, choices in gan_methods.METHODS.items() if choices.classes == 'labels'}
  assert set(fashion.METHODS) == labelled - {'class_balancing_conditional'}
  configs = [fashion.get_config(f'method={m},length={length}') for m in fashion.METHODS]
  for method, config in zip(fashion.METHODS, configs, strict=True):
    rules.check_sections(resolved(config), num_devices=1)
    assert config.methods == (method,)
  assert all(changed(config, {'methods': configs[0].methods}) == configs[0] for config in configs)


@pytest.mark.parametrize('ratio', [100, 10, 1])
def test_fashion_mnist_is_set_as_cifar10(ratio):
  fashion, cifar10 = (
    module(name).get_config(f'ratio={ratio}') for name in ('fashion_mnist_lt', 'cifar10_lt')
  )
  assert (cifar10.algorithm.cycle_start, fashion.algorithm.cycle_start) == (512.0, 0.0)
  cifar10 = changed(cifar10, {'algorithm.cycle_start': 0.0})
  assert fashion.algorithm == cifar10.algorithm
  assert fashion.train == cifar10.train
  classifiers = [dict(config.classifier.algorithm) for config in (fashion, cifar10)]
  assert [own.pop('loss') for own in classifiers] == ['cross_entropy', 'focal']
  assert classifiers[0] == classifiers[1]
  assert fashion.data.dataset == fashion.classifier.data.dataset
  assert fashion.data.dataset == f'long_tail_fashion_mnist/ratio_{ratio}'
  assert fashion.annotator.data.dataset == 'long_tail_fashion_mnist/ratio_1'
  flips = [getattr(fashion, role).data.flip for role in ('classifier', 'annotator', 'cas')]
  assert not any([fashion.data.flip, *flips])  # Nearly all shoes point to the left.


def test_the_embedded_example_takes_every_method_that_has_labels():
  assert module('fashion_lt').get_config().methods == ('unconditional', 'class_balancing')
  for method in module('fashion_lt').LABELLED:
    config = module('fashion_lt').get_config(f'method={method}')
    rules.check_sections(resolved(config), num_devices=1)
    assert (config.methods, config.workdir) == ((method,), 'runs/fashion_lt')


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
  """Fig. 1, left: the experiment of the splits, but for its data; nothing is published of it."""
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
  assert (config.train.batch_size, config.train.epochs) == (64, None) and config.train.steps <= 5000
  rules.check_sections(resolved(config), num_devices=1)


def test_a_pair_of_digits_has_a_prior_that_learns_faster_and_is_mnist_otherwise():
  pair, mnist = module('mnist_pair').get_config('ratio=3_7'), module('mnist_lt').get_config()
  assert pair.data.dataset == 'long_tail_mnist/zero_four_3_7'
  assert pair.annotator.data.dataset == 'long_tail_mnist/zero_four_full'
  assert pair.algorithm.prior_learning_rate == 10 * mnist.algorithm.learning_rate
  pair = changed(pair, {'algorithm.prior_learning_rate': mnist.algorithm.prior_learning_rate})
  assert pair.algorithm == mnist.algorithm
  assert pair.train == mnist.train


@pytest.mark.parametrize('length', ['full', 'quick'])
def test_loops_differ_in_nothing_but_the_method(length):
  balanced = module('mnist_lt_balanced')
  arguments = (f'split=7,loop={loop},length={length}' for loop in balanced.LOOPS)
  configs = [balanced.get_config(argument) for argument in arguments]
  methods = [tuple(config.methods) for config in configs]
  assert methods == [('code_balancing',), ('class_balancing',), ('unconditional',)]
  for config in configs:
    rules.check_sections(resolved(config), num_devices=1)
  assert all(changed(config, {'methods': configs[0].methods}) == configs[0] for config in configs)
  # Labels that are there for evaluation only choose no checkpoint.
  assert configs[0].evaluation.checkpoint == 'latest'


@pytest.mark.parametrize('length', ['full', 'quick'])
def test_a_recogniser_is_the_experiment_on_codes_alone(length):
  for name, alone in (
    ('mnist_lt_balanced', 'mnist_lt'),
    ('label_free_folder', 'elastic_infogan_folder'),
  ):
    config, expected = (resolved(module(n).get_config(f'length={length}')) for n in (name, alone))
    own = config.recogniser
    assert (own.algorithm, own.train, own.data) == (
      expected.algorithm, expected.train, expected.data
    )  # fmt: skip


def test_one_value_reaches_the_recogniser():
  config = module('label_free_folder').get_config()
  config = changed(
    config,
    {
      'data.source': 'mine',
      'data.options.image_size': 32,
      'seed': 3,
      'algorithm.num_categories': 7,
      'annotator.folder': 'there',
    },
  )
  own = resolved(config).recogniser
  assert (own.data.source, own.data.options.image_size, own.seed) == ('mine', 32, 3)
  assert (own.algorithm.num_categories, own.annotator.folder) == (7, 'there')


@pytest.mark.parametrize('name', QUICK)
def test_quick_is_shorter_and_has_its_own_folder(name):
  full, quick = (module(name).get_config(f'length={length}') for length in ('full', 'quick'))
  rules.check_sections(resolved(quick), num_devices=1)
  assert quick.workdir != full.workdir and '_quick' in quick.workdir
  assert quick.experiment == full.experiment and quick.methods == full.methods
  assert quick.data == full.data
  assert quick.train.steps <= 5000 and quick.annotator.train.epochs <= 20


def test_quick_folder_baseline_shares_every_other_line():
  ours, baseline = (
    module('folder_lt').get_config(f'length=quick,method={method}')
    for method in ('class_balancing', 'unconditional')
  )
  assert ours.methods == ('class_balancing',) and baseline.methods == ('unconditional',)
  baseline = changed(baseline, {'methods': ours.methods})
  assert baseline == ours
  # Schedules in the paper's proportions: a cycle of 2 % of the run, averages after a fifth of it.
  algorithm, steps = ours.algorithm, ours.train.steps
  assert (algorithm.count_cycle / steps, algorithm.ema_start / steps) == (0.02, 0.2)


def test_published_rows_exist():
  columns = report.published_values('elastic_infogan')[0]['runs']
  for name in EXPERIMENTS:
    published = module(name).get_config().published
    if published is None or isinstance(published, str):
      assert published in (None, *columns)
    else:
      assert all(report.published_values(row)[0] for row in published.values())


@pytest.mark.parametrize(
  ('name', 'argument', 'allowed'),
  [
    *(
      ('cifar10_lt', text, r'ratio=100\|10\|1, method=class_balancing\|unconditional')
      for text in ('ratio=50', 'method=gan', 'speed=1', 'ratio')
    ),
    ('mnist_lt', 'split=50', r'split=0\|1\|.*\|49\|balanced, length=full\|quick'),
    ('mnist_lt', 'method=infogan', r'method=elastic_infogan\|uniform_infogan\|.*\|joint_vae'),
  ],
)
def test_an_unknown_argument_is_refused(name, argument, allowed):
  with pytest.raises(UserError, match=allowed):
    module(name).get_config(argument)


def test_own_images_of_the_gan_are_mirrored_unless_said_otherwise():
  config = module('folder_lt').get_config()
  assert config.data.flip and config.classifier.data.flip
  config = changed(config, {'data.flip': False})
  assert config.classifier.data.flip and config.cas.data.flip
  evaluation = config.evaluation
  assert (evaluation.resamplings, evaluation.cas_images) == (1, None)
  assert not module('label_free_folder').get_config().data.flip


def test_one_value_reaches_every_job():
  config = module('folder_lt').get_config()
  config = changed(
    config,
    {'data.source': 'mine', 'data.options.image_size': 64, 'data.options.imbalance_ratio': 50.0},
  )
  config = resolved(config)
  for role in ('classifier', 'annotator'):
    assert getattr(config, role).data.source == 'mine'
    assert getattr(config, role).data.options.image_size == 64
  assert config.classifier.data.options.imbalance_ratio == 50.0
  assert config.annotator.data.options.imbalance_ratio is None
  assert set(config.methods) <= set(gan_methods.METHODS)


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
