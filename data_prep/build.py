"""Prepares and loads the data sets.

  python -m data_prep.build --dataset=long_tail_fashion/ratio_50

`prepare` and `load` are what training uses; the command is for preparing ahead.
TFDS is imported inside the functions, so that `--help` stays quick.
"""

from collections.abc import Iterator
import contextlib
import functools
import importlib
import io
import json
import math
import os
from pathlib import Path
import shutil
import sys
from typing import Any, NamedTuple

import numpy as np

from data_prep import prepared_names
from data_prep.stored_images import READ_TOGETHER, StoredImages
from data_prep.summary import summarise
from jaxgan import files, lock
from jaxgan.errors import UserError, first_line

# Each module has OPTIONS, the names of its options, and a function
# recipe(config, source, **options) -> data_prep.array_builder.Recipe. One in numbered splits also
# has replica_splits(config, num_replicas) -> data_prep.array_builder.ReplicaSplits or None.
DATASETS = {
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
}


class Arrays(NamedTuple):
  """A split in memory.

  images uint8 [N, H, W, C], labels int32 [N], the K class names in label order, the
  metadata of the preparation, and a key that changes with any pixel, label or
  position, and with nothing else: fit for naming cached statistics.
  """

  images: np.ndarray
  labels: np.ndarray
  class_names: tuple[str, ...]
  metadata: dict[str, Any]
  key: str


def prepare(dataset: str, source: str = '', data_dir: str = '', **options):
  """Prepares a data set unless that has been done before.

  Args:
    dataset: '<name>/<config>', or 'long_tail_folder' for own images.
    source: path of the original files; '' to download, or if prepared already.
    data_dir: where prepared data is kept; '' means $TFDS_DATA_DIR or ~/tensorflow_datasets.
    **options: those of the data set (`OPTIONS` of its module); None means not given.

  Returns:
    A TFDS builder that reads: `.info`, `.data_dir`, `.as_data_source(split)`.

  Raises:
    UserError: unknown data set or option, a bad or missing source, damaged prepared
      data, or prepared data that came from another kind of source.
  """
  return _prepare(dataset, source, data_dir, options)[0]


def load(
  dataset: str,
  split: str,
  source: str = '',
  data_dir: str = '',
  limit: float = math.inf,
  prepared: str = '',
  **options,
) -> Arrays:
  """Loads a split into memory, preparing the data set if it is missing.

  About 10,000 images of 32x32 a second. Whole splits are compared with the SHA-256
  that was taken when they were prepared.

  Args:
    dataset: see `prepare`.
    split: 'train', 'test', 'reference' where there is one, or a TFDS slice such as 'train[:10%]'.
    source: see `prepare`.
    data_dir: see `prepare`.
    limit: images of more bytes stay on the disk and are StoredImages.
    prepared: NAME/CONFIG of data that was prepared before, read where the source is gone.
    **options: see `prepare`.

  Returns:
    The arrays, in the order of the prepared records.

  Raises:
    UserError: see `prepare`; unknown split; unreadable or altered records.
  """
  from data_prep.array_builder import ArraysDigest

  builder, metadata = _prepare(dataset, source, data_dir, options, prepared)
  splits = builder.info.splits
  try:
    num_images = splits[split].num_examples
  except Exception as error:
    allowed = ', '.join(splits)
    raise UserError(f'split {split!r} of {dataset} is unknown; allowed: {allowed}') from error
  folder = Path(builder.data_dir)
  shape = (num_images, *builder.info.features['image'].shape)
  if math.prod(shape) > limit:
    return _stored(builder, metadata, split, shape)
  try:
    images = _aligned(shape)
    digest = ArraysDigest(images.shape)
    labels, indices = np.empty(num_images, np.int32), np.empty(num_images, np.int64)
    records = builder.as_data_source(split)
    for start in range(0, num_images, READ_TOGETHER):
      block = range(start, min(start + READ_TOGETHER, num_images))
      for i, example in zip(block, records.__getitems__(block), strict=True):
        images[i], labels[i], indices[i] = example['image'], example['label'], example['index']
      digest.update(images[start : block.stop])
    digest = digest.hexdigest(labels, indices)
    if split in splits and digest != metadata[split]['arrays_sha256']:
      raise ValueError('the contents differ from what was prepared')
  except MemoryError:
    raise
  except Exception as error:  # array_record, zlib and protobuf each have their own types.
    raise _damaged(folder, error) from error
  return _arrays(builder, metadata, split, digest, images, labels)


