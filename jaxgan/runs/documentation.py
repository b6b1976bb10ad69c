"""Writes docs/configuration.md: every field of every section, from the classes.

python -m jaxgan.runs.documentation
"""

from collections.abc import Mapping
import pathlib

from pydantic_core import PydanticUndefined

from jaxgan.algorithms.classifier import ClassifierConfig
from jaxgan.config import section as section_lib
from jaxgan.config.section import Section
from jaxgan.data.config import DataConfig, DataOptions
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.families import FAMILIES
from jaxgan.training.config import ClassifierSection, TrainConfig, Training

PATH = pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'configuration.md'
_START = """# Configuration

An experiment is a value of nested sections; the files in `experiments/` build experiments. The
command line changes a field: `--config.train.batch_size=64`, `--config.classifier.train.epochs=20`.
The tables list the defaults of the classes; an experiment file sets its own values. A field marked
(free) may change when a run is resumed; changing any other field needs a new work directory. In the
`data` section of a classifier or recogniser, none means the value in the experiment's own `data`.

This file is written by `python -m jaxgan.runs.documentation`.
"""


def text(titles: Mapping[str, type[Section]]) -> str:
  """Writes sections as Markdown tables.

  Args:
    titles: {title: section class}.

  Returns:
    The Markdown of the page.
  """
  tables = [
    f'## {title}\n\n{(kind.__doc__ or "").splitlines()[0]}\n\n{_table(kind)}'
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


def sections() -> dict[str, type[Section]]:
  """Returns {title: class} of all sections of experiments."""
  found = {
    'Experiment': Experiment,
    '`data`': DataConfig,
    '`data.options`': DataOptions,
    '`train`': TrainConfig,
    '`classifier`, `annotator`': ClassifierSection,
    '`cas`': Training,
    '`classifier.algorithm`': ClassifierConfig,
  }
  for family in FAMILIES.values():
    kinds = {method: family.algorithm(method) for method in family.methods}
    for kind in dict.fromkeys(kinds.values()):
      methods = ', '.join(method for method, own in kinds.items() if own is kind)
      found[f'`algorithm` of {methods}'] = kind
    found[f'`evaluation` of {family.title}'] = family.evaluation
  return found


if __name__ == '__main__':
  PATH.parent.mkdir(exist_ok=True)
  PATH.write_text(text(sections()), encoding='utf-8')
