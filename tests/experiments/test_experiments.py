"""Every file in experiments/ builds and takes one step of its method and its classifiers."""

import importlib
import pathlib

import jax
import numpy as np
import pytest

import experiments
from jaxgan import config as config_lib
from jaxgan import data as data_lib
from jaxgan import experiment, families, jobs, recogniser, report, train, train_step
from jaxgan.algorithms import gan, infogan
from jaxgan.errors import UserError
from jaxgan.families import codes
from tests.stand_in import shrink

FILES = sorted(p.stem for p in pathlib.Path(experiments.__file__).parent.glob('*.py'))
EXPERIMENTS = [name for name in FILES if name not in ('__init__', 'base', 'downstream', 'rows')]
QUICK = (
  'cars3d', 'chairs3d', 'elastic_infogan_folder', 'folder_lt', 'label_free_folder', 'mnist_lt',
  'mnist_lt_balanced', 'mnist_pair',
)  # fmt: skip
# Those with 64x64 images: name -> (argument, work directory, its data set, that of its annotator).
RENDERED = {
  'cars3d': (
    'set=3,draw=1',
    'runs/cars3d_set_3_draw_1',
    'long_tail_cars3d/set_3_draw_1',
    'long_tail_cars3d/set_3_full',
  ),
  'chairs3d': (
    'set=4,draw=2',
    'runs/chairs3d_set_4_draw_2',
    'long_tail_chairs3d/set_4_draw_2',
    'long_tail_chairs3d/set_4_full',
  ),
  'shapenet': ('', 'runs/shapenet', 'shapenet5', 'shapenet5/full'),
  'youtube_faces': ('', 'runs/youtube_faces', 'youtube_faces40', 'youtube_faces40/full'),
}
# Those whose quick setting has the networks of the full one, and many or large ones.
SLOW = (*RENDERED, 'label_free_folder', 'mnist_lt_balanced')
# Those whose step is compiled and run, one a family. Compiling is what takes time, so the
# steps of the others are traced, and run by the slow test.
RUN = ('cifar10_lt', 'mnist_lt')
SHAPES = {  # where they are not 32x32x3
  'digits_lt': {'image_size': 16, 'channels': 1},
  'digits_extreme_counts': {'image_size': 16, 'channels': 1, 'num_classes': 10},
  'digits_stability': {'image_size': 16, 'channels': 1},
  'cifar100_lt': {'num_classes': 100, 'n': 100},
  'lsun5_lt': {'image_size': 64, 'num_classes': 5},
  'inaturalist2019': {'image_size': 64, 'num_classes': 1010, 'n': 1010},
  'folder_lt': {'image_size': 16, 'channels': 3},
  'label_free_folder': {'image_size': 16, 'channels': 3},
  'mnist_lt': {'image_size': 28, 'channels': 1},
  'mnist_lt_balanced': {'image_size': 28, 'channels': 1, 'num_classes': 10},
  'mnist_pair': {'image_size': 28, 'channels': 1, 'num_classes': 2},
  'elastic_infogan_folder': {'image_size': 16, 'channels': 3},
  **{name: {'image_size': 64} for name in RENDERED},
}


def _module(name):
  return importlib.import_module(f'experiments.{name}')


def _one_step(job, trace_only):
  """The state after a step; of a traced one its shapes."""
  constants = job.data.share(0, job.config.seed), job.data.dataset, dict(job.frozen)
  one_step, start = train_step.make_step(job, together=False)
  if trace_only:
    state = jax.eval_shape(job.algorithm.init, jax.random.key(0))
    carry = jax.eval_shape(
      lambda *arguments: start(arguments[0], 0, *arguments[1:]), state, *constants
    )
    return jax.eval_shape(one_step, carry, *constants).state
  state = jax.jit(job.algorithm.init)(jax.random.key(0))
  carry = jax.jit(one_step)(start(state, 0, *constants), *constants)
  assert int(carry.state.step) == 1
  assert all(bool(np.isfinite(value).all()) for value in carry.metrics.values())
  return carry.state


def _method_job(config, method, data, classifiers):
  algorithm, frozen = families.family_of((method,)).build(config, method, data, classifiers)
  own = experiment.method_config(config, method, data)
  return train.Job(method, None, own, algorithm, data, frozen, evaluate=None, picture=None)


