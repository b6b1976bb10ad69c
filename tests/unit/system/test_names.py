"""Names: limited width in pictures and tables, and escapes in Markdown."""

import re

from hypothesis import example, given
from hypothesis import strategies as st
import pytest

from jaxgan.report.page import pieces
from jaxgan.system import names
from tests.support.ugly_names import MORE_NAMES, NAMES


@pytest.mark.parametrize(
  ('name', 'shown', 'width'),
  [
    ('cat', 'cat', 3),
    ('0123456789ab', '01234…789ab', 11),
    ('猫猫猫猫猫猫', '猫猫…猫猫', 9),
    ('e\u0301' * 12, 'e\u0301' * 5 + '…' + 'e\u0301' * 5, 11),
    ('a\tb\x1b[31m', 'a�b�[31m', 8),
  ],
)
def test_a_long_name_loses_its_middle(name, shown, width):
  assert names.shown(name, 11) == shown
  assert names.width(shown) == width


@pytest.mark.parametrize('name', [*NAMES, *MORE_NAMES, '\\', '*', '_a_', 'a\\|b', '~~x~~'])
def test_escaped_names_are_text_in_tables(name):
  cell = names.escaped(name)
  assert names.unescaped(cell) == name
  assert re.search(r'(?<!\\)(\\\\)*[|<`*$\[]', cell) is None
  assert ''.join(text for _, text in pieces(f'**{cell}**[^2]')) == f'{name}2'
  assert pieces(f'**{cell}**[^2]')[-1] == ('mark', '2')


def test_a_name_inside_a_word_keeps_its_underscores():
  assert names.escaped('class_balancing') == 'class_balancing'
  assert names.escaped('_a') == '\\_a'


@given(st.text(), st.integers(1, 40))
@example('one\u2028two\u2029three', 20)
@example('\u0301' * 50 + '\u200b', 1)
def test_a_shown_name_is_one_line_of_bounded_width(name, most):
  shown = names.shown(name, most)
  assert names.width(shown) <= most
  assert len(shown.splitlines()) <= 1
  assert names.shown(shown, most) == shown
  if names.width(name) <= most and name.isprintable():
    assert shown == name


@given(st.text())
def test_unescaped_inverts_escaped(name):
  assert names.unescaped(names.escaped(name)) == name
