"""Names of prepared data, which outlives its source.

Prepared data is named NAME/CONFIG/VERSION. The config of `long_tail_folder` begins with the name of
the source and ends with a hash of its contents, as pets-size_32-0f1e2d3c4b. Another path of equal
contents makes the same data, so the first part does not count.
"""

import os
from pathlib import Path

from jaxgan.system.names import ANY_SOURCE, OWN_IMAGES, without_source


def is_gone(source: str) -> bool:
  """Whether a source is configured that does not exist."""
  return bool(source) and not os.path.exists(os.path.expanduser(source))


def of_same_source(dataset: str, prepared: str) -> str:
  """The name of a data set that was prepared from the same source as another one.

  >>> of_same_source('long_tail_folder', 'long_tail_folder/own-0f1e2d3c4b')
  'long_tail_folder/own-0f1e2d3c4b'
  >>> of_same_source('long_tail_mnist/split_03', 'long_tail_mnist/pool-0f1e2d3c4b')
  'long_tail_mnist/split_03-0f1e2d3c4b'

  Args:
    dataset: as configured, NAME or NAME/CONFIG.
    prepared: NAME/CONFIG of the other one.
  """
  name, _, config = dataset.partition('/')
  other, _, prepared = prepared.partition('/')
  if other != name or not prepared:
    return dataset
  if not config or name == OWN_IMAGES:
    return f'{name}/{config or prepared}'
  contents = prepared.partition('-')[2]
  return f'{name}/{config.partition("-")[0]}-{contents}' if contents else dataset


def find(root: Path, name: str, version: str) -> Path | None:
  """The folder of prepared data of this name, or of equal contents under another one.

  Args:
    root: where prepared data is kept.
    name: NAME/CONFIG.
    version: of the builder.
  """
  folder = root / name / version
  if folder.exists():
    return folder
  wanted = without_source(name)
  if not wanted.startswith(f'{OWN_IMAGES}/{ANY_SOURCE}-'):
    return None
  others = sorted((root / OWN_IMAGES).glob(f'*/{version}'))
  same = (o for o in others if without_source(f'{OWN_IMAGES}/{o.parent.name}') == wanted)
  return next(same, None)


def pattern(name: str) -> str:
  """A name as a person looks for it: with a star for the name of a source that does not count."""
  return name.replace(f'/{ANY_SOURCE}-', '/*-')
