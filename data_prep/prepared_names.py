"""Names of prepared data, which may outlive its source.

Prepared data is named NAME/CONFIG/VERSION. The config of `long_tail_folder` begins with the name of
the source and ends with a hash of its contents, such as pets-size_32-0f1e2d3c4b. Another path with
equal contents gives the same data, so comparisons ignore the first part.
"""

import os
from pathlib import Path

from jaxgan.system.names import ANY_SOURCE, OWN_IMAGES, without_source


def is_gone(source: str) -> bool:
  """Returns whether a source is configured but missing."""
  return bool(source) and not os.path.exists(os.path.expanduser(source))


def missing(source: str, split: str | None) -> str:
  """Returns the source or the list of its split, whichever is configured but missing, else ''."""
  return next((path for path in (source, split or '') if is_gone(path)), '')


def of_same_source(dataset: str, prepared: str) -> str:
  """Returns the name of a data set as prepared from the same source as another data set.

  >>> of_same_source('long_tail_folder', 'long_tail_folder/own-0f1e2d3c4b')
  'long_tail_folder/own-0f1e2d3c4b'
  >>> of_same_source('long_tail_mnist/split_03', 'long_tail_mnist/pool-0f1e2d3c4b')
  'long_tail_mnist/split_03-0f1e2d3c4b'

  Args:
    dataset: as configured, NAME or NAME/CONFIG.
    prepared: NAME/CONFIG of the other data set.
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
  """Finds the folder of prepared data of this name, or of equal contents under another name.

  Args:
    root: the folder of prepared data.
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
  """Returns a name with a star for an ignored name of a source, for messages."""
  return name.replace(f'/{ANY_SOURCE}-', '/*-')
