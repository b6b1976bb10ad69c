"""Pages: white pictures made of text and pixels, and tables as pictures.

Positions and sizes are pixels, from the top left. The fonts are those of the figures.
"""

import functools
from pathlib import Path
import tempfile

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jaxgan import names
from jaxgan.drawing import fonts
from jaxgan.drawing.grids import save_png

MARGIN = 12  # around a page, and between its parts
TEXT, NOTE = 20, 16  # of a table, made to be shown at half its size
LONGEST = 64  # characters of a table's cell
LINE = 1.7  # height of a line, in sizes of its text
NARROWEST = 640  # a table's notes are not wrapped to less


def new_page(width, height):
  """A white page.

  Args:
    width: pixels, rounded up.
    height: pixels, rounded up.

  Returns:
    A PIL image, for `write`, its own `paste`, and `grids.save_png`.
  """
  return Image.new('RGB', (-int(-width // 1), -int(-height // 1)), 'white')


def write(page, text, position, size, anchor='la', color='black', bold=False):
  """Writes one line of text.

  Args:
    page: what `new_page` returned.
    text: a string.
    position: (x, y) of the anchor.
    size: of the text.
    anchor: two letters of PIL's: l, m or r (left, middle, right) and a or m (top, middle).
    color: name or (red, green, blue).
    bold: whether in bold type.
  """
  draw, (x, y) = ImageDraw.Draw(page), position
  pieces = [(_font(path, size), piece) for path, piece in fonts.runs(text, bold)]
  if len(pieces) == 1:
    draw.text(position, text, color, pieces[0][0], anchor)
    return
  # Fonts differ in their heights: all pieces stand on one line.
  ascent, descent = _font(fonts.path(bold), size).getmetrics()
  y += ascent if anchor[1] == 'a' else (ascent - descent) / 2
  x -= {'l': 0, 'm': 0.5, 'r': 1}[anchor[0]] * text_width(text, size, bold)
  for font, piece in pieces:
    draw.text((x, y), piece, color, font, 'ls')
    x += font.getlength(piece)


def text_width(text, size, bold=False):
  """The width of a line of text, with room for the boxes that a figure shows of missing glyphs."""
  pieces = fonts.runs(text, bold)
  boxes = 0.6 * size * sum(map(fonts.is_missing, text))
  return -int(-(boxes + sum(_font(path, size).getlength(piece) for path, piece in pieces)) // 1)


def wrapped(text, width, size, bold=False):
  """Text in lines of at most a width; a longer word has a line of its own.

  Returns:
    A list of strings.
  """
  lines = ['']
  for word in text.split():
    longer = f'{lines[-1]} {word}'.strip()
    if lines[-1] and text_width(longer, size, bold) > width:
      lines.append(word)
    else:
      lines[-1] = longer
  return lines


def table(header, rows, path, title=None, notes=()):
  """Draws a table in the style of a paper: three rules, the first column left, the others centred.

  Args:
    header: [columns] strings.
    rows: lists of [columns] strings; '**...**' is bold, and a backslash escapes punctuation.
    path: the PNG.
    title: stands above.
    notes: strings in small type below, each line of them a paragraph.

  Raises:
    ValueError: there is no column, or a row has another number of cells.
  """
  if not header or any(len(row) != len(header) for row in rows):
    raise ValueError(f'each row needs {len(header)} cells (> 0), got {[len(row) for row in rows]}')
  lines = [[_bold(cell) for cell in row] for row in (header, *rows)]
  widths = [
    max(text_width(text, TEXT, bold) for text, bold in column) + 3 * MARGIN
    for column in zip(*lines, strict=True)
  ]
  right = MARGIN + sum(widths)
  # Text above and below may be wider than a narrow table.
  text_right = max(right - MARGIN, NARROWEST)
  titles = wrapped(title, text_right, TEXT, bold=True) if title else []
  paragraphs = [paragraph for note in notes for paragraph in note.splitlines()]
  notes = [line for paragraph in paragraphs for line in wrapped(paragraph, text_right, NOTE)]
  texts = [text_width(text, TEXT, bold=True) for text in titles]
  texts += [text_width(text, NOTE) for text in notes]

  line, note_line = round(LINE * TEXT), round(LINE * NOTE)
  height = line * (len(titles) + len(lines)) + note_line * len(notes) + 4 * MARGIN
  page = new_page(max([right, *(MARGIN + text for text in texts)]) + MARGIN, height)
  draw = ImageDraw.Draw(page)
  top = MARGIN
  for text in titles:
    write(page, text, (MARGIN, top + line / 2), TEXT, 'lm', bold=True)
    top += line
  draw.rectangle((MARGIN, top, right, top + 2), 'black')
  top += MARGIN // 2
  for index, cells in enumerate(lines):
    left = MARGIN
    for column, ((text, bold), width) in enumerate(zip(cells, widths, strict=True)):
      x = left + (MARGIN if column == 0 else width / 2)
      write(page, text, (x, top + line / 2), TEXT, 'lm' if column == 0 else 'mm', bold=bold)
      left += width
    top += line
    if index == 0:
      draw.rectangle((MARGIN, top + 2, right, top + 3), 'black')
      top += MARGIN // 2
  top += MARGIN // 2
  draw.rectangle((MARGIN, top, right, top + 2), 'black')
  top += MARGIN
  for text in notes:
    write(page, text, (MARGIN, top + note_line / 2), NOTE, 'lm', color='#444444')
    top += note_line
  save_png(path, page)


def stacked(draws, path):
  """Puts pictures below each other in one PNG, at the left; of none, draws nothing.

  Args:
    draws: functions `draw(path=...)` that write one PNG each.
    path: the PNG.
  """
  if not draws:
    return
  parts = []
  with tempfile.TemporaryDirectory() as folder:
    for draw in draws:
      part = Path(folder) / f'{len(parts)}.png'
      draw(path=part)
      with Image.open(part) as image:
        parts.append(np.asarray(image.convert('RGB')))
  width = max(part.shape[1] for part in parts)
  wide = [((0, 0), (0, width - part.shape[1]), (0, 0)) for part in parts]
  parts = [np.pad(part, by, constant_values=255) for part, by in zip(parts, wide, strict=True)]
  save_png(path, np.concatenate(parts))


def _bold(cell):
  """'**text**' -> ('text', True), 'text' -> ('text', False)."""
  bold = len(cell) > 4 and cell.startswith('**') and cell.endswith('**')
  return names.shown(names.unescaped(cell[2:-2] if bold else cell), LONGEST), bold


@functools.cache
def _font(path, size):
  return ImageFont.truetype(path, size)
