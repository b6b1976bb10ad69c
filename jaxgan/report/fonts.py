"""Fonts: finds an installed font for each character of a text."""

from collections.abc import Iterable
import functools
import unicodedata

import numpy as np

from jaxgan.system import messages

FAMILY = 'DejaVu Sans'  # comes with matplotlib
# Fonts to install, and the first words of the Unicode names of their characters.
_CJK = 'Noto Sans CJK: apt install fonts-noto-cjk'
_CJK_WORDS = ('CJK', 'HIRAGANA', 'KATAKANA', 'HANGUL', 'IDEOGRAPHIC', 'FULLWIDTH', 'BOPOMOFO')
_SYMBOLS = 'Symbola: apt install fonts-symbola'
_OTHERS = 'Noto Sans: apt install fonts-noto-core'
_UNSEEN = ('Cc', 'Cf', 'Zs')  # categories of invisible characters
_told = set()


def families(texts: Iterable[str]) -> list[str]:
  """Returns the font families that matplotlib needs for some texts, the main one first."""
  chars = ''.join(texts)
  tell_missing(chars)
  return list(dict.fromkeys([FAMILY, *filter(None, map(_family_of, chars))]))


def tell_missing(texts: Iterable[str]) -> None:
  """Logs once the characters without a font, and the fonts to install."""
  chars = set().union(*texts) - _told
  _told.update(chars)
  advice = {}
  for char in sorted(chars):
    if _family_of(char) is None and unicodedata.category(char) not in _UNSEEN:
      advice.setdefault(_advice(char), []).append(char)
  if advice:
    parts = ', '.join(f'{" ".join(some)} (install {fonts})' for fonts, some in advice.items())
    messages.message(f'no installed font has these characters, so pictures show boxes: {parts}')


def _advice(char):
  if unicodedata.category(char) in ('So', 'Sm', 'Sk'):
    return _SYMBOLS
  return _CJK if unicodedata.name(char, '').startswith(_CJK_WORDS) else _OTHERS


@functools.cache
def _family_of(char):
  """Finds the family of the first font with a character; returns None without one."""
  from matplotlib import font_manager, ft2font

  if char.isascii() or ord(char) in _characters(font_manager.findfont(FAMILY)):
    return FAMILY
  font = next((font for font in _installed() if ord(char) in _characters(font)), None)
  if font is None:
    return None
  # matplotlib caches its list of fonts across sessions; the font may be newer.
  font_manager.fontManager.addfont(font)
  return ft2font.FT2Font(font).family_name


@functools.cache
def _characters(font):
  """The code points of a font, as an array to save memory over hundreds of fonts."""
  from matplotlib import ft2font

  return np.fromiter(ft2font.FT2Font(font).get_charmap(), np.uint32)


@functools.cache
def _installed():
  """The files of usable installed fonts, the most suitable first."""
  from matplotlib import font_manager, ft2font

  ranked = []
  for font in font_manager.findSystemFonts():
    try:
      face = ft2font.FT2Font(font)
      family, size = face.family_name, len(_characters(font))
    except (OSError, RuntimeError, ValueError):  # A damaged file, or an unsupported format.
      continue
    # Bitmap and colour fonts cannot be drawn; fonts of last resort have boxes only.
    if face.scalable and 'Color' not in family and 'Last' not in family:
      plain = face.style_name in ('Regular', 'Book', 'Normal', 'Roman', 'Medium')
      ranked.append((not plain, 'Sans' not in family, 'Mono' in family, -size, font))
  return [font for *_, font in sorted(ranked)]
