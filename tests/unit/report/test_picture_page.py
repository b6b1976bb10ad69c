"""Pages: text and its width."""

from jaxgan.drawing import grids, page
from tests.support import pixels


def test_the_width_of_a_text_is_that_of_its_ink(tmp_path):
  path, text = tmp_path / 'page.png', 'words of a text'
  canvas = page.new_page(400.5, 40)
  page.write(canvas, text, (10, 5), 20)
  grids.save_png(path, canvas)
  assert pixels.image(path).shape == (40, 401, 3)
  columns = pixels.ink(pixels.image(path)).any(axis=0).nonzero()[0]
  assert 10 <= columns[0] < 14 and abs(columns[-1] - (10 + page.text_width(text, 20))) < 4
  assert page.text_width(2 * text, 20) > 1.9 * page.text_width(text, 20)
