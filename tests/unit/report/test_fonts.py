"""Fonts: which one each character is drawn in, and what is said where none has it."""

from matplotlib import get_data_path
import pytest

from jaxgan.drawing import fonts, page

STIX = f'{get_data_path()}/fonts/ttf/STIXGeneral.ttf'
ONLY_THERE = '\u1d8a'  # In STIX and not in DejaVu Sans.
NOWHERE = '\U000e0f00'


@pytest.fixture(autouse=True)
def installed(monkeypatch):
  """A machine on which STIX is the one font that is installed."""
  monkeypatch.setattr(fonts, '_installed', lambda: [STIX])
  monkeypatch.setattr(fonts, '_told', set())
  fonts._font_of.cache_clear()
  yield
  fonts._font_of.cache_clear()


def test_each_piece_of_a_text_is_in_a_font_that_has_it():
  text = f'a é{ONLY_THERE}\u0301 b{NOWHERE}'
  assert fonts.runs(text) == [
    (fonts.path(), 'a é'), (STIX, f'{ONLY_THERE}\u0301 '), (fonts.path(), f'b{NOWHERE}')
  ]  # fmt: skip
  assert fonts.runs('abc') == [(fonts.path(), 'abc')] and fonts.runs('') == []
  assert fonts.families(['abc', 'é']) == ['DejaVu Sans']
  assert fonts.families(['abc', text]) == ['DejaVu Sans', 'STIXGeneral']


def test_a_text_of_several_fonts_is_as_wide_as_it_is_drawn():
  text = f'abc{ONLY_THERE}def'
  width = page.text_width(text, 20)
  assert width > page.text_width('abcdef', 20) + 5
  for anchor, x in (('lm', 10), ('mm', 10 + width / 2), ('rm', 10 + width)):
    drawn = page.new_page(width + 20, 40)
    page.write(drawn, text, (x, 20), 20, anchor)
    left, _, right, _ = drawn.convert('L').point(lambda value: 255 - value).getbbox()
    assert abs(left - 10) <= 3 and abs(right - 10 - width) <= 3


def test_what_no_font_has_is_told_once_with_the_fonts_to_install(capsys):
  assert page.text_width('猫', 20) >= 20
  fonts.families(['猫', '한 cat', '\u200b'])
  fonts.tell_missing(['猫', '한', '🐈'])
  lines = capsys.readouterr().err.splitlines()
  assert len(lines) == 3 and all('no installed font' in line for line in lines)
  assert lines[0].endswith('猫 (install Noto Sans CJK: apt install fonts-noto-cjk)')
  assert '한 (install Noto Sans CJK' in lines[1] and '🐈 (install Symbola' in lines[2]
