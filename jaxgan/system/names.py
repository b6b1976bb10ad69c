"""Names of classes, methods and experiments as text, in any script."""

from collections.abc import Iterable
import re
import unicodedata

OWN_IMAGES = 'long_tail_folder'
ANY_SOURCE = 'own'  # Replaces the name of a source of own images.
LONGEST = 32  # Widest name in a picture or a terminal's table.
_CUT = '…'
_UNSHOWN = ('Cc', 'Cs', 'Zl', 'Zp')  # Unicode categories of control characters and line ends.
# Punctuation that Markdown reads as markup; an underscore inside a word is plain text.
_MARKUP = re.compile(r'[\\`*\[\]<>|$&~]|(?<![^\W_])_|_(?![^\W_])')
_ESCAPED = re.compile(r'\\([!-/:-@\[-`{-~])')


def shown(name: str, most: int = LONGEST) -> str:
  """Fits a name into one line of limited width; longer names lose their middle.

  Args:
    name: any text. Control characters and line ends become '�'.
    most: the largest width, see `width`.

  Example:
    >>> shown('runs/2024/cats/siamese', 11)
    'runs/…amese'
  """
  name = ''.join('�' if unicodedata.category(char) in _UNSHOWN else char for char in name)
  if width(name) <= most:
    return name
  end = _start(name[::-1], most // 2)[::-1]
  while end and _is_joined(end[0]):  # Its base character was cut off.
    end = end[1:]
  return f'{_start(name, most - 1 - most // 2)}{_CUT}{end}'


def _start(text, most):
  """Returns the longest prefix that is not wider than `most`."""
  for end in range(len(text), 0, -1):
    if width(text[:end]) <= most:
      return text[:end]
  return ''


def width(text: str) -> int:
  """Returns the terminal columns of a text: two per Chinese character, none per accent."""
  wide = sum(unicodedata.east_asian_width(char) in 'WF' for char in text)
  return len(text) + wide - sum(map(_is_joined, text))


def _is_joined(char):
  """Returns whether a character combines with the previous one or is invisible."""
  return unicodedata.category(char) in ('Mn', 'Me', 'Cf')


def some(names: Iterable[str], most: int) -> str:
  """Joins names with commas; of more than `most`, the first ones and the number of the others.

  >>> some(['cat', 'dog', 'cow'], 3), some(['cat', 'dog', 'cow', 'pig'], 2)
  ('cat, dog, cow', 'cat, dog and 2 more')
  """
  names = list(names)
  more = f' and {len(names) - most} more' if len(names) > most else ''
  return ', '.join(names[:most]) + more


def escaped(text: str) -> str:
  """Escapes a text so that Markdown shows it unchanged, even in a table cell."""
  return _MARKUP.sub(r'\\\g<0>', text)


def unescaped(text: str) -> str:
  """Removes the backslash escapes of `escaped`."""
  return _ESCAPED.sub(r'\1', text)


def without_source(name: str) -> str:
  """Replaces the name of a source of own images in a name, or in a key that begins with it.

  >>> without_source('long_tail_folder/pets-size_32-0f1e2d3c4b/1.0.0/train/aa')
  'long_tail_folder/own-size_32-0f1e2d3c4b/1.0.0/train/aa'
  >>> without_source('long_tail_fashion/ratio_50/1.0.0/train/aa')
  'long_tail_fashion/ratio_50/1.0.0/train/aa'
  """
  dataset, _, rest = name.partition('/')
  config, slash, rest = rest.partition('/')
  contents = config.partition('-')[2]
  if dataset != OWN_IMAGES or not contents:
    return name
  return f'{dataset}/{ANY_SOURCE}-{contents}{slash}{rest}'
