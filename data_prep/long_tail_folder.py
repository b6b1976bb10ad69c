"""Own images, from folders, .zip, .npz, Arrow or Parquet files, unchanged or made long-tailed.

Images without labels (a flat folder, or an .npz without `labels`) have one class,
`readers.UNLABELLED`, and `labelled` in the metadata is False: such data has no class shares,
classifiers or imbalance ratios.
"""

from collections.abc import Callable
import hashlib
import numbers
import os
from pathlib import Path
import re
from typing import Any, NamedTuple

import numpy as np
from PIL import ImageColor
import tensorflow_datasets as tfds

from data_prep import arrow, flag_names, folders, npz, prepared_names, readers, split_list
from data_prep.array_builder import ArrayBuilder, Recipe, Split
from data_prep.long_tail import class_counts, largest_n_max, select_indices
from data_prep.pictures import BACKGROUND
from jaxgan.errors import UserError
from jaxgan.system import files, messages

OPTIONS = (
  'imbalance_ratio', 'image_size', 'seed', 'test_share', 'background', 'split', 'skip_unreadable'
)  # fmt: skip
DEFAULT_TEST_SHARE = 0.1
ORDERS = {
  'npz': 'of the .npz',
  'Arrow files': 'by file, then row',
  'Parquet files': 'by file, then row',
  'class folders': 'by class folder, then file name',
  'labels file': 'by class, then file name',
  'image folder': 'by file name',
}


