"""The model card of a saved generator, README.md in the format of the Hugging Face Hub.

The metadata in its head follow https://huggingface.co/docs/hub/model-cards.
"""

from collections.abc import Mapping, Sequence
import json
import pathlib
import re
from typing import Any, NamedTuple

from jaxgan import report
from jaxgan.errors import UserError
from jaxgan.evaluation import record
from jaxgan.report import rows as rows_lib
from jaxgan.runs import generator_folder
from jaxgan.runs.generator_folder import Content
from jaxgan.system.names import escaped

UNKNOWN = 'unknown'
_LICENSE = re.compile(r'[a-z0-9][a-z0-9.-]*')
_TASK = 'unconditional-image-generation'
# Data sets of `data_prep` -> their names on the Hub.
_ON_THE_HUB = {
  'long_tail_cifar10': 'uoft-cs/cifar10',
  'long_tail_cifar100': 'uoft-cs/cifar100',
  'long_tail_fashion': 'zalando-datasets/fashion_mnist',
  'long_tail_fashion_mnist': 'zalando-datasets/fashion_mnist',
  'long_tail_mnist': 'ylecun/mnist',
}
_SHOWN = 50  # Most classes in the table.


class Facts(NamedTuple):
  """What the card states beside config.json.

  Attributes:
    license: see `check_license`.
    train_counts: training images of each class.
    held_out: number of held-out real images.
    folder: of the run, with its evaluation.json if it has been evaluated.
    inputs: {name: shape in words} of the arguments of the exported program; {} without one.
  """

  license: str
  train_counts: Sequence[int]
  held_out: int
  folder: pathlib.Path
  inputs: Mapping[str, str]


def check_license(name: str) -> None:
  """Refuses a licence that is not an identifier of the Hub, such as mit or cc-by-4.0.

  Raises:
    UserError: it has capitals, blanks or other characters.
  """
  if not _LICENSE.fullmatch(name):
    raise UserError(
      f'license={name!r}: expected an identifier of the Hugging Face Hub, for example mit, '
      'cc-by-4.0 or other.'
    )


def card(content: Content, facts: Facts, families: Mapping[str, Any]) -> str:
  """Writes the card.

  Args:
    content: config.json of the generator.
    facts: what else is stated.
    families: the table of families, for the table of an evaluation.

  Returns:
    Markdown with YAML metadata in its head.
  """
  title = f'{content.experiment}: {content.method}'
  what = f'images of {"x".join(map(str, content.image_shape))} (height, width, channels)'
  parts = [
    _head(content, facts.license),
    f'# {escaped(title)}',
    f'![Generated images, one row for each label]({generator_folder.PREVIEW})',
    'One row for each label; a row stays empty if none of a few hundred images has the label.',
    f'A generator of {what}, trained with jaxgan {content.jaxgan}: method '
    f'`{content.method}`, step {content.step}, seed {content.seed}.',
    _use(content, facts),
    _data(content, facts),
    _training(content),
    f'## Evaluation\n\n{_evaluation(content, facts.folder, families)}',
    _limits(content, facts),
  ]
  return '\n\n'.join(parts) + '\n'


def _head(content, license) -> str:
  """The metadata; a JSON value is a YAML value, too."""
  dataset = content.config.get('data', {}).get('dataset') or ''
  found = _ON_THE_HUB.get(dataset.partition('/')[0])
  fields = {
    'library_name': 'jaxgan',
    'license': license,
    'pipeline_tag': _TASK,
    'tags': ['jaxgan', 'jax', 'flax', 'image-generation', 'class-imbalance', content.method],
    **({'datasets': [found]} if found else {}),
  }
  lines = [f'{name}: {json.dumps(value, ensure_ascii=False)}' for name, value in fields.items()]
  return '\n'.join(['---', *lines, '---'])


