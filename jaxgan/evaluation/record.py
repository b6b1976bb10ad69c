"""evaluation.json: the record that every evaluation leaves, and the machine that it ran on."""

import os
from pathlib import Path
from typing import Literal
import zipfile
import zlib

import jax
import numpy as np
import pydantic

from jaxgan.config.section import Section
from jaxgan.errors import UserError
from jaxgan.system import files

NAME = 'evaluation.json'
# Beside it: generated images with their labels, those of rare classes with their nearest training
# images, images of each code, and real images with their neighbours.
IMAGES_FILE, NEAREST_FILE = 'evaluation_samples.npz', 'nearest_training.npz'
CODES_FILE, RETRIEVAL_FILE = 'code_samples.npz', 'retrieval.npz'
_OLDER = {('protocol',), ('class_names',)}  # fields of format 1
Value = bool | int | float | str | None
Number = int | float | None
# A number, a list with a number for each class or code, or such a list for each of them.
Result = Number | list[Number | list[Number]]


class LabelSet(Section, strict=True):
  """What generated images are counted by.

  Attributes:
    names: of the classes or codes.
    counts: training images of each; () where they are not known.
  """

  names: tuple[str, ...]
  counts: tuple[int, ...] = ()

  @pydantic.model_validator(mode='after')
  def _one_count_each(self):
    if self.counts and len(self.counts) != len(self.names):
      raise ValueError('names and counts differ in length')
    return self


class EvaluationRecord(Section, strict=True):
  """The evaluation of one checkpoint of one run.

  Attributes:
    format: of the file.
    experiment: its name.
    method: its name.
    published: the row of published numbers that it stands beside, or None.
    step: of the checkpoint.
    settings: how it was trained and measured; runs whose settings agree are averaged.
    run: what tells one run from the others: seed, split, judges, machine.
    labels: what its images are counted by: 'classes', 'codes' or both.
    results: by the names of metrics, see `jaxgan.evaluation.metric`; None where one is undefined.
    notes: what was left out, and why.
  """

  format: Literal[2] = 2
  experiment: str
  method: str
  published: str | None
  step: int
  settings: dict[str, Value | list[Value]]
  run: dict[str, Value]
  labels: dict[str, LabelSet]
  results: dict[str, Result] = pydantic.Field(min_length=1)
  notes: tuple[str, ...] = ()

  @property
  def counted_by(self) -> str | None:
    """What the images are counted by: 'classes' or, without labels, 'codes'."""
    return next((kind for kind in ('classes', 'codes') if kind in self.labels), None)


def machine() -> dict:
  """The fields of every record that say where its numbers were computed."""
  devices = jax.devices()
  hardware = f'{len(devices)} x {devices[0].device_kind}'
  if devices[0].platform == 'cpu':
    hardware = f'{os.cpu_count()} CPU cores ({len(devices)} JAX devices)'
  return {'hardware': hardware, 'jax': jax.__version__}


def write(folder: Path, record: EvaluationRecord) -> None:
  """Writes the record of a run or replica to its folder, whole or not at all."""
  files.replace(Path(folder) / NAME, record.model_dump_json(indent=2).encode())


def read(path: Path) -> EvaluationRecord:
  """Reads a record.

  Raises:
    UserError: the file is damaged, or of an earlier version.
  """
  try:
    return EvaluationRecord.model_validate_json(Path(path).read_bytes())
  except (OSError, ValueError) as error:
    wrong = error.errors() if isinstance(error, pydantic.ValidationError) else ()
    if {each['loc'] for each in wrong} >= _OLDER:
      raise UserError(f'{path} is of an earlier version: run jaxgan evaluate again') from error
    raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> UserError:
  """The error of a file that cannot be what an evaluation wrote."""
  reason = f'{type(error).__name__}: {error}'
  if isinstance(error, pydantic.ValidationError):
    first = error.errors()[0]
    reason = f'{".".join(map(str, first["loc"]))}: {first["msg"]}'
  return UserError(f'{path} is damaged ({reason}); run jaxgan evaluate again')


def read_samples(path: Path, ndim: int, *names: str) -> tuple[np.ndarray, ...]:
  """Arrays of the npz of images that an evaluation leaves beside its file; the images come first.

  Raises:
    UserError: it is missing or damaged, its images are not uint8 of so many axes, or another array
      has not a value for each image.
  """
  try:
    with zipfile.ZipFile(path):  # NumPy would take anything else for a pickle.
      pass
    with np.load(path, allow_pickle=False) as saved:
      arrays = tuple(saved[name] for name in names)
    images = arrays[0]
    if images.dtype != np.uint8 or images.ndim != ndim or images.size == 0:
      raise ValueError(f'images are {images.dtype} {list(images.shape)}')
    if len({len(array) for array in arrays}) > 1:
      raise ValueError(f'{[len(array) for array in arrays]} values of each image')
  except (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
  ) as error:
    raise damaged(path, error) from error
  return arrays
