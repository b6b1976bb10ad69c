"""Schedules of experiments: fractions, and the numbers of earlier starts."""

import json
import pathlib
from typing import Any, cast

import pytest

from jaxgan.config.overrides import changed
from jaxgan.errors import UserError
from jaxgan.runs import families, schedules
from jaxgan.runs.experiment import resolved
from jaxgan.runs.facts import Facts, Folder
from tests.support.experiment_names import module

WORKDIR = pathlib.Path('runs/x')


def _folder(**folders):
  """Facts without images, of a work directory with the config.json of some jobs."""
  read = {name.replace('__', '/'): Folder('', 0, fields) for name, fields in folders.items()}
  return Facts(
    WORKDIR,
    ('class_balancing',),
    cast(Any, None),
    roles=(),
    images={},
    known={},
    folders=read,
    measured=frozenset(),
    unreadable=(),
  )


def _quick(**changes):
  config = module('folder_lt').get_config('length=quick,method=class_balancing')
  return resolved(changed(config, changes))


def _stored(config):
  """The fields that a folder stores of a fixed experiment."""
  return json.loads(schedules.fixed(config).model_dump_json())


def test_a_continued_run_keeps_the_numbers_of_its_first_start():
  facts = _folder(class_balancing=_stored(_quick()))
  longer = schedules.fixed(_quick(**{'train.steps': 4000}), facts)
  assert (longer.algorithm.ema_start, longer.algorithm.count_cycle) == (400, 40)
  assert schedules.kept(longer, facts) == [
    'config.algorithm.ema_start stays at 400: 20 % of the length at the first start, not of 4,000 '
    'steps',
    'config.algorithm.count_cycle stays at 40: 2 % of the length at the first start, not of 4,000 '
    'steps',
  ]
  assert not any('ema_start' in line for line in schedules.lines(longer, facts))
  # A third start still knows what the first start chose.
  again = schedules.fixed(
    _quick(**{'train.steps': 6000}), _folder(class_balancing=json.loads(longer.model_dump_json()))
  )
  assert again.algorithm == longer.algorithm


def test_the_methods_of_a_work_directory_share_their_schedule():
  facts = _folder(unconditional=_stored(_quick()))
  assert schedules.fixed(_quick(**{'train.steps': 4000}), facts).algorithm.ema_start == 400


@pytest.mark.parametrize(('other', 'number'), [(0.5, 2000), (100, 100)])
def test_another_fraction_or_number_is_not_kept(other, number):
  """The folder then refuses it as a changed field."""
  facts = _folder(class_balancing=_stored(_quick()))
  config = _quick(**{'train.steps': 4000, 'algorithm.ema_start': other})
  assert schedules.fixed(config, facts).algorithm.ema_start == number
  explicit = _folder(class_balancing=_stored(_quick(**{'algorithm.ema_start': 100})))
  config = _quick(**{'train.steps': 4000})
  assert schedules.fixed(config, explicit).algorithm.ema_start == 800


def test_a_file_from_before_fractions_existed_keeps_its_numbers():
  older = _stored(_quick(**{'algorithm.ema_start': 400, 'algorithm.count_cycle': 40}))
  del older['fractions']
  facts = _folder(class_balancing=older)
  longer = schedules.fixed(_quick(**{'train.steps': 4000}), facts)
  assert (longer.algorithm.ema_start, longer.algorithm.count_cycle) == (400, 40)
  assert len(schedules.kept(longer, facts)) == 2


def test_a_classifier_has_the_numbers_of_its_own_folder():
  first = _quick()
  own = schedules.fixed(first).classifier
  fields = json.loads(own.model_dump_json())
  fields['fractions'] = {'algorithm.decay_epochs': [0.8, 0.9], 'algorithm.drw_epoch': 0.8}
  facts = _folder(classifier=fields)
  epochs = {f'{role}.train.epochs': 40 for role in ('classifier', 'annotator', 'cas')}
  longer = schedules.fixed(_quick(**epochs), facts)
  assert longer.classifier.algorithm.decay_epochs == (16, 18)
  assert longer.annotator.algorithm.decay_epochs == (32, 36)
  assert longer.cas.algorithm.decay_epochs == (32, 36)
  assert schedules.kept(longer, facts)[0] == (
    'config.classifier.algorithm.decay_epochs stays at (16, 18): 80 % and 90 % of the length at '
    'the first start, not of 40 epochs'
  )


def test_a_plan_shows_the_numbers():
  config = schedules.fixed(_quick())
  first, second, *_ = schedules.lines(config, _folder())
  assert first == (
    'schedule of config.algorithm: ema_start=400 (20 %), count_cycle=40 (2 %) of 2,000 steps'
  )
  assert second == (
    'schedule of config.classifier.algorithm: warmup_epochs=1 (2.5 %), '
    'decay_epochs=(16, 18) (80 % and 90 %), drw_epoch=16 (80 %) of 20 epochs'
  )
  long = schedules.fixed(_quick(**{'train.steps': 100_000}))
  assert schedules.lines(long, _folder())[0].endswith('of 100,000 steps')
  short = schedules.fixed(_quick(**{'classifier.train.epochs': 1}))
  assert schedules.lines(short, _folder())[1].endswith('of 1 epoch')


def test_a_length_that_needs_the_images():
  argument = 'method=joint_vae'
  config = resolved(module('elastic_infogan_folder').get_config(argument))
  config = changed(config, {'algorithm.capacity_steps': 0.5})
  fixed = schedules.fixed(config)
  assert fixed.algorithm.capacity_steps == 1
  assert schedules.lines(fixed, _folder())[0] == (
    'schedule of config.algorithm: capacity_steps (50 %) of the run, whose length is known once '
    'the images are prepared'
  )
  quick = module('elastic_infogan_folder').get_config(f'{argument},length=quick')
  assert schedules.fixed(resolved(quick)).algorithm.capacity_steps == 1000


def test_a_recogniser_stores_its_own_fractions():
  config = resolved(module('label_free_folder').get_config('length=quick'))
  config = changed(config, {'algorithm.num_categories': 4})
  fixed = schedules.fixed(resolved(config))
  assert fixed.recogniser.annotator.algorithm.decay_epochs == (16, 18)
  assert fixed.recogniser.fractions['annotator.algorithm.decay_epochs'] == (0.8, 0.9)
  assert fixed.fractions['algorithm.ema_start'] == 0.2


def test_a_fixed_experiment_stays_as_it_is():
  fixed = schedules.fixed(_quick())
  assert schedules.fixed(fixed, _folder()) is fixed
  with pytest.raises(UserError, match='ema_start'):
    families.experiment(dict(fixed) | {'algorithm': {'ema_start': -1}})
