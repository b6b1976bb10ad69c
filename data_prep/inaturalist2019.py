"""iNaturalist-2019, naturally long-tailed, from the competition's JSON files and images.

The competition (https://github.com/visipedia/inat_comp, folder 2019) counts 1,010 species and
268,243 images for training and validation together; its image tree is
train_val2019/<group>/<category>/<image>.jpg, and Kaggle numbers the test images from 268243 on.
Of these, train2019.json lists 265,213 (the count of MLE-bench's table of competitions) and
val2019.json the other 3,030, three per species. Papers state 268,243 training images and do not say
whether they trained on the validation images; here the validation images are only the 'test' split.

The paper's balanced reference set needs 16 training images per species. That every species has as
many is not verified against the files; a species with fewer contributes all of its images.
"""

from collections.abc import Iterator
import itertools
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
import tensorflow_datasets as tfds

from data_prep import flag_names
from data_prep.array_builder import ArrayBuilder, Recipe, Split
from data_prep.long_tail import select_indices
from data_prep.pictures import decode_squares
from data_prep.readers import listed_file
from jaxgan.errors import UserError, first_line

OPTIONS = ()
LARGE = '224'  # The config of larger images, named by their side.
SEED = 0
URL = 'https://github.com/visipedia/inat_comp/tree/master/2019'
_WANTED = (
  'name a folder with train2019.json, val2019.json and the image tree train_val2019/, extracted '
  f'from the archives that {URL} lists'
)


class Layout(NamedTuple):
  """The expected sizes of a source, and the images per class of the split 'reference'."""

  train_images: int = 265_213
  test_images: int = 3_030
  num_classes: int = 1_010
  reference_per_class: int = 16


LAYOUT = Layout()


class Inaturalist2019(ArrayBuilder):
  """iNaturalist-2019's 265,213 training and 3,030 validation images of 1,010 species.

  The split 'reference', for distances between distributions, is balanced: 16 training images a
  class, of a seeded shuffle. Centre square, Lanczos to 64x64. Images are decoded while records are
  written, so that preparation holds what a JSON file has (300 MB) and a block of 500 images.

  The config '224' has images for a classifier that reads larger ones: centre square, bilinear to
  224x224, without the split 'reference'. They are 40 GB before compression, more than may fit a
  host or a device: read them with `data.streaming`.
  """

  def __init__(self, *, layout: Layout = LAYOUT, large: bool = False, **kwargs: Any):
    """See `ArrayBuilder`; `layout` has the sizes of the source, `large` chooses 224x224."""
    self._layout, self._large = layout, large
    side = int(LARGE) if large else 64
    self.image_shape = (side, side, 3)
    # The competition names its species by numbers.
    self.class_names = tuple(str(k) for k in range(layout.num_classes))
    # Not in BUILDER_CONFIGS: TFDS would also use an only config for images of 64 pixels.
    super().__init__(config=tfds.core.BuilderConfig(name=LARGE) if large else None, **kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    if not self.source:
      raise UserError(f'inaturalist2019 needs {flag_names.flag("source")}: {_WANTED}')
    root = Path(self.source)
    parts = {
      'train': self._list(root, 'train2019.json', self._layout.train_images),
      'test': self._list(root, 'val2019.json', self._layout.test_images),
    }
    labels = parts['train'].labels
    counts = np.minimum(np.bincount(labels), self._layout.reference_per_class).tolist()
    chosen = {name: np.arange(len(part.labels)) for name, part in parts.items()}
    if not self._large:
      chosen['reference'] = select_indices(labels, counts, SEED)
      parts['reference'] = parts['train']
    facts = {
      'source_kind': 'iNaturalist-2019 JSON and images',
      'pixels': 'resized from the published images',
      'order': 'original',
      'imbalance_ratio': None,
      'seed': SEED,
    }
    return {
      name: Split(self._decode(parts[name].named(at)), parts[name].labels[at], at)
      for name, at in chosen.items()
    }, facts

  def _decode(self, named) -> Iterator[np.ndarray]:
    side = self.image_shape[0]
    bilinear = itertools.repeat(lambda image: _fit_bilinear(image, side)) if self._large else None
    return decode_squares(named, side, bilinear)

  def _list(self, root: Path, name: str, expected: int) -> 'Listing':
    """Returns the files and labels of a JSON file, in its order, checked."""
    path = root / name
    try:
      content = json.loads(path.read_text(encoding='utf-8'))
      categories = sorted(category['id'] for category in content['categories'])
      of_image = {a['image_id']: a['category_id'] for a in content['annotations']}
      files = [image['file_name'] for image in content['images']]
      paths = [listed_file(path, file) for file in files]
      labels = np.array([of_image[image['id']] for image in content['images']])
      if labels.dtype.kind != 'i':
        raise ValueError('a category_id is not an integer')
    except FileNotFoundError as error:
      raise UserError(f'source {root} has no {name}: {_WANTED}') from error
    except UserError:
      raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
      raise UserError(
        f'{path} is damaged ({type(error).__name__}: {first_line(error)}): extract it again'
      ) from error
    num_classes = len(self.class_names)
    if categories != list(range(num_classes)):
      raise UserError(
        f'{path} has {len(categories)} categories, iNaturalist-2019 has {num_classes}'
      )
    if len(files) != expected:
      raise UserError(f'{path} has {len(files)} images, iNaturalist-2019 has {expected}')
    absent = np.setdiff1d(np.arange(num_classes), labels)
    if len(absent) or labels.min() < 0 or labels.max() >= num_classes:
      raise UserError(
        f'{path}: its annotations do not have every category from 0 to {num_classes - 1}'
      )
    missing = [file for file in paths if not os.path.isfile(file)]  # False for invalid names.
    if missing:
      raise UserError(
        f'source {root} has {len(missing)} of {len(files)} images of {name} missing, such as '
        f'{missing[0]}: extract train_val2019.tar.gz again'
      )
    return Listing(paths, labels)


def _fit_bilinear(image: Image.Image, side: int) -> Image.Image:
  """Crops the centre square and resizes it bilinearly."""
  shorter = min(image.size)
  left, top = (image.width - shorter) // 2, (image.height - shorter) // 2
  # Pillow does not interpolate between palette colours.
  image = image.convert('L' if image.mode in ('1', 'L', 'LA', 'La') else 'RGB')
  box = left, top, left + shorter, top + shorter
  return image.resize((side, side), Image.Resampling.BILINEAR, box=box)


class Listing(NamedTuple):
  """The image files of a JSON file and labels int64 [N]."""

  files: list[Path]
  labels: np.ndarray

  def named(self, at: np.ndarray) -> Iterator[tuple[str, Path]]:
    """Yields (name for messages, path) of files, for `decode_squares`."""
    return ((str(self.files[i]), self.files[i]) for i in at)


def recipe(config: str, source: str, layout: Layout = LAYOUT) -> Recipe:
  """See `data_prep.array_builder.Recipe`; the source is needed to prepare the data only."""
  if config not in ('', LARGE):
    raise UserError(
      f'dataset inaturalist2019/{config} is unknown; allowed: inaturalist2019, '
      f'inaturalist2019/{LARGE}'
    )
  return Recipe(
    config,
    lambda data_dir: Inaturalist2019(
      layout=layout, large=config == LARGE, source=source, data_dir=data_dir
    ),
  )
