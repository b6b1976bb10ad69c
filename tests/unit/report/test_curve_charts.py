"""Curves: a panel for each series that has values, none without."""

from jaxgan.drawing import curves
from tests.support import pixels


def test_loss_curves_draw_with_gaps_and_skip_without_series(tmp_path):
  curves.loss_curves([{'step': 1, 'seconds': 2.0}], tmp_path / 'none.png')
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
  curves.loss_curves(rows, tmp_path / 'loss.png')
  assert pixels.image(tmp_path / 'loss.png').shape[1] == 1200  # three panels of 400 pixels
