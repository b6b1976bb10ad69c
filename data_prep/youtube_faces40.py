r"""Forty identities of the YouTube Faces DB, naturally imbalanced, as in Elastic-InfoGAN.

The source is the folder frame_images_DB of the YouTube Faces DB (Wolf, Hassner, Maoz 2011), with
the frames <name>/<video>/<video>.<frame>.jpg and, for each of its 1,595 people, a file
<name>.labeled_faces.txt, whose lines are

  <name>\<video>\<video>.<frame>.jpg,_,x,y,width,height,_,_

with x, y the centre of the face. The first forty people by name are the classes; each face is cut
out along the part of its box inside the frame, and resized to 64x64 (Lanczos).

  youtube_faces40         all of their faces
  youtube_faces40/full    80 % of these, for the evaluation classifier

The 'test' split of both has the 20 % outside `full`. The paper has 10,066 faces and prints the
forty frequencies to three digits, but not its choice of frames. The field `as_published` of the
metadata states whether the data agrees with these numbers; a warning appears if not.

The README of the database describes the folders, the lines and their fields; its web page states
the number of people. Not verified against the files: a file of boxes for each person, and the forty
names.
"""

import functools
import math
import os
from pathlib import Path
from typing import Any, NamedTuple
import warnings

import numpy as np
from PIL import Image
import tensorflow_datasets as tfds

from data_prep.array_builder import ArrayBuilder, Recipe, Split
from data_prep.long_tail import hold_out
from data_prep.object_views import missing, published
from data_prep.pictures import decode_squares
from data_prep.readers import listed_file
from jaxgan.errors import UserError, first_line

OPTIONS = ()
CONFIGS = ('', 'full')
SEED = 0
URL = 'https://www.cs.tau.ac.il/~wolf/ytfaces/'
_WANTED = f'name the folder frame_images_DB of the YouTube Faces DB, extracted; ask for it at {URL}'
_END = '.labeled_faces.txt'


class Face(NamedTuple):
  """A frame and the box (left, top, right, bottom) of its face, in pixels."""

  file: Path
  box: tuple[float, float, float, float]


class Layout(NamedTuple):
  """The number of people in the database, and of classes: the first people by name."""

  people: int = 1595
  num_classes: int = 40


LAYOUT = Layout()


class YoutubeFaces40(ArrayBuilder, skip_registration=True):
  """Faces of the first forty people of the YouTube Faces DB, cut out along their boxes, 64x64.

  Faces keep the order of the files of boxes. Frames are decoded while records are written.
  """

  image_shape = (64, 64, 3)

  def __init__(self, *, source: str, layout: Layout = LAYOUT, **kwargs: Any):
    """See `ArrayBuilder`; `layout` has the expected sizes of the source."""
    self._root, self.class_names = _find_people(source, layout)
    super().__init__(source=source, **kwargs)

  def read_splits(self, dl_manager: Any) -> tuple[dict[str, Split], dict[str, Any]]:
    """See `ArrayBuilder.read_splits`."""
    del dl_manager
    faces = [read_boxes(self._root, name) for name in self.class_names]
    counts = [len(of_one) for of_one in faces]
    labels = np.repeat(np.arange(len(faces)), counts)
    test = hold_out(labels, SEED)
    everything = np.arange(len(labels))
    train = everything if self.builder_config is None else np.setdiff1d(everything, test)
    facts = {
      'source_kind': 'YouTube Faces DB frames',
      'pixels': 'resized from the published images',
      'order': 'by name, then as in the files of boxes',
      'imbalance_ratio': None,
      'n_max': max(counts),
      'seed': SEED,
      'faces': counts,
      'as_published': agrees(counts),
    }
    flat = [face for of_one in faces for face in of_one]
    return {
      name: self._split([flat[i] for i in at], labels[at], at)
      for name, at in (('train', train), ('test', test))
    }, facts

  def _download_and_prepare(self, dl_manager, download_config=None):
    super()._download_and_prepare(dl_manager, download_config)
    metadata: Any = self.info.metadata
    if not metadata['as_published']:
      counts = metadata['faces']
      warnings.warn(
        f'source {self.source} has {sum(counts)} faces of its first {len(counts)} people, '
        f'{min(counts)} to {max(counts)} each; Elastic-InfoGAN had {_published()["images"]}, in '
        'other proportions: results are not comparable with the published ones',
        stacklevel=2,
      )

  def _split(self, faces, labels, indices) -> Split:
    size = self.image_shape[0]
    images = decode_squares(
      ((str(face.file), face.file) for face in faces),
      size,
      (functools.partial(cut_out, box=face.box, size=size) for face in faces),
    )
    return Split(images, labels, indices)


