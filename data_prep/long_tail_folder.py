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

from data_prep import arrow, flag_names, folders, npz, prepared_names, readers
from data_prep.array_builder import ArrayBuilder, Recipe, Split
from data_prep.long_tail import class_counts, largest_n_max, select_indices
from data_prep.pictures import BACKGROUND
from jaxgan.errors import UserError
from jaxgan.system import files

OPTIONS = ('imbalance_ratio', 'image_size', 'seed', 'test_share', 'background')
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

  def __init__(self, *, source: readers.Source, options: dict, **kwargs: Any):
    """See `ArrayBuilder`; `options` are arguments of `make_splits`."""
    height, width, channels = source.train.images.shape[1:]
    self.image_shape = height, width, channels
    self.class_names, self.labelled = source.class_names, source.labelled
    self._contents = source, options
    super().__init__(**kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    source, options = self._contents
    return make_splits(source, **options)

  def _download_and_prepare(self, dl_manager, download_config=None):
    super()._download_and_prepare(dl_manager, download_config)
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
  images, labels = source.train
  available = np.bincount(labels, minlength=len(source.class_names))
  if source.test is None:
    test_share = DEFAULT_TEST_SHARE if test_share is None else test_share
    test, test_counts = _cut_test(source, available, test_share, seed)
  elif test_share is not None:
    raise UserError(f'test_share {test_share} was given, but the source has test images already')
  else:
    test, test_counts = (
      Split(*source.test, np.arange(len(source.test.labels))),
      [0] * len(available),
    )
  counts, n_max = _train_counts(available - test_counts, source.class_names, imbalance_ratio)
  train = select_indices(labels, counts, seed, skip=test_counts)
  facts = {
    'source_kind': source.kind,
    'pixels': source.pixels,
    'order': ORDERS[source.kind],
    'imbalance_ratio': imbalance_ratio,
    'n_max': n_max,
    'seed': seed,
    'test_share': test_share,
    'labelled': source.labelled,
    'changes': list(source.changes),
    'passed_over': [list(pair) for pair in source.passed_over],
    'listed': source.listed._asdict(),
    'sizes': source.sizes,
    'colour': source.colour,
  }
  return {'train': Split(images[train], labels[train], train), 'test': test}, facts


def _cut_test(source, available, test_share, seed):
  """Returns (the test split, its images per class)."""
  if available.min() < 2:
    raise UserError(
      f'class {source.class_names[available.argmin()]} has 1 image, at least 2 are needed to cut a '
      'test split: add images or give a test folder'
    )
  images, labels = source.train
  counts = [min(max(1, round(test_share * int(n))), int(n) - 1) for n in available]
  at = select_indices(labels, counts, seed)
  return Split(images[at], labels[at], at), counts


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

  Returns:
    The recipe; `make` decodes the images.
  """
  _check_options(imbalance_ratio, image_size, seed, test_share, background)
  if not source:
    return _prepared(config)
  path = files.expanded(source)
  reader = _reader(path)
  contents, listed = _contents_hash(reader, path, (imbalance_ratio, test_share))
  made = _name_options(imbalance_ratio, image_size, seed, test_share, background)
  name = '-'.join([_stem(path.resolve()), *made, contents])
  same = {
    prepared_names.without_source(f'{prepared_names.OWN_IMAGES}/{n}')
    for n in (config or name, name)
  }
  if len(same) > 1:
    raise UserError(f'dataset long_tail_folder/{config}: source {source} makes {name}')

  def make(data_dir):
    read = reader.read(path, image_size, background)
    options = {'imbalance_ratio': imbalance_ratio, 'seed': seed, 'test_share': test_share}
    make_splits(read, **options)  # Raises on bad options before TFDS writes files.
    return LongTailFolder(
      source=read,
      options=options,
      config=tfds.core.BuilderConfig(name=name),
      data_dir=data_dir,
    )

  return Recipe(name, make, listed=listed)


class _Reader(NamedTuple):
  """The functions that read one form of images.

  Attributes:
    read: `read(path, image_size, background)` returns the Source.
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


def _name_options(imbalance_ratio, image_size, seed, test_share, background):
  """Returns the parts of a config's name for options that differ from their defaults."""
  parts = [
    f'ratio_{imbalance_ratio:g}' if imbalance_ratio is not None else '',
    f'size_{image_size}' if image_size else '',
    f'seed_{seed}' if seed else '',
    f'test_{test_share:g}' if test_share is not None else '',
    f'on_{_hexadecimal(background)}' if _hexadecimal(background) != 'ffffff' else '',
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


def _check_options(imbalance_ratio, image_size, seed, test_share, background):
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
  listed = reader.add_contents(digest, path)
  return digest.hexdigest()[:10], listed
