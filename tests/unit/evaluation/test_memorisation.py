"""Memorisation: generated tail images and their nearest training images."""

import numpy as np
import pytest

from jaxgan.evaluation import memorisation
from jaxgan.evaluation.memorisation import LabelledFeatures, compare

COUNTS = [9, 2, 5, 3]  # class 1 is the rarest


def _side(features, labels, shown=None):
  """Makes images whose pixels are the first feature."""
  features = np.asarray(features, np.float32)
  images = (10 * features[:shown, :1]).astype(np.uint8)[:, :, None, None]
  return LabelledFeatures(
    np.broadcast_to(images, (len(images), 4, 4, 1)), np.asarray(labels), features
  )


TRAIN = _side([[0.0, 0], [1.0, 0], [8.0, 0], [9.0, 0]], [0, 0, 1, 1])
HELD_OUT = _side([[8.0, 1], [9.0, 2], [0.0, 1]], [1, 1, 0])


def test_copies_are_found():
  generated = _side([[9.0, 0], [1.0, 0], [8.0, 0]], [1, 0, 1])
  results, arrays = compare(generated, TRAIN, HELD_OUT, COUNTS)
  assert results['classes'] == [1]
  assert results['copying'] == [1.0]
  assert (results['generated_images'], results['held_out_images']) == ([2], [2])
  assert results['generated_quantiles'] == [[0.0] * 11]
  np.testing.assert_allclose(results['held_out_quantiles'][0][::5], [1.0, 1.5, 2.0])
  np.testing.assert_array_equal(arrays['images'], arrays['nearest'])
  assert arrays['labels'].tolist() == arrays['nearest_labels'].tolist() == [1, 1]


def test_new_images_are_none_and_the_nearest_come_first():
  generated = _side([[8.0, 5], [8.0, 3], [1.0, 4], [8.0, 0.5]], [1, 1, 1, 1], shown=3)
  results, arrays = compare(generated, TRAIN, HELD_OUT, COUNTS)
  assert results['copying'] == [pytest.approx(2 / 8)]
  # The last one is counted, but only the images that are kept can be shown.
  assert results['shown'] == [3]
  assert results['generated_images'] == [4]
  assert arrays['distances'].tolist() == [3.0, 4.0, 5.0]
  assert arrays['nearest_labels'].tolist() == [1, 0, 1]  # of all classes


def test_a_class_without_images():
  results, arrays = compare(_side([[0.0, 0]], [0]), TRAIN, HELD_OUT, COUNTS)
  assert results['copying'] == [None]
  assert results['generated_quantiles'] == [None]
  assert results['shown'] == [0]
  assert len(arrays['images']) == len(arrays['distances']) == 0


def test_the_rarest_classes_first_and_not_too_many():
  assert memorisation.tail_classes([5, 9, 1, 7, 3, 8]).tolist() == [2, 4]
  assert memorisation.tail_classes([5, 9]).tolist() == [0]
  assert len(memorisation.tail_classes(np.arange(100))) == memorisation.MAX_CLASSES