def _step_experiment(name, argument, stand_in_data, traced):
  """A step of an experiment's classifiers and methods; of the roles in `traced` only its shapes."""
  config = shrink(_module(name).get_config(argument))
  config_lib.validate(config, num_devices=1)
  stand_in_data({'image_size': 32, 'channels': 3} | SHAPES.get(name, {}))
  family, data = families.family_of(config.methods), data_lib.load_training(config.data)
  family.check(config, data)
  classifiers = {}
  for role in family.roles(config, config.methods, labelled=True):
    names = data.pool.class_names
    if role == recogniser.ROLE:
      names = recogniser.expected(config, data).class_names
      job = _method_job(config[role], *config[role].methods, data, {})
    else:
      job = jobs.classifier_job(config, role, folder=None)
    variables = _one_step(job, role in traced).variables
    classifiers[role] = jobs.Classifier(job.algorithm.classify, variables, names, (), 0.0, '')
  for method in config.methods:
    _one_step(_method_job(config, method, data, classifiers), 'method' in traced)


@pytest.mark.parametrize(
  ('name', 'argument'),
  [
    *((name, '') for name in EXPERIMENTS),
    *(
      pytest.param(name, 'length=quick', marks=[pytest.mark.slow] if name in SLOW else [])
      for name in QUICK
    ),
  ],
)
def test_one_step(name, argument, stand_in_data):
  run = name in RUN and not argument
  # The annotator is a classifier on other images.
  traced = ('annotator',) if run else ('classifier', 'annotator', 'recogniser', 'cas', 'method')
  _step_experiment(name, argument, stand_in_data, traced)


@pytest.mark.slow
@pytest.mark.parametrize('name', sorted(set(EXPERIMENTS) - set(RUN)))
def test_one_step_is_run(name, stand_in_data):
  _step_experiment(name, '', stand_in_data, traced=())


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_docstring_gives_the_command(name):
  assert f'--config=experiments/{name}.py' in _module(name).__doc__


@pytest.mark.parametrize('ratio', [100, 10, 1])
def test_cifar10_follows_the_paper(ratio):
  config = _module('cifar10_lt').get_config(f'ratio={ratio}')
  assert config.methods == ('class_balancing',)
  assert config.algorithm.regulariser_weight == {100: 10.0, 10: 7.5, 1: 5.0}[ratio]
  assert config.data.dataset == f'long_tail_cifar10/ratio_{ratio}'
  assert config.classifier.data.dataset == config.data.dataset
  assert config.annotator.data.dataset == 'long_tail_cifar10/ratio_1'
  expected = {
    'learning_rate': 2e-4, 'beta1': 0.5, 'beta2': 0.999, 'epsilon': 1e-6, 'noise_dim': 128,
    'ema_decay': 0.9999, 'ema_start': 20_000, 'discriminator_steps': 1, 'loss': 'relativistic',
    'count_start': 50.0, 'count_decay': 0.5, 'count_cycle': 2000,
    'generator_width': 64, 'discriminator_width': 64,
  }  # fmt: skip
  assert {name: config.algorithm[name] for name in expected} == expected
  assert (config.train.batch_size, config.train.steps) == (256, 100_000)
  assert (config.evaluation.samples, config.evaluation.periodic_samples) == (50_000, 10_000)
  assert (config.classifier.algorithm.depth, config.classifier.train.epochs) == (32, 200)
  published, _ = report.published_values(config.published.class_balancing)
  assert published['fid'][0] == {100: 32.93, 10: 30.48, 1: 25.68}[ratio]


