"""Pictures of class balance: each figure draws its data."""

import numpy as np
import pytest

from jaxgan.evaluation.record import LabelSet
from jaxgan.report import class_pictures as pictures
from tests.support import pixels

BARS = [31, 119, 180], [255, 127, 14]  # colours of the first and the second method
NAMES = [str(digit) for digit in range(10)]


@pytest.mark.parametrize('num_classes', [2, 10, 1010])
def test_class_histograms(tmp_path, num_classes):
  names = [f'class {k}' for k in range(num_classes)]
  train_counts = np.arange(1, num_classes + 1)
  rows = [{'step': 1, 'loss/generator': 1.0}]
  path = tmp_path / 'time.png'
  pictures.shares_over_time(rows, names, (), 'classes', path)
  assert not path.exists()
  rows += [
    {'step': step, 'evaluation/class_counts': (train_counts + step).tolist()} for step in (2, 3)
  ]
  pictures.shares_over_time(rows, names, (), 'classes', path)
  by_label = pixels.image(path)
  pictures.shares_over_time(rows, names, tuple(train_counts), 'classes', path)
  assert (by_label != pixels.image(path)).any()  # from head to tail is another order
  pictures.class_histogram(
    {'unconditional': train_counts, 'class_balancing': np.ones(num_classes)},
    LabelSet(names=tuple(names), counts=tuple(train_counts.tolist())),
    tmp_path / 'histogram.png',
  )
  assert pixels.image(tmp_path / 'histogram.png').std() > 0


@pytest.mark.parametrize('num_classes', [3, 12])
def test_per_class_distances_of_classes_and_of_thirds(tmp_path, num_classes):
  def compared(first):
    return {
      'class_frechet/annotator': [first, 2.0, *[None] * (num_classes - 2)],
      'thirds_frechet/annotator': [first, 2.0, None],
    }

  images = []
  for first in (1.0, 3.0):
    pictures.class_frechet(
      {'unconditional': compared(1.0), 'class_balancing': compared(first)},
      LabelSet(
        names=tuple(f'class {k}' for k in range(num_classes)),
        counts=tuple(range(num_classes, 0, -1)),
      ),
      'annotator',
      tmp_path / 'distances.png',
    )
    images.append(pixels.image(tmp_path / 'distances.png'))
  blue, orange = ([(image == color).all(-1).sum() for image in images] for color in BARS)
  # Bars of 1 and 2 beside such of 1 and 2, and beside such of 3 and 2.
  assert np.divide(orange, blue) == pytest.approx([1, 5 / 3], rel=0.05)


def test_samples_by_class_rows_are_shares_and_panels_have_equal_samples(tmp_path):
  greys = [40, 80, 120]
  first = np.array([0] * 6 + [1] * 2 + [2] * 1 + [2] * 20)
  second = np.array([0, 1, 2] * 3)
  panels = {
    'unconditional': (pixels.flat(np.array(greys)[first]), first),
    'class_balancing': (pixels.flat(np.array(greys)[second] + 1), second),
  }
  pictures.samples_by_class(panels, NAMES[:3], tmp_path / 'panels.png')
  image = pixels.image(tmp_path / 'panels.png')
  # The dashed line covers a few pixels of the tiles.
  assert [round((image == grey).all(-1).sum() / 32**2, 1) for grey in greys] == pytest.approx(
    [6, 2, 1], abs=0.2
  )
  assert [(image == grey + 1).all(-1).sum() / 32**2 for grey in greys] == pytest.approx(
    [3, 3, 3], abs=0.2
  )


def test_samples_by_class_puts_the_third_method_below(tmp_path):
  labels = np.arange(6) % 3
  greys = (40, 80, 120)
  panels = {str(grey): (pixels.flat(np.full(6, grey)), labels) for grey in greys}
  pictures.samples_by_class(panels, NAMES[:3], tmp_path / 'panels.png')
  image = pixels.image(tmp_path / 'panels.png')
  # Text and lines have such greys too, but few of them.
  masks = [(image == grey).all(-1) for grey in greys]
  first, beside, below = (np.flatnonzero(mask.sum(1) >= 32) for mask in masks)
  np.testing.assert_array_equal(first, beside)
  assert first.max() < below.min()
  first, beside, below = (np.flatnonzero(mask.sum(0) >= 32) for mask in masks)
  np.testing.assert_array_equal(first, below)
  assert first.max() < beside.min()


def test_samples_by_class_never_cuts_a_row(tmp_path):
  labels = np.array([0, 0, 1] * 40)  # the 31st image of class 0 is number 46
  pictures.samples_by_class(
    {'unconditional': (pixels.flat(40 + 40 * labels), labels)}, NAMES[:2], tmp_path / 'panels.png'
  )
  image = pixels.image(tmp_path / 'panels.png')
  assert [(image == grey).all(-1).sum() / 32**2 for grey in (40, 80)] == pytest.approx(
    [30, 15], abs=0.2
  )


def test_samples_by_class_of_many_classes_and_of_no_image(tmp_path):
  labels = np.arange(100)
  names = [f'class {k}' for k in range(100)]
  pictures.samples_by_class({'a': (pixels.flat(labels), labels)}, names, tmp_path / 'panels.png')
  image = pixels.image(tmp_path / 'panels.png')
  tiles = [(image == grey).all(-1).sum() / 32**2 for grey in range(100)]
  # Evenly spaced, the first and the last among them; greys of a few pixels are of text.
  assert [k for k, number in enumerate(tiles) if number > 0.8] == list(range(0, 100, 11))
  with pytest.raises(ValueError, match='at least one image'):
    pictures.samples_by_class({'a': (pixels.flat([]), labels[:0])}, names, tmp_path / 'panels.png')
