"""The commands of jaxgan: what each does, its flags and examples.

`jaxgan COMMAND` and `python -m jaxgan.main --mode=COMMAND` read these tables, `--help` and
docs/command_line.md are written from them. Imports nothing heavy: `jaxgan --help` answers at once.
"""

from collections.abc import Callable
import difflib
import textwrap
from typing import NamedTuple


class Flag(NamedTuple):
  """A flag of a command.

  Attributes:
    kind: str, int, float or bool.
    default: the value without the flag.
    meaning: one or two sentences.
    otherwise: what happens without the flag, where `default` stands for a computed value.
    choices: all values of a text, where there are few.
    lower: the smallest allowed number.
    upper: the largest allowed number.
  """

  kind: type
  default: str | float | bool | None
  meaning: str
  otherwise: str = ''
  choices: tuple[str, ...] = ()
  lower: int | None = None
  upper: int | None = None

  @property
  def allowed(self) -> str:
    """The values in words."""
    if self.choices:
      return _listed(self.choices)
    if self.kind is float:
      return f'number in [{self.lower}, {self.upper}]'
    if self.kind is not int:
      return {str: 'text', bool: 'true or false'}[self.kind]
    if self.upper is not None:
      return f'whole number in [{self.lower}, {self.upper}]'
    return 'whole number' if self.lower is None else f'whole number, {self.lower} or more'

  @property
  def default_text(self) -> str:
    """The default in words."""
    if self.otherwise:
      return self.otherwise
    return str(self.default).lower() if self.kind is bool else str(self.default)


class Command(NamedTuple):
  """A command.

  Attributes:
    summary: one line.
    description: what it reads and writes.
    flags: {name: Flag}.
    examples: ({arguments: what they do}).
    positional: what the arguments without dashes are, where the command takes some.
  """

  summary: str
  description: str
  flags: dict[str, Flag]
  examples: dict[str, str]
  positional: str = ''


_CONFIG = Flag(
  str,
  None,
  'Experiment file, with its argument after a colon. --config.FIELD=VALUE changes a field of the '
  'experiment, see docs/configuration.md.',
  'must be given',
)
_REMEMBERED = _CONFIG._replace(otherwise='the configuration in the work directory')
_WORKDIR = Flag(str, '', 'Work directory.', 'runs/ and the name of the experiment')
_COMPUTING = {
  'compilation_cache': Flag(
    bool, True, 'Keep compiled programs and durations in ~/.cache/jaxgan for the next start.'
  ),
  'coordinator': Flag(
    str,
    '',
    'HOST:PORT of process 0, where several processes train together.',
    'JAX finds the processes of a Slurm step or a TPU slice',
  ),
  'num_processes': Flag(int, None, 'With --coordinator: the number of processes.', 'none'),
  'process_id': Flag(int, None, 'With --coordinator: the process, counted from 0.', 'none'),
}
_RESTORING = {
  'config': _REMEMBERED,
  'workdir': _WORKDIR._replace(otherwise='with --config: runs/ and the name of the experiment'),
  'method': Flag(str, '', 'Method of the work directory.', 'the last method of the experiment'),
  'checkpoint': Flag(
    str, '', 'latest, best or a step.', 'config.evaluation.checkpoint of the experiment'
  ),
}
_DRAWING = {
  'replica': Flag(int, 0, 'Replica, counted from 0.', lower=0),
  'sample_seed': Flag(int, 0, 'Seed of the noise.', lower=0, upper=2**32 - 1),
}

