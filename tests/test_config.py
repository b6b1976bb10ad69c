"""Impossible configurations are refused with one line that names the field."""

import json

import ml_collections
import pytest

from jaxgan import config as config_lib
from jaxgan.errors import UserError


@pytest.mark.parametrize(
  ('field', 'value', 'message'),
  [
    ('train.batch_size', 0, r'config\.train\.batch_size=0'),
    ('train.batch_size', 12, 'multiple of 8'),
    ('train.steps', -1, r'config\.train\.steps=-1'),
    ('train.epochs', 3, 'either train.steps or train.epochs'),
    ('train.log_every', 0, r'train\.log_every'),
    ('data.crop_padding', -1, r'data\.crop_padding'),
    ('data.options.imbalance_ratio', 0.5, r'imbalance_ratio=0.5 .* 1 or more'),
    ('methods', ('cgan',), r"methods='cgan' .* unconditional, class_balancing"),
    ('methods', (), 'at least one method'),
    ('algorithm.loss', 'wasserstein', r'algorithm\.loss.*relativistic, hinge, non_saturating'),
    ('algorithm.dtype', 'float16', r'algorithm\.dtype.*bfloat16'),
    ('algorithm.regulariser_weights', 'x', 'released, paper'),
    ('algorithm.regulariser_weight', -1.0, r'algorithm\.regulariser_weight'),
    ('algorithm.beta1', 1.0, r'algorithm\.beta1'),
    ('algorithm.ema_decay', 1.5, r'algorithm\.ema_decay'),
    ('algorithm.count_cycle', 0, r'algorithm\.count_cycle'),
    ('evaluation.batch_size', 9, r'evaluation\.batch_size'),
    ('classifier.algorithm.depth', 9, r'classifier\.algorithm\.depth=9 .* 6n \+ 2'),
    ('annotator.train.batch_size', 3, r'annotator\.train\.batch_size'),
    ('classifier.algorithm.drw_beta', 1.0, r'classifier\.algorithm\.drw_beta'),
  ],
)
def test_impossible_values(tiny_config, field, value, message):
  config_lib.validate(tiny_config, num_devices=8)
  with tiny_config.ignore_type(), tiny_config.unlocked():
    tiny_config.update_from_flattened_dict({field: value})
  with pytest.raises(UserError, match=message) as error:
    config_lib.validate(tiny_config, num_devices=8)
  assert '\n' not in str(error.value)


def test_a_given_classifier_needs_no_section_of_its_own(tiny_config):
  tiny_config.classifier.folder = 'somewhere'
  tiny_config.classifier.algorithm.depth = 9
  config_lib.validate(tiny_config, num_devices=1)


def test_a_folder_remembers_its_config(tiny_config, tmp_path):
  config_lib.remember(tmp_path / 'run', tiny_config)
  assert config_lib.read(tmp_path / 'run') == ml_collections.ConfigDict(
    json.loads(tiny_config.to_json())
  )


def test_another_config_is_refused_and_the_old_one_kept(tiny_config, tmp_path):
  config_lib.remember(tmp_path, tiny_config)
  before = (tmp_path / 'config.json').read_bytes()
  tiny_config.algorithm.learning_rate = 1.0
  tiny_config.seed = 5
  with pytest.raises(UserError, match='another config') as error:
    config_lib.remember(tmp_path, tiny_config)
  assert 'algorithm.learning_rate was 0.0002, is 1.0' in str(error.value)
  assert 'seed was 0, is 5' in str(error.value)
  assert (tmp_path / 'config.json').read_bytes() == before


def test_length_rhythm_and_places_may_change(tiny_config, tmp_path):
  config_lib.remember(tmp_path, tiny_config)
  tiny_config.train.steps = 1000
  tiny_config.train.log_every = 1
  tiny_config.data.data_dir = '/elsewhere'
  tiny_config.evaluation.samples = 7
  config_lib.remember(tmp_path, tiny_config)


def test_no_run_and_a_broken_one(tmp_path):
  with pytest.raises(UserError, match='holds no run'):
    config_lib.read(tmp_path)
  (tmp_path / 'config.json').write_text('{"seed": ')
  with pytest.raises(UserError, match='cannot be read'):
    config_lib.read(tmp_path)


def test_an_unwritable_work_directory(tiny_config, tmp_path):
  (tmp_path / 'file').write_text('in the way')
  with pytest.raises(UserError, match=r'cannot write to .*another --workdir'):
    config_lib.remember(tmp_path / 'file' / 'run', tiny_config)