def _arrays(builder, metadata, split, digest, images, labels):
  metadata = {
    **metadata, 'full_name': builder.info.full_name, 'data_dir': str(Path(builder.data_dir))
  }  # fmt: skip
  key = f'{prepared_names.without_source(builder.info.full_name)}/{split}/{digest[:16]}'
  return Arrays(images, labels, tuple(metadata['class_names']), metadata, key)


def _stored(builder, metadata, split, shape):
  import tensorflow_datasets as tfds

  try:
    examples = builder.as_data_source(split, decoders={'image': tfds.decode.SkipDecoding()})
    labels = np.empty(shape[0], np.int32)
    for start in range(0, shape[0], READ_TOGETHER):
      block = range(start, min(start + READ_TOGETHER, shape[0]))
      labels[start : block.stop] = [e['label'] for e in examples.__getitems__(block)]
    images = StoredImages(builder.as_data_source(split), shape)
    return _arrays(builder, metadata, split, metadata[split]['arrays_sha256'], images, labels)
  except Exception as error:  # See `load`.
    raise _damaged(Path(builder.data_dir), error) from error


def _aligned(shape) -> np.ndarray:
  """A uint8 array that begins at a multiple of 64 bytes: JAX on CPU takes it without a copy."""
  size = int(np.prod(shape))
  memory = np.empty(size + 64, np.uint8)
  start = -memory.ctypes.data % 64
  return memory[start : start + size].reshape(shape)


def replica_splits(dataset: str, num_replicas: int):
  """The splits of a data set that so many replicas train on, beginning with the one named.

  Args:
    dataset: see `prepare`.
    num_replicas: how many.

  Returns:
    `data_prep.array_builder.ReplicaSplits`, or None for a data set that is not in splits.

  Raises:
    UserError: unknown data set, or not so many splits.
  """
  _, module, config = _module(dataset)
  if not hasattr(module, 'replica_splits'):
    return None
  return module.replica_splits(config, num_replicas)


def _module(dataset):
  """'<name>/<config>' to (name, the data set's module, config)."""
  name, _, config = dataset.partition('/')
  if name not in DATASETS:
    raise UserError(f'dataset {dataset!r} is unknown; allowed: {", ".join(DATASETS)}')
  return name, importlib.import_module(DATASETS[name]), config


def _prepare(dataset, source, data_dir, options, prepared=''):
  from data_prep.array_builder import VERSION

  name, module, config = _module(dataset)
  options = {option: value for option, value in options.items() if value is not None}
  for option in options:
    if option not in module.OPTIONS:
      allowed = ', '.join(module.OPTIONS) or 'none'
      raise UserError(f'{option} is not an option of {name}; allowed: {allowed}')
  source = os.path.expanduser(source)
  root = data_dir or os.environ.get('TFDS_DATA_DIR') or '~/tensorflow_datasets'
  root = files.expanded(root)
  if prepared and prepared_names.is_gone(source):
    before = prepared_names.of_same_source(dataset, prepared)
    if folder := prepared_names.find(root, before, VERSION):
      _say_gone(source, folder)
      return _open(folder)
    raise UserError(
      f'source {source} is not there, and neither is the data that was prepared from it, '
      f'{root / prepared_names.pattern(before)}: give one of them (config field data.source or '
      'data.data_dir)'
    )
  recipe = module.recipe(config, source, **options)
  folder = prepared_names.find(root, f'{name}/{recipe.config}', VERSION)
  if not folder:
    folder = root / name / recipe.config / VERSION
    _build(recipe, root, name, folder)
  builder, metadata = _open(folder)
  if recipe.pixels and recipe.pixels != metadata['pixels']:
    raise UserError(
      f'{folder} was prepared from a source with {metadata["pixels"]} pixels, source {source} has '
      f'{recipe.pixels} pixels: delete that folder or choose another data_dir'
    )
  if recipe.listed is not None and 'listed' in metadata:  # Files that are not read come and go.
    metadata['listed'] = recipe.listed._asdict()
  return builder, metadata


@functools.cache  # Once for all splits.
def _say_gone(source, folder):
  if files.is_writer():
    print(f'source {source} is not there: using {folder}, prepared from it', file=sys.stderr)


