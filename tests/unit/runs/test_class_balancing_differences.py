"""Differences from the authors' code of Class Balancing GAN, by published row."""

import pytest

from jaxgan.config.overrides import changed
from jaxgan.report import class_differences as differences
from tests.support.experiment_names import module


def _has(name, argument, part, **changes):
  """Returns whether a line with this text applies to the experiment, with some fields changed."""
  config = module(name).get_config(argument)
  config = changed(config, {name.replace('__', '.'): value for name, value in changes.items()})
  found = [line for line in differences.lines(config, config.methods[0]) if part in line]
  assert len(found) <= 1
  return bool(found)


def test_lines_are_sentences_and_each_comes_once():
  lines = [difference.line for difference in differences.TABLE]
  assert len(set(lines)) == len(lines)
  for line, effect, _ in differences.TABLE:
    assert line.endswith('.')
    assert effect.endswith('.')
    assert '\n' not in line + effect


def test_experiments_without_a_published_row_have_none():
  for name in ('fashion_lt', 'folder_lt', 'fashion_mnist_lt'):
    config = module(name).get_config()
    assert all(differences.lines(config, method) == [] for method in config.methods)
  assert not _has('cifar10_lt', 'method=acgan_pretrained', '')


@pytest.mark.parametrize(
  ('name', 'argument', 'part', 'applies'),
  [
    ('cifar10_lt', '', 'are mirrored', False),
    ('cifar10_lt', '', 'seeded shuffle', True),
    ('inaturalist2019', '', 'seeded shuffle', False),
    ('lsun5_lt', '', 'no ratio is trained on', True),
    ('lsun5_lt', '', 'centre square', False),
    ('lsun5_lt', '', "λ is the paper's", True),
    ('lsun5_lt', 'ratio=10', "λ is the paper's", False),
    ('lsun5_lt', 'method=cgan', "λ is the paper's", False),
    ('lsun5_lt', '', 'ReLU', True),
    ('cifar100_lt', '', 'ReLU', False),
    ('cifar100_lt', '', 'update_every', True),
    ('cifar100_lt', 'method=cgan', 'update_every', False),
    ('cifar10_lt', 'method=cgan', 'projection', True),
    ('cifar10_lt', 'method=cgan', 'is conditional', True),
    ('cifar10_lt', '', 'is conditional', False),
    ('cifar10_lt', 'classifier=few_labels', 'BiT', True),
    ('cifar10_lt', '', 'BiT', False),
    ('cifar10_lt', '', "CIFAR's mean and deviation", True),
    ('cifar100_lt', '', "CIFAR's mean and deviation", False),
    ('cifar10_lt', '', "of the annotator's labels", True),
    ('inaturalist2019', '', "of the annotator's labels", False),
    ('inaturalist2019', '', '100,096, whole batches', True),
    ('inaturalist2019', '', 'trained on 64x64 images', True),
    ('inaturalist2019', 'classifier=large', 'trained on 64x64 images', False),
    ('lsun5_lt', '', 'trained on 64x64 images', False),
    ('cifar10_lt', '', 'one sampling', False),
    ('cifar10_lt', '', 'last checkpoint is evaluated', False),
  ],
)
def test_a_line_applies_to_its_rows(name, argument, part, applies):
  assert _has(name, argument, part) == applies


@pytest.mark.parametrize(
  ('name', 'part', 'change', 'before'),
  [
    ('cifar10_lt', 'are mirrored', {'data__flip': True}, False),
    ('cifar10_lt', 'float32', {'algorithm__dtype': 'bfloat16'}, True),
    ('cifar10_lt', 'one sampling', {'evaluation__resamplings': 1}, False),
    ('cifar10_lt', 'another number', {'evaluation__cas_images': None}, False),
    ('cifar10_lt', '100,096, whole batches', {'evaluation__cas': False}, True),
    ('cifar10_lt', 'last checkpoint is evaluated', {'evaluation__checkpoint': 'latest'}, False),
    ('lsun5_lt', 'no ratio is trained on', {'evaluation__reference': 'released'}, True),
    ('lsun5_lt', 'centre square', {'data__options__picture': 'centre_crop'}, False),
    ('cifar10_lt', 'batch statistics', {'evaluation__ema_statistics': 'average'}, False),
  ],
)
def test_a_choice_adds_or_removes_its_line(name, part, change, before):
  assert _has(name, '', part) == before
  assert _has(name, '', part, **change) != before