class LongTailFolder(ArrayBuilder, skip_registration=True):
  """Own images of one square size, with train and test splits."""

  def __init__(
    self, *, source: readers.Source, options: dict, skip_unreadable: bool = False, **kwargs: Any
  ):
    """See `ArrayBuilder`; `options` are arguments of `make_splits`."""
    self._skip_unreadable, self._rows = skip_unreadable, []
    height, width, channels = source.train.images.shape[1:]
    self.image_shape = height, width, channels
    self.class_names, self.labelled = source.class_names, source.labelled
    self._contents = source, options
    super().__init__(**kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    source, options = self._contents
    if self._skip_unreadable:
      source = readers.without_undecodable(source)
    splits, facts = make_splits(source, **options)
    # Of a user's split, the indices of test images count from the first training image, too.
    after = len(source.train.labels) if source.test and options['split'] is None else 0
    places = {'train': splits['train'].indices, 'test': splits['test'].indices + after}
    self._rows = split_list.rows_of(source, places)
    facts['leaked'] = [list(pair) for pair in split_list.leaked(self._rows)]
    facts['unreadable'] = [[file, reason] for file, _, reason in source.unreadable]
    return splits, facts

  def _download_and_prepare(self, dl_manager, download_config=None):
    with readers.skipping_offered():
      super()._download_and_prepare(dl_manager, download_config)
    split_list.write(Path(self.data_dir, split_list.NAME), self._rows)
    # Images with transparent pixels are known only after decoding.
    ground = getattr(self._contents[0].train.images, 'ground', None)
    if ground and ground.said:
      metadata: Any = self.info.metadata
      metadata['changes'] = [*metadata['changes'], ground.said]


def make_splits(
  source: readers.Source,
  imbalance_ratio: float | None = None,
  seed: int = 0,
  test_share: float | None = None,
  split: split_list.UserSplit | None = None,
) -> tuple[dict[str, Split], dict]:
  """Holds out a test split if there is none, and makes the training split long-tailed on request.

  A class of n images has round(test_share * n) test images, but at least 1 and at most n - 1. With
  an imbalance ratio, n_max is the largest number for which every class has its `class_counts`, in
  label order.

  Args:
    source: from a reader.
    imbalance_ratio: None leaves the class sizes unchanged.
    seed: of the shuffle of each class.
    test_share: None means DEFAULT_TEST_SHARE; not for a source with test images.
    split: the user's list, instead of a held-out share or the test images of the source.

  Returns:
    The splits, and the facts for the metadata.

  Raises:
    UserError: a class with one image and no test images; a class that would be empty; an
      imbalance ratio for images without labels.
  """
  if imbalance_ratio is not None and not source.labelled:
    raise UserError(
      f'imbalance_ratio {imbalance_ratio:g} was given, but the source has no labels: leave it out'
    )
  source = source if split is None else readers.pooled(source)
  test, pool, test_counts = _held_out(source, split, test_share, seed)
  images, labels = source.train
  available = np.bincount(labels[pool], minlength=len(source.class_names))
  counts, n_max = _train_counts(available - test_counts, source.class_names, imbalance_ratio)
  train = pool[select_indices(labels[pool], counts, seed, skip=test_counts.tolist())]
  facts = {
    'source_kind': source.kind,
    'pixels': source.pixels,
    'order': ORDERS[source.kind],
    'imbalance_ratio': imbalance_ratio,
    'n_max': n_max,
    'seed': seed,
    'test_share': DEFAULT_TEST_SHARE if test_share is None and test_counts.any() else test_share,
    'labelled': source.labelled,
    'changes': list(source.changes),
    'passed_over': [list(pair) for pair in source.passed_over],
    'listed': source.listed._asdict(),
    'sizes': source.sizes,
    'colour': source.colour,
  }
  return {'train': Split(images[train], labels[train], train), 'test': test}, facts


def _held_out(source, split, test_share, seed):
  """Returns (the test split, positions that training may use, test images of each class there)."""
  images, labels = source.train
  everything, none = np.arange(len(labels)), np.zeros(len(source.class_names), int)
  if split is not None:
    places = split_list.assign(split, source)
    at = places['test']
    return Split(images[at], labels[at], at), places['train'], none
  if source.test is None:
    return _cut_test(source, everything, test_share or DEFAULT_TEST_SHARE, seed)
  if test_share is not None:
    raise UserError(
      f'{flag_names.flag("test_share")}={test_share}: the source has test images already'
    )
  images, labels = source.test
  return Split(images, labels, np.arange(len(labels))), everything, none


def _cut_test(source, everything, test_share, seed):
  """See `_held_out`."""
  images, labels = source.train
  available = np.bincount(labels, minlength=len(source.class_names))
  if available.min() < 2:
    few = int(available.min())
    raise UserError(
      f'class {source.class_names[available.argmin()]} has {few} image{"" if few == 1 else "s"}, '
      'at least 2 are needed to cut a test split: add images or give a test folder'
    )
  counts = [min(max(1, round(test_share * int(n))), int(n) - 1) for n in available]
  at = select_indices(labels, counts, seed)
  return Split(images[at], labels[at], at), everything, np.array(counts)


def _train_counts(pool, names, imbalance_ratio):
  """Returns (training images per class, the largest of these numbers)."""
  if imbalance_ratio is None:
    return pool.tolist(), int(pool.max())
  n_max = largest_n_max(pool, imbalance_ratio)
  counts = class_counts(n_max, len(names), imbalance_ratio)
  if min(counts) < 1:
    raise UserError(
      f'imbalance_ratio {imbalance_ratio:g} leaves class {names[counts.index(0)]} without '
      f'images (class {names[0]} keeps {n_max}): lower it'
    )
  return counts, n_max


def recipe(
  config: str,
  source: str,
  imbalance_ratio: float | None = None,
  image_size: int | None = None,
  seed: int = 0,
  test_share: float | None = None,
  background: str = BACKGROUND,
  split: str | None = None,
  skip_unreadable: bool = False,
) -> Recipe:
  """See `data_prep.array_builder.Recipe`.

  The name of the config has the source, the options and a hash of the contents. A changed source is
  therefore prepared again, and an unchanged source is found even under another path
  (`data_prep.prepared_names`).

  Args:
    config: '', or the name of prepared data, which needs no source.
    source: see `data_prep.folders`, `data_prep.npz` and `data_prep.arrow_splits`.
    imbalance_ratio: see `make_splits`.
    image_size: side in pixels; optional if all images are squares of one size.
    seed: see `make_splits`.
    test_share: see `make_splits`.
    background: background colour of transparent images, such as 'white' or '#000000'.
    split: path of a list of the training and test images, see `data_prep.split_list`.
    skip_unreadable: leave out unreadable images, instead of refusing the source.

  Returns:
    The recipe; `make` decodes the images.
  """
  _check_options(imbalance_ratio, image_size, seed, test_share, background, split)
  if not source:
    return _prepared(config)
  path = files.expanded(source)
  reader = _reader(path)
  contents, listed = _contents_hash(reader, path, (imbalance_ratio, test_share))
  own = split_list.read_user_split(files.expanded(split)) if split else None
  made = _name_options(imbalance_ratio, image_size, seed, test_share, background, own)
  made += ['readable'] if skip_unreadable else []
  name = '-'.join([_stem(path.resolve()), *made, contents])
  _check_name(config, source, name)

  def make(data_dir):
    with readers.skipping_offered():
      read = reader.read(path, image_size, background, skip_unreadable)
    options: dict[str, Any] = dict(
      imbalance_ratio=imbalance_ratio, seed=seed, test_share=test_share, split=own
    )
    make_splits(read, **options)  # Raises on bad options before TFDS writes files.
    return LongTailFolder(
      source=read,
      options=options,
      skip_unreadable=skip_unreadable,
      config=tfds.core.BuilderConfig(name=name),
      data_dir=data_dir,
    )

  return Recipe(name, make, listed=listed)


def _check_name(config, source, name):
  """Refuses a source other than the source that the configured name stands for."""
  same = {
    prepared_names.without_source(f'{prepared_names.OWN_IMAGES}/{n}')
    for n in (config or name, name)
  }
  if len(same) > 1:
    raise UserError(f'dataset long_tail_folder/{config}: source {source} makes {name}')


class _Reader(NamedTuple):
  """The functions that read one form of images.

  Attributes:
    read: `read(path, image_size, background, skip_unreadable)` returns the Source.
    add_contents: `add_contents(digest, path)` adds to a hash all that the images depend on, and
      returns the Notes.
  """

  read: Callable
  add_contents: Callable


def _reader(path: Path) -> _Reader:
  if not os.path.exists(path):
    raise UserError(f'source {path} does not exist ({flag_names.flag("source")})')
  suffix = path.suffix.lower()
  if path.is_file() and suffix == '.npz':
    return _Reader(npz.read_npz, npz.add_contents)
  if arrow.is_data_set(path):
    return _Reader(arrow.read_arrow, arrow.add_contents)
  if path.is_dir() or (path.is_file() and suffix == '.zip'):
    return _Reader(folders.read_folder, folders.add_contents)
  raise UserError(
    f'source {path} is neither a folder of images nor an .npz file, a .zip, an Arrow or a Parquet '
    'file'
  )


def _stem(path):
  """Returns the beginning of the name of a config."""
  # File systems allow names of 255 bytes; the options, the hash and TFDS's own words follow.
  stem = (path.stem if path.is_file() else path.name)[:100]
  return re.sub(r'[^A-Za-z0-9]+', '_', stem).strip('_') or 'images'


def _name_options(imbalance_ratio, image_size, seed, test_share, background, split):
  """Returns the parts of a config's name for options that differ from their defaults."""
  parts = [
    f'ratio_{imbalance_ratio:g}' if imbalance_ratio is not None else '',
    f'size_{image_size}' if image_size else '',
    f'seed_{seed}' if seed else '',
    f'test_{test_share:g}' if test_share is not None else '',
    f'on_{_hexadecimal(background)}' if _hexadecimal(background) != 'ffffff' else '',
    f'split_{split.digest()[:8]}' if split else '',
  ]
  return [part for part in parts if part]


def _prepared(config):
  if not re.fullmatch(r'[A-Za-z0-9_.+-]+', config):
    raise UserError(
      f'long_tail_folder needs {flag_names.flag("source")}: a folder of class folders '
      'or images, an .npz, or Arrow or Parquet files; or the name of prepared data as dataset '
      'long_tail_folder/NAME'
    )

  def make(data_dir):
    raise UserError(f'long_tail_folder/{config} is not prepared in {data_dir}: give its source')

  return Recipe(config, make)


def _check_options(imbalance_ratio, image_size, seed, test_share, background, split):
  def is_a(value, kind, low, high):
    return isinstance(value, kind) and not isinstance(value, bool) and low <= value <= high

  real, whole = numbers.Real, numbers.Integral
  if imbalance_ratio is not None and not is_a(imbalance_ratio, real, 1, 1e9):
    raise UserError(
      f'{flag_names.flag("imbalance_ratio")}={imbalance_ratio}: expected a number in 1..1e9, for '
      'example 100'
    )
  if image_size is not None and not is_a(image_size, whole, 4, 4096):
    raise UserError(
      f'{flag_names.flag("image_size")}={image_size}: expected an integer in 4..4096, for '
      'example 32'
    )
  if not is_a(seed, whole, 0, 2**63):
    raise UserError(
      f'{flag_names.flag("seed")}={seed}: expected a non-negative integer, for example 0'
    )
  if test_share is not None and not (is_a(test_share, real, 0, 1) and 0 < test_share < 1):
    raise UserError(
      f'{flag_names.flag("test_share")}={test_share}: expected a number between 0 and 1, for '
      'example 0.1'
    )
  if split and test_share is not None:
    raise UserError(
      f'{flag_names.flag("test_share")}={test_share} was given beside split={split}, which names '
      'the test images: leave one of them out'
    )
  try:
    ImageColor.getrgb(background)
  except (AttributeError, TypeError, ValueError) as error:
    raise UserError(
      f'{flag_names.flag("background")}={background!r}: expected a colour, such as white or #000000'
    ) from error


def _hexadecimal(colour):
  return ''.join(f'{level:02x}' for level in ImageColor.getrgb(colour)[:3])


def _contents_hash(reader, path, options):
  """Returns 10 digits of SHA-256 over file names, bytes and rounded options, and the Notes."""
  digest = hashlib.sha256(repr(options).encode())
  with messages.stage(f'reading {path}', after=1.0):
    listed = reader.add_contents(digest, path)
  return digest.hexdigest()[:10], listed
