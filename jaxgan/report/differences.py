"""Differences from the authors' code in rows with published values, with their likely effects.

Each family has a table of differences. An evaluation records the lines that apply to it, and a
report lists them with their effects.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from jaxgan.report.tables import Table
from jaxgan.system.names import escaped

TITLE = "Differences from the authors' code"
HEADER = ('difference', 'likely effect')
EXPLANATION = (
  "Differences from the authors' released code in the rows with published values. If the paper and "
  'the released code differ, we follow the paper.'
)


class Difference(NamedTuple):
  """A deviation from the authors' released code.

  Attributes:
    line: a sentence about this code, with the released code in brackets. Evaluations store it.
    effect: the likely effect on the numbers.
    applies: `applies(config, method)` returns whether the difference applies to an experiment.
  """

  line: str
  effect: str
  applies: Callable


def of(*names: str) -> Callable:
  """Makes the condition that an experiment's data set has one of these names."""
  return lambda config, method: config.data.dataset.partition('/')[0] in names


def every(*conditions: Callable) -> Callable:
  """Makes the condition that all of these conditions hold."""
  return lambda config, method: all(condition(config, method) for condition in conditions)


def applying(table: Iterable[Difference], config: Any, method: str) -> list[str]:
  """Returns the lines of the differences that apply to a method of an experiment."""
  return [difference.line for difference in table if difference.applies(config, method)]


def blocks(table: Iterable[Difference], rows: Iterable[Any]) -> list:
  """Tabulates the differences that the records of rows name.

  Args:
    table: the table of differences.
    rows: `report.rows.Row`s.

  Returns:
    [Table, explanation], or [] without differences. Lines are in the order of `table`; lines of
    older tables come last and have '-' as their effect.
  """
  found = dict.fromkeys(line for row in rows for line in row.settings.get('differences', ()))
  effects = {difference.line: difference.effect for difference in table}
  known = [line for line in effects if line in found]
  unknown = [line for line in found if line not in effects]
  pairs = [(escaped(line), escaped(effects.get(line, '-'))) for line in [*known, *unknown]]
  return [Table(TITLE, [HEADER, *pairs]), EXPLANATION] if pairs else []
