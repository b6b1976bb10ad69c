"""Footnotes of a report: one numbering for all of its tables."""

from jaxgan.system.names import escaped


class Footnotes:
  """Numbered footnotes, the same text once; the texts are plain, not Markdown."""

  def __init__(self):
    """Starts without any."""
    self.texts = []

  def mark(self, text):
    """The mark of a footnote, such as [^1]."""
    if text not in self.texts:
      self.texts.append(text)
    return f'[^{self.texts.index(text) + 1}]'

  def lines(self):
    """The footnotes in Markdown."""
    return [f'[^{number}]: {escaped(text)}' for number, text in enumerate(self.texts, start=1)]
