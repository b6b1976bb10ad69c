"""MNIST: the fifty imbalanced splits of Elastic-InfoGAN, their pool, and the original splits.

The configs, by their 'train' split:

  split_00 .. split_49    a seeded choice out of all 70,000 images (Ojha et al. 2020)
  pool                    all 70,000 images: replicas share it and index it with `split_indices`
  full                    the original 60,000 train images, for the evaluation classifier
  zero_four_9_1 ...       only zeros and fours, see `data_prep.mnist_pair`

The 'test' split always has the original 10,000 test images, or their zeros and fours. 'index'
counts in the pool: the train images 0..59999, then the test images. The paper draws its splits from
train and test together, so the test split overlaps split_NN and pool: only the evaluation
classifier, which is trained on `full`, uses it.

The MD5 of its unzipped contents identifies a source. A path may name other data of the same form,
such as Fashion-MNIST; a hash of its contents then ends the config's name (split_00-0123456789), and
its pixels are 'unverified'. A config without a hash is MNIST.

TFDS registers the same URLs and SHA-256; several public readers use the MD5 of the unzipped
contents. The fifty splits come from the file splits/50_data_imbalance.npy of the authors' code,
https://github.com/WisconsinAIVision/elastic-infogan.
"""

import functools
from importlib import resources
import json
import re
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from data_prep import idx_files, mnist_pair
from data_prep.array_builder import ArrayBuilder, Part, Recipe, ReplicaSplits, Split
from data_prep.idx_files import Checksums
from data_prep.long_tail import select_indices
from jaxgan.errors import UserError

OPTIONS = ()
SEED = 0
NUM_SPLITS = 50
SPLITS = tuple(f'split_{split:02}' for split in range(NUM_SPLITS))
CONFIGS = (*SPLITS, 'pool', 'full', *mnist_pair.CONFIGS)
MNIST = idx_files.Published(
  title='MNIST',
  url='https://storage.googleapis.com/cvdf-datasets/mnist/',
  files={
    'train-images-idx3-ubyte': Checksums(
      '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
      '6bbc9ace898e44ae57da46a324031adb',
    ),
    'train-labels-idx1-ubyte': Checksums(
      '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
      'a25bea736e30d166cdddb491f175f624',
    ),
    't10k-images-idx3-ubyte': Checksums(
      '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
      '2646ac647ad5339dbf082846283269ea',
    ),
    't10k-labels-idx1-ubyte': Checksums(
      'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
      '27ae3e4e09519cfbb04c329615203637',
    ),
  },
)


class Layout(NamedTuple):
  """The data set and the sizes of its splits.

  Attributes:
    published: the data set.
    split_counts: for each split, the images of each class.
    pair_total: images in each ratio of zeros and fours.
  """

  published: idx_files.Published
  split_counts: tuple[tuple[int, ...], ...]
  pair_total: int


def _elastic_infogan_counts():
  text = resources.files('data_prep').joinpath('elastic_infogan_splits.json').read_text()
  return tuple(tuple(row) for row in json.loads(text)['counts'])


LAYOUT = Layout(MNIST, _elastic_infogan_counts(), mnist_pair.TOTAL)