COMMANDS = {
  'train': Command(
    'Train an experiment and evaluate it; the same command resumes it.',
    'Prepares the data set, trains classifier, annotator and the methods, evaluates each, and '
    'prints their table. Finished parts are kept, an interrupted part continues from its newest '
    'checkpoint.',
    {
      'config': _CONFIG,
      'workdir': _WORKDIR,
      'profile': Flag(
        bool, False, 'Write a trace of ten steps to METHOD/profile, for XProf or Perfetto.'
      ),
      **_COMPUTING,
    },
    {
      '--config=experiments/fashion_lt.py': 'The first run: images included, minutes on a CPU.',
      '--config=experiments/cifar10_lt.py:ratio=10 --config.train.batch_size=128':
        'CIFAR-10 with imbalance ratio 10 and another batch size.',
    },
  ),
  'plan': Command(
    'List the jobs and costs of an experiment, and every error; writes nothing.',
    'Prints what train would do, job by job, with the costs, and all errors that it would stop '
    'at; with an error its exit status is 2. Nothing is written or downloaded.',
    {'config': _CONFIG, 'workdir': _WORKDIR, **_COMPUTING},
    {'--config=experiments/cifar10_lt.py': 'The jobs of the main experiment.'},
  ),
  'evaluate': Command(
    'Evaluate a checkpoint again.',
    'Restores a checkpoint, measures every replica of the method, writes evaluation.json and '
    'prints the table of the work directory.',
    {**_RESTORING, **_COMPUTING},
    {'--workdir=runs/fashion_lt --checkpoint=best': 'The best checkpoint of the last method.'},
  ),
  'sample': Command(
    'Draw labelled images from a trained generator.',
    'Writes generated images with labels: a folder of PNGs with labels.csv, or one .npz file. The '
    'same seed gives the same images.',
    {
      **_RESTORING,
      'num_images': Flag(int, 100, 'Number of images.', lower=1),
      'balanced': Flag(bool, False, 'Draw equal numbers of every class or code.'),
      'classes': Flag(
        str,
        '',
        'Draw these classes alone: names with commas between them. Codes also by their numbers.',
        'all classes',
      ),
      **_DRAWING,
      'out': Flag(
        str, '', 'New folder for PNGs, or new .npz file.', 'METHOD/sampled in the work directory'
      ),
      **_COMPUTING,
    },
    {
      '--workdir=runs/fashion_lt --num_images=100 --balanced --out=balanced.npz':
        'Ten images of each of the ten classes, as arrays.',
      '--workdir=runs/fashion_lt --num_images=50 --classes=Bag,Coat --out=bags':
        'Images of two classes, as PNGs.',
    },
  ),
  'export': Command(
    'Write a class-balanced data set to train other models on.',
    'Writes generated images, alone or together with the training images, with equal numbers of '
    'every class, the real test images as the test split, and export.json with the provenance.',
    {
      **_RESTORING,
      'contents': Flag(
        str,
        'synthetic',
        'Generated images alone, or the training images topped up with generated images.',
        choices=('synthetic', 'topped_up'),
      ),
      'format': Flag(
        str,
        'folders',
        'Class folders of PNGs, one npz file, or a TFDS directory.',
        choices=('folders', 'npz', 'tfds'),
      ),
      'images_per_class': Flag(
        int, None, 'Number of images of every class.', 'the size of the largest class', lower=1
      ),
      'min_confidence': Flag(
        float,
        0.0,
        'Draw an image again if the classifier gives its label a smaller probability.',
        lower=0,
        upper=1,
      ),
      **_DRAWING,
      'out': Flag(str, '', 'New folder.', 'METHOD/exported in the work directory'),
      **_COMPUTING,
    },
    {
      '--workdir=runs/fashion_lt --contents=topped_up --out=balanced':
        'Class folders with the training images and generated images of the rarer classes.',
    },
  ),
  'save': Command(
    'Write the generator to a folder that works anywhere.',
    'Writes the weights as safetensors, config.json, a model card with the numbers of the '
    'evaluation, a preview, and a program that JAX alone runs. jaxgan.from_pretrained opens the '
    'folder without the data set and the work directory; `hf upload` publishes it.',
    {
      **_RESTORING,
      'replica': _DRAWING['replica'],
      'license': Flag(
        str, 'unknown', 'Licence in the model card, such as mit, as the Hugging Face Hub names it.'
      ),
      'out': Flag(str, '', 'New folder.', 'METHOD/generator in the work directory'),
      **_COMPUTING,
    },
    {
      '--workdir=runs/fashion_lt --license=mit --out=clothes':
        'The last method of the experiment, under the MIT licence.',
    },
  ),
  'report': Command(
    'Compare the evaluations of work directories in one table or page.',
    'Prints the results of all methods in some work directories as Markdown, with verdicts and the '
    'published results.',
    {
      'workdir': Flag(str, '', 'A work directory, as an argument WORKDIR.', 'none'),
      'out': Flag(str, '', 'Markdown or HTML file to write.', 'prints only'),
    },
    {
      'runs/fashion_lt runs/cifar10_lt_ratio_100 --out=report.html':
        'One page with tables, curves and images of two experiments.',
    },
    positional='WORKDIR [WORKDIR ...]',
  ),
}  # fmt: skip

# Flags that are confused: each command has one of the two.
_COUNTERPARTS = {'num_images': 'images_per_class', 'images_per_class': 'num_images'}


def flags_of(name: str | None) -> dict[str, Flag]:
  """The flags of a command, or of all commands for None."""
  if name is not None:
    return COMMANDS[name].flags
  return {flag: own for command in COMMANDS.values() for flag, own in command.flags.items()}


def takers(flag: str) -> list[str]:
  """The names of the commands that take a flag."""
  return [name for name, command in COMMANDS.items() if flag in command.flags]


