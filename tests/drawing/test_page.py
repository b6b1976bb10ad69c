"""Pages: text that fits, and tables as pictures."""

import numpy as np
import pytest

from jaxgan.drawing import grids, page
from tests import pixels


def test_table_fits_its_text(tmp_path):
  path = tmp_path / 'table.png'
  page.table(['method', 'NMI'], [['a', '0.9'], ['b', '0.8']], path)
  small = pixels.image(path)
  pixels.assert_not_cut(path)
  page.table(['method', 'NMI'], [['a', '0.9'], ['b', '**0.8**']], path)
  assert (pixels.ink(pixels.image(path)).sum()) > pixels.ink(small).sum()
  header = ['method', *(f'split {i}' for i in range(25))]
  page.table(header, [['x', *['**0.123 ± 0.045**'] * 25]] * 2, path, 'A title')
  assert pixels.image(path).shape[1] > 25 * page.text_width('0.123 ± 0.045', page.TEXT, bold=True)
  pixels.assert_not_cut(path)


def test_table_wraps_title_and_notes(tmp_path):
  path, text = tmp_path / 'table.png', 'words of a text that is longer than the table ' * 6
  page.table(['a'], [['1']], path, title=text, notes=[text, 'short'])
  assert pixels.image(path).shape[1] <= page.NARROWEST + 24
  pixels.assert_not_cut(path)
  lines = page.wrapped(text, 200, 16)
  assert ' '.join(lines) == text.strip()
  assert max(page.text_width(line, 16) for line in lines) <= 200
  assert page.wrapped('a' * 99 + ' b', 200, 16) == ['a' * 99, 'b']
  page.table(['a'], [], path, notes=['a' * 99])
  pixels.assert_not_cut(path)


@pytest.mark.parametrize(('header', 'rows'), [([], []), (['a', 'b'], [['1', '2'], ['1']])])
def test_table_refuses_other_rows(tmp_path, header, rows):
  with pytest.raises(ValueError):
    page.table(header, rows, tmp_path / 'table.png')


def test_stacked_pictures_are_below_each_other_and_whole(tmp_path):
  def draw(grey, size):
    return lambda path: grids.save_png(path, np.full((*size, 3), grey, np.uint8))

  path = tmp_path / 'stacked.png'
  page.stacked([], path)
  assert not path.exists()
  page.stacked([draw(10, (2, 5)), draw(20, (3, 4))], path)
  image = pixels.image(path)
  assert image.shape == (5, 5, 3)
  assert (image[:2] == 10).all() and (image[2:, :4] == 20).all() and (image[2:, 4:] == 255).all()
