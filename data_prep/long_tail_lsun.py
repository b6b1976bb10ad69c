"""Five LSUN scenes, long-tailed, at 64x64 from the LMDB folders that LSUN publishes.

The numbers of images, names of folders and URLs agree with TFDS's catalogue of lsun 3.1.0. A key
has 40 hexadecimal digits, a value is an encoded image whose shorter side has 256 pixels. The
authors' README (https://github.com/fyu/lsun) says JPEG, and their script exports files .webp:
either is decoded.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import itertools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from data_prep import flag_names
from data_prep.array_builder import ArrayBuilder, RatioConfig, Recipe, Split
from data_prep.long_tail import class_counts, shuffled_class
from data_prep.pictures import decode_squares
from jaxgan.errors import UserError, first_line

OPTIONS = ('picture',)
CONFIGS: dict[str, dict[str, Any]] = {
  'ratio_100': {'ratio': 100},
  'ratio_10': {'ratio': 10},
  'ratio_1': {'ratio': 1},
  # 0.1 % of the balanced images, for fine-tuning a classifier; a subset of all other configs.
  'labelled_50': {'n_max': 50},
}
PICTURES = {  # Option `picture` -> its words in the metadata.
  'centre_crop': 'centre square, Lanczos to 64x64',
  'squash': 'the whole picture, bilinear to 64x64',
}
SEED = 0
URL = 'http://dl.yf.io/lsun/scenes/'


def _name(config: str, picture: str) -> str:
  """Returns the name of the prepared data; the part after '-' is kept if the source is missing."""
  return config if picture == 'centre_crop' else f'{config}-{picture}'


class Layout(NamedTuple):
  """The published images of each scene, and the numbers that are used.

  Attributes:
    train_images: published training images, in class order.
    test_images: published test images per class.
    train_per_class: used training images per class, if balanced.
    reference_per_class: images per class in each of the two reference splits.
  """

  train_images: tuple[int, ...] = (3_033_042, 229_069, 657_571, 2_212_277, 1_315_802)
  test_images: int = 300
  train_per_class: int = 50_000
  reference_per_class: int = 2_000


LAYOUT = Layout()


@dataclasses.dataclass(kw_only=True)
class LsunConfig(RatioConfig):
  """A RatioConfig with the way that pictures are resized, of PICTURES."""

  picture: str = 'centre_crop'


class LongTailLsun(ArrayBuilder):
  """LSUN scenes with n_k = floor(n_max ratio^(-k/4)) training images of class k, 64x64.

  A seeded shuffle of the keys of a scene, in LMDB's order, begins with 50,000 training images, of
  which the imbalance ratio keeps the first n_k. The next 2,000 are the split 'reference', for
  distances between distributions. The split 'test' has LSUN's 300 validation images. The authors'
  released code compares with training images instead: 'reference_released' has the first 2,000 of
  the 50,000. Pictures are cropped to their centre square (Lanczos) or squashed as a whole
  (bilinear, as in the released code). Images are decoded while records are written: preparation
  holds 500 encoded images, and 120 MB while it shuffles the three million positions of a scene.
  """

  BUILDER_CONFIGS = [  # noqa: RUF012
    LsunConfig(name=_name(name, picture), picture=picture, **fields)
    for picture in PICTURES
    for name, fields in CONFIGS.items()
  ]
  image_shape = (64, 64, 3)
  class_names = ('bedroom', 'conference_room', 'dining_room', 'kitchen', 'living_room')

  def __init__(self, *, layout: Layout = LAYOUT, **kwargs: Any):
    """See `ArrayBuilder`; `layout` has the expected sizes of the source."""
    self._layout = layout
    super().__init__(**kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    root, layout = _check_source(self.source), self._layout
    test_images = [layout.test_images] * len(self.class_names)
    train = self._folders(root, 'train', layout.train_images)
    test = self._folders(root, 'val', test_images)
    n_max = self.builder_config.n_max or layout.train_per_class
    ratio = self.builder_config.ratio
    counts = class_counts(n_max, len(self.class_names), ratio)
    training, reference, released = [], [], []
    for k, images in enumerate(layout.train_images):
      order = shuffled_class(np.full(images, k), k, SEED)
      training.append(np.sort(order[: counts[k]]))
      reference.append(np.sort(order[layout.train_per_class :][: layout.reference_per_class]))
      released.append(np.sort(order[: layout.reference_per_class]))
    facts = {
      'source_kind': 'LSUN LMDB',
      'pixels': 'resized from the published images',
      'picture': PICTURES[self.builder_config.picture],
      'order': 'original',
      'imbalance_ratio': ratio,
      'n_max': n_max,
      'seed': SEED,
    }
    return {
      'train': self._split(train, training, layout.train_images),
      'test': self._split(test, list(map(np.arange, test_images)), test_images),
      'reference': self._split(train, reference, layout.train_images),
      'reference_released': self._split(train, released, layout.train_images),
    }, facts

  def _folders(self, root: Path, part: str, expected) -> list[Path]:
    """Returns the LMDB folder of each class, checked."""
    folders = [root / f'{name}_{part}_lmdb' for name in self.class_names]
    for folder, images in zip(folders, expected, strict=True):
      with _open_lmdb(folder) as environment:
        found = environment.stat()['entries']
      if found != images:
        raise UserError(f'{folder} has {found} images, LSUN publishes {images}: unzip it again')
    return folders

  def _split(self, folders, chosen, sizes) -> Split:
    """Makes a split of positions in each LMDB; an index counts through all LMDBs."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    encoded = (
      image for folder, at in zip(folders, chosen, strict=True) for image in _read(folder, at)
    )
    squash = self.builder_config.picture == 'squash'
    return Split(
      decode_squares(encoded, self.image_shape[0], itertools.repeat(_squash) if squash else None),
      np.repeat(np.arange(len(chosen)), [len(at) for at in chosen]),
      np.concatenate([start + at for start, at in zip(starts, chosen, strict=True)]),
    )


