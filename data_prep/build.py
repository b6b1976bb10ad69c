"""Preparing and loading data sets.

  python -m data_prep.build --dataset=long_tail_fashion/ratio_50

Training calls `load`; the command prepares data sets ahead of it. Functions import TFDS, so that
`--help` is fast.
"""

import math
from pathlib import Path
import sys
from typing import Any, NamedTuple

import numpy as np

from data_prep import flag_names, preparation, prepared_names
from data_prep.stored_images import READ_TOGETHER, StoredImages
from data_prep.summary import summarise
from jaxgan.errors import UserError
from jaxgan.system import messages

_OPTIONS = (
  'imbalance_ratio', 'image_size', 'seed', 'test_share', 'background', 'split', 'skip_unreadable',
  'picture',
)  # fmt: skip


class Arrays(NamedTuple):
  """A split in memory.

  Attributes:
    images: uint8 [N, H, W, C].
    labels: int32 [N].
    class_names: K names in label order.
    metadata: of the preparation.
    key: changes with every pixel, label or position and with nothing else; names cached statistics.
  """

  images: np.ndarray
  labels: np.ndarray
  class_names: tuple[str, ...]
  metadata: dict[str, Any]
  key: str


def load(
  dataset: str,
  split: str,
  /,  # Own images have an option `split`, too.
  source: str = '',
  data_dir: str = '',
  limit: float = math.inf,
  prepared: str = '',
  **options: Any,
) -> Arrays:
  """Loads a split into memory; prepares the data set if it is missing.

  Loads about 10,000 images of 32x32 per second. Whole splits are checked against their SHA-256.

  Args:
    dataset: see `data_prep.preparation.prepare`.
    split: such as 'train', 'test' or 'reference', or a TFDS slice such as 'train[:10%]'.
    source: see `data_prep.preparation.prepare`.
    data_dir: see `data_prep.preparation.prepare`.
    limit: images of more than this many bytes in total stay on disk, as StoredImages.
    prepared: NAME/CONFIG of prepared data to read if the source is missing.
    **options: see `data_prep.preparation.prepare`.

  Returns:
    The arrays, in the order of the prepared records.

  Raises:
    UserError: see `data_prep.preparation.prepare`; unknown split; unreadable or altered records.
  """
  from data_prep.array_builder import ArraysDigest

  builder, metadata = preparation.prepared_data(dataset, source, data_dir, options, prepared)
  splits = builder.info.splits
  num_images = _num_images(splits, split, dataset)
  folder = Path(builder.data_dir)
  shape = (num_images, *builder.info.features['image'].shape)
  if math.prod(shape) > limit:
    return _stored(builder, metadata, split, shape)
  try:
    images = _aligned(shape)
    digest = ArraysDigest(images.shape)
    labels, indices = np.empty(num_images, np.int32), np.empty(num_images, np.int64)
    records = builder.as_data_source(split)
    for block in _blocks(num_images, f'{split} of {dataset}'):
      for i, example in zip(block, records.__getitems__(block), strict=True):
        images[i], labels[i], indices[i] = example['image'], example['label'], example['index']
      digest.update(images[block.start : block.stop])
    digest = digest.hexdigest(labels, indices)
    if split in splits and digest != metadata[split]['arrays_sha256']:
      raise ValueError('the contents differ from the prepared data')
  except MemoryError:
    raise
  except Exception as error:  # array_record, zlib and protobuf raise different types.
    raise preparation.damaged(folder, error) from error
  return _arrays(builder, metadata, split, digest, images, labels)


def _blocks(num_images, what):
  """Yields ranges of images that are read together; a stage counts them."""
  starts = range(0, num_images, READ_TOGETHER)
  text = f'loading {num_images:,} images: {what}'
  for start in messages.counted(starts, len(starts), text, after=1.0):
    yield range(start, min(start + READ_TOGETHER, num_images))


def _num_images(splits, split, dataset) -> int:
  try:
    return splits[split].num_examples
  except Exception as error:
    allowed = ', '.join(splits)
    raise UserError(f'split {split!r} of {dataset} is unknown; allowed: {allowed}') from error


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
    for block in _blocks(shape[0], f'the labels of {split}'):
      labels[block.start : block.stop] = [e['label'] for e in examples.__getitems__(block)]
    images = StoredImages(builder.as_data_source(split), shape)
    return _arrays(builder, metadata, split, metadata[split]['arrays_sha256'], images, labels)
  except Exception as error:  # See `load`.
    raise preparation.damaged(Path(builder.data_dir), error) from error


def _aligned(shape) -> np.ndarray:
  """Returns a uint8 array aligned to 64 bytes, which JAX on CPU takes without a copy."""
  size = int(np.prod(shape))
  memory = np.empty(size + 64, np.uint8)
  start = -memory.ctypes.data % 64
  return memory[start : start + size].reshape(shape)


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

  flag_names.use_own()
  values = flags.FLAGS
  try:
    if len(argv) > 1:
      raise UserError(f'argument {argv[1]!r} is not understood; did you mean --source={argv[1]}?')
    if not values.dataset:
      raise UserError(f'--dataset is missing; allowed: {", ".join(preparation.DATASETS)}')
    options = {name: getattr(values, name) for name in _OPTIONS}
    print(
      _describe(*preparation.prepared_data(values.dataset, values.source, values.data_dir, options))
    )
  except UserError as error:
    print(f'error: {error}', file=sys.stderr)
    return 1
  except KeyboardInterrupt:
    print('error: interrupted; unfinished data was removed', file=sys.stderr)
    return 130
  return 0


if __name__ == '__main__':
  from absl import app, flags

  # Not defined on import, because training imports this module and has other flags.
  flags.DEFINE_string('dataset', '', 'NAME/CONFIG, for example long_tail_cifar10/ratio_100.')
  flags.DEFINE_string('source', '', 'Original files; empty to download.')
  flags.DEFINE_string('data_dir', '', '$TFDS_DATA_DIR or ~/tensorflow_datasets if empty.')
  flags.DEFINE_float('imbalance_ratio', None, 'long_tail_folder: first over last class, >= 1.')
  flags.DEFINE_integer('image_size', None, 'long_tail_folder: side of the square images.')
  flags.DEFINE_integer('seed', None, 'long_tail_folder: selection of the images (default 0).')
  flags.DEFINE_float('test_share', None, 'long_tail_folder: share for the test (default 0.1).')
  flags.DEFINE_string('background', None, 'long_tail_folder: colour under transparent images.')
  flags.DEFINE_string('split', None, 'long_tail_folder: .csv of the training and test images.')
  flags.DEFINE_bool('skip_unreadable', None, 'long_tail_folder: leave out unreadable images.')
  flags.DEFINE_string('picture', None, 'long_tail_lsun: centre_crop (default) or squash.')
  app.run(_main)