@pytest.mark.parametrize(('ratio', 'fid'), [(100, 33.32), (10, 30.37)])
def test_few_labels_change_the_classifier_alone(ratio, fid):
  """§4.3 and §6.4.3 of the paper; the GAN is that of the labelled images."""
  many, few = (
    _module('cifar10_lt').get_config(f'ratio={ratio},classifier={classifier}')
    for classifier in ('long_tailed', 'few_labels')
  )
  config_lib.validate(few, num_devices=1)
  assert few.workdir == f'runs/cifar10_lt_ratio_{ratio}_few_labels'
  published, _ = report.published_values(few.published.class_balancing)
  assert published['fid'][0] == fid
  assert few.classifier.data.dataset == 'long_tail_cifar10/labelled_5'
  few.data.source = few.data.data_dir = 'somewhere'
  assert few.classifier.data.source == few.classifier.data.data_dir == 'somewhere'
  expected = {
    'network': 'bit_r50x1', 'weights': '', 'input_size': 128, 'learning_rate': 0.003,
    'momentum': 0.9, 'weight_decay': 0.0, 'warmup_epochs': 100, 'decay_epochs': (200, 300, 400),
    'decay_factor': 0.1, 'drw_epoch': None, 'drw_beta': 0.9999, 'dtype': 'float32',
  }  # fmt: skip
  assert few.classifier.algorithm.to_dict() == expected
  assert (few.classifier.train.batch_size, few.classifier.train.epochs) == (50, 500)
  few.data.source = few.data.data_dir = ''
  for section in (many, few):
    for field in ('classifier', 'experiment', 'workdir', 'published'):
      del section[field]
  assert few.to_json() == many.to_json()


def test_few_labels_of_balanced_images_are_refused():
  with pytest.raises(UserError, match='classifier=few_labels needs ratio=100 or ratio=10') as error:
    _module('cifar10_lt').get_config('classifier=few_labels,ratio=1')
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
  ('method', 'kl'), [('unconditional', 0.14), ('acgan', 0.12), ('cgan', 0.01)]
)
def test_cifar10_baselines_share_every_other_line(method, kl):
  ours = _module('cifar10_lt').get_config('ratio=10')
  baseline = _module('cifar10_lt').get_config(f'method={method},ratio=10')
  assert baseline.methods == (method,)
  assert report.published_values(ours.published[method])[0]['kl'] == kl
  baseline.methods = ours.methods
  assert baseline.to_json() == ours.to_json()


def test_digits_take_every_method_that_has_labels():
  assert _module('digits_lt').get_config().methods == ('unconditional', 'class_balancing')
  for method in _module('digits_lt').LABELLED:
    config = _module('digits_lt').get_config(f'method={method}')
    config_lib.validate(config, num_devices=1)
    assert (config.methods, config.workdir) == ((method,), 'runs/digits_lt')


def test_mnist_follows_the_paper():
  config = _module('mnist_lt').get_config()
  config_lib.validate(config, num_devices=1)
  assert config.methods == ('elastic_infogan',)
  expected = {
    'learning_rate': 2e-4, 'beta1': 0.5, 'beta2': 0.999, 'noise_dim': 62, 'num_continuous': 0,
    'temperature': 0.1, 'mutual_information_weight': 1.0, 'contrastive_weight': 10.0,
    'contrastive_temperature': 1.0, 'rotation_degrees': 20.0, 'zoom_range': (0.9, 1.1),
    'prior': 'learnable', 'contrastive': 'nt_xent', 'num_categories': None, 'network': 'mnist',
    'crop_keep': 1.0, 'flip': False, 'gamma_range': (1.0, 1.0), 'prior_losses': 'all',
    'prior_learning_rate': 2e-4,
  }  # fmt: skip
  assert {name: config.algorithm[name] for name in expected} == expected
  assert (config.train.batch_size, config.train.epochs, config.train.steps) == (64, 200, None)
  assert config.evaluation.images_per_code == 1000
  assert config.data.dataset == 'long_tail_mnist/split_00'
  assert config.annotator.data.dataset == 'long_tail_mnist/full'
  assert config.annotator.algorithm.network == 'mnist_cnn'
  assert report.published_values('elastic_infogan')[0]['nmi']['elastic_infogan'][config.published]


