"""Differences from the authors' code that stay in published rows: one line and its likely effect.

A family has a table of them; the protocol of an evaluation names those that apply to it, and a
report and README list them with their effects.
"""

from collections.abc import Callable
from typing import NamedTuple

from jaxgan.report.tables import Table
from jaxgan.system.names import escaped

TITLE = "Differences from the authors' code"
HEADER = ('difference', 'likely effect')
EXPLANATION = (
  "What still differs from the authors' released code in the rows with published values; where the "
  'paper says otherwise than that code, the paper is followed.'
)


class Difference(NamedTuple):
  """A deviation from the authors' released code.

  Attributes:
    line: a sentence: what is done here, and in brackets what the released code does.
    effect: what it probably changes in the numbers.
    applies: `applies(config, method) -> bool`, of an experiment's configuration.
  """

  line: str
  effect: str
  applies: Callable


def of(*names) -> Callable:
  """Condition: the data set of an experiment has one of these names."""
  return lambda config, method: config.data.dataset.partition('/')[0] in names


def every(*conditions) -> Callable:
  """Condition: all of these conditions hold."""
  return lambda config, method: all(condition(config, method) for condition in conditions)


def applying(table, config, method: str) -> list[str]:
  """The lines of the differences that apply to a method of an experiment, in the table's order."""
  return [difference.line for difference in table if difference.applies(config, method)]


def blocks(table, rows) -> list:
  """Tabulates the differences in the rows that have published values; [] without any.

  Args:
    table: Differences.
    rows: `report.rows.Row`s; older records may have lines of an older table.

  Returns:
    The table of each line once, in the order of `table`, with its effect, of an unknown line '-';
    and what it says.
  """
  found = dict.fromkeys(line for row in rows for line in row.settings.get('differences', ()))
  effects = {difference.line: difference.effect for difference in table}
  known = [line for line in effects if line in found]
  unknown = [line for line in found if line not in effects]
  pairs = [(escaped(line), escaped(effects.get(line, '-'))) for line in [*known, *unknown]]
  return [Table(TITLE, [HEADER, *pairs]), EXPLANATION] if pairs else []
