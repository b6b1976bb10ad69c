"""The table of metrics that were added from outside, see `jaxgan.evaluation.metric`."""

from jaxgan.evaluation import metric, verdicts
from jaxgan.report import formatting
from jaxgan.report.blocks import Table, Text
from jaxgan.system.names import escaped


def blocks(rows, metrics) -> list:
  """A table with a column for each number that was added, and what it means; [] without any."""
  added = [one for one in metric.added(metrics) if not one.axes]
  names = [
    name
    for one in added
    for name in dict.fromkeys(name for row in rows for name in row.records[0].results)
    if name.partition('/')[0] == one.name
  ]
  if not names:
    return []
  lines = [('experiment', 'method', *map(escaped, names))]
  for row in rows:
    cells = (formatting.mean_std(row.results(name)) for name in names)
    lines.append((escaped(row.experiment), verdicts.label(row), *cells))
  meanings = '. '.join(f'{one.name}: {one.meaning}' for one in added)
  return [Table('Other metrics', lines), Text(f'{meanings}.')]
