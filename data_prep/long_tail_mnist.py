"""MNIST in the fifty imbalanced splits of Elastic-InfoGAN, as a pool, and as it is.

The configs, by their 'train' split:

  split_00 .. split_49    a seeded choice out of all 70,000 images (Ojha et al. 2020)
  pool                    all 70,000 images: replicas share it and index it with `split_indices`
  full                    the original 60,000 train images, for the evaluation classifier
  zero_four_9_1 ...       zeros and fours alone, see `data_prep.mnist_pair`

Their 'test' split is always the original 10,000 test images, or the zeros and fours of them, and
'index' counts in the pool: the train images 0..59999, then the test images. The paper draws its
splits from train and test together, so the test split overlaps split_NN and pool: it is there for
the evaluation classifier alone, which is trained on `full`.

A source is recognised by the MD5 of its unzipped contents. Other data of the same form,
such as Fashion-MNIST, can be named by a path; a hash of its contents then ends the config's
name (split_00-0123456789), and its pixels are 'unverified'. A config without a hash is MNIST.
"""

import functools
import hashlib
from importlib import resources
import json
from pathlib import Path
import re
from typing import NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from data_prep import mnist_pair
from data_prep.array_builder import ArrayBuilder, Part, Recipe, ReplicaSplits, Split
from data_prep.download import download
from data_prep.idx import read_idx
from data_prep.long_tail import select_indices
from jaxgan.errors import UserError

OPTIONS = ()
SEED = 0
NUM_SPLITS, NUM_CLASSES = 50, 10
NUM_TRAIN, NUM_TEST = 60_000, 10_000
SPLITS = tuple(f'split_{split:02}' for split in range(NUM_SPLITS))
CONFIGS = (*SPLITS, 'pool', 'full', *mnist_pair.CONFIGS)
URL = 'https://storage.googleapis.com/cvdf-datasets/mnist/'


class Checksums(NamedTuple):
  """sha256 of the .gz at URL, as TFDS registers it; md5 of what is in it."""

  sha256: str
  md5: str


FILES = {
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
}
_ADVICE = (
  f'name a folder with the four files {", ".join(FILES)} (.gz or not, a dash or a dot before idx) '
  'with --source (config field data.source)'
)


class Mnist(NamedTuple):
  """The pool, train images first.

  images uint8 [70000, 28, 28, 1], labels int64 [70000]; pixels 'exact' for MNIST itself, else
  'unverified'; contents '' for MNIST itself, else 10 hexadecimal digits of a hash.
  """

  images: np.ndarray
  labels: np.ndarray
  pixels: str
  contents: str


class LongTailMnist(ArrayBuilder):
  """MNIST in Elastic-InfoGAN's splits (Ojha et al. 2020).

  The 'train' split of split_NN is drawn from all 70,000 images and overlaps the 'test' split,
  the original test images: these are only for the evaluation classifier, trained on `full`.
  """

  BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in CONFIGS]  # noqa: RUF012
  image_shape = (28, 28, 1)

  @property
  def class_names(self):
    pair = self.builder_config.name.startswith(mnist_pair.PREFIX)
    return tuple(map(str, mnist_pair.DIGITS if pair else range(NUM_CLASSES)))

  def read_splits(self, dl_manager):
    mnist = read_mnist(self.source) if self.source else _download(dl_manager)
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
      train = split_indices(labels, split, SEED)
    elif drawn:
      train = mnist_pair.pair_indices(labels, config)
    else:
      train = np.arange(NUM_TRAIN if config.endswith('full') else NUM_TRAIN + NUM_TEST)
    test = np.arange(NUM_TRAIN, NUM_TRAIN + NUM_TEST)
    train, test = (at[labels[at] >= 0] for at in (train, test))
    counts = np.bincount(labels[train])
    facts = {
      'source_kind': 'IDX files',
      'pixels': mnist.pixels,
      'order': 'original' if mnist.pixels == 'exact' else 'of the source, train before test',
      'split': split,
      # Largest over smallest class; which ones they are differs from split to split.
      'imbalance_ratio': float(counts.max() / counts.min()) if drawn else None,
      'n_max': int(counts.max()),
      'seed': SEED,
    }
    return {
      name: Split(mnist.images[at], labels[at], at)
      for name, at in (('train', train), ('test', test))
    }, facts


def split_counts(split: int) -> list[int]:
  """Images of each class in one of Elastic-InfoGAN's fifty splits.

  The authors' numbers, cut to whole ones as their code does; the largest is 6,300.

  >>> split_counts(0)
  [6300, 1585, 1407, 6134, 5812, 4882, 2424, 4785, 6125, 3340]

  Args:
    split: 0..49, their row.

  Returns:
    10 counts in label order.

  Raises:
    UserError: no such split.
  """
  if split not in range(NUM_SPLITS):
    raise UserError(f'split must be a whole number in 0..{NUM_SPLITS - 1}, got {split!r}')
  return list(_rows()[split])