def wants_help(arguments: list[str]) -> bool:
  """Whether a command line asks for help."""
  own = arguments[: arguments.index('--')] if '--' in arguments else arguments
  return any(text in ('-h', '-help', '--help', '--helpshort', '--helpfull') for text in own)


def unknown_command(name: str, by_mode: bool = False) -> str:
  """The line about a command, or with `by_mode` a `--mode`, that is not in the table."""
  names = ', '.join(COMMANDS)
  if by_mode:
    return f'--mode={name}: no such mode{_nearest(name, COMMANDS)} Modes: {names}'
  if name.startswith('--mode='):
    return f'{name}: jaxgan has no modes, name the command instead: jaxgan {name[7:]}'
  if name.startswith('-'):
    return f'{name}: name a command before its flags: {names}'
  return f'{name}: no such command{_nearest(name, COMMANDS)} Commands: {names}'


def unknown_flag(
  name: str, flag: str, fields: Callable[[], str] = str, by_mode: bool = False
) -> str:
  """The line about a flag that a command lacks.

  Args:
    name: the command.
    flag: the flag, without dashes and value.
    fields: returns what fields the flag may mean, see `jaxgan.config.suggestions`.
    by_mode: whether the command was given as `--mode`.
  """
  if flag == 'mode':
    return f'--mode: jaxgan {name} has no modes, name the command instead'
  mode = '--mode=' if by_mode else ''
  known = COMMANDS[name].flags
  for own in (flag, flag.removeprefix('no'), flag.partition('.')[0]):
    if others := takers(own):
      meant = f'; did you mean --{near}?' if (near := _COUNTERPARTS.get(own)) in known else ''
      named = _listed([f'{mode}{other}' for other in others])
      return f'--{own}: not a flag of {mode}{name}, only of {named}{meant}'
  same_end = [own for own in known if own.endswith(f'_{flag}')]
  if same_end or not (of_fields := fields()):
    meant = f', did you mean --{same_end[0]}?' if same_end else _nearest(flag, known, '--')
    command = f'python -m jaxgan.main {mode}{name}' if by_mode else f'jaxgan {name}'
    return f'--{flag}: no such flag{meant} {command} --help lists the flags'
  return f'--{flag}: no such flag, {of_fields}'


def _nearest(name, known, dashes=''):
  found = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
  return f', did you mean {dashes}{found[0]}?' if found else '.'


def _listed(names) -> str:
  """Names with commas and, before the last name, an `or`."""
  return ' or '.join(', '.join(names).rsplit(', ', 1))


def overview() -> str:
  """The help of `jaxgan`."""
  lines = [f'  {name:10}{command.summary}' for name, command in COMMANDS.items()]
  return '\n'.join(
    [
      'Generative models for class-imbalanced images.',
      '',
      'usage: jaxgan COMMAND [flags]',
      '',
      *lines,
      '',
      'jaxgan COMMAND --help lists the flags of a command.',
    ]
  )


def usage(name: str) -> str:
  """The line that says how a command is called."""
  positional = COMMANDS[name].positional
  return ' '.join(filter(None, ['jaxgan', name, '[flags]', positional]))


def help_of(name: str) -> str:
  """The help of one command."""
  command = COMMANDS[name]
  (arguments, meaning), *_ = command.examples.items()
  return '\n'.join(
    [
      command.summary,
      '',
      f'usage: {usage(name)}',
      '',
      textwrap.fill(command.description, 100),
      '',
      *(line for flag, own in command.flags.items() for line in _described(flag, own)),
      '',
      f'example: {meaning}',
      f'  jaxgan {name} {arguments}',
    ]
  )


def help_of_modes() -> str:
  """The help of `python -m jaxgan.main`."""
  lines = [
    'USAGE: python -m jaxgan.main [--mode=MODE] [flags] [WORKDIR ...]',
    '',
    f'  --mode: {_listed(COMMANDS)}',
    *_wrapped('Same as jaxgan MODE. (default: train)'),
  ]
  for flag in flags_of(None):
    distinct = dict.fromkeys(COMMANDS[name].flags[flag] for name in takers(flag))
    for own in distinct:
      modes = [name for name in takers(flag) if COMMANDS[name].flags[flag] == own]
      lines += _described(flag, own, f'{", ".join(modes)}: ')
  return '\n'.join(lines)


def _described(name, flag, before='') -> list[str]:
  shown = f'[no]{name}' if flag.kind is bool else name
  allowed = '' if flag.kind is bool else f': {flag.allowed}'
  text = f'{before}{flag.meaning} (default: {flag.default_text})'
  return [f'  --{shown}{allowed}', *_wrapped(text)]


def _wrapped(text) -> list[str]:
  return textwrap.wrap(text, 100, initial_indent='      ', subsequent_indent='      ')
