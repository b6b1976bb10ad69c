"""Fonts: for each character of a text an installed font that has it, in figures and on pages."""

from collections.abc import Iterable
import functools
import itertools
import unicodedata

import numpy as np

from jaxgan.training import logging

FAMILY = 'DejaVu Sans'  # comes with matplotlib
# Fonts to install, and the first words of the Unicode names of characters that they have.
_CJK = 'Noto Sans CJK: apt install fonts-noto-cjk'
_CJK_WORDS = ('CJK', 'HIRAGANA', 'KATAKANA', 'HANGUL', 'IDEOGRAPHIC', 'FULLWIDTH', 'BOPOMOFO')
_SYMBOLS = 'Symbola: apt install fonts-symbola'
_OTHERS = 'Noto Sans: apt install fonts-noto-core'
_told = set()


def path() -> str:
  """The file of the font that most text is in."""
  from matplotlib import get_data_path

  return f'{get_data_path()}/fonts/ttf/DejaVuSans.ttf'


def runs(text: str) -> list[tuple[str, str]]:
  """A text in pieces of one font: [(path of the font, piece)].

  Accents, joiners and spaces stay with the character before them.
  """
  fonts, before = [], path()
  for char in text:
    joined = unicodedata.category(char) in ('Mn', 'Mc', 'Me', 'Cf', 'Zs')
    before = before if joined else _font_of(char)
    fonts.append(before)
  tell_missing([text])
  pieces = itertools.groupby(zip(fonts, text, strict=True), key=lambda item: item[0])
  return [(font, ''.join(char for _, char in piece)) for font, piece in pieces]


def families(texts: Iterable[str]) -> list[str]:
  """The families of fonts that matplotlib needs for some texts, the main one first."""
  from matplotlib import font_manager, ft2font

  texts = list(texts)
  tell_missing(texts)
  found = [FAMILY]
  for font in dict.fromkeys(_font_of(char) for char in dict.fromkeys(''.join(texts))):
    if font != path():
      # Its list of fonts, which matplotlib keeps over sessions, may be older than the font.
      font_manager.fontManager.addfont(font)
      found.append(ft2font.FT2Font(font).family_name)
  return list(dict.fromkeys(found))


def tell_missing(texts: Iterable[str]) -> None:
  """Logs, once, which characters no font has and which fonts to install."""
  chars = set().union(*texts) - _told
  missing = sorted(filter(is_missing, chars))
  _told.update(chars)
  if missing:
    advice = {}
    for char in missing:
      advice.setdefault(_advice(char), []).append(char)
    parts = [f'{" ".join(some)} (install {fonts})' for fonts, some in advice.items()]
    logging.message(
      f'no installed font has these characters, pictures show boxes: {", ".join(parts)}'
    )


def _advice(char):
  if unicodedata.category(char) in ('So', 'Sm', 'Sk'):
    return _SYMBOLS
  return _CJK if unicodedata.name(char, '').startswith(_CJK_WORDS) else _OTHERS


def is_missing(char: str) -> bool:
  """Whether a character that is to be seen is in no font."""
  unseen = char.isascii() or unicodedata.category(char) in ('Cc', 'Cf', 'Zs')
  return not unseen and ord(char) not in _characters(_font_of(char))


@functools.cache
def _font_of(char):
  """The file of the first font that has a character; the main font where none has."""
  if char.isascii() or ord(char) in _characters(path()):
    return path()
  return next((font for font in _installed() if ord(char) in _characters(font)), path())


@functools.cache
def _characters(font):
  """The code points that a font has."""
  from matplotlib import ft2font

  return _CodePoints(ft2font.FT2Font(font).get_charmap())


class _CodePoints:
  """A set of numbers in little memory: there may be hundreds of fonts."""

  def __init__(self, numbers):
    self._sorted = np.sort(np.fromiter(numbers, np.uint32))

  def __len__(self):
    return len(self._sorted)

  def __contains__(self, number):
    at = np.searchsorted(self._sorted, number)
    return at < len(self._sorted) and self._sorted[at] == number


@functools.cache
def _installed():
  """The files of the installed fonts that can stand in, the most suitable first."""
  from matplotlib import font_manager, ft2font

  ranked = []
  for font in font_manager.findSystemFonts():
    try:
      face = ft2font.FT2Font(font)
      family, size = face.family_name, len(_characters(font))
    except (OSError, RuntimeError, ValueError):  # Damaged, or of a format that FreeType lacks.
      continue
    # Bitmaps and colours cannot be drawn; the glyphs of a last resort are boxes, too.
    if face.scalable and 'Color' not in family and 'Last' not in family:
      plain = face.style_name in ('Regular', 'Book', 'Normal', 'Roman', 'Medium')
      ranked.append((not plain, 'Sans' not in family, 'Mono' in family, -size, font))
  return [font for *_, font in sorted(ranked)]
