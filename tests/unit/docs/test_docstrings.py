"""Docstrings as reStructuredText, and names by another place than the documented one."""

import canonical
import docstrings

from jaxgan import losses


def test_formulas_outside_of_code_are_escaped():
  assert docstrings.as_rst(['E |x| * y of `a * b`s', '>>> a * b', 'k: K.']) == [
    r'E \|x\| \* y of `a * b`\ s', '>>> a * b', r'k: K\.',
  ]  # fmt: skip


def test_an_indented_block_is_code_and_a_section_is_not():
  lines = ['A loss:', '', '    a * b', '', '    |c|', '', 'Args:', '  a: |a|.', '', '    More * a.']
  assert docstrings.as_rst(lines) == [
    'A loss:', '', '::', '', '    a * b', '', '    |c|', '', 'Args:', r'  a: \|a\|.', '',
    r'    More \* a.',
  ]  # fmt: skip


def test_a_markdown_table_becomes_a_list_table():
  lines = ['A table:', '', '| loss | name |', '|---|---|', '| -log p(x|z) | `f` |', 'After.']
  assert docstrings.as_rst(lines) == [
    'A table:', '', '', '.. list-table::', '   :header-rows: 1', '',
    '   * - loss', '     - name', r'   * - -log p(x\|z)', '     - `f`', '', 'After.',
  ]  # fmt: skip


def test_a_name_leads_to_the_place_where_it_is_documented():
  documented = ['jaxgan.losses.entropy', 'jaxgan.losses.class_balancer']
  module = losses.class_balancer.__module__
  assert module != 'jaxgan.losses'
  assert canonical.documented_name(f'{module}.class_balancer', documented) == documented[1]
  assert canonical.documented_name('jaxgan.losses.mutual_information.entropy', documented) is None
  assert canonical.documented_name('jaxgan.losses.no_such_name', documented) is None
