"""The splits of a data set of Arrow or Parquet files, in the layouts of Hugging Face.

  FOLDER/dataset_dict.json, FOLDER/<split>/state.json, *.arrow     DatasetDict.save_to_disk
  FOLDER/state.json, *.arrow                                       Dataset.save_to_disk
  FOLDER/[<subset>/]<split>-00000-of-00001.parquet                 the hub and its cache
  FOLDER/[<subset>/]<split>/0000.parquet                           the hub's conversions
  FILE.parquet or FILE.arrow                                       one split

See https://huggingface.co/docs/hub/datasets-file-names-and-splits.
"""

from collections import Counter
from collections.abc import Iterator
import json
import os
from pathlib import Path
import re
from typing import NamedTuple

from data_prep.readers import listed_file
from data_prep.trees import shown_suffix, why_hidden
from jaxgan.errors import UserError, first_line

SUFFIXES = ('.arrow', '.parquet')
_LISTS = ('dataset_dict.json', 'dataset_info.json', 'state.json')  # Files that `save_to_disk` adds.
_DEEPEST = 2  # Most folders between the source and a file.
# Words in names of files or folders from which the hub recognises splits.
_KEYWORDS = {
  **dict.fromkeys(('train', 'training'), 'train'),
  **dict.fromkeys(('validation', 'valid', 'val', 'dev'), 'validation'),
  **dict.fromkeys(('test', 'testing', 'eval', 'evaluation'), 'test'),
}


class Splits(NamedTuple):
  """The files of the splits of a data set.

  Attributes:
    train: the training files.
    test: the test files; empty without a test split.
    train_name: name of the training split in the data set; a single split of any name is it.
    test_name: 'test', 'validation' or ''.
    passed_over: {name: files} of splits that are not read.
  """

  train: list[Path]
  test: list[Path]
  train_name: str
  test_name: str
  passed_over: dict[str, list[Path]]


def is_saved(folder: Path) -> bool:
  """Returns whether `save_to_disk` wrote a folder; other programs also write a state.json."""
  state = folder / 'state.json'
  named = state.is_file() and '"_data_files"' in state.read_text(encoding='utf-8', errors='replace')
  return named or (folder / 'dataset_dict.json').is_file()


def list_splits(root: Path) -> Splits:
  """Lists the files of a data set; without a test split, the validation split is the test split.

  Args:
    root: a file or folder, see the module.

  Raises:
    UserError: a file is missing, or the split of a file is ambiguous.
  """
  if root.is_file():
    found = {'train': [root]}
  elif (root / 'dataset_dict.json').is_file():
    listing = root / 'dataset_dict.json'
    names = map(str, _json(listing, 'splits'))
    found = {name: _saved(listed_file(listing, name)) for name in names}
  elif (root / 'state.json').is_file():
    found = {'train': _saved(root)}
  else:
    found = _named(root)
  train_name = next(iter(found)) if len(found) == 1 else 'train'
  if train_name not in found:
    raise UserError(f'source {root} has no split train; its splits are {", ".join(sorted(found))}')
  for name, files in found.items():
    _check_complete(root, name, files)
  train = found.pop(train_name)
  test_name = next((name for name in ('test', 'validation') if name in found), '')
  return Splits(train, found.pop(test_name, []), train_name, test_name, found)


def _saved(folder) -> list[Path]:
  """Lists the files of a split from `save_to_disk`, without the cache files beside them."""
  listing = folder / 'state.json'
  files = [listed_file(listing, name) for name in map(_filename, _json(listing, '_data_files'))]
  absent = [file for file in files if not file.is_file()]
  if absent or not files:
    raise UserError(f'source {folder} lacks {absent[0].name if absent else "files"}: save it again')
  return files


def _filename(entry) -> str:
  return str(entry.get('filename', '')) if isinstance(entry, dict) else ''


def _json(path, field):
  try:
    content = json.loads(path.read_text(encoding='utf-8'))[field]
    if not isinstance(content, list):
      raise ValueError(f'{field} is no list')
    return content
  except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
    reason = f'no {field}' if isinstance(error, KeyError) else first_line(error)
    raise UserError(f'{path} cannot be read ({reason}): save the data set again') from error


def find_files(root: Path, suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[Path]:
  """Yields the files in a folder by name, without hidden files and caches."""
  for top, folders, names in os.walk(root):
    depth = len(Path(top).relative_to(root).parts)
    folders[:] = sorted(f for f in folders if not why_hidden(f, True)) if depth < _DEEPEST else []
    for name in sorted(names):
      # metadata.parquet describes the image files beside it.
      cache = name.startswith(('.', 'cache-', 'metadata.'))
      if name.lower().endswith(suffixes) and not cache:
        yield Path(top, name)


def count_others(root: Path, splits: Splits) -> Counter[str]:
  """Counts the files and hidden folders outside a data set, by reason."""
  counts, listed = Counter(), {*splits.train, *splits.test}.union(*splits.passed_over.values())
  for top, folders, names in os.walk(root):  # Yields nothing if the source is a file.
    is_deep = len(Path(top).relative_to(root).parts) > _DEEPEST
    counts.update(reason for folder in folders if (reason := why_hidden(folder, True)))
    folders[:] = [folder for folder in folders if not why_hidden(folder, True)]
    for name in names:
      if Path(top, name) in listed or name in _LISTS:
        continue
      if name.lower().endswith(SUFFIXES):
        reason = f'tables more than {_DEEPEST} folders deep' if is_deep else 'tables of no split'
      else:
        reason = f'files that are no tables ({shown_suffix(name)})'
      counts[why_hidden(name, False) or reason] += 1
  return counts


def _named(root) -> dict[str, list[Path]]:
  """Groups files into splits by the names of files, or else of their folders."""
  splits, subsets, suffixes = {}, set(), set()
  for file in find_files(root):
    own, folder = _keyword(file.stem), file.parent
    of_folder = _keyword(folder.name) if folder != root else None
    split = own or of_folder
    if not own and of_folder and folder.name.lower() in _KEYWORDS:
      folder = folder.parent
    subsets.add(folder)
    suffixes.add(file.suffix.lower())
    splits.setdefault(split, []).append(file)
  if len(subsets) > 1:
    names = ', '.join(str(folder) for folder in sorted(subsets))
    raise UserError(f'source {root} holds several data sets: name one of {names}')
  if len(suffixes) > 1:
    raise UserError(f'source {root} has .arrow and .parquet files: leave one of the two forms')
  others = splits.pop(None, [])
  if not splits:
    return {'train': others}
  return splits | {file.stem: [file] for file in others}


def _keyword(name):
  words = [word for word in re.split(r'[^a-z]+', name.lower()) if word in _KEYWORDS]
  return _KEYWORDS[words[-1]] if words else None


def _check_complete(root, split, files):
  totals = [re.search(r'-\d{5}-of-(\d{5})', file.name) for file in files]
  wanted = {int(total[1]) for total in totals if total}
  if wanted and (wanted != {len(files)} or None in totals):
    raise UserError(
      f'source {root} has {len(files)} of the {max(wanted)} files of split {split}, such as '
      f'{files[0].name}: leave one complete set'
    )