def _squash(image: Image.Image) -> Image.Image:
  side = LongTailLsun.image_shape[0]
  return image.convert('RGB').resize((side, side), Image.Resampling.BILINEAR)


def _check_source(source: str) -> Path:
  scenes = ', '.join(LongTailLsun.class_names)
  wanted = (
    f'name a folder with <scene>_train_lmdb and <scene>_val_lmdb of {scenes}, unzipped from {URL}'
    '<scene>_train_lmdb.zip and <scene>_val_lmdb.zip'
  )
  if not source:
    raise UserError(f'long_tail_lsun needs {flag_names.flag("source")}: {wanted}')
  root = Path(source)
  missing = [
    name
    for scene in LongTailLsun.class_names
    for name in (f'{scene}_train_lmdb', f'{scene}_val_lmdb')
    if not (root / name / 'data.mdb').is_file()
  ]
  if missing:
    raise UserError(f'source {source} has no {missing[0]}/data.mdb: {wanted}')
  return root


@contextlib.contextmanager
def _open_lmdb(folder: Path):
  try:
    import lmdb
  except ImportError as error:
    raise UserError("LSUN's files need the package lmdb: pip install lmdb") from error
  try:
    with lmdb.open(str(folder), readonly=True, lock=False, readahead=False) as environment:
      # A page beyond the end of the file would kill the process.
      size = (environment.info()['last_pgno'] + 1) * environment.stat()['psize']
      if (folder / 'data.mdb').stat().st_size < size:
        raise UserError(f'{folder} is truncated, data.mdb must have {size} bytes: unzip it again')
      yield environment
  except lmdb.Error as error:
    raise UserError(f'{folder} cannot be read ({first_line(error)}): unzip it again') from error


def _read(folder: Path, positions) -> Iterator[tuple[str, bytes]]:
  """Yields (name, encoded image) at ascending positions in the order of the keys."""
  wanted = iter(positions)
  position = next(wanted, None)
  with (
    _open_lmdb(folder) as environment,
    environment.begin() as transaction,
    transaction.cursor() as cursor,
  ):
    for at, key in enumerate(cursor.iternext(keys=True, values=False)):
      if position is None:
        return
      if at == position:
        yield f'{key.decode(errors="replace")} of {folder}', bytes(cursor.value())
        position = next(wanted, None)


def recipe(
  config: str, source: str, picture: str = 'centre_crop', layout: Layout = LAYOUT
) -> Recipe:
  """See `data_prep.array_builder.Recipe`; the source is needed to prepare the data only."""
  if config not in CONFIGS:
    allowed = ', '.join(f'long_tail_lsun/{name}' for name in CONFIGS)
    raise UserError(f'dataset long_tail_lsun/{config} is unknown; allowed: {allowed}')
  if picture not in PICTURES:
    raise UserError(
      f'{flag_names.flag("picture")}={picture!r}: expected one of {", ".join(PICTURES)}'
    )
  name = _name(config, picture)
  return Recipe(
    name,
    lambda data_dir: LongTailLsun(layout=layout, config=name, source=source, data_dir=data_dir),
  )
