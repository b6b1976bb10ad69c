"""The splits and classes of the images in a folder or .zip."""

from collections import Counter
import re
from typing import NamedTuple

import numpy as np

from data_prep import label_files
from data_prep.readers import check_class_names, composed, in_class_order, stands_in
from data_prep.trees import File, Tree, join
from jaxgan.errors import UserError

SPLITS = {
  'train': ('train', 'training'),
  'test': ('test', 'testing'),
  'val': ('val', 'valid', 'validation'),
}  # In upper or lower case.
_WORDS = tuple(word for words in SPLITS.values() for word in words)
_SHOWN = '.png, .jpg, .tif, .webp or another format that Pillow decodes'


class Files(NamedTuple):
  """The images of a split, and labels int64 [N] in the same order."""

  paths: list[File]
  labels: np.ndarray


class Listing(NamedTuple):
  """The images of a source.

  Attributes:
    train: the training images.
    test: the test images, or None.
    class_names: in label order; empty without labels, when all labels are 0.
    tables: the labels files.
    changes: messages on how the source was read.
    passed_over: number of unread files, folders or rows, by reason.
  """

  train: Files
  test: Files | None
  class_names: tuple[str, ...]
  tables: list[File]
  changes: tuple[str, ...]
  passed_over: Counter


class _Split(NamedTuple):
  """A folder and the paths of its images by class, '' without labels."""

  folder: str
  classes: dict[str, list[str]]


def list_images(tree: Tree) -> Listing:
  """Lists the images of a tree, with or without labels.

  Labelled images are <class>/<images at any depth>, or images and a file of labels, see
  `data_prep.label_files`. Any form may lie in folders train and test, or train and val. Classes are
  ordered by size if all names are numbers, else by name; images are ordered by name within a
  folder.

  Raises:
    UserError: no images, a class without images, images beside class folders, different classes in
      test, a class whose name is not a line of text, or an ambiguous layout.
  """
  root, changes = _unwrapped(tree)
  folders = _split_folders(tree, root)
  if len(folders) > 1 and (name := folders[1].rpartition('/')[2]).lower() in SPLITS['val']:
    changes.append(stands_in(name))
  tables = _tables(tree, root, folders)
  if tables:
    splits = _labelled_by_tables(tree, folders, tables)
  else:
    splits = [_labelled_by_folders(tree, folder, changes) for folder in folders]
  names = tuple(splits[0].classes)
  if names != ('',):
    check_class_names(tree.root, names)
  if len(splits) > 1:
    _check_same_classes(tree, splits, bool(tables))
  files = [_files(tree, split, names) for split in splits]
  return Listing(
    files[0],
    files[1] if len(files) > 1 else None,
    () if names == ('',) else names,
    [File(tree, table.path) for table in tables],
    tuple(changes),
    tree.passed_over,
  )


def _unwrapped(tree) -> tuple[str, list[str]]:
  """Returns the folder of classes, splits or labels: archives often hold a single folder."""
  root, folder = '', tree.folders['']
  while len(folder.folders) == 1 and not folder.images and not folder.tables:
    (name,) = folder.folders
    inner = tree.folders[join(root, name)]
    if name.lower() in _WORDS or not (inner.tables or (inner.folders and not inner.images)):
      break
    root, folder = join(root, name), inner
  return root, [f'read from the folder {root} in it'] if root else []


def _split_folders(tree, root) -> list[str]:
  """Returns the folders of training and test images; counts the images in other folders."""
  names = tree.folders[root].folders
  found = {kind: [n for n in names if n.lower() in words] for kind, words in SPLITS.items()}
  train, test = found['train'], found['test'] or found['val']
  others = [name for name in names if name.lower() not in _WORDS]
  shown = tree.shown(root)
  if not train:
    if names and not others:
      raise UserError(f'source {shown} has a folder {names[0]} but none called train: rename one')
    return [root]
  nested = any(tree.folders[join(root, name)].folders for name in train)
  if test:  # A folder without images, such as of documents, is not a class.
    others = [name for name in others if tree.images(join(root, name))]
  if others and not nested:
    return [root]  # A class may be called train.
  if others and not test:
    raise UserError(
      f'source {shown} has a folder {others[0]} beside {train[0]}, which has folders: give '
      f'{tree.shown(join(root, train[0]))} as the source, or put images into one folder per class'
    )
  for several in (train, test):
    if len(several) > 1:
      raise UserError(f'source {shown} has the folders {" and ".join(several)}: keep one of them')
  if tree.folders[root].images:
    _refuse_mixed(tree, root)
  if test:
    unread = [(name, f'images of {name}, as {test[0]} is the test split') for name in found['val']]
    unread += [(name, f'images of {name}, beside {train[0]}') for name in others]
    _count_unread(tree, root, [(name, reason) for name, reason in unread if name not in test])
  return [join(root, name) for name in (*train, *test)]


def _count_unread(tree, root, unread):
  for name, reason in unread:
    tree.passed_over[reason] += len(tree.images(join(root, name)))


def _refuse_mixed(tree, folder):
  here = tree.folders[folder]
  raise UserError(
    f'source {tree.shown(folder)} has images ({here.images[0]}) beside folders '
    f'({here.folders[0]}): put every image into the folder of its class, or remove the folders if '
    'there are no labels'
  )


