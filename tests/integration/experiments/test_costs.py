"""docs/costs.md has the costs that a plan computes."""

import re

import pytest

from experiments import costs, rows

QUICK = ('mnist_lt.py:method=uniform_infogan',)


def _tables():
  """{file: {job: its cells}} of the page."""
  _, *sections = re.split(r'(?m)^## `(.*)`$', costs.PATH.read_text(encoding='utf-8'))
  found = {}
  for file, text in zip(sections[::2], sections[1::2], strict=True):
    lines = [line for line in text.splitlines() if line.startswith('| `')]
    cells = [tuple(cell.strip() for cell in line.strip('|').split('|')) for line in lines]
    found[file] = {own[0].strip('`'): own for own in cells}
  return found


def _number(cell):
  return float(cell.replace(',', '')) if cell else None


def _assert_current(file, row):
  """Arithmetic may differ by a few per cent: versions of JAX lower some operations differently."""
  written, expected = _tables()[file][row.job], costs.cells(row)
  *exact, step, steps, run = expected
  assert written[: len(exact)] == tuple(exact), 'python -m experiments.costs'
  assert written[6] == steps, 'python -m experiments.costs'
  for old, new in ((written[5], step), (written[7], run)):
    assert _number(old) == pytest.approx(_number(new), rel=0.05)


def test_every_method_of_every_published_experiment_has_a_row():
  tables = _tables()
  expected = costs.experiments()
  assert list(tables) == list(expected)
  for file, commands in expected.items():
    methods = {method for command in commands for method in rows.config_of(command).methods}
    assert methods == tables[file].keys() - set(costs.ROLES)


@pytest.mark.parametrize('command', QUICK)
def test_a_row_is_what_its_plan_computes(command, tmp_path):
  (row,) = costs.of_command(command, str(tmp_path), known=costs.ROLES)
  _assert_current(command.partition(':')[0], row)


@pytest.mark.slow
@pytest.mark.parametrize('file', costs.experiments())
def test_every_row_is_what_its_plan_computes(file, tmp_path):
  seen = set()
  for command in costs.experiments()[file]:
    for row in costs.of_command(command, str(tmp_path), known=seen):
      _assert_current(file, row)
      seen.add(row.job)
  assert seen == _tables()[file].keys()
