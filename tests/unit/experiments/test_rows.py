"""The experiments and the published rows match one to one."""

import importlib
from importlib import resources
import itertools
import json

import pytest

from experiments import rows
from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import rules
from jaxgan.runs.experiment import resolved


def _leaves(tree, prefix):
  """Yields the rows below a name of published_results.json that have an FID."""
  if 'fid' in tree:
    return {prefix}
  parts = (
    _leaves(value, f'{prefix}.{name}') for name, value in tree.items() if isinstance(value, dict)
  )
  return set().union(*parts)


def test_every_published_row_has_its_experiment():
  published = json.loads(resources.files('jaxgan').joinpath('published_results.json').read_text())
  expected = _leaves(published['class_balancing_gan'], 'class_balancing_gan')
  found = rows.published_rows()
  assert set(found) == expected
  assert len(expected) == 36
  assert len(set(found.values())) == len(found)
  assert found['class_balancing_gan.lsun5.cgan.10'] == 'lsun5_lt.py:ratio=10,method=cgan'


@pytest.mark.parametrize('name', rows.EXPERIMENTS)
def test_methods_differ_in_nothing_but_the_method(name):
  module = importlib.import_module(f'experiments.{name}')
  others = {key: values for key, values in module.ARGUMENTS.items() if key != 'method'}
  for choice in itertools.product(*others.values()):
    argument = ','.join(f'{key}={value}' for key, value in zip(others, choice, strict=True))
    configs = []
    for method in module.ARGUMENTS['method']:
      try:
        config = module.get_config(f'{argument},method={method}')
      except UserError:
        continue
      rules.check_sections(resolved(config), num_devices=1)
      assert config.methods == (method,)
      configs.append(changed(config, {'methods': configs[0].methods if configs else (method,)}))
    assert all(config == configs[0] for config in configs), argument


@pytest.mark.parametrize(
  ('name', 'argument', 'expected'),
  [
    ('lsun5_lt', '', {'regulariser_weight': 20.0, 'beta1': 0.0, 'network': 'snresgan'}),
    ('lsun5_lt', 'ratio=10', {'regulariser_weight': 7.5, 'beta1': 0.0, 'count_cycle': 2000}),
    ('lsun5_lt', 'ratio=1', {'regulariser_weight': 5.0, 'generator_spectral_norm': False}),
    ('lsun5_lt', 'weights=released', {'regulariser_weight': 10.0, 'cycle_start': 512.0}),
    ('lsun5_lt', 'ratio=10,weights=released', {'regulariser_weight': 7.5}),
    ('lsun5_lt', 'ratio=1,weights=released', {'regulariser_weight': 2.5, 'cycle_start': 512.0}),
    ('lsun5_lt', 'classifier=few_labels', {'regulariser_weight': 10.0, 'cycle_start': 512.0}),
    ('lsun5_lt', 'classifier=few_labels,ratio=10', {'regulariser_weight': 7.5}),
    ('cifar10_lt', 'classifier=few_labels,ratio=10', {'regulariser_weight': 7.5, 'beta1': 0.5}),
    ('cifar10_lt', 'classifier=few_labels', {'cycle_start': 512.0}),
    ('cifar10_lt', 'classifier=ratio_1,method=cgan', {'cycle_start': 512.0}),
    ('cifar100_lt', '', {'regulariser_weight': 0.5, 'beta1': 0.5, 'network': 'snresgan_cifar'}),
    ('cifar100_lt', '', {'generator_width': 256, 'discriminator_width': 128}),
    ('inaturalist2019', '', {'regulariser_weight': 0.5, 'beta1': 0.0, 'count_decay': 0.995}),
    ('inaturalist2019', '', {'generator_spectral_norm': True, 'count_cycle': 1}),
    ('inaturalist2019', '', {'class_loss_weight': 1.0, 'classifier_loss_weight': 0.5}),
    ('inaturalist2019', '', {'cycle_start': 0.0, 'effective_labels': 'generator_step'}),
  ],
)
def test_hyper_parameters_of_the_paper(name, argument, expected):
  """§6.4 and §6.5 have the differences between data sets, Table 10 the common values."""
  config = importlib.import_module(f'experiments.{name}').get_config(argument)
  assert {field: getattr(config.algorithm, field) for field in expected} == expected
  assert (config.algorithm.learning_rate, config.algorithm.beta2) == (2e-4, 0.999)
  few_lsun = name == 'lsun5_lt' and 'few_labels' in argument
  assert config.train.batch_size == (128 if few_lsun else 256)
  assert config.train.steps == (200_000 if name == 'inaturalist2019' else 100_000)