@pytest.mark.parametrize('name', RENDERED)
def test_64x64_images_follow_the_paper(name):
  argument, *expected = RENDERED[name]
  config = _module(name).get_config(argument)
  faces = name == 'youtube_faces'
  found = config.workdir, config.data.dataset, config.annotator.data.dataset
  assert list(found) == expected
  expected = {
    'network': 'stackgan_two_stage' if faces else 'stackgan', 'width': 64, 'noise_dim': 100,
    'learning_rate': 2e-4, 'prior_learning_rate': 2e-4, 'temperature': 0.1,
    'contrastive_weight': 10.0, 'rotation_degrees': 0.0 if faces else 10.0,
    'zoom_range': (1.0, 1.0), 'flip': True, 'crop_keep': 1 / 1.1 if faces else 0.95,
    'gamma_range': (0.3, 4.0) if faces else (1.0, 1.0), 'prior_losses': 'all',
  }  # fmt: skip
  assert {field: config.algorithm[field] for field in expected} == expected
  assert (config.train.batch_size, config.train.epochs) == (50, 600)
  nmi = report.published_values('elastic_infogan')[0]['nmi']['elastic_infogan']
  assert f'{nmi[config.published][0]:.2f} / ' in _module(name).__doc__


@pytest.mark.parametrize('name', ['cars3d', 'chairs3d'])
def test_all_sets_are_25_replicas_with_one_evaluation_classifier(name):
  one, every = (_module(name).get_config(argument) for argument in ('', 'set=all'))
  assert (one.replicas, every.replicas) == (1, 25)
  assert every.annotator.data.dataset == f'long_tail_{name}/sets_full'
  assert every.workdir == f'runs/{name}'
  every.replicas, every.workdir = one.replicas, one.workdir
  every.annotator.data.dataset = one.annotator.data.dataset
  assert every.to_json() == one.to_json()
  with pytest.raises(UserError, match='set=all has every draw: leave draw out'):
    _module(name).get_config('set=all,draw=2')


def test_the_folder_takes_other_networks():
  config = _module('elastic_infogan_folder').get_config('network=stackgan')
  assert (config.algorithm.network, config.data.options.image_size) == ('stackgan', 64)
  assert config.annotator.data.options.image_size == 64
  assert config.workdir == 'runs/elastic_infogan_folder_stackgan'
  config_lib.validate(config, num_devices=1)
  mnist = _module('elastic_infogan_folder').get_config()
  assert (mnist.algorithm.network, mnist.data.options.image_size) == ('mnist', None)


@pytest.mark.parametrize('name', ['mnist_lt', 'mnist_pair', 'elastic_infogan_folder', *RENDERED])
def test_methods_of_codes_differ_in_what_makes_them(name):
  assert set(_module(name).METHODS) == set(codes.METHODS)
  ours = _module(name).get_config()
  for method in codes.METHODS:
    config = _module(name).get_config(f'method={method}')
    config_lib.validate(config, num_devices=1)
    assert (config.methods, config.workdir) == ((method,), ours.workdir)
    if method == codes.JOINT_VAE:
      continue
    assert (config.algorithm.prior, config.algorithm.contrastive) == infogan.VARIANTS[method]
    for field in ('prior', 'contrastive'):
      config.algorithm[field] = ours.algorithm[field]
    config.methods = ours.methods
    assert config.to_json() == ours.to_json()


def test_split_and_length_of_mnist():
  config = _module('mnist_lt').get_config('length=quick,split=7')
  assert config.data.dataset == 'long_tail_mnist/split_07'
  assert config.workdir == 'runs/mnist_lt_split_07_quick'
  assert (config.train.batch_size, config.train.epochs) == (64, None) and config.train.steps <= 5000
  config_lib.validate(config, num_devices=1)


def test_a_pair_of_digits_has_a_prior_that_learns_faster_and_is_mnist_otherwise():
  pair, mnist = _module('mnist_pair').get_config('ratio=3_7'), _module('mnist_lt').get_config()
  assert pair.data.dataset == 'long_tail_mnist/zero_four_3_7'
  assert pair.annotator.data.dataset == 'long_tail_mnist/zero_four_full'
  assert pair.algorithm.prior_learning_rate == 10 * mnist.algorithm.learning_rate
  pair.algorithm.prior_learning_rate = mnist.algorithm.prior_learning_rate
  assert pair.algorithm.to_dict() == mnist.algorithm.to_dict()
  assert pair.train.to_dict() == mnist.train.to_dict()


