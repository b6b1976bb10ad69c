"""Writes docs/configuration.md from the sections, and docs/command_line.md from the commands.

python -m jaxgan.runs.documentation
"""

from collections.abc import Mapping
import pathlib
import re

from pydantic_core import PydanticUndefined

from jaxgan.algorithms.classifier import ClassifierConfig
from jaxgan.config import section as section_lib
from jaxgan.config import suggestions
from jaxgan.config.section import Section
from jaxgan.data.config import DataConfig, DataOptions
from jaxgan.runs import commands
from jaxgan.runs.experiment import Experiment
from jaxgan.runs.families import FAMILIES
from jaxgan.training.config import ClassifierSection, TrainConfig, Training

PATH = pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'configuration.md'
COMMAND_LINE = PATH.with_name('command_line.md')
_START = """# Configuration

An experiment is a value of nested sections; the files in `experiments/` build experiments. The
command line changes a field: `--config.train.batch_size=64`, `--config.classifier.train.epochs=20`.
The tables list the defaults of the classes; an experiment file sets its own values. A field marked
(free) may change when a run is resumed; changing any other field needs a new work directory. In the
`data` section of a classifier or recogniser, none means the value in the experiment's own `data`.

A schedule (`ema_start`, `count_cycle`, `decay_epochs` and others) is a whole number of steps or
epochs, or a fraction of the run: `--config.algorithm.ema_start=0.2` is step 400 of 2,000.
`jaxgan plan` shows the numbers. The first start of a run stores them; if the run is continued with
more steps, they stay as they are, and `jaxgan train` prints them.

This file is written by `python -m jaxgan.runs.documentation`.
"""

# The modules that read the fields of a section; of a section of another package, its own module.
READERS = {
  'Experiment': ('jaxgan.runs.plan', 'jaxgan.runs.execute', 'jaxgan.runs.inputs'),
  'DataConfig': ('jaxgan.data.loading', 'jaxgan.data.sources', 'jaxgan.training.train_step'),
  'DataOptions': ('data_prep.build',),
  'TrainConfig': ('jaxgan.training.job', 'jaxgan.training.schedule', 'jaxgan.training.loop'),
  'ClassifierSection': ('jaxgan.training.classifiers',),
  'Training': ('jaxgan.evaluation.cas',),
  'ClassifierConfig': ('jaxgan.algorithms.classifier', 'jaxgan.training.pretrained'),
  'GanConfig': (
    'jaxgan.algorithms.gan',
    'jaxgan.algorithms.regularisers',
    'jaxgan.networks.gans',
  ),
  'GanEvaluation': (
    'jaxgan.evaluation.generated',
    'jaxgan.evaluation.features',
    'jaxgan.evaluation.cas',
  ),
  'InfoGanConfig': (
    'jaxgan.algorithms.infogan',
    'jaxgan.algorithms.infogan_joint',
    'jaxgan.networks.infogans',
  ),
  'JointVaeConfig': ('jaxgan.algorithms.joint_vae', 'jaxgan.networks.infogans'),
  'CodesEvaluation': ('jaxgan.evaluation.codes',),
}


def text(titles: Mapping[str, type[Section]]) -> str:
  """Writes sections as Markdown tables.

  Args:
    titles: {title: section class}.

  Returns:
    The Markdown of the page.
  """
  links = {kind: f'[{title}](#{_anchor(title)})' for title, kind in titles.items()}
  tables = [
    f'## {title}\n\n{_heading(kind)}\n\n{_table(kind, links)}' for title, kind in titles.items()
  ]
  return '\n'.join([_START, *tables])


def _anchor(title) -> str:
  return re.sub(r'[^\w\- ]', '', title).strip().lower().replace(' ', '-')


def _heading(kind) -> str:
  readers = ', '.join(f'`{name}`' for name in READERS.get(kind.__name__, (kind.__module__,)))
  meaning = (kind.__doc__ or '').splitlines()[0]
  return f'{meaning}\n\nClass `{kind.__module__}.{kind.__name__}`, read by {readers}.'


def _table(kind, links) -> str:
  rows = []
  for name, info in kind.model_fields.items():
    own = section_lib.inner(info)
    allowed = section_lib.allowed(info)
    if own:
      allowed = f'a section, see {links[own]}' if own in links else f'a {own.__name__}'
    meaning = f'{info.description} (free)' if section_lib.is_free(info) else info.description
    rows.append((f'`{name}`', _default(info, own), allowed, meaning))
  return _markdown(('field', 'default', 'allowed', 'meaning'), rows)


def _markdown(header, rows) -> str:
  escaped = [[cell.replace('|', '\\|') for cell in row] for row in (header, *rows)]
  head, *lines = [f'| {" | ".join(cells)} |' for cells in escaped]
  return '\n'.join([head, '|' + '---|' * len(header), *lines]) + '\n'


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


_COMMAND_LINE_START = """# Command line

Installing jaxgan installs the command `jaxgan`. `jaxgan` alone lists its commands,
`jaxgan COMMAND --help` the flags of one. `python -m jaxgan.main --mode=COMMAND` is another spelling
of `jaxgan COMMAND`; its default mode is `train`.

A value follows its flag after `=` or as the next argument: `--num_images=100`, `--num_images 100`.
`--balanced` switches a flag on, `--nobalanced` off. `--flagfile=FILE` reads flags from a file, one
per line. `~` in a path is the home directory.

`--config` names an experiment file, with its argument after a colon:
`--config=experiments/cifar10_lt.py:ratio=10`. If the current directory has no such file, jaxgan
reads the experiment of this name that is installed with it. `--config.FIELD=VALUE` changes a field
of the experiment, see [Configuration](configuration.md).

A flag that the command does not take is refused before anything is read. If it names a field, or
if a field is not in the given section, the message has the whole flag to type. Some names of other
programs are understood for this:

{abbreviations}

jaxgan brings no shell completion.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | the computation failed: a full disk, too little memory, a loss that is not finite |
| 2 | an error in the command line, the experiment or its data, in one line |
| 130, 143 | stopped by Ctrl-C or SIGTERM; `train` saves first, and the same command resumes |

This file is written by `python -m jaxgan.runs.documentation`.
"""


def command_line() -> str:
  """The Markdown of all commands."""
  meanings: dict[str, list[str]] = {}
  for name, field in suggestions.ABBREVIATIONS.items():
    meanings.setdefault(field, []).append(f'`{name}`')
  rows = [(', '.join(names), f'`{field}`') for field, names in meanings.items()]
  table = _markdown(('given', 'suggested'), rows).rstrip()
  start = _COMMAND_LINE_START.format(abbreviations=table)
  return '\n'.join([start, *map(_command, commands.COMMANDS)])


def _command(name) -> str:
  command = commands.COMMANDS[name]
  examples = [
    f'{meaning}\n\n```bash\njaxgan {name} {arguments}\n```\n'
    for arguments, meaning in command.examples.items()
  ]
  rows = [
    (f'`--{flag}`', own.allowed, _flag_default(own), own.meaning)
    for flag, own in command.flags.items()
  ]
  table = _markdown(('flag', 'type', 'default', 'meaning'), rows)
  usage = f'`{commands.usage(name)}`\n'
  description = f'{command.description}\n'
  return '\n'.join([f'## {name}\n', usage, description, *examples, table])


def _flag_default(flag) -> str:
  return flag.otherwise or f'`{flag.default_text}`'


if __name__ == '__main__':
  PATH.parent.mkdir(exist_ok=True)
  PATH.write_text(text(sections()), encoding='utf-8')
  COMMAND_LINE.write_text(command_line(), encoding='utf-8')