def _tables(tree, root, folders) -> list[label_files.Table]:
  """Reads the labels file beside the splits, or the labels file in each split."""
  places = dict.fromkeys((root, *folders))
  read = {place: label_files.read_table(tree, place, tree.images(place)) for place in places}
  for path, folder in tree.folders.items():
    if path not in places:
      for name in folder.tables:
        tree.passed_over[f'files {name} inside of classes or unread folders'] += 1
  tables = {place: table for place, table in read.items() if table is not None}
  if tables and tables.keys() not in ({root}, set(folders)):
    several = ', '.join(tree.shown(table.path) for table in tables.values())
    raise UserError(
      f'source {tree.shown(root)} has labels in {several}: expected a file beside the splits, or '
      'one in each of them'
    )
  return list(tables.values())


def _labelled_by_tables(tree, folders, tables) -> list[_Split]:
  if any(table.labels is None for table in tables):
    if not all(table.labels is None for table in tables):
      raise UserError(f'{tables[0].path} and {tables[1].path}: only one of them has labels')
    splits = [_Split(folder, {'': tree.images(folder)}) for folder in folders]
    return [split if split.classes[''] else _refuse_empty(tree, split.folder) for split in splits]
  labels = {path: label for table in tables for path, label in table.labels.items()}
  used = [label for label in labels.values() if label is not None]
  names = label_files.class_names(set(used), tree.shown(tables[0].path))
  splits = [_Split(folder, {}) for folder in folders]
  for split, table in zip(splits, tables * (len(splits) // len(tables)), strict=True):
    found = {name: [] for name in names.values()}
    for path in tree.images(split.folder):
      if path not in labels:
        tree.passed_over[f'images without a row in {table.path}'] += 1
      elif labels[path] is not None:
        found[names[labels[path]]].append(path)
    split.classes.update((name, paths) for name, paths in found.items() if paths)
    if not split.classes:
      _refuse_empty(tree, split.folder)
  for table in tables:
    tree.passed_over += table.passed_over
  return splits


def _refuse_empty(tree, folder):
  shown = tree.shown(folder)
  raise UserError(
    f'source {shown} has no class folders and no images{tree.others(folder)}: expected '
    f'{shown}/<class>/<image>, or {shown}/<image> for images without labels'
  )


def _labelled_by_folders(tree, folder, changes) -> _Split:
  here = tree.folders[folder]
  if here.images and here.folders:
    _refuse_mixed(tree, folder)
  if not (here.images or here.folders):
    _refuse_empty(tree, folder)
  if here.images:
    return _Split(folder, {'': tree.images(folder)})
  _refuse_other_layouts(tree, folder)
  classes = {}
  for name in here.folders:
    classes.setdefault(composed(name), []).append(join(folder, name))
  for name, folders in classes.items():
    if len(folders) > 1:
      changes.append(f'{len(folders)} folders {name} with accents of two kinds are one class')
  split = _Split(folder, {})
  for name in in_class_order(classes):
    split.classes[name] = [path for f in classes[name] for path in tree.images(f)]
    if not split.classes[name]:
      shown, others = tree.shown(join(folder, name)), tree.others(*classes[name])
      raise UserError(f'class folder {shown} has no images ({_SHOWN}){others}')
  return split


def _refuse_other_layouts(tree, folder):
  """Refuses layouts whose folders would be mistaken for classes."""
  names, shown = tree.folders[folder].folders, tree.shown(folder)
  inner = [tree.folders[join(folder, name)] for name in names]
  if all(any(name.lower() in _WORDS for name in f.folders) for f in inner):
    raise UserError(
      f'source {shown} has {inner[0].folders[0]} and other splits inside of its folder {names[0]}: '
      'put the folders of the classes into folders train and test'
    )
  if all(re.fullmatch(r'\d{5}', name) for name in names):
    files = [f.images[0] for f in inner if f.images]
    if files and all(re.match(r'img\d{8}\.', name) for name in files):
      raise UserError(
        f'source {shown} looks like the output of dataset_tool.py, but its dataset.json is missing'
      )


def _check_same_classes(tree, splits, by_tables):
  def shown(split, name):
    if by_tables:
      return f'class {name!r} of {tree.shown(split.folder)}'
    return f'class folder {tree.shown(join(split.folder, name))}'

  train, test = splits
  if ('' in train.classes) != ('' in test.classes):
    flat, other = (train, test) if '' in train.classes else (test, train)
    raise UserError(
      f'{tree.shown(flat.folder)} has images without class folders, {tree.shown(other.folder)} has '
      'class folders: give both of them class folders, or remove one of the two'
    )
  for name in test.classes:
    if name not in train.classes:
      raise UserError(f'{shown(test, name)} has no counterpart in {tree.shown(train.folder)}')
  for name in train.classes:
    if name not in test.classes:
      raise UserError(f'{shown(test, name)} has no images ({_SHOWN})')


def _files(tree, split, names) -> Files:
  paths = [File(tree, path) for name in names for path in split.classes[name]]
  labels = np.repeat(np.arange(len(names)), [len(split.classes[name]) for name in names])
  return Files(paths, labels.astype(np.int64))