@pytest.mark.parametrize('ratio', [100, 10, 1])
def test_released_weights_of_lsun_have_a_work_directory_of_their_own(ratio):
  plain, released = (
    importlib.import_module('experiments.lsun5_lt').get_config(f'ratio={ratio},weights={weights}')
    for weights in ('paper', 'released')
  )
  assert released.workdir == f'{plain.workdir}_released_weights'
  released = changed(
    released,
    {
      'algorithm.regulariser_weight': plain.algorithm.regulariser_weight,
      'experiment': plain.experiment,
      'workdir': plain.workdir,
    },
  )
  assert released == plain


def test_few_labels_have_weights_of_their_own():
  module = importlib.import_module('experiments.lsun5_lt')
  with pytest.raises(UserError, match='expected no weights=, which classifier=few_labels sets'):
    module.get_config('classifier=few_labels,weights=released')


def test_a_classifier_of_another_ratio_is_all_that_the_ablation_changes():
  plain, other = (
    importlib.import_module('experiments.cifar10_lt').get_config(argument)
    for argument in ('classifier=ratio_100', 'classifier=ratio_1000')
  )
  assert other.workdir == 'runs/cifar10_lt_ratio_100_classifier_ratio_1000'
  assert other.classifier.data.dataset == 'long_tail_cifar10/ratio_1000'
  other = changed(other, {'classifier.data.dataset': plain.classifier.data.dataset})
  others = {'experiment', 'workdir', 'published'}
  assert other.model_dump(exclude=others) == plain.model_dump(exclude=others)


@pytest.mark.parametrize('name', rows.EXPERIMENTS)
def test_published_rows_are_drawn_and_scored_as_the_authors_did(name):
  """As in the released code: no mirrored images, three re-samplings, 100,000 images."""
  config = importlib.import_module(f'experiments.{name}').get_config()
  assert not config.data.flip
  assert config.data.crop_padding == 0
  for role in ('classifier', 'annotator', 'cas'):
    assert getattr(config, role).data.flip
    assert getattr(config, role).data.crop_padding == 4
  evaluation = config.evaluation
  assert (evaluation.resamplings, evaluation.cas_images) == (3, 100_000)
  assert evaluation.reference == 'held_out'


@pytest.mark.parametrize('argument', ['', 'classifier=few_labels'])
def test_lsun_is_squashed_for_the_gan_and_all_classifiers(argument):
  config = importlib.import_module('experiments.lsun5_lt').get_config(argument)
  for picture in ('squash', 'centre_crop'):
    own = resolved(
      changed(config, {'data.options.picture': picture} if picture != 'squash' else {})
    )
    sections = [own, *(getattr(own, role) for role in ('classifier', 'annotator', 'cas'))]
    assert {section.data.options.picture for section in sections} == {picture}


def test_differences_as_markdown():
  title, _, *lines = rows.differences_tables().partition('\n\nElastic')[0].splitlines()
  assert title == 'Class Balancing GAN:'
  assert lines[0] == '| difference | likely effect | experiments |'
  cells = {line.split(' | ')[0].strip('| '): line.split(' | ')[2].strip(' |') for line in lines[2:]}
  (precision,) = (where for line, where in cells.items() if 'float32' in line)
  (squash,) = (where for line, where in cells.items() if 'no ratio is trained on' in line)
  assert (precision, squash) == ('all', '`lsun5_lt.py`')
  assert not any('mirrored' in line for line in cells)
