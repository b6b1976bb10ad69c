"""The published rows of both papers with their commands; prints the rows of class balancing.

python -m experiments.rows
python -m experiments.rows --differences

The second command prints the differences from the authors' released code with their experiments.
"""

import importlib
import itertools
import sys

from jaxgan.errors import UserError
from jaxgan.report import class_differences as of_class_balancing
from jaxgan.report import code_differences as of_codes
from jaxgan.report import published_values, tables
from jaxgan.report.differences import HEADER
from jaxgan.runs.experiment import Experiment

EXPERIMENTS = ('cifar10_lt', 'lsun5_lt', 'cifar100_lt', 'inaturalist2019')
CODES = {  # {data set of Elastic-InfoGAN's tables: experiment}
  'mnist': 'mnist_lt',
  'youtube_faces': 'youtube_faces',
  'cars3d': 'cars3d',
  'chairs3d': 'chairs3d',
  'shapenet': 'shapenet',
}


def published_rows() -> dict[str, str]:
  """Returns {row of published_results.json: 'file:argument' of its experiment}."""
  return {row: command for row, command, _ in _configs()}


def _configs():
  """Yields (row, 'file:argument', configuration) of every published row once."""
  found = set()
  for name in EXPERIMENTS:
    module = importlib.import_module(f'experiments.{name}')
    for choice in itertools.product(*module.ARGUMENTS.values()):
      pairs = zip(module.ARGUMENTS.items(), choice, strict=True)
      # The first value of each is the default.
      argument = ','.join(f'{key}={value}' for (key, all_), value in pairs if value != all_[0])
      try:
        config = module.get_config(argument)
      except UserError:  # The values contradict each other.
        continue
      row = (config.published or {}).get(config.methods[0])
      if row is not None and row not in found:
        found.add(row)
        yield row, f'{name}.py' + (f':{argument}' if argument else ''), config


def published_codes() -> list[tuple[str, ...]]:
  """Returns (data set, method, 'file:argument') of each cell of Elastic-InfoGAN's Tables 2 and 3.

  For a data set with several runs, the experiment is the first run.
  """
  return [
    (data, method, f'{name}.py:method={method}')
    for data, name in CODES.items()
    for method in importlib.import_module(f'experiments.{name}').METHODS
  ]


def config_of(command: str) -> Experiment:
  """Builds the experiment of 'file:argument', as returned by the functions above."""
  file, _, argument = command.partition(':')
  return importlib.import_module(f'experiments.{file.removesuffix(".py")}').get_config(argument)


def table() -> str:
  """Writes a Markdown table of experiments with published FID, KL and CAS."""
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


def differences_tables() -> str:
  """Differences from the authors' code as Markdown: line, effect, experiments, by paper."""
  gans = [(command, config) for _, command, config in _configs()]
  codes = [(command, config_of(command)) for _, _, command in published_codes()]
  papers = {
    'Class Balancing GAN': (of_class_balancing, gans, len(EXPERIMENTS)),
    'Elastic-InfoGAN': (of_codes, codes, len(CODES)),
  }
  return '\n\n'.join(f'{paper}:\n\n{_differences_table(*found)}' for paper, found in papers.items())


def _differences_table(own, commands, number: int) -> str:
  where = {}
  for command, config in commands:
    for line in own.lines(config, config.methods[0]):
      where.setdefault(line, {})[command.partition(':')[0]] = None
  lines = [(*HEADER, 'experiments')]
  for difference in own.TABLE:
    if names := tuple(where.get(difference.line, ())):
      several = 'all' if len(names) == number else ', '.join(f'`{name}`' for name in names)
      lines.append((difference.line, difference.effect, several))
  return tables.markdown(lines)


if __name__ == '__main__':
  if sys.argv[1:] not in ([], ['--differences']):
    print(f'error: {" ".join(sys.argv[1:])}: use --differences or no argument', file=sys.stderr)
    sys.exit(2)
  print(differences_tables() if sys.argv[1:] else table())
