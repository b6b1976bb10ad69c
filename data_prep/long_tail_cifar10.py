"""Long-tailed CIFAR-10 (Cao et al. 2019) from the original archives or a copy as image files."""

import functools
from pathlib import Path
from typing import NamedTuple

from data_prep import cifar10_batches, readers
from data_prep.array_builder import ArrayBuilder, RatioConfig, Recipe, Split
from data_prep.download import download
from data_prep.long_tail import class_counts, indices_sha256, select_indices
from jaxgan.errors import UserError

OPTIONS = ()
CONFIGS = {
  'ratio_100': {'ratio': 100},
  'ratio_10': {'ratio': 10},
  'ratio_1': {'ratio': 1},
  # Of classifiers in the loop alone (Fig. 5 of Class Balancing GAN).
  'ratio_200': {'ratio': 200},
  'ratio_1000': {'ratio': 1000},
  # 0.1 % of the balanced images, for a classifier that is fine-tuned. They are in all the others.
  'labelled_5': {'n_max': 5},
}
SEED = 0
URL = 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz'
URL_SHA256 = 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd'
# `indices_sha256` of the 50,000 train labels in the original order. Only with this order
# do selected indices name the same images in two copies.
TRAIN_LABELS_SHA256 = 'f5cfe00b0f00968c0cc5ff3b1d2de51b10e33efa277c2986f4e0fa63e58c9f4f'

_ARCHIVES = ('cifar-10-python.tar.gz', 'cifar-10-binary.tar.gz')
_FOLDERS = ('cifar-10-batches-py', 'cifar-10-batches-bin')
_ACCEPTED = (
  f'{", ".join(_ARCHIVES)}, {", ".join(_FOLDERS)}, a folder that holds one of these, '
  'a folder with train/<class>/*.jpg|png and test/<class>/*.jpg|png, or an .npz with images, '
  'labels, test_images, test_labels'
)


class LongTailCifar10(ArrayBuilder):
  """CIFAR-10 with n_k = floor(n_max ratio^(-k/9)) train images of class k; all test images."""

  BUILDER_CONFIGS = [RatioConfig(name=name, **fields) for name, fields in CONFIGS.items()]  # noqa: RUF012
  image_shape = (32, 32, 3)
  class_names = (
    'airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'
  )  # fmt: skip
  train_per_class = 5000
  test_per_class = 1000

  def read_splits(self, dl_manager):
    source = self._read(find_source(self.source) if self.source else _download(dl_manager))
    ratio = self.builder_config.ratio
    n_max = self.builder_config.n_max or self.train_per_class
    counts = class_counts(n_max, len(self.class_names), ratio)
    train = select_indices(source.train.labels, counts, SEED)
    test = select_indices(source.test.labels, [self.test_per_class] * len(self.class_names), SEED)
    original = indices_sha256(source.train.labels) == TRAIN_LABELS_SHA256
    facts = {
      'source_kind': source.kind,
      'pixels': source.pixels,
      # Indices count from the start of the source: by class and file name for class folders.
      'order': 'original' if original else 'of the source, the original order is not known',
      'imbalance_ratio': ratio,
      'n_max': n_max,
      'seed': SEED,
    }
    return {
      'train': Split(source.train.images[train], source.train.labels[train], train),
      'test': Split(source.test.images[test], source.test.labels[test], test),
    }, facts

  def _read(self, found: 'Found') -> readers.Source:
    source = found.read()
    if not source.labelled:
      raise UserError(f'source {found.path} has no labels; accepted: {_ACCEPTED}')
    if source.class_names and source.class_names not in (self.class_names, tuple('0123456789')):
      raise UserError(
        f'source {found.path} has the classes {", ".join(source.class_names)}; '
        f'CIFAR-10 has {", ".join(self.class_names)}'
      )
    if source.test is None:
      raise UserError(f'source {found.path} has no test images; accepted: {_ACCEPTED}')
    expected = ((source.train, self.train_per_class), (source.test, self.test_per_class))
    for split, (part, per_class) in zip(('train', 'test'), expected, strict=True):
      if part.images.shape[1:] != self.image_shape:
        raise UserError(
          f'source {found.path}: {split} images are {part.images.shape[1:]}, '
          f'CIFAR-10 has {self.image_shape}'
        )
      for label, name in enumerate(self.class_names):
        count = int((part.labels == label).sum())
        if count != per_class:
          raise UserError(
            f'source {found.path}: class {name} has {count} {split} images, '
            f'CIFAR-10 has {per_class}; use long_tail_folder for other images'
          )
    return source


class Found(NamedTuple):
  """A copy of CIFAR-10 on disk: path, what its pixels are, and the function that reads it."""

  path: Path
  pixels: str
  read: functools.partial


def find_source(source: str) -> Found:
  """Recognises a copy of CIFAR-10 without reading the images.

  Args:
    source: a path, see the error message for what is accepted.

  Returns:
    What was found.

  Raises:
    UserError: the path does not exist or is none of the accepted forms.
  """
  path = Path(source).expanduser()
  if not path.exists():
    raise UserError(f'source {source} does not exist; accepted: {_ACCEPTED}')
  if path.is_file() and path.suffix == '.npz':
    return Found(path, readers.npz_pixels(path), functools.partial(readers.read_npz, path))
  if path.is_file() and path.name.endswith(('.tar.gz', '.tgz', '.tar')):
    return _batches(path)
  if path.is_dir():
    for folder in (path, *(path / name for name in _FOLDERS)):
      if any((folder / name).is_file() for name in ('data_batch_1', 'data_batch_1.bin')):
        return _batches(folder)
    for archive in (path / name for name in _ARCHIVES):
      if archive.is_file():
        return _batches(archive)
    if (path / 'train').is_dir() and (path / 'test').is_dir():
      train, test, _ = readers.list_folder(path)
      pixels = readers.files_pixels(train.paths + (test.paths if test else []))
      return Found(path, pixels, functools.partial(readers.read_folder, path))
  raise UserError(f'source {source} is not a copy of CIFAR-10; accepted: {_ACCEPTED}')


def recipe(config: str, source: str) -> Recipe:
  """See `data_prep.array_builder.Recipe`; an empty source means a download."""
  if config not in CONFIGS:
    allowed = ', '.join(f'long_tail_cifar10/{name}' for name in CONFIGS)
    raise UserError(f'dataset long_tail_cifar10/{config} is unknown; allowed: {allowed}')
  return Recipe(
    config,
    lambda data_dir: LongTailCifar10(config=config, source=source, data_dir=data_dir),
    find_source(source).pixels if source else '',
  )


def _batches(path):
  return Found(path, 'exact', functools.partial(cifar10_batches.read_cifar10_batches, path))


def _download(dl_manager) -> Found:
  name = URL.rsplit('/', 1)[-1]
  advice = f'place {name} anywhere and name it with --source (config field data.source)'
  return _batches(download(dl_manager, URL, URL_SHA256, advice))
