"""Pictures: pixels of the grids, and that each figure draws what it is given."""

import numpy as np
from PIL import Image
import pytest

from jaxgan import pictures

NAMES = [str(digit) for digit in range(10)]


def _image(path):
  with Image.open(path) as image:
    return np.asarray(image.convert('RGB'))


def _flat(values, size=8):
  """One plain grey image a value."""
  return np.array(values, np.uint8).reshape(-1, 1, 1, 1).repeat(size, 1).repeat(size, 2)


def test_image_grid_enlarges_and_places_tiles():
  grid = pictures.image_grid(_flat([0, 50, 100]), columns=2)
  assert grid.shape == (98, 98, 3) and grid.dtype == np.uint8
  assert (grid[:48, :48] == 0).all() and (grid[:48, 50:] == 50).all()
  assert (grid[50:, :48] == 100).all()
  assert (grid[48:50] == 255).all() and (grid[50:, 50:] == 255).all()


def test_image_grid_keeps_colours_and_large_images():
  images = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.uint8)
  np.testing.assert_array_equal(pictures.image_grid(images, columns=1), images[0])


@pytest.mark.parametrize(
  'images',
  [
    np.zeros((0, 8, 8, 1), np.uint8),
    np.zeros((2, 8, 8, 1)),
    np.zeros((2, 8, 8), np.uint8),
    np.zeros((2, 8, 8, 4), np.uint8),
  ],
)
def test_image_grid_refuses_other_arrays(images):
  with pytest.raises(ValueError):
    pictures.image_grid(images, columns=2)


def test_save_png_keeps_every_pixel(tmp_path):
  grid = pictures.image_grid(_flat([3, 200]), columns=2)
  pictures.save_png(tmp_path / 'samples' / 'grid.png', grid)
  np.testing.assert_array_equal(_image(tmp_path / 'samples' / 'grid.png'), grid)


def test_loss_curves_draw_with_gaps_and_skip_without_series(tmp_path):
  pictures.loss_curves([{'step': 1, 'seconds': 2.0}], tmp_path / 'none.png')
  assert not (tmp_path / 'none.png').exists()
  rows = [
    {
      'step': step,
      'loss/generator': 1.0 / step,
      'loss/discriminator': None,
      'evaluation/class_counts': [1, 2],
    }
    for step in range(1, 50)
  ]
  rows.append({'step': 50, 'evaluation/accuracy': 0.5})
  pictures.loss_curves(rows, tmp_path / 'loss.png')
  assert _image(tmp_path / 'loss.png').shape[1] == 1200  # three panels of 400 pixels


@pytest.mark.parametrize('num_classes', [2, 10, 1010])
def test_class_histograms(tmp_path, num_classes):
  names = [f'class {k}' for k in range(num_classes)]
  train_counts = np.arange(1, num_classes + 1)
  rows = [{'step': 1, 'loss/generator': 1.0}]
  path = tmp_path / 'time.png'
  pictures.class_histogram_over_time(rows, path, names)
  assert not path.exists()
  rows += [
    {'step': step, 'evaluation/class_counts': (train_counts + step).tolist()} for step in (2, 3)
  ]
  pictures.class_histogram_over_time(rows, path, names)
  by_label = _image(path)
  pictures.class_histogram_over_time(rows, path, names, train_counts=train_counts)
  assert (by_label != _image(path)).any()  # from head to tail is another order
  pictures.class_histogram(
    {'unconditional': train_counts, 'class_balancing': np.ones(num_classes)},
    train_counts,
    names,
    tmp_path / 'histogram.png',
  )
  assert _image(tmp_path / 'histogram.png').std() > 0


def test_samples_by_class_rows_are_shares_and_panels_have_equal_samples(tmp_path):
  greys = [40, 80, 120]
  first = np.array([0] * 6 + [1] * 2 + [2] * 1 + [2] * 20)
  second = np.array([0, 1, 2] * 3)
  panels = {
    'unconditional': (_flat(np.array(greys)[first]), first),
    'class_balancing': (_flat(np.array(greys)[second] + 1), second),
  }
  pictures.samples_by_class(panels, NAMES[:3], tmp_path / 'panels.png')
  image = _image(tmp_path / 'panels.png')
  # The dashed line covers a few pixels of the tiles.
  assert [round((image == grey).all(-1).sum() / 32**2, 1) for grey in greys] == pytest.approx(
    [6, 2, 1], abs=0.2
  )
  assert [(image == grey + 1).all(-1).sum() / 32**2 for grey in greys] == pytest.approx(
    [3, 3, 3], abs=0.2
  )


def test_samples_by_class_never_cuts_a_row(tmp_path):
  labels = np.array([0, 0, 1] * 40)  # the 31st image of class 0 is number 46
  pictures.samples_by_class(
    {'unconditional': (_flat(40 + 40 * labels), labels)}, NAMES[:2], tmp_path / 'panels.png'
  )
  image = _image(tmp_path / 'panels.png')
  assert [(image == grey).all(-1).sum() / 32**2 for grey in (40, 80)] == pytest.approx(
    [30, 15], abs=0.2
  )


def test_samples_by_class_of_many_classes_and_of_no_image(tmp_path):
  labels = np.arange(100)
  names = [f'class {k}' for k in range(100)]
  pictures.samples_by_class({'a': (_flat(labels), labels)}, names, tmp_path / 'panels.png')
  assert _image(tmp_path / 'panels.png').shape[0] == 10 * 34 - 2 + 34 + 30
  with pytest.raises(ValueError, match="panel 'a'"):
    pictures.samples_by_class({'a': (_flat([]), labels[:0])}, names, tmp_path / 'panels.png')
