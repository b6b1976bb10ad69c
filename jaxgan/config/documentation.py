"""docs/configuration.md: every field of every section, from the classes.

python -m jaxgan.config.documentation
"""

import pathlib

from pydantic_core import PydanticUndefined

from jaxgan.config import section as section_lib

PATH = pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'configuration.md'
_START = """# Configuration

An experiment is a value of nested sections, built by the files in `experiments/`. Each field can be
changed on the command line: `--config.train.batch_size=64`, `--config.classifier.train.epochs=20`.
The defaults here are those of the classes; an experiment file has its own. A field marked (free)
may have another value at the next start of a run; any other change needs another work directory.
In the `data` of a classifier or recogniser, none means: as in the `data` of the experiment.

This file is written by `python -m jaxgan.config.documentation`.
"""


def text(titles) -> str:
  """The Markdown of some sections.

  Args:
    titles: {title: section class}.
  """
  tables = [
    f'## {title}\n\n{kind.__doc__.splitlines()[0]}\n\n{_table(kind)}'
    for title, kind in titles.items()
  ]
  return '\n'.join([_START, *tables])


def _table(kind) -> str:
  lines = ['| field | default | allowed | meaning |', '|---|---|---|---|']
  for name, info in kind.model_fields.items():
    own = section_lib.inner(info)
    allowed = f'a {own.__name__}' if own else section_lib.allowed(info)
    meaning = f'{info.description} (free)' if section_lib.is_free(info) else info.description
    cells = (f'`{name}`', _default(info, own), allowed, meaning)
    lines.append(f'| {" | ".join(cell.replace("|", chr(92) + "|") for cell in cells)} |')
  return '\n'.join(lines) + '\n'


def _default(info, own) -> str:
  if info.default is PydanticUndefined:
    return 'must be given'
  if info.default is None:
    return 'none'
  return 'its defaults' if own else f'`{info.default!r}`'


def sections() -> dict:
  """{title: class} of all sections of experiments."""
  # The classes bring the networks, which nobody needs who only asks for the text.
  from jaxgan.algorithms import classifier
  from jaxgan.data import config as data_config
  from jaxgan.runs import experiment, families
  from jaxgan.training import config as train_config

  found = {
    'Experiment': experiment.Experiment,
    '`data`': data_config.DataConfig,
    '`data.options`': data_config.DataOptions,
    '`train`': train_config.TrainConfig,
    '`classifier`, `annotator`': train_config.ClassifierSection,
    '`cas`': train_config.Training,
    '`classifier.algorithm`': classifier.ClassifierConfig,
  }
  for family in families.all_families():
    for kind in dict.fromkeys(family.ALGORITHMS.values()):
      methods = ', '.join(m for m, own in family.ALGORITHMS.items() if own is kind)
      found[f'`algorithm` of {methods}'] = kind
    found[f'`evaluation` of {family.REPORT.TITLE}'] = family.EVALUATION
  return found


if __name__ == '__main__':
  PATH.parent.mkdir(exist_ok=True)
  PATH.write_text(text(sections()), encoding='utf-8')
