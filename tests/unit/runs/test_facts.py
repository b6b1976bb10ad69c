"""One network for two roles: who trains it, and on which images."""

import pytest

from experiments import folder_lt, label_free_folder
from jaxgan.config.overrides import changed
from jaxgan.runs import facts
from jaxgan.runs.experiment import resolved

OWN = {'data.source': 'mine'}


def _config(changes=None, argument='length=quick'):
  return resolved(changed(folder_lt.get_config(argument), OWN | (changes or {})))


def _trainers(config, workdir):
  return tuple(facts.trained_by(config, role, workdir) for role in ('classifier', 'annotator'))


def test_own_images_have_two_networks(tmp_path):
  config = _config()
  assert _trainers(config, tmp_path) == ('classifier', 'annotator')
  assert (config.classifier.half, config.annotator.half) == ('first', 'second')
  assert config.annotator.algorithm.batches == 'class_balanced'
  assert config.annotator.algorithm.drw_epoch is None
  assert config.annotator.seed_offset != config.classifier.seed_offset


# What `config.classifier` and `config.annotator` must share to train the same network.
SAME = {
  'classifier.half': None,
  'annotator.half': None,
  'annotator.seed_offset': 0,
  'classifier.algorithm.drw_epoch': None,
  'annotator.algorithm.batches': 'instance_balanced',
}


@pytest.mark.parametrize(
  ('more', 'trainer'),
  [
    ({}, 'classifier'),
    ({'annotator.checkpoint': 'best'}, 'classifier'),
    ({'annotator.train.log_every': 7, 'annotator.train.keep': 3}, 'classifier'),
    ({'annotator.seed_offset': 2}, 'annotator'),
    ({'annotator.train.epochs': 3}, 'annotator'),
    ({'annotator.algorithm.batches': 'class_balanced'}, 'annotator'),
    ({'annotator.data.flip': False}, 'annotator'),
  ],
)
def test_equal_sections_are_trained_once(tmp_path, more, trainer):
  config = _config(SAME | more)
  assert _trainers(config, tmp_path) == ('classifier', trainer)
  assert facts.classifier_folder(config, 'annotator', tmp_path) == tmp_path / trainer


def test_a_folder_of_the_other_role_shares_its_network(tmp_path):
  config = _config({'annotator.folder': str(tmp_path / 'other' / '..' / 'classifier')})
  assert _trainers(config, tmp_path) == ('classifier', 'classifier')
  # In another work directory it is a given classifier.
  assert _trainers(config, tmp_path / 'other') == ('classifier', None)
  config = _config({'classifier.folder': str(tmp_path / 'annotator')})
  assert _trainers(config, tmp_path) == ('annotator', 'annotator')
  config = _config({f'{role}.folder': str(tmp_path / 'x') for role in ('classifier', 'annotator')})
  assert _trainers(config, tmp_path) == (None, None)


def test_a_recogniser_has_the_annotator_of_the_experiment(tmp_path):
  config = resolved(changed(label_free_folder.get_config('length=quick'), OWN))
  # No classifier is in the loop, so that one network may label and judge.
  assert _trainers(config, tmp_path) == ('classifier', 'classifier')
  assert facts.trained_by(config, 'recogniser', tmp_path) == 'recogniser'


@pytest.mark.parametrize(
  ('changes', 'halves'),
  [
    ({'data.options.imbalance_ratio': 10.0}, (None, None)),  # The annotator sees more images.
    ({'classifier.half': None}, (None, None)),
    ({'annotator.half': None}, ('first', None)),  # It may change after the training.
    ({'annotator.folder': 'there'}, ('first', 'second')),
    ({'classifier.folder': 'there'}, ('first', None)),
    ({'annotator.data.source': 'elsewhere'}, ('first', None)),
  ],
)
def test_halves_belong_to_two_networks_on_the_same_images(changes, halves):
  config = _config(changes)
  assert (config.classifier.half, config.annotator.half) == halves
  assert resolved(config) == config