def split_indices(labels: np.ndarray, split: int, seed: int = SEED) -> np.ndarray:
  """The images of a split: `split_counts(split)` of them, drawn for each (seed, split) anew.

  The authors' own choice of images is not recorded. With the default seed these are the
  'index' values of the prepared data, so on the arrays of the config `pool`
  `images[split_indices(labels, split)]` is the 'train' split of the config split_NN.

  Args:
    labels: int [70000], of the pool: the train images, then the test images.
    split: 0..49.
    seed: >= 0.

  Returns:
    int64 [n] positions in the pool, ascending.

  Raises:
    UserError: no such split, a negative seed, other than 70,000 labels, or a class that has
      fewer images than the split takes.
  """
  counts = split_counts(split)
  if len(labels) != NUM_TRAIN + NUM_TEST:
    raise UserError(f'labels must be the {NUM_TRAIN + NUM_TEST} of the pool, got {len(labels)}')
  if seed < 0:
    raise UserError(f'seed must be a whole number >= 0, got {seed}')
  # Nested draws would make the fifty experiments depend on each other.
  return select_indices(labels, counts, NUM_SPLITS * seed + split)


def replica_splits(config: str, num_replicas: int) -> ReplicaSplits | None:
  """As many splits as there are replicas, from split_NN on; of zeros and fours, as many ratios.

  Returns:
    The splits; None for configs that are neither.

  Raises:
    UserError: an unknown config, or they would go beyond split_49 or zero_four_1_9.
  """
  base = _base(config)
  if base in SPLITS:
    series, pool = SPLITS, 'pool'
    choose = [functools.partial(split_indices, split=split) for split in range(NUM_SPLITS)]
  elif base in mnist_pair.RATIOS:
    series, pool = mnist_pair.RATIOS, f'{mnist_pair.PREFIX}pool'
    choose = [
      functools.partial(mnist_pair.pair_indices, config=ratio) for ratio in mnist_pair.RATIOS
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
  """What a split has of a pool: all of its classes."""
  return Part(choose(pool.labels), np.arange(len(pool.class_names)))


def read_mnist(source: str) -> Mnist:
  """Reads the four IDX files of MNIST, or of another data set of the same form.

  Args:
    source: the folder; see `FILES` for the names.

  Returns:
    The pool.

  Raises:
    UserError: a missing or damaged file; not 60,000 and 10,000 images of 28x28 in 10 classes.
  """
  folder = Path(source).expanduser()
  if not folder.is_dir():
    raise UserError(f'source {source} is not a folder; {_ADVICE}')
  files = {}
  for name in FILES:
    forms = [stem + end for stem in (name, name.replace('-idx', '.idx')) for end in ('.gz', '')]
    files[name] = next((folder / form for form in forms if (folder / form).is_file()), None)
  missing = [name for name, path in files.items() if path is None]
  if missing:
    raise UserError(f'source {source} has no {", ".join(missing)}; {_ADVICE}')
  return _read(files)


def recipe(config: str, source: str) -> Recipe:
  """See `data_prep.array_builder.Recipe`; an empty source means a download of MNIST."""
  base = _base(config)
  pixels = ''
  if source:
    mnist = read_mnist(source)
    name, pixels = _name(base, mnist), mnist.pixels
    if config not in (base, name):
      raise UserError(f'dataset long_tail_mnist/{config}: source {source} makes {name}')
    config = name

  def make(data_dir):
    if config != base and not source:
      raise UserError(f'long_tail_mnist/{config} is not prepared in {data_dir}: give its source')
    builder_config = base if config == base else tfds.core.BuilderConfig(name=config)
    return LongTailMnist(config=builder_config, source=source, data_dir=data_dir)

  return Recipe(config, make, pixels)


@functools.cache
def _rows():
  text = resources.files('data_prep').joinpath('elastic_infogan_splits.json').read_text()
  return json.loads(text)['counts']


def _base(config):
  """A config without the hash of its contents, checked."""
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


def _read(files: dict[str, Path]) -> Mnist:
  parts = {name: read_idx(path) for name, path in files.items()}
  for name, part in parts.items():
    number = NUM_TRAIN if name.startswith('train') else NUM_TEST
    shape = (number, 28, 28) if 'images' in name else (number,)
    if part.array.shape != shape:
      raise UserError(f'{files[name]} has the shape {part.array.shape}, MNIST has {shape}')
  exact = {name: part.md5 == FILES[name].md5 for name, part in parts.items()}
  for kind in ('images-idx3-ubyte', 'labels-idx1-ubyte'):
    pair = f'train-{kind}', f't10k-{kind}'
    if exact[pair[0]] != exact[pair[1]]:
      bad, good = sorted(pair, key=exact.get)
      raise UserError(
        f'{files[bad]} is damaged or of another data set (MD5 of its contents {parts[bad].md5}, '
        f"MNIST's {FILES[bad].md5}), while {files[good].name} is MNIST's: replace one of them"
      )
  images, labels = (
    np.concatenate([parts[f'{part}-{kind}'].array for part in ('train', 't10k')])
    for kind in ('images-idx3-ubyte', 'labels-idx1-ubyte')
  )
  found = np.unique(labels).tolist()
  if found != list(range(NUM_CLASSES)):
    folder = files['train-labels-idx1-ubyte'].parent
    raise UserError(
      f'source {folder} has {len(found)} classes with labels {found[0]}..{found[-1]}; needed are '
      f'{NUM_CLASSES} with labels 0..{NUM_CLASSES - 1}'
    )
  original = all(exact.values())
  digest = hashlib.sha256(''.join(part.md5 for part in parts.values()).encode()).hexdigest()
  return Mnist(
    images[..., None],
    labels.astype(np.int64),
    'exact' if original else 'unverified',
    '' if original else digest[:10],
  )


def _download(dl_manager) -> Mnist:
  return _read(
    {
      name: download(dl_manager, f'{URL}{name}.gz', checksums.sha256, _ADVICE)
      for name, checksums in FILES.items()
    }
  )
