"""Labels as numbers 0 .. K - 1, from numbers, one-hot rows or strings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.readers import check_class_names, composed, in_class_order
from jaxgan.errors import UserError, first_line


def number_labels(
  source: Path, labels: Mapping[str, np.ndarray], class_names: Any = None
) -> tuple[dict[str, np.ndarray], tuple[str, ...], tuple[str, ...]]:
  """Numbers the labels of all splits of a data set consistently.

  Args:
    source: of the labels, for messages.
    labels: {name of the array: labels}; integers `[N]` or `[N, 1]`, one-hot rows `[N, K]`, or
      strings `[N]`.
    class_names: strings or bytes; by default the labels themselves, see
      `data_prep.readers.in_class_order`. Names without images in any split are left out.

  Returns:
    ({name: int64 `[N]`}, class names in label order, messages about left-out classes).

  Raises:
    UserError: labels of another form or out of range, a class that a split lacks, or names that are
      no class names.
  """
  wheres = {name: f'source {source}: {name}' for name in labels}
  labels = {name: _column(wheres[name], array) for name, array in labels.items()}
  in_texts = {array.dtype.kind in 'US' for array in labels.values()}
  if len(in_texts) > 1:
    kinds = ', '.join(f'{name} {array.dtype}' for name, array in labels.items())
    raise UserError(f'source {source}: labels must be all strings or all numbers, got {kinds}')
  if class_names is not None:
    class_names = texts(f'source {source}: class_names', class_names)
    if not class_names:
      raise UserError(
        f'source {source}: class_names is empty; give a name per class, or leave it out'
      )
  if in_texts == {True}:
    labels, class_names = _number_texts(wheres, labels, class_names)
  else:
    labels, class_names = _number_numbers(wheres, labels, class_names)
  check_class_names(source, class_names)
  labels, class_names, said = _without_empty(labels, class_names)
  for name, array in labels.items():
    empty = np.flatnonzero(np.bincount(array, minlength=len(class_names)) == 0)
    if len(empty):
      raise UserError(f'{wheres[name]}: class {class_names[empty[0]]} has no images')
  return labels, class_names, said


def texts(where: str, array: Any) -> tuple[str, ...]:
  """Returns the class names in an array of strings, bytes or numbers."""
  try:
    items = np.asarray(array).ravel().tolist()
    return tuple(composed(i.decode() if isinstance(i, bytes) else str(i)) for i in items)
  except UnicodeDecodeError as error:
    raise UserError(f'{where} holds bytes that are no UTF-8 ({first_line(error)})') from error


def _column(where, array):
  """Returns labels `[N]`, int64 or strings."""
  if array.ndim == 2 and array.shape[1] == 1:
    array = array[:, 0]
  if array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in 'buif':
    is_one = array == 1
    if not (np.all(is_one | (array == 0)) and np.all(is_one.sum(1) == 1)):
      raise UserError(
        f'{where} must be integers [N], strings [N] or one-hot rows [N, K], got rows '
        f'{array.shape} that are not one 1 and else 0'
      )
    return is_one.argmax(1)
  kind, whole = array.dtype.kind, array.ndim == 1 and array.dtype.kind in 'buif'
  if kind == 'f' and whole:
    whole = bool(np.all(np.isfinite(array)) and np.all(array == np.rint(array)))
  if array.ndim == 1 and kind in 'US':
    return array
  if not whole:
    raise UserError(
      f'{where} must be integers [N], strings [N] or one-hot rows [N, K], got {array.dtype} '
      f'{array.shape}'
    )
  if len(array) and not -(2**63) <= int(array.min()) <= int(array.max()) < 2**63:
    raise UserError(f'{where} must lie in -2**63..2**63-1, got {array.min()}..{array.max()}')
  return array.astype(np.int64)


def _number_numbers(wheres, labels, class_names):
  for name, array in labels.items():
    if np.all(array == -1):  # Hugging Face marks the test images of a competition so.
      raise UserError(f'{wheres[name]} is -1 for every image: this split is unlabelled, remove it')
  if class_names is None:
    known = np.unique(np.concatenate(list(labels.values())))
    labels = {name: np.searchsorted(known, array) for name, array in labels.items()}
    return labels, tuple(str(number) for number in known)
  last = len(class_names) - 1
  for name, array in labels.items():
    if array.min() < 0 or array.max() > last:
      raise UserError(
        f'{wheres[name]} must lie in 0..{last}, as there are {last + 1} class names, got '
        f'{array.min()}..{array.max()}'
      )
  return labels, class_names


def _without_empty(labels, class_names):
  """Leaves out classes without images in any split; returns labels, names and messages."""
  used = np.unique(np.concatenate(list(labels.values())))
  num_empty = len(class_names) - len(used)
  if not num_empty:
    return labels, class_names, ()
  labels = {name: np.searchsorted(used, array) for name, array in labels.items()}
  classes = 'classes without images are' if num_empty > 1 else 'class without images is'
  return labels, tuple(class_names[k] for k in used), (f'{num_empty} {classes} left out',)


def _number_texts(wheres, labels, class_names):
  read = {name: np.array(texts(wheres[name], array)) for name, array in labels.items()}
  if class_names is None:
    class_names = tuple(
      in_class_order({text for array in read.values() for text in array.tolist()})
    )
  number = {name: k for k, name in enumerate(class_names)}
  for name, array in read.items():
    unknown = sorted(set(array.tolist()) - number.keys())
    if unknown:
      raise UserError(f'{wheres[name]} has {unknown[0]!r}, which is not in class_names')
  numbered = {
    name: np.array([number[text] for text in array.tolist()], np.int64)
    for name, array in read.items()
  }
  return numbered, class_names
