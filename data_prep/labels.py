"""Labels as numbers 0 .. K - 1: from numbers, one-hot rows or texts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data_prep.readers import check_class_names, check_labels, composed
from jaxgan.errors import UserError, first_line


def number_labels(
  source: Path, labels: Mapping[str, np.ndarray], class_names: Sequence | None = None
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
  """Numbers the labels of the splits of one data set alike.

  Args:
    source: of the labels, for messages.
    labels: {name of the array: labels}; whole numbers `[N]` or `[N, 1]`, one-hot rows `[N, K]`, or
      texts `[N]`.
    class_names: texts or bytes; by default the texts of the labels, sorted, or 0, 1, ...

  Returns:
    ({name: int64 `[N]`}, class names in label order).

  Raises:
    UserError: labels of another form, out of range or that leave a class without images, or names
      that are no class names.
  """
  wheres = {name: f'source {source}: {name}' for name in labels}
  labels = {name: _column(wheres[name], array) for name, array in labels.items()}
  in_texts = {array.dtype.kind in 'US' for array in labels.values()}
  if len(in_texts) > 1:
    kinds = ', '.join(f'{name} {array.dtype}' for name, array in labels.items())
    raise UserError(f'source {source}: labels must be all texts or all numbers, got {kinds}')
  if class_names is not None:
    class_names = texts(f'source {source}: class_names', class_names)
  if in_texts == {True}:
    labels, class_names = _number_texts(wheres, labels, class_names)
  elif class_names is None:
    # Beyond the number of images some class has none, whatever the names.
    largest = max(min(int(array.max()), len(array)) for array in labels.values())
    class_names = tuple(str(k) for k in range(largest + 1))
  check_class_names(source, class_names)
  for name, array in labels.items():
    check_labels(wheres[name], array, class_names)
  return labels, class_names


def texts(where: str, array) -> tuple[str, ...]:
  """The class names in an array of texts, bytes or numbers."""
  try:
    items = np.asarray(array).ravel().tolist()
    return tuple(composed(i.decode() if isinstance(i, bytes) else str(i)) for i in items)
  except UnicodeDecodeError as error:
    raise UserError(f'{where} holds bytes that are no UTF-8 ({first_line(error)})') from error


def _column(where, array):
  """Labels `[N]`, int64 or texts."""
  if array.ndim == 2 and array.shape[1] == 1:
    array = array[:, 0]
  if array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in 'buif':
    is_one = array == 1
    if not (np.all(is_one | (array == 0)) and np.all(is_one.sum(1) == 1)):
      raise UserError(
        f'{where} must be whole numbers [N], texts [N] or one-hot rows [N, K], got rows '
        f'{array.shape} that are not one 1 and else 0'
      )
    used = is_one.any(0)
    if not used.all():
      raise UserError(f'{where}: class {np.argmin(used)} of the one-hot rows has no images')
    return is_one.argmax(1)
  kind, whole = array.dtype.kind, array.ndim == 1 and array.dtype.kind in 'buif'
  if kind == 'f' and whole:
    whole = bool(np.all(np.isfinite(array)) and np.all(array == np.rint(array)))
  if array.ndim == 1 and kind in 'US':
    return array
  if not whole:
    raise UserError(
      f'{where} must be whole numbers [N], texts [N] or one-hot rows [N, K], got {array.dtype} '
      f'{array.shape}'
    )
  return array.astype(np.int64)


def _number_texts(wheres, labels, class_names):
  read = {name: np.array(texts(wheres[name], array)) for name, array in labels.items()}
  if class_names is None:
    class_names = tuple(np.unique(np.concatenate(list(read.values()))).tolist())
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
