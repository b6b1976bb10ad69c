"""yardsticks.json: what real images score in the metrics of generated images.

`jaxgan.evaluation.real_images` measures them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pydantic

from jaxgan.config.section import Section
from jaxgan.errors import UserError
from jaxgan.evaluation import record
from jaxgan.system import files
from jaxgan.training import logging

FOLDER, NAME = 'real_images', 'yardsticks.json'


class Yardsticks(Section, strict=True):
  """The scores of real images.

  Attributes:
    format: format of the file.
    settings: the protocol, with the images and networks that the scores belong to.
    training: {name of a metric: value} of the real training images against the reference.
    test: the same of the reference images, against each other where a metric compares images;
      beside it 'feature_variance/<network>', the trace of the covariance of their features, and
      'class_accuracy' and 'class_images', how many test images of each class the annotator labels
      rightly and how many there are.
    run: seed and machine.
  """

  format: Literal[1] = 1
  settings: dict[str, record.Value | list[record.Value]]
  training: dict[str, record.Result]
  test: dict[str, record.Result]
  run: dict[str, record.Value]


def folders(workdir: Path, keys: Sequence[str]) -> list[Path]:
  """Returns the folder of the yardsticks of each replica; replicas with the same images share one.

  Args:
    workdir: the work directory.
    keys: the key of the images of each replica.
  """
  one = len(set(keys)) == 1
  own = logging.replica_folders(workdir / FOLDER, 1 if one else len(keys))
  return [own[0] if one else own[keys.index(key)] for key in keys]


def write(folder: Path, yardsticks: Yardsticks) -> None:
  """Writes the yardsticks of a work directory or replica to their folder atomically."""
  files.replace(folder / NAME, yardsticks.model_dump_json(indent=2).encode())


def read(folder: Path) -> Yardsticks | None:
  """Reads the yardsticks of a folder; None if there are none, as in older work directories.

  Raises:
    UserError: the file is damaged.
  """
  path = Path(folder) / NAME
  if not path.exists():
    return None
  try:
    return Yardsticks.model_validate_json(path.read_bytes())
  except (OSError, pydantic.ValidationError) as error:
    raise UserError(f'{path} is damaged; run jaxgan evaluate again') from error
