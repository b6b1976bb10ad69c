"""The common part of long-tailed CIFAR-10 and CIFAR-100 (Cao et al. 2019).

TFDS registers the same URLs and SHA-256. The names of archives, folders, files and fields are from
https://www.cs.toronto.edu/~kriz/cifar.html; torchvision reads the same ones.
"""

import functools
from pathlib import Path
from typing import Any, NamedTuple

from data_prep import flag_names, folders, npz, readers
from data_prep.array_builder import ArrayBuilder, Recipe, Split
from data_prep.cifar_batches import Layout, read_batches
from data_prep.download import download
from data_prep.long_tail import class_counts, indices_sha256, select_indices
from jaxgan.errors import UserError
from jaxgan.system import files

SEED = 0


class Copy(NamedTuple):
  """The published archive of a data set, and the names of copies on disk.

  Attributes:
    title: its name in messages.
    url, sha256: of the downloaded archive.
    archives, folders: names of the original archives and of their folders.
    layout: of their files.
    train_per_class, test_per_class: images of every class.
  """

  title: str
  url: str
  sha256: str
  archives: tuple[str, ...]
  folders: tuple[str, ...]
  layout: Layout
  train_per_class: int
  test_per_class: int

  @property
  def accepted(self) -> str:
    """The accepted forms of a source, in words."""
    return (
      f'{", ".join(self.archives)}, {", ".join(self.folders)}, a folder that holds one of these, '
      'a folder with train/<class>/*.jpg|png and test/<class>/*.jpg|png, or an .npz with images, '
      'labels, test_images, test_labels'
    )


class LongTailCifar(ArrayBuilder, skip_registration=True):
  """n_k = floor(n_max ratio^(-k/(K-1))) train images of class k; all test images."""

  image_shape = (32, 32, 3)
  copy: Copy
  # `indices_sha256` of the 50,000 train labels in the original order, if known. Only in this order
  # do indices mean the same images in two copies.
  train_labels_sha256 = ''

  def __init__(self, *, copy: Copy | None = None, **kwargs: Any):
    """See `ArrayBuilder`; `copy` describes the source, by default the published data set."""
    self.copy = copy or type(self).copy
    super().__init__(**kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    found = find_source(self.source, self.copy) if self.source else self._download(dl_manager)
    source, test_part = self._read(found)
    ratio = self.builder_config.ratio
    n_max = self.builder_config.n_max or self.copy.train_per_class
    counts = class_counts(n_max, len(self.class_names), ratio)
    train = select_indices(source.train.labels, counts, SEED)
    test_counts = [self.copy.test_per_class] * len(self.class_names)
    test = select_indices(test_part.labels, test_counts, SEED)
    original = source.kind.endswith('batches') or (
      indices_sha256(source.train.labels) == self.train_labels_sha256
    )
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
      'test': Split(test_part.images[test], test_part.labels[test], test),
    }, facts

  def _read(self, found: 'Found') -> tuple[readers.Source, readers.Labelled]:
    """The source and its test images, checked."""
    source, title = found.read(), self.copy.title
    numbers = tuple(map(str, range(len(self.class_names))))
    if not source.labelled:
      raise UserError(f'source {found.path} has no labels; accepted: {self.copy.accepted}')
    if source.class_names and source.class_names not in (self.class_names, numbers):
      raise UserError(
        f'source {found.path} has the classes {", ".join(source.class_names)}; '
        f'{title} has {", ".join(self.class_names)}'
      )
    if source.test is None:
      raise UserError(f'source {found.path} has no test images; accepted: {self.copy.accepted}')
    expected = ((source.train, self.copy.train_per_class), (source.test, self.copy.test_per_class))
    for split, (part, per_class) in zip(('train', 'test'), expected, strict=True):
      if part.images.shape[1:] != self.image_shape:
        raise UserError(
          f'source {found.path}: {split} images are {part.images.shape[1:]}, '
          f'{title} has {self.image_shape}'
        )
      for label, name in enumerate(self.class_names):
        count = int((part.labels == label).sum())
        if count != per_class:
          raise UserError(
            f'source {found.path}: class {name} has {count} {split} images, '
            f'{title} has {per_class}; use long_tail_folder for other images'
          )
    return source, source.test

  def _download(self, dl_manager) -> 'Found':
    name = self.copy.url.rsplit('/', 1)[-1]
    advice = f'place {name} anywhere and name it with {flag_names.flag("source")}'
    return _batches(download(dl_manager, self.copy.url, self.copy.sha256, advice), self.copy)


def recipe(builder: type[LongTailCifar], config: str, source: str, copy: Copy) -> Recipe:
  """See `data_prep.array_builder.Recipe`; an empty source means a download."""
  configs = [known.name for known in builder.BUILDER_CONFIGS]
  if config not in configs:
    allowed = ', '.join(f'{builder.name}/{known}' for known in configs)
    raise UserError(f'dataset {builder.name}/{config} is unknown; allowed: {allowed}')
  return Recipe(
    config,
    lambda data_dir: builder(copy=copy, config=config, source=source, data_dir=data_dir),
    find_source(source, copy).pixels if source else '',
  )


class Found(NamedTuple):
  """A copy of a data set on disk: its path, the origin of its pixels, and its reader."""

  path: Path
  pixels: str
  read: functools.partial


def find_source(source: str, copy: Copy) -> Found:
  """Recognises a copy of a data set without reading the images.

  Args:
    source: a path; `Copy.accepted` has the accepted forms.
    copy: the data set.

  Raises:
    UserError: the path does not exist or has none of the accepted forms.
  """
  path = files.expanded(source)
  if not path.exists():
    raise UserError(f'source {source} does not exist; accepted: {copy.accepted}')
  if path.is_file() and path.suffix == '.npz':
    return Found(path, npz.npz_pixels(path), functools.partial(npz.read_npz, path))
  if path.is_file() and path.name.endswith(('.tar.gz', '.tgz', '.tar')):
    return _batches(path, copy)
  first = copy.layout.train[0]
  if path.is_dir():
    for folder in (path, *(path / name for name in copy.folders)):
      if any((folder / (first + suffix)).is_file() for suffix in ('', '.bin')):
        return _batches(folder, copy)
    for archive in (path / name for name in copy.archives):
      if archive.is_file():
        return _batches(archive, copy)
    if (path / 'train').is_dir() and (path / 'test').is_dir():
      listed = folders.list_folder(path)
      pixels = folders.files_pixels(listed.train.paths + (listed.test.paths if listed.test else []))
      return Found(path, pixels, functools.partial(folders.read_folder, path))
  raise UserError(f'source {source} is not a copy of {copy.title}; accepted: {copy.accepted}')


def _batches(path, copy):
  return Found(path, 'exact', functools.partial(read_batches, path, copy.layout))