def _use(content, facts) -> str:
  kind = 'labels' if content.labelled_by != record.BY_CODES else 'codes'
  needs = ''.join(
    f'import {module}  # registers a part of the generator\n' for module in content.modules
  )
  parts = [
    '## Use',
    f'```python\n{needs}import jaxgan\n\n'
    "generator = jaxgan.from_pretrained('FOLDER')  # or 'USER/NAME' on the Hugging Face Hub\n"
    '# uint8 [100, H, W, C] and int [100]; the same seed gives the same images.\n'
    'images, labels = generator.sample(100, balanced=True, seed=0)\n'
    f'generator.label_names  # names of the {kind}\n```',
  ]
  if facts.inputs:
    arguments = ', '.join(facts.inputs)
    shapes = '; '.join(f'`{name}` {shape}' for name, shape in facts.inputs.items())
    parts += [
      'Without jaxgan, with JAX alone, on CPU, CUDA or TPU:',
      '```python\nimport jax.export\n\n'
      f"with open('{generator_folder.PROGRAM}', 'rb') as file:\n"
      '  program = jax.export.deserialize(bytearray(file.read()))\n'
      f'images = program.call({arguments})  # uint8 [N, H, W, C]\n```',
      f'{shapes}; N is any number. JAX {content.jax} wrote the program. JAX guarantees that '
      'releases up to six months newer and up to three weeks older run it.',
    ]
  return '\n\n'.join(parts)


def _data(content, facts) -> str:
  counts = list(facts.train_counts)
  lines = [
    '## Data',
    f'`{content.data}`: {sum(counts)} training images, {facts.held_out} held-out images.',
  ]
  if not content.labelled:
    return '\n\n'.join([*lines, 'The images have no labels.'])
  pairs = list(zip(content.class_names, counts, strict=True))
  table = ['| class | training images |', '| --- | --- |']
  table += [f'| {escaped(name)} | {count} |' for name, count in pairs[:_SHOWN]]
  if len(pairs) > _SHOWN:
    rest = [count for _, count in pairs[_SHOWN:]]
    table.append(f'| {len(rest)} more classes | {min(rest)} to {max(rest)} each |')
  return '\n\n'.join([*lines, '\n'.join(table)])


def _training(content) -> str:
  config = content.config
  algorithm, train = config.get('algorithm', {}), config.get('train', {})
  facts = {
    'network': algorithm.get('network'),
    'loss': algorithm.get('loss'),
    'batch size': train.get('batch_size'),
    'trained for': f'{content.step} steps'
    + (f' of {train["steps"]}' if train.get('steps') else ''),
    'learning rate': algorithm.get('learning_rate'),
    'labels of generated images': content.labelled_by,
  }
  lines = [f'- {name}: {escaped(str(value))}' for name, value in facts.items() if value is not None]
  end = f'All settings are in [{generator_folder.CONFIG}]({generator_folder.CONFIG}).'
  return '\n'.join(['## Training', '', *lines, '', end])


def _evaluation(content, folder, families) -> str:
  """The tables of a report with the protocol, or why there are none."""
  if not (folder / record.NAME).exists():
    return (
      'This checkpoint has not been evaluated. `jaxgan evaluate` measures it; save the generator '
      'again afterwards.'
    )
  measured = record.read(folder / record.NAME)
  if measured.step != content.step:
    return (
      f'This checkpoint has not been evaluated: the evaluation of the run is of step '
      f'{measured.step}, not of step {content.step}.'
    )
  text = report.markdown_table(rows_lib.collect([folder], families))
  text = re.sub(r'^## ', '### ', text, flags=re.MULTILINE)
  text = re.sub(r'^\[\^(\d+)\]: ', r'\1. ', text, flags=re.MULTILINE)  # The Hub has no footnotes.
  return re.sub(r'\[\^(\d+)\]', r' (note \1)', text)


def _limits(content, facts) -> str:
  lines = ['## Limits and licence', '']
  labeller = content.labeller
  if labeller:
    measured = (
      ''
      if labeller.accuracy is None
      else (f', whose accuracy on real test images is {100 * labeller.accuracy:.1f} %')
    )
    lines.append(f'- Labels are predictions of a {labeller.role}{measured}; they may be wrong.')
  elif content.labelled_by == record.BY_CODES:
    lines.append('- Labels are codes that were learned without labels: look at what they mean.')
  else:
    lines.append('- A label is the class that was asked for; the image may show another one.')
  few = min(facts.train_counts, default=0)
  if content.labelled:
    lines.append(
      f'- The rarest class has {few} training images: expect little variety, or copies of them.'
    )
  lines.append('- Generated images may resemble training images, also of persons.')
  stated = (
    'The licence of this generator is not stated.'
    if facts.license == UNKNOWN
    else f'Licence of this generator: {facts.license}.'
  )
  lines.append(
    f'- {stated} Generated images derive from the training images, whose licence may apply to '
    'them, too.'
  )
  return '\n'.join(lines)
