"""Pages: white pictures made of text and pixels.

Positions and sizes are pixels, from the top left. The fonts are those of the figures.
"""

import functools

from PIL import Image, ImageDraw, ImageFont

from jaxgan.drawing import fonts

MARGIN = 12  # around a page, and between its parts


def new_page(width, height):
  """A white page.

  Args:
    width: pixels, rounded up.
    height: pixels, rounded up.

  Returns:
    A PIL image, for `write`, its own `paste`, and `grids.save_png`.
  """
  return Image.new('RGB', (-int(-width // 1), -int(-height // 1)), 'white')


def write(page, text, position, size, anchor='la', color='black'):
  """Writes one line of text.

  Args:
    page: what `new_page` returned.
    text: a string.
    position: (x, y) of the anchor.
    size: of the text.
    anchor: two letters of PIL's: l, m or r (left, middle, right) and a or m (top, middle).
    color: name or (red, green, blue).
  """
  draw, (x, y) = ImageDraw.Draw(page), position
  pieces = [(_font(path, size), piece) for path, piece in fonts.runs(text)]
  if len(pieces) == 1:
    draw.text(position, text, color, pieces[0][0], anchor)
    return
  # Fonts differ in their heights: all pieces stand on one line.
  ascent, descent = _font(fonts.path(), size).getmetrics()
  y += ascent if anchor[1] == 'a' else (ascent - descent) / 2
  x -= {'l': 0, 'm': 0.5, 'r': 1}[anchor[0]] * text_width(text, size)
  for font, piece in pieces:
    draw.text((x, y), piece, color, font, 'ls')
    x += font.getlength(piece)


def text_width(text, size):
  """The width of a line of text, with room for the boxes that a figure shows of missing glyphs."""
  pieces = fonts.runs(text)
  boxes = 0.6 * size * sum(map(fonts.is_missing, text))
  return -int(-(boxes + sum(_font(path, size).getlength(piece) for path, piece in pieces)) // 1)


@functools.cache
def _font(path, size):
  return ImageFont.truetype(path, size)