def _build(recipe, root, name, folder):
  """TFDS writes to a folder `incomplete.*` beside the final one and renames it at the end."""
  created, turn = not root.exists(), folder.parent / '.lock'
  try:
    with lock.turn(turn):
      for killed in folder.parent.glob('incomplete.*'):  # Under the lock, these are dead.
        shutil.rmtree(killed, ignore_errors=True)
      try:
        if not folder.exists():  # Else another process has prepared it meanwhile.
          with quiet():
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
    turn: the lock file of this preparation, which does not count as data.
  """
  for path in top.rglob('*'):
    is_file = path.is_file() and path.parent.name != '.config' and path != turn
    if is_file or path.name.startswith('incomplete.'):
      return  # Another config, another process at work, or a finished download.
  shutil.rmtree(top, ignore_errors=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
  """Silences TFDS; its progress bars stay on a terminal."""
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


def _open(folder):
  import tensorflow_datasets as tfds

  try:
    with quiet():
      builder = tfds.builder_from_directory(folder)
    # The metadata of a read-only builder is lazy, and an empty dict until asked for a key.
    # `labelled` is False only for long_tail_folder without labels.
    metadata = {'labelled': True, **json.loads((folder / 'metadata.json').read_text())}
    if tuple(metadata['class_names']) != tuple(builder.info.features['label'].names):
      raise ValueError('the class names contradict metadata.json')
    for split in builder.info.splits:
      for path in builder.info.splits[split].filepaths:
        if not path.exists():
          raise FileNotFoundError(f'{path.name} is missing')
      if sum(metadata[split]['class_counts']) != builder.info.splits[split].num_examples:
        raise ValueError(f'the number of {split} images contradicts metadata.json')
  except Exception as error:  # JSON, protobuf and TFDS each have their own types.
    raise _damaged(folder, error) from error
  return builder, metadata


def _damaged(folder, error):
  return UserError(
    f'the prepared data in {folder} is damaged ({first_line(error)}): delete that folder'
  )


def _describe(builder, metadata) -> str:
  info, ratio = builder.info, metadata['imbalance_ratio']
  order = f'{metadata["order"]} order' if metadata['order'] == 'original' else metadata['order']
  first, *table = summarise(info.full_name, metadata, info.features['image'].shape)
  indices = [f'{split:7} {metadata[split]["indices_sha256"]}' for split in info.splits]
  lines = [
    first,
    f'source  {metadata["source_kind"]}, pixels {metadata["pixels"]}, indices: {order}',
    f'ratio   {"as it is" if ratio is None else f"{ratio:g}"}, seed {metadata["seed"]}',
    *table,
    'SHA-256 of the indices',
    *indices,
    f'in      {builder.data_dir}',
  ]
  return '\n'.join(lines)


def _main(argv) -> int:
  from absl import flags

  values = flags.FLAGS
  try:
    if len(argv) > 1:
      raise UserError(f'argument {argv[1]!r} is not understood; did you mean --source={argv[1]}?')
    if not values.dataset:
      raise UserError(f'--dataset is missing; allowed: {", ".join(DATASETS)}')
    options = {
      name: getattr(values, name)
      for name in ('imbalance_ratio', 'image_size', 'seed', 'test_share', 'background', 'picture')
    }
    print(_describe(*_prepare(values.dataset, values.source, values.data_dir, options)))
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return 1
  except KeyboardInterrupt:
    print('error: interrupted; unfinished data was removed', file=sys.stderr)
    return 130
  return 0


if __name__ == '__main__':
  from absl import app, flags

  # Defined here, not on import: training imports this module and has flags of its own.
  flags.DEFINE_string('dataset', '', 'NAME/CONFIG, for example long_tail_cifar10/ratio_100.')
  flags.DEFINE_string('source', '', 'Original files; empty to download.')
  flags.DEFINE_string('data_dir', '', '$TFDS_DATA_DIR or ~/tensorflow_datasets if empty.')
  flags.DEFINE_float('imbalance_ratio', None, 'long_tail_folder: first over last class, >= 1.')
  flags.DEFINE_integer('image_size', None, 'long_tail_folder: side of the square images.')
  flags.DEFINE_integer('seed', None, 'long_tail_folder: selection of the images (default 0).')
  flags.DEFINE_float('test_share', None, 'long_tail_folder: share for the test (default 0.1).')
  flags.DEFINE_string('background', None, 'long_tail_folder: colour under transparent images.')
  flags.DEFINE_string('picture', None, 'long_tail_lsun: centre_crop (default) or squash.')
  app.run(_main)
