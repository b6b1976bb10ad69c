"""evaluation.json: the record of an evaluation and of its machine.

evaluation.json is the newest record. The folder `evaluations` keeps the newest of each step.
"""

from collections.abc import Sequence
import itertools
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

NAME, HISTORY = 'evaluation.json', 'evaluations'
_SAME = ('data', 'batch_norm')  # Settings with which a score of the same step stays valid.
# Files beside it: generated images with labels; images of rare classes with their nearest training
# images; images of each code; real images with their nearest neighbours.
IMAGES_FILE, NEAREST_FILE = 'evaluation_samples.npz', 'nearest_training.npz'
CODES_FILE, RETRIEVAL_FILE = 'code_samples.npz', 'retrieval.npz'
BY_CODES = 'their codes'  # What labels images that are drawn from codes.
# The note of a record where the network in the loop also judges.
ONE_NETWORK = (
  'classifier and annotator are one network: it counts the classes of a generator that was trained '
  'to please it, so that the KL flatters'
)
_OLDER = {('protocol',), ('class_names',)}  # fields of format 1
Value = bool | int | float | str | None
Number = int | float | None
# A number, one number per class or code, or a matrix.
Result = Number | list[Number | list[Number]]


class LabelSet(Section, strict=True):
  """The classes or codes that generated images are counted by.

  Attributes:
    names: names of the classes or codes.
    counts: training images of each; () if unknown.
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
    format: format of the file.
    experiment: name of the experiment.
    method: name of the method.
    published: row of published numbers to compare with, or None.
    step: step of the checkpoint.
    settings: settings of training and measurement; a report averages runs with equal settings.
    run: fields that differ between runs: seed, split, judges, machine.
    labels: {'classes' or 'codes': what the images are counted by}.
    results: {name of a metric: value}, see `jaxgan.evaluation.metric`; None if undefined.
    notes: omitted measures and the reasons, and what flatters the results.
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
    """The kind of labels that the images are counted by: 'classes' or, without labels, 'codes'."""
    return next((kind for kind in ('classes', 'codes') if kind in self.labels), None)


def machine() -> dict[str, str]:
  """Returns the fields of a record that describe the machine."""
  devices = jax.devices()
  hardware = f'{len(devices)} x {devices[0].device_kind}'
  if devices[0].platform == 'cpu':
    hardware = f'{os.cpu_count()} CPU cores ({len(devices)} JAX devices)'
  return {'hardware': hardware, 'jax': jax.__version__}


def write(folder: Path, record: EvaluationRecord, scores: Sequence[str] = ()) -> EvaluationRecord:
  """Writes the record of a run or replica to its folder, and to its history.

  Args:
    folder: the folder of the run or replica.
    record: the record.
    scores: see `with_scores`.

  Returns:
    The written record.
  """
  folder, record = Path(folder), with_scores(folder, record, scores)
  _keep(folder, record, scores)
  data = record.model_dump_json(indent=2).encode()
  files.replace(_of_step(folder, record.step), data)
  files.replace(folder / NAME, data)
  return record


def _keep(folder, record, scores):
  """Copies what `write` would lose: a record of an older version, or a score of other settings."""
  newest = _read_or_none(folder / NAME)
  if newest and not _of_step(folder, newest.step).exists():
    files.replace(_of_step(folder, newest.step), (folder / NAME).read_bytes())
  path = _of_step(folder, record.step)
  old = _read_or_none(path)
  if old and any(record.results.get(n) is None and old.results.get(n) for n in scores):
    copies = (path.with_name(f'{path.stem}_{number}.json') for number in itertools.count(1))
    files.replace(next(copy for copy in copies if not copy.exists()), path.read_bytes())


def history(folder: Path) -> list[EvaluationRecord]:
  """Reads the records of all steps of a run or replica, in the order of the steps.

  Raises:
    UserError: a record is damaged.
  """
  paths = [*sorted(Path(folder, HISTORY).glob('step_*.json'), reverse=True), Path(folder) / NAME]
  # The newest record of a step comes after copies of earlier ones, step_STEP_1.json and so on.
  found = {own.step: own for own in map(_read_kept, filter(Path.exists, paths))}
  return [found[step] for step in sorted(found)]


def with_scores(folder: Path, record: EvaluationRecord, scores: Sequence[str]) -> EvaluationRecord:
  """Adds the scores that an earlier evaluation of the same checkpoint measured.

  Args:
    folder: the folder of the run or replica.
    record: the new record.
    scores: names of results that some evaluations leave out; fields of `settings` and `run` that
      describe them begin with the name.

  Returns:
    The record with these scores. A score of another step becomes a note.
  """
  for name in scores:
    if record.results.get(name) is not None:
      continue
    known = [own for own in _records(Path(folder)) if own.results.get(name) is not None]
    same = [own for own in known if own.step == record.step and _agree(own, record)]
    if same:
      record = _with_score(record, same[0], name)
    elif known:
      last = max(known, key=lambda own: own.step)
      note = f'{name.upper()} of step {last.step:,}: {last.results[name]:.3g}, not measured again'
      record = record.model_copy(update={'notes': (*record.notes, note)})
  return record


def _agree(own, record) -> bool:
  return all(own.settings.get(name) == record.settings.get(name) for name in _SAME)


def _with_score(record, same, name):
  fields: dict = {'results': record.results | {name: same.results[name]}}
  for part in ('settings', 'run'):
    theirs = getattr(same, part).items()
    own = {field: value for field, value in theirs if field.startswith(f'{name}_')}
    fields[part] = getattr(record, part) | own
  return record.model_copy(update=fields)


def _of_step(folder, step) -> Path:
  return Path(folder) / HISTORY / f'step_{step:08d}.json'


def _records(folder):
  """The readable records of a folder: a damaged one must not end an evaluation."""
  paths = (*sorted((folder / HISTORY).glob('step_*.json')), folder / NAME)
  return [own for own in map(_read_or_none, paths) if own]


def _read_kept(path):
  try:
    return read(path)
  except UserError as error:
    if path.name == NAME:
      raise
    # An evaluation of another step does not write it again.
    raise UserError(f'{path} is damaged: delete it') from error


def _read_or_none(path):
  try:
    return read(path)
  except UserError:
    return None


def read(path: Path) -> EvaluationRecord:
  """Reads a record.

  Raises:
    UserError: the file is damaged, or an earlier version wrote it.
  """
  try:
    return EvaluationRecord.model_validate_json(Path(path).read_bytes())
  except (OSError, ValueError) as error:
    wrong = error.errors() if isinstance(error, pydantic.ValidationError) else ()
    if {each['loc'] for each in wrong} >= _OLDER:
      raise UserError(f'{path} has an older format: run jaxgan evaluate again') from error
    raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> UserError:
  """Builds the error for a file that no evaluation wrote in this form."""
  reason = f'{type(error).__name__}: {error}'
  if isinstance(error, pydantic.ValidationError):
    first = error.errors()[0]
    reason = f'{".".join(map(str, first["loc"]))}: {first["msg"]}'
  return UserError(f'{path} is damaged ({reason}); run jaxgan evaluate again')


def read_samples(path: Path, ndim: int, *names: str) -> tuple[np.ndarray, ...]:
  """Reads an npz file of images that an evaluation wrote beside its record.

  Args:
    path: the file.
    ndim: number of axes of the images.
    *names: names of the arrays, the images first.

  Returns:
    The arrays.

  Raises:
    UserError: the file is missing or damaged, its images are not uint8 with `ndim` axes, or another
      array differs from them in length.
  """
  try:
    with zipfile.ZipFile(path):  # NumPy reads any other file as a pickle.
      pass
    with np.load(path, allow_pickle=False) as saved:
      arrays = tuple(saved[name] for name in names)
    images = arrays[0]
    if images.dtype != np.uint8 or images.ndim != ndim or images.size == 0:
      raise ValueError(f'images are {images.dtype} {list(images.shape)}')
    if len({len(array) for array in arrays}) > 1:
      raise ValueError(f'arrays have lengths {[len(array) for array in arrays]}')
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
