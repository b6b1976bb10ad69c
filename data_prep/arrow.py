"""Reading images from Arrow or Parquet files, such as data sets of Hugging Face.

The images are encoded (PNG, JPEG, ...) in a column of bytes, or of structs with `bytes` and `path`.
They are read and decoded during iteration.
"""

from collections.abc import Sequence
import functools
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.arrow_files import EncodedImage, ImageTable, open_table
from data_prep.arrow_splits import (
  SUFFIXES,
  Splits,
  count_others,
  find_files,
  is_saved,
  list_splits,
)
from data_prep.labels import number_labels
from data_prep.picture_formats import SUFFIXES as IMAGE_SUFFIXES
from data_prep.pictures import BACKGROUND, look_at, on_all_cores
from data_prep.readers import (
  UNLABELLED,
  Labelled,
  Notes,
  Source,
  add_file,
  leave_out,
  stands_in,
)
from jaxgan.errors import UserError

_IMAGES, _LABELS = ('image', 'img'), ('label', 'labels', 'fine_label')  # Names of columns.


def is_data_set(path: Path) -> bool:
  """Returns whether a path is an Arrow or Parquet file, or a folder of such files.

  Tables without images beside image files do not count: they describe the images.

  Raises:
    UserError: a folder has both files of images and tables of images.
  """
  if not path.is_dir():
    return path.is_file() and path.suffix.lower() in SUFFIXES
  table = next(find_files(path), None)
  if is_saved(path) or table is None:
    return is_saved(path)
  image = next(find_files(path, tuple(IMAGE_SUFFIXES)), None)
  if image and _holds_images(table):
    raise UserError(
      f'source {path} has images ({image.relative_to(path)}) beside a file of images '
      f'({table.relative_to(path)}): name the file, or leave one of them'
    )
  return not image


def read_arrow(
  path: Path,
  image_size: int | None = None,
  background: str = BACKGROUND,
  skip_unreadable: bool = False,
) -> Source:
  """Reads a data set of Arrow or Parquet files.

  The labels are the column `label`, `labels` or `fine_label`, or else the only column with the
  feature ClassLabel. Classes have the names of ClassLabel, or else of the values, sorted.

  Args:
    path: see `data_prep.arrow_splits`.
    image_size: see `data_prep.pictures.look_at`.
    background: see `data_prep.pictures.look_at`.
    skip_unreadable: see `data_prep.pictures.look_at`.

  Returns:
    The source; `pixels` is 'jpeg' if any image is a JPEG. Other columns are not read.

  Raises:
    UserError: a file is unreadable, or the column of images or labels is missing or ambiguous.
  """
  splits = list_splits(path)
  tables = [[open_table(file) for file in files] for files in (splits.train, splits.test) if files]
  names = splits.train_name, splits.test_name
  for split, part in zip(names, tables, strict=False):
    if not any(table.num_rows for table in part):
      raise UserError(f'source {path}: {split} has no rows')
  first = tables[0][0]
  image = _choose(first, 'images', _IMAGES, first.image_columns())
  label = _label_column(first, image)
  has_jpeg = [table.use_images(image) for part in tables for table in part]
  encoded = [EncodedImage(t, row) for part in tables for t in part for row in range(t.num_rows)]
  if label:
    labels, class_names, said = _labels(path, names, tables, label)
  else:
    labels = [np.zeros(sum(table.num_rows for table in part), np.int64) for part in tables]
    class_names, said = (UNLABELLED,), ()
  # Together: both splits get the same channels.
  images = look_at(encoded, image_size, background, skip_unreadable)
  cut = len(labels[0])
  others = [(f'column {name}', 1) for name in first.columns if name not in (image, label)]
  top = path if path.is_dir() else path.parent
  read = Source(
    Labelled(images[:cut], labels[0]),
    Labelled(images[cut:], labels[1]) if splits.test else None,
    class_names,
    f'{first.kind} files',
    'jpeg' if any(has_jpeg) else 'unverified',
    bool(label),
    (*said, *images.looks.changes()),
    tuple(others),
    images.looks.sizes,
    images.looks.colour,
    _notes(path, splits),
    tuple(image.name_in(top) for image in encoded),
    functools.cache(lambda: list(on_all_cores(EncodedImage.sha256, encoded))),
  )
  return leave_out(read, images.unreadable)


def _notes(path: Path, splits: Splits) -> Notes:
  said = [stands_in(splits.test_name)] if splits.test_name == 'validation' else []
  if splits.train_name != 'train':
    said.append(f'{splits.train_name} is the training split, as there is no other')
  others = []
  for split, files in splits.passed_over.items():
    others.append((f'rows of split {split}', sum(open_table(file).num_rows for file in files)))
  return Notes(tuple(said), (*others, *sorted(count_others(path, splits).items())))


def add_contents(digest: Any, path: Path) -> Notes:
  """Adds the bytes and splits of all files to a hash.

  Returns:
    The Notes on the source.
  """
  splits = list_splits(path)
  for split, files in (('train', splits.train), ('test', splits.test)):
    for file in files:
      add_file(digest, split, file)
  return _notes(path, splits)


def _holds_images(file) -> bool:
  try:
    return bool(open_table(file).image_columns())
  except UserError:
    return False


def _choose(table: ImageTable, what: str, usual: Sequence[str], found: Sequence[str]) -> str:
  """Returns the only found column, or the found column with a usual name."""
  chosen = [name for name in usual if name in found] or found
  if not chosen:
    columns = ', '.join(table.columns)
    raise UserError(f'{table.path} has no column of {what}; its columns are {columns}')
  if len(chosen) > 1:
    raise UserError(
      f'{table.path} has several columns of {what}, {", ".join(chosen)}: call one of them '
      f'`{usual[0]}` and rename or remove the others'
    )
  return chosen[0]


def _label_column(table, image) -> str | None:
  """Returns the column of labels, or None if images are the only column."""
  found = [name for name in _LABELS if name in table.columns] or table.class_columns()
  others = [name for name in table.columns if name != image]
  if others and not found:
    raise UserError(
      f'{table.path} has no column of labels, but {", ".join(others)}: call the labels '
      f'`{_LABELS[0]}`, or leave only {image} if there are none'
    )
  return _choose(table, 'labels', _LABELS, found) if found else None


def _labels(path, splits, tables, label):
  """Reads the labels of each split, int64 [N]; see `data_prep.labels.number_labels`."""
  names, values = tables[0][0].class_names(label), {}
  for split, part in zip(splits, tables, strict=False):
    columns = []
    for table in part:
      if label not in table.columns or table.class_names(label) != names:
        raise UserError(f'{table.path} and {tables[0][0].path} have other classes in {label}')
      columns.append(table.labels(label))
    if len({column.dtype.kind for column in columns}) > 1:
      raise UserError(f'source {path}: {split} has both texts and numbers in {label}')
    values[f'{split} {label}'] = np.concatenate(columns)
  labels, class_names, said = number_labels(path, values, names)
  return list(labels.values()), class_names, said