def agrees(counts: list[int]) -> bool:
  """Returns whether the numbers of faces agree with the paper, as far as it prints them.

  It prints the total and the frequencies to three digits: tolerances are 1 % and 0.0015.
  """
  paper, shares = _published(), np.array(counts) / sum(counts)
  close = len(counts) == len(paper['proportions']) and np.allclose(
    shares, paper['proportions'], rtol=0, atol=0.0015
  )
  return bool(close and abs(sum(counts) - paper['images']) <= 0.01 * paper['images'])


def cut_out(image: Image.Image, box: tuple[float, float, float, float], size: int) -> Image.Image:
  """Crops the part of a box (left, top, right, bottom) inside the picture, resized to a square."""
  left, top, right, bottom = box
  inside = (max(left, 0), max(top, 0), min(right, image.width), min(bottom, image.height))
  if inside[0] >= inside[2] or inside[1] >= inside[3]:
    raise ValueError(f'the box {box} is outside the {image.width}x{image.height} frame')
  return image.resize((size, size), Image.Resampling.LANCZOS, inside)


def _find_people(source: str, layout: Layout) -> tuple[Path, tuple[str, ...]]:
  """Returns the folder of the frames and the first people by name."""
  roots = [Path(source), Path(source) / 'frame_images_DB'] if source else []
  found = {root: sorted(root.glob(f'*{_END}')) for root in roots}
  root = next((root for root, files in found.items() if files), None)
  if root is None:
    raise missing('youtube_faces40', source, _WANTED, f'no <name>{_END}')
  # With people missing, the first forty would be different people.
  if len(found[root]) != layout.people:
    raise UserError(
      f'{root} has {len(found[root])} files <name>{_END}, the YouTube Faces DB has '
      f'{layout.people}: extract it again'
    )
  names = sorted(file.name.removesuffix(_END) for file in found[root])
  return root, tuple(names[: layout.num_classes])


def read_boxes(root: Path, name: str) -> list[Face]:
  """Reads the frames of a person and the boxes of faces, in the order of the file of boxes.

  Raises:
    UserError: the file is damaged or empty, or a frame is missing.
  """
  path = root / f'{name}{_END}'
  faces = []
  try:
    for line in filter(None, path.read_text(encoding='utf-8').splitlines()):
      file, _, x, y, width, height, *_ = line.split(',')
      x, y, width, height = float(x), float(y), float(width), float(height)
      if not (width > 0 and height > 0 and all(map(math.isfinite, (x, y, width, height)))):
        raise ValueError(f'a box of {width}x{height} at {x}, {y}')
      box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
      faces.append(Face(listed_file(path, file.replace('\\', '/')), box))
  except UserError:
    raise
  except (OSError, ValueError) as error:
    raise UserError(f'{path} is damaged ({first_line(error)}): extract it again') from error
  if not faces:
    raise UserError(f'{path} has no faces: extract it again')
  # False also for invalid names.
  absent = [face.file for face in faces if not os.path.isfile(face.file)]
  if absent:
    raise UserError(
      f'{path}: {len(absent)} of its {len(faces)} frames are missing, such as {absent[0]}: extract '
      'them again'
    )
  return faces


def _published():
  return published('youtube_faces40')


def recipe(config: str, source: str, layout: Layout = LAYOUT) -> Recipe:
  """See `data_prep.array_builder.Recipe`; the source is needed to prepare the data only."""
  if config not in CONFIGS:
    raise UserError(
      f'dataset youtube_faces40/{config} is unknown; allowed: youtube_faces40 and '
      'youtube_faces40/full'
    )
  builder_config = tfds.core.BuilderConfig(name=config) if config else None

  def make(data_dir):
    return YoutubeFaces40(layout=layout, config=builder_config, source=source, data_dir=data_dir)

  return Recipe(config, make)
