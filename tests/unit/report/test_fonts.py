"""Fonts: the font of each character, and the message about characters without a font."""

from matplotlib import get_data_path
import pytest

from jaxgan.report import figures, fonts

STIX = f'{get_data_path()}/fonts/ttf/STIXGeneral.ttf'
ONLY_THERE = '\u1d8a'  # In STIX and not in DejaVu Sans.
NOWHERE = '\U000e0f00'


@pytest.fixture(autouse=True)
def installed(monkeypatch):
  """A machine with STIX as the only installed font."""
  monkeypatch.setattr(fonts, '_installed', lambda: [STIX])
  monkeypatch.setattr(fonts, '_told', set())
  fonts._family_of.cache_clear()
  yield
  fonts._family_of.cache_clear()


def test_a_text_has_the_families_of_all_its_characters():
  text = f'a é{ONLY_THERE}\u0301 b{NOWHERE}'
  assert fonts.families(['abc', 'é']) == ['DejaVu Sans'] == fonts.families([])
  assert fonts.families(['abc', text]) == ['DejaVu Sans', 'STIXGeneral']


def test_a_figure_has_the_glyphs_of_an_installed_font():
  def drawn(text):
    figure = figures.new_figure(layout=None)
    figure.text(0, 0, text)
    return figures.rendered(figure, 'png')

  assert drawn(ONLY_THERE) == drawn(ONLY_THERE) != drawn(NOWHERE)
  assert drawn(NOWHERE) == drawn('\U000e0f01')  # Boxes.


def test_what_no_font_has_is_told_once_with_the_fonts_to_install(capsys):
  fonts.families(['a 猫'])
  fonts.families(['猫', '한 cat', '\u200b'])
  fonts.tell_missing(['猫', '한', '🐈'])
  lines = capsys.readouterr().err.splitlines()
  assert len(lines) == 3
  assert all('no installed font' in line for line in lines)
  assert lines[0].endswith('猫 (install Noto Sans CJK: apt install fonts-noto-cjk)')
  assert '한 (install Noto Sans CJK' in lines[1]
  assert '🐈 (install Symbola' in lines[2]
