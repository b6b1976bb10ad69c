"""The fields of a record about the accuracies and the agreement of two classifiers."""

import jax.numpy as jnp
import numpy as np
import pytest

from data_prep import build
from jaxgan.data import training_data
from jaxgan.evaluation import agreement
from jaxgan.report import classifiers as report
from jaxgan.training.classifiers import Classifier

NAMES = ('a', 'b', 'c')


def _classifier(key, names=NAMES, swap=False, **fields):
  """Reads the class from the first pixel, by the order of `names`."""

  def classify(variables, images):
    label = jnp.round((images[:, 0, 0, 0] + 1) * 127.5).astype(int)
    label = jnp.where(swap & (label == 2), 1, label)
    own = jnp.asarray([names.index(name) for name in NAMES])[label]
    return jnp.eye(len(names))[own] + variables, images[:, 0, 0]

  return Classifier(classify, jnp.float32(0), names, (2, 2, 1), 0.75, key, **fields)


@pytest.fixture
def test_images():
  labels = np.array([0, 0, 1, 2], np.int32)
  images = np.broadcast_to(labels[:, None, None, None], (4, 2, 2, 1)).astype(np.uint8)
  return build.Arrays(images, labels, NAMES, {}, 'test')


def test_agreement_is_of_classes_and_not_of_outputs(test_images):
  data = training_data.whole(test_images)
  more = ('x', 'c', 'b', 'a')
  for names in (NAMES, more):
    other = _classifier('other', names, swap=True)
    found = agreement.agreement_fields(
      {'classifier': _classifier('one'), 'annotator': other}, data, test_images
    )
    # Of 0, 0, 1, 2 and 0, 0, 1, 1: p_o = 3/4, p_e = (2 * 2 + 1 * 2) / 16.
    assert found == {
      'annotator_agreement': 0.75,
      'annotator_kappa': pytest.approx((3 / 4 - 6 / 16) / (1 - 6 / 16)),
    }


def test_kappa_is_of_agreement_beyond_chance(test_images):
  one_class = test_images._replace(images=0 * test_images.images)
  found = agreement.agreement_fields(
    {'classifier': _classifier('one'), 'annotator': _classifier('other')},
    training_data.whole(test_images),
    one_class,
  )
  assert found == {'annotator_agreement': 1.0, 'annotator_kappa': None}


def test_one_network_has_no_agreement_to_measure(test_images):
  data, one = training_data.whole(test_images), _classifier('one')
  both = {'classifier': one, 'annotator': one._replace(protocol={'checkpoint': 'best'})}
  assert agreement.are_one(both)
  assert not agreement.are_one({'classifier': one, 'annotator': _classifier('other')})
  assert not agreement.are_one({'annotator': one})
  for classifiers in (both, {'annotator': one}, {'recogniser': one}):
    assert agreement.agreement_fields(classifiers, data, test_images) == {}


def test_an_accuracy_has_its_interval():
  fields = agreement.accuracy_fields('annotator', _classifier('one', num_tested=136))
  assert fields == {
    'annotator_accuracy': 0.75,
    'annotator_accuracy_low': pytest.approx(0.671, abs=5e-4),
    'annotator_accuracy_high': pytest.approx(0.815, abs=5e-4),
    'annotator_test_images': 136,
  }
  assert agreement.accuracy_fields('annotator', _classifier('one')) == {'annotator_accuracy': 0.75}
  assert agreement.accuracy_fields('annotator', None) == {'annotator_accuracy': None}


def test_the_lines_of_the_terminal():
  run = {'annotator_agreement': 0.875, 'annotator_kappa': 0.8125}
  for role in ('annotator', 'classifier'):
    run |= agreement.accuracy_fields(role, _classifier(role, num_tested=136))
  assert report.in_words([run | {'seed': 0}, run | {'seed': 0}]) == [
    'classifier: 75.0 % of 136 test images right (95 % interval 67.1 to 81.5 %)',
    'annotator: 75.0 % of 136 test images right (95 % interval 67.1 to 81.5 %)',
    "both give the same class to 87.5 % of the test images (Cohen's kappa 0.81)",
  ]
  assert report.in_words([{'annotator_accuracy': 0.9, 'seed': 0}]) == []  # An older record.
