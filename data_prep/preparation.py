"""Preparation of data sets: location, declared shapes and classes, and writing.

Functions import TFDS, so that `--help` is fast.
"""

from collections.abc import Iterator, Mapping
import contextlib
import importlib
import io
import json
import os
from pathlib import Path
import shutil
import sys
from typing import Any, NamedTuple

from data_prep import flag_names, prepared_names
from jaxgan.errors import UserError, first_line
from jaxgan.system import files, lock, messages
from jaxgan.system.registry import Registry

# Each module has OPTIONS, the names of its options, and a function
# recipe(config, source, **options) -> data_prep.array_builder.Recipe. Modules with numbered splits
# also have replica_splits(config, num_replicas) -> data_prep.array_builder.ReplicaSplits or None.
DATASETS = Registry(
  'data set',
  {
    'inaturalist2019': 'data_prep.inaturalist2019',
    'long_tail_cars3d': 'data_prep.long_tail_cars3d',
    'long_tail_chairs3d': 'data_prep.long_tail_chairs3d',
    'long_tail_cifar10': 'data_prep.long_tail_cifar10',
    'long_tail_cifar100': 'data_prep.long_tail_cifar100',
    'long_tail_fashion': 'data_prep.long_tail_fashion',
    'long_tail_fashion_mnist': 'data_prep.long_tail_fashion_mnist',
    'long_tail_folder': 'data_prep.long_tail_folder',
    'long_tail_lsun': 'data_prep.long_tail_lsun',
    'long_tail_mnist': 'data_prep.long_tail_mnist',
    'shapenet5': 'data_prep.shapenet5',
    'youtube_faces40': 'data_prep.youtube_faces40',
  },
)


def prepare(dataset: str, source: str = '', data_dir: str = '', **options: Any) -> Any:
  """Prepares a data set unless it is prepared already.

  Args:
    dataset: '<name>/<config>', or 'long_tail_folder' for own images.
    source: path of the original files; '' to download them or to read prepared data.
    data_dir: folder of prepared data; '' means $TFDS_DATA_DIR or ~/tensorflow_datasets.
    **options: options of the data set (`OPTIONS` of its module); None means not given.

  Returns:
    A TFDS builder that reads: `.info`, `.data_dir`, `.as_data_source(split)`.

  Raises:
    UserError: an unknown data set or option, a bad or missing source, damaged prepared data, or
      prepared data from another kind of source.
  """
  return prepared_data(dataset, source, data_dir, options)[0]


def replica_splits(dataset: str, num_replicas: int) -> Any:
  """Returns one split per replica, from the named split on.

  Args:
    dataset: see `prepare`.
    num_replicas: number of replicas.

  Returns:
    `data_prep.array_builder.ReplicaSplits`, or None for a data set without numbered splits.

  Raises:
    UserError: an unknown data set, or too few splits.
  """
  _, module, config = _module(dataset)
  if not hasattr(module, 'replica_splits'):
    return None
  return module.replica_splits(config, num_replicas)


def _module(dataset):
  """Splits '<name>/<config>' into (name, the data set's module, config)."""
  name, _, config = dataset.partition('/')
  if name not in DATASETS:
    raise UserError(f'dataset {dataset!r} is unknown; allowed: {", ".join(DATASETS)}')
  module = importlib.import_module(DATASETS[name])
  if not hasattr(module, 'OPTIONS') or not callable(getattr(module, 'recipe', None)):
    raise UserError(
      f'data set {name!r}: {module.__name__} needs OPTIONS and recipe(config, source), see '
      'jaxgan.register_dataset'
    )
  return name, module, config


class _Place(NamedTuple):
  """The folder of prepared data, existing or not; no recipe if the source is missing."""

  folder: Path
  root: Path
  name: str
  source: str
  recipe: Any


def _find(dataset, source, data_dir, options, prepared='') -> _Place:
  """Finds the folder of a prepared data set, existing or not."""
  from data_prep.array_builder import VERSION

  name, module, config = _module(dataset)
  options = {option: value for option, value in options.items() if value is not None}
  for option in options:
    if option not in module.OPTIONS:
      allowed = ', '.join(module.OPTIONS) or 'none'
      raise UserError(f'{flag_names.flag(option)} is not an option of {name}; allowed: {allowed}')
  source = os.path.expanduser(source)
  root = data_dir or os.environ.get('TFDS_DATA_DIR') or '~/tensorflow_datasets'
  root = files.expanded(root)
  gone = prepared_names.missing(source, options.get('split'))
  if prepared and gone:
    before = prepared_names.of_same_source(dataset, prepared)
    if folder := prepared_names.find(root, before, VERSION):
      return _Place(folder, root, name, gone, None)
    raise UserError(
      f'source {gone} is missing, and so is the data that was prepared from it, '
      f'{root / prepared_names.pattern(before)}: give one of them '
      f'({flag_names.flag("source")} or {flag_names.flag("data_dir")})'
    )
  recipe = module.recipe(config, source, **options)
  folder = prepared_names.find(root, f'{name}/{recipe.config}', VERSION)
  return _Place(folder or root / name / recipe.config / VERSION, root, name, source, recipe)


