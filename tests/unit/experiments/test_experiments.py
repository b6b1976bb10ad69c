"""The experiments: the papers' values, and the differences between experiments."""

import pytest

from jaxgan import report
from jaxgan.algorithms import gan_methods
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import rules
from jaxgan.runs.experiment import resolved
from tests.support.experiment_names import EXPERIMENTS, QUICK, module


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
  """§4.3 and §6.4.3 of the paper: the GAN is the same as with labelled images."""
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
    'batches': 'instance_balanced',
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
  assert quick.workdir != full.workdir
  assert '_quick' in quick.workdir
  assert quick.experiment == full.experiment
  # A first look on own images has the baseline beside it.
  both = ('unconditional', 'class_balancing')
  assert quick.methods == (both if name == 'folder_lt' else full.methods)
  assert quick.data == full.data
  assert quick.train.steps <= 5000
  assert quick.annotator.train.epochs <= 20


def test_quick_folder_baseline_shares_every_other_line():
  ours, baseline = (
    module('folder_lt').get_config(f'length=quick,method={method}')
    for method in ('class_balancing', 'unconditional')
  )
  assert ours.methods == ('class_balancing',)
  assert baseline.methods == ('unconditional',)
  baseline = changed(baseline, {'methods': ours.methods})
  assert baseline == ours
  # Schedules in the paper's proportions: a cycle of 2 % of the run, averages after a fifth of it.
  algorithm, steps = ours.algorithm, ours.train.steps
  assert (algorithm.count_cycle, algorithm.ema_start, steps) == (0.02, 0.2, 2000)


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
  assert config.data.flip
  assert config.classifier.data.flip
  config = changed(config, {'data.flip': False})
  assert config.classifier.data.flip
  assert config.cas.data.flip
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
