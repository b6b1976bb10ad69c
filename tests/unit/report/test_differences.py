"""Differences from the authors' code: the applying lines and the cells of their table."""

import types

from jaxgan.report import differences
from jaxgan.report.differences import Difference

TABLE = (
  Difference('A (released: B).', 'Small.', lambda config, method: config.old),
  Difference('C (released: D).', 'None.', lambda config, method: method == 'cgan'),
)


def test_lines_are_those_that_apply():
  old, new = types.SimpleNamespace(old=True), types.SimpleNamespace(old=False)
  assert differences.applying(TABLE, old, 'cgan') == ['A (released: B).', 'C (released: D).']
  assert differences.applying(TABLE, new, 'cgan') == ['C (released: D).']
  assert differences.applying(TABLE, new, 'acgan') == []


def test_cells_have_each_line_once_and_those_of_older_tables_last():
  found = ['Of an older version.', 'C (released: D).'], ['A (released: B).', 'C (released: D).']
  settings = *({'differences': lines} for lines in found), {}
  rows = [types.SimpleNamespace(settings=each) for each in settings]
  table, _ = differences.blocks(TABLE, rows)
  assert table.lines == [
    ('difference', 'likely effect'),
    ('A (released: B).', 'Small.'),
    ('C (released: D).', 'None.'),
    ('Of an older version.', '-'),
  ]
  assert differences.blocks(TABLE, []) == []