@pytest.mark.parametrize('length', ['full', 'quick'])
def test_loops_differ_in_nothing_but_the_method(length):
  module = _module('mnist_lt_balanced')
  configs = [module.get_config(f'split=7,loop={loop},length={length}') for loop in module.LOOPS]
  methods = [tuple(config.methods) for config in configs]
  assert methods == [('code_balancing',), ('class_balancing',), ('unconditional',)]
  for config in configs:
    config_lib.validate(config, num_devices=1)
    config.methods = ()
  assert len({config.to_json() for config in configs}) == 1
  # Labels that are there for evaluation only choose no checkpoint.
  assert configs[0].evaluation.checkpoint == 'latest'


@pytest.mark.parametrize('length', ['full', 'quick'])
def test_a_recogniser_is_the_experiment_on_codes_alone(length):
  for name, alone in (
    ('mnist_lt_balanced', 'mnist_lt'),
    ('label_free_folder', 'elastic_infogan_folder'),
  ):
    config, expected = (_module(n).get_config(f'length={length}') for n in (name, alone))
    own = config.recogniser
    assert (own.algorithm.to_json(), own.train.to_json()) == (
      expected.algorithm.to_json(), expected.train.to_json()
    )  # fmt: skip
    assert own.data.to_json() == expected.data.to_json()


def test_one_value_reaches_the_recogniser():
  config = _module('label_free_folder').get_config()
  config.data.source, config.data.options.image_size = 'mine', 32
  config.seed, config.algorithm.num_categories, config.annotator.folder = 3, 7, 'there'
  own = config.recogniser
  assert (own.data.source, own.data.options.image_size, own.seed) == ('mine', 32, 3)
  assert (own.algorithm.num_categories, own.annotator.folder) == (7, 'there')


@pytest.mark.parametrize('name', QUICK)
def test_quick_is_shorter_and_has_its_own_folder(name):
  full, quick = (_module(name).get_config(f'length={length}') for length in ('full', 'quick'))
  config_lib.validate(quick, num_devices=1)
  assert quick.workdir != full.workdir and '_quick' in quick.workdir
  assert quick.experiment == full.experiment and quick.methods == full.methods
  assert quick.data.to_json() == full.data.to_json()
  assert quick.train.steps <= 5000 and quick.annotator.train.epochs <= 20


def test_quick_folder_baseline_shares_every_other_line():
  ours, baseline = (
    _module('folder_lt').get_config(f'length=quick,method={method}')
    for method in ('class_balancing', 'unconditional')
  )
  assert ours.methods == ('class_balancing',) and baseline.methods == ('unconditional',)
  baseline.methods = ours.methods
  assert baseline.to_json() == ours.to_json()
  # Schedules in the paper's proportions: a cycle of 2 % of the run, averages after a fifth of it.
  algorithm, steps = ours.algorithm, ours.train.steps
  assert (algorithm.count_cycle / steps, algorithm.ema_start / steps) == (0.02, 0.2)


def test_published_rows_exist():
  columns = report.published_values('elastic_infogan')[0]['runs']
  for name in EXPERIMENTS:
    published = _module(name).get_config().published
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
    ('mnist_lt', 'split=50', r'split=0\|1\|.*\|49, length=full\|quick'),
    ('mnist_lt', 'method=infogan', r'method=elastic_infogan\|uniform_infogan\|.*\|joint_vae'),
  ],
)
def test_an_unknown_argument_is_refused(name, argument, allowed):
  with pytest.raises(UserError, match=allowed):
    _module(name).get_config(argument)


def test_one_value_reaches_every_job():
  config = _module('folder_lt').get_config()
  config.data.source = 'mine'
  config.data.options.image_size = 64
  config.data.options.imbalance_ratio = 50.0
  for role in ('classifier', 'annotator'):
    assert config[role].data.source == 'mine'
    assert config[role].data.options.image_size == 64
  assert config.classifier.data.options.imbalance_ratio == 50.0
  assert config.annotator.data.options.imbalance_ratio is None
  assert set(config.methods) <= set(gan.METHODS)


def test_one_value_reaches_the_annotator_of_codes():
  config = _module('elastic_infogan_folder').get_config()
  config.data.source, config.data.data_dir = 'mine', 'prepared'
  config.data.options.image_size = 64
  config.data.options.imbalance_ratio = 50.0
  data = config.annotator.data
  assert (data.source, data.data_dir, data.options.image_size) == ('mine', 'prepared', 64)
  assert data.options.imbalance_ratio is None
