"""The published rows of class balancing and the command of each, as README's table.

python -m experiments.rows
"""

import importlib
import itertools

from jaxgan.errors import UserError
from jaxgan.report import published_values

EXPERIMENTS = ('cifar10_lt', 'lsun5_lt', 'cifar100_lt', 'inaturalist2019')


def published_rows():
  """{row of published_results.json: 'file:argument' of the experiment that is to reach it}."""
  rows = {}
  for name in EXPERIMENTS:
    module = importlib.import_module(f'experiments.{name}')
    for choice in itertools.product(*module.ARGUMENTS.values()):
      pairs = zip(module.ARGUMENTS.items(), choice, strict=True)
      # The first value of each is the default.
      argument = ','.join(f'{key}={value}' for (key, all_), value in pairs if value != all_[0])
      try:
        config = module.get_config(argument)
      except UserError:  # Values that do not go together.
        continue
      row = config.published.get(config.methods[0])
      if row is not None:
        rows.setdefault(row, f'{name}.py' + (f':{argument}' if argument else ''))
  return rows


def table() -> str:
  """The Markdown table: experiment, published FID, KL and CAS."""
  lines = [
    '| `--config=experiments/...` | FID | KL | CAS |',
    '|---|---|---|---|',
  ]
  for row, command in published_rows().items():
    values, _ = published_values(row)
    fid, deviation = values['fid']
    kl, cas = (values.get(name, '-') for name in ('kl', 'cas'))
    lines.append(f'| `{command}` | {fid} ± {deviation} | {kl} | {cas} |')
  return '\n'.join(lines)


if __name__ == '__main__':
  print(table())
