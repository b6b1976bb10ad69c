"""Labels files beside images.

dataset_tool.py of StyleGAN2-ADA and StyleGAN3 writes `dataset.json`:
{"labels": [["00000/img00000000.png", 6], ...]}, or null instead of the list. `metadata.csv` and
`metadata.jsonl` are files of Hugging Face's ImageFolder: a row per image, with `file_name` and, to
be read here, `label` or `class`. File names are relative to the folder of the labels file.
"""

from collections import Counter
from collections.abc import Iterator
import csv
import io
import json
from pathlib import PurePosixPath
from typing import NamedTuple

from data_prep.readers import composed, in_class_order, whole
from data_prep.trees import Tree, join
from jaxgan.errors import UserError, first_line

_COLUMNS = ('label', 'class')


class Table(NamedTuple):
  """The labels in a labels file.

  Attributes:
    path: of the file.
    labels: {path of an image: integer or name}; None if the file marks the images as unlabelled.
    passed_over: rows without a label.
  """

  path: str
  labels: dict[str, int | str] | None
  passed_over: Counter


def read_table(tree: Tree, folder: str, images: list[str]) -> Table | None:
  """Reads the labels file of a folder.

  Args:
    tree: the tree.
    folder: the path of the folder.
    images: paths of the images that the file may name.

  Returns:
    The table; None without a labels file or without a column of labels, which `tree.passed_over`
    counts.

  Raises:
    UserError: several labels files, a damaged file, a row of a missing image, or labels that mix
      integers and names.
  """
  names = tree.folders[folder].tables
  if not names:
    return None
  if len(names) > 1:
    several = ' and '.join(names)
    raise UserError(f'{tree.shown(folder)} has {several}: keep the file with the labels')
  path = join(folder, names[0])
  shown = tree.shown(path)
  try:
    text = tree.read(path).decode('utf-8-sig')
    rows = _json_rows(text) if names[0] == 'dataset.json' else _metadata_rows(names[0], text)
    rows = rows if rows is None else list(rows)
  except UserError:
    raise
  except Exception as error:  # JSON, csv and Unicode errors.
    raise UserError(f'labels file {shown} cannot be read ({first_line(error)})') from error
  if rows is None and names[0] == 'dataset.json':
    return Table(path, None, Counter())
  if rows is None:
    tree.passed_over[f'{names[0]} without a column label or class'] += 1
    return None
  return _table(tree, path, folder, rows, images)


def class_names(labels: set[int | str], shown: str) -> dict[int | str, str]:
  """Returns {label: class name} in class order: numbers by size, names by alphabet.

  Raises:
    UserError: labels mix numbers and names.
  """
  texts = [label for label in labels if isinstance(label, str)]
  if len(texts) == len(labels) and all(whole(text) is not None for text in texts):
    return {text: str(whole(text)) for text in in_class_order(texts)}  # A .csv has only strings.
  if texts and len(texts) < len(labels):
    raise UserError(f'labels file {shown} has numbers and names as labels: use one of them')
  if not texts:
    return {label: str(label) for label in sorted(labels)}
  normal = {text: composed(text) for text in texts}
  return dict(sorted(normal.items(), key=lambda item: item[1]))


def _json_rows(text):
  """(file name, label) of each row of a dataset.json; None for images without labels."""
  content = json.loads(text)
  if not isinstance(content, dict) or 'labels' not in content:
    raise ValueError('it has no field "labels"')
  rows = content['labels']
  if rows is None:
    return None
  if not isinstance(rows, list) or not all(isinstance(r, list) and len(r) == 2 for r in rows):
    raise ValueError('"labels" must be null or a list of [file name, label]')
  return [(name, label) for name, label in rows]


def _metadata_rows(name, text) -> Iterator | None:
  """(file name, label) of each row of a metadata file; None if it has no labels."""
  if name == 'metadata.csv':
    reader = csv.DictReader(io.StringIO(text, newline=''), strict=True)
    rows, columns = list(reader), set(reader.fieldnames or ())
  else:
    # str.splitlines would also split at other line separators inside of JSON strings.
    rows = [json.loads(line) for line in text.split('\n') if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
      raise ValueError('each line must be an object, such as {"file_name": "1.png", "label": 3}')
    columns = set().union(*rows)
  given = [column for column in _COLUMNS if column in columns]
  if not given:
    return None
  if len(given) > 1 or 'file_name' not in columns:
    raise ValueError('expected the columns file_name and either label or class')
  return ((row.get('file_name'), row.get(given[0])) for row in rows)


def _table(tree, path, folder, rows, images):
  shown, known = tree.shown(path), set(images)
  # macOS file systems compose accents differently from most editors.
  normal = {composed(image): image for image in images}
  labels, passed_over = {}, Counter()
  for name, label in rows:
    image = _inside(shown, folder, name)
    image = image if image in known else normal.get(composed(image))
    if image is None:
      raise UserError(f'labels file {shown} names {name!r}, which is not an image there')
    if image in labels:
      raise UserError(f'labels file {shown} names {name!r} twice: keep one row')
    if label is None or label == '':
      passed_over[f'images without a label in {path}'] += 1
      label = None
    elif isinstance(label, bool) or (isinstance(label, float) and label.is_integer()):
      label = int(label)
    elif not isinstance(label, int | str):
      raise UserError(f'labels file {shown}: label {label!r} of {name} is not an integer or name')
    labels[image] = label
  if not any(label is not None for label in labels.values()):
    raise UserError(f'labels file {shown} has no labels')
  return Table(path, labels, passed_over)


def _inside(shown, folder, name):
  parts = PurePosixPath(str(name).replace('\\', '/')).parts
  if not (isinstance(name, str) and name and parts) or '..' in parts or parts[0].startswith('/'):
    raise UserError(f'labels file {shown} names {name!r}, which is not a file inside its folder')
  return join(folder, '/'.join(parts))
