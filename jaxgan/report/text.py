"""Numbers, protocols, footnotes and lines of cells as text."""

import itertools
import statistics

from jaxgan.system.names import width


def mark(footnotes, text):
  """The mark of a footnote, such as [^1]; of no text, none.

  Args:
    footnotes: {text: number} of all tables of a report, which gets the text.
    text: plain.
  """
  return f'[^{footnotes.setdefault(text, len(footnotes) + 1)}]' if text else ''


def mean_std(values, digits=None, population=False):
  """Mean ± sample standard deviation (n) as text; one value as it is.

  Args:
    values: numbers, at least one.
    digits: how many after the point; by default 3 for numbers below 10 and otherwise 2.
    population: whether the population standard deviation, NumPy's (ddof 0), stands behind n.
  """
  text = number(statistics.fmean(values), digits)
  if len(values) > 1:
    beside = f'; ddof 0: {number(statistics.pstdev(values), digits)}' if population else ''
    text += f' ± {number(statistics.stdev(values), digits)} ({len(values)}{beside})'
  return text


def with_spread(values, digits=None):
  """A value, or mean and standard deviation, as text."""
  return ' ± '.join(number(value, digits) for value in values)


def number(value, digits=None):
  """A number as text, with so many digits after the point."""
  if digits is None:
    digits = 3 if abs(value) < 10 else 2
  return f'{value:.{digits}f}'


def untaken(title, taken) -> str:
  """A title, or 'title (2)' and so on where it is taken."""
  others = (f'{title} ({number})' for number in itertools.count(2))
  return next(name for name in itertools.chain([title], others) if name not in taken)


def in_words(protocol):
  """What `Row.protocol` returns, as text."""
  return '; '.join(f'{name.replace("_", " ")}: {text}' for name, text in protocol.items())


def markdown(lines):
  """Lines of cells, which are Markdown, the first one the header, as a table."""
  lines = [lines[0], ['---'] * len(lines[0]), *lines[1:]]
  return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def aligned(title, lines, rows):
  """Lines of cells as aligned plain text, under a title and above the rows' notes."""
  widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
  text = [title]
  for line in lines:
    gaps = [' ' * (most - width(cell)) for cell, most in zip(line, widths, strict=True)]
    cells = [gap + cell for gap, cell in zip(gaps[1:], line[1:], strict=True)]
    text.append('  '.join([line[0] + gaps[0], *cells]).rstrip())
  return '\n'.join([*text, *dict.fromkeys(note for row in rows for note in row.notes())])
