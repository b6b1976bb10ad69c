"""The ugliest names that class folders may have, and what a figure or a page shows of them."""

from matplotlib.figure import Figure
from matplotlib.text import Text

NAMES = (
  'Ba$$in',
  '_hidden',
  'x^2_1',
  'C:\\new',
  '猫',
  '🐈',
  'naïve café',
  'a_long_path_' * 16 + 'its_end',
  '<b>&amp;<script>',
  'a|b`c`',
)
MORE_NAMES = (
  '100%',
  '${HOME}',
  'uniform',
  '**e\u0301te\u0301**',
  'قطة',
  'חתול',
  'बिल्ली',
  '\u200b',
  '[^1]',
  '\\alpha',
)


def watch_figures(monkeypatch):
  """Returns a list that gets the texts of every figure that is saved, as it is drawn."""
  figures, save = [], Figure.savefig

  def saved(self, *arguments, **options):
    save(self, *arguments, **options)
    texts = self.findobj(Text)
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts if text.get_text())
    figures.append([text.get_text() for text in texts])

  monkeypatch.setattr(Figure, 'savefig', saved)
  return figures