class LongTailMnist(ArrayBuilder):
  """MNIST in Elastic-InfoGAN's splits (Ojha et al. 2020).

  The 'train' split of split_NN is drawn from all 70,000 images and overlaps the 'test' split, the
  original test images, which are only for the evaluation classifier, trained on `full`.
  """

  BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in CONFIGS]  # noqa: RUF012
  image_shape = (28, 28, 1)

  def __init__(self, *, layout: Layout = LAYOUT, **kwargs: Any):
    """See `ArrayBuilder`; `layout` has the expected sizes of the source."""
    config = kwargs['config']
    pair = str(getattr(config, 'name', config)).startswith(mnist_pair.PREFIX)
    digits = mnist_pair.DIGITS if pair else range(layout.published.num_classes)
    self._layout, self.class_names = layout, tuple(map(str, digits))
    super().__init__(**kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    published = self._layout.published
    if self.source:
      mnist = idx_files.read_folder(self.source, published)
    else:
      mnist = idx_files.read_download(dl_manager, published)
    config = _base(self.builder_config.name)
    if _name(config, mnist) != self.builder_config.name:
      raise UserError(
        f'source {self.source} is not MNIST, but makes long_tail_mnist/{_name(config, mnist)}: '
        'prepare it with data_prep.build'
      )
    labels = mnist.labels
    if config.startswith(mnist_pair.PREFIX):
      labels = mnist_pair.pair_labels(labels)
    split = SPLITS.index(config) if config in SPLITS else None
    drawn = config in SPLITS or config in mnist_pair.RATIOS
    if split is not None:
      train = split_indices(labels, split, SEED, self._layout)
    elif drawn:
      train = mnist_pair.pair_indices(labels, config, self._layout.pair_total)
    else:
      train = np.arange(published.num_train if config.endswith('full') else len(labels))
    test = np.arange(published.num_train, len(labels))
    train, test = (at[labels[at] >= 0] for at in (train, test))
    counts = np.bincount(labels[train])
    facts = {
      'source_kind': 'IDX files',
      'pixels': mnist.pixels,
      'order': 'original' if mnist.pixels == 'exact' else 'of the source, train before test',
      'split': split,
      # Largest class / smallest class, which differ between splits.
      'imbalance_ratio': float(counts.max() / counts.min()) if drawn else None,
      'n_max': int(counts.max()),
      'seed': SEED,
    }
    return {
      name: Split(mnist.images[at], labels[at], at)
      for name, at in (('train', train), ('test', test))
    }, facts


def split_counts(split: int, layout: Layout = LAYOUT) -> list[int]:
  """Returns the images of each class in one of Elastic-InfoGAN's fifty splits.

  The authors' numbers, truncated to integers as in their code; the largest is 6,300.

  >>> split_counts(0)
  [6300, 1585, 1407, 6134, 5812, 4882, 2424, 4785, 6125, 3340]

  Args:
    split: 0..49, the row of their file.
    layout: the data set and its splits.

  Returns:
    10 counts in label order.

  Raises:
    UserError: no such split.
  """
  if split not in range(NUM_SPLITS):
    raise UserError(f'split={split!r}: expected an integer in 0..{NUM_SPLITS - 1}')
  return list(layout.split_counts[split])


def split_indices(
  labels: np.ndarray, split: int, seed: int = SEED, layout: Layout = LAYOUT
) -> np.ndarray:
  """Draws `split_counts(split)` images, independently for each (seed, split).

  The authors' own choice of images is not recorded. With the default seed these are the
  'index' values of the prepared data, so on the arrays of the config `pool`
  `images[split_indices(labels, split)]` is the 'train' split of the config split_NN.

  Args:
    labels: int [70000], of the pool: the train images, then the test images.
    split: 0..49.
    seed: >= 0.
    layout: the data set and its splits.

  Returns:
    int64 [n] positions in the pool, ascending.

  Raises:
    UserError: no such split, a negative seed, not 70,000 labels, or a class with too few images.
  """
  counts = split_counts(split, layout)
  expected = layout.published.num_train + layout.published.num_test
  if len(labels) != expected:
    raise UserError(f'labels must be the {expected} of the pool, got {len(labels)}')
  if seed < 0:
    raise UserError(f'seed={seed}: expected a non-negative integer, for example 0')
  # Nested draws would make the fifty experiments dependent.
  return select_indices(labels, counts, NUM_SPLITS * seed + split)


def replica_splits(config: str, num_replicas: int, layout: Layout = LAYOUT) -> ReplicaSplits | None:
  """Returns one split per replica, from split_NN on, or one ratio of zeros and fours.

  Returns:
    The splits; None for other configs.

  Raises:
    UserError: an unknown config, or too few splits or ratios follow it.
  """
  base = _base(config)
  if base in SPLITS:
    series, pool = SPLITS, 'pool'
    choose = [
      functools.partial(split_indices, split=split, layout=layout) for split in range(NUM_SPLITS)
    ]
  elif base in mnist_pair.RATIOS:
    series, pool = mnist_pair.RATIOS, f'{mnist_pair.PREFIX}pool'
    choose = [
      functools.partial(mnist_pair.pair_indices, config=ratio, total=layout.pair_total)
      for ratio in mnist_pair.RATIOS
    ]
  else:
    return None
  first = series.index(base)
  if first + num_replicas > len(series):
    raise UserError(
      f'long_tail_mnist has the splits {series[0]} .. {series[-1]}: {num_replicas} replicas '
      f'from {base} on are too many (replicas)'
    )
  chosen, end = slice(first, first + num_replicas), config.removeprefix(base)
  return ReplicaSplits(
    f'long_tail_mnist/{pool}{end}',
    tuple(f'long_tail_mnist/{name}{end}' for name in series[chosen]),
    tuple(functools.partial(_part, indices) for indices in choose[chosen]),
  )


def _part(choose, pool) -> Part:
  """Returns the Part of a split, with all classes of the pool."""
  return Part(choose(pool.labels), np.arange(len(pool.class_names)))


def recipe(config: str, source: str, layout: Layout = LAYOUT) -> Recipe:
  """See `data_prep.array_builder.Recipe`; an empty source means a download of MNIST."""
  base = _base(config)
  pixels = ''
  if source:
    mnist = idx_files.read_folder(source, layout.published)
    name, pixels = _name(base, mnist), mnist.pixels
    if config not in (base, name):
      raise UserError(f'dataset long_tail_mnist/{config}: source {source} makes {name}')
    config = name

  def make(data_dir):
    if config != base and not source:
      raise UserError(f'long_tail_mnist/{config} is not prepared in {data_dir}: give its source')
    builder_config = base if config == base else tfds.core.BuilderConfig(name=config)
    return LongTailMnist(layout=layout, config=builder_config, source=source, data_dir=data_dir)

  return Recipe(config, make, pixels)


def _base(config):
  """Returns a checked config without the hash of its contents."""
  base = config.partition('-')[0]
  if base not in CONFIGS or not re.fullmatch(r'(-[0-9a-f]{10})?', config.removeprefix(base)):
    raise UserError(
      f'dataset long_tail_mnist/{config} is unknown; allowed: long_tail_mnist/split_00 .. '
      f'split_{NUM_SPLITS - 1}, long_tail_mnist/pool, long_tail_mnist/full, '
      f'{", ".join(f"long_tail_mnist/{name}" for name in mnist_pair.CONFIGS)}'
    )
  return base


def _name(base, mnist):
  return f'{base}-{mnist.contents}' if mnist.contents else base