class Declared(NamedTuple):
  """Facts about a data set that are known before it is prepared.

  Attributes:
    folder: of the prepared data, existing or not.
    image_shape: (H, W, C).
    class_names: in label order.
    labelled: whether the images have labels.
  """

  folder: Path
  image_shape: tuple[int, int, int]
  class_names: tuple[str, ...]
  labelled: bool

  @property
  def is_prepared(self) -> bool:
    """Whether the prepared data exists."""
    return self.folder.exists()


def declared(
  dataset: str, source: str = '', data_dir: str = '', prepared: str = '', **options: Any
) -> Declared:
  """Describes a data set without preparing, downloading or writing it.

  Args:
    dataset: see `load`.
    source: see `load`.
    data_dir: see `load`.
    prepared: see `load`.
    **options: see `load`.

  Raises:
    UserError: an unknown data set or option, a bad or missing source, or damaged prepared data.
  """
  place = _find(dataset, source, data_dir, options, prepared)
  if place.folder.exists():
    builder, metadata = open_prepared(place.folder)
    shape, names = builder.info.features['image'].shape, tuple(metadata['class_names'])
    return Declared(place.folder, shape, names, metadata['labelled'])
  with quiet():
    builder = place.recipe.make(os.fspath(place.root))
  shape, names = tuple(builder.image_shape), tuple(builder.class_names)
  return Declared(place.folder, shape, names, builder.labelled)


def prepared_data(
  dataset: str, source: str, data_dir: str, options: Mapping[str, Any], prepared: str = ''
) -> tuple[Any, dict[str, Any]]:
  """Returns (a builder that reads, its metadata) of a data set, see `prepare`."""
  folder, root, name, source, recipe = _find(dataset, source, data_dir, options, prepared)
  if recipe is None:
    messages.once(f'source {source} is missing: using {folder}, prepared from it')
    return open_prepared(folder)
  if not folder.exists():
    _build(recipe, root, name, folder)
  builder, metadata = open_prepared(folder)
  if recipe.pixels and recipe.pixels != metadata['pixels']:
    raise UserError(
      f'{folder} was prepared from a source with {metadata["pixels"]} pixels, source {source} has '
      f'{recipe.pixels} pixels: delete that folder or choose another data_dir'
    )
  if recipe.listed is not None and 'listed' in metadata:  # Unread files may have changed.
    metadata['listed'] = recipe.listed._asdict()
  return builder, metadata


def _build(recipe, root, name, folder):
  """Prepares a data set; TFDS writes to a folder `incomplete.*` and renames it at the end."""
  created, turn = not root.exists(), folder.parent / '.lock'
  try:
    with lock.turn(turn):
      for killed in folder.parent.glob('incomplete.*'):  # Under the lock, no process uses them.
        shutil.rmtree(killed, ignore_errors=True)
      try:
        if not folder.exists():  # Another process may have prepared it meanwhile.
          with messages.stage(f'preparing {name}/{recipe.config}'), quiet():
            recipe.make(os.fspath(root)).download_and_prepare()
      finally:
        if not folder.exists():
          _remove_leftovers(root / name, turn)
          _remove_leftovers(root / 'downloads', turn)
  except OSError as error:
    reason = f'{error.filename or "disk"}: {error.strerror or type(error).__name__}'
    raise UserError(f'data_dir {root}: the data cannot be prepared ({reason})') from error
  finally:
    if created and root.is_dir() and not any(root.iterdir()):
      root.rmdir()


def _remove_leftovers(top, turn):
  """Removes a folder of a failed preparation, unless it holds data or another process uses it.

  Args:
    top: the folder to remove.
    turn: the lock file of this preparation, which is not data.
  """
  for path in top.rglob('*'):
    is_file = path.is_file() and path.parent.name != '.config' and path != turn
    if is_file or path.name.startswith('incomplete.'):
      return  # Another config, another process at work, or a finished download.
  shutil.rmtree(top, ignore_errors=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
  """Silences TFDS, but for progress bars on a terminal."""
  from absl import logging
  import tensorflow_datasets as tfds

  if not sys.stderr.isatty():
    tfds.disable_progress_bar()
  verbosity = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    with contextlib.redirect_stdout(io.StringIO()):
      yield
  finally:
    logging.set_verbosity(verbosity)


def open_prepared(folder: Path) -> tuple[Any, dict[str, Any]]:
  """Opens prepared data; returns (the builder that reads, its metadata)."""
  import tensorflow_datasets as tfds

  try:
    with quiet():
      builder: Any = tfds.builder_from_directory(folder)
    # The metadata of a read-only builder is an empty dict until a key is read. Only unlabelled data
    # of long_tail_folder has `labelled`.
    metadata = {'labelled': True, **json.loads((folder / 'metadata.json').read_text())}
    if tuple(metadata['class_names']) != tuple(builder.info.features['label'].names):
      raise ValueError('the class names contradict metadata.json')
    for split in builder.info.splits:
      for path in builder.info.splits[split].filepaths:
        if not path.exists():
          raise FileNotFoundError(f'{path.name} is missing')
      if sum(metadata[split]['class_counts']) != builder.info.splits[split].num_examples:
        raise ValueError(f'the number of {split} images contradicts metadata.json')
  except Exception as error:  # JSON, protobuf and TFDS raise different types.
    raise damaged(folder, error) from error
  return builder, metadata


def damaged(folder: Path, error: Exception) -> UserError:
  """Makes the error about unreadable prepared data."""
  return UserError(
    f'the prepared data in {folder} is damaged ({first_line(error)}): delete that folder'
  )
